"""Verb that writes the logbook of a sweep: logbook."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.cli.argument import pathname
from lics_beamline.cli.json_answer import tell_json

if TYPE_CHECKING:
    from lics_beamline.analysis.logbook import Logbook, LogEntry
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.exports.reduced_run import ReducedRun
    from lics_beamline.journal.head import Head


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "logbook",
        parents=[shared],
        help="the logbook of a sweep: what was asked, done, decided and said, and when",
        description="Tell a sweep as a logbook: what was asked, each leg, approach, point and heating, what was "
        "decided and why, who held it and why, what people noted, trips of the guard and who acknowledged them, and "
        "what the points showed. It is read from the record, so it can be written at any time, of a sweep under way "
        "too. Markdown is printed; --to writes Markdown or a page for a browser.",
    )
    verb.add_argument("uid", metavar="RUN", nargs="?", default="last", help="a sweep (default: last)")
    verb.add_argument("--to", type=pathname, metavar="FILE", help="write it there, as .md or .html")
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=logbook)


def logbook(options: argparse.Namespace) -> int:
    """Write the logbook of one sweep."""
    from lics_beamline.analysis.logbook_page import markdown, write_logbook
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.errors import ProfileError, RunNotFound
    from lics_beamline.exports.recorded_run import newest_reduction
    from lics_beamline.exports.reduced_run import reduced_run
    from lics_beamline.journal.head import find
    from lics_beamline.journal.reader import read

    data = data_folder(options)
    head = find(data.raw_journals, options.uid)
    try:
        reduced = reduced_run(read(newest_reduction(data, head.uid).path))
    except RunNotFound:
        reduced = None
    book = logbook_of(data, head, reduced)
    figure = summary_figure(data, head.uid)
    if options.to is not None:
        try:
            path = write_logbook(book, options.to, figure=figure)
        except ValueError as error:
            raise ProfileError(str(error)) from error
        if not options.json:
            sys.stdout.write(f"logbook: {path}\n")
    if options.json:
        tell_json(_plain(book))
    elif options.to is None:
        sys.stdout.write("\n".join(markdown(book, figure=figure if figure.is_file() else None)) + "\n")
    return 0


def logbook_of(data: DataFolder, head: Head, reduced: ReducedRun | None) -> Logbook:
    """Return the logbook of a sweep, with what its points showed where it is reduced, and what the guard did."""
    from lics_beamline.analysis.logbook import Logbook
    from lics_beamline.journal.whole_sweep import sweep_documents

    return Logbook.of(sweep_documents(head), reduced=reduced, others=_trips(data))


def summary_figure(data: DataFolder, uid: str) -> Path:
    """Return where the summary figure of a sweep is, once it is drawn."""
    return data.figures / f"{uid[:8]}-summary.png"


def _trips(data: DataFolder) -> Iterator[LogEntry]:
    """Yield the trips of the guard, and who acknowledged them."""
    from lics_beamline.analysis.logbook import LogEntry
    from lics_beamline.safety.latch import trips

    for said in trips(data):
        yield LogEntry(
            time_s=_time_s(said["when"]), kind="tripped", who="guard", text=f"{said['cause']}: {said['says']}"
        )
        if said.get("acknowledged_at"):
            who = str(said.get("acknowledged_by", ""))
            yield LogEntry(
                time_s=_time_s(said["acknowledged_at"]), kind="acknowledged", who=who, text=str(said["cause"])
            )


def _time_s(when: Any) -> float:
    try:
        return datetime.fromisoformat(str(when)).timestamp()
    except ValueError:
        return math.nan


def _plain(book: Logbook) -> dict[str, Any]:
    return {
        "run": book.start.get("uid"),
        "title": book.start.get("title"),
        "entries": [asdict(entry) for entry in book.entries],
    }
