"""Cells against pressure, with the equations of state by which phases were sought; and shares of the sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from bokeh.models import AdaptiveTicker, ColumnDataSource, DataRange1d, Legend, Range1d

from lics_beamline.errors import LicsError
from lics_beamline.exports.panel_words import CELL_EDGE, CELLS, MASS_SHARE, PRESSURE
from lics_beamline.monitor.figure import RED, Column, GrowingSource, PhaseStyles, dark_figure, hover, place_legend
from lics_beamline.monitor.view import RunView
from lics_beamline.phases.phase import CrystalPhase

SAME_K: Final = 15.0  # temperatures closer than this have one curve
CURVE_POINTS: Final = 40
LEGEND_COLUMNS: Final = 3  # of names of phases, beside each other over a narrow panel
MOST_CELLS: Final = 2000  # drawn of a phase at a time
SHARES: Final = "Shares of the sample's mass"
BESIDE_UNNAMED: Final = f"{SHARES}, of phases of the recipe; ▼: light of lines of no phase"
COLUMNS: Final = ("x", "y", "x_low", "x_high", "y_low", "y_high", "kelvin", "number")


class _PhaseGlyphs:
    """Points with error bars of one phase in one figure."""

    def __init__(self, made: Any, phase: str, style: tuple[str, str], tips: list[tuple[str, str]]) -> None:
        self.rows = GrowingSource(COLUMNS, most=MOST_CELLS, thin=_thinned)
        source = self.rows.source
        (colour, marker), named = style, {"legend_label": phase}
        made.segment("x_low", "y", "x_high", "y", source=source, color=colour, **named)
        made.segment("x", "y_low", "x", "y_high", source=source, color=colour, **named)
        dots = made.scatter(*("x", "y"), source=source, marker=marker, size=8, color=colour, **named)
        hover(made, [dots], [("phase", phase), *tips, ("point", "@number")])

    def show(self, of: object, rows: Sequence[_Row]) -> None:
        self.rows.grow(of, rows, _columns)


_Row = tuple[float, float, float, float, float, int]


def _thinned(rows: Sequence[_Row]) -> Sequence[_Row]:
    every = -(-2 * len(rows) // MOST_CELLS)
    return rows[(len(rows) - 1) % every :: every]


def _columns(rows: Sequence[_Row]) -> dict[str, Column]:
    x, x_error, y, y_error, kelvin, number = np.array(rows, np.float64).reshape(-1, 6).T.copy()
    return {
        "x": x,
        "y": y,
        "x_low": x - x_error,
        "x_high": x + x_error,
        "y_low": y - y_error,
        "y_high": y + y_error,
        "kelvin": kelvin,
        "number": number,
    }


class CellPanel:
    """Edge a of each phase of the sample against pressure, and its share against the number of the point.

    Attributes
    ----------
    cells, shares : bokeh model
        What is put on the page.
    unnamed : glyphs
        Of what no phase of the recipe explains, among the shares.
    """

    def __init__(self) -> None:
        self._curves = ExpectedCurves()
        self._glyphs: dict[str, tuple[_PhaseGlyphs, _PhaseGlyphs, ColumnDataSource]] = {}
        self.cells = dark_figure(CELLS, PRESSURE, CELL_EDGE)
        self.cells.y_range = DataRange1d(only_visible=True)
        # Inside the frame it covers cells.
        self.cells.add_layout(Legend(orientation="horizontal", ncols=LEGEND_COLUMNS, spacing=10, margin=0), "above")
        self.shares = dark_figure(SHARES, "reduced point", MASS_SHARE, y_range=Range1d(-5, 108))
        self.shares.xaxis.ticker = AdaptiveTicker(base=10, mantissas=[1, 2, 5], min_interval=1)  # points are whole
        self.shares.yaxis.ticker = [0, 50, 100]  # the panel is low
        unnamed = (RED, "inverted_triangle")
        self.unnamed = _PhaseGlyphs(self.shares, "of no phase", unnamed, [("part of the lines' light", "@y{0.0} %")])

    def update(self, view: RunView, styles: PhaseStyles) -> None:
        """Show what is new."""
        sample = [phase for phase in view.phases if phase.role == "sample"]
        for phase in sample:
            if phase.name not in self._glyphs and any(point.phase(phase.name) for point in view.reduced):
                self._begin(phase.name, styles)
        for phase in view.phases:
            if phase.name in self._glyphs:
                self._show(phase, view)
        self._show_unnamed(view)
        for name in set(self._glyphs) - {phase.name for phase in sample}:
            cells, shares, curve = self._glyphs[name]
            cells.show("", ())
            shares.show("", ())
            curve.data = {"x": [], "y": []}

    def _begin(self, name: str, styles: PhaseStyles) -> None:
        curve = ColumnDataSource({"x": [], "y": []})
        self.cells.multi_line("x", "y", source=curve, color=styles.colour(name), alpha=0.7, legend_label=name)
        at = ("at", "@x{0.000} GPa, @kelvin{0.0} K")
        style = (styles.colour(name), styles.marker(name))
        self._glyphs[name] = (
            _PhaseGlyphs(self.cells, name, style, [("a", "@y{0.0000} Å"), at]),
            _PhaseGlyphs(self.shares, name, style, [("share", "@y{0.0} %")]),
            curve,
        )
        place_legend(self.cells)
        for legend in self.shares.legend:
            legend.visible = False  # colours and markers are those of the cells, and there is little room

    def _show_unnamed(self, view: RunView) -> None:
        parts = [
            (
                float(place),
                0.0,
                100.0 * point.unknown_fraction,
                100.0 * point.unknown_fraction_sigma,
                point.temperature_k,
                point.index + 1,
            )
            for place, point in enumerate(view.reduced, start=1)
            if point.unknown_phases
        ]
        self.unnamed.show((view.uid, view.reduction_uid), parts)
        self.shares.title.text = BESIDE_UNNAMED if parts else SHARES

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
        of = (view.uid, view.reduction_uid)
        cells.show(of, edges)
        shares.show(of, parts)
        expected = self._curves.of(phase, [(row[0], row[4]) for row in edges])
        if expected is not None:
            curve.data = expected


class ExpectedCurves:
    """Edges that the equations of state of phases expect, worked out anew only where points lie farther out."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, float, float, float], Any] = {}
        self._told: dict[str, object] = {}

    def of(self, phase: CrystalPhase, states: list[tuple[float, float]]) -> dict[str, list[Any]] | None:
        """Return the curves of a phase, one for each temperature; None where they are those of the last call.

        Parameters
        ----------
        phase : CrystalPhase
            The phase.
        states : list of (float, float)
            Pressures [GPa] and temperatures [K] of its points.
        """
        ranges = _ranges(states)
        asked = [(phase.model_dump_json(), *each) for each in ranges]
        if self._told.get(phase.name) == asked:
            return None
        self._told[phase.name] = asked
        x: list[Any] = []
        y: list[Any] = []
        for each in asked:
            if each not in self._known:
                self._known[each] = _curve(phase, *each[1:])
            if self._known[each] is not None:
                x.append(self._known[each][0])
                y.append(self._known[each][1])
        return {"x": x, "y": y}


def _ranges(states: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Return the temperatures of points, those close to each other once, and the pressures between which each was."""
    found: list[tuple[float, float, float]] = []
    for gpa, kelvin in sorted(states, key=lambda state: state[1]):
        if not math.isfinite(kelvin):
            continue
        if not found or kelvin - found[-1][0] > SAME_K:
            found.append((kelvin, gpa, gpa))
        else:
            first, low, high = found[-1]
            found[-1] = (first, min(low, gpa), max(high, gpa))
    return found


def _curve(phase: CrystalPhase, kelvin: float, low_gpa: float, high_gpa: float) -> tuple[Any, Any] | None:
    axis = np.linspace(low_gpa - 0.3, high_gpa + 0.3, CURVE_POINTS)
    try:
        return axis, np.array([phase.expected(float(gpa), kelvin).a_angstrom for gpa in axis])
    except LicsError:  # the equation of state does not reach so far
        return None
