"""Verb that says what a run tells of its sample: analyse."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.cli.argument import pathname
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.running_text import wrapped

if TYPE_CHECKING:
    from lics_beamline.analysis.compression import Compressions
    from lics_beamline.analysis.overview import Overview
    from lics_beamline.analysis.paper import PaperTable
    from lics_beamline.analysis.quantity import MeasuredQuantity
    from lics_beamline.analysis.row import ReportRow


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "analyse",
        parents=[shared],
        help="isotherms, expansion, boundaries, structure of a reduced run, as a report",
        description="Say what a reduced run tells of its sample, with statistical and systematic errors apart, and "
        "write a report with figures as one HTML file. RUN is a raw run (its newest reduction is taken) or a reduced "
        "one. Any sample: phases found, isotherms of those with enough points, expansion between two temperatures, "
        "where phases come and go.",
    )
    verb.add_argument("uid", metavar="RUN")
    verb.add_argument("--paper", action="store_true", help="compare with the Li-Cs paper of 2015, structure included")
    verb.add_argument("--form", choices=("vinet", "birch-murnaghan-3"), default="vinet", help="form of the isotherms")
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.add_argument(
        "--to", type=pathname, metavar="DIR", help="report and figures (default: figures of the data folder)"
    )
    verb.set_defaults(run=analyse)


def analyse(options: argparse.Namespace) -> int:
    """Analyse one reduced run."""
    from lics_beamline.analysis.overview import Overview
    from lics_beamline.analysis.paper import paper_table
    from lics_beamline.analysis.report import write_report
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.exports.recorded_run import newest_reduction
    from lics_beamline.exports.reduced_run import reduced_run
    from lics_beamline.journal.reader import read

    data = data_folder(options)
    head = newest_reduction(data, options.uid)
    overview = Overview.of(reduced_run(read(head.path)), form=options.form)
    paper = paper_table(overview.run, overview.phases) if options.paper else None
    report = write_report(overview, options.to or data.figures / f"analyse-{head.uid[:8]}", paper=paper)
    if options.json:
        tell_json(_plain(overview, paper, report))
    else:
        sys.stdout.write("\n".join([*_lines(overview, paper), f"report: {report}"]) + "\n")
    return 0


def _lines(overview: Overview, paper: PaperTable | None) -> list[str]:
    from lics_beamline.analysis.row import (
        CLAIM_HEADING,
        ISOTHERM_HEADING,
        TRANSITION_HEADING,
        claim_row,
        expansion_lines,
        isotherm_rows,
        transition_row,
        unnamed_line,
    )

    start = overview.run.start
    lines = [f"{start.get('title') or overview.run.sample}  run {str(start.get('uid', ''))[:8]}"]
    if paper is not None:
        lines += ["", *_table(CLAIM_HEADING[:-1], (claim_row(claim) for claim in paper.claims))]
        said = (*paper.statements, *(f"Not recoverable: {text}" for text in paper.not_recoverable))
        lines += [
            "",
            *(line for text in said for line in wrapped(text)),
        ]
        if paper.structure.finding is not None:
            lines += wrapped(str(paper.structure.finding))
    rows = [row for each in overview.with_isotherms for row in isotherm_rows(each)]
    lines += ["", *_table(ISOTHERM_HEADING, rows)] if rows else ["", "no phase has enough points for an isotherm"]
    lines += [line for text in expansion_lines(overview) for line in wrapped(text)]
    gone = (transition_row(each) for each in (*overview.transitions, *overview.unnamed))
    return [*lines, "", *_table(TRANSITION_HEADING, gone), *wrapped(unnamed_line(overview))]


def _table(heading: Sequence[str], rows: Iterable[ReportRow]) -> list[str]:
    cells = [heading, *(row.cells[: len(heading)] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heading))]
    return ["  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _plain(overview: Overview, paper: PaperTable | None, report: Path) -> dict[str, Any]:
    told: dict[str, Any] = {
        "run": overview.run.start["uid"],
        "report": str(report),
        "phases": [_phase(each) for each in overview.phases],
        "transitions": [
            {
                "phase": each.phase,
                "appears_gpa": [list(bracket.pressures_gpa) for bracket in each.appears],
                "disappears_gpa": [list(bracket.pressures_gpa) for bracket in each.disappears],
                "half_gpa": each.half_gpa,
                "whole_gpa": each.whole_gpa,
            }
            for each in (*overview.transitions, *overview.unnamed)
        ],
    }
    if paper is not None:
        told["paper"] = {
            "claims": [
                {
                    "name": claim.name,
                    "kind": claim.kind,
                    "printed": claim.printed,
                    "printed_sigma": claim.printed_sigma,
                    "recovered": None if claim.recovered is None else _quantity(claim.recovered),
                    "distance": claim.distance,
                    "distance_esd": claim.distance_esd,
                    "remark": claim.remark,
                }
                for claim in paper.claims
            ],
            "statements": list(paper.statements),
            "not_recoverable": list(paper.not_recoverable),
            "models": [{"name": fit.name, "agreement": asdict(fit.agreement)} for fit in paper.structure.fits],
            "verdict": None if paper.structure.finding is None else paper.structure.finding.verdict,
        }
    return told


def _phase(found: Compressions) -> dict[str, Any]:
    return {
        "name": found.recorded.phase,
        "points": len(found.recorded.readings),
        "isotherms": [
            {
                "temperature_k": isotherm.temperature_k,
                "points": len(isotherm.readings),
                "equation": asdict(isotherm.equation),
                "sigmas": list(isotherm.sigmas),
                "chi_squared": isotherm.chi_squared,
            }
            for isotherm in found.recorded.isotherms
        ],
    }


def _quantity(found: MeasuredQuantity) -> dict[str, Any]:
    return {
        "value": found.value,
        "statistical": found.statistical,
        "systematic": found.systematic,
        "terms": dict(found.terms),
    }
