"""An analysis as one HTML file that needs nothing else: figures inside, tables, what is not known, provenance."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from lics_beamline.analysis.figures import draw_compression, draw_expansion
from lics_beamline.analysis.overview import Overview
from lics_beamline.analysis.paper import PaperStructure, PaperTable
from lics_beamline.analysis.row import (
    CLAIM_HEADING,
    ISOTHERM_HEADING,
    TRANSITION_HEADING,
    ReportRow,
    budget_rows,
    claim_row,
    expansion_lines,
    isotherm_rows,
    transition_row,
)
from lics_beamline.data_folder import write_whole
from lics_beamline.exports.density_figure import draw_density
from lics_beamline.exports.difference_figure import draw_differences
from lics_beamline.exports.figure import draw_summary
from lics_beamline.exports.reduced_run import ReducedPoint
from lics_beamline.schema import IMPORTED

TYPESET: Final = (  # from what a terminal shows to what a page does
    (r"(?<![\d.])1e-4\b", "10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT FOUR}"),
    (r"(?<![\d.])1e-3\b", "10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT THREE}"),
    (r"(?<![\d.])1e-6\b", "10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT SIX}"),
    (r"(\d)e-4\b", "\\1×10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT FOUR}"),  # noqa: RUF001
    (r"\bA\^2", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}\N{SUPERSCRIPT TWO}"),
    (r"\bA\^3", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}\N{SUPERSCRIPT THREE}"),
    (r"\bangstrom\^3", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}\N{SUPERSCRIPT THREE}"),
    (r"(?<=[\d)³⁴] )A\b|^A$", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}"),
    (r"\bchi\^2", "\N{GREEK SMALL LETTER CHI}\N{SUPERSCRIPT TWO}"),
    (r"\balpha_V", "\N{GREEK SMALL LETTER ALPHA}_V"),
    (r"\balpha_L", "\N{GREEK SMALL LETTER ALPHA}_L"),
    (r"\balpha\b", "\N{GREEK SMALL LETTER ALPHA}"),
    (r"\+-", "\N{PLUS-MINUS SIGN}"),
    (r"(?<![\w.])-(?=\d)", "\N{MINUS SIGN}"),
)
STYLE: Final = """
body { font: 16px/1.5 Georgia, 'Times New Roman', serif; color: #1a1a1a; background: #fff;
  max-width: 64rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin-bottom: .2rem; }
