"""What a plan does because of live results: under a real engine, with a reducer that is late, dead, or sees nothing."""

import math
import os
import threading
from types import SimpleNamespace

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

import bluesky.plan_stubs as bps
from bluesky import RunEngine
from derived_run import START, derived, reduced

from lics_beamline import schema
from lics_beamline.control.condition import condition
from lics_beamline.control.path import HoldLeg, Point
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import DidNotSettle
from lics_beamline.journal.writer import Journal
from lics_beamline.plans.decisions import ConditionWatch, Decisions
from lics_beamline.plans.live import LiveResults
from lics_beamline.plans.measure import Measured
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.pausing import Pausing
from lics_beamline.profile import LiveSettings
from lics_beamline.session.requests import RequestFiles
from lics_beamline.sweep_request import sweep_status

LEG = HoldLeg(kind="hold", name="watched", temperature_k=298.0, count=4)


class Sweep:
    """A run in a data folder: its requests, its live results, a beamline that stands still, plates that are read."""

    def __init__(self, folder, **patience):
        self.data = DataFolder(folder).make()
        self.told, self.documents = [], []
        self.requests = RequestFiles(self.data)
        self.live = LiveResults(self.data.derived_journals, START, settings=LiveSettings(**patience))
        value = {
            name: SimpleNamespace(get=lambda value=value, **_: value, connected=True, metadata={})
            for name, value in VALUES.items()
        }
        self.beamline = SimpleNamespace(
            clock=SimpleNamespace(now_s=lambda: 1000.0),
            membrane=SimpleNamespace(load_bar=value["load"], stop=lambda: self.told.append("membrane")),
            heater=SimpleNamespace(rest=lambda: self.told.append("heater"), go_on=lambda: self.told.append("on")),
            thermocouples=SimpleNamespace(gasket_k=value["gasket"]),
            ruby=SimpleNamespace(laser_readback=value["laser"]),
            plate=None,
            beam=SimpleNamespace(shutter=SimpleNamespace(state=value["shutter"])),
        )
        self.decisions = Decisions(
            self.beamline,
            self.live,
            plates=SimpleNamespace(finish=bps.null),
            note=Noted("decision", schema.DECISIONS_FIELDS),
        )

    def run(self, plan):
        """Walk it, in a run that can be held; returns what it gives back."""
        given = []

        def inside():
            yield from bps.open_run()
            given.append((yield from plan))
            yield from bps.close_run()

        engine = RunEngine({}, context_managers=[])
        engine.subscribe(lambda name, doc: self.documents.append((name, doc)))
        pausing = Pausing(self.beamline, self.requests, hinders=self.live.lag)
        try:
            with self.requests.open():
                engine(pausing.pausable(inside()))
        finally:
            self.live.close()
        return given[0]

    def events(self, stream):
        streams = {doc["uid"]: doc["name"] for name, doc in self.documents if name == "descriptor"}
        return [doc["data"] for name, doc in self.documents if name == "event" and streams[doc["descriptor"]] == stream]


VALUES = {"load": 24.1, "gasket": 298.2, "laser": "Off", "shutter": "Closed"}


def point(index):
    return Point(index=index, leg=LEG, pressure_gpa=math.nan, temperature_k=298.0)


def exposed(uid, *, dose_counts=1.0e6):
    return Measured(exposure_uid=uid, dose_counts=dose_counts, middle_s=900.0)


def watched(sweep, text, points):
    """A leg that goes on until a condition is met; returns how many points it took."""
    watch = ConditionWatch(sweep.decisions, condition(text), asked=text)
    for index in range(points):
        if (yield from watch.after(point(index), exposed(f"e{index}"), last=index == points - 1)):
            return index + 1
    return 0


def test_a_leg_ends_at_the_point_that_meets_its_condition_and_each_decision_is_recorded(tmp_path):
    sweep = Sweep(tmp_path)
    with Journal(sweep.data.derived_journals) as journal:
        derived(journal, "run")
        for index, fraction in enumerate((0.1, math.nan, 0.8, 0.97, 1.0)):
            more = {"alloy_fraction": fraction, "alloy_fraction_sigma": 0.01, "pressure_gpa": 3.1}
            reduced(journal, "run", f"e{index}", index + 1, **more)
        assert sweep.run(watched(sweep, "alloy > 0.95", 5)) == 4
    events = sweep.events("decisions")
    assert [event["exposure_uid"] for event in events] == ["e0", "e1", "e2", "e3"]
    assert {event["derived_uid"] for event in events} == {"run"}
    assert (events[3]["value"], events[3]["value_sigma"], events[3]["seen_pressure_gpa"]) == (0.97, 0.01, 3.1)
    assert "the point shows nothing" in events[1]["choice"]
    assert events[3]["choice"].startswith("the leg ends here")
    assert sweep.events("holds") == []


