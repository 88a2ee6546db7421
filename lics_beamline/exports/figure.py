"""The summary figure of a reduced run: the P-T track, a waterfall of patterns with phases marked, and a(P)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.figure_text import plain
from lics_beamline.exports.panel_words import ANGLE, CELL_EDGE, SAMPLE_TEMPERATURE, TRACK
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.phases.phase import CrystalPhase
from lics_beamline.physics.crystal import two_theta_deg
from lics_beamline.physics.unit_cell import UnitCell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colour-blind safe (Okabe and Ito 2008), one for each stroke; grey where an imported table does not say it.
STROKE_COLOURS: Final = {
    "held": "#009E73",
    "upstroke": "#0072B2",
    "heating": "#E69F00",
    "downstroke": "#D55E00",
    "": "#555555",
}
WORTH_A_TICK: Final = 0.03  # of the strongest line of a phase
SHOWN_DEG: Final = (4.5, 17.0)


def draw_summary(run: ReducedRun, path: Path) -> Path:
    """Draw the summary of a reduced run as PNG.

    Parameters
    ----------
    run : ReducedRun
        At least one point.
    path : Path
        The PNG to write; its folder is made if absent.

    Returns
    -------
    Path
        `path`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

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
    if known:
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
        angle, height = point.two_theta_deg[chosen], _flattened(point.intensity[chosen])
        colour = STROKE_COLOURS.get(point.stroke, "0.3")
        axes.plot(angle, height + shift, color=colour, lw=0.8)
        for line in _angles(point, sought.get(run.main_phase), run.wavelength_angstrom, high):
            axes.plot([line, line], [shift - 0.12, shift - 0.02], color="black", lw=0.9)
        names = ", ".join(phase.name for phase in point.phases) or "no phase found"
        known = ((point.pressure_gpa, ".2f", "GPa"), (point.temperature_k, ".0f", "K"))
        state = " ".join(f"{value:{digits}} {unit}" for value, digits, unit in known if math.isfinite(value))
        label = f"{state}\n{plain(names)}"
        axes.text(high + 0.1, shift, label, fontsize=6, color=colour, va="center")
        shift += 0.55
    axes.set(
        xlabel=f"{ANGLE}, λ = {run.wavelength_angstrom:.5f} Å",
        yticks=[],
        xlim=shown,
        title=f"patterns above background, square-root scale; ticks: {run.main_phase or 'none'} found",
    )
    axes.set_ylim(-0.3, max(shift + 0.9, 1.0))


def _shown_deg(run: ReducedRun, points: list[ReducedPoint]) -> tuple[float, float]:
    """Return the range of 2theta that is drawn [deg]: of frames of another detector all that they have."""
    if not run.is_imported or not points:
        return SHOWN_DEG
    return float(points[0].two_theta_deg[0]), float(points[0].two_theta_deg[-1])


def _flattened(intensity: Any) -> Any:
    """Return the pattern above a rolling lower envelope, on a square-root scale, with a strongest line of 1."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    finite = np.nan_to_num(intensity, nan=float(np.nanmin(intensity)) if np.isfinite(intensity).any() else 0.0)
    width = max(len(finite) // 25, 3)
    floor = uniform_filter1d(minimum_filter1d(finite, width), width)
    above = np.sqrt(np.clip(finite - floor, 0.0, None))
    return above / max(float(above.max()), 1e-12)


def _angles(
    point: ReducedPoint, phase: CrystalPhase | None, wavelength_angstrom: float, highest_deg: float
) -> list[float]:
    """Angles of the lines of a phase in the cell it was found with [deg]; none where it was not."""
    found = point.phase(phase.name) if phase else None
    if phase is None or found is None:
        return []
    cell = UnitCell.from_free(np.array(list(found.cell.values())), phase.system)
    shortest = wavelength_angstrom / 2.0 / math.sin(math.radians(highest_deg) / 2.0)
    lines = phase.lines(cell, wavelength_angstrom=wavelength_angstrom, d_min_angstrom=shortest)
    strongest = max((line.strength for line in lines), default=0.0)
    worth = [line for line in lines if line.strength > WORTH_A_TICK * strongest]
    return [two_theta_deg(cell.d_angstrom(line.hkl), wavelength_angstrom) for line in worth]
