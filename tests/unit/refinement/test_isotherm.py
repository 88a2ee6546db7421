"""Isotherms against a published table, its published fit, and peritheos, whose fit takes true volumes as unknowns."""

import math

import numpy as np
import peritheos
import pytest
from peritheos.eos.rt import Vinet
from peritheos.fitting import fit_rt_eos

from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.equation_of_state import EquationOfState
from lics_beamline.refinement.expansion import Expansion
from lics_beamline.refinement.isotherm import CellReading, fit_isotherm

# Two Vinet isotherms, a0 K0 K', that give linear expansions of 1.70e-4 and 1.10e-4 /K at 3 and 8 GPa: the wording of
# Desgreniers et al., Sci. Adv. 1, e1500669 (2015), taken literally.
COLD, HOT = (3.7161, 11.876, 13.698), (4.0875, 1.3865, 13.698)


def readings(pressures, volumes, *, pressure_sigma, volume_sigma, kelvin=298.0):
    sigmas = np.broadcast_to(pressure_sigma, np.shape(pressures))
    return [
        CellReading(
            pressure_gpa=float(p),
            pressure_sigma_gpa=float(s),
            volume_angstrom3=float(v),
            volume_sigma_angstrom3=volume_sigma,
            temperature_k=kelvin,
        )
        for p, v, s in zip(pressures, volumes, sigmas, strict=True)
    ]


def drawn(a0, k0, slope, kelvin, pressures):
    equation = EquationOfState(
        volume0_angstrom3=a0**3, bulk_modulus_gpa=k0, bulk_modulus_slope=slope, reference_temperature_k=kelvin
    )
    volumes = [equation.volume_angstrom3(p, kelvin) for p in pressures]
    return fit_isotherm(readings(pressures, volumes, pressure_sigma=0.002, volume_sigma=0.004, kelvin=kelvin))


@pytest.fixture(scope="module")
def aluminium():
    """Table I of Dewaele, Loubeyre and Mezouar, Phys. Rev. B 70, 094112 (2004): pressure, volume, error of pressure."""
    table = peritheos.get_material("aluminum").get_dataset("aluminum_dewaele_2004_table1_compression")
    pressures = np.array(table["ruby_pressure_revised_gpa"])
    return pressures, np.array(table["atomic_volume_a3"]), 0.005 + 0.01 * pressures


def test_a_published_compression_gives_its_published_equation_of_state(aluminium):
    pressures, volumes, sigmas = aluminium
    found = fit_isotherm(readings(pressures, volumes, pressure_sigma=sigmas, volume_sigma=0.005)).equation
    assert found.volume0_angstrom3 == pytest.approx(16.573, abs=0.02)  # Table IV of the paper, Vinet
    assert found.bulk_modulus_gpa == pytest.approx(74.3, abs=1.1)  # as peritheos has it with its error
    assert found.bulk_modulus_slope == pytest.approx(4.47, abs=0.06)


def test_an_independent_fit_with_errors_in_both_finds_the_same_numbers_and_errors(aluminium):
    pressures, volumes, sigmas = aluminium
    ours = fit_isotherm(readings(pressures, volumes, pressure_sigma=sigmas, volume_sigma=0.005))
    first = {"V0": 16.5, "K0": 75.0, "K0_prime": 4.5}
    theirs = fit_rt_eos(
        Vinet,
        volumes,
        pressures,
        first,
        pressure_sigma=sigmas,
        volume_sigma=np.full(volumes.shape, 0.005),
        absolute_sigma=True,
    )
    numbers = (
        ours.equation.volume0_angstrom3,
        ours.equation.bulk_modulus_gpa,
        ours.equation.bulk_modulus_slope,
    )
    widened = math.sqrt(ours.chi_squared)  # ours are enlarged by a chi^2 above 1, theirs as asked are not
    for name, number, sigma in zip(first, numbers, ours.sigmas, strict=True):
        assert number == pytest.approx(theirs.parameters[name], abs=0.1 * sigma)
        assert sigma / widened == pytest.approx(theirs.standard_errors[name], rel=0.02)


