"""The figure of one image: the frame with mask, beam and rings; its pattern, linear and logarithmic; its cake."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.figure_text import plain
from lics_beamline.exports.panel_colours import MASKED, ON_WHITE
from lics_beamline.exports.panel_words import ANGLE, AZIMUTH, IMAGE_COLUMN, IMAGE_ROW
from lics_beamline.frames.image_view import ImageView
from lics_beamline.integration.cake import Cake
from lics_beamline.lines.peaks import Peak
from lics_beamline.patterns.pattern import Pattern

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

COUNTS_MAP: Final = "gray"  # leaves the colours to what is drawn over it
MASK_COLOUR: Final = MASKED
NO_PIXEL_COLOUR: Final = "#2F6280"  # the mask over black
PATTERN_COLOUR: Final = ON_WHITE.blue
# Colour-blind safe (Okabe and Ito 2008), told apart from the mask.
MARK_COLOURS: Final = (ON_WHITE.red, ON_WHITE.green, ON_WHITE.orange, ON_WHITE.pink, ON_WHITE.yellow)
DIMMEST_SHOWN, BRIGHTEST_SHOWN = 1.0, 99.9  # percent of the pixels, between which greys run
WIDEST_BESIDE: Final = 2.0  # columns over rows; an image that is wider lies above its pattern
MOST_RINGS: Final = 12  # of one substance: more hide the image
MOST_LABELS: Final = 14  # spacings that are written at lines: the strongest, for more overlap
LABEL_APART: Final = 0.025  # part of the range between two of them


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedLines:
    """Lines of a substance that are marked.

    Parameters
    ----------
    name : str
        Of the substance.
    two_theta_deg : tuple of float
        Where its lines are [deg].
    """

    name: str
    two_theta_deg: tuple[float, ...]


def draw_image(
    path: Path,
    *,
    view: ImageView,
    pattern: Pattern,
    cake: Cake,
    peaks: Sequence[Peak],
    beam_px: tuple[float, float] | None,
    marks: Sequence[MarkedLines],
    title: str,
) -> Path:
    """Draw an image and what came of it.

    Parameters
    ----------
    path : Path
        The figure to write; its folder is made if absent.
    view : ImageView
        The frame.
    pattern, cake : Pattern, Cake
        What came of it.
    peaks : sequence of Peak
        Lines that were found.
    beam_px : tuple of float, optional
        Row and column that the beam hits, in the order of the file, from the outer corner of the first pixel [pixel].
    marks : sequence of MarkedLines
        Substances whose lines are marked.
    title : str
        Above the figure.

    Returns
    -------
    Path
        The file written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    is_strip = view.shape[1] > WIDEST_BESIDE * view.shape[0]
    figure = Figure(figsize=(14.0, 11.0 if is_strip else 8.0), layout="constrained")
    FigureCanvasAgg(figure)
    # Each fills its part of the figure by itself.
    parts: Any = (
        figure.subfigures(2, 1, height_ratios=(1.0, 2.6))
        if is_strip
        else figure.subfigures(1, 2, width_ratios=(1.0, 1.15))
    )
    linear, logarithmic, below = parts[1].subplots(3, 1, sharex=True, height_ratios=(1.3, 1.0, 1.0))
    _draw_frame(parts[0].subplots(), view, beam_px, marks)
    _draw_pattern(linear, logarithmic, pattern, peaks, marks)
    _draw_cake(below, cake, marks)
    figure.suptitle(plain(title), fontsize="medium")
    return save_figure(figure, path)


