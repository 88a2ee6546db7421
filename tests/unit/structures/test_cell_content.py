"""Contents of cells by their volume, against compounds that are known."""

import itertools

import pytest

from lics_beamline.errors import RefinementFailed
from lics_beamline.structures.cell_content import MOST_ATOMS, atomic_volumes, atoms_by_volume, cell_contents


def test_the_content_of_the_alloy_is_among_those_that_its_volume_leaves():
    """LiCs: a = 3.489(3) A at 8 GPa, one of each in a cell, Desgreniers et al., Sci. Adv. 1, e1500669 (2015)."""
    atoms = atomic_volumes(("Cs", "Li"), pressure_gpa=8.0, temperature_k=298.0)
    found = cell_contents(3.489**3, atoms)
    (alloy,) = (content for content in found if str(content) == "Cs Li")
    assert alloy.volume_ratio == pytest.approx(3.489**3 / (atoms["Cs"] + atoms["Li"]))
    assert len(found) < 10


def test_an_element_in_its_own_cell_has_the_volume_ratio_one():
    atoms = atomic_volumes(("Li",), pressure_gpa=1.0, temperature_k=298.0)
    (two,) = (content for content in cell_contents(2.0 * atoms["Li"], atoms) if content.atoms == (("Li", 2),))
    assert two.volume_ratio == pytest.approx(1.0)


def test_usual_volumes_come_first():
    atoms = {"Cs": 40.0, "Li": 16.0}
    priors = [content.log_prior for content in cell_contents(100.0, atoms)]
    assert priors == sorted(priors, reverse=True)
    assert all(sum(number for _, number in content.atoms) for content in cell_contents(100.0, atoms))


def test_an_element_without_an_equation_of_state_is_refused_with_what_to_do():
    with pytest.raises(RefinementFailed, match=r"no phase of Tl alone .* 5\.00 GPa .* Add one to the recipe"):
        atomic_volumes(("Cs", "Tl"), pressure_gpa=5.0, temperature_k=298.0)


def test_a_cell_of_many_atoms_of_many_elements_ends_at_once_and_says_how_many():
    """Na2Ca3Al2F14: 84 atoms in 1077 A^3, Courbion & Ferey (1988), J. Solid State Chem. 76, 426."""
    atoms = {"Ca": 43.6, "Na": 39.5, "Al": 16.6, "F": 13.0}
    fewest, most = atoms_by_volume(1077.2, atoms)
    assert fewest < MOST_ATOMS < 84 < most
    said = rf"1077\.2 A\^3 has {fewest} to {most} atoms .* at most {MOST_ATOMS} .* Name fewer elements"
    with pytest.raises(RefinementFailed, match=said):
        cell_contents(1077.2, atoms)


def test_contents_are_all_that_take_a_volume_between_two():
    atoms = {"Ti": 17.0, "Ca": 43.0, "O": 14.0}
    found = {tuple(dict(content.atoms).get(element, 0) for element in atoms) for content in cell_contents(60.0, atoms)}
    every = itertools.product(range(9), repeat=3)
    volume = {some: sum(n * v for n, v in zip(some, atoms.values(), strict=True)) for some in every}
    assert found == {some for some, alone in volume.items() if 60.0 / 1.20 <= alone <= 60.0 / 0.55}
