"""One pattern large, with its phases and what is left."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource

from lics_beamline.exports.panel_words import ANGLE
from lics_beamline.exports.phase_lines import lines_of, unexplained_lines
from lics_beamline.exports.reduced_run import ReducedPoint
from lics_beamline.monitor.figure import BLUE, RED, SMALL_FONT, TEXT, PhaseStyles, dark_figure, hover, place_legend
from lics_beamline.monitor.view import RunView


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
            "x", "y", "says", source=self.left, text_color=TEXT, text_font_size=SMALL_FONT, y_offset=-8, angle=0.6
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
        left = unexplained_lines(point, wavelength_angstrom)
        angles = [angle for _, angle in left]
        nearest = [int(np.argmin(np.abs(point.two_theta_deg - angle))) for angle in angles]
        self.left.data = {
            "x": angles,
            "y": [float(np.nanmax(point.intensity[max(i - 2, 0) : i + 3])) + 0.03 * top for i in nearest],
            "says": [f"{spacing:.3f}" for spacing, _ in left],
        }
