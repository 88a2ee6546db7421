"""Contents of cells by their volume, against compounds that are known."""

import pytest

from lics_beamline.errors import RefinementFailed
from lics_beamline.structures.cell_content import atomic_volumes, cell_contents


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
