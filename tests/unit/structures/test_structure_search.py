"""Structures from rings that gemmi calculated: which arrangement is first, and what is left open."""

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from worlds.drawn_rings import drawn_rings, squares_of, structure_of

from lics_beamline.indexing.extinction import extinction_classes
from lics_beamline.indexing.indexed_lattice import GroupClass
from lics_beamline.structures.structure_search import search_structure

ATOMS = {"Cs": 40.0, "Li": 16.0}  # of the elements, at the pressure of what is drawn [angstrom^3]
ALLOY = ("P m -3 m", (3.54,) * 3, (("Cs", (0, 0, 0), 1.0, 1.6), ("Li", (0.5, 0.5, 0.5), 0.7, 3.0)))
ROCK_SALT = ("F m -3 m", (5.9,) * 3, (("Cs", (0, 0, 0), 1.0, 2.0), ("Li", (0.5, 0.5, 0.5), 1.0, 3.0)))
LAYERS = ("P 6/m m m", (4.5, 4.5, 4.0), (("Cs", (0, 0, 0), 1.0, 2.0), ("Li", (1 / 3, 2 / 3, 0.5), 1.0, 3.0)))
HEIGHT = (
    "P 4/n m m:2",
    (4.2, 4.2, 6.4),
    (("Cs", (0.25, 0.25, 0.31), 1.0, 2.0), ("Li", (0.75, 0.25, 0), 1.0, 3.0)),
)


def classes_of(space_group):
    group = gemmi.SpaceGroup(space_group)
    (found,) = (each for each in extinction_classes(group.crystal_system_str()) if str(group.hm) in each.groups)
    return [GroupClass(groups=found.groups, log_odds=0.0)]


def found_for(drawing, **options):
    return search_structure(drawn_rings(*drawing, **options), classes_of(drawing[0]), ATOMS)


def agreement(search, drawing):
    """Largest difference between |F|^2 of the first candidate and of the truth, over the largest, without occupancy."""
    best = search.candidates[0]
    cell, b = search.fit.cell, {"Cs": 2.0, "Li": 3.0}
    model = best.arrangement.structure(cell, b)
    sites = [(site.element, (site.x, site.y, site.z), 1.0, site.b_iso_angstrom2) for site in model.sites]
    true = [(element, place, 1.0, b[element]) for element, place, *_ in drawing[2]]
    planes = [[h, k, l] for h in range(4) for k in range(4) for l in range(4) if h + k + l]  # noqa: E741
    squares = [
        squares_of(structure_of(group, cell.numbers[:3], of), planes)
        for group, of in ((model.space_group, sites), (drawing[0], true))
    ]
    return float(np.abs(squares[0] - squares[1]).max() / squares[1].max())


@pytest.mark.parametrize(
    "drawing", [ALLOY, ROCK_SALT, pytest.param(LAYERS, marks=pytest.mark.long)], ids=["CsCl", "NaCl", "layers"]
)
def test_atoms_on_places_without_freedom_come_back(drawing):
    found = found_for(drawing)
    assert agreement(found, drawing) < 0.01
    assert found.complete
    assert found.freedom == 0
    assert found.chi_squared < 2.0
    assert all(one.log_odds < -3.0 for one in found.rivals)


def test_a_point_at_another_temperature_says_the_same_atoms():
    # B of a classical oscillator grows with the temperature; chi^2 was 53 with one B at both
    group, edges, sites = ALLOY
    (cold,) = drawn_rings(*ALLOY, points=1)
    warmer = tuple((element, place, taken, b * 495.0 / 298.0) for element, place, taken, b in sites)
    (hot,) = drawn_rings(group, edges, warmer, points=1, seed=2)
    hot = replace(hot, at=replace(hot.at, temperature_k=495.0))
    for points in ((cold, hot), (hot, cold)):
        found = search_structure(points, classes_of(group), ATOMS)
        assert agreement(found, ALLOY) < 0.01
        assert found.chi_squared < 2.0


@pytest.mark.long
def test_a_free_height_is_found():
    found = found_for(HEIGHT)
    assert agreement(found, HEIGHT) < 0.02
    assert found.freedom == 1


def test_places_that_are_taken_in_part_are_told():
    best = found_for(ALLOY).candidates[0]
    assert best.fitted.occupancy["Li"] == pytest.approx(0.7, abs=0.1)
    assert best.fitted.occupancy["Cs"] == 1.0
    places = {one.element: one.place.tolist() for one in best.arrangement.occupied}
    assert places == {"Cs": [0.0, 0.0, 0.0], "Li": [0.5, 0.5, 0.5]}


def test_the_empty_place_is_a_rival_and_is_worse():
    found = found_for(ALLOY)
    (empty,) = (one for one in found.candidates if one.arrangement.elements == ("Cs",))
    assert empty.log_odds < -20.0


def test_faint_rings_leave_the_light_atom_open_and_not_the_heavy_one():
    found = found_for(ALLOY, relative_error=0.3, floor=0.05)
    assert found.rivals[0].log_odds > -7.0
    assert all(one.arrangement.atoms.get("Cs") == 1 for one in (found.candidates[0], found.rivals[0]))


def test_a_volume_that_no_atoms_have_leaves_nothing():
    found = search_structure(drawn_rings(*ALLOY), classes_of("P m -3 m"), {"Cs": 400.0})
    assert found.candidates == ()
    assert found.contents == ()


def test_a_cell_with_room_for_more_atoms_than_are_tried_is_not_searched_completely():
    group, edges, sites = ROCK_SALT
    found = search_structure(
        drawn_rings(group, edges, sites, points=1), classes_of(group), ATOMS | {"Li": edges[0] ** 3 / 0.55 / 60.0}
    )
    assert found.most_atoms == 60
    assert not found.complete
