"""Verb that finds the lattice of a phase that nobody named: index."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import angle, count, pathname, real
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.pattern_options import wavelengths
from lics_beamline.cli.running_text import wrapped
from lics_beamline.indexing.crystal_system import SYSTEMS

if TYPE_CHECKING:
    from lics_beamline.discovery.unknown_phase import UnknownPhase
    from lics_beamline.indexing.indexed_lattice import IndexedLattice, Indexing
    from lics_beamline.indexing.line_set import LineSet
    from lics_beamline.physics.unit_cell import UnitCell
    from lics_beamline.structures.lattice_content import LatticeContent

MOST_LATTICES_TOLD: Final = 6
TUBE_SHIFT_DEG: Final = 0.05  # engineering value: of a sample 0.1 mm out of the axis, at a radius of 240 mm
ROOM_K: Final = 298.0  # of a pattern whose temperature nobody said
MOST_GROUPS_TOLD: Final = 4  # classes of space groups


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "index",
        parents=[shared],
        help="find the lattice of an unknown phase from its lines",
        description="Index the lines that no known phase explains: of a reduced run, whose lines at all points must be "
        "of one lattice with cells that shrink, or of a pattern of any program. Printed are a verdict, the lattices "
        "that explain the lines with what speaks for each, and the space groups that remain. Triclinic lattices are "
        "not sought.",
    )
    verb.add_argument("source", metavar="RUN|PATTERN", help="a run as lics show knows it, or a file of a pattern")
    verb.add_argument("point", metavar="POINT", type=count, nargs="?", help="one point of a run (default: all)")
    verb.add_argument(
        "--unknown",
        type=count,
        metavar="N",
        help="which of the phases of a run that lics discover tells (default: the one of most lines)",
    )
    verb.add_argument("--phases", type=pathname, nargs="+", default=[], metavar="CIF", help="known phases of a pattern")
    verb.add_argument(
        "--within",
        type=real(1e-4, 0.1, ""),
        default=0.02,
        metavar="F",
        help="how far their cells may be from those of the CIFs, as a fraction of the edges (default 0.02)",
    )
    verb.add_argument(
        "--wavelength",
        type=wavelengths,
        default=(),
        metavar="ANGSTROM",
        help="of a pattern (default: what the file says); two with a comma between, or a tube by name (CuKa), where "
        "every line comes twice",
    )
    verb.add_argument("--unit", choices=("2theta", "q", "q-nm", "d"), help="abscissa of a pattern, as for lics fit")
    verb.add_argument("--range", type=angle, nargs=2, metavar=("LO", "HI"), help="angles of a pattern used (deg)")
    verb.add_argument(
        "--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), help="crystal systems (default all)"
    )
    verb.add_argument(
        "--volume",
        type=real(1.0, 1e5, "angstrom^3"),
        nargs=2,
        default=(10.0, 1500.0),
        metavar=("LO", "HI"),
        help="volume of the conventional cell (angstrom^3; default 10 to 1500)",
    )
    verb.add_argument(
        "--elements",
        nargs="+",
        metavar="X",
        default=(),
        help="that the phase may be made of: a lattice without volume or places for atoms of these is rejected "
        "(default: not asked)",
    )
    verb.add_argument("--formula", metavar="F", help="the same, where its formula is known: LiCs")
    verb.add_argument(
        "--pressure", type=real(0.0, 1000.0, "GPa"), metavar="GPA", help="of a pattern, for --elements (default 0)"
    )
    verb.add_argument(
        "--zero-shift",
        type=real(0.0, 0.2, "deg"),
        metavar="DEG",
        help="largest shift of all angles that the calibration leaves (default 0.01; of a tube's two wavelengths 0.05)",
    )
    verb.add_argument(
        "--rietx",
        type=real(0.0, 600.0, "s"),
        default=10.0,
        metavar="SECONDS",
        help="how long rietx's engines search too (default 10; 0: not at all)",
    )
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=index)


def index(options: argparse.Namespace) -> int:
    """Index lines of no known phase."""
    from lics_beamline.errors import ProfileError
    from lics_beamline.indexing.indexing import ZERO_SHIFT_DEG, index_lines

    for name, bounds in (("--range", options.range), ("--volume", options.volume)):
        if bounds and not bounds[0] < bounds[1]:
            raise ProfileError(f"{name} {bounds[0]:g} {bounds[1]:g} does not rise. Give LO below HI.")
    usual_shift_deg = TUBE_SHIFT_DEG if len(options.wavelength) > 1 else ZERO_SHIFT_DEG
    title, sets = _of_pattern(options) if Path(options.source).is_file() else _of_run(options)
    found = index_lines(
        sets,
        systems=options.systems,
        volume_angstrom3=tuple(options.volume),
        zero_shift_deg=usual_shift_deg if options.zero_shift is None else options.zero_shift,
        rietx_seconds=options.rietx,
        contents=_contents(options),
    )
    if options.json:
        tell_json(_plain(title, sets, found))
    else:
        sys.stdout.write("\n".join(_lines(title, sets, found)) + "\n")
    return 0


def _contents(options: argparse.Namespace) -> LatticeContent | None:
    from lics_beamline.analysis.structure_solution import checked_elements
    from lics_beamline.errors import ProfileError
    from lics_beamline.structures.lattice_content import LatticeContent, formula_of

    if options.elements and options.formula:
        raise ProfileError("--elements and --formula say the same in two ways. Give one of them.")
    if options.formula:
        formula = formula_of(options.formula)
        return LatticeContent(tuple(formula), formula)
    if options.elements:
        return LatticeContent(checked_elements(options.elements))
    if options.pressure is not None:
        raise ProfileError("--pressure is for the volume of atoms. Give --elements or --formula too, or leave it out.")
    return None


def _of_pattern(options: argparse.Namespace) -> tuple[str, Sequence[LineSet]]:
    from lics_beamline.analysis.unknown_lines import lines_of_pattern
    from lics_beamline.errors import ProfileError, RefinementFailed
    from lics_beamline.patterns.pattern_file import read_pattern

    if options.point is not None:
        raise ProfileError(f"{options.source} is a pattern, which has no point {options.point}. Leave POINT out.")
    given = read_pattern(
        Path(options.source),
        wavelength_angstrom=options.wavelength[0] if options.wavelength else None,
        unit=options.unit,
    )
    lines = lines_of_pattern(
        given,
        options.phases,
        within=options.within,
        two_theta_deg=tuple(options.range) if options.range else None,
        second_angstrom=options.wavelength[1] if len(options.wavelength) > 1 else None,
    )
    if lines is None:
        raise RefinementFailed(f"{given.source}: no line is of no known phase. Nothing is there to be indexed.")
    if options.elements or options.formula:
        lines = replace(lines, pressure_gpa=options.pressure or 0.0, temperature_k=ROOM_K)
    return f"{given.source}, {given.pattern.wavelength_angstrom:g} angstrom", [lines]


def _of_run(options: argparse.Namespace) -> tuple[str, Sequence[LineSet]]:
    from lics_beamline.analysis.discovery import points_with_lines, surveyed
    from lics_beamline.analysis.unknown_lines import lines_of_run
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.errors import ProfileError, RefinementFailed, RunNotFound
    from lics_beamline.exports.recorded_run import newest_reduction
    from lics_beamline.exports.reduced_run import reduced_run
    from lics_beamline.journal.reader import read

    if options.phases or options.wavelength or options.unit or options.range or options.pressure is not None:
        raise ProfileError(
            "--phases, --wavelength, --unit, --range and --pressure are of a pattern: a run has those of its recipe. "
            "Give the file of a pattern, or leave them out."
        )
    head = newest_reduction(data_folder(options), options.source)
    run = reduced_run(read(head.path))
    run.require_points()
    points = [one for one in run.points if options.point is None or one.index + 1 == options.point]
    if not points:
        raise RunNotFound(f"run {head.uid[:8]} has no point {options.point}: {len(run.points)} points.")
    title = f"{run.sample}  run {head.uid[:8]}"
    phase = _told(surveyed(points_with_lines(run)).grouping().phases, options)
    if phase is not None:
        at = {point.number: one for point, one in zip(phase.points, phase.line_sets(), strict=True)}
        sets = tuple(one for number, one in at.items() if options.point in (None, number))
        if not sets:
            raise RunNotFound(f"{phase.name} is not there at point {options.point}: points {', '.join(map(str, at))}.")
        return f"{title}  {phase.name}", sets
    sets = lines_of_run(run, points)
    if not sets:
        raise RefinementFailed(
            f"run {head.uid[:8]}: no line of {len(points)} points is of no phase of the recipe. Nothing is there to be "
            "indexed.",
            points=len(points),
        )
    return title, sets


def _told(phases: Sequence[UnknownPhase], options: argparse.Namespace) -> UnknownPhase | None:
    """Return the unknown phase of a run that is asked for; None where none was told."""
    from lics_beamline.errors import RunNotFound

    if options.unknown is None:
        return max(phases, key=lambda phase: len(phase.tracks), default=None)
    named = {phase.name: phase for phase in phases}
    if f"unknown {options.unknown}" not in named:
        told = ", ".join(named) or "none"
        raise RunNotFound(f"there is no unknown {options.unknown} in that run. Told are: {told}.")
    return named[f"unknown {options.unknown}"]


def _lines(title: str, sets: Sequence[LineSet], found: Indexing) -> list[str]:
    from lics_beamline.analysis.lattice_text import cell_text

    counts = ", ".join(
        f"{len(one.lines)}" + (f" at {one.pressure_gpa:.2f} GPa" if len(sets) > 1 else "") for one in sets[:8]
    )
    lines = [title, f"lines of no known phase: {counts}" + (" ..." if len(sets) > 8 else ""), ""]
    lines.append(f"verdict: {found.verdict}" + (f"; {found.engines}" if found.lattices else ""))
    if found.reason:
        lines += wrapped(f"{found.reason}.", before="  ")
    if not found.lattices:
        return lines
    heading = ("", "lattice", "cell", "V (A^3)", "log odds", "M", "F", "lines", "seen of possible")
    rows = [heading]
    for number, one in enumerate(found.lattices[:MOST_LATTICES_TOLD], 1):
        rows.append(
            (
                str(number),
                f"{one.system} {one.centring}",
                cell_text(one.cell, one.points[0].cell_sigma, one.system),
                f"{one.cell.volume_angstrom3:.2f}",
                "rejected" if one.rejected else f"{one.log_evidence:.1f}",
                f"{one.merit.m_n:.0f}",
                f"{one.merit.f_n:.0f}",
                f"{one.lines - one.strays} of {one.lines}",
                f"{one.seen} of {one.possible}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    lines += [
        "",
        *("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows),
    ]
    idle = [str(number) for number, one in enumerate(found.lattices[:MOST_LATTICES_TOLD], 1) if one.is_idle]
    if idle:
        lines.append(f"superlattices of the first, without a line of their own: {', '.join(idle)}")
    best = found.lattices[0]
    if best.content:
        lines.append(f"the first may hold {best.content}")
    lines += ["", f"space groups of the first that remain, {len(best.space_groups)}:"]
    lines += [f"  {', '.join(one.groups)}" for one in best.classes[:MOST_GROUPS_TOLD]]
    if len(best.classes) > MOST_GROUPS_TOLD:
        lines.append(f"  and {len(best.classes) - MOST_GROUPS_TOLD} more classes")
    reduced = _reduced(best)
    lines += [
        "reduced cell: "
        + "  ".join(f"{each:.4f}" for each in reduced.numbers[:3])
        + " angstrom  "
        + "  ".join(f"{each:.3f}" for each in reduced.numbers[3:])
        + " deg"
    ]
    if len(best.points) > 1:
        lines += ["", "cells of the first by pressure:"]
        lines += [
            f"  {one.pressure_gpa:7.2f} GPa  {one.temperature_k:5.0f} K  "
            f"{cell_text(one.cell, one.cell_sigma, best.system)}  V {one.cell.volume_angstrom3:.2f} angstrom^3"
            for one in sorted(best.points, key=lambda one: one.pressure_gpa)
        ]
    return lines


def _reduced(one: IndexedLattice) -> UnitCell:
    from lics_beamline.indexing.reduced_cell import reduced

    return reduced(one.cell, one.centring)


def _plain(title: str, sets: Sequence[LineSet], found: Indexing) -> dict[str, Any]:
    return {
        "source": title,
        "verdict": found.verdict,
        "reason": found.reason,
        "engines": found.engines,
        "lines": [
            {
                "pressure_gpa": one.pressure_gpa,
                "temperature_k": one.temperature_k,
                "two_theta_deg": [line.two_theta_deg for line in one.lines],
            }
            for one in sets
        ],
        "lattices": [
            {
                "system": one.system,
                "centring": one.centring,
                "log_evidence": one.log_evidence,
                "rejected": one.rejected,
                "content": one.content,
                "superlattice_of_first": one.is_idle,
                "figures_of_merit": asdict(one.merit),
                "lines": one.lines,
                "strays": one.strays,
                "possible": one.possible,
                "seen": one.seen,
                "engines": list(one.engines),
                "reduced_cell": asdict(_reduced(one)),
                "space_groups": [asdict(each) for each in one.classes],
                "points": [
                    {
                        "pressure_gpa": each.pressure_gpa,
                        "temperature_k": each.temperature_k,
                        "cell": asdict(each.cell),
                        "cell_sigma": asdict(each.cell_sigma),
                        "shift_deg": each.shift_deg,
                        "indices": [list(hkl) if hkl else None for hkl in each.indices],
                    }
                    for each in one.points
                ],
            }
            for one in found.lattices
        ],
    }
