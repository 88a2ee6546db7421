"""The figure of a calibration: residual of every ring along the azimuth, and where on the detector the points lie."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from lics_beamline.diffraction.calibration import Calibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAP: Final = "viridis"
SHOWN_SIGMA: Final = 4.0  # half range of the residual axes, in rms


def draw_calibration(calibration: Calibration, path: Path, *, title: str) -> Path:
    """Draw a calibration as PNG.

    Parameters
    ----------
    calibration : Calibration
        What was found.
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

    figure = Figure(figsize=(13.0, 8.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes: dict[str, Axes] = figure.subplot_mosaic(
        [["azimuth", "detector"], ["rings", "detector"]], width_ratios=(1.25, 1.0), height_ratios=(1.2, 1.0)
    )
    span = max(SHOWN_SIGMA * calibration.rms_px, 1e-3)
    _draw_azimuth(axes["azimuth"], calibration, span)
    _draw_rings(axes["rings"], calibration, span)
    _draw_detector(axes["detector"], calibration, span)
    plane, sigma = calibration.geometry.plane, calibration.sigma
    figure.suptitle(
        f"{title}\n{calibration.calibrant.name} ({calibration.calibrant.source}): "
        f"{plane.beam_distance_mm:.4f} ± {sigma['beam_distance_mm']:.4f} mm along the beam, "
        f"tilt {plane.tilt_deg:.4f} ± {sigma['tilt_deg']:.4f}°, "
        f"{len(calibration.points)} points on {len(calibration.rings)} rings, rms {calibration.rms_px:.3f} px",
        fontsize="medium",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _draw_azimuth(axes: Axes, calibration: Calibration, span: float) -> None:
    import matplotlib

    points = calibration.points
    order = np.unique(points.ring)
    colours = matplotlib.colormaps[MAP](np.linspace(0.0, 0.92, len(order)))
    for colour, ring, fit in zip(colours, order, calibration.rings, strict=True):
        chosen = points.ring == ring
        axes.plot(
            np.degrees(points.azimuth_rad[chosen]),
            calibration.residual_px[chosen],
            ".",
            ms=3,
            color=colour,
            label=fit.name,
        )
    axes.axhline(0.0, color="0.3", lw=0.8)
    axes.set(
        xlim=(-180, 180),
        ylim=(-span, span),
        xticks=range(-180, 181, 60),
        xlabel="azimuth about the beam (deg)",
        ylabel="residual along the radius (px)",
        title="one wave a turn: centre or tilt; two: the detector is not flat or square",
    )
    axes.legend(ncols=2, fontsize="x-small", loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=3, title="hkl")


def _draw_rings(axes: Axes, calibration: Calibration, span: float) -> None:
    points = calibration.points
    order = np.unique(points.ring)
    wavelength = calibration.geometry.wavelength_angstrom
    angle = [2.0 * math.degrees(math.asin(wavelength / (2.0 * fit.d_angstrom))) for fit in calibration.rings]
    mean = [fit.mean_px for fit in calibration.rings]
    error = [fit.rms_px / math.sqrt(fit.points) for fit in calibration.rings]
    axes.errorbar(angle, mean, yerr=error, fmt="o", ms=4, color="#0072B2", capsize=2)
    axes.axhline(0.0, color="0.3", lw=0.8)
    reach = max(1.3 * max(abs(m) + e for m, e in zip(mean, error, strict=True)), 0.02)
    axes.set(
        ylim=(-reach, reach),
        xlabel=f"2θ (deg), λ = {wavelength:.5f} Å",
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
        points.column_px, points.row_px, c=calibration.residual_px, s=5, cmap="RdBu_r", vmin=-span, vmax=span
    )
    plane, config = calibration.geometry.plane, calibration.geometry.detector_config
    pixel = [1e3 * float(config.get(f"pixel{axis}") or math.nan) for axis in (1, 2)]
    if all(math.isfinite(edge) for edge in pixel):
        axes.plot(plane.beam2_mm / pixel[1] - 0.5, plane.beam1_mm / pixel[0] - 0.5, "+", ms=12, color="black")
    axes.set_aspect("equal")
    axes.set(xlabel="column (px)", ylabel="row (px)", title="on the detector, in orientation 3; +: beam")
    if config.get("max_shape"):
        axes.set(xlim=(0, config["max_shape"][1]), ylim=(0, config["max_shape"][0]))
    axes.figure.colorbar(drawn, ax=axes, label="residual (px)", shrink=0.7)
