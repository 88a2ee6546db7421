"""Heating with real devices and real spectra over Channel Access: along an isobar, then at a held load.

At 150 times the wall clock some milliseconds between a spectrum and its thermocouple are seconds of lag; twenty kelvin
over the real time of a beamline are predicted better, see ``tests/benchmarks/test_heating.py``.
"""

import dataclasses
import json
import os
from itertools import pairwise

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

import bluesky.plan_stubs as bps

from lics_beamline.control.gain import Gain
from lics_beamline.control.heating import prior_of
from lics_beamline.control.path import HeatingLeg, Point
from lics_beamline.data_folder import DataFolder
from lics_beamline.plans.action import do
from lics_beamline.plans.approach import wait
from lics_beamline.plans.gauge import laser_on, prepare, read_ruby
from lics_beamline.plans.heating import heat
from lics_beamline.plans.measure import Notes
from lics_beamline.plans.reference import reference_line
from lics_beamline.plans.walk import arm
from lics_beamline.profile import read_profile
from lics_beamline.session.session import open_session
from lics_beamline.session.simulation import simulated_beamline

SPEED = 150.0
WORLD = """
like = "volumetric"
[cell]
friction_bar = 1.0
friction_per_bar = 0.03
creep_fraction = 0.03
thermal_gpa_per_k = 9.0e-3
"""  # a narrow dead band, soon crossed, little creep, and more thermal pressure than the profile expects
LOAD_BAR = 22.0
MOST_THERMOCOUPLE_GPA = 0.031  # a class 1 thermocouple may be 1.5 K off; 1 K moves the ruby's pressure by 0.0205 GPa


def warming(session, kept):
    """Plan: load quickly, then 20 K along the isobar of the pressure that came, then 20 K at a held load."""
    settings, beamline = session.profile.values, session.beamline
    yield from prepare(beamline, settings.ruby)
    reference = yield from reference_line(beamline)
    recipe = session.recipe.with_reference(reference.r1_nm, reference.temperature_k, reference.r1_sigma_nm)
    yield from arm(beamline, settings.membrane)
    yield from do("slew", lambda: beamline.membrane.set_slew(0.05))
    yield from bps.abs_set(beamline.membrane, LOAD_BAR, wait=True)
    yield from wait(beamline, 300.0)
    yield from bps.open_run({"purpose": "test"})
    gauge, notes = recipe.ruby.gauge(), Notes()
    yield from laser_on(beamline)
    ruby = yield from read_ruby(beamline, gauge, stream="look")
    yield from bps.save()
    kept["isobar_gpa"] = ruby.pressure.gpa
    common = {"gauge": gauge, "settings": settings, "notes": notes}
    prior = dataclasses.replace(prior_of(settings, None), gain=Gain(gpa_per_bar=0.2, error=0.1), edge=+1)
    heated = None
    for index, (to_k, held) in enumerate(
        [(318.0, {"hold": "pressure", "pressure_gpa": ruby.pressure.gpa}), (338.0, {"hold": "load"})]
    ):
        leg = HeatingLeg(
            kind="heating", name=held["hold"], temperatures_k=(to_k,), ramp_rate_k_per_min=5.0, soak_s=60.0, **held
        )
        point = Point(index=index, leg=leg, pressure_gpa=leg.isobar_gpa, temperature_k=to_k)
        heated = yield from heat(beamline, point, leg, prior=prior, after=heated, **common)
        kept[leg.hold] = beamline.clock.now_s()
    yield from bps.close_run()


@pytest.fixture(scope="module")
def warmed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warmed")
    world = folder / "cell.toml"
    world.write_text(WORLD)
    profile, data, kept, events = read_profile("simulated"), DataFolder(folder / "data"), {}, []
    with (
        simulated_beamline(profile, data, speed=SPEED, seed=5, world=str(world)) as simulated,
        open_session(profile, data, simulated=simulated, followers=()) as session,
    ):
        session.engine.subscribe(lambda name, doc: events.append(doc["data"]) if name == "event" else None)
        session.engine(warming(session, kept))
    truth = [json.loads(line) for line in (data.plates / "truth.jsonl").read_text().splitlines()]
    world = [entry for entry in truth if entry["kind"] == "world"]
    return kept, [event for event in events if "phase_of_heating" in event], world


def test_an_isobar_is_held_after_its_dead_band_was_crossed_at_rest_and_the_load_never_rises(warmed):
    kept, events, _ = warmed
    own = [event for event in events if event["hold"] == "pressure"]
    crossing = [event for event in own if event["phase_of_heating"] == "cross"]
    assert crossing[0]["membrane_load_bar"] - crossing[-1]["membrane_load_bar"] > 2.0
    assert max(event["ruby_temperature_k"] for event in crossing) < crossing[0]["ruby_temperature_k"] + 1.0
    assert all(abs(event["pressure_gpa"] - kept["isobar_gpa"]) < 0.1 for event in own)
    assert own[-1]["ruby_temperature_k"] > own[0]["ruby_temperature_k"] + 17.0
    loads = [event["membrane_load_bar"] for event in own]
    assert all(later < before + 0.03 for before, later in pairwise(loads))


def test_the_pressure_at_a_held_load_is_predicted_as_it_comes_to_be(warmed):
    _, events, world = warmed
    own = [event for event in events if event["hold"] == "load"]
    said = [event for event in own if event["final_pressure_gpa"] == event["final_pressure_gpa"]]
    late = next(event for event in said if event["ruby_temperature_k"] > own[0]["ruby_temperature_k"] + 14.0)
    last = own[-1]
    rise_gpa = last["pressure_gpa"] - own[0]["pressure_gpa"]
    assert rise_gpa > 0.05
    assert abs(late["final_pressure_gpa"] - last["pressure_gpa"]) < 0.05
    assert all(abs(e["final_pressure_gpa"] - last["pressure_gpa"]) < 4.0 * e["final_sigma_gpa"] for e in said[:3])
    # As the cell was when it was read: a session that ends leaves nothing at work, and the cell cools.
    then = max((e for e in world if e["time_s"] <= last["experiment_time_s"]), key=lambda entry: entry["time_s"])
    assert abs(last["pressure_gpa"] - then["ruby_gpa"]) < 0.05 + MOST_THERMOCOUPLE_GPA
    assert {event["next_load_bar"] for event in own} == {event["membrane_load_bar"] for event in own}
