"""Lattices that nobody named, and the lines that a powder of them shows: drawn by seed, placed by gemmi.

Nothing of the analysis is used but the classes that hold lines. ``python -m worlds.drawn_lattice`` in this
folder's parent prints the score of the indexing; seeds below 100 are those it was tuned with.
"""

import argparse
import math
import sys
import time
from dataclasses import dataclass

import gemmi
import numpy as np

from lics_beamline.indexing.line_set import LineSet
from lics_beamline.lines.peaks import Peak

WAVELENGTH_ANGSTROM = 0.41373
RANGE_DEG = (3.0, 20.0)
FWHM_DEG = 0.06
MERGED_DEG = 0.04  # two lines nearer than this are one
FAINTEST = 0.01  # of the strongest line: fainter ones are not seen
LOST_SHARE = 0.08  # of the lines, under those of gasket and known phases, or for lack of grains

GROUPS = {
    "cubic": ("P m -3 m", "I m -3 m", "F m -3 m", "F d -3 m", "P a -3", "I -4 3 d", "P 21 3", "I 21 3"),
    "tetragonal": ("P 4/m m m", "I 4/m m m", "P 42/m n m", "I 41/a m d", "P 4/n m m", "I 4/m c m", "P 41 21 2"),
    "hexagonal": ("P 63/m m c", "P 6/m m m", "R -3 m", "P -3 m 1", "P 31 2 1", "R -3 c", "P 63 m c"),
    "orthorhombic": ("P n m a", "C m c m", "C m m a", "P b c n", "I m m a", "P 21 21 21", "F d d d", "P m m n"),
    "monoclinic": ("P 1 21/c 1", "C 1 2/m 1", "C 1 2/c 1", "P 1 21/m 1", "P 1 21 1"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLattice:
    """A drawn lattice. `cells` are conventional ones, one for each set of lines."""

    system: str
    group: str
    cells: tuple[gemmi.UnitCell, ...]
    sets: tuple[LineSet, ...]
    strays: int

    def same(self, numbers, group, *, place=0, within=4e-3):
        """Whether another conventional cell and space group make the same lattice."""
        own, other = self.cells[place], gemmi.UnitCell(*numbers)
        first = gemmi.GruberVector(own, gemmi.SpaceGroup(self.group))
        second = gemmi.GruberVector(other, gemmi.SpaceGroup(group))
        first.niggli_reduce()
        second.niggli_reduce()
        return (
            all(
                abs(math.sqrt(mine) - math.sqrt(theirs)) < within * math.sqrt(mine)
                for mine, theirs in zip(first.parameters[:3], second.parameters[:3], strict=True)
            )
            and abs(own.volume / _lattice_points(self.group) / (other.volume / _lattice_points(group)) - 1.0)
            < 3 * within
        )


def _lattice_points(group):
    return len(list(gemmi.SpaceGroup(group).operations().cen_ops))


def draw(seed, system, *, points=None, crowd=None):
    """Draw a lattice of a crystal system and its lines at one to five pressures."""
    rng = np.random.default_rng([seed, sorted(GROUPS).index(system)])
    group = gemmi.SpaceGroup(str(rng.choice(GROUPS[system])))
    points = points or int(rng.integers(1, 6))
    wanted = rng.uniform(0.15, 0.6) if crowd is None else crowd
    while True:
        edges, angles = _edges(rng, system)
        cell = gemmi.UnitCell(*edges, *angles)
        lines = len(_lines(cell, group, np.random.default_rng(0)))
        centred = len(list(group.operations().cen_ops))
        low = {"cubic": 5, "tetragonal": 10, "hexagonal": 9, "orthorhombic": 16, "monoclinic": 20}[system]
        if low <= lines <= 90 and 25.0 < cell.volume / centred < 900.0 * wanted:
            break
    free = {"cubic": 1, "tetragonal": 2, "hexagonal": 2}.get(system, 3)
    slopes = rng.uniform(0.004, 0.018) * rng.uniform(0.5, 1.5, size=free)
    places = {1: (0, 0, 0), 2: (0, 0, 1), 3: (0, 1, 2)}[free]
    bent = rng.uniform(-0.4, 0.2)  # of the monoclinic angle [deg/GPa]
    shift, error = rng.normal(0.0, 0.003), rng.uniform(0.001, 0.003)
    strengths, lost, stray = {}, {}, (rng.uniform(5.0, 18.0) if rng.uniform() < 0.25 else None)
    pressures = np.cumsum(rng.uniform(0.3, 1.0, size=points))
    cells, sets = [], []
    for pressure in pressures:
        squeezed = [edge * math.exp(-slopes[p] * pressure) for edge, p in zip(edges, places, strict=True)]
        turned = [
            angle + (bent * pressure if system == "monoclinic" and number == 1 else 0.0)
            for number, angle in enumerate(angles)
        ]
        cells.append(gemmi.UnitCell(*squeezed, *turned))
        made = _lines(cells[-1], group, rng, strengths, lost)
        if stray is not None:
            made.append((stray + 0.02 * pressure, 0.2 * max(area for _, area in made)))
        seen = _seen(made, rng, shift, error)
        sets.append(
            LineSet(
                lines=tuple(seen),
                wavelength_angstrom=WAVELENGTH_ANGSTROM,
                pressure_gpa=float(pressure),
                temperature_k=298.0,
                lit_deg=(RANGE_DEG,),
            )
        )
    return DrawnLattice(
        system=system, group=group.hm, cells=tuple(cells), sets=tuple(sets), strays=int(stray is not None)
    )


def _edges(rng, system):
    a = math.exp(rng.uniform(math.log(2.8), math.log(8.0)))
    if system == "cubic":
        a = math.exp(rng.uniform(math.log(2.8), math.log(11.0)))
        return (a, a, a), (90.0, 90.0, 90.0)
    if system == "tetragonal":
        return (a, a, a * math.exp(rng.uniform(-0.6, 0.9))), (90.0, 90.0, 90.0)
    if system == "hexagonal":
        return (a, a, a * math.exp(rng.uniform(-0.4, 1.1))), (90.0, 90.0, 120.0)
    b, c = a * np.exp(rng.uniform(-0.5, 0.5, size=2))
    return (a, b, c), (90.0, 90.0 if system == "orthorhombic" else rng.uniform(91.5, 112.0), 90.0)


def _lines(cell, group, rng, strengths=None, lost=None):
    """Angle and strength of the lines of a lattice; strengths and losses are those of the same indices before."""
    least = WAVELENGTH_ANGSTROM / 2.0 / math.sin(math.radians(RANGE_DEG[1] / 2.0))
    strengths = {} if strengths is None else strengths
    lost = {} if lost is None else lost
    operations, found = group.operations(), []
    for row in gemmi.make_miller_array(cell, group, least):
        hkl = tuple(int(index) for index in row)
        d = cell.calculate_d(hkl)
        theta = math.asin(WAVELENGTH_ANGSTROM / (2.0 * d))
        if math.degrees(2.0 * theta) < RANGE_DEG[0]:
            continue
        family = {tuple(each.apply_to_hkl(list(hkl))) for each in operations}
        multiplicity = len(family | {tuple(-i for i in each) for each in family})
        known = strengths.setdefault(hkl, rng.exponential())
        area = known * multiplicity * math.exp(-4.0 / (4.0 * d * d)) / (math.sin(theta) ** 2 * math.cos(theta))
        if not lost.setdefault(hkl, rng.uniform() < LOST_SHARE):
            found.append((math.degrees(2.0 * theta), area))
    return found


def _seen(made, rng, shift, error):
    made = sorted(made)
    strongest = max(area for _, area in made)
    merged = []
    for place, area in made:
        if merged and place - merged[-1][0] < MERGED_DEG:
            before, other = merged.pop()
            place, area = (before * other + place * area) / (other + area), other + area
        merged.append((place, area))
    peaks = []
    for place, area in merged:
        if area < FAINTEST * strongest * rng.uniform(0.5, 2.0):
            continue
        faint = error * min(3.0, max(0.5, math.sqrt(0.1 * strongest / area)))
        at = place + shift + rng.normal(0.0, faint)
        theta = math.radians(at / 2.0)
        d = WAVELENGTH_ANGSTROM / (2.0 * math.sin(theta))
        peaks.append(
            Peak(
                two_theta_deg=at,
                two_theta_sigma_deg=faint,
                d_angstrom=d,
                d_sigma_angstrom=d / math.tan(theta) * math.radians(faint) / 2.0,
                height=area / FWHM_DEG,
                height_sigma=0.002 * strongest / FWHM_DEG,
                area=area,
                fwhm_deg=FWHM_DEG,
                mixing=0.5,
                background=1.0,
            )
        )
    return sorted(peaks, key=lambda peak: peak.two_theta_deg)


def place_of(world, found):
    """Place in a drawn lattice's ranking, 0 the first, of the lattice that was drawn; None where it is not listed."""
    for place, one in enumerate(found.lattices):
        at = [each.pressure_gpa for each in world.sets].index(one.points[0].pressure_gpa)
        if world.same(one.cell.numbers, "R 3" if one.centring == "R" else f"{one.centring} 1", place=at):
            return place
    return None


def main():
    from lics_beamline.indexing.indexing import index_lines

    parser = argparse.ArgumentParser(description="Score the indexing of drawn lattices.")
    parser.add_argument("--systems", nargs="+", choices=list(GROUPS), default=list(GROUPS))
    parser.add_argument("--seeds", type=int, nargs=2, default=(101, 107), metavar=("FIRST", "LAST"))
    options = parser.parse_args()
    right = sure_and_wrong = undecided = 0
    worlds = [(seed, system) for system in options.systems for seed in range(options.seeds[0], options.seeds[1] + 1)]
    for seed, system in worlds:
        world, start = draw(seed, system), time.process_time()
        found = index_lines(world.sets)
        place = place_of(world, found)
        right += place == 0
        sure_and_wrong += found.verdict == "sure" and place != 0
        undecided += place != 0 and found.verdict == "not decided"
        said = "right" if place == 0 else f"at {place}"
        sys.stdout.write(
            f"{system:13s} {seed:4d} {world.group:11s} {len(world.sets)} points, {len(world.sets[0].lines):2d} lines: "
            f"{said:7s} {found.verdict:11s} {time.process_time() - start:5.1f} s  {found.reason}\n"
        )
        sys.stdout.flush()
    sys.stdout.write(
        f"{right} of {len(worlds)} right, {undecided} of the others not decided, {sure_and_wrong} wrong ones sure\n"
    )


if __name__ == "__main__":
    main()
