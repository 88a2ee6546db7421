"""Powder lines of the simulated sample against gemmi's structure factors and against counting by hand."""

import math

import gemmi
import numpy as np
import pytest

from lics_simulators.plate.scattering import Widths, halo, profile, rings, structure_factors
from lics_simulators.plate.structures import STRUCTURES

WAVELENGTH = 0.41373
ENERGY_EV = 12398.419843320026 / WAVELENGTH
CELLS = {"alloy": (3.489, 3.489, 3.489), "re-hcp": (2.761, 2.761, 4.456), "ceo2": (5.411651, 5.411651, 5.411651)}
WIDTHS = Widths(u_deg2=0.004, w_deg2=0.0016, x_deg=0.01, y_deg=0.05, shoulder=0.04, shoulder_shift=0.2)


def lines(phase, cell, **changes):
    arguments = {
        "cells": 1.0,
        "temperature_k": 298.0,
        "wavelength_angstrom": WAVELENGTH,
        "two_theta_max_deg": 31.0,
    } | changes
    return rings(STRUCTURES[phase], cell, **arguments)


@pytest.mark.parametrize("phase", sorted(CELLS))
def test_structure_factors_are_those_of_gemmi(phase):
    structure = STRUCTURES[phase]
    small = gemmi.SmallStructure()
    small.cell = gemmi.UnitCell(*CELLS[phase], *structure.angles_deg)
    small.spacegroup_hm = structure.space_group
    small.determine_and_set_spacegroup("1")
    for site in structure.sites:
        atom = gemmi.SmallStructure.Site()
        atom.element = gemmi.Element(site.element)
        atom.fract = gemmi.Fractional(*site.positions[0])
        atom.occ = site.occupancy
        atom.u_iso = site.b_angstrom2(298.0) / (8 * math.pi**2)
        small.add_site(atom)
    small.change_occupancies_to_crystallographic()
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    for site in structure.sites:
        element = gemmi.Element(site.element)
        real, _ = gemmi.cromer_liberman(z=element.atomic_number, energy=ENERGY_EV)
        calculator.addends.set(element, real)
    found = lines(phase, CELLS[phase])
    s = np.array([0.5 / ring.d_angstrom for ring in found])
    factors = structure_factors(structure, [ring.hkl for ring in found], s, ENERGY_EV, 298.0, "it92")
    for ring, ours in zip(found, factors, strict=True):
        theirs = calculator.calculate_sf_from_small_structure(small, list(ring.hkl))
        assert ours.real == pytest.approx(theirs.real, rel=2e-4, abs=2e-3)


@pytest.mark.parametrize("table", ["waasmaier-kirfel", "it92"])
@pytest.mark.parametrize("structure", [each for each in STRUCTURES.values() if each.space_group], ids=lambda s: s.phase)
def test_every_structure_scatters_by_both_tables(structure, table):
    (forward,) = structure_factors(structure, [(0, 0, 0)], np.array([0.0]), ENERGY_EV, 298.0, table)
    held = [(site, site.occupancy * len(site.positions)) for site in structure.sites]
    electrons = sum(count * gemmi.Element(site.element).atomic_number for site, count in held)
    charges = sum(count * abs(site.charge) for site, count in held)  # one table has no Ce4+
    assert abs(forward.real - electrons) < charges + 0.03 * electrons  # dispersion


def test_absorption_adds_its_imaginary_part():
    s = 0.5 / 3.489
    (factor,) = structure_factors(STRUCTURES["alloy"], [(1, 0, 0)], np.array([s]), ENERGY_EV, 298.0, "waasmaier-kirfel")
    assert factor.imag == pytest.approx(0.797 * math.exp(-1.5 * s * s), abs=2e-3)  # f'' of Cs, Chantler


def test_two_tables_differ_as_much_as_honest_programs_do():
    first = lines("alloy", CELLS["alloy"], table="waasmaier-kirfel")
    second = lines("alloy", CELLS["alloy"], table="it92")
    ratios = [b.f_squared / a.f_squared for a, b in zip(first, second, strict=True)]
    assert 1e-4 < max(abs(ratio - 1) for ratio in ratios) < 0.01


