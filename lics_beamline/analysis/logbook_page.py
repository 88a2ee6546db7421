"""The logbook of a sweep as a file: Markdown for a notebook, or a page that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Final

from lics_beamline.analysis.logbook import Logbook, LogEntry, path_lines, plain
from lics_beamline.analysis.page import (
    Illustration,
    figure_element,
    list_element,
    markdown_table,
    table_element,
    write_page,
)
from lics_beamline.analysis.row import ReportRow
from lics_beamline.exports.reduced_run import ReducedPoint
from lics_beamline.files.given_file import one_line
from lics_beamline.files.whole_file import write_whole

ENTRY_HEADING: Final = ("when", "what", "who", "what happened, and why")
POINT_HEADING: Final = ("#", "leg", "P (GPa)", "T (K)", "load (bar)", "a (A)", "phases", "remark")
SAID_OF: Final = ("operator", "proposal", "sample", "cell", "gasket", "exposure")  # of a start document
CAPTION: Final = "What the sweep showed: patterns, cells and shares of its phases."
MARKS: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>#|"})  # of Markdown, wherever they stand


def write_logbook(book: Logbook, path: Path, *, figure: Path | None = None) -> Path:
    """Write a logbook.

    Parameters
    ----------
    book : Logbook
        What it tells.
    path : Path
        File to write: ``.md`` or ``.html``; its folder is made if absent.
    figure : Path, optional
        The summary figure of the sweep as PNG; a page has it inside, Markdown names it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the file is to be of another kind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = figure if figure is not None and figure.is_file() else None
    if path.suffix == ".md":
        write_whole(path, "\n".join(markdown(book, figure=shown)) + "\n")
    elif path.suffix in (".html", ".htm"):
        write_page(path, f"{_title(book)}: logbook", list(_sections(book, shown)))
    else:
        raise ValueError(f"a logbook is written as .md or .html, and {path.name} ends in {path.suffix or 'neither'}")
    return path


def markdown(book: Logbook, *, figure: Path | None = None) -> Iterator[str]:
    """Yield a logbook as lines of Markdown.

    Parameters
    ----------
    book : Logbook
        What it tells.
    figure : Path, optional
        Picture that it names.
    """
    yield from (f"# {_marked(_title(book))}", "", f"Run {book.start.get('uid', '')}.", "", "## Asked", "")
    yield from (f"- {_marked(line)}" for line in _asked(book.start))
    yield from ("", "## What happened", "")
    yield from markdown_table(ENTRY_HEADING, _marked_rows(_entry_rows(book)))
    if book.reduced is not None:
        yield from ("", "## What the points showed", "")
        yield from markdown_table(POINT_HEADING, _marked_rows(_point_rows(book)))
    if figure is not None:
        yield from ("", f"![{CAPTION}](<{figure.resolve().as_uri()}>)")


def _sections(book: Logbook, figure: Path | None) -> Iterator[str]:
    uid = escape(str(book.start.get("uid", "")))
    yield f"<h1>{escape(_title(book))}</h1><p class='sub'>Logbook of run {uid}.</p>"
    yield "<h2>Asked</h2>" + list_element(_asked(book.start))
    yield "<h2>What happened</h2>" + table_element(ENTRY_HEADING, _entry_rows(book), numbers=range(0))
    if book.reduced is not None:
        yield "<h2>What the points showed</h2>"
        yield table_element(POINT_HEADING, _point_rows(book), numbers=range(2, 6))
    if figure is not None:
        yield figure_element(Illustration(path=figure, caption=CAPTION))


def _title(book: Logbook) -> str:
    return str(book.start.get("title") or book.start.get("plan_name") or "run")


def _asked(start: Mapping[str, Any]) -> Iterator[str]:
    for name in SAID_OF:
        said = start.get(name)
        if isinstance(said, Mapping):
            said = ", ".join(f"{key} {plain(value)}" for key, value in said.items() if value not in (None, "", [], {}))
        if said:
            yield f"{name}: {said}"
    for number, line in enumerate(path_lines(start), start=1):
        yield f"leg {number}: {line}"


def _entry_rows(book: Logbook) -> list[ReportRow]:
    rows, day = [], ""
    for entry in book.entries:
        when = _when(entry)
        date, _, clock = when.partition(" ")
        rows.append(ReportRow(cells=(clock if date == day else when, entry.kind, entry.who, entry.text)))
        day = date
    return rows


def _when(entry: LogEntry) -> str:
    if not math.isfinite(entry.time_s):
        return ""
    return datetime.fromtimestamp(entry.time_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _point_rows(book: Logbook) -> list[ReportRow]:
    points = book.reduced.points if book.reduced is not None else ()
    return [_point_row(point) for point in sorted(points, key=lambda point: point.index)]


def _point_row(point: ReducedPoint) -> ReportRow:
    return ReportRow(
        cells=(
            str(point.index + 1),
            point.leg,
            f"{point.pressure_gpa:.3f}({1000 * point.pressure_sigma_gpa:.0f})",
            f"{point.temperature_k:.1f}",
            f"{round(point.load_bar, 2) + 0.0:.2f}",
            point.main_phase.edge_told if point.main_phase else "-",
            point.phases_told,
            "; ".join(said for said in (point.note, point.changes) if said),
        )
    )


def _marked_rows(rows: list[ReportRow]) -> list[ReportRow]:
    return [ReportRow(cells=tuple(_marked(cell) for cell in row.cells)) for row in rows]


def _marked(text: str) -> str:
    """Return text from people and files as Markdown shows it: one line, nothing a terminal obeys, no marks."""
    return one_line(" ".join(text.split())).translate(MARKS)
