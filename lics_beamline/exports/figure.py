"""The summary figure of a reduced run: the P-T track, a waterfall of patterns with phases marked, and a(P)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colour-blind safe (Okabe and Ito 2008), one for each stroke.
STROKE_COLOURS: Final = {"held": "#009E73", "upstroke": "#0072B2", "heating": "#E69F00", "downstroke": "#D55E00"}
ALLOY_LINES: Final = ((1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 0, 0), (2, 1, 0), (2, 1, 1))
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
    _draw_track(axes["track"], points)
    _draw_compression(axes["cell"], points)
    _draw_waterfall(axes["patterns"], run, [point for point in points if point.reduced])
    sample = run.start.get("sample", {}).get("name", "")
    figure.suptitle(
        f"{run.start.get('title') or sample}\nrun {run.start['raw_uid'][:8]}, recipe {run.start['recipe_digest'][:8]}, "
        f"{len(points)} points"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _draw_track(axes: Axes, points: list[ReducedPoint]) -> None:
    known = [point for point in points if math.isfinite(point.pressure_gpa)]
    axes.plot([p.pressure_gpa for p in known], [p.temperature_k for p in known], color="0.75", lw=1, zorder=1)
    for stroke, colour in STROKE_COLOURS.items():
        for has_alloy in (True, False):
            chosen = [p for p in known if p.stroke == stroke and ("alloy" in p.phases) == has_alloy]
            if chosen:
                axes.errorbar(
                    [p.pressure_gpa for p in chosen],
                    [p.temperature_k for p in chosen],
                    xerr=[math.hypot(p.pressure_sigma_gpa, p.pressure_systematic_gpa) for p in chosen],
                    fmt="o",
                    ms=6,
                    color=colour,
                    mfc=colour if has_alloy else "white",
                    label=f"{stroke}, {'alloy' if has_alloy else 'no alloy'}",
                )
    axes.set(xlabel="pressure from ruby (GPa)", ylabel="sample temperature (K)", title="P-T track")
    if known:
        axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(0.02, 0.55))


def _draw_compression(axes: Axes, points: list[ReducedPoint]) -> None:
    found = [p for p in points if math.isfinite(p.alloy_a_angstrom) and math.isfinite(p.pressure_gpa)]
    for stroke, colour in STROKE_COLOURS.items():
        chosen = sorted((p for p in found if p.stroke == stroke), key=lambda p: p.pressure_gpa)
        if chosen:
            temperatures = {round(p.temperature_k) for p in chosen}
            kelvin = (
                f"{min(temperatures)} K" if len(temperatures) == 1 else f"{min(temperatures)}-{max(temperatures)} K"
            )
            axes.errorbar(
                [p.pressure_gpa for p in chosen],
                [p.alloy_a_angstrom for p in chosen],
                xerr=[math.hypot(p.pressure_sigma_gpa, p.pressure_systematic_gpa) for p in chosen],
                yerr=[p.alloy_a_sigma_angstrom for p in chosen],
                fmt="o-" if stroke != "heating" else "o:",
                ms=5,
                lw=1,
                color=colour,
                label=f"{stroke}, {kelvin}",
            )
    axes.set(xlabel="pressure from ruby (GPa)", ylabel="cubic cell a (Å)", title="cell of the alloy")
    if found:
        axes.legend(fontsize="small")
    else:
        axes.text(0.5, 0.5, "alloy not found", transform=axes.transAxes, ha="center", color="0.5")


def _draw_waterfall(axes: Axes, run: ReducedRun, points: list[ReducedPoint]) -> None:
    shift = 0.0
    for point in points:
        chosen = (point.two_theta_deg > SHOWN_DEG[0]) & (point.two_theta_deg < SHOWN_DEG[1])
        angle, height = point.two_theta_deg[chosen], _flattened(point.intensity[chosen])
        colour = STROKE_COLOURS.get(point.stroke, "0.3")
        axes.plot(angle, height + shift, color=colour, lw=0.8)
        for line in _alloy_angles(point, run.wavelength_angstrom):
            axes.plot([line, line], [shift - 0.12, shift - 0.02], color="black", lw=0.9)
        label = (
            f"{point.pressure_gpa:.2f} GPa {point.temperature_k:.0f} K\n{', '.join(point.phases) or 'no phase found'}"
        )
        axes.text(SHOWN_DEG[1] + 0.1, shift, label, fontsize=6, color=colour, va="center")
        shift += 0.55
    axes.set(
        xlabel=f"2θ (deg), λ = {run.wavelength_angstrom:.5f} Å",
        yticks=[],
        xlim=SHOWN_DEG,
        title="patterns above background, square-root scale; ticks: alloy found",
    )
    axes.set_ylim(-0.3, max(shift + 0.9, 1.0))


def _flattened(intensity: Any) -> Any:
    """Return the pattern above a rolling lower envelope, on a square-root scale, with a strongest line of 1."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    finite = np.nan_to_num(intensity, nan=float(np.nanmin(intensity)) if np.isfinite(intensity).any() else 0.0)
    width = max(len(finite) // 25, 3)
    floor = uniform_filter1d(minimum_filter1d(finite, width), width)
    above = np.sqrt(np.clip(finite - floor, 0.0, None))
    return above / max(float(above.max()), 1e-12)


def _alloy_angles(point: ReducedPoint, wavelength_angstrom: float) -> list[float]:
    if not math.isfinite(point.alloy_a_angstrom):
        return []
    sines = [wavelength_angstrom * math.hypot(*hkl) / (2 * point.alloy_a_angstrom) for hkl in ALLOY_LINES]
    return [angle for angle in (2 * math.degrees(math.asin(s)) for s in sines) if SHOWN_DEG[0] < angle < SHOWN_DEG[1]]
