"""The pure step against the stepped world of the simulators: random cells, noisy and wild ruby readings, both strokes.

The figures over 200 cells, next to a PI loop and a recipe by hand, are in ``tests/benchmarks/test_approach.py``.
"""

import dataclasses

import pytest
from worlds.stepped_world import Bench, Stepper, figures, random_case, shipped_settings, walk

from lics_beamline.control.command import AbortCause
from lics_simulators.cell import SaturatingLoadCurve

CELLS = 30


@pytest.fixture(scope="module")
def scores():
    return [score for seed in range(CELLS) for score in walk(random_case(seed), Stepper)]


@pytest.mark.long
def test_targets_are_reached_within_0_05_gpa_on_both_strokes(scores):
    assert figures(scores).within >= 0.99
    for direction in (+1, -1):
        own = [score for score in scores if score.direction == direction]
        assert len(own) > CELLS
        assert figures(own).within >= 0.98


@pytest.mark.long
def test_no_target_is_passed_by_more_than_0_10_gpa_and_hardly_any_by_more_than_0_05(scores):
    assert figures(scores).passed_010 == 0
    assert figures(scores).passed_005 <= 0.02


@pytest.mark.long
def test_every_approach_ends_by_holding_at_its_target(scores):
    assert {score.ended for score in scores} == {"reached"}


def test_most_targets_take_few_ruby_readings(scores):
    assert figures(scores).median_readings <= 8
    assert max(score.readings for score in scores) <= shipped_settings().approach.most_readings // 2


def test_random_cells_span_what_they_promise():
    cases = [random_case(seed) for seed in range(200)]
    gains = [case.gain / 0.22 for case in cases]
    frictions = [case.preset.cell.friction_bar / 3.0 for case in cases]
    creeps = [case.preset.cell.creep_fraction for case in cases]
    slips = [case.preset.cell.slip_high_bar * case.gain for case in cases]
    for found, low, high in ((gains, 0.3, 3.0), (frictions, 0.5, 2.0), (creeps, 0.05, 0.20), (slips, 0.0, 0.04)):
        assert low <= min(found) < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < max(found) <= high + 1e-12


def test_a_large_stick_slip_stays_inside_the_envelope_and_far_from_its_margin():
    case = random_case(3)
    cell = dataclasses.replace(
        case.preset.cell,
        slips_per_bar=0.3,
        slip_low_bar=0.8,
        slip_high_bar=2.0,
        load_curve=SaturatingLoadCurve(start_gpa=0.12, free_travel_bar=6.0, gain_gpa_per_bar=0.2, ceiling_gpa=30.0),
    )  # slips of 0.16 to 0.4 GPa
    for seed in range(6):
        large = dataclasses.replace(
            case, seed=seed, preset=dataclasses.replace(case.preset, cell=cell), up_gpa=(2.0, 5.0, 8.0), down_gpa=(4.0,)
        )
        for score in walk(large, Stepper):
            assert score.passed_gpa < 0.5  # the margin of the envelope to the safety limit
            assert score.ended in ("reached", "passed")


def test_slips_of_0_1_to_0_4_gpa_at_the_edge_of_the_envelope_stay_short_of_the_safety_limit():
    edge_gpa, safety_gpa = 6.0, 6.5  # the margin between them is the least that a check lets pass
    settings = shipped_settings(envelope={"pressure_gpa": (0.0, edge_gpa)})
    case = random_case(3)
    cell = dataclasses.replace(
        case.preset.cell,
        slips_per_bar=0.5,
        slip_low_bar=0.5,
        slip_high_bar=2.0,
        load_curve=SaturatingLoadCurve(start_gpa=0.12, free_travel_bar=6.0, gain_gpa_per_bar=0.2, ceiling_gpa=60.0),
    )
    highest = []
    for seed in range(4):
        bench = Bench(dataclasses.replace(case, seed=seed, preset=dataclasses.replace(case.preset, cell=cell)))
        stepper = Stepper(bench, settings=settings)
        for target_gpa in (5.0, 5.8, 5.95, 6.0):
            bench.score(stepper, target_gpa, +1)
            highest.append(bench.highest_gpa)
    assert max(highest) > edge_gpa - 0.1, "it came near"
    assert max(highest) < safety_gpa


def test_a_target_beyond_the_supply_is_refused_while_the_load_is_still_far_from_it():
    case = random_case(3)  # 0.07 GPa/bar: 9 GPa would need more than 200 bar
    bench = Bench(case)
    drive = Stepper(bench, settings=shipped_settings())
    drive(1.0, +1)
    drive(9.0, +1)
    assert drive.state.cause is AbortCause.UNREACHABLE
    assert bench.world.membrane.setpoint_bar < 60.0  # of the 96 bar that the supply allows
