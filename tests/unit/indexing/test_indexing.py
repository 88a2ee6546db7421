"""Lattices found from lines alone: the right one first, and sure only where the lines say so."""

import dataclasses
import math

import numpy as np
import pytest
from worlds.drawn_lattice import GROUPS, WAVELENGTH_ANGSTROM, draw

from lics_beamline.indexing.indexing import index_lines
from lics_beamline.indexing.line_set import LineSet
from lics_beamline.lines.peaks import Peak
from lics_beamline.structures.lattice_content import LatticeContent

RANGE_DEG = (4.0, 20.0)


def _lines(spacings, *, pressure_gpa=math.nan, shift_deg=0.0, seed=0):
    rng = np.random.default_rng(seed)
    peaks = []
    for d in sorted(spacings, reverse=True):
        at = 2.0 * math.degrees(math.asin(WAVELENGTH_ANGSTROM / (2.0 * d))) + shift_deg + rng.normal(0.0, 0.001)
        theta = math.radians(at) / 2.0
        seen = WAVELENGTH_ANGSTROM / (2.0 * math.sin(theta))
        peaks.append(
            Peak(
                two_theta_deg=at,
                two_theta_sigma_deg=0.001,
                d_angstrom=seen,
                d_sigma_angstrom=seen / math.tan(theta) * math.radians(0.001) / 2.0,
                height=100.0,
                height_sigma=1.0,
                area=6.0,
                fwhm_deg=0.06,
                mixing=0.5,
                background=1.0,
            )
        )
    return LineSet(
        lines=tuple(peaks),
        wavelength_angstrom=WAVELENGTH_ANGSTROM,
        pressure_gpa=pressure_gpa,
        temperature_k=298.0,
        lit_deg=(RANGE_DEG,),
    )


def _cubic(a, sums):
    return [a / math.sqrt(each) for each in sums]


HIGH = ("cubic", "hexagonal", "tetragonal")
PRIMITIVE = (1, 2, 3, 4, 5, 6, 8, 9, 10)  # sums of three squares: 7 is none


def test_a_lattice_that_takes_a_larger_shift_than_a_calibration_leaves_is_not_sure():
    lines = [_lines(_cubic(4.6, (*PRIMITIVE, 11, 12, 13, 14)), shift_deg=0.03)]
    found = index_lines(lines, systems=("cubic",), zero_shift_deg=0.02)
    assert (found.lattices[0].centring, found.verdict) == ("P", "likely")
    assert "it takes a shift of all angles" in found.reason
    assert index_lines(lines, systems=("cubic",), zero_shift_deg=0.05).verdict == "sure"


def test_a_primitive_cube_is_found_with_its_edge_and_the_groups_that_leave_nothing_out():
    found = index_lines([_lines(_cubic(3.9, PRIMITIVE), shift_deg=0.004)], systems=HIGH)
    best = found.lattices[0]
    assert (best.system, best.centring) == ("cubic", "P")
    assert best.cell.a_angstrom == pytest.approx(3.9, abs=4.0 * best.points[0].cell_sigma.a_angstrom)
    assert best.points[0].cell_sigma.a_angstrom < 2e-3
    assert best.classes[0].groups[0] == "P m -3 m"
    assert best.strays == 0


def test_a_cube_of_which_six_lines_are_seen_is_not_told_from_a_centred_one_and_both_are_named():
    """The seventh line tells primitive and body-centred cubes apart: until then both have lines at the same places."""
    seen = _lines(_cubic(3.9, PRIMITIVE[:6]))
    last = seen.lines[-1].two_theta_deg + 0.1
    found = index_lines(
        [
            LineSet(
                lines=seen.lines, wavelength_angstrom=WAVELENGTH_ANGSTROM, temperature_k=298.0, lit_deg=((4.0, last),)
            )
        ],
        systems=HIGH,
    )
    assert found.verdict == "not decided"
    named = {(one.centring, round(one.cell.a_angstrom, 1)) for one in found.lattices[:4] if one.system == "cubic"}
    assert {("P", 3.9), ("I", 5.5)} <= named
    assert "cubic" in found.reason


