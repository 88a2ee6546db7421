"""Pressure, temperature and load against time, with what was asked and forecast; and the path through P and T."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bokeh.layouts import column
from bokeh.models import ColumnDataSource

from lics_beamline.exports.panel_words import GASKET_TEMPERATURE, PRESSURE, TRACK
from lics_beamline.monitor.figure import (
    BLUE,
    DIM,
    GREEN,
    ORANGE,
    PINK,
    YELLOW,
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


class TrackPanel:
    """Three figures above one another, over one axis of time.

    Attributes
    ----------
    root : bokeh model
        What is put on the page.
    """

    def __init__(self) -> None:
        self.readings = GrowingSource(COLUMNS)
        source = self.readings.source
        self.pressure = dark_figure("Pressure, temperature and load in time", "", PRESSURE)
        shared = {"x_range": self.pressure.x_range}
        self.temperature = dark_figure("", "", GASKET_TEMPERATURE, **shared)
        self.load = dark_figure("", "time of experiment (h)", "load (bar)", **shared)
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


def _columns(readings: Sequence[TrackReading]) -> dict[str, list[Any]]:
    return {
        "hours": [each.hours for each in readings],
        "pressure": [each.pressure_gpa for each in readings],
        "p_low": [each.pressure_gpa - each.pressure_error_gpa for each in readings],
        "p_high": [each.pressure_gpa + each.pressure_error_gpa for each in readings],
        "asked_p": [each.asked_gpa for each in readings],
        "asked_k": [each.asked_k for each in readings],
        "kelvin": [each.temperature_k for each in readings],
        "load": [each.load_bar for each in readings],
        "ending": [each.ending_gpa for each in readings],
        "e_low": [each.ending_gpa - each.ending_error_gpa for each in readings],
        "e_high": [each.ending_gpa + each.ending_error_gpa for each in readings],
        "size": [9 if each.is_point else 4 for each in readings],
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
        place_legend(self.root, "center_right")
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


def _plane_columns(points: Sequence[TrackReading]) -> dict[str, list[Any]]:
    return {
        "pressure": [each.pressure_gpa for each in points],
        "kelvin": [each.temperature_k for each in points],
        "p_low": [each.pressure_gpa - each.pressure_error_gpa for each in points],
        "p_high": [each.pressure_gpa + each.pressure_error_gpa for each in points],
    }
