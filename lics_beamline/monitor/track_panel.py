"""Pressure, temperature and load against time, with what was asked and forecast; and the path through P and T."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bokeh.layouts import column
from bokeh.models import ColumnDataSource

from lics_beamline.exports.panel_words import EXPERIMENT_TIME, GASKET_TEMPERATURE, LOAD, PRESSURE, TRACK
from lics_beamline.monitor.figure import (
    BLUE,
    DIM,
    GREEN,
    ORANGE,
    PINK,
    YELLOW,
    Column,
    GrowingSource,
    dark_figure,
    hover,
    place_legend,
)
from lics_beamline.monitor.view import RunView, TrackReading

COLUMNS = (
    *("hours", "pressure", "p_low", "p_high", "asked_p", "asked_k", "kelvin", "load"),
    *("ending", "e_low", "e_high", "size"),
)
MOST_READINGS: Final = 4000  # drawn at a time: of more, those on the way are thinned
NEWEST_KEPT: Final = 200  # readings that are never thinned: what the sweep does now


class TrackPanel:
    """Three figures above one another, over one axis of time.

    Attributes
    ----------
    root : bokeh model
        What is put on the page.
    """

    def __init__(self) -> None:
        self.readings = GrowingSource(COLUMNS, most=MOST_READINGS, thin=thinned)
        source = self.readings.source
        self.pressure = dark_figure("Pressure, temperature, load in time", "", PRESSURE)
        shared = {"x_range": self.pressure.x_range}
        self.temperature = dark_figure("", "", GASKET_TEMPERATURE, **shared)
        self.load = dark_figure("", EXPERIMENT_TIME, LOAD, **shared)
        self.pressure.segment("hours", "e_low", "hours", "e_high", source=source, color=PINK, alpha=0.35, line_width=2)
        self.pressure.line("hours", "ending", source=source, color=PINK, line_dash="dotted", legend_label="forecast")
        self.pressure.step("hours", "asked_p", source=source, color=YELLOW, line_dash="dashed", legend_label="asked")
        self.pressure.segment("hours", "p_low", "hours", "p_high", source=source, color=BLUE, alpha=0.6)
        dots = [self._dots(self.pressure, "pressure", BLUE, "ruby ± 1 s.d.")]
        self.temperature.step("hours", "asked_k", source=source, color=YELLOW, line_dash="dashed")
        self.temperature.line("hours", "kelvin", source=source, color=ORANGE, alpha=0.5)
        dots.append(self._dots(self.temperature, "kelvin", ORANGE, ""))
        self.load.line("hours", "load", source=source, color=GREEN, alpha=0.5)
        dots.append(self._dots(self.load, "load", GREEN, ""))
        tips = [
            ("time", "@hours{0.00} h"),
            ("pressure", "@pressure{0.000} GPa"),
            ("gasket", "@kelvin{0.0} K"),
            ("load", "@load{0.00} bar"),
        ]
        for made, shown in zip((self.pressure, self.temperature, self.load), dots, strict=True):
            hover(made, [shown], tips)
        for made in (self.pressure, self.temperature):
            made.xaxis.major_label_text_font_size = "0px"
        place_legend(self.pressure)
        self.root = column(self.pressure, self.temperature, self.load, sizing_mode="stretch_both")

    def _dots(self, made: Any, what: str, colour: str, label: str) -> Any:
        named = {"legend_label": label} if label else {}
        return made.scatter("hours", what, source=self.readings.source, color=colour, size="size", **named)

    def update(self, view: RunView) -> None:
        """Show what is new."""
        self.readings.grow(view.uid, view.track, _columns)


def thinned(readings: Sequence[TrackReading]) -> list[TrackReading]:
    """Return half of `MOST_READINGS` at most: the newest whole, of those before the points, and some on the way.

    Parameters
    ----------
    readings : sequence of TrackReading
        In the order of time.
    """
    before, newest = readings[:-NEWEST_KEPT], readings[-NEWEST_KEPT:]
    room = MOST_READINGS // 2 - len(newest)
    points = sum(each.is_point for each in before)
    every_point, every_other = 1, 1
    while points // every_point > room // 2:
        every_point *= 2
    while (len(before) - points) // every_other > room // 2:
        every_other *= 2
    kept, seen = [], {True: 0, False: 0}
    for each in before:
        every = every_point if each.is_point else every_other
        if seen[each.is_point] % every == 0:
            kept.append(each)
        seen[each.is_point] += 1
    return [*kept, *newest]


def _columns(readings: Sequence[TrackReading]) -> dict[str, Column]:
    def column_of(value: Callable[[TrackReading], float]) -> npt.NDArray[np.float64]:
        return np.fromiter(map(value, readings), np.float64, len(readings))

    pressure, error = column_of(lambda each: each.pressure_gpa), column_of(lambda each: each.pressure_error_gpa)
    ending, ending_error = column_of(lambda each: each.ending_gpa), column_of(lambda each: each.ending_error_gpa)
    return {
        "hours": column_of(lambda each: each.hours),
        "pressure": pressure,
        "p_low": pressure - error,
        "p_high": pressure + error,
        "asked_p": column_of(lambda each: each.asked_gpa),
        "asked_k": column_of(lambda each: each.asked_k),
        "kelvin": column_of(lambda each: each.temperature_k),
        "load": column_of(lambda each: each.load_bar),
        "ending": ending,
        "e_low": ending - ending_error,
        "e_high": ending + ending_error,
        "size": column_of(lambda each: 9.0 if each.is_point else 4.0),
    }


class PlanePanel:
    """The path as asked for and as it was walked, temperature against pressure.

    Attributes
    ----------
    root : bokeh model
        What is put on the page.
    """

    def __init__(self) -> None:
        self.asked = ColumnDataSource({"pressure": [], "kelvin": [], "number": [], "leg": []})
        self.walked = GrowingSource(("pressure", "kelvin", "p_low", "p_high"))
        self.root = dark_figure(TRACK, PRESSURE, GASKET_TEMPERATURE)
        self.root.line("pressure", "kelvin", source=self.asked, color=YELLOW, line_dash="dashed", alpha=0.7)
        asked = self.root.scatter(
            *("pressure", "kelvin"),
            source=self.asked,
            marker="diamond",
            size=11,
            color=YELLOW,
            fill_alpha=0.0,
            legend_label="asked",
        )
        source = self.walked.source
        self.root.line("pressure", "kelvin", source=source, color=DIM, alpha=0.6)
        self.root.segment("p_low", "kelvin", "p_high", "kelvin", source=source, color=BLUE)
        read = self.root.scatter("pressure", "kelvin", source=source, size=8, color=BLUE, legend_label="read ± 1 s.d.")
        hover(self.root, [asked], [("asked, point", "@number"), ("leg", "@leg")])
        hover(self.root, [read], [("pressure", "@pressure{0.000} GPa"), ("temperature", "@kelvin{0.0} K")])
        place_legend(self.root, "center_left")
        self._asked_of = ""

    def update(self, view: RunView) -> None:
        """Show what is new."""
        points = [each for each in view.track if each.is_point]
        self.walked.grow(view.uid, points, _plane_columns)
        if self._asked_of != view.uid:
            self._asked_of = view.uid
            known = [
                (number, each)
                for number, each in enumerate(view.asked, start=1)
                if math.isfinite(each.pressure_gpa) and math.isfinite(each.temperature_k)
            ]
            self.asked.data = {
                "pressure": [each.pressure_gpa for _, each in known],
                "kelvin": [each.temperature_k for _, each in known],
                "number": [number for number, _ in known],
                "leg": [each.leg for _, each in known],
            }


def _plane_columns(points: Sequence[TrackReading]) -> dict[str, Column]:
    pressure = np.array([each.pressure_gpa for each in points])
    error = np.array([each.pressure_error_gpa for each in points])
    return {
        "pressure": pressure,
        "kelvin": np.array([each.temperature_k for each in points]),
        "p_low": pressure - error,
        "p_high": pressure + error,
    }