@pytest.mark.parametrize(
    ("phase", "multiplicities"),
    [
        ("alloy", {(1, 0, 0): 6, (1, 1, 0): 12, (1, 1, 1): 8, (2, 1, 0): 24, (3, 2, 1): 48, (2, 2, 1): 24}),
        ("re-hcp", {(1, 0, 0): 6, (0, 0, 2): 2, (1, 0, 1): 12}),
        ("ceo2", {(1, 1, 1): 8, (2, 0, 0): 6, (3, 1, 1): 24}),
    ],
)
def test_multiplicities_are_those_of_the_tables(phase, multiplicities):
    found = {ring.hkl: ring.multiplicity for ring in lines(phase, CELLS[phase])}
    assert {hkl: found[hkl] for hkl in multiplicities} == multiplicities


def test_centred_lattices_lack_the_forbidden_lines():
    assert [ring.hkl for ring in lines("cs-bcc", (6.0, 6.0, 6.0))[:3]] == [(1, 1, 0), (2, 0, 0), (2, 1, 1)]
    assert [ring.hkl for ring in lines("cs-fcc", (6.3, 6.3, 6.3))[:3]] == [(1, 1, 1), (2, 0, 0), (2, 2, 0)]
    assert (0, 0, 1) not in {ring.hkl for ring in lines("re-hcp", CELLS["re-hcp"])}


def test_lines_stand_where_bragg_says():
    for ring in lines("ceo2", CELLS["ceo2"]):
        spacing = 5.411651 / math.sqrt(sum(index**2 for index in ring.hkl))
        assert ring.d_angstrom == pytest.approx(spacing, rel=1e-12)
        assert 2 * spacing * math.sin(math.radians(ring.two_theta_deg / 2)) == pytest.approx(WAVELENGTH, rel=1e-12)


def test_rhenium_lines_stand_where_the_literature_has_them():
    angles = [ring.two_theta_deg for ring in lines("re-hcp", CELLS["re-hcp"])[:3]]
    assert angles == pytest.approx([9.926, 10.655, 11.269], abs=0.005)


def test_the_alloy_has_21_lines_on_the_plate():
    assert len(lines("alloy", CELLS["alloy"], two_theta_max_deg=31.22)) == 21


def test_intensity_follows_the_powder_formula():
    first, second = lines("alloy", CELLS["alloy"])[:2]

    def formula(ring):
        theta = math.radians(ring.two_theta_deg / 2)
        return ring.multiplicity * ring.f_squared / (math.sin(theta) ** 2 * math.cos(theta))

    assert first.intensity / second.intensity == pytest.approx(formula(first) / formula(second), rel=1e-12)
    swollen = lines("alloy", (3.6, 3.6, 3.6))[0]
    expected = formula(swollen) / formula(first) * (3.489 / 3.6) ** 3  # 1/V^2 times a volume of as many cells
    assert swollen.intensity / first.intensity == pytest.approx(expected, rel=1e-12)


def test_heat_weakens_lines_the_more_the_higher_their_angle():
    cold, hot = lines("alloy", CELLS["alloy"]), lines("alloy", CELLS["alloy"], temperature_k=498.0)
    ratios = [b.f_squared / a.f_squared for a, b in zip(cold, hot, strict=True)]
    assert ratios[0] > 0.9 > 0.7 > ratios[-1]


def test_a_line_has_unit_area_and_a_shoulder_at_low_angles():
    angles = np.arange(-400.0, 400.0, 0.002)
    line = profile(angles, 10.0, WIDTHS)
    assert np.trapezoid(line, angles) == pytest.approx(1.0, abs=1e-4)
    near = np.arange(9.5, 10.5, 0.0005)
    asymmetric = profile(near, 10.0, WIDTHS)
    assert np.sum(asymmetric[near < 10.0]) > 1.003 * np.sum(asymmetric[near > 10.0])


def test_the_halo_of_a_liquid_peaks_where_its_density_puts_it():
    angles = np.arange(2.0, 20.0, 0.01)
    cube = 120.0 ** (1 / 3)
    for scale in (1.0, 0.9):
        intensity = halo(
            STRUCTURES["cs-liquid"],
            angles,
            cell_angstrom=(cube * scale,) * 3,
            cells=1.0,
            wavelength_angstrom=WAVELENGTH,
        )
        momentum = 4 * math.pi * math.sin(math.radians(angles[intensity.argmax()] / 2)) / WAVELENGTH
        assert momentum == pytest.approx(1.40 / scale, rel=0.02)
