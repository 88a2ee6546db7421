"""A small sample of the score of `tests/benchmarks/test_density_chain.py`: one plate of each kind of world."""

import pytest
from worlds.plate_chain import Chain


@pytest.fixture(scope="module")
def chain():
    return Chain()


@pytest.mark.long
def test_a_plate_of_the_alloy_shows_its_lithium(chain):
    found, truth = chain.ask("volumetric", 0)
    assert found.verdict == "supported"
    assert found.occupancy.value == pytest.approx(truth, abs=3 * found.occupancy.sigma)


@pytest.mark.long
def test_a_plate_without_lithium_shows_none(chain):
    assert chain.ask("no_lithium", 0)[0].verdict == "excluded"


@pytest.mark.long
def test_plates_with_texture_or_grains_are_given_no_number(chain):
    textured = chain.ask("textured", 0)[0]
    grainy = chain.ask("grainy", 0, oscillation_deg=0.0)[0]
    assert "whole rings are off" in textured.reasons[0]
    assert "scatter along the rings" in grainy.reasons[0]
    assert textured.occupancy is None
    assert grainy.occupancy is None
