"""What is predicted of a heated cell: by its prior, by readings made by hand, and on cells of the stepped world."""

import dataclasses

import numpy as np
import pytest
from worlds.stepped_world import TUNING, final_errors, heated_case, shipped_settings

from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.gain import Gain
from lics_beamline.control.heating import Drift, Prior

SETTINGS = shipped_settings()
CELL = SETTINGS.cell_model
PRIOR = Prior(
    cell=CELL, heating=SETTINGS.heating, approach=SETTINGS.approach, gain=Gain(gpa_per_bar=0.16, error=0.05), edge=+1
)


def reading(temperature_k, pressure_gpa, *, time_s=0.0, load_bar=53.0, sigma_gpa=0.004):
    return PressureReading(
        time_s=time_s,
        load_bar=load_bar,
        pressure_gpa=pressure_gpa,
        sigma_gpa=sigma_gpa,
        temperature_k=temperature_k,
    )


LAG_GPA = 0.0275  # 12 s at 5 K/min are 1 K: 0.0205 GPa of the ruby and 0.007 GPa of the cell


def ramped(slope_gpa_per_k, to_k, *, lag_gpa=LAG_GPA, prior=PRIOR, step_k=1.5):
    """Readings of a cell at 5 GPa that rises evenly at 5 K/min, read as a ruby behind its thermocouple reads."""
    drift = Drift(prior=prior, readings=(reading(298.0, 5.0),))
    drift = drift.after(reading(298.0, 5.0, time_s=20.0))
    temperatures_k = np.arange(298.0 + step_k, to_k + 0.01, step_k)
    for number, temperature_k in enumerate(temperatures_k, start=1):
        rise_gpa = slope_gpa_per_k * (temperature_k - 298.0) - lag_gpa
        drift = drift.after(reading(temperature_k, 5.0 + rise_gpa, time_s=20.0 + 12.0 * step_k * number))
    return drift


def test_before_anything_is_read_the_paper_s_leg_is_predicted_from_8_to_9_6_gpa():
    """Desgreniers et al., Sci. Adv. 1, e1500669 (2015): 8 GPa at 298 K, 9.6 GPa at 498 K."""
    transmitted_bar = CELL.transmitted_bar(8.0, 298.0)
    load_bar = CELL.gas_bar(transmitted_bar, 298.0, rising=True)
    final = Drift(prior=PRIOR, readings=(reading(298.0, 8.0, load_bar=load_bar),)).at(498.0)
    assert final.gpa == pytest.approx(9.6, abs=0.1)
    assert 0.4 < final.sigma_gpa < 0.7
    assert final.low_gpa(2.0) < 9.6 < final.high_gpa(2.0)


def test_friction_that_lets_go_raises_the_pressure_after_loading_and_lowers_it_after_unloading():
    up, unknown, down = (
        Drift(prior=dataclasses.replace(PRIOR, edge=edge), readings=(reading(298.0, 8.0),)).at(498.0).gpa
        for edge in (+1, 0, -1)
    )
    assert up - unknown > 0.1
    assert unknown - down > 0.1
    assert unknown == pytest.approx(8.0 + 200 * CELL.thermal_gpa_per_k, abs=0.001)


@pytest.mark.parametrize("slope_gpa_per_k", [0.004, 0.008, 0.012])
def test_the_first_20_k_teach_where_a_straight_rise_ends(slope_gpa_per_k):
    before, after = (ramped(slope_gpa_per_k, to_k).at(498.0) for to_k in (298.0, 318.0))
    assert abs(after.gpa - (5.0 + 200 * slope_gpa_per_k)) < 0.1
    assert after.sigma_gpa < 0.15
    assert after.sigma_gpa < before.sigma_gpa / 3.0
    assert abs(ramped(slope_gpa_per_k, 478.5).at(498.0).gpa - (5.0 + 200 * slope_gpa_per_k)) < 0.02


def test_a_ruby_behind_its_thermocouple_does_not_look_like_less_thermal_pressure():
    """Whoever fits a line through the first 20 K takes the lag for less slope."""
    behind = ramped(0.008, 318.0)
    temperatures_k, pressures_gpa = zip(
        *((one.temperature_k, one.pressure_gpa) for one in behind.readings), strict=True
    )
    line = float(np.polyval(np.polyfit(temperatures_k, pressures_gpa, 1), 498.0))
    assert line < 6.6 - 0.1
    assert abs(behind.at(498.0).gpa - 6.6) < 0.03


def test_a_jump_moves_the_prediction_and_leaves_the_slope():
    drift = ramped(0.008, 348.0)
    newest = drift.newest
    slope, final = drift.slope(), drift.at(498.0)
    slipped = reading(newest.temperature_k, newest.pressure_gpa + LAG_GPA + 0.2, time_s=newest.time_s + 20.0)
    assert not drift.expects(slipped)
    after = drift.after(slipped, jumped=True)
    for number in range(1, 4):
        rested = reading(newest.temperature_k, slipped.pressure_gpa, time_s=slipped.time_s + 20.0 * number)
        after = after.after(rested)
    assert after.at(498.0).gpa - final.gpa == pytest.approx(0.2, abs=0.05)
    assert after.slope().gpa_per_k == pytest.approx(slope.gpa_per_k, rel=0.1)


def test_noise_is_expected_and_a_wild_reading_is_not():
    drift = ramped(0.008, 330.0)
    ahead_k, ahead_s = drift.newest.temperature_k + 1.5, drift.newest.time_s + 18.0
    line_gpa = 5.0 + 0.008 * (ahead_k - 298.0) - LAG_GPA
    assert drift.expects(reading(ahead_k, line_gpa + 0.01, time_s=ahead_s))
    assert not drift.expects(reading(ahead_k, line_gpa + 0.12, time_s=ahead_s))


@pytest.mark.long
def test_cells_of_the_stepped_world_are_predicted_from_20_k_and_the_error_covers():
    """Eight cells; fifty others are in ``tests/benchmarks/test_heating.py``."""
    found = [final_errors(heated_case(TUNING + seed)) for seed in range(8)]
    learned = np.array([one.learned_gpa for one in found])
    assert np.median(np.abs(learned)) < 0.10
    assert np.median(np.abs(learned)) < np.median(np.abs([one.repeated_gpa for one in found]))
    assert np.median(np.abs(learned)) < np.median(np.abs([one.default_gpa for one in found]))
    assert np.mean([abs(one.learned_gpa) < 3.0 * one.sigma_gpa for one in found]) == 1.0
