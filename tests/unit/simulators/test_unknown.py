"""Compounds that the seed draws: they could be, and they are what they are said to be."""

import dataclasses
import itertools
import json

import gemmi
import numpy as np
import pytest

from lics_simulators.equation_of_state import cs_volume, li_volume
from lics_simulators.plate.scattering import rings
from lics_simulators.preset import read_preset
from lics_simulators.unknown import SHORTEST_ANGSTROM, draw
from lics_simulators.world import World

SEEDS = range(12)


def compound(seed, **changes):
    parameters = dataclasses.replace(read_preset("unknown").contents, **changes)
    return draw(parameters, np.random.default_rng(seed)).constituents[-1]


def in_gemmi(phase):
    """The compound where it appears, as gemmi holds structures."""
    small = gemmi.SmallStructure()
    small.cell = gemmi.UnitCell(*phase.cell_angstrom(phase.from_gpa, 298.0), *phase.angles_deg)
    small.spacegroup_hm = phase.space_group
    small.determine_and_set_spacegroup("1")
    for number, site in enumerate(phase.sites):
        atom = gemmi.SmallStructure.Site()
        atom.label, atom.element = f"{site.element}{number}", gemmi.Element(site.element)
        atom.fract = gemmi.Fractional(*site.at)
        small.add_site(atom)
    small.setup_cell_images()
    return small


def test_the_same_seed_draws_the_same_compound_and_another_seed_another():
    assert compound(3) == compound(3)
    assert compound(3).edges_angstrom != compound(4).edges_angstrom


def test_a_lattice_system_is_drawn_as_it_is_asked_for():
    for system in read_preset("unknown").contents.systems:
        assert gemmi.SpaceGroup(compound(1, systems=(system,)).space_group).crystal_system_str() == system


def test_seeds_draw_different_lattice_systems():
    assert len({gemmi.SpaceGroup(compound(seed).space_group).crystal_system_str() for seed in SEEDS}) >= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_its_atoms_keep_their_distances(seed):
    small = in_gemmi(compound(seed))
    search = gemmi.NeighborSearch(small, 5.0).populate()
    for site in small.sites:
        for pair, shortest in SHORTEST_ANGSTROM.items():
            nearer = search.find_site_neighbors(site, min_dist=0.01, max_dist=shortest - 1e-3)
            assert not [mark for mark in nearer if tuple(sorted((site.element.name, mark.element.name))) == pair]


@pytest.mark.parametrize("seed", SEEDS)
def test_it_takes_less_room_than_its_elements(seed):
    phase = compound(seed)
    small = in_gemmi(phase)
    held = {"Cs": 0, "Li": 0}
    for site in phase.structure().sites:
        held[site.element] += len(site.positions)
    apart = held["Cs"] * cs_volume(phase.from_gpa, 298.0) + held["Li"] * li_volume(phase.from_gpa, 298.0)
    assert 0.7 < small.cell.volume / apart < 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_its_lines_need_its_whole_lattice(seed):
    phase = compound(seed)
    found = rings(
        phase.structure(),
        phase.cell_angstrom(phase.from_gpa, 298.0),
        cells=1.0,
        temperature_k=298.0,
        wavelength_angstrom=0.41373,
        two_theta_max_deg=28.0,
    )
    strongest = max(ring.intensity for ring in found)
    seen = np.array([ring.hkl for ring in found if ring.intensity > 1e-3 * strongest])
    assert len(seen) >= 8
    # the greatest common divisor of the determinants of all triples of indices is the index of what they span
    volumes = [round(abs(np.linalg.det(three))) for three in itertools.combinations(seen[:16], 3)]
    operations = gemmi.SpaceGroup(phase.space_group).operations()
    images = [op.apply_to_hkl(list(hkl)) for hkl in seen[:16] for op in operations.sym_ops]
    volumes += [round(abs(np.linalg.det(np.array(three)))) for three in itertools.combinations(images[:14], 3)]
    assert np.gcd.reduce(volumes) == len(operations.cen_ops)


def test_what_was_drawn_stands_in_the_truth(tmp_path):
    world = World(seed=5, preset="unknown", folder=tmp_path)
    world.close()
    (seed,) = (json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines())
    drawn = world.preset.contents.constituents[-1]
    assert drawn.phase == "unknown"
    assert seed["preset"]["contents"]["constituents"][-1]["space_group"] == drawn.space_group
    assert seed["preset"]["contents"]["constituents"][-1]["from_gpa"] == drawn.from_gpa


def test_it_lies_in_the_beam_from_its_pressure_on_with_its_share():
    world = World(seed=5, preset="unknown")
    drawn = world.preset.contents.constituents[-1]
    share = drawn.weight / (1.0 + drawn.weight)
    for gpa, part in ((drawn.from_gpa - 0.05, 0.0), (drawn.from_gpa + 0.05, share)):
        for _ in range(600):
            world.contents.step(5.0, gpa, 298.0)
        cells = {phase.phase: phase.cells for phase in world.contents.state(0.0, gpa, 298.0).phases}
        caesium = sum(len(site.positions) for site in drawn.structure().sites if site.element == "Cs")
        assert cells.get("unknown", 0.0) * caesium == pytest.approx(part, abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"systems": ("cubic", "icosahedral")}, r"systems \['icosahedral'\] are none of cubic, tetragonal"),
        ({"most_atoms": 1, "systems": ("cubic",)}, r"no cubic compound of 1 atoms was found"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        compound(1, **changes)
