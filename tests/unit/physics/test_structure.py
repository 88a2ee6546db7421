"""Structure factors against gemmi's own calculation."""

import math

import numpy as np
import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.phases.phase import LIBRARY, library
from lics_beamline.physics.structure_file import structure_from_cif
from lics_beamline.physics.unit_cell import UnitCell

HKL = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 0, 0], [2, 1, 1], [3, 1, 0]])


def text_of(name):
    return (LIBRARY / f"{name}.cif").read_text()


@pytest.mark.parametrize("name", library())
def test_structure_factors_are_those_that_gemmi_computes(name):
    import gemmi

    small = gemmi.make_small_structure_from_block(gemmi.cif.read_string(text_of(name)).sole_block())
    small.change_occupancies_to_crystallographic()
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    theirs = [calculator.calculate_sf_from_small_structure(small, [int(i) for i in hkl]) for hkl in HKL]
    np.testing.assert_allclose(structure_from_cif(text_of(name)).structure_factors(HKL), theirs, atol=1e-4)


def test_dispersion_adds_to_the_scattering_of_its_element_alone():
    alloy = structure_from_cif(text_of("alloy"))
    plain, shifted = alloy.structure_factors(HKL), alloy.structure_factors(HKL, {"Cs": -1.502 + 0.797j})
    s_squared = 0.25 * alloy.cell.inverse_d_squared(HKL)
    np.testing.assert_allclose(shifted - plain, (-1.502 + 0.797j) * np.exp(-1.5 * s_squared), atol=1e-9)


def test_mass_and_electrons_are_those_of_the_cells_content():
    alloy = structure_from_cif(text_of("alloy"))
    assert alloy.mass_u == pytest.approx(132.905 + 0.7 * 6.94, abs=0.01)  # IUPAC 2021
    assert alloy.electrons == pytest.approx(55 + 0.7 * 3)
    assert structure_from_cif(text_of("re-hcp")).electrons == pytest.approx(2 * 75)


def test_sites_and_cell_may_lie_anywhere_a_space_group_allows():
    diamond = structure_from_cif(text_of("diamond"))
    assert len(diamond.orbit(diamond.sites[0])) == 8
    (f_222,) = np.abs(diamond.structure_factors(np.array([[2, 2, 2]])))
    assert f_222 == pytest.approx(0.0, abs=1e-9)  # absent for atoms that are spheres
    stretched = diamond.in_cell(UnitCell.cubic(3.0))
    assert stretched.cell.volume_angstrom3 == pytest.approx(27.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no cif at all", "not readable as CIF"),
        ("data_x\n_cell_length_a 3\n", "needs cell, space group and atoms"),
        (text_of("alloy").replace("P m -3 m", "P q -3 m"), "space group 'P q -3 m' is not in the tables"),
    ],
)
def test_what_is_no_structure_is_refused_with_what_it_lacks(text, says):
    with pytest.raises(ProfileError, match=says):
        structure_from_cif(text, source="mine.cif")


def test_displacement_is_read_as_b_or_as_u():
    b = structure_from_cif(text_of("re-hcp")).sites[0].b_iso_angstrom2
    assert b == pytest.approx(0.3, abs=1e-6)
    as_u = text_of("re-hcp").replace("_atom_site_B_iso_or_equiv", "_atom_site_U_iso_or_equiv")
    assert structure_from_cif(as_u).sites[0].b_iso_angstrom2 == pytest.approx(0.3 * 8 * math.pi**2, rel=1e-6)
