"""The report of what a run shows that nobody named: in words, as Markdown, and as one HTML page with its figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from lics_beamline.analysis.discovery import Discovery
from lics_beamline.analysis.lattice_text import lattice_text
from lics_beamline.analysis.page import (
    Illustration,
    figure_element,
    list_element,
    markdown_table,
    table_element,
    write_page,
)
from lics_beamline.analysis.quantity import written
from lics_beamline.analysis.row import ReportRow
from lics_beamline.analysis.structure_text import (
    MODEL_HEADING,
    model_rows,
    site_heading,
    site_rows,
    structure_lines,
)
from lics_beamline.discovery.line_track import LineTrack
from lics_beamline.discovery.point_lines import PointLines
from lics_beamline.discovery.unknown_phase import UnknownPhase
from lics_beamline.exports.density_figure import draw_slices
from lics_beamline.exports.difference_figure import draw_differences
from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.figure_text import plain
from lics_beamline.exports.panel_colours import ON_WHITE
from lics_beamline.files.whole_file import write_whole
from lics_beamline.structures.unknown_structure import UnknownStructure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE_HEADING: Final = ("d first (A)", "d last (A)", "at points", "from-to", "significance", "width (deg)", "graininess")
CHANGE_HEADING: Final = ("points", "P (GPa)", "T (K)", "what changed", "sigma")
# Colour-blind safe (Okabe and Ito 2008), one for each unknown phase.
COLOURS: Final = (ON_WHITE.red, ON_WHITE.blue, ON_WHITE.green, ON_WHITE.pink, ON_WHITE.orange, ON_WHITE.sky)
MOST_MODELS_DRAWN: Final = 3  # one below the other
KNOWN: Final = "0.73"
STRAY: Final = "black"


def where(point: PointLines) -> str:
    """Return where a point is, in words."""
    return f"point {point.number} ({point.pressure_gpa:.2f} GPa, {point.temperature_k:.0f} K)"


def phase_lines(found: Discovery, phase: UnknownPhase) -> Iterator[str]:
    """Yield what is known of an unknown phase, line by line."""
    yield (
        f"{phase.name}: {len(phase.tracks)} lines, there from {where(phase.first)} to {where(phase.last)}"
        f"{'' if found.after(phase) else ', the last one'}"
    )
    before, after = found.before(phase), found.after(phase)
    if before is not None:
        yield f"  comes between {before.pressure_gpa:.3f} and {phase.first.pressure_gpa:.3f} GPa"
    if after is not None:
        yield f"  goes between {phase.last.pressure_gpa:.3f} and {after.pressure_gpa:.3f} GPa"
    if math.isfinite(phase.compressibility_per_gpa):
        yield (
            f"  linear compressibility {written(phase.compressibility_per_gpa, phase.compressibility_sigma_per_gpa)} "
            "/GPa, mean of its lines at its most usual temperature"
        )
    yield f"  lattice {lattice_text(found.lattices.get(phase.name))}"
    if phase.name in found.structures:
        yield from (f"  {line}" for line in structure_lines(found.structures[phase.name]))


def line_rows(found: Discovery, tracks: Sequence[LineTrack]) -> list[ReportRow]:
    """Return the rows of the table of lines, by falling spacing."""
    return [_line_row(found, track) for track in sorted(tracks, key=lambda track: -track.lines[0].peak.d_angstrom)]


def _line_row(found: Discovery, track: LineTrack) -> ReportRow:
    grains = [line.graininess for line in track.lines if math.isfinite(line.graininess)]
    return ReportRow(
        cells=(
            f"{track.lines[0].peak.d_angstrom:.4f}",
            f"{track.lines[-1].peak.d_angstrom:.4f}",
            str(len(track.places)),
            f"{found.points[track.places[0]].number}-{found.points[track.places[-1]].number}",
            f"{max(line.peak.significance for line in track.lines):.0f}",
            f"{float(np.median([line.peak.fwhm_deg for line in track.lines])):.3f}",
            f"{float(np.median(grains)):.2f}" if grains else "-",
        )
    )


def change_rows(found: Discovery) -> list[ReportRow]:
    """Return the rows of the table of changes."""
    return [
        ReportRow(
            cells=(
                f"{each.before.number} to {each.after.number}",
                f"{each.before.pressure_gpa:.3f} to {each.after.pressure_gpa:.3f}",
                f"{each.before.temperature_k:.0f} to {each.after.temperature_k:.0f}",
                str(each).rpartition(" (")[0],
                f"{each.significance:.0f}",
            )
        )
        for each in found.changes
    ]


def write_discovery(found: Discovery, folder: Path) -> Path:
    """Write the report of a discovery.

    Parameters
    ----------
    found : Discovery
        What the run shows.
    folder : Path
        Folder to write to; made if absent: ``report.html``, which holds its figures, ``report.md`` and the figures.

    Returns
    -------
    Path
        The HTML file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figure = draw_lines(found, folder / "lines.png")
    drawn = {name: tuple(_drawn(structure, folder)) for name, structure in found.structures.items()}
    title = str(found.run.start.get("title") or found.run.sample or "run")
    write_whole(folder / "report.md", "\n".join(_markdown(found, title)) + "\n")
    write_page(folder / "report.html", f"{title}: what nobody named", _sections(found, title, figure, drawn))
    return folder / "report.html"


