"""Onset, decay and frozen reversal of the simulated reaction."""

import numpy as np
import pytest

from lics_simulators.kinetics import Grains
from lics_simulators.preset import read_preset

LONG_S = 1.0e5  # many time constants: every grain beyond its threshold has reacted


@pytest.fixture
def grains():
    return Grains(read_preset("volumetric").contents.kinetics, np.random.default_rng(0))


def fraction_after(grains, pressure_gpa, temperature_k, seconds=LONG_S):
    grains.step(seconds, pressure_gpa, temperature_k)
    return grains.alloy_fraction


def test_half_of_the_grains_form_at_the_median_onset_of_2_95_gpa(grains):
    assert fraction_after(grains, 2.95, 298.0) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("pressure_gpa", "fraction"), [(2.82, 0.159), (3.08, 0.841)])
def test_onsets_are_normal_with_a_spread_of_0_13_gpa(grains, pressure_gpa, fraction):
    assert fraction_after(grains, pressure_gpa, 298.0) == pytest.approx(fraction, abs=0.01)


def test_onset_falls_by_2_mpa_per_kelvin(grains):
    assert fraction_after(grains, 2.95 - 0.4, 498.0) == pytest.approx(0.5, abs=0.01)


def test_all_is_alloy_at_4_gpa(grains):
    assert fraction_after(grains, 4.0, 298.0) > 0.9999


def test_growth_takes_5_to_10_minutes_at_298_k_and_1_to_2_at_498_k():
    for temperature_k, shortest_s, longest_s in [(298.0, 300.0, 600.0), (498.0, 60.0, 120.0)]:
        grains = Grains(read_preset("volumetric").contents.kinetics, np.random.default_rng(0))
        grains.step(1.0, 8.0, temperature_k)
        time_constant_s = -1.0 / np.log1p(-grains.alloy_fraction)
        assert shortest_s <= time_constant_s <= longest_s


def test_alloy_decays_at_498_k_around_1_85_gpa(grains):
    fraction_after(grains, 8.0, 498.0)
    assert fraction_after(grains, 2.1, 498.0) > 0.999
    assert fraction_after(grains, 1.85, 498.0) == pytest.approx(0.5, abs=0.01)
    assert fraction_after(grains, 1.6, 498.0) < 0.001


def test_nothing_reverts_at_298_k_not_even_at_no_pressure(grains):
    formed = fraction_after(grains, 8.0, 298.0)
    assert fraction_after(grains, 0.0, 298.0) == formed


def test_many_short_steps_are_one_long_step():
    kinetics = read_preset("volumetric").contents.kinetics
    once, often = (Grains(kinetics, np.random.default_rng(0)) for _ in range(2))
    once.step(600.0, 3.0, 298.0)
    for _ in range(120):
        often.step(5.0, 3.0, 298.0)
    assert often.alloy_fraction == pytest.approx(once.alloy_fraction, rel=1e-9)