def test_a_cell_of_twice_the_edge_without_a_line_of_its_own_is_no_rival():
    cube = [_lines(_cubic(4.6 * (1.0 - 0.01 * k), (2, 3, 4, 5, 6, 9, 10, 11)), seed=k) for k in range(2)]
    found = index_lines(cube, systems=("cubic",))
    assert (found.lattices[0].centring, found.lattices[0].is_idle) == ("P", False)
    double = [one for one in found.lattices if one.cell.a_angstrom == pytest.approx(9.2, rel=2e-3)]
    assert double
    assert all(one.is_idle for one in double)
    assert "9.2" not in found.reason


def test_a_superlattice_that_explains_a_line_more_is_a_rival():
    spacings = [*_cubic(4.6, (1, 2, 3, 4, 5, 6, 8, 9, 10)), 9.2 / math.sqrt(3.0), 9.2 / math.sqrt(11.0)]
    found = index_lines([_lines(spacings)], systems=("cubic",))
    double = [one for one in found.lattices if one.cell.a_angstrom == pytest.approx(9.2, rel=2e-3)]
    assert double
    assert not any(one.is_idle for one in double)


def test_a_body_centred_cube_is_told_from_a_primitive_one_by_the_seventh_line():
    found = index_lines([_lines(_cubic(5.515, [2 * each for each in (1, 2, 3, 4, 5, 6, 7, 8, 9)]))], systems=HIGH)
    assert (found.lattices[0].system, found.lattices[0].centring) == ("cubic", "I")
    assert found.lattices[0].cell.a_angstrom == pytest.approx(5.515, abs=3e-3)


@pytest.mark.long
def test_lines_drawn_at_random_are_of_no_sure_lattice():
    rng = np.random.default_rng(5)
    angles = np.sort(rng.uniform(5.0, 19.0, size=14))
    found = index_lines([_lines([WAVELENGTH_ANGSTROM / 2.0 / math.sin(math.radians(each / 2.0)) for each in angles])])
    assert found.verdict != "sure"
    assert found.reason


def test_lines_of_two_phases_taken_for_one_are_of_no_sure_or_likely_lattice():
    first, second = draw(204, "cubic", points=1), draw(211, "hexagonal", points=1)
    lines = sorted([*first.sets[0].lines, *second.sets[0].lines], key=lambda line: line.two_theta_deg)
    found = index_lines([dataclasses.replace(first.sets[0], lines=tuple(lines))], systems=HIGH)
    assert found.verdict == "not decided"
    assert "leaves" in found.reason


def test_the_lattice_is_the_same_where_rietx_searches_too_and_who_found_it_is_said():
    lines = [_lines(_cubic(3.9, PRIMITIVE))]
    alone = index_lines(lines, systems=("cubic",))
    both = index_lines(lines, systems=("cubic",), rietx_seconds=3.0)
    assert both.lattices[0].cell == alone.lattices[0].cell
    assert alone.engines == "the exhaustive search alone"
    assert "found it" in both.engines


def test_a_cell_that_grows_with_pressure_is_none_of_one_phase():
    small, large = (_lines(_cubic(a, PRIMITIVE), pressure_gpa=p) for a, p in ((3.90, 2.0), (4.05, 4.0)))
    found = index_lines([small, large], systems=HIGH)
    assert found.verdict == "not decided"
    assert "grows" in found.reason


def test_too_few_lines_are_not_decided_but_listed():
    found = index_lines([_lines(_cubic(3.9, (1, 2)))], systems=HIGH)
    assert found.verdict == "not decided"


def test_bounds_of_the_volume_leave_out_what_is_larger_or_smaller():
    found = index_lines([_lines(_cubic(3.9, PRIMITIVE[:6]))], volume_angstrom3=(40.0, 80.0), systems=("cubic",))
    assert found.lattices
    assert all(40.0 <= one.cell.volume_angstrom3 <= 80.0 for one in found.lattices)


