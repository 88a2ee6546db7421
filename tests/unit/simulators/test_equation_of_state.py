"""Cells of the simulated phases against the figures of their design and against printed values."""

import math

import pytest

from lics_simulators.equation_of_state import (
    birch_murnaghan_gpa,
    compression_at,
    cs_melting_k,
    cs_volume,
    li_volume,
    re_cell,
    vinet_gpa,
)
from lics_simulators.preset import read_preset

ALLOY_A = [  # GPa, K, angstrom: design table of the default world
    (3.0, 298.0, 3.5767),
    (4.8, 298.0, 3.5392),
    (8.0, 298.0, 3.4863),
    (1.9, 498.0, 3.6520),
    (3.0, 498.0, 3.6183),
    (5.0, 498.0, 3.5692),
    (8.0, 498.0, 3.5130),
    (9.6, 498.0, 3.4883),
]


@pytest.mark.parametrize(("pressure_gpa", "temperature_k", "a_angstrom"), ALLOY_A)
def test_alloy_has_the_designed_cell(pressure_gpa, temperature_k, a_angstrom):
    alloy = read_preset("volumetric").contents.alloy
    assert alloy.a_angstrom(pressure_gpa, temperature_k) == pytest.approx(a_angstrom, abs=5.1e-5)


@pytest.mark.parametrize(  # Desgreniers et al., Sci. Adv. 1, e1500669 (2015): text and Fig. 3
    ("pressure_gpa", "temperature_k", "printed", "esd"),
    [(3.0, 298.0, 3.585, 0.009), (4.8, 298.0, 3.53, 0.01), (8.0, 298.0, 3.489, 0.003), (5.0, 498.0, 3.572, 0.003)],
)
def test_alloy_lies_within_one_esd_of_the_printed_cells(pressure_gpa, temperature_k, printed, esd):
    alloy = read_preset("volumetric").contents.alloy
    assert abs(alloy.a_angstrom(pressure_gpa, temperature_k) - printed) < esd


@pytest.mark.parametrize(("pressure_gpa", "printed"), [(3.0, 1.7e-4), (8.0, 1.1e-4)])
def test_volumetric_expansion_rounds_to_the_printed_values(pressure_gpa, printed):
    alloy = read_preset("volumetric").contents.alloy
    cold, hot = (alloy.a_angstrom(pressure_gpa, temperature_k) for temperature_k in (298.0, 498.0))
    assert abs(3.0 * (hot - cold) / (200.0 * cold) - printed) < 0.05e-4


@pytest.mark.parametrize(("pressure_gpa", "printed"), [(3.0, 1.7e-4), (8.0, 1.1e-4)])
def test_linear_reading_expands_linearly_as_printed(pressure_gpa, printed):
    alloy = read_preset("linear_reading").contents.alloy
    cold, hot = (alloy.a_angstrom(pressure_gpa, temperature_k) for temperature_k in (298.0, 498.0))
    assert (hot - cold) / (200.0 * cold) == pytest.approx(printed, abs=0.005e-4)


def test_linear_reading_contradicts_the_printed_hot_cell():
    assert read_preset("linear_reading").contents.alloy.a_angstrom(5.0, 498.0) == pytest.approx(3.629, abs=0.001)


@pytest.mark.parametrize("equation", [vinet_gpa, birch_murnaghan_gpa])
def test_equations_of_state_have_their_bulk_modulus_and_its_derivative(equation):
    step = 1e-4
    around = [equation(1.0 + n * step, 50.0, 4.5) for n in (-1, 0, 1)]
    slope = (around[2] - around[0]) / (2.0 * step)
    curvature = (around[2] - 2.0 * around[1] + around[0]) / step**2
    assert around[1] == pytest.approx(0.0, abs=1e-12)
    assert -slope == pytest.approx(50.0, rel=1e-5)
    # K = -V dP/dV gives K' = -(1 + V P''/P') at V0.
    assert -(1.0 + curvature / slope) == pytest.approx(4.5, rel=1e-4)


def test_compression_is_the_inverse_of_the_equation_of_state():
    assert vinet_gpa(compression_at(lambda v: vinet_gpa(v, 33.0, 6.7), 7.5), 33.0, 6.7) == pytest.approx(7.5, abs=1e-9)


def test_a_pressure_no_volume_can_give_is_refused_with_its_value():
    with pytest.raises(ValueError, match=r"-40\.000 GPa"):
        compression_at(lambda v: vinet_gpa(v, 1.7, 3.85), -40.0)


def test_elements_have_their_ambient_cells():
    # bcc cells at ambient: Li 3.5065-3.51, Cs 6.14 angstrom (CRC Handbook, crystal structures of the elements).
    assert math.cbrt(2.0 * li_volume(0.0, 298.0)) == pytest.approx(3.51, abs=0.01)
    assert math.cbrt(2.0 * cs_volume(0.0, 298.0)) == pytest.approx(6.14, abs=0.01)
    assert re_cell(0.0, 298.0) == pytest.approx((2.761, 2.761, 4.456), abs=1e-6)


@pytest.mark.parametrize(("pressure_gpa", "is_liquid"), [(0.5, True), (3.0, True), (4.9, True), (5.2, False)])
def test_caesium_is_liquid_at_498_k_up_to_5_gpa(pressure_gpa, is_liquid):
    assert (cs_melting_k(pressure_gpa) < 498.0) is is_liquid


def test_caesium_is_solid_at_room_temperature():
    assert all(cs_melting_k(tenth / 10.0) > 298.0 for tenth in range(100))
