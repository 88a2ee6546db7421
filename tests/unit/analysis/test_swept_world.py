"""Blind score of isotherms and expansion on plates of two simulated worlds; the truth is read here and nowhere else."""

import pytest
from swept_world import Sweeper, stops

from lics_beamline.analysis.overview import Overview
from lics_beamline.analysis.paper import paper_table

COLD_GPA, HOT_GPA = (3.2, 4.0, 4.8, 5.6, 6.6, 7.95), (9.4, 7.8, 6.0, 4.5, 3.1, 2.1)


@pytest.fixture(scope="module")
def swept():
    """The volumetric world: six pressures cold, six hot."""
    return Sweeper().sweep("volumetric", stops(COLD_GPA, (), HOT_GPA), seed=7)


@pytest.fixture(scope="module")
def alloy(swept):
    return next(each for each in Overview.of(swept.run).phases if each.recorded.phase == "alloy")


@pytest.mark.parametrize(("gpa", "kelvin"), [(3.3, 298.0), (4.8, 298.0), (7.9, 298.0), (5.0, 498.0)])
def test_cells_are_within_three_of_their_own_errors(swept, alloy, gpa, kelvin):
    found = alloy.quantity(lambda each: each.expansion.volume_angstrom3(gpa, kelvin) ** (1 / 3), 1e-4)
    assert found.value == pytest.approx(swept.edge(gpa, kelvin), abs=3 * found.sigma)
    assert found.sigma < 0.006  # an error that holds everything says nothing


def test_expansion_is_within_three_of_its_own_errors(swept, alloy):
    for gpa in (3.3, 7.9):
        cold, hot = swept.edge(gpa, 298.0), swept.edge(gpa, 498.0)
        found = alloy.quantity(lambda each, gpa=gpa: each.expansion.volumetric_per_k(gpa))
        assert found.value == pytest.approx(3 * (hot - cold) / (200.0 * cold), abs=3 * found.sigma)
        assert found.sigma < 0.25e-4


def test_the_paper_is_compared_with_what_the_path_gives(swept):
    table = paper_table(swept.run, Overview.of(swept.run).phases)
    cells = [claim for claim in table.claims if claim.kind == "cell"]
    assert [abs(claim.distance_esd) <= 2.0 for claim in cells] == [True] * 4
