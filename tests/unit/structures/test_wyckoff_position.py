"""Kinds of places of space groups against the numbers of the International Tables, volume A."""

import numpy as np
import pytest

from lics_beamline.structures.wyckoff_position import operations_of, wyckoff_positions

# Wyckoff letters of each group, International Tables A
LETTERS = {
    "P m -3 m": 14,
    "F m -3 m": 12,
    "F d -3 m:2": 9,
    "I a -3 d": 8,
    "P 2 3": 10,
    "P 63/m m c": 12,
    "P -6 m 2": 15,
    "R -3 m:H": 9,
    "I 41/a m d:2": 9,
    "P 4/m b m": 12,
    "C m c m": 8,
    "P 1 21/c 1": 5,
}


@pytest.mark.parametrize(("symbol", "letters"), LETTERS.items())
def test_a_group_has_as_many_kinds_of_places_as_the_tables_say(symbol, letters):
    assert len(wyckoff_positions(symbol)) == letters


@pytest.mark.parametrize("symbol", ["F d -3 m:2", "P 63/m m c", "P 4/m b m", "P 1 21/c 1"])
def test_a_place_has_as_many_equivalents_as_it_says_wherever_its_free_numbers_are(symbol):
    rotations, translations = operations_of(symbol)
    for position in wyckoff_positions(symbol):
        place = position.at(np.array([0.0713, 0.1891, 0.3077])[: position.freedom])
        images = (place @ rotations.transpose(0, 2, 1) + translations) % 1.0
        distinct = {tuple(np.round(image, 6) % 1.0) for image in images}
        assert len(distinct) == position.multiplicity


def test_the_origin_comes_first():
    first, second, *_ = wyckoff_positions("P m -3 m")
    assert first.origin.tolist() == [0.0, 0.0, 0.0]
    assert second.origin.tolist() == [0.5, 0.5, 0.5]