def _drawn(structure: UnknownStructure, folder: Path) -> Iterator[Illustration]:
    """Draw the models and the density of an unknown phase."""
    name = structure.name.replace(" ", "-")
    fits = [model.fit for model in structure.models if model.fit is not None][:MOST_MODELS_DRAWN]
    if fits:
        at = structure.rings[0].at
        title = f"{structure.name}, point {at.number}, {at.pressure_gpa:.2f} GPa, {at.temperature_k:.0f} K"
        yield Illustration(
            path=draw_differences(fits, folder / f"{name}-models.png", title=title),
            caption="Rival models against the whole pattern, the best first, background taken off. Their numbers "
            "are the rank that the rings give them.",
        )
    if structure.density is not None and structure.best is not None:
        occupied = structure.best.arrangement.occupied
        light, heavy = (float(one.place[2]) % 1.0 for one in (occupied[-1], occupied[0]))
        heights = (light, heavy if heavy != light else (light + 0.5) % 1.0)
        path = folder / f"{name}-density.png"
        yield Illustration(
            path=draw_slices(structure.density.density, heights, path, title=f"{structure.name}: density"),
            caption=(
                f"Density of largest entropy from a uniform prior, signs from "
                f"{structure.best.arrangement.elements[0]} alone: at the height of the lightest atom, at another, and "
                "as a surface."
            ),
        )


def _sections(found: Discovery, title: str, figure: Path, drawn: Mapping[str, tuple[Illustration, ...]]) -> list[str]:
    caption = (
        "Spacings of all lines against pressure: grey those that a phase of the recipe explains, coloured those of the "
        "unknown phases, black those that belong to none for certain."
    )
    sections = [
        f"<h1>{escape(title)}</h1><p class='sub'>What the run shows that no phase of its recipe explains; "
        f"{len(found.points)} points.</p>",
        figure_element(Illustration(path=figure, caption=caption)),
    ]
    if not found.phases:
        sections.append("<p>No unknown phase: no several unexplained lines come and move together.</p>")
    for phase in found.phases:
        heading, *said = phase_lines(found, phase)
        sections.append(
            f"<h2>{escape(heading)}</h2>"
            + list_element(line.strip() for line in said)
            + table_element(LINE_HEADING, line_rows(found, phase.tracks), numbers=range(len(LINE_HEADING)))
        )
        if structure := found.structures.get(phase.name):
            if structure.models:
                sections.append(table_element(MODEL_HEADING, model_rows(structure), numbers=range(2, 6)))
            if sites := site_rows(structure):
                sections.append(table_element(site_heading(structure), sites, numbers=range(3)))
            sections += [figure_element(each) for each in drawn[phase.name]]
    if found.strays:
        sections.append(
            "<h2>Lines that belong to none of these for certain</h2>"
            + table_element(LINE_HEADING, line_rows(found, found.strays), numbers=range(len(LINE_HEADING)))
        )
    rows = change_rows(found)
    sections.append(
        "<h2>Where lines came, went or split</h2>"
        + (table_element(CHANGE_HEADING, rows, numbers=range(0)) if rows else "<p>Nowhere for certain.</p>")
    )
    sections.append("<h2>Not decided</h2>" + list_element(found.undecided() if any(found.undecided()) else ["nothing"]))
    start = found.run.start
    sections.append(
        f"<footer>Reduced run {escape(str(start.get('uid', '')))} of raw run {escape(str(start.get('raw_uid', '')))}, "
        f"recipe {escape(str(start.get('recipe_digest', ''))[:12])}.</footer>"
    )
    return sections


def _markdown(found: Discovery, title: str) -> Iterator[str]:
    yield f"# {title}: what nobody named"
    for phase in found.phases:
        heading, *said = phase_lines(found, phase)
        yield from ("", f"## {heading}", "", *(f"- {line.strip()}" for line in said), "")
        yield from markdown_table(LINE_HEADING, line_rows(found, phase.tracks))
        if structure := found.structures.get(phase.name):
            if structure.models:
                yield from ("", *markdown_table(MODEL_HEADING, model_rows(structure)))
            if sites := site_rows(structure):
                yield from ("", *markdown_table(site_heading(structure), sites))
    if found.strays:
        yield from ("", "## Lines that belong to none of these for certain", "")
        yield from markdown_table(LINE_HEADING, line_rows(found, found.strays))
    yield from ("", "## Where lines came, went or split", "")
    yield from markdown_table(CHANGE_HEADING, change_rows(found)) if found.changes else ("Nowhere for certain.",)
    yield from ("", "## Not decided", "", *(f"- {line}" for line in found.undecided()))


def draw_lines(found: Discovery, path: Path) -> Path:
    """Draw the spacing of each line against pressure as PNG, and return its path."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 7.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for point in found.points:
        known = [line.peak.d_angstrom for line in point.lines if line.phase]
        axes.plot([point.pressure_gpa] * len(known), known, "_", color=KNOWN, markersize=7)
    for index, phase in enumerate(found.phases):
        for number, track in enumerate(phase.tracks):
            name = f"{phase.name}, {len(phase.tracks)} lines" if number == 0 else None
            _draw_track(axes, track, COLOURS[index % len(COLOURS)], name)
    for number, track in enumerate(found.strays):
        _draw_track(axes, track, STRAY, "belongs to none for certain" if number == 0 else None)
    axes.set_xlabel(plain(found.run.pressure_axis))
    axes.set_ylabel("spacing (Å)")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_title(plain(str(found.run.start.get("title") or found.run.sample)))
    if found.phases or found.strays:
        figure.legend(loc="outside lower center", ncols=4)
    return save_figure(figure, path)


def _draw_track(axes: Axes, track: LineTrack, colour: str, name: str | None) -> None:
    spacings = [line.peak.d_angstrom for line in track.lines]
    axes.plot(track.pressures_gpa, spacings, ".-", color=colour, linewidth=0.8, markersize=4, label=name)
