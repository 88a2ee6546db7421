"""Recipes that know the elements alone, on plates of simulated worlds that hold more: what is none of them is told."""

import numpy as np
import pytest
from worlds.swept_world import RECIPE, Sweeper, stops


@pytest.fixture(scope="module")
def sweeper():
    """The tables of the detector, made once."""
    return Sweeper()


@pytest.fixture(scope="module")
def first_experiment(sweeper):
    """Two points of the paper's first experiment, below and above its change at 4.5 GPa."""
    by_elements = sweeper.by(RECIPE.parent / "cs-rich" / "recipe.toml")
    return by_elements.sweep("cs_rich", stops((3.2, 5.5)), seed=2).run.points


def test_each_element_is_found_where_publications_have_it(first_experiment):
    found = [{phase.name for phase in point.phases} for point in first_experiment]
    for there, name in zip(found, ("cs-ii", "cs-iv"), strict=True):
        assert there & {"cs-bcc", "cs-ii", "cs-iv"} == {name}


def test_lines_of_no_element_are_told_at_every_point(first_experiment):
    assert all(len(point.unknown_d_angstrom) >= 8 for point in first_experiment)


@pytest.mark.long
def test_without_the_alloy_in_the_recipe_its_lines_are_told_where_it_is_and_none_before(sweeper):
    blind = sweeper.by(RECIPE.with_name("recipe-without-alloy.toml")).sweep("volumetric", stops((2.4, 3.4)), seed=3)
    before, after = blind.run.points
    assert before.unknown_d_angstrom == ()
    told = np.array(after.unknown_d_angstrom)
    assert len(told) >= 6
    squares = (blind.edge(3.4, 298.0) / told) ** 2  # h^2 + k^2 + l^2 of a cube
    assert np.abs(squares - np.round(squares)).max() < 0.02
