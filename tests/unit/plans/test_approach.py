"""The pure step of an approach, against a cell with friction written here."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import BadReading
from lics_beamline.plans.approach import Decision, Phase, Reading, Rules, State, step

RULES = Rules(
    tolerance_gpa=0.03,
    step_fraction=0.7,
    gain_gpa_per_bar=0.2,
    gain_range=(0.3, 3.0),
    smallest_step_bar=0.1,
    largest_step_bar=6.0,
    most_readings=80,
)


class Cell:
    """Friction as play of half-width r, then a straight load curve: the least a membrane cell does."""

    def __init__(self, *, gain: float, half_width: float, start_bar: float = 0.0):
        self.gain = gain
        self.half_width = half_width
        self.transmitted = start_bar
        self.load = start_bar

    def move(self, load: float) -> None:
        self.load = load
        self.transmitted = min(max(self.transmitted, load - self.half_width), load + self.half_width)

    def pressure(self) -> float:
        return 0.12 + self.gain * max(self.transmitted, 0.0)


def walk(cell: Cell, target: float, direction: int) -> tuple[Decision, list[float]]:
    state = State(target_gpa=target, direction=direction, gain_gpa_per_bar=RULES.gain_gpa_per_bar)
    loads = [cell.load]
    while True:
        reading = Reading(load_bar=cell.load, pressure_gpa=cell.pressure(), sigma_gpa=0.002)
        decision = step(state, reading, RULES)
        if decision.phase is not Phase.APPROACH:
            return decision, loads
        cell.move(decision.load_bar)
        loads.append(decision.load_bar)
        state = decision.state


@given(
    gain=st.floats(0.06, 0.25),
    half_width=st.floats(0.5, 8.0),
    target=st.floats(0.5, 9.0),
)
def test_the_target_is_reached_from_below_and_the_load_never_falls_on_an_upstroke(gain, half_width, target):
    decision, loads = walk(Cell(gain=gain, half_width=half_width), target, +1)
    assert decision.phase is Phase.REACHED
    assert all(after > before for before, after in itertools.pairwise(loads))
    assert abs(decision.state.last.pressure_gpa - target) <= RULES.tolerance_gpa + 1e-12


@given(gain=st.floats(0.06, 0.25), half_width=st.floats(0.5, 8.0), target=st.floats(1.0, 7.0))
def test_the_load_never_rises_on_a_downstroke(gain, half_width, target):
    cell = Cell(gain=gain, half_width=half_width, start_bar=8.0 / gain)
    decision, loads = walk(cell, target, -1)
    assert decision.phase is Phase.REACHED
    assert all(after < before for before, after in itertools.pairwise(loads))


def test_beyond_the_target_it_says_passed_and_does_not_go_back():
    state = State(target_gpa=3.0, direction=1, gain_gpa_per_bar=0.2)
    decision = step(state, Reading(load_bar=20.0, pressure_gpa=3.2, sigma_gpa=0.002), RULES)
    assert decision.phase is Phase.PASSED
    assert decision.load_bar == 20.0


def test_a_cell_that_never_answers_is_given_up_with_small_steps_all_the_way():
    state = State(target_gpa=1.0, direction=1, gain_gpa_per_bar=0.2)
    load = 0.0
    for _ in range(RULES.most_readings):
        decision = step(state, Reading(load_bar=load, pressure_gpa=0.5, sigma_gpa=0.002), RULES)
        assert decision.load_bar - load <= RULES.step_fraction * 0.5 / 0.2 + 1e-12
        state, load = decision.state, decision.load_bar
    assert decision.phase is Phase.GAVE_UP


def test_a_stick_slip_does_not_make_the_next_step_large():
    sticking = State(
        target_gpa=5.0,
        direction=1,
        gain_gpa_per_bar=0.2,
        moving=True,
        last=Reading(load_bar=20.0, pressure_gpa=3.00, sigma_gpa=0.002),
    )
    # 6 bar answered by 0.05 GPa only: the cell stuck. Its apparent gain is 0.008 GPa/bar.
    decision = step(sticking, Reading(load_bar=26.0, pressure_gpa=3.05, sigma_gpa=0.002), RULES)
    assert decision.state.gain_gpa_per_bar == pytest.approx(0.14)
    assert decision.load_bar - 26.0 <= RULES.largest_step_bar


def test_two_readings_close_together_teach_nothing():
    state = State(
        target_gpa=5.0,
        direction=1,
        gain_gpa_per_bar=0.2,
        moving=True,
        last=Reading(load_bar=20.0, pressure_gpa=3.0, sigma_gpa=0.002),
    )
    decision = step(state, Reading(load_bar=20.1, pressure_gpa=3.007, sigma_gpa=0.002), RULES)
    assert decision.state.gain_gpa_per_bar == 0.2


@pytest.mark.parametrize("pressure", [math.nan, math.inf])
def test_a_reading_that_is_no_number_never_moves_the_load(pressure):
    state = State(target_gpa=5.0, direction=1, gain_gpa_per_bar=0.2)
    with pytest.raises(BadReading, match="not finite"):
        step(state, Reading(load_bar=20.0, pressure_gpa=pressure, sigma_gpa=0.002), RULES)


def test_the_step_changes_nothing_it_was_given():
    state = State(target_gpa=5.0, direction=1, gain_gpa_per_bar=0.2)
    before = replace(state)
    step(state, Reading(load_bar=20.0, pressure_gpa=3.0, sigma_gpa=0.002), RULES)
    assert state == before
