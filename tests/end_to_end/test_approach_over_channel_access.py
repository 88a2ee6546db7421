"""The approach with real devices and real spectra over Channel Access at 60 times, on a cell of another gain."""

import json
import os

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

import bluesky.plan_stubs as bps

from lics_beamline.control.path import Point, PressureLeg
from lics_beamline.data_folder import DataFolder
from lics_beamline.plans.approach import approach
from lics_beamline.plans.gauge import prepare
from lics_beamline.plans.measure import Notes
from lics_beamline.plans.reference import reference_line
from lics_beamline.plans.walk import arm
from lics_beamline.profile import read_profile
from lics_beamline.session.session import open_session
from lics_beamline.session.simulation import simulated_beamline

SPEED = 60.0
THERMOCOUPLE_GPA = 0.031  # a class 1 thermocouple may be 1.5 K off; 1 K moves the ruby's pressure by 0.0205 GPa
WORLD = """
like = "volumetric"
[cell]
friction_bar = {friction}
creep_fraction = {creep}
slips_per_bar = 0.3
slip_low_bar = {slip}
slip_high_bar = {slip}
[cell.load_curve]
form = "saturating"
start_gpa = 0.12
free_travel_bar = 4.5
gain_gpa_per_bar = {gain}
ceiling_gpa = 15.0
"""


def going_to(session, target_gpa, *, phases):
    """Plan: read the reference, arm, and approach one pressure; keeps the phases it went through."""
    settings, beamline = session.profile.values, session.beamline
    yield from prepare(beamline, settings.ruby)
    reference = yield from reference_line(beamline)
    recipe = session.recipe.with_reference(reference.r1_nm, reference.temperature_k, reference.r1_sigma_nm)
    leg = PressureLeg(kind="pressure", name="up", stroke="upstroke", temperature_k=298.0, pressures_gpa=(target_gpa,))
    yield from arm(beamline, settings.membrane)
    yield from bps.open_run({"purpose": "test"})
    decision = yield from approach(
        beamline,
        Point(index=0, leg=leg, pressure_gpa=target_gpa, temperature_k=298.0),
        gauge=recipe.ruby.gauge(),
        settings=settings,
        notes=Notes(),
    )
    phases.append(str(decision.state.outcome))
    yield from bps.close_run()


@pytest.mark.nightly
@pytest.mark.parametrize(("gain", "friction", "creep", "slip", "target_gpa"), [(0.6, 1.5, 0.20, 0.05, 1.2)])
def test_a_cell_of_another_gain_is_brought_to_its_target_and_not_beyond(
    tmp_path, gain, friction, creep, slip, target_gpa
):
    world = tmp_path / "cell.toml"
    world.write_text(WORLD.format(gain=gain, friction=friction, creep=creep, slip=slip))
    profile, data, phases, readings = read_profile("simulated"), DataFolder(tmp_path / "data"), [], []
    with (
        simulated_beamline(profile, data, speed=SPEED, seed=5, world=str(world)) as simulated,
        open_session(profile, data, simulated=simulated, followers=()) as session,
    ):
        session.engine.subscribe(lambda name, doc: readings.append(doc["data"]) if name == "event" else None)
        session.engine(going_to(session, target_gpa, phases=phases))
    truth = [json.loads(line) for line in (data.plates / "truth.jsonl").read_text().splitlines()]
    at_the_ruby = [entry["ruby_gpa"] for entry in truth if entry["kind"] == "world"]
    assert phases == ["reached"]
    assert abs(at_the_ruby[-1] - target_gpa) < 0.05 + THERMOCOUPLE_GPA
    assert max(at_the_ruby) < target_gpa + 0.05 + THERMOCOUPLE_GPA
    assert [reading["target_pressure_gpa"] for reading in readings] == [target_gpa] * len(readings)
    assert readings[-1]["phase_of_approach"] == "hold"
    assert len(readings) < 20
