"""The simulated cell against the figures of its design: upstroke, heating, dead band, slips."""

import dataclasses

import numpy as np
import pytest

from lics_simulators.cell import Cell, CellParameters, SaturatingLoadCurve
from lics_simulators.preset import read_preset

STEP_S = 0.5
RAMP_BAR_PER_S = 0.5 / 60.0
ROOM_K, HOT_K = 298.0, 498.0


@pytest.fixture
def parameters() -> CellParameters:
    return read_preset("volumetric").cell


def make_cell(parameters, seed=0):
    return Cell(parameters, np.random.default_rng(seed))


def load_until(cell, load_bar, reached, *, rate, temperature_k):
    while not reached(cell):
        load_bar += rate * STEP_S
        cell.step(STEP_S, load_bar, temperature_k)
    return load_bar


@pytest.fixture
def loaded(parameters):
    """A cell brought to 8 GPa at 298 K and left for half an hour; with its load."""
    cell = make_cell(parameters)
    load = load_until(cell, 0.0, lambda c: c.pressure_gpa >= 8.0, rate=RAMP_BAR_PER_S, temperature_k=ROOM_K)
    for _ in range(3600):
        cell.step(STEP_S, load, ROOM_K)
    return cell, load


def heat(cell, load_bar):
    for temperature_k in np.arange(ROOM_K, HOT_K, 5.0 / 60.0 * STEP_S):
        cell.step(STEP_S, load_bar, float(temperature_k))
    for _ in range(3600):
        cell.step(STEP_S, load_bar, HOT_K)


def test_upstroke_passes_the_design_pressures_at_the_design_loads(parameters):
    cell, load = make_cell(parameters), 0.0
    for pressure_gpa, design_bar in [(1, 13.9), (3, 24.0), (5, 34.7), (8, 52.2), (10, 65.1), (12, 79.4)]:
        load = load_until(
            cell, load, lambda c, p=pressure_gpa: c.pressure_gpa >= p, rate=RAMP_BAR_PER_S, temperature_k=ROOM_K
        )
        assert load == pytest.approx(design_bar, abs=0.06)


def test_an_unloaded_cell_is_at_the_pressure_of_loading(parameters):
    assert make_cell(parameters).pressure_gpa == pytest.approx(0.12)


def test_heating_at_constant_gas_raises_8_04_to_9_60_gpa(loaded):
    cell, load = loaded
    assert cell.pressure_gpa == pytest.approx(8.04, abs=0.005)
    heat(cell, load)
    assert cell.pressure_gpa == pytest.approx(9.60, abs=0.01)


def test_unloading_hot_has_8_9_bar_of_dead_band_and_1_9_gpa_at_7_9_bar(loaded):
    cell, load = loaded
    heat(cell, load)
    held = cell.transmitted_bar
    moved = load_until(cell, load, lambda c: c.transmitted_bar < held, rate=-RAMP_BAR_PER_S, temperature_k=HOT_K)
    assert load - moved == pytest.approx(8.9, abs=0.15)
    low = load_until(cell, moved, lambda c: c.pressure_gpa <= 1.9, rate=-RAMP_BAR_PER_S, temperature_k=HOT_K)
    assert low == pytest.approx(7.9, abs=0.05)


def test_pressure_creeps_up_after_the_load_is_held(parameters):
    cell = make_cell(parameters)
    load = load_until(cell, 0.0, lambda c: c.pressure_gpa >= 8.0, rate=RAMP_BAR_PER_S, temperature_k=ROOM_K)
    for minutes, design_gpa in [(1, 8.009), (4, 8.028), (10, 8.039)]:
        for _ in range(minutes * 120):
            cell.step(STEP_S, load, ROOM_K)
        assert cell.pressure_gpa == pytest.approx(design_gpa, abs=0.002)


def test_a_saturating_load_curve_never_turns_over(parameters):
    curve = SaturatingLoadCurve(start_gpa=0.12, free_travel_bar=6.0, gain_gpa_per_bar=0.1, ceiling_gpa=25.0)
    pressures = [curve.pressure_gpa(load) for load in np.linspace(0.0, 400.0, 200)]
    assert np.all(np.diff(pressures) >= 0.0)
    assert curve.pressure_gpa(7.0) - 0.12 == pytest.approx(0.1, rel=0.01)
    assert max(pressures) < 25.12


def test_a_slipping_cell_lags_and_jumps_by_the_drawn_size(parameters):
    sticky = dataclasses.replace(parameters, slips_per_bar=0.5, slip_low_bar=1.0, slip_high_bar=2.0)
    cell, load, jumps = make_cell(sticky), 0.0, []
    while load < 60.0:
        before = cell.transmitted_bar
        load += RAMP_BAR_PER_S * STEP_S
        cell.step(STEP_S, load, ROOM_K)
        jumps.append(cell.transmitted_bar - before)
    slips = [jump for jump in jumps if jump > 0.1]
    assert len(slips) > 5
    assert all(1.0 <= slip <= 2.1 for slip in slips)


def test_a_smooth_cell_never_jumps(parameters):
    cell, load = make_cell(parameters), 0.0
    while load < 60.0:
        before = cell.transmitted_bar
        load += RAMP_BAR_PER_S * STEP_S
        cell.step(STEP_S, load, ROOM_K)
        assert cell.transmitted_bar - before < 0.01
