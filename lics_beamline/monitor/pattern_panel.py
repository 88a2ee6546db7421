"""Patterns: all of a run above one another with the ticks of their phases, and one of them large."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, FixedTicker, LinearColorMapper, Range1d
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from lics_beamline.exports.panel_words import ANGLE
from lics_beamline.exports.reduced_run import ReducedPoint
from lics_beamline.monitor.figure import BLUE, RED, TEXT, GrowingSource, PhaseStyles, dark_figure, hover, place_legend
from lics_beamline.monitor.phase_lines import lines_of
from lics_beamline.monitor.view import Array, RunView
from lics_beamline.physics.crystal import two_theta_deg

MOST_COLUMNS: Final = 700  # of a pattern in the waterfall: more than its pixels on a wall screen
BACKGROUND_SHARE: Final = 25  # of a pattern is wider than any line, and follows its background
TICK_TOP, TICK_BOTTOM = 0.48, 0.32  # of the row of a pattern, above its middle


class WaterfallPanel:
    """One row a point, brightness by the square root of the counts above background, ticks of phases over it.

    Parameters
    ----------
    chosen : callable
        Told the number of the row that a person points at, from 0 in the order of reduction.

    Attributes
    ----------
    root : bokeh model
        What is put on the page.
    """

    def __init__(self, chosen: Callable[[int], None]) -> None:
        self.rows = GrowingSource(("image", "x", "y", "dw", "number", "pressure", "kelvin", "phases"))
        self.ticks = GrowingSource(("x", "low", "high", "phase", "colour"))
        self.root = dark_figure(
            *("Patterns, newest on top; ticks: phases", ANGLE, "reduced point"),
            y_range=Range1d(0.5, 1.5),
            x_range=Range1d(0.0, 1.0),
        )
        self.root.grid.visible = False
        rows = self.root.image(
            *("image", "x", "y", "dw"),
            dh=1.0,
            source=self.rows.source,
            color_mapper=LinearColorMapper(palette="Magma256", low=0, high=255),
        )
        self.root.segment("x", "low", "x", "high", source=self.ticks.source, color="colour", line_width=2)
        tips = [("point", "@number"), ("at", "@pressure{0.000} GPa, @kelvin{0.0} K"), ("phases", "@phases")]
        hover(self.root, [rows], [*tips, ("2θ", "$x{0.00} deg")])
        self.root.on_event(Tap, lambda tapped: chosen(round(tapped.y) - 1))
        self._styles = PhaseStyles(())
        self._of: object = None

    def update(self, view: RunView, styles: PhaseStyles) -> None:
        """Show what is new."""
        of = (view.uid, view.reduction_uid)
        self._styles = styles
        numbered = list(enumerate(view.reduced, start=1))
        self.rows.grow(of, numbered, self._row_columns)
        self.ticks.grow(of, numbered, lambda rows: self._tick_columns(rows, view))
        angles = [point.two_theta_deg for point in view.reduced if np.isfinite(point.two_theta_deg).any()]
        if angles and of != self._of:
            self._of = of
            self.root.x_range.update(start=float(np.nanmin(angles[0])), end=float(np.nanmax(angles[0])))
        self.root.y_range.update(start=0.5, end=max(len(numbered), 1) + 0.5)
        every = max(len(numbered) // 12, 1)
        self.root.yaxis.ticker = FixedTicker(ticks=list(range(1, len(numbered) + 1, every)))

    def _row_columns(self, rows: Sequence[tuple[int, ReducedPoint]]) -> dict[str, list[Any]]:
        drawn = [point.two_theta_deg if point.reduced else np.array([0.0, 1.0]) for _, point in rows]
        return {
            "image": [_row(point) for _, point in rows],
            "x": [float(angles[0]) for angles in drawn],
            "y": [number - 0.5 for number, _ in rows],
            "dw": [float(angles[-1] - angles[0]) for angles in drawn],
            "number": [point.index + 1 for _, point in rows],
            "pressure": [point.pressure_gpa for _, point in rows],
            "kelvin": [point.temperature_k for _, point in rows],
            "phases": [", ".join(phase.name for phase in point.phases) or "none found" for _, point in rows],
        }

    def _tick_columns(self, rows: Sequence[tuple[int, ReducedPoint]], view: RunView) -> dict[str, list[Any]]:
        ticks = [
            (angle, number, lines.phase)
            for number, point in rows
            for lines in lines_of(point, view.phases, view.wavelength_angstrom)
            for angle in lines.two_theta_deg
        ]
        return {
            "x": [angle for angle, _, _ in ticks],
            "low": [number + TICK_BOTTOM for _, number, _ in ticks],
            "high": [number + TICK_TOP for _, number, _ in ticks],
            "phase": [phase for _, _, phase in ticks],
            "colour": [self._styles.colour(phase) for _, _, phase in ticks],
        }


def above_background(intensity: Array) -> Array:
    """Return a pattern above a rolling lower envelope, on a square-root scale, its strongest line 1."""
    finite = np.isfinite(intensity)
    if not finite.any():
        return np.zeros(intensity.shape)
    filled = np.where(finite, intensity, np.min(intensity[finite]))
    width = max(filled.size // BACKGROUND_SHARE, 3)
    floor = uniform_filter1d(minimum_filter1d(filled, width), width)
    above = np.sqrt(np.clip(filled - floor, 0.0, None))
    return np.asarray(above / max(float(above.max()), 1e-12))


def _row(point: ReducedPoint) -> Any:
    height = above_background(point.intensity)
    every = -(-height.size // MOST_COLUMNS)
    strongest = np.maximum.reduceat(height, np.arange(0, height.size, every))
    return np.round(255.0 * strongest).astype(np.uint8)[None, :]


class PatternPanel:
    """One pattern large, with its error, the ticks of its phases, and the lines that none of them explains.

    Attributes
    ----------
    root : bokeh model
        What is put on the page.
    """

    def __init__(self) -> None:
        self.pattern = ColumnDataSource({"angle": [], "counts": [], "low": [], "high": []})
        self.ticks = ColumnDataSource({"x": [], "low": [], "high": [], "phase": [], "colour": []})
        self.left = ColumnDataSource({"x": [], "y": [], "says": []})
        self.root = dark_figure("Pattern", ANGLE, "mean counts a pixel")
        self.root.varea("angle", "low", "high", source=self.pattern, fill_color=BLUE, fill_alpha=0.35)
        line = self.root.line("angle", "counts", source=self.pattern, color=BLUE, line_width=1.3)
        self.root.segment(
            *("x", "low", "x", "high"), source=self.ticks, color="colour", line_width=2, legend_field="phase"
        )
        self.root.scatter("x", "y", source=self.left, marker="inverted_triangle", size=9, color=RED)
        self.root.text(
            "x", "y", "says", source=self.left, text_color=TEXT, text_font_size="11px", y_offset=-8, angle=0.6
        )
        hover(self.root, [line], [("2θ", "@angle{0.000} deg"), ("counts", "@counts{0.0}")])
        self.root.y_range.range_padding = 0.12
        place_legend(self.root, "top_right")

    def show(self, point: ReducedPoint | None, view: RunView, styles: PhaseStyles) -> None:
        """Show a point; None where there is none."""
        lines = lines_of(point, view.phases, view.wavelength_angstrom) if point is not None else ()
        if point is None or not point.reduced:
            self.pattern.data = {"angle": [], "counts": [], "low": [], "high": []}
            self.ticks.data = {"x": [], "low": [], "high": [], "phase": [], "colour": []}
            self.left.data = {"x": [], "y": [], "says": []}
            self.root.title.text = "Pattern: none yet" if point is None else f"Point {point.index + 1} was not reduced"
            return
        counts, sigma = point.intensity, point.intensity_sigma
        self.pattern.data = {
            "angle": point.two_theta_deg,
            "counts": counts,
            "low": counts - sigma,
            "high": counts + sigma,
        }
        finite = counts[np.isfinite(counts)]
        floor, top = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        step = 0.055 * max(top - floor, 1e-9)
        ticks = [(angle, row, each.phase) for row, each in enumerate(lines) for angle in each.two_theta_deg]
        self.ticks.data = {
            "x": [angle for angle, _, _ in ticks],
            "low": [floor - (row + 1.8) * step for _, row, _ in ticks],
            "high": [floor - (row + 1.1) * step for _, row, _ in ticks],
            "phase": [phase for _, _, phase in ticks],
            "colour": [styles.colour(phase) for _, _, phase in ticks],
        }
        self._mark_left(point, view.wavelength_angstrom, top)
        at = f"{point.pressure_gpa:.3f} ± {point.pressure_error_gpa:.3f} GPa, {point.temperature_k:.1f} K"
        number = len(point.unknown_d_angstrom)
        left = f"{number} strong lines of no phase (triangles, d in Å)" if number else "no strong line left over"
        self.root.title.text = f"Point {point.index + 1}: {at}; band ± 1 s.d.; {left}"

    def _mark_left(self, point: ReducedPoint, wavelength_angstrom: float, top: float) -> None:
        known = [d for d in point.unknown_d_angstrom if 2.0 * d > wavelength_angstrom]
        angles = [two_theta_deg(d, wavelength_angstrom) for d in known] if math.isfinite(wavelength_angstrom) else []
        nearest = [int(np.argmin(np.abs(point.two_theta_deg - angle))) for angle in angles]
        self.left.data = {
            "x": angles,
            "y": [float(np.nanmax(point.intensity[max(i - 2, 0) : i + 3])) + 0.03 * top for i in nearest],
            "says": [f"{d:.3f}" for d in known][: len(angles)],
        }