def _draw_frame(axes: Axes, view: ImageView, beam_px: tuple[float, float] | None, marks: Sequence[MarkedLines]) -> None:
    rows, columns = view.shape
    drawn_rows, drawn_columns = (side * view.block_px for side in view.counts.shape)
    extent = (0.0, float(drawn_columns), 0.0, float(drawn_rows))
    shown = np.where(view.masked, np.nan, view.counts)
    drawn = _draw_counts(axes, shown if np.isfinite(shown).any() else view.counts, extent, view.counts)
    _draw_over(axes, view.masked, extent)
    middle = [(np.arange(side) + 0.5) * view.block_px for side in view.counts.shape]
    for number, mark in enumerate(marks):
        levels = sorted({angle for angle in mark.two_theta_deg[:MOST_RINGS] if _sees(view.two_theta_deg, angle)})
        if levels:
            colour = MARK_COLOURS[number % len(MARK_COLOURS)]
            axes.contour(
                middle[1], middle[0], view.two_theta_deg, levels=levels, colors=colour, linewidths=0.7, alpha=0.85
            )
    if beam_px is not None and 0.0 <= beam_px[0] <= rows and 0.0 <= beam_px[1] <= columns:
        axes.plot(beam_px[1], beam_px[0], "+", ms=16, mew=2.0, color="white")
        axes.plot(beam_px[1], beam_px[0], "+", ms=14, mew=1.0, color=ON_WHITE.red)
        where = f"beam (+) at row {beam_px[0]:.1f}, column {beam_px[1]:.1f}"
    else:
        where = "the beam passes it by" if beam_px is not None else ""
    masked = f"{100.0 * view.masked.mean():.1f} % masked (blue)" if view.masked.any() else "nothing masked"
    axes.set(xlim=(0.0, columns), ylim=(0.0, rows), xlabel=IMAGE_COLUMN, ylabel=IMAGE_ROW)
    axes.set_title(", ".join(part for part in (where, masked) if part), fontsize="medium")
    axes.set_aspect("equal")
    if columns > WIDEST_BESIDE * rows:
        axes.figure.colorbar(drawn, ax=axes, label="counts", pad=0.01)
    else:
        axes.figure.colorbar(drawn, ax=axes, label="counts", orientation="horizontal", shrink=0.8, aspect=40, pad=0.02)


def _draw_pattern(
    linear: Axes, logarithmic: Axes, pattern: Pattern, peaks: Sequence[Peak], marks: Sequence[MarkedLines]
) -> None:
    angle, height = pattern.two_theta_deg, pattern.intensity
    finite = height[np.isfinite(height)]
    floor, top = float(finite.min()), float(finite.max())
    span = max(top - floor, 1e-9)
    linear.plot(angle, height, color=PATTERN_COLOUR, lw=0.9)
    for number, mark in enumerate(marks):
        inside = [place for place in mark.two_theta_deg if angle[0] <= place <= angle[-1]]
        level = floor - (0.06 + 0.06 * number) * span
        colour = MARK_COLOURS[number % len(MARK_COLOURS)]
        linear.plot(inside, np.full(len(inside), level), "|", color=colour, ms=8, mew=1.3)
        beside = (1.005, level)
        linear.annotate(
            plain(mark.name), beside, xycoords=("axes fraction", "data"), color=colour, va="center", fontsize="small"
        )
    for peak in peaks:
        linear.plot(peak.two_theta_deg, _drawn_top(pattern, peak) + 0.02 * span, "v", color="0.3", ms=3)
    for peak in _labelled(peaks, float(angle[-1] - angle[0])):
        linear.annotate(
            f"{peak.d_angstrom:.4f}",
            (peak.two_theta_deg, _drawn_top(pattern, peak)),
            xytext=(0, 8),
            textcoords="offset points",
            rotation=90,
            ha="center",
            va="bottom",
            fontsize="small",
            color="0.25",
        )
    linear.set(ylabel="counts a pixel", ylim=(floor - (0.08 + 0.06 * len(marks)) * span, top + 0.45 * span))
    found = f"{len(peaks)} line{'s' if len(peaks) > 1 else ''} found"
    told = f"{found} (triangles), spacings in Å" if peaks else "no lines found"
    linear.set_title(f"pattern, linear and logarithmic; {told}", fontsize="medium")
    positive = height[np.isfinite(height) & (height > 0.0)]
    if positive.size:
        logarithmic.semilogy(angle, np.where(height > 0.0, height, np.nan), color=PATTERN_COLOUR, lw=0.9)
        low = float(np.percentile(positive, DIMMEST_SHOWN))
        logarithmic.set_ylim(0.8 * low, 1.3 * float(positive.max()))
    else:
        logarithmic.text(0.5, 0.5, "no counts above 0", transform=logarithmic.transAxes, ha="center", color="0.5")
    for peak in peaks:
        logarithmic.axvline(peak.two_theta_deg, color="0.8", lw=0.6, zorder=0)
    logarithmic.set_ylabel("counts a pixel")
    logarithmic.set_xlim(float(angle[0]), float(angle[-1]))


