"""Published structures from the intensities of their rings alone, by gemmi: phases, symmetry, atoms."""

import numpy as np
import pytest
from worlds.published_structures import (
    CAESIUM_CHLORIDE,
    CAESIUM_IV,
    GALLIUM_ARSENIDE,
    PEROVSKITE,
    QUARTZ,
    RHENIUM,
    ROCK_SALT,
    RUTILE,
    STRONTIUM_TITANATE,
    ZINC_BLENDE,
)
from worlds.ring_difference import ring_difference

from lics_beamline.indexing.indexed_lattice import GroupClass
from lics_beamline.structures.cell_content import cell_contents
from lics_beamline.structures.charge_flipping import ChargeFlipping
from lics_beamline.structures.flipped_opinion import flipped_opinion
from lics_beamline.structures.flipped_search import flipped_search, settled_density
from lics_beamline.structures.flipped_sites import density_maxima, occupied_place
from lics_beamline.structures.flipped_symmetry import settled
from lics_beamline.structures.plane_family import turns_of
from lics_beamline.structures.structure_search import search_structure


@pytest.mark.parametrize(
    "published",
    [
        pytest.param(ZINC_BLENDE, id="zinc blende"),
        pytest.param(CAESIUM_IV, id="Cs-IV"),
        pytest.param(ROCK_SALT, id="rock salt", marks=pytest.mark.nightly),
        pytest.param(CAESIUM_CHLORIDE, id="CsCl", marks=pytest.mark.nightly),
        pytest.param(RHENIUM, id="Re", marks=pytest.mark.nightly),
        pytest.param(STRONTIUM_TITANATE, id="SrTiO3", marks=pytest.mark.nightly),
    ],
)
def test_the_highest_maxima_of_phases_from_nothing_are_the_published_atoms(published):
    (rings,) = published.rings(points=1)
    found = settled_density(rings, published.space_group, tuple(published.atomic_angstrom3))
    assert found.agreement > 0.9
    tops = density_maxima(found.phases.planes, found.waves, rings.factors, published.space_group)
    places = [occupied_place(top, published.space_group, rings.cell) for top in tops[: len(published.atoms)]]
    atoms = [
        (element, tuple(position.at(free)))
        for (element, _), (position, free) in zip(published.atoms, places, strict=True)  # the heaviest comes first
    ]
    assert ring_difference(rings.cell, (published.space_group, published.atoms), (published.space_group, atoms)) < 1e-6


def test_zinc_blende_is_told_from_the_group_with_a_centre():
    (rings,) = ZINC_BLENDE.rings(points=1)
    phases = settled_density(rings, "F -4 3 m", ("Zn", "S")).phases
    acentric, centric = (settled(phases, group, 5.4).agreement for group in ("F -4 3 m", "F m -3 m"))
    assert acentric > 0.9
    assert centric < acentric - 0.1


def test_families_that_share_a_ring_add_up_to_its_intensity():
    (rings,) = QUARTZ.rings(points=1)
    flipping = ChargeFlipping(rings.factors, turns_of(QUARTZ.space_group), ("Si", "O"))
    random = np.random.default_rng(3)
    model = random.uniform(0.1, 1.0, len(flipping.planes)) + 0.0j
    size = flipping._amplitudes(np.abs(model)) * flipping._form
    square = rings.cell.inverse_d_squared(flipping.planes)
    for group, squared in zip(rings.factors.groups, rings.factors.squared, strict=True):
        mine = np.isclose(square, 4.0 * group.s_per_angstrom**2, rtol=1e-6)
        assert np.mean(size[mine] ** 2) == pytest.approx(max(squared, 0.0), rel=1e-6)


def best_of(published, groups):
    (rings,) = published.rings(points=1)
    contents = cell_contents(rings.cell.volume_angstrom3, published.atomic_angstrom3)
    found = flipped_search(rings, groups, contents, published.atomic_angstrom3)
    best = min(found.fitted, key=lambda one: one.chi_squared)
    model = best.arrangement.structure(rings.cell, {})
    atoms = [(site.element, (site.x, site.y, site.z)) for site in model.sites]
    return best, ring_difference(rings.cell, (published.space_group, published.atoms), (model.space_group, atoms))


@pytest.mark.long
def test_the_free_coordinate_of_rutile_is_found_from_phases():
    best, off = best_of(RUTILE, ("P 42/m n m",))
    assert best.arrangement.atoms == {"Ti": 2, "O": 4}
    assert off < 0.02


@pytest.mark.nightly
def test_the_atoms_of_a_perovskite_with_seven_free_coordinates_are_found():
    best, off = best_of(PEROVSKITE, ("P n m a", "P n 21 a"))
    assert best.arrangement.atoms == {"Ti": 4, "Ca": 4, "O": 12}
    assert best.arrangement.freedom == 7
    assert off < 0.02


@pytest.mark.nightly
def test_quartz_is_solved_among_the_groups_that_its_lines_leave():
    groups = ("P 62 2 2", "P 64 2 2", "P 31 1 2", "P 31 2 1", "P 32 1 2", "P 32 2 1", "P 62", "P 64", "P 31", "P 32")
    classes = [GroupClass(groups=groups, log_odds=0.0)]
    found = search_structure(QUARTZ.rings(points=2), classes, QUARTZ.atomic_angstrom3)
    best = found.candidates[0]
    assert best.arrangement.space_group in ("P 31 2 1", "P 32 2 1")  # a powder does not tell hands apart
    assert best.arrangement.atoms == {"Si": 3, "O": 6}
    assert found.is_flipped
    assert not found.complete
    model = best.arrangement.structure(found.fit.cell, {})
    atoms = [(site.element, (site.x, site.y, site.z)) for site in model.sites]
    assert ring_difference(found.fit.cell, (QUARTZ.space_group, QUARTZ.atoms), (model.space_group, atoms)) < 0.02


@pytest.mark.long
def test_a_single_element_has_a_second_opinion():
    classes = [GroupClass(groups=(CAESIUM_IV.space_group,), log_odds=0.0)]
    rings = CAESIUM_IV.rings(points=1)
    candidate = search_structure(rings, classes, CAESIUM_IV.atomic_angstrom3).candidates[0]
    opinion = flipped_opinion(candidate, rings[0])
    assert opinion.shows_atoms
    assert opinion.correlation > 0.9
    assert opinion.sites[0].atom == "Cs1"


@pytest.mark.long
def test_elements_of_nearly_equal_number_are_rivals_that_rings_do_not_part():
    classes = [GroupClass(groups=("F -4 3 m",), log_odds=0.0)]
    found = search_structure(
        GALLIUM_ARSENIDE.rings(points=1, relative_error=0.03, floor=0.01), classes, GALLIUM_ARSENIDE.atomic_angstrom3
    )
    assert found.rivals[0].log_odds > -3.0
