"""The summary figure of a reduced run: the P-T track, a waterfall of patterns with phases marked, and a(P)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.figure_text import plain
from lics_beamline.exports.panel_colours import ON_WHITE
from lics_beamline.exports.panel_words import ANGLE, CELL_EDGE, PATTERNS, SAMPLE_TEMPERATURE, TRACK
from lics_beamline.exports.pattern_height import above_background
from lics_beamline.exports.phase_lines import lines_of, unexplained_lines
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.phases.phase import CrystalPhase

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STROKE_COLOURS: Final = ON_WHITE.strokes
SHOWN_DEG: Final = (4.5, 17.0)
LEAST_SPAN_K: Final = 5.0  # of the track: the noise of a thermocouple is no path
ABOVE_LINE: Final = 0.1  # of the height of a pattern, where the mark of a line lies


def draw_summary(run: ReducedRun, path: str | Path) -> Path:
    """Draw the summary of a reduced run as PNG.

    Parameters
    ----------
    run : ReducedRun
        At least one point.
    path : str or Path
        The PNG to write; its folder is made if absent.

    Returns
    -------
    Path
        `path`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    path = Path(path)
    figure = Figure(figsize=(14.0, 8.5), layout="constrained")
    FigureCanvasAgg(figure)
    places = [["track", "patterns"], ["cell", "patterns"]]
    axes: dict[str, Axes] = figure.subplot_mosaic(places, width_ratios=(1.0, 1.35))
    points = sorted(run.points, key=lambda point: point.index)
    main = run.main_phase
    _draw_track(axes["track"], points, main, run.pressure_axis)
    _draw_compression(axes["cell"], points, main, run.pressure_axis)
    _draw_waterfall(axes["patterns"], run, [point for point in points if point.reduced])
    sample = run.start.get("sample", {}).get("name", "")
    title = plain(str(run.start.get("title") or sample))
    figure.suptitle(
        f"{title}\nrun {run.start['raw_uid'][:8]}, recipe {run.start['recipe_digest'][:8]}, {len(points)} points"
    )
    return save_figure(figure, path)


def _draw_track(axes: Axes, points: list[ReducedPoint], main: str, pressure_axis: str) -> None:
    known = [point for point in points if math.isfinite(point.pressure_gpa)]
    axes.plot([p.pressure_gpa for p in known], [p.temperature_k for p in known], color="0.75", lw=1, zorder=1)
    for stroke, colour in STROKE_COLOURS.items():
        for there in (True, False):
            chosen = [p for p in known if p.stroke == stroke and (p.phase(main) is not None) == there]
            if chosen:
                axes.errorbar(
                    [p.pressure_gpa for p in chosen],
                    [p.temperature_k for p in chosen],
                    xerr=[p.pressure_error_gpa for p in chosen],
                    fmt="o",
                    ms=6,
                    color=colour,
                    mfc=colour if there else "white",
                    label=", ".join(filter(None, (stroke, f"{'' if there else 'no '}{main or 'phase'}"))),
                )
    axes.set(xlabel=pressure_axis, ylabel=SAMPLE_TEMPERATURE, title=TRACK)
    axes.ticklabel_format(useOffset=False)
    if known:
        coldest_k, hottest_k = axes.get_ylim()
        room_k = max(0.5 * (LEAST_SPAN_K - (hottest_k - coldest_k)), 0.0)
        axes.set_ylim(coldest_k - room_k, hottest_k + room_k)
        axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(0.02, 0.55))


def _draw_compression(axes: Axes, points: list[ReducedPoint], main: str, pressure_axis: str) -> None:
    found = [(p, phase) for p in points if (phase := p.phase(main)) and math.isfinite(p.pressure_gpa)]
    for stroke, colour in STROKE_COLOURS.items():
        chosen = sorted(((p, phase) for p, phase in found if p.stroke == stroke), key=lambda pair: pair[0].pressure_gpa)
        if chosen:
            temperatures = {round(p.temperature_k) for p, _ in chosen}
            kelvin = (
                f"{min(temperatures)} K" if len(temperatures) == 1 else f"{min(temperatures)}-{max(temperatures)} K"
            )
            axes.errorbar(
                [p.pressure_gpa for p, _ in chosen],
                [phase.cell["a"] for _, phase in chosen],
                xerr=[p.pressure_error_gpa for p, _ in chosen],
                yerr=[phase.cell_sigma["a"] for _, phase in chosen],
                fmt="o-" if stroke != "heating" else "o:",
                ms=5,
                lw=1,
                color=colour,
                label=", ".join(filter(None, (stroke, kelvin))),
            )
    axes.set(xlabel=pressure_axis, ylabel=CELL_EDGE, title=f"cell of {main}" if main else "cell")
    if found:
        axes.legend(fontsize="small", loc="upper right")
    else:
        axes.text(0.5, 0.5, "no phase of the sample found", transform=axes.transAxes, ha="center", color="0.5")


def _draw_waterfall(axes: Axes, run: ReducedRun, points: list[ReducedPoint]) -> None:
    shift = 0.0
    sought = {phase.name: phase for phase in run.sought}
    low, high = shown = _shown_deg(run, points)
    for point in points:
        chosen = (point.two_theta_deg > low) & (point.two_theta_deg < high)
        angle, height = point.two_theta_deg[chosen], above_background(point.intensity[chosen])
        colour = STROKE_COLOURS.get(point.stroke, "0.3")
        axes.plot(angle, height + shift, color=colour, lw=0.8)
        for line in _angles(point, sought.get(run.main_phase), run.wavelength_angstrom, high):
            axes.plot([line, line], [shift - 0.12, shift - 0.02], color="black", lw=0.9)
        new = [line for _, line in unexplained_lines(point, run.wavelength_angstrom) if low < line < high]
        places = [float(np.interp(line, angle, height)) + shift + ABOVE_LINE for line in new]
        axes.plot(new, places, "v", ms=3.5, mfc="none", mec="black", mew=0.7)
        names = point.phases_told if point.phases or point.unknown_phases else "no phase found"
        known = ((point.pressure_gpa, ".2f", "GPa"), (point.temperature_k, ".0f", "K"))
        state = " ".join(f"{value:{digits}} {unit}" for value, digits, unit in known if math.isfinite(value))
        label = f"{state}\n{plain(names)}"
        axes.text(high + 0.1, shift, label, fontsize=6, color=colour, va="center")
        shift += 0.55
    axes.set(
        xlabel=f"{ANGLE}, λ = {run.wavelength_angstrom:.5f} Å",
        yticks=[],
        xlim=shown,
        title=f"{PATTERNS}; ticks: {run.main_phase or 'none'} found"
        + ("; ▽ of no phase" if any(point.unknown_d_angstrom for point in points) else ""),
    )
    axes.set_ylim(-0.3, max(shift + 0.9, 1.0))


def _shown_deg(run: ReducedRun, points: list[ReducedPoint]) -> tuple[float, float]:
    """Return the range of 2theta that is drawn [deg]: of frames of another detector all that they have."""
    if not run.is_imported or not points:
        return SHOWN_DEG
    return float(points[0].two_theta_deg[0]), float(points[0].two_theta_deg[-1])


def _angles(
    point: ReducedPoint, phase: CrystalPhase | None, wavelength_angstrom: float, highest_deg: float
) -> list[float]:
    """Angles of the lines of a phase in the cell it was found with [deg]; none where it was not."""
    lines = lines_of(point, (phase,), wavelength_angstrom) if phase is not None else ()
    return [angle for each in lines for angle in each.two_theta_deg if angle <= highest_deg]