def test_faint_companions_of_strong_lines_are_no_lines_of_a_lattice():
    """Asymmetric lines of a synchrotron leave a faint line to either side of each strong one."""
    seen = _lines(_cubic(3.9, PRIMITIVE))
    wings = [
        dataclasses.replace(line, two_theta_deg=line.two_theta_deg + 0.9 * side * line.fwhm_deg, area=0.1)
        for line in seen.lines
        for side in (-1.0, 1.0)
    ]
    lines = tuple(sorted([*seen.lines, *wings], key=lambda line: line.two_theta_deg))
    best = index_lines([dataclasses.replace(seen, lines=lines)], systems=HIGH).lattices[0]
    assert (best.system, best.centring, best.lines, best.strays) == ("cubic", "P", 9, 0)


@pytest.mark.parametrize(
    "system", [pytest.param(each, marks=[] if each in HIGH else pytest.mark.long) for each in sorted(GROUPS)]
)
def test_a_drawn_lattice_is_found_at_all_its_pressures(system):
    world = draw(2, system, points=3)
    found = index_lines(world.sets)
    best = found.lattices[0]
    assert len(best.points) == 3
    for point in best.points:
        place = [one.pressure_gpa for one in world.sets].index(point.pressure_gpa)
        group = "R 3" if best.centring == "R" else f"{best.centring} 1"
        assert world.same(point.cell.numbers, group, place=place)


def _alloy():
    """Lines of a compound of caesium and lithium up to where the seventh line would tell its cube from another."""
    edges = ((2.6, 3.68), (3.2, 3.62), (3.9, 3.57), (4.6, 3.53))
    return [_lines(_cubic(a, (1, 2, 3, 4, 5, 6, 8)), pressure_gpa=p, seed=n) for n, (p, a) in enumerate(edges)]


def test_a_rhombohedron_that_is_a_cube_at_one_of_its_pressures_is_followed_through():
    world = draw(104, "hexagonal")
    found = index_lines(world.sets, systems=("cubic", "hexagonal"))
    best = found.lattices[0]
    assert (best.system, best.centring, found.verdict) == ("hexagonal", "R", "sure")
    volumes = [one.cell.volume_angstrom3 for one in best.points]
    assert volumes == pytest.approx([one.volume for one in world.cells], rel=2e-3)


def test_lines_that_a_square_base_explains_are_of_no_rectangular_one():
    found = index_lines(draw(302, "tetragonal").sets, systems=("tetragonal", "orthorhombic"))
    assert (found.lattices[0].system, found.lattices[0].centring, found.verdict) == ("tetragonal", "I", "sure")


def test_lines_too_faint_to_be_seen_far_out_speak_against_no_lattice():
    near = _lines(_cubic(6.0, (*PRIMITIVE, 11, 12, 13, 14, 16, 17, 18)))
    far = dataclasses.replace(near, lit_deg=((3.0, 40.0),))
    found = index_lines([far], systems=("cubic",))
    assert (found.lattices[0].seen, found.lattices[0].possible) == (16, 16)
    assert found.verdict == "sure"


def test_a_formula_decides_between_cubes_that_lines_leave():
    alone = index_lines(_alloy(), systems=("cubic",))
    assert alone.verdict == "likely"
    assert "cubic I 5.20" in alone.reason
    known = index_lines(_alloy(), systems=("cubic",), contents=LatticeContent(("Cs", "Li"), {"Cs": 1, "Li": 1}))
    assert known.verdict == "sure"
    best = known.lattices[0]
    assert (best.system, best.centring) == ("cubic", "P")
    assert best.content.startswith("Cs Li, 0.")
    (other,) = (one for one in known.lattices if one.centring == "I" and abs(one.cell.a_angstrom - 5.204) < 0.01)
    assert "no atoms of that formula" in other.rejected


def test_no_lattice_stands_whose_volume_the_elements_do_not_have():
    found = index_lines([_lines(_cubic(3.9, PRIMITIVE), pressure_gpa=3.0)], systems=("cubic",))
    assert not found.lattices[0].rejected
    nine = LatticeContent(("Re",), {"Re": 9})  # of 14.6 angstrom^3 each
    refused = index_lines([_lines(_cubic(3.9, PRIMITIVE), pressure_gpa=3.0)], systems=("cubic",), contents=nine)
    (same,) = (one for one in refused.lattices if one.cell.volume_angstrom3 == found.lattices[0].cell.volume_angstrom3)
    assert "no atoms of that formula" in same.rejected
