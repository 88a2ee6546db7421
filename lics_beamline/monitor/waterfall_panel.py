"""All patterns of a run above one another, with the ticks of their phases; those of a long run share rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from bokeh.events import Tap
from bokeh.models import FixedTicker, LinearColorMapper, Range1d

from lics_beamline.exports.panel_words import ANGLE, PATTERNS
from lics_beamline.exports.pattern_height import above_background
from lics_beamline.exports.phase_lines import lines_of
from lics_beamline.exports.reduced_run import ReducedPoint
from lics_beamline.monitor.figure import Column, GrowingSource, PhaseStyles, dark_figure, hover
from lics_beamline.monitor.view import Array, RunView

MOST_COLUMNS: Final = 700  # of a pattern in the waterfall: more than its pixels on a wall screen
MOST_ROWS: Final = 400  # of the waterfall: as many pixels as it is high on a laptop
MOST_TICKED: Final = 96  # rows with ticks: of more nobody sees them
NUMBERS_SHOWN: Final = 12  # of points, at the axis
TICK_TOP, TICK_BOTTOM = 0.02, 0.18  # of the height of a row, below its upper edge


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallRow:
    """Points that share a row, one as a rule.

    Parameters
    ----------
    first, last : int
        Their places in the order of reduction, from 1.
    points : tuple of ReducedPoint
        The points.
    """

    first: int
    last: int
    points: tuple[ReducedPoint, ...]

    @property
    def height(self) -> int:
        """Its height, of a point 1."""
        return self.last - self.first + 1


def merged(rows: Sequence[WaterfallRow], most: int) -> list[WaterfallRow]:
    """Return rows that are shared by as many points, a power of two, as it takes for there to be `most` or fewer.

    Parameters
    ----------
    rows : sequence of WaterfallRow
        One a point.
    most : int
        Rows.
    """
    every = 1
    while -(-len(rows) // every) > most:
        every *= 2
    groups = [rows[start : start + every] for start in range(0, len(rows), every)]
    return [
        WaterfallRow(
            first=group[0].first, last=group[-1].last, points=tuple(point for row in group for point in row.points)
        )
        for group in groups
    ]


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
        self.rows = GrowingSource(
            ("image", "x", "y", "dw", "dh", "number", "at", "phases"),
            most=MOST_ROWS,
            thin=lambda rows: merged(rows, MOST_ROWS // 2),
        )
        self.ticks = GrowingSource(
            ("x", "low", "high", "phase", "colour"),
            most=MOST_TICKED,
            thin=lambda rows: merged(rows, MOST_TICKED // 2),
        )
        self.root = dark_figure(
            *(f"{PATTERNS}\nnewest on top; ticks: phases", ANGLE, "reduced point"),
            y_range=Range1d(0.5, 1.5),
            x_range=Range1d(0.0, 1.0),
        )
        self.root.grid.visible = False
        rows = self.root.image(
            *("image", "x", "y", "dw", "dh"),
            source=self.rows.source,
            color_mapper=LinearColorMapper(palette="Magma256", low=0, high=255),
        )
        self.root.segment("x", "low", "x", "high", source=self.ticks.source, color="colour", line_width=2)
        tips = [("point", "@number"), ("at", "@at"), ("phases", "@phases")]
        hover(self.root, [rows], [*tips, ("2θ", "$x{0.00} deg")])
        self.root.on_event(Tap, lambda tapped: chosen(round(tapped.y) - 1))
        self._styles = PhaseStyles(())
        self._of: object = None

    def update(self, view: RunView, styles: PhaseStyles) -> None:
        """Show what is new."""
        of = (view.uid, view.reduction_uid)
        self._styles = styles
        rows = [
            WaterfallRow(first=number, last=number, points=(point,))
            for number, point in enumerate(view.reduced, start=1)
        ]
        self.rows.grow(of, rows, _row_columns)
        self.ticks.grow(of, rows, lambda new: self._tick_columns(new, view))
        if of != self._of and (angles := _first_angles(view)) is not None:
            self._of = of
            self.root.x_range.update(start=float(np.nanmin(angles)), end=float(np.nanmax(angles)))
        top = max(len(rows), 1)
        if self.root.y_range.end != top + 0.5:
            self.root.y_range.update(start=0.5, end=top + 0.5)
            every = max(top // NUMBERS_SHOWN, 1)
            self.root.yaxis.ticker = FixedTicker(ticks=list(range(1, top + 1, every)))

    def _tick_columns(self, rows: Sequence[WaterfallRow], view: RunView) -> dict[str, Column]:
        ticks = [
            (angle, row, lines.phase)
            for row in rows
            for lines in lines_of(row.points[-1], view.phases, view.wavelength_angstrom)
            for angle in lines.two_theta_deg
        ]
        top = np.array([row.last + 0.5 for _, row, _ in ticks])
        height = np.array([float(row.height) for _, row, _ in ticks])
        return {
            "x": np.array([angle for angle, _, _ in ticks]),
            "low": top - TICK_BOTTOM * height,
            "high": top - TICK_TOP * height,
            "phase": [phase for _, _, phase in ticks],
            "colour": [self._styles.colour(phase) for _, _, phase in ticks],
        }


def _first_angles(view: RunView) -> Array | None:
    """Return the angles of the first pattern of a run; None where there is none."""
    return next((each.two_theta_deg for each in view.reduced if np.isfinite(each.two_theta_deg).any()), None)


def _row_columns(rows: Sequence[WaterfallRow]) -> dict[str, Any]:
    drawn = [_angles(row) for row in rows]
    return {
        "image": [_image(row) for row in rows],
        "x": np.array([angles[0] for angles in drawn]),
        "y": np.array([row.first - 0.5 for row in rows]),
        "dw": np.array([angles[-1] - angles[0] for angles in drawn]),
        "dh": np.array([float(row.height) for row in rows]),
        "number": [_numbers(row) for row in rows],
        "at": [_states(row) for row in rows],
        "phases": [", ".join(_phases(row)) or "none found" for row in rows],
    }


def _angles(row: WaterfallRow) -> Array:
    return next((point.two_theta_deg for point in row.points if point.reduced), np.array([0.0, 1.0]))


def _numbers(row: WaterfallRow) -> str:
    first, last = row.points[0].index + 1, row.points[-1].index + 1
    return f"{first}" if len(row.points) == 1 else f"{first} to {last}"


def _states(row: WaterfallRow) -> str:
    first, last = row.points[0], row.points[-1]
    if first is last:
        return f"{first.pressure_gpa:.3f} GPa, {first.temperature_k:.1f} K"
    gpa = f"{first.pressure_gpa:.3f} to {last.pressure_gpa:.3f} GPa"
    return f"{gpa}, {first.temperature_k:.1f} to {last.temperature_k:.1f} K"


def _phases(row: WaterfallRow) -> list[str]:
    return list(dict.fromkeys(phase.name for point in row.points for phase in point.phases))


def _image(row: WaterfallRow) -> Any:
    """Return the brightest of the patterns of a row at each angle; patterns over other angles are left out."""
    size = _angles(row).size
    brightest = np.zeros(min(size, 1), np.float64)
    for point in row.points:
        if not point.reduced or point.intensity.size != size:
            continue
        height = above_background(point.intensity)
        every = -(-height.size // MOST_COLUMNS)
        strongest = np.maximum.reduceat(height, np.arange(0, height.size, every))
        brightest = np.maximum(brightest, strongest)
    return np.round(255.0 * brightest).astype(np.uint8)[None, :]
