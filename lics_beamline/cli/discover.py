"""Verb that says what a run shows that nobody named: discover."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.cli.argument import pathname
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.running_text import wrapped

if TYPE_CHECKING:
    from lics_beamline.analysis.discovery import Discovery
    from lics_beamline.analysis.row import ReportRow
    from lics_beamline.discovery.change import Change
    from lics_beamline.discovery.line_track import LineTrack
    from lics_beamline.discovery.point_lines import PointLines


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "discover",
        parents=[shared],
        help="unknown phases of a reduced run: their lines, where they come and go, what changed",
        description="Say what a reduced run shows that no phase of its recipe explains: lines that come, move and go "
        "together are a phase, with its lattice and its atoms; where lines came, went or split; what is not decided, "
        "and the measurement that would. A phase whose atoms are found is written as a CIF and a phase that a recipe "
        "can name. RUN is a raw run (its newest reduction is taken) or a reduced one. A report with figures is written "
        "as HTML and Markdown.",
    )
    verb.add_argument("uid", metavar="RUN")
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.add_argument(
        "--elements", nargs="+", metavar="X", default=(), help="of unknown phases (default: those of the composition)"
    )
    verb.add_argument("--no-structure", action="store_true", help="lines and lattices only, in a third of the time")
    verb.add_argument(
        "--to", type=pathname, metavar="DIR", help="report and figure (default: figures of the data folder)"
    )
    verb.set_defaults(run=discover)


def discover(options: argparse.Namespace) -> int:
    """Say what one reduced run shows that nobody named."""
    from lics_beamline.analysis.discovery import Discovery
    from lics_beamline.analysis.discovery_report import write_discovery
    from lics_beamline.analysis.phase_file import write_phase_files
    from lics_beamline.analysis.structure_solution import checked_elements, solved_structures
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.exports.recorded_run import newest_reduction
    from lics_beamline.exports.reduced_run import reduced_run
    from lics_beamline.journal.reader import read

    data = data_folder(options)
    head = newest_reduction(data, options.uid)
    elements = checked_elements(options.elements)
    found = Discovery.of(reduced_run(read(head.path)))
    if not options.no_structure:
        found = replace(found, structures=solved_structures(found, elements))
    folder = options.to or data.figures / f"discover-{head.uid[:8]}"
    report = write_discovery(found, folder)
    phases = {
        name: write_phase_files(structure, folder, run=head.uid).phase
        for name, structure in found.structures.items()
        if structure.is_decided
    }
    if options.json:
        tell_json(_plain(found, report, phases))
    else:
        told = [f"phase: {path}, which the phases of a recipe may name" for path in phases.values()]
        sys.stdout.write("\n".join([*_lines(found), *told, f"report: {report}"]) + "\n")
    return 0


def _lines(found: Discovery) -> Iterator[str]:
    from lics_beamline.analysis.discovery_report import (
        CHANGE_HEADING,
        LINE_HEADING,
        change_rows,
        line_rows,
        phase_lines,
    )
    from lics_beamline.analysis.structure_text import MODEL_HEADING, model_rows

    start = found.run.start
    yield f"{start.get('title') or found.run.sample}  run {str(start.get('uid', ''))[:8]}"
    if not found.phases:
        yield f"no unknown phase at {len(found.points)} points"
    for phase in found.phases:
        yield from ("", *phase_lines(found, phase))
        yield from (f"  {line}" for line in _table(LINE_HEADING, line_rows(found, phase.tracks)))
        if (structure := found.structures.get(phase.name)) is not None and structure.models:
            yield from ("", *(f"  {line}" for line in _table(MODEL_HEADING, model_rows(structure))))
    if found.strays:
        yield from ("", "lines that belong to no phase for certain")
        yield from (f"  {line}" for line in _table(LINE_HEADING, line_rows(found, found.strays)))
    if found.changes:
        yield from ("", *_table(CHANGE_HEADING, change_rows(found)))
    else:
        yield from ("", "no lines came, went or split for certain")
    for index, text in enumerate(found.undecided()):
        yield from ("", "not decided") if index == 0 else ()
        yield from wrapped(f"- {text}")
    yield ""


def _table(heading: Sequence[str], rows: Sequence[ReportRow]) -> list[str]:
    cells = [heading, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heading))]
    return ["  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _plain(found: Discovery, report: Path, phases: Mapping[str, Path]) -> dict[str, Any]:
    from lics_beamline.analysis.lattice_text import lattice_text
    from lics_beamline.analysis.structure_text import structure_lines

    return {
        "run": found.run.start["uid"],
        "report": str(report),
        "phases": [
            {
                "name": phase.name,
                "points": [point.number for point in phase.points],
                "comes_gpa": [_pressure(found.before(phase)), phase.first.pressure_gpa],
                "goes_gpa": [phase.last.pressure_gpa, _pressure(found.after(phase))],
                "compressibility_per_gpa": phase.compressibility_per_gpa,
                "compressibility_sigma_per_gpa": phase.compressibility_sigma_per_gpa,
                "lattice": lattice_text(found.lattices.get(phase.name)),
                "structure": (
                    list(structure_lines(found.structures[phase.name])) if phase.name in found.structures else None
                ),
                "phase_file": str(phases[phase.name]) if phase.name in phases else None,
                "lines": [_track(found, track) for track in phase.tracks],
            }
            for phase in found.phases
        ],
        "strays": [_track(found, track) for track in found.strays],
        "changes": [_change(each) for each in found.changes],
        "not_decided": list(found.undecided()),
    }


def _track(found: Discovery, track: LineTrack) -> list[dict[str, Any]]:
    return [
        {
            "point": found.points[place].number,
            "pressure_gpa": pressure,
            "d_angstrom": line.peak.d_angstrom,
            "d_sigma_angstrom": line.peak.d_sigma_angstrom,
            "significance": line.peak.significance,
            "fwhm_deg": line.peak.fwhm_deg,
            "graininess": line.graininess,
        }
        for place, pressure, line in zip(track.places, track.pressures_gpa, track.lines, strict=True)
    ]


def _change(each: Change) -> dict[str, Any]:
    return {
        "points": [each.before.number, each.after.number],
        "pressures_gpa": [each.before.pressure_gpa, each.after.pressure_gpa],
        "significance": each.significance,
        "lines": [
            {"kind": line.kind, "d_angstrom": line.line.peak.d_angstrom, "significance": line.significance}
            for line in each.lines
        ],
    }


def _pressure(point: PointLines | None) -> float | None:
    return None if point is None else point.pressure_gpa
