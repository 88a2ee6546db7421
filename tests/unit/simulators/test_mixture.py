"""A mixture in the beam: phases that come and go, and the first experiment of the paper."""

import dataclasses
import math

import pytest

from lics_simulators.mixture import ConstituentParameters, Mixture, SiteParameters
from lics_simulators.preset import read_preset


@pytest.fixture
def mixture():
    return Mixture(read_preset("cs_rich").contents)


def found(mixture, gpa):
    return {phase.phase for phase in mixture.state(0.0, gpa, 298.0).phases} - {"re-hcp", "li-bcc"}


def hold(mixture, gpa):
    for _ in range(600):
        mixture.step(5.0, gpa, 298.0)


def atoms(mixture, gpa):
    """Atoms of caesium and lithium in the beam, for each caesium atom loaded."""
    structures, held = mixture.structures(), {"Cs": 0.0, "Li": 0.0}
    for phase in mixture.state(0.0, gpa, 298.0).phases:
        if phase.phase == "li-bcc":
            held["Li"] += 2.0 * phase.cells
        elif phase.phase != "re-hcp":
            for site in structures[phase.phase].sites:
                held[site.element] += phase.cells * len(site.positions)
    return held


def cell(name, gpa):
    (phase,) = (each for each in read_preset("cs_rich").contents.constituents if each.phase == name)
    return phase.cell_angstrom(gpa, 298.0)


def test_it_is_loaded_as_what_is_stable_there(mixture):
    assert found(mixture, 1.77) == {"cs-bcc", "invented-1", "invented-2"}


def test_phases_come_and_go_at_the_pressures_of_the_paper_and_later_on_the_way_down(mixture):
    for gpa, there in (
        (2.55, {"cs-fcc", "invented-1", "invented-2"}),
        (2.65, {"cs-fcc", "invented-2", "invented-3"}),
        (4.25, {"cs-iii", "invented-2", "invented-3"}),
        (4.45, {"cs-iv", "invented-2", "invented-3"}),
        (4.55, {"cs-iv", "invented-4"}),
        (4.35, {"cs-iv", "invented-4"}),
        (2.45, {"cs-fcc", "invented-2", "invented-3"}),
        (2.25, {"cs-fcc", "invented-1", "invented-2"}),
    ):
        hold(mixture, gpa)
        assert found(mixture, gpa) == there, gpa


def test_no_atom_is_lost_or_made(mixture):
    for gpa in (1.77, 2.7, 4.25, 5.0):
        mixture.step(150.0, gpa, 298.0)  # in the middle of a change, where there is one
        assert atoms(mixture, gpa) == pytest.approx({"Cs": 1.0, "Li": 5.37}, abs=2e-3)


def test_caesium_has_its_published_cells():
    assert cell("cs-fcc", 2.37)[0] == pytest.approx(6.465, abs=0.001)  # Hall et al. (1964)
    assert cell("cs-fcc", 4.10)[0] == pytest.approx(5.984, abs=0.001)  # Hall et al. (1964)
    assert cell("cs-iv", 8.0) == pytest.approx((3.349, 3.349, 12.487), abs=0.001)  # Takemura et al. (1982)
    assert math.prod(cell("cs-iii", 4.25)) / 84 == pytest.approx(5.800**3 / 4, rel=1e-3)  # Hall et al. (1964)


def test_caesium_iii_has_84_atoms_that_keep_their_distance(mixture):
    structure = mixture.structures()["cs-iii"]
    assert sum(len(site.positions) for site in structure.sites) == 84  # McMahon et al. (2001)


def test_a_cell_has_the_volume_of_its_isotherm_whichever_edge_gives_most():
    even = ConstituentParameters(phase="cs-bcc", weight=1.0, edges_angstrom=(5.0, 6.0, 7.0), k0_gpa=10.0, k0_prime=4.0)
    uneven = dataclasses.replace(even, edge_parts=(0.5, 0.3, 0.2))
    assert math.prod(uneven.cell_angstrom(4.0, 298.0)) == pytest.approx(math.prod(even.cell_angstrom(4.0, 298.0)))
    assert uneven.cell_angstrom(4.0, 298.0)[0] < even.cell_angstrom(4.0, 298.0)[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phase": "cs-vi"}, r"phase 'cs-vi' has no sites and is none of alloy, "),
        ({"phase": "li-bcc"}, r"phase 'li-bcc' holds no caesium"),
        ({"edge_parts": (0.5, 0.5, 0.5)}, r"edge_parts of cs-bcc make 1\.500000 and must make 1"),
    ],
)
def test_a_constituent_that_cannot_be_is_refused_by_its_name(changes, message):
    parameters = read_preset("cs_rich").contents
    wrong = dataclasses.replace(parameters.constituents[0], **changes)
    with pytest.raises(ValueError, match=message):
        Mixture(dataclasses.replace(parameters, constituents=(wrong,)))


def test_a_pressure_at_which_nothing_is_stable_is_refused():
    parameters = read_preset("cs_rich").contents
    only = dataclasses.replace(parameters, constituents=parameters.constituents[:1])
    with pytest.raises(ValueError, match=r"no constituent is stable at 3\.000 GPa"):
        Mixture(only).state(0.0, 3.0, 298.0)


def test_a_site_stands_for_all_that_symmetry_makes_of_it():
    salt = ConstituentParameters(
        phase="salt",
        weight=1.0,
        edges_angstrom=(7.0, 7.0, 7.0),
        k0_gpa=10.0,
        k0_prime=4.0,
        space_group="F m -3 m",
        sites=(SiteParameters(element="Cs", at=(0.5, 0.5, 0.5), b_angstrom2=2.0),),
    )
    (site,) = salt.structure().sites
    assert set(site.positions) == {(0.5, 0.5, 0.5), (0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 0.5)}