h2 { font-size: 1.25rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
p.sub { color: #555; margin-top: 0; }
table { border-collapse: collapse; width: 100%; font: 13px/1.35 Helvetica, Arial, sans-serif; margin: .8rem 0; }
th { text-align: left; border-bottom: 2px solid #444; padding: .3rem .5rem; vertical-align: bottom; }
td { border-bottom: 1px solid #ddd; padding: .3rem .5rem; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
td:nth-child(2) { white-space: nowrap; }
td.remark { color: #444; font-size: 12px; }
figure { margin: 1.2rem 0; break-inside: avoid; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: .88rem; color: #444; }
li { margin-bottom: .45rem; }
footer { margin-top: 2.5rem; font-size: .8rem; color: #555; border-top: 1px solid #ccc; padding-top: .5rem; }
@media print { body { max-width: none; margin: 0; padding: 0; font-size: 11pt; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Illustration:
    """A figure and its caption.

    Parameters
    ----------
    path : Path
        PNG.
    caption : str
        Text below the figure.
    """

    path: Path
    caption: str


def write_report(overview: Overview, folder: Path, *, paper: PaperTable | None = None) -> Path:
    """Draw the figures of an analysis and write its report.

    Parameters
    ----------
    overview : Overview
        Findings of the run.
    folder : Path
        Folder to write to; made if absent. The report holds the figures, which lie beside it as PNG as well.
    paper : PaperTable, optional
        Comparison with the paper.

    Returns
    -------
    Path
        ``report.html`` in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run = overview.run
    sections = [_heading(overview)]
    if paper is not None:
        sections.append(_paper(paper))
    summary = draw_summary(run, folder / "patterns.png")
    sections.append(
        "<h2>Path, patterns, cell</h2>"
        + _figure(
            Illustration(
                path=summary,
                caption="Path in pressure and temperature, cell against pressure, and the patterns in the order of "
                "the path with the lines of the phases found.",
            )
        )
    )
    sections.append(_compression(overview, folder, paper=paper is not None))
    if paper is not None:
        sections.append(_structure(paper.structure, folder))
    sections.append(_transitions(overview))
    if paper is not None:
        sections.append(f"<h2>Not recoverable from such data</h2>{_list(paper.not_recoverable)}")
    sections.append(_method(overview))
    path = folder / "report.html"
    title = escape(str(run.start.get("title") or run.sample or "run"))
    write_whole(
        path,
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>\n'
        + "\n".join(sections)
        + "\n</body></html>\n",
    )
    return path


def _heading(overview: Overview) -> str:
    run = overview.run
    title = escape(str(run.start.get("title") or run.sample))
    good = [point for point in run.points if point.reduced]
    known = [point for point in good if point.phases_sought]
    kelvins, pressures = [p.temperature_k for p in known], [p.pressure_gpa for p in known]
    span = (
        f"{min(pressures):.2f} to {max(pressures):.2f} GPa, {min(kelvins):.0f} to {max(kelvins):.0f} K"
        if known
        else "pressure and temperature not given"
    )
    profile = run.start.get("profile", {}).get("name", "")
    simulated = " <strong>Simulated instruments and sample.</strong>" if profile == "simulated" else ""
    return (
        f"<h1>{title}</h1><p class='sub'>{escape(run.sample)}; {len(good)} of {len(run.points)} points reduced, "
        f"{span}; wavelength {run.wavelength_angstrom:.5f} A.{simulated}</p>"
    )


def _paper(paper: PaperTable) -> str:
    rows = [claim_row(claim) for claim in paper.claims]
    return (
        "<h2>The printed numbers and what this run recovers</h2>"
        + _table(CLAIM_HEADING, rows, numbers=range(2, 7))
        + "<p>Printed: Desgreniers, Tse, Matsuoka, Ohishi and Tse, <em>Science Advances</em> <strong>1</strong>, "
        'e1500669 (2015), doi 10.1126/sciadv.1500669. Distances are in the paper\'s standard deviations ("esd") where '
        'it prints any, else in the unit, and in this run\'s own ("own"). Statistical errors differ from point to '
        "point; systematic ones are common to all points of the run.</p>" + _list(paper.statements) + _budget(paper)
    )


def _budget(paper: PaperTable) -> str:
    """Return the table of systematic terms; linear expansion has a third of the volumetric one's."""
    heading, *rows = budget_rows([claim for claim in paper.claims if "linear" not in claim.name])
    if not rows:
        return ""
    return "<h3>Systematic terms</h3>" + _table(heading.cells, rows, numbers=range(1, len(heading.cells)))


def _compression(overview: Overview, folder: Path, *, paper: bool) -> str:
    fitted = overview.with_isotherms
    if not fitted:
        return "<h2>Compression</h2><p>No phase has enough points at one temperature for an isotherm.</p>"
    axis = overview.run.pressure_axis
    drawn = draw_compression(fitted[:1], folder / "compression.png", paper=paper, pressure_axis=axis)
    rows = [row for each in fitted for row in isotherm_rows(each)]
    text = "<h2>Compression and expansion</h2>" + _figure(
        Illustration(
            path=drawn,
            caption=f"Cells against {'the pressure as given' if overview.run.is_imported else 'ruby pressure'} with "
            "fitted Vinet isotherms; below, what the fits leave. Error bars are statistical"
            + ("." if overview.run.is_imported else ": scale, chip and correction move all points together."),
        )
    )
    if len(fitted) > 1:
        others = draw_compression(fitted[1:4], folder / "compression-others.png", pressure_axis=axis)
        text += _figure(Illustration(path=others, caption="The same of the other phases."))
    text += _table(ISOTHERM_HEADING, rows, numbers=range(1, 9))
    text += (
        "<p>Errors of V0, K0 and K' are statistical and strongly correlated; they were enlarged where "
        "&chi;<sup>2</sup> is above 1. The last column is the systematic error of the volume in the middle of the "
        "isotherm.</p>"
    )
    for index, each in enumerate(overview.with_expansion):
        path = draw_expansion(
            each,
            folder / f"expansion-{each.recorded.phase}.png",
            paper=paper and index == 0,
            pressure_axis=axis,
        )
        text += _figure(
            Illustration(
                path=path,
                caption=f"Thermal expansion of {each.recorded.phase}, volumetric and linear, with its errors.",
            )
        )
    return text + _list(expansion_lines(overview))


def _structure(found: PaperStructure, folder: Path) -> str:
    text = "<h2>Structure</h2>"
    if found.fits and found.rietveld_point is not None:
        title = _where(found.rietveld_point)
        path = draw_differences(found.fits, folder / "rietveld.png", title=title)
        text += _figure(
            Illustration(
                path=path,
                caption=f"Rietveld refinement at {title}: model B has lithium at the centre, model A three on the "
                "faces; the better one above. B of lithium in A is held at 2 A^2: freed, it removes lithium from A.",
            )
        )
    else:
        text += f"<p>Models A and B were not refined: {escape(found.rietveld_missing)}.</p>"
    if found.finding is None or found.density_point is None:
        return text + f"<p>The density was not asked for lithium: {escape(found.density_missing)}.</p>"
    where = _where(found.density_point)
    if found.finding.density is not None:
        path = draw_density(found.finding, folder / "density.png")
        text += _figure(
            Illustration(
                path=path,
                caption=f"Electron density by maximum entropy at {where}, from structure factors of a pattern fit, "
                "with phases and scale from caesium alone.",
            )
        )
    return text + f"<p>{escape(_typeset(str(found.finding)))} At {where}.</p>"


def _transitions(overview: Overview) -> str:
    rows = [transition_row(each) for each in overview.transitions]
    return (
        "<h2>Where phases come and go</h2>"
        + _table(TRANSITION_HEADING, rows, numbers=range(0))
        + "<p>Brackets are pressures of neighbouring points along the path. A phase that lines do not show - a liquid, "
        "a trace below the limit of detection - does not count as there.</p>"
    )


def _method(overview: Overview) -> str:
    start = overview.run.start
    if overview.run.is_imported:
        return _method_of_imported(overview)
    ruby: dict[str, Any] = start["recipe"].get("ruby", {})
    versions = ", ".join(f"{name} {version}" for name, version in sorted(start.get("versions", {}).items()))
    return (
        "<h2>How it was done</h2><p>Pressures: ruby scale "
        f"{escape(str(ruby.get('scale', '')))}, temperature correction {escape(str(ruby.get('correction', '')))}. "
        "Systematic errors: everything was fitted again on each other believable scale and correction (the root mean "
        "square of the differences counts), and with chip, reference line, line shape, thermocouple, pressure between "
        "ruby and sample, and place of the sample along the beam each off by one standard deviation at all points. "
        "Isotherms: effective-variance fits with errors in pressure and in volume.</p>"
        f"<footer>Reduced run {escape(str(start.get('uid', '')))} of raw run {escape(str(start.get('raw_uid', '')))}, "
        f"recipe {escape(str(start.get('recipe_digest', ''))[:12])}. {escape(versions)}.</footer>"
    )


def _method_of_imported(overview: Overview) -> str:
    start = overview.run.start
    imported = start[IMPORTED]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(start.get("versions", {}).items()))
    temperature_by = str(imported.get("temperature_by", "")) or "not said how"
    return (
        "<h2>How it was done</h2><p>Frames recorded elsewhere, imported by "
        f"{escape(str(imported.get('by', '')))} with the table {escape(str(imported.get('table', '')))} (sha256 "
        f"{escape(str(imported.get('table_sha256', ''))[:12])}). Pressures as given: "
        f"{escape(overview.run.pressure_by)}. Temperatures as given: {escape(temperature_by)}. Systematic errors of "
        "pressures and temperatures are not known; that of volumes is the place of the sample along the beam, off by "
        "one standard deviation at all points. Isotherms: effective-variance fits with errors in pressure and in "
        "volume; a pressure given without an error has the median of the others.</p>"
        f"<footer>Reduced run {escape(str(start.get('uid', '')))} of raw run {escape(str(start.get('raw_uid', '')))}, "
        f"recipe {escape(str(start.get('recipe_digest', ''))[:12])}. {escape(versions)}.</footer>"
    )


def _where(point: ReducedPoint) -> str:
    return f"point {point.index + 1}, {point.pressure_gpa:.2f} GPa, {point.temperature_k:.0f} K"


def _figure(shown: Illustration) -> str:
    data = base64.b64encode(shown.path.read_bytes()).decode()
    caption = escape(shown.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}"><figcaption>{caption}</figcaption></figure>'
    )


def _table(heading: Sequence[str], rows: Iterable[ReportRow], *, numbers: range) -> str:
    def cell(tag: str, column: int, text: str) -> str:
        kind = "number" if column in numbers else "remark" if heading[column] == "remark" else ""
        return f"<{tag}{f' class={kind}' if kind else ''}>{escape(_typeset(text))}</{tag}>"

    head = "".join(cell("th", column, text) for column, text in enumerate(heading))
    body = "".join(
        f"<tr>{''.join(cell('td', column, text) for column, text in enumerate(row.cells))}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(_typeset(line))}</li>' for line in lines)}</ul>"


def _typeset(text: str) -> str:
    """Return plain text of a terminal as it is printed on paper."""
    for pattern, printed in TYPESET:
        text = re.sub(pattern, printed, text)
    return text
