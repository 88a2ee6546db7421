"""Cells against pressure, with the equations of state by which phases were sought; and shares of the sample."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from bokeh.models import AdaptiveTicker, ColumnDataSource, DataRange1d, Legend, Range1d

from lics_beamline.errors import LicsError
from lics_beamline.exports.panel_words import CELL_EDGE, PRESSURE
from lics_beamline.monitor.figure import PhaseStyles, dark_figure, hover, place_legend
from lics_beamline.monitor.view import RunView
from lics_beamline.phases.phase import CrystalPhase

SAME_K: Final = 15.0  # temperatures closer than this have one curve
CURVE_POINTS: Final = 40
LEGEND_COLUMNS: Final = 3  # of names of phases, beside each other over a narrow panel
COLUMNS: Final = ("x", "y", "x_low", "x_high", "y_low", "y_high", "kelvin", "number")


class _PhaseGlyphs:
    """Points with error bars of one phase in one figure."""

    def __init__(self, made: Any, phase: str, styles: PhaseStyles, tips: list[tuple[str, str]]) -> None:
        self.source = ColumnDataSource({name: [] for name in COLUMNS})
        colour, named = styles.colour(phase), {"legend_label": phase}
        made.segment("x_low", "y", "x_high", "y", source=self.source, color=colour, **named)
        made.segment("x", "y_low", "x", "y_high", source=self.source, color=colour, **named)
        dots = made.scatter(*("x", "y"), source=self.source, marker=styles.marker(phase), size=8, color=colour, **named)
        hover(made, [dots], [("phase", phase), *tips, ("point", "@number")])

    def show(self, rows: list[tuple[float, float, float, float, float, int]]) -> None:
        self.source.data = {
            "x": [x for x, _, _, _, _, _ in rows],
            "y": [y for _, _, y, _, _, _ in rows],
            "x_low": [x - e for x, e, _, _, _, _ in rows],
            "x_high": [x + e for x, e, _, _, _, _ in rows],
            "y_low": [y - e for _, _, y, e, _, _ in rows],
            "y_high": [y + e for _, _, y, e, _, _ in rows],
            "kelvin": [kelvin for _, _, _, _, kelvin, _ in rows],
            "number": [number for _, _, _, _, _, number in rows],
        }


class CellPanel:
    """Edge a of each phase of the sample against pressure, and its share against the number of the point.

    Attributes
    ----------
    cells, shares : bokeh model
        What is put on the page.
    """

    def __init__(self) -> None:
        self._of: object = None
        self._styles = PhaseStyles(())
        self._glyphs: dict[str, tuple[_PhaseGlyphs, _PhaseGlyphs, ColumnDataSource]] = {}
        self.cells = dark_figure("Cell and equation of state (lines)", PRESSURE, CELL_EDGE)
        self.cells.y_range = DataRange1d(only_visible=True)
        # Inside the frame it covers cells.
        self.cells.add_layout(Legend(orientation="horizontal", ncols=LEGEND_COLUMNS, spacing=10, margin=0), "above")
        self.shares = dark_figure("Shares of the sample's mass", "reduced point", "share (%)", y_range=Range1d(-5, 108))
        self.shares.xaxis.ticker = AdaptiveTicker(base=10, mantissas=[1, 2, 5], min_interval=1)  # points are whole
        self.shares.yaxis.ticker = [0, 50, 100]  # the panel is low

    def update(self, view: RunView, styles: PhaseStyles) -> None:
        """Show all points anew: there are few numbers of each."""
        sample = [phase for phase in view.phases if phase.role == "sample"]
        for phase in sample:
            if phase.name not in self._glyphs and any(point.phase(phase.name) for point in view.reduced):
                self._begin(phase.name, styles)
        for phase in view.phases:
            if phase.name in self._glyphs:
                self._show(phase, view)
        for name in set(self._glyphs) - {phase.name for phase in sample}:
            cells, shares, curve = self._glyphs[name]
            cells.show([])
            shares.show([])
            curve.data = {"x": [], "y": []}

    def _begin(self, name: str, styles: PhaseStyles) -> None:
        curve = ColumnDataSource({"x": [], "y": []})
        self.cells.multi_line("x", "y", source=curve, color=styles.colour(name), alpha=0.7, legend_label=name)
        at = ("at", "@x{0.000} GPa, @kelvin{0.0} K")
        self._glyphs[name] = (
            _PhaseGlyphs(self.cells, name, styles, [("a", "@y{0.0000} Å"), at]),
            _PhaseGlyphs(self.shares, name, styles, [("share", "@y{0.0} %")]),
            curve,
        )
        place_legend(self.cells)
        for legend in self.shares.legend:
            legend.visible = False  # colours and markers are those of the cells, and there is little room

    def _show(self, phase: CrystalPhase, view: RunView) -> None:
        cells, shares, curve = self._glyphs[phase.name]
        edges, parts = [], []
        for place, point in enumerate(view.reduced, start=1):
            found = point.phase(phase.name)
            number = point.index + 1
            if found is not None and math.isfinite(point.pressure_gpa) and "a" in found.cell:
                edges.append(
                    (
                        point.pressure_gpa,
                        point.pressure_error_gpa,
                        found.cell["a"],
                        found.cell_sigma["a"],
                        point.temperature_k,
                        number,
                    )
                )
            if found is not None and math.isfinite(found.fraction):
                sigma = 100.0 * found.fraction_sigma
                parts.append((float(place), 0.0, 100.0 * found.fraction, sigma, point.temperature_k, number))
        cells.show(edges)
        shares.show(parts)
        curve.data = _curves(phase, [(row[0], row[4]) for row in edges])


def _curves(phase: CrystalPhase, states: list[tuple[float, float]]) -> dict[str, list[Any]]:
    """Return the edge that the equation of state of a phase expects, a curve for each temperature."""
    kelvins: list[float] = []
    for _, kelvin in sorted(states, key=lambda state: state[1]):
        if math.isfinite(kelvin) and (not kelvins or kelvin - kelvins[-1] > SAME_K):
            kelvins.append(kelvin)
    x: list[Any] = []
    y: list[Any] = []
    for first in kelvins:
        near = [gpa for gpa, kelvin in states if 0.0 <= kelvin - first <= SAME_K]
        axis = np.linspace(min(near) - 0.3, max(near) + 0.3, CURVE_POINTS)
        try:
            y.append([phase.expected(float(gpa), first).a_angstrom for gpa in axis])
        except LicsError:  # the equation of state does not reach so far
            continue
        x.append(axis)
    return {"x": x, "y": y}
