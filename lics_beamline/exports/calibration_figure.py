"""The figure of a calibration: residual of every ring along the azimuth, and where on the detector the points lie."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from lics_beamline.calibration.calibration import Calibration
from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.figure_text import plain
from lics_beamline.exports.panel_colours import ON_WHITE
from lics_beamline.exports.panel_words import ANGLE, IMAGE_COLUMN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAP: Final = "RdBu_r"
AZIMUTH_CELLS: Final = 60  # azimuths of 6 deg, each the mean of two points or so
SHOWN_SIGMA: Final = 2.5  # half range of the colours, in rms
FEWEST_SCALE_POINTS: Final = 20  # points below which a ring does not set the scale


def draw_calibration(calibration: Calibration, path: Path, *, title: str) -> Path:
    """Draw a calibration as PNG.

    Parameters
    ----------
    calibration : Calibration
        The calibration to draw.
    path : Path
        The PNG to write; its folder is made if absent.
    title : str
        First line: where the frame came from.

    Returns
    -------
    Path
        `path`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14.0, 8.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes: dict[str, Axes] = figure.subplot_mosaic(
        [["azimuth", "detector"], ["rings", "detector"]], width_ratios=(1.25, 1.0), height_ratios=(1.2, 1.0)
    )
    span = max(SHOWN_SIGMA * calibration.rms_px, 1e-3)
    _draw_azimuth(axes["azimuth"], calibration, span)
    _draw_rings(axes["rings"], calibration)
    _draw_detector(axes["detector"], calibration, span)
    plane, sigma = calibration.geometry.plane, calibration.sigma
    figure.suptitle(
        f"{plain(title)}\n{plain(calibration.calibrant.name)} ({plain(calibration.calibrant.source)}): "
        f"{plane.beam_distance_mm:.4f} ± {sigma['beam_distance_mm']:.4f} mm along the beam, "
        f"tilt {plane.tilt_deg:.4f} ± {sigma['tilt_deg']:.4f}°, "
        f"{len(calibration.points)} points on {len(calibration.rings)} rings, rms {calibration.rms_px:.3f} px",
        fontsize="medium",
    )
    return save_figure(figure, path)


def _draw_azimuth(axes: Axes, calibration: Calibration, span: float) -> None:
    points = calibration.points
    order = np.unique(points.ring)
    cells = np.full((len(order), AZIMUTH_CELLS), math.nan)
    cell = np.minimum(((points.azimuth_rad / (2.0 * math.pi) + 0.5) * AZIMUTH_CELLS).astype(np.intp), AZIMUTH_CELLS - 1)
    for row, ring in enumerate(order):
        of_ring = points.ring == ring
        count = np.bincount(cell[of_ring], minlength=AZIMUTH_CELLS)
        total = np.bincount(cell[of_ring], weights=calibration.residual_px[of_ring], minlength=AZIMUTH_CELLS)
        cells[row] = np.where(count > 0, total / np.maximum(count, 1), math.nan)
    axes.set_facecolor("0.85")
    axes.imshow(
        cells,
        cmap=MAP,
        vmin=-span,
        vmax=span,
        aspect="auto",
        interpolation="nearest",
        extent=(-180.0, 180.0, len(order) - 0.5, -0.5),
    )
    axes.set(
        xticks=range(-180, 181, 60),
        yticks=range(len(order)),
        xlabel="azimuth about the beam (deg)",
        ylabel="hkl",
        title="each ring in azimuth. One wave a turn: centre or tilt; two: not flat or not square. Grey: no point",
    )
    axes.set_yticklabels([fit.name for fit in calibration.rings], fontsize="x-small")
    axes.title.set_fontsize("medium")


def _draw_rings(axes: Axes, calibration: Calibration) -> None:
    points = calibration.points
    order = np.unique(points.ring)
    wavelength = calibration.geometry.wavelength_angstrom
    angle = [2.0 * math.degrees(math.asin(wavelength / (2.0 * fit.d_angstrom))) for fit in calibration.rings]
    mean = [fit.mean_px for fit in calibration.rings]
    error = [fit.rms_px / math.sqrt(fit.points) for fit in calibration.rings]
    axes.errorbar(angle, mean, yerr=error, fmt="o", ms=4, color=ON_WHITE.blue, capsize=2)
    axes.axhline(0.0, color="0.3", lw=0.8)
    telling = [
        abs(fit.mean_px) + fit.rms_px / math.sqrt(fit.points)
        for fit in calibration.rings
        if fit.points >= FEWEST_SCALE_POINTS
    ]
    reach = max(1.5 * max(telling, default=0.0), 0.01)
    axes.set(
        ylim=(-reach, reach),
        xlabel=f"{ANGLE}, λ = {wavelength:.5f} Å",
        ylabel="mean residual (px)",
        title="each ring: a slope is a wrong distance or wavelength",
    )
    share = np.bincount(points.ring, minlength=int(order.max()) + 1)[order]
    counts = axes.twinx()
    counts.bar(angle, share, width=0.15, color="0.85", zorder=0)
    counts.set(ylabel="points on the ring", ylim=(0, 3.0 * float(share.max())))
    axes.set_zorder(counts.get_zorder() + 1)
    axes.patch.set_visible(False)


def _draw_detector(axes: Axes, calibration: Calibration, span: float) -> None:
    points = calibration.points
    drawn = axes.scatter(
        points.column_px, points.row_px, c=calibration.residual_px, s=5, cmap=MAP, vmin=-span, vmax=span
    )
    plane, config = calibration.geometry.plane, calibration.geometry.detector_config
    pixel = [1e3 * float(config.get(f"pixel{axis}") or math.nan) for axis in (1, 2)]
    if all(math.isfinite(edge) for edge in pixel):
        axes.plot(plane.beam2_mm / pixel[1] - 0.5, plane.beam1_mm / pixel[0] - 0.5, "+", ms=12, color="black")
    axes.set_aspect("equal")
    axes.set(xlabel=IMAGE_COLUMN, ylabel="row (px)", title="on the detector, in orientation 3; +: beam")
    if config.get("max_shape"):
        axes.set(xlim=(0, config["max_shape"][1]), ylim=(0, config["max_shape"][0]))
    axes.figure.colorbar(drawn, ax=axes, label="residual (px)", shrink=0.7)
