"""The first experiment of the paper on plates of its simulated world, reduced by the recipe that knows the elements."""

import pytest
from worlds.swept_world import RECIPE, Sweeper, stops


@pytest.fixture(scope="module")
def points():
    recipe = RECIPE.parent / "cs-rich" / "recipe.toml"
    return Sweeper(recipe).sweep("cs_rich", stops((3.2, 5.5)), seed=2).run.points


def test_each_element_is_found_where_publications_have_it(points):
    found = [{phase.name for phase in point.phases} for point in points]
    for there, name in zip(found, ("cs-ii", "cs-iv"), strict=True):
        assert there & {"cs-bcc", "cs-ii", "cs-iv"} == {name}


def test_lines_of_neither_element_are_told_at_every_point(points):
    assert all(len(point.unknown_d_angstrom) >= 8 for point in points)
