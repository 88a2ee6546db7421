import gemmi
import numpy as np
import pytest

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.crystal import Reflection
from lics_beamline.physics.scattering_factor import dispersion, form_factor
from lics_beamline.physics.structure import Site, Structure
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.powder_model import PowderModel
from lics_beamline.refinement.structure_factors import ReflectionGroup

QUARTZ = Structure(  # low quartz: Levien, Prewitt and Weidner, Am. Mineral. 65, 920 (1980)
    name="quartz",
    cell=UnitCell.hexagonal(4.916, 5.4054),
    space_group="P 32 2 1",
    sites=(
        Site(label="Si1", element="Si", x=0.4697, y=0.0, z=2 / 3, b_iso_angstrom2=0.6),
        Site(label="O1", element="O", x=0.4135, y=0.2669, z=0.7858, b_iso_angstrom2=1.0),
    ),
)
HKLS = ((1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 0, -2), (2, 1, 3))
GROUPS = [ReflectionGroup(reflections=(Reflection(*hkl),), multiplicities=(1,), s_per_angstrom=0.2) for hkl in HKLS]


def theirs(hkl):
    crystal = gemmi.SmallStructure()
    crystal.cell = gemmi.UnitCell(*QUARTZ.cell.numbers)
    crystal.spacegroup = gemmi.SpaceGroup(QUARTZ.space_group)
    for atom in QUARTZ.sites:
        site = gemmi.SmallStructure.Site()
        site.label = site.type_symbol = atom.element
        site.element = gemmi.Element(atom.element)
        site.fract = gemmi.Fractional(atom.x, atom.y, atom.z)
        site.occ = 1.0
        site.u_iso = atom.b_iso_angstrom2 / (8 * np.pi**2)
        crystal.add_site(site)
    crystal.setup_cell_images()
    crystal.change_occupancies_to_crystallographic()
    calculator = gemmi.StructureFactorCalculatorX(crystal.cell)
    return calculator.calculate_sf_from_small_structure(crystal, hkl)


def test_structure_factors_are_those_of_gemmi_with_another_table_of_form_factors():
    model = PowderModel(QUARTZ, GROUPS, 0.71)
    wanted = np.array([theirs(hkl) for hkl in HKLS])
    np.testing.assert_allclose(np.concatenate(model.phased(model.b_angstrom2)), wanted, atol=0.01)


def test_a_powder_shows_the_mean_of_friedel_mates():
    ours = PowderModel(QUARTZ, GROUPS, 0.71).squares()
    s = 0.5 * np.sqrt(QUARTZ.cell.inverse_d_squared(np.array(HKLS)))
    mean = np.zeros(len(HKLS))
    for sign in (1, -1):
        total = np.zeros(len(HKLS), dtype=complex)
        for atom in QUARTZ.sites:
            waves = np.exp(2j * np.pi * sign * np.array(HKLS) @ QUARTZ.orbit(atom).T).sum(axis=1)
            strength = form_factor(atom.element, s) + dispersion(atom.element, 0.71)
            total += strength * np.exp(-atom.b_iso_angstrom2 * s * s) * waves
        mean += 0.5 * np.abs(total) ** 2
    np.testing.assert_allclose(ours.total, mean, rtol=1e-12)


def test_dispersion_of_caesium_is_that_of_the_table_at_30_kev():
    # Chantler (2000), FFAST, Cs at 29.97 keV: f1 - Z = -1.50, f2 = 0.80
    assert dispersion("Cs", 0.41373) == pytest.approx(-1.50 + 0.80j, abs=0.01)


def test_an_unknown_atom_is_refused():
    with pytest.raises(OutsideCalibration, match="no form factor of 'Xx'"):
        form_factor("Xx", np.array([0.1]))


def test_form_factors_beyond_their_range_are_refused():
    with pytest.raises(OutsideCalibration, match="tabulated to 6"):
        form_factor("Cs", np.array([7.0]))
