"""An analysis as one HTML file that needs nothing else: figures inside, tables, what is not known, provenance."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from lics_beamline.analysis.figures import draw_compression, draw_expansion
from lics_beamline.analysis.overview import Overview
from lics_beamline.analysis.page import Illustration, figure_element, list_element, table_element, typeset, write_page
from lics_beamline.analysis.paper import PaperStructure, PaperTable
from lics_beamline.analysis.row import (
    CLAIM_HEADING,
    ISOTHERM_HEADING,
    TRANSITION_HEADING,
    budget_rows,
    claim_row,
    expansion_lines,
    isotherm_rows,
    transition_row,
    unnamed_line,
)
from lics_beamline.exports.density_figure import draw_density
from lics_beamline.exports.difference_figure import draw_differences
from lics_beamline.exports.figure import draw_summary
from lics_beamline.exports.reduced_run import ReducedPoint
from lics_beamline.schema import IMPORTED


def write_report(overview: Overview, folder: str | Path, *, paper: PaperTable | None = None) -> Path:
    """Draw the figures of an analysis and write its report.

    Parameters
    ----------
    overview : Overview
        Findings of the run.
    folder : str or Path
        Folder to write to; made if absent. The report holds the figures, which lie beside it as PNG as well.
    paper : PaperTable, optional
        Comparison with the paper.

    Returns
    -------
    Path
        ``report.html`` in the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run = overview.run
    sections = [_heading(overview)]
    if paper is not None:
        sections.append(_paper(paper))
    summary = draw_summary(run, folder / "patterns.png")
    sections.append(
        "<h2>Path, patterns, cell</h2>"
        + figure_element(
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
        sections.append(f"<h2>Not recoverable from such data</h2>{list_element(paper.not_recoverable)}")
    sections.append(_method(overview))
    path = folder / "report.html"
    write_page(path, str(run.start.get("title") or run.sample or "run"), sections)
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
        + table_element(CLAIM_HEADING, rows, numbers=range(2, 7))
        + "<p>Printed: Desgreniers, Tse, Matsuoka, Ohishi and Tse, <em>Science Advances</em> <strong>1</strong>, "
        'e1500669 (2015), doi 10.1126/sciadv.1500669. Distances are in the paper\'s standard deviations ("esd") where '
        'it prints any, else in the unit, and in this run\'s own ("own"). Statistical errors differ from point to '
        "point; systematic ones are common to all points of the run.</p>"
        + list_element(paper.statements)
        + _budget(paper)
    )


def _budget(paper: PaperTable) -> str:
    """Return the table of systematic terms; linear expansion has a third of the volumetric one's."""
    heading, *rows = budget_rows([claim for claim in paper.claims if "linear" not in claim.name])
    if not rows:
        return ""
    return "<h3>Systematic terms</h3>" + table_element(heading.cells, rows, numbers=range(1, len(heading.cells)))


def _compression(overview: Overview, folder: Path, *, paper: bool) -> str:
    fitted = overview.with_isotherms
    if not fitted:
        return "<h2>Compression</h2><p>No phase has enough points at one temperature for an isotherm.</p>"
    axis = overview.run.pressure_axis
    drawn = draw_compression(fitted[:1], folder / "compression.png", paper=paper, pressure_axis=axis)
    rows = [row for each in fitted for row in isotherm_rows(each)]
    text = "<h2>Compression and expansion</h2>" + figure_element(
        Illustration(
            path=drawn,
            caption=f"Cells against {'the pressure as given' if overview.run.is_imported else 'ruby pressure'} with "
            "fitted Vinet isotherms; below, what the fits leave. Error bars are statistical"
            + ("." if overview.run.is_imported else ": scale, chip and correction move all points together."),
        )
    )
    if len(fitted) > 1:
        others = draw_compression(fitted[1:4], folder / "compression-others.png", pressure_axis=axis)
        text += figure_element(Illustration(path=others, caption="The same of the other phases."))
    text += table_element(ISOTHERM_HEADING, rows, numbers=range(1, 9))
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
        text += figure_element(
            Illustration(
                path=path,
                caption=f"Thermal expansion of {each.recorded.phase}, volumetric and linear, with its errors.",
            )
        )
    return text + list_element(expansion_lines(overview))


def _structure(found: PaperStructure, folder: Path) -> str:
    text = "<h2>Structure</h2>"
    if found.fits and found.rietveld_point is not None:
        title = _where(found.rietveld_point)
        path = draw_differences(found.fits, folder / "rietveld.png", title=title)
        text += figure_element(
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
        text += figure_element(
            Illustration(
                path=path,
                caption=f"Electron density by maximum entropy at {where}, from structure factors of a pattern fit, "
                "with phases and scale from caesium alone.",
            )
        )
    return text + f"<p>{escape(typeset(str(found.finding)))} At {where}.</p>"


def _transitions(overview: Overview) -> str:
    rows = [transition_row(each) for each in (*overview.transitions, *overview.unnamed)]
    unnamed = unnamed_line(overview)
    return (
        "<h2>Where phases come and go</h2>"
        + table_element(TRANSITION_HEADING, rows, numbers=range(0))
        + (f"<p>{escape(unnamed)}</p>" if unnamed else "")
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