def test_errors_of_volumes_along_an_isotherm_are_those_of_repeated_measurements():
    generator = np.random.default_rng(3)
    equation = EquationOfState(volume0_angstrom3=49.1, bulk_modulus_gpa=33.0, bulk_modulus_slope=6.7)
    pressures = np.linspace(2.9, 8.0, 8)
    volumes = np.array([equation.volume_angstrom3(p, 298.0) for p in pressures])
    found, told = [], []
    for _ in range(60):
        noisy = readings(
            pressures + generator.normal(0.0, 0.02, 8),
            volumes + generator.normal(0.0, 0.01, 8),
            pressure_sigma=0.02,
            volume_sigma=0.01,
        )
        isotherm = fit_isotherm(noisy)
        found.append(isotherm.volume_angstrom3(4.8))
        told.append(isotherm.volume_sigma_angstrom3(4.8) / math.sqrt(max(isotherm.chi_squared, 1.0)))
    assert np.mean(found) == pytest.approx(equation.volume_angstrom3(4.8, 298.0), abs=3 * np.std(found) / math.sqrt(60))
    assert np.median(told) == pytest.approx(np.std(found), rel=0.3)  # 60 draws know a deviation to 9 %


def test_the_slope_is_held_where_few_points_cannot_tell_it():
    equation = EquationOfState(volume0_angstrom3=231.6, bulk_modulus_gpa=1.7, bulk_modulus_slope=4.0)
    pressures = [0.13, 0.5, 1.0, 2.0]
    volumes = [equation.volume_angstrom3(p, 298.0) for p in pressures]
    found = fit_isotherm(readings(pressures, volumes, pressure_sigma=0.01, volume_sigma=0.05))
    assert found.sigmas[2] == 0.0
    assert found.equation.bulk_modulus_gpa == pytest.approx(1.7, rel=1e-4)


def test_three_points_are_refused_in_words():
    with pytest.raises(RefinementFailed, match="3 volumes at one temperature, an isotherm needs 4"):
        fit_isotherm(readings([1.0, 2.0, 3.0], [50.0, 49.0, 48.0], pressure_sigma=0.01, volume_sigma=0.01))


def test_volumes_that_rise_with_pressure_are_no_isotherm():
    with pytest.raises(RefinementFailed, match="no vinet isotherm"):
        fit_isotherm(readings([1.0, 2.0, 3.0, 4.0], [48, 49, 50, 51], pressure_sigma=0.01, volume_sigma=0.01))


def test_the_paper_read_literally_expands_as_printed_and_three_times_that_in_volume():
    pressures = np.linspace(2.0, 9.0, 9)
    expansion = Expansion(cold=drawn(*COLD, 298.0, pressures), hot=drawn(*HOT, 498.0, pressures))
    assert expansion.linear_per_k(3.0) == pytest.approx(1.70e-4, abs=0.01e-4)
    assert expansion.linear_per_k(8.0) == pytest.approx(1.10e-4, abs=0.01e-4)
    assert expansion.volumetric_per_k(3.0) == pytest.approx(5.1e-4, abs=0.03e-4)
    hot = expansion.hot.volume_angstrom3(5.0)
    assert expansion.volume_angstrom3(5.0, 498.0) == pytest.approx(hot, rel=1e-9)
    assert hot ** (1 / 3) == pytest.approx(3.629, abs=0.001)  # 19 of the paper's errors from its 3.572(3)


def test_thermal_pressure_at_constant_volume_is_that_of_the_isotherms():
    pressures = np.linspace(2.0, 9.0, 9)
    cold = drawn(3.66, 33.0, 6.7, 298.0, pressures)
    warm = EquationOfState(
        volume0_angstrom3=3.66**3, bulk_modulus_gpa=33.0, bulk_modulus_slope=6.7, thermal_pressure_gpa_per_k=8e-3
    )
    volumes = [warm.volume_angstrom3(p, 498.0) for p in pressures]
    hot = fit_isotherm(readings(pressures, volumes, pressure_sigma=0.002, volume_sigma=0.004, kelvin=498.0))
    assert Expansion(cold=cold, hot=hot).thermal_pressure_gpa_per_k(45.0) == pytest.approx(8e-3, rel=2e-3)
