"""Phases of the library against the cells that publications print, and recipes that name them."""

from pathlib import Path

import numpy as np
import pytest

from lics_beamline.phases.phase import library, named_phase
from lics_beamline.reduction.recipe import read_recipe

PROFILE = Path(__file__).parents[3] / "profiles" / "simulated"


@pytest.mark.parametrize(
    ("name", "gpa", "edges", "error"),
    [
        ("cs-ii", 2.37, (6.465,) * 3, 0.001),  # Hall, Merrill and Barnett, Science 146, 1297 (1964): +- 0.015
        ("cs-ii", 4.10, (5.984,) * 3, 0.001),  # as above: +- 0.011
        ("cs-iv", 8.0, (3.349, 3.349, 12.487), 0.001),  # Takemura, Minomura and Shimomura, PRL 49, 1772 (1982)
    ],
)
def test_a_phase_has_its_published_cell_at_its_pressure(name, gpa, edges, error):
    assert named_phase(name).expected(gpa, 298.0).numbers[:3] == pytest.approx(edges, abs=error)


@pytest.mark.parametrize("name", [name for name in library() if named_phase(name).highest_gpa < 100.0])
def test_a_phase_has_a_cell_wherever_it_is_sought(name):
    phase = named_phase(name)
    for gpa in (max(phase.lowest_gpa, 0.0), phase.highest_gpa + phase.doubt_gpa):
        assert phase.expected(gpa, 298.0).volume_angstrom3 > 0.0


def test_caesium_iv_holds_four_atoms_of_the_published_volume_on_a_screw_axis():
    phase = named_phase("cs-iv")
    cell = phase.structure.cell
    assert cell.volume_angstrom3 / 4 == pytest.approx(35.0, abs=0.05)
    forward, absent = np.abs(phase.structure.structure_factors(np.array([[0, 0, 0], [0, 0, 2]])))
    assert forward == pytest.approx(4 * 55, abs=0.5)  # electrons of caesium
    assert absent < 1e-6  # 00l is there for l = 4n, in I4_1/amd


@pytest.mark.parametrize(
    ("recipe", "phases"),
    [
        ("recipe-without-alloy.toml", ["cs-bcc", "cs-fcc", "li-bcc", "re-hcp", "diamond"]),
        ("cs-rich/recipe.toml", ["cs-bcc", "cs-ii", "cs-iv", "li-bcc", "re-hcp", "diamond"]),
    ],
)
def test_a_shipped_recipe_differs_from_that_of_the_beamline_in_its_phases_alone(recipe, phases):
    own, other = read_recipe(PROFILE / "recipe.toml"), read_recipe(PROFILE / recipe)
    assert [phase.name for phase in other.phases] == phases
    assert other.model_copy(update={"phases": own.phases}) == own
