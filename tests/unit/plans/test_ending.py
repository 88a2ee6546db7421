"""A sweep ends for its first reason, though what was under way fails meanwhile."""

import os
import threading

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky import RunEngine
from bluesky.utils import FailedStatus, RunEngineInterrupted
from ophyd import Signal
from ophyd.status import Status

from lics_beamline.errors import DidNotSettle, Stopped
from lics_beamline.plans.baseline import with_baseline
from lics_beamline.plans.ending import SweepEnding
from lics_beamline.plans.sweep import as_run


class Heater:
    """Something that moves until it is made safe."""

    name, parent = "heater", None

    def __init__(self):
        self.status = Status()

    def set(self, _):
        return self.status

    def make_safe(self):
        self.status.set_exception(DidNotSettle("the heater was made safe at 306 K.", ended="made safe"))

    def stop(self, *, success=False):
        pass


def stopped_while_it_heats(heater, ending, *, clean_up=5):
    def heat():
        yield from bps.abs_set(heater, 340.0)
        raise Stopped("stopped by a person.")

    def rescue(_):
        ending.begin()
        heater.make_safe()
        for _ in range(clean_up):  # the engine hears of the heater at one of these
            yield from bps.sleep(0.05)

    run = as_run(bpp.contingency_wrapper(heat(), except_plan=rescue), {})
    return ending.for_the_first_reason(run)


def test_what_is_made_safe_does_not_take_the_place_of_the_first_reason():
    documents = []
    engine = RunEngine({}, call_returns_result=True)
    engine.subscribe(lambda *document: documents.append(document))
    with pytest.raises(Stopped, match="by a person"):
        engine(stopped_while_it_heats(Heater(), SweepEnding()))
    name, stop = documents[-1]
    assert (name, stop["exit_status"], stop["reason"]) == ("stop", "abort", "stopped by a person.")


def test_before_the_end_a_failure_is_heard_at_once():
    heater = Heater()

    def plan():
        yield from bps.abs_set(heater, 340.0)
        heater.status.set_exception(DidNotSettle("the heater does not arrive."))
        while True:
            yield from bps.sleep(0.05)

    with pytest.raises(FailedStatus):
        RunEngine({})(SweepEnding().for_the_first_reason(plan()))


def test_an_instrument_made_safe_from_outside_aborts_the_run():
    documents = []
    heater = Heater()

    def plan():
        yield from bps.abs_set(heater, 340.0)
        heater.make_safe()
        while True:
            yield from bps.sleep(0.05)

    engine = RunEngine({})
    engine.subscribe(lambda *document: documents.append(document))
    with pytest.raises(FailedStatus):
        engine(SweepEnding().for_the_first_reason(as_run(plan(), {})))
    name, stop = documents[-1]
    assert (name, stop["exit_status"]) == ("stop", "abort")
    assert "made safe at 306 K" in stop["reason"]


@pytest.mark.parametrize("messages", [0, 1, 2], ids=["opened", "read", "saved"])
def test_a_run_that_is_aborted_in_an_event_drops_it_and_records_its_end(messages):
    documents = []
    engine = RunEngine({})
    engine.subscribe(lambda *document: documents.append(document))
    reading = Signal(name="load", value=1.0)

    def plan():
        event = (lambda: bps.create("holds"), lambda: bps.read(reading), bps.save)
        for message in event[: messages + 1]:
            yield from message()
        threading.Thread(target=engine.abort, args=("Ctrl-C",)).start()
        while True:
            yield from bps.sleep(0.05)

    with pytest.raises(RunEngineInterrupted):
        engine(with_baseline(as_run(plan(), {}), [reading]))
    streams = {doc["uid"]: doc["name"] for name, doc in documents if name == "descriptor"}
    events = [streams[doc["descriptor"]] for name, doc in documents if name == "event"]
    assert events == ["baseline", *(["holds"] if messages == 2 else []), "baseline"]
    name, stop = documents[-1]
    assert (name, stop["exit_status"]) == ("stop", "abort")
    assert "ended from outside the plan" in stop["reason"]
