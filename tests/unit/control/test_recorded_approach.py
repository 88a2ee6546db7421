"""What a sweep had learned of its cell comes back from the readings it recorded."""

import dataclasses
import math

import pytest
from worlds.stepped_world import Bench, Stepper, random_case, shipped_settings

from lics_beamline.control.approach import ApproachPhase
from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.command import LoadTo
from lics_beamline.control.recorded_approach import RecordedReading, learned, recalled

SEEDS = range(12)


def walked(seed):
    """An approach to each target of a random cell, and its readings as a journal holds them."""
    case = random_case(seed)
    bench = Bench(case)
    stepper = Stepper(bench, settings=shipped_settings())
    for target_gpa in case.up_gpa:
        stepper(target_gpa, +1)
    for target_gpa in case.down_gpa:
        stepper(target_gpa, -1)
    return stepper, as_recorded(stepper)


def as_recorded(stepper):
    """The readings of approaches as a journal holds them."""
    return [
        RecordedReading(
            reading=reading,
            direction=decision.state.direction,
            believed=decision.state.phase is not ApproachPhase.PAUSE,
            commanded_bar=decision.command.load_bar if isinstance(decision.command, LoadTo) else reading.load_bar,
        )
        for reading, decision in stepper.decisions
        if reading is not None
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gains_learned_are_a_fold_of_the_recorded_readings(seed):
    stepper, recorded = walked(seed)
    live = stepper.state.estimate.gains
    assert live.lessons
    assert learned(recorded, shipped_settings()) == live


def test_a_doubted_reading_teaches_nothing():
    _, recorded = walked(1)
    wild = dataclasses.replace(
        recorded[-1].reading,
        time_s=recorded[-1].reading.time_s - 1.0,
        pressure_gpa=recorded[-1].reading.pressure_gpa + 3,
    )
    doubted = RecordedReading(reading=wild, direction=recorded[-1].direction, believed=False, commanded_bar=math.nan)
    settings = shipped_settings()
    assert learned([*recorded[:-1], doubted, recorded[-1]], settings) == learned(recorded, settings)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_approach_goes_on_from_what_was_recalled_and_never_back(seed):
    case = random_case(seed)
    bench = Bench(case)
    settings = shipped_settings()
    stepper = Stepper(bench, settings=settings)
    for target_gpa in case.up_gpa[:-1]:
        stepper(target_gpa, +1)
    recorded = as_recorded(stepper)
    bench.wait(3600.0)  # cut off; the gas is held
    now = None
    while now is None:
        now = bench.read()
    stepper.state = recalled(recorded, now, settings)
    stepper.decisions.clear()
    score = bench.score(stepper, case.up_gpa[-1], +1)
    loads = [decision.command.load_bar for _, decision in stepper.decisions if isinstance(decision.command, LoadTo)]
    assert score.ended in ("reached", "passed")
    assert score.passed_gpa < 0.10
    assert loads == sorted(loads)
    assert not loads or loads[0] > now.load_bar


def test_load_steps_of_the_last_minutes_still_count_against_the_budget():
    settings = shipped_settings()
    late_s = 10_000.0

    def at(time_s, commanded_bar):
        reading = PressureReading(time_s=time_s, load_bar=10.0, pressure_gpa=1.0, sigma_gpa=0.002, temperature_k=298.0)
        return RecordedReading(reading=reading, direction=1, believed=True, commanded_bar=commanded_bar)

    now = dataclasses.replace(at(late_s, 10.0).reading)
    state = recalled(
        [at(late_s - 2 * settings.approach.budget_s, 15.0), at(late_s - 60.0, 13.0), at(late_s - 30.0, 10.0)],
        now,
        settings,
    )
    assert [move.bar for move in state.moves] == [3.0]


def test_a_sweep_without_an_approach_recalls_none():
    now = PressureReading(time_s=1.0, load_bar=0.0, pressure_gpa=0.1, sigma_gpa=0.002, temperature_k=298.0)
    assert recalled([], now, shipped_settings()) is None