def _drawn_top(pattern: Pattern, peak: Peak) -> float:
    """Return how high a line is drawn: one within a bin is higher than the mean of the bin."""
    near = int(np.argmin(np.abs(pattern.two_theta_deg - peak.two_theta_deg)))
    return float(np.nanmax(pattern.intensity[max(near - 1, 0) : near + 2], initial=peak.background))


def _labelled(peaks: Sequence[Peak], range_deg: float) -> list[Peak]:
    """Return the strongest peaks whose spacings can be written side by side."""
    chosen: list[Peak] = []
    for peak in sorted(peaks, key=lambda each: each.height, reverse=True):
        apart = all(abs(peak.two_theta_deg - other.two_theta_deg) > LABEL_APART * range_deg for other in chosen)
        if apart and len(chosen) < MOST_LABELS:
            chosen.append(peak)
    return chosen


def _draw_cake(axes: Axes, cake: Cake, marks: Sequence[MarkedLines]) -> None:
    step = float(cake.two_theta_deg[1] - cake.two_theta_deg[0]) if cake.two_theta_deg.size > 1 else 1.0
    extent = (float(cake.two_theta_deg[0]) - step / 2.0, float(cake.two_theta_deg[-1]) + step / 2.0, -180.0, 180.0)
    axes.set_facecolor(NO_PIXEL_COLOUR)
    _draw_counts(axes, cake.intensity, extent, cake.intensity)
    for number, mark in enumerate(marks):
        for place in mark.two_theta_deg:
            if extent[0] <= place <= extent[1]:
                axes.axvline(place, ymax=0.06, color=MARK_COLOURS[number % len(MARK_COLOURS)], lw=1.3)
    axes.set_aspect("auto")
    axes.set(
        xlabel=f"{ANGLE}, λ = {cake.wavelength_angstrom:.5f} Å",
        ylabel=AZIMUTH,
        yticks=range(-180, 181, 90),
        ylim=(-180.0, 180.0),
    )
    axes.set_title("cake: straight lines where the geometry is right; blue: no pixel", fontsize="medium")


def _draw_counts(
    axes: Axes,
    scaled: npt.NDArray[np.float64],
    extent: tuple[float, float, float, float],
    counts: npt.NDArray[np.float64],
) -> AxesImage:
    """Draw counts on a logarithmic scale between the dimmest and the brightest of those that set it."""
    from matplotlib.colors import LogNorm, Normalize

    positive = scaled[np.isfinite(scaled) & (scaled > 0.0)]
    norm: Any = Normalize(0.0, 1.0)
    if positive.size:
        low, high = np.percentile(positive, (DIMMEST_SHOWN, BRIGHTEST_SHOWN))
        norm = LogNorm(float(low), max(float(high), 1.05 * float(low)), clip=True)
    least = norm.vmin if positive.size else 0.0
    shown = np.where(np.isfinite(counts), np.maximum(counts, least), math.nan)
    return axes.imshow(shown, origin="lower", extent=extent, cmap=COUNTS_MAP, norm=norm, interpolation="nearest")


def _draw_over(axes: Axes, masked: npt.NDArray[np.bool_], extent: tuple[float, float, float, float]) -> None:
    from matplotlib.colors import ListedColormap

    if masked.any():
        over = np.ma.masked_where(~masked, masked)
        axes.imshow(
            over, origin="lower", extent=extent, cmap=ListedColormap([MASK_COLOUR]), alpha=0.55, interpolation="nearest"
        )


def _sees(two_theta_deg: npt.NDArray[np.float64], angle_deg: float) -> bool:
    return bool(two_theta_deg.min() < angle_deg < two_theta_deg.max())
