"""One random cell with real devices and a simulated beamline of its own: up to a target, and down to another."""

from __future__ import annotations

import json
import logging
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worlds.stepped_world import EXPOSURE_S, Case, Score, random_case

SPEED = 60.0
WILD = 0.05  # of the spectra have their lines 0.05 to 0.6 nm from where they belong: 0.14 to 1.6 GPa
CLOSE_GPA = 0.25  # least way between two targets
# No error of the thermocouple: how far it moves the ruler is judged where rulers are.
WORLD = """
like = "volumetric"
[thermocouples]
tolerance_k = 0.0
[cell]
friction_bar = {friction_bar}
friction_per_bar = {friction_per_bar}
creep_fraction = {creep_fraction}
slips_per_bar = {slips_per_bar}
slip_low_bar = {slip_low_bar}
slip_high_bar = {slip_high_bar}
[cell.load_curve]
form = "saturating"
start_gpa = {start_gpa}
free_travel_bar = {free_travel_bar}
gain_gpa_per_bar = {gain_gpa_per_bar}
ceiling_gpa = {ceiling_gpa}
"""


@dataclass(frozen=True)
class Walked:
    """One approach as its plan saw it: readings, and when it began and ended [s of experiment]."""

    target_gpa: float
    direction: int
    ended: str
    readings: int
    began_s: float
    ended_s: float


def cold_cases(count: int, *, first_seed: int) -> list[Case]:
    """Cells of the distribution of `random_case` at room temperature, with a way down as well as up."""
    found: list[Case] = []
    seed = first_seed
    while len(found) < count:
        case = random_case(seed)
        if case.preset.ambient_k == 298.0 and case.down_gpa:
            found.append(case)
        seed += 1
    return found


def world_of(case: Case) -> str:
    """Return a case's cell as a preset of the simulators."""
    cell = case.preset.cell
    curve = cell.load_curve
    names = ("friction_bar", "friction_per_bar", "creep_fraction", "slips_per_bar", "slip_low_bar", "slip_high_bar")
    numbers = {name: getattr(cell, name) for name in names}
    ends = ("start_gpa", "free_travel_bar", "gain_gpa_per_bar", "ceiling_gpa")
    return WORLD.format(**numbers, **{name: getattr(curve, name) for name in ends})


def walked(case: Case, folder: Path) -> list[Score]:
    """Take a cell to its middle target up and to its first target down; score both against the hidden truth.

    Runs in a process of its own: the environment of Channel Access is that of one beamline.
    """
    os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported
    logging.getLogger("caproto").setLevel(logging.ERROR)
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.profile import read_profile
    from lics_beamline.session.session import open_session
    from lics_beamline.session.simulation import simulated_beamline

    folder.mkdir()
    world = folder / "cell.toml"
    world.write_text(world_of(case))
    profile, data = read_profile("simulated"), DataFolder(folder / "data")
    found: list[Walked] = []
    draw = np.random.default_rng([case.seed, 11])
    with (
        simulated_beamline(profile, data, speed=SPEED, seed=case.seed, world=str(world)) as simulated,
        open_session(profile, data, simulated=simulated, followers=()) as session,
    ):
        counted = {"event": 0}
        session.engine.subscribe(lambda name, doc: counted.update({name: counted.get(name, 0) + 1}))
        session.engine(_sometimes_wild(_up_and_down(session, case, found, counted), session, simulated.prefix, draw))
    truth = [json.loads(line) for line in (data.plates / "truth.jsonl").read_text().splitlines()]
    return [_scored(one, case, [entry for entry in truth if entry["kind"] == "world"]) for one in found]


def _sometimes_wild(plan, session, prefix, draw):
    """Plan: before one spectrum in twenty the lines jump, and after it they jump back."""
    import bluesky.plan_stubs as bps
    from bluesky.preprocessors import plan_mutator
    from ophyd import EpicsSignal

    fault = EpicsSignal(f"{prefix}WORLD:Fault", name="fault", string=True, put_complete=True)
    fault.wait_for_connection(timeout=300.0)

    def jump(msg):
        if msg.command != "trigger" or msg.obj is not session.beamline.ruby or draw.random() > WILD:
            return None, None
        shift_nm = draw.choice([-1.0, 1.0]) * draw.uniform(0.05, 0.6)

        def jumping():
            yield from bps.abs_set(fault, f"wavelength_drift:{shift_nm:.3f}", wait=True)
            return (yield msg)

        return jumping(), bps.abs_set(fault, "clear", wait=True)

    yield from plan_mutator(plan, jump)
    fault.destroy()


def _up_and_down(session, case, found, counted):
    import bluesky.plan_stubs as bps

    from lics_beamline.control.path import Point, PressureLeg
    from lics_beamline.plans.approach import approach, wait
    from lics_beamline.plans.gauge import prepare
    from lics_beamline.plans.measure import Notes
    from lics_beamline.plans.reference import reference_line
    from lics_beamline.plans.walk import arm

    settings, beamline = session.profile.values, session.beamline
    yield from prepare(beamline, settings.ruby)
    line = yield from reference_line(beamline)
    recipe = session.recipe.with_reference(line.r1_nm, line.temperature_k, line.r1_sigma_nm)
    yield from arm(beamline, settings.membrane)
    yield from bps.open_run({"purpose": "test"})
    notes, state = Notes(), None
    up_gpa = case.up_gpa[len(case.up_gpa) // 2]
    down = [gpa for gpa in case.down_gpa if gpa < up_gpa - CLOSE_GPA]
    for target_gpa, direction in [(up_gpa, +1), *((gpa, -1) for gpa in down[:1])]:
        stroke = "upstroke" if direction > 0 else "downstroke"
        leg = PressureLeg(kind="pressure", name=stroke, stroke=stroke, temperature_k=298.0, pressures_gpa=(target_gpa,))
        began_s, before = beamline.clock.now_s(), counted["event"]
        decision = yield from approach(
            beamline,
            Point(index=0, leg=leg, pressure_gpa=target_gpa, temperature_k=298.0),
            gauge=recipe.ruby.gauge(),
            settings=settings,
            notes=notes,
            state=state,
        )
        state = decision.state
        found.append(
            Walked(
                target_gpa=target_gpa,
                direction=direction,
                ended=str(state.outcome),
                readings=counted["event"] - before,
                began_s=began_s,
                ended_s=beamline.clock.now_s(),
            )
        )
        yield from wait(beamline, EXPOSURE_S)
    yield from bps.close_run()


def _scored(one: Walked, case: Case, truth: list[dict]) -> Score:
    """Judge an approach at the ruby, for the time of an exposure after it too."""
    own = [entry for entry in truth if one.began_s <= entry["time_s"] <= one.ended_s + EXPOSURE_S]
    landed = min(own, key=lambda entry: abs(entry["time_s"] - one.ended_s))
    passed_gpa = max((one.direction * (entry["ruby_gpa"] - one.target_gpa) for entry in own), default=math.nan)
    return Score(
        seed=case.seed,
        target_gpa=one.target_gpa,
        direction=one.direction,
        ended=one.ended,
        off_gpa=landed["ruby_gpa"] - one.target_gpa,
        passed_gpa=passed_gpa,
        seconds=one.ended_s - one.began_s,
        readings=one.readings,
    )
