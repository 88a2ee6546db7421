"""What another recipe changes, drawn: pressure, cell and fraction of the main phase against pressure."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lics_beamline.exports.comparison import PointDifference, RunComparison
from lics_beamline.exports.figure import STROKE_COLOURS
from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.figure_text import plain
from lics_beamline.exports.panel_words import FIRST_PRESSURE, PRESSURE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_comparison(comparison: RunComparison, path: Path) -> Path:
    """Draw a comparison as PNG.

    Parameters
    ----------
    comparison : RunComparison
        The comparison to draw.
    path : Path
        The PNG to write; its folder is made if absent.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    main = comparison.first.main_phase or comparison.second.main_phase
    figure = Figure(figsize=(8.0, 9.0), layout="constrained")
    FigureCanvasAgg(figure)
    pressure, cell, fraction = figure.subplots(3, 1, sharex=True)
    _draw(pressure, comparison, lambda point: point.pressure_gpa, PRESSURE)
    _draw(cell, comparison, lambda point: _cell(point, main), f"a of {main or 'no phase'} (Å)")
    _draw(fraction, comparison, lambda point: _fraction(point, main), f"fraction of {main or 'no phase'}")
    fraction.set_xlabel(FIRST_PRESSURE)
    pressure.legend(fontsize="small", ncols=4, loc="upper left")
    digests = [run.start["recipe_digest"][:8] for run in (comparison.first, comparison.second)]
    figure.suptitle(
        f"run {comparison.first.start['raw_uid'][:8]}: recipe {digests[1]} less recipe {digests[0]}\n"
        + (plain(", ".join(list(comparison.changed)[:4])) or "the recipes say the same")
    )
    return save_figure(figure, path)


def _draw(axes: Axes, comparison: RunComparison, value: Callable[[PointDifference], float], label: str) -> None:
    axes.axhline(0.0, color="0.75", lw=1)
    for stroke, colour in STROKE_COLOURS.items():
        chosen = [
            (point.first.pressure_gpa, value(point)) for point in comparison.points if point.first.stroke == stroke
        ]
        chosen = [pair for pair in chosen if all(map(math.isfinite, pair))]
        if chosen:
            axes.plot(*zip(*chosen, strict=True), "o", color=colour, ms=5, label=stroke or "imported")
    axes.set_ylabel(f"difference of\n{label}")
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)


def _cell(point: PointDifference, name: str) -> float:
    phase = point.phase(name)
    return phase.cell.get("a", math.nan) if phase else math.nan


def _fraction(point: PointDifference, name: str) -> float:
    phase = point.phase(name)
    return phase.fraction if phase else math.nan
