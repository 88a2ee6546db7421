"""The forecast of a sweep as a figure: pressure, load and temperature against time, with their limits and doubts."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.checks.case import Case
from lics_beamline.control.forecast import ExpectedArrival
from lics_beamline.exports.figure import STROKE_COLOURS
from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.figure_text import plain
from lics_beamline.exports.panel_words import EXPERIMENT_TIME, GASKET_TEMPERATURE, LOAD, PRESSURE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIMIT: Final[dict[str, Any]] = {"color": "#C00000", "lw": 1.2, "ls": "--"}
BAND_SIGMAS: Final = 2.0  # half width of the shaded bands


def draw_track(case: Case, path: Path, *, supply_bar: float | None = None) -> Path:
    """Draw the forecast of a case as PNG.

    Parameters
    ----------
    case : Case
        The experiment and its forecast.
    path : Path
        The PNG to write; its folder is made if absent.
    supply_bar : float, optional
        Gas supply read from the beamline [bar]: its allowed fraction is drawn.

    Returns
    -------
    Path
        `path`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.0, 9.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes: dict[str, Axes] = figure.subplot_mosaic(
        [["pressure", "strokes"], ["load", "strokes"], ["temperature", "plane"]],
        width_ratios=(1.7, 1.0),
    )
    envelope = case.settings.envelope
    hours = [moment.time_s / 3600.0 for moment in case.track.moments]
    _band(axes["pressure"], case, hours, "pressure", PRESSURE)
    _band(axes["load"], case, hours, "load", LOAD)
    axes["temperature"].plot(hours, [moment.temperature_k for moment in case.track.moments], color="0.25", lw=1.4)
    axes["temperature"].set(ylabel=GASKET_TEMPERATURE, xlabel=EXPERIMENT_TIME)
    _limit(axes["pressure"], envelope.pressure_gpa[1], "envelope")
    _limit(axes["load"], envelope.load_bar[1], "envelope")
    if supply_bar:
        _limit(axes["load"], envelope.supply_fraction * supply_bar, f"{envelope.supply_fraction:.0%} of the supply")
    heater_k = min(envelope.temperature_k[1], case.settings.heater.limits_k[1])
    _limit(axes["temperature"], heater_k, "envelope")
    for name in ("pressure", "load", "temperature"):
        _legs(axes[name], case, named=name == "pressure")
        axes[name].set_xlim(0.0, hours[-1] * 1.001)
    for name in ("pressure", "load"):
        axes[name].tick_params(labelbottom=False)
        axes[name].set_ylim(bottom=0.0)
    _draw_strokes(axes["strokes"], case)
    _draw_plane(axes["plane"], case)
    figure.suptitle(
        f"{plain(case.experiment.title)}\nforecast: {len(case.points)} points, {case.track.duration_s / 3600:.1f} h, "
        f"up to {case.most_pressed.at.pressure_gpa:.1f} GPa and {case.most_loaded.at.load_bar:.0f} bar "
        f"(shaded: {BAND_SIGMAS:g} standard deviations of the cell model)"
    )
    return save_figure(figure, path)


def _band(axes: Axes, case: Case, hours: list[float], what: str, label: str) -> None:
    unit = "gpa" if what == "pressure" else "bar"
    values = [getattr(moment, f"{what}_{unit}") for moment in case.track.moments]
    sigmas = [getattr(moment, f"{what}_sigma_{unit}") for moment in case.track.moments]
    low = [max(value - BAND_SIGMAS * sigma, 0.0) for value, sigma in zip(values, sigmas, strict=True)]
    high = [value + BAND_SIGMAS * sigma for value, sigma in zip(values, sigmas, strict=True)]
    axes.fill_between(hours, low, high, color="0.85", lw=0)
    axes.plot(hours, values, color="0.25", lw=1.4)
    ends = [
        (arrival.at.time_s / 3600.0, getattr(arrival.at, f"{what}_{unit}"), arrival.point.stroke)
        for arrival in case.track.arrivals
    ]
    for stroke, colour in STROKE_COLOURS.items():
        chosen = [(time, value) for time, value, each in ends if each == stroke]
        if chosen:
            axes.plot(*zip(*chosen, strict=True), "o", ms=5, color=colour)
    axes.set_ylabel(label)


def _limit(axes: Axes, value: float, label: str) -> None:
    axes.axhline(value, **LIMIT)
    axes.annotate(
        f"{label} {value:g}",
        (0.005, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, -3),
        textcoords="offset points",
        va="top",
        fontsize="small",
        color=LIMIT["color"],
    )


def _legs(axes: Axes, case: Case, *, named: bool) -> None:
    """Shade every other leg, and name them above the uppermost panel."""
    begun_s = 0.0
    for number, (_, of_leg) in enumerate(groupby(case.track.arrivals, key=lambda each: id(each.point.leg))):
        arrivals: list[ExpectedArrival] = list(of_leg)
        ended_s = begun_s + sum(arrival.duration_s for arrival in arrivals)
        if number % 2:
            axes.axvspan(begun_s / 3600.0, ended_s / 3600.0, color="#F2F5FA", zorder=0)
        wide = (ended_s - begun_s) > 0.1 * case.track.duration_s
        if named and wide:
            axes.text(
                (begun_s + ended_s) / 7200.0,
                1.01,
                plain(arrivals[0].point.leg.name),
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize="small",
                color=STROKE_COLOURS[arrivals[0].point.stroke],
            )
        begun_s = ended_s


def _draw_strokes(axes: Axes, case: Case) -> None:
    """Pressure against load: the hysteresis with its dead band."""
    moments = case.track.moments
    axes.plot([m.load_bar for m in moments], [m.pressure_gpa for m in moments], color="0.7", lw=1.2, zorder=1)
    for stroke, colour in STROKE_COLOURS.items():
        chosen = [each for each in case.track.arrivals if each.point.stroke == stroke]
        if chosen:
            axes.errorbar(
                [each.at.load_bar for each in chosen],
                [each.at.pressure_gpa for each in chosen],
                xerr=[each.at.load_sigma_bar for each in chosen],
                yerr=[each.at.pressure_sigma_gpa for each in chosen],
                fmt="o",
                ms=5,
                lw=0.8,
                color=colour,
                label=stroke,
            )
    axes.axhline(case.settings.envelope.pressure_gpa[1], **LIMIT)
    axes.axvline(case.settings.envelope.load_bar[1], **LIMIT)
    axes.set(xlabel=LOAD, ylabel=PRESSURE, title="load and pressure (bars: 1 s.d.)")
    axes.legend(loc="lower right", fontsize="small")


def _draw_plane(axes: Axes, case: Case) -> None:
    moments: Any = case.track.moments
    axes.plot([m.pressure_gpa for m in moments], [m.temperature_k for m in moments], color="0.7", lw=1.2, zorder=1)
    for stroke, colour in STROKE_COLOURS.items():
        chosen = [each.at for each in case.track.arrivals if each.point.stroke == stroke]
        if chosen:
            axes.plot([at.pressure_gpa for at in chosen], [at.temperature_k for at in chosen], "o", ms=5, color=colour)
    axes.axvline(case.settings.envelope.pressure_gpa[1], **LIMIT)
    axes.axhline(min(case.settings.envelope.temperature_k[1], case.settings.heater.limits_k[1]), **LIMIT)
    axes.set(xlabel=PRESSURE, ylabel=GASKET_TEMPERATURE, title="P-T path")