def test_what_is_lost_is_told_by_its_amount_for_the_dose_against_the_largest_of_the_leg(tmp_path):
    sweep = Sweep(tmp_path)
    with Journal(sweep.data.derived_journals) as journal:
        derived(journal, "run")
        for index, scale in enumerate((math.nan, 4.0, 3.0, math.nan)):
            reduced(
                journal, "run", f"e{index}", index + 1, alloy_scale=scale, alloy_scale_sigma=0.1, alloy_fraction=1.0
            )
        assert sweep.run(watched(sweep, "alloy lost", 4)) == 4
    values = [event["value"] for event in sweep.events("decisions")]
    assert math.isnan(values[0]), "it was never there: it cannot be lost"
    assert values[1:] == [1.0, 0.75, 0.0]


def test_a_late_result_holds_the_sweep_and_it_goes_on_when_the_result_comes(tmp_path):
    sweep = Sweep(tmp_path, deadline_s=0.2, most_held_s=300.0)
    journal = Journal(sweep.data.derived_journals)

    def reduce_when_held():
        while (said := sweep_status(sweep.data)) is None or said.state != "held":
            threading.Event().wait(0.05)
        derived(journal, "run")
        reduced(journal, "run", "e0", alloy_fraction=0.99, alloy_fraction_sigma=0.01)

    reducer = threading.Thread(target=reduce_when_held)
    reducer.start()
    assert sweep.run(watched(sweep, "alloy > 0.95", 1)) == 1
    reducer.join()
    journal.close()
    held, continued = sweep.events("holds")
    assert (held["hold_did"], held["hold_who"], continued["hold_did"]) == ("held", "engine", "continued")
    assert "point 1 has not been reduced within 0.2 s of wall clock: no live reducer is at work" in held["hold_why"]
    assert sweep.told == ["membrane", "heater", "on"], "gas and temperature stayed where they were"


def test_a_reducer_that_stays_dead_ends_the_plan_after_the_stated_limit(tmp_path):
    sweep = Sweep(tmp_path, deadline_s=0.1, most_held_s=5)
    with pytest.raises(DidNotSettle, match=r"no live reducer is at work.*held for 5 s, which is the most"):
        sweep.run(watched(sweep, "alloy > 0.95", 2))
    assert [event["hold_did"] for event in sweep.events("holds")] == ["held"], "and nothing goes on"
    assert sweep.events("decisions") == []


def test_a_leg_ends_where_a_phase_comes_that_the_recipe_does_not_have_but_not_for_one_that_was_loaded(tmp_path):
    sweep = Sweep(tmp_path)
    with Journal(sweep.data.derived_journals) as journal:
        derived(journal, "run")
        for index, new in enumerate(("unknown 1", "", "unknown 2", "")):
            reduced(journal, "run", f"e{index}", index + 1, pressure_gpa=3.1, new_phases=new)
        assert sweep.run(watched(sweep, "new phase", 4)) == 3
    decided = sweep.events("decisions")
    assert [event["value"] for event in decided] == [0.0, 0.0, 1.0]
    assert {event["quantity"] for event in decided} == {"new phases"}


def test_a_hunt_for_a_new_phase_sees_the_part_of_the_area_that_unexplained_lines_have():
    from lics_beamline.control.condition import NEW_PHASE
    from lics_beamline.plans.live import LiveResult

    data = {"reduced": True, "phases": "cs-fcc", "unknown_fraction": 0.3, "unknown_fraction_sigma": 0.04}
    amount = LiveResult(derived_uid="d", data=data).fraction(NEW_PHASE)
    assert (amount.value, amount.sigma) == (0.3, 0.04)


def test_a_phase_is_not_all_of_the_sample_while_there_is_one_that_nobody_named(tmp_path):
    sweep = Sweep(tmp_path)
    unnamed = {"unknown_phases": "unknown 1", "unknown_fraction": 0.3, "unknown_fraction_sigma": 0.04}
    alone = {"alloy_fraction": 1.0, "alloy_fraction_sigma": 0.0, "pressure_gpa": 3.1}
    with Journal(sweep.data.derived_journals) as journal:
        derived(journal, "run")
        for index, more in enumerate((unnamed, {})):
            reduced(journal, "run", f"e{index}", index + 1, **alone, **more)
        assert sweep.run(watched(sweep, "alloy > 0.95", 2)) == 2
    first, second = sweep.events("decisions")
    assert (first["value"], first["value_sigma"]) == pytest.approx((0.7, 0.04))
    assert first["choice"].endswith("fraction 0.700 +- 0.040, beside unknown 1")
    assert (second["value"], second["value_sigma"]) == (1.0, 0.0)
