"""From patterns of the alloy to its structure and its phase file; the patterns are drawn by gemmi and scipy."""

import math

import gemmi
import numpy as np
import pytest
from worlds.drawn_alloy import alloy, drawn

from lics_beamline.analysis.phase_file import write_phase_files
from lics_beamline.analysis.structure_text import model_rows, site_rows, structure_lines
from lics_beamline.errors import RefinementFailed
from lics_beamline.indexing.indexed_lattice import GroupClass, IndexedLattice, Indexing
from lics_beamline.indexing.lattice_evidence import FiguresOfMerit
from lics_beamline.lines.peaks import find_peaks
from lics_beamline.phases.identification import identify
from lics_beamline.phases.phase import named_phase, read_phase
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.structural_model import read_model
from lics_beamline.structures.ring_intensities import UnknownPattern
from lics_beamline.structures.unknown_structure import solve_structure

PRESSURES_GPA = (3.0, 4.8, 6.5, 8.0)
STATES = tuple((gpa, named_phase("alloy").expected(gpa, 298.0).a_angstrom) for gpa in PRESSURES_GPA)
CUBIC_P = Indexing(
    verdict="sure",
    reason="",
    lattices=(
        IndexedLattice(
            system="cubic",
            centring="P",
            points=(),
            log_evidence=50.0,
            merit=FiguresOfMerit(m_n=math.nan, f_n=math.nan, lines=12, lines_possible=12),
            lines=12,
            strays=0,
            possible=12,
            seen=12,
            engines=(),
            classes=(GroupClass(groups=("P m -3 m", "P m -3", "P 4 3 2"), log_odds=0.0),),
        ),
    ),
    engines="",
)


def point(number, gpa, edge):
    return UnknownPattern(
        number=number,
        pattern=drawn(alloy(edge=edge), seed=number),
        pressure_gpa=gpa,
        pressure_sigma_gpa=0.005,
        temperature_k=298.0,
        cell=UnitCell.cubic(1.0005 * edge),
        known=(),
    )


@pytest.fixture(scope="module")
def points():
    return [point(number, *state) for number, state in enumerate(STATES, 1)]


@pytest.fixture(scope="module")
def solved(points):
    return solve_structure("unknown 1", points, CUBIC_P, ("Li", "Cs"))


@pytest.fixture(scope="module")
def files(solved, tmp_path_factory):
    return write_phase_files(solved, tmp_path_factory.mktemp("phase"), run="0123")


def test_caesium_is_at_the_corner_and_lithium_at_the_centre(solved):
    assert solved.verdict == "sure"
    assert solved.best.arrangement.space_group == "P m -3 m"
    places = {one.element: one.place.tolist() for one in solved.best.arrangement.occupied}
    assert places == {"Cs": [0.0, 0.0, 0.0], "Li": [0.5, 0.5, 0.5]}
    lithium = solved.refined.phases[0].site("Li1")
    assert lithium.site.occupancy == pytest.approx(0.7, abs=3 * lithium.occupancy_sigma)


def test_the_density_shows_lithium_though_it_was_told_of_caesium_alone(solved):
    heaviest, light, *noise = solved.density.sites
    assert (heaviest.atom, light.atom) == ("Cs1", "Li1")
    assert light.position == pytest.approx((0.5, 0.5, 0.5), abs=0.02)
    assert all(site.height < 0.3 * light.height for site in noise)
    assert solved.density.shows_light


def test_lithium_nowhere_and_lithium_elsewhere_are_worse(solved):
    worse = [model for model in solved.models if model.candidate in solved.search.rivals]
    assert any(model.candidate.arrangement.elements == ("Cs",) for model in worse)
    best = solved.refined.agreement
    assert all(model.fit.agreement.r_wp_subtracted > best.r_wp_subtracted for model in worse)
    assert all(model.fit.agreement.chi_squared > 1.1 * best.chi_squared for model in worse)


def test_cells_of_all_points_make_its_equation_of_state(solved):
    for gpa, edge in STATES:
        assert solved.surface.equation.volume_angstrom3(gpa, 298.0) ** (1 / 3) == pytest.approx(edge, abs=1e-3)
    assert solved.surface.held == ("K'", "thermal pressure")


def test_the_phase_file_finds_the_cells_that_the_shipped_phase_finds(points, files):
    for at in points:
        peaks = find_peaks(at.pattern)
        found = [
            identify(peaks, (phase,), pattern=at.pattern, pressure_gpa=at.pressure_gpa, temperature_k=298.0).phases[0]
            for phase in (read_phase(files.phase), named_phase("alloy"))
        ]
        assert found[0].name == "unknown-1"
        assert found[0].cell.a_angstrom == pytest.approx(found[1].cell.a_angstrom, abs=1e-3)


def test_another_program_reads_the_cif_and_calculates_the_same_rings(solved, files):
    theirs = gemmi.make_small_structure_from_block(gemmi.cif.read(str(files.cif)).sole_block())
    assert theirs.spacegroup.hm == "P m -3 m"
    calculator = gemmi.StructureFactorCalculatorX(theirs.cell)
    ours = {(each.h, each.k, each.l): each.squared for each in solved.refined.phases[0].reflections}
    planes = [(1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 1, 0), (3, 1, 0)]
    for element in ("Cs", "Li"):
        f_prime, _ = gemmi.cromer_liberman(z=gemmi.Element(element).atomic_number, energy=12398.4198 / 0.41373)
        calculator.addends.set(gemmi.Element(element), f_prime)
    squares = np.array([abs(calculator.calculate_sf_from_small_structure(theirs, h)) ** 2 for h in planes])
    wanted = np.array([next(v for k, v in ours.items() if sorted(map(abs, k)) == sorted(h)) for h in planes])
    assert squares / squares[0] == pytest.approx(wanted / wanted[0], rel=0.02)


def test_the_cif_is_a_model_whose_numbers_are_refined_again(files):
    model = read_model(files.cif)
    assert [sorted(flags) for flags in model.refined] == [["b"], ["b", "occupancy"]]


def test_what_was_found_is_told_with_its_rivals_and_its_density(solved):
    told = "\n".join(structure_lines(solved))
    assert "structure sure: Cs Li in P m -3 m, Cs 0 0 0; Li 0.5 0.5 0.5" in told
    assert "221/300" in told
    assert model_rows(solved)[0].cells[0] == "1: Cs Li"
    assert site_rows(solved)[1].cells[-1] == "Li1"


def test_without_elements_the_structure_is_not_decided_and_no_file_is_written(points, tmp_path):
    open_question = solve_structure("unknown 1", points[:1], CUBIC_P, ())
    assert open_question.verdict == "not decided"
    assert "--elements Cs Li" in open_question.reasons[0]
    with pytest.raises(RefinementFailed, match="not decided"):
        write_phase_files(open_question, tmp_path, run="0123")
    assert not list(tmp_path.iterdir())
