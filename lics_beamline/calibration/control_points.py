"""Where the rings of a calibrant are on a frame, one point a sector: what a geometry is refined from.

A ring is cut into sectors, each becomes a short profile over the scattering angle, and a symmetric line on a sloping
background is fitted to all of them at once. A sector with a spot, a shadow's edge, a gap or no line is left out; there
are hundreds of others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.frames.counts import Counts
from lics_beamline.geometry.detector_plane import DetectorPlane

Array = npt.NDArray[np.float64]

AZIMUTH_SECTORS: Final = 120  # of 3 deg: some hundred pixels of a ring each
WINDOW_BINS: Final = 25  # across the window of a ring
BLOCK_ROWS: Final = 200  # rows handled at a time: they stay in the processor's cache
SHARE_OF_GAP: Final = 0.45  # a window ends before the middle between two rings
LORENTZIAN_FRACTION: Final = 0.5  # Lorentzian part of the fitted line; a symmetric window makes the position deaf to it
LINE_FIT_ITERATIONS: Final = 8
LEAST_SIGNAL: Final = 5.0  # height of a line over its error
LEAST_COVER: Final = 0.8  # fraction of a window's bins with enough pixels: less is a gap or an edge
WORST_FIT: Final = 4.0  # times the median chi2 of a ring's sectors: worse is a spot or a shadow's edge
FURTHEST_PLACE: Final = 0.7  # of the half window: further out, the line may be another ring's


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ControlPoints:
    """Points on rings; every array has one entry a point.

    Parameters
    ----------
    row_px, column_px : ndarray
        Place, counted from the centre of the first pixel [pixels].
    ring : ndarray of int
        Index of the calibrant's line, from 0.
    sigma_rad : ndarray
        Standard deviation of its scattering angle, from the fit [rad].
    azimuth_rad : ndarray
        Azimuth about the beam [rad].
    width_rad : ndarray
        Full width at half maximum of its ring [rad].
    """

    row_px: Array
    column_px: Array
    ring: npt.NDArray[np.intp]
    sigma_rad: Array
    azimuth_rad: Array
    width_rad: Array

    def __len__(self) -> int:
        return len(self.ring)

    def chosen(self, which: npt.NDArray[np.bool_]) -> ControlPoints:
        """Return some of the points."""
        return ControlPoints(
            row_px=self.row_px[which],
            column_px=self.column_px[which],
            ring=self.ring[which],
            sigma_rad=self.sigma_rad[which],
            azimuth_rad=self.azimuth_rad[which],
            width_rad=self.width_rad[which],
        )


def find_control_points(
    frame: Counts,
    bad: npt.NDArray[np.bool_],
    pixel_mm: tuple[float, float],
    plane: DetectorPlane,
    two_theta_rad: Array,
    *,
    window_rad: float,
) -> ControlPoints:
    """Find points on the rings near where a geometry expects them.

    Parameters
    ----------
    frame : ndarray of int32 or float32, shape (rows, columns)
        Counts.
    bad : ndarray of bool
        Pixels to leave out.
    pixel_mm : tuple of float
        Height and width of a pixel [mm].
    plane : DetectorPlane
        Geometry, good to a fraction of the window.
    two_theta_rad : ndarray
        Angles of the calibrant's lines, rising [rad].
    window_rad : float
        Looked at on either side of a line at most; less where lines are close [rad].
    """
    half = np.minimum(window_rad, SHARE_OF_GAP * _gaps(two_theta_rad))
    profiles = _Profiles.of(frame, bad, pixel_mm, plane, two_theta_rad, half)
    fitted = profiles.fit()
    ring, sector = np.nonzero(fitted.good)
    angle = two_theta_rad[ring] + half[ring] * fitted.place[ring, sector]
    azimuth = profiles.azimuth_rad[ring, sector]
    p1_mm, p2_mm = plane.places_mm(angle, azimuth)
    return ControlPoints(
        row_px=p1_mm / pixel_mm[0] - 0.5,
        column_px=p2_mm / pixel_mm[1] - 0.5,
        ring=ring,
        sigma_rad=half[ring] * fitted.sigma[ring, sector],
        azimuth_rad=azimuth,
        width_rad=half[ring] * fitted.width[ring],
    )


def _gaps(two_theta_rad: Array) -> Array:
    """Distance of each line to the nearer of its neighbours."""
    steps = np.diff(two_theta_rad)
    return np.minimum(np.append(steps, math.inf), np.insert(steps, 0, math.inf))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lines:
    """Fitted lines, shape (rings, sectors) each but `width`, in half windows."""

    place: Array
    sigma: Array
    width: Array  # full width at half maximum, (rings,)
    good: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Profiles:
    """Mean counts and pixels, shape (rings, sectors, bins), and mean azimuth, shape (rings, sectors)."""

    mean: Array
    pixels: Array
    azimuth_rad: Array

    @classmethod
    def of(
        cls,
        frame: Counts,
        bad: npt.NDArray[np.bool_],
        pixel_mm: tuple[float, float],
        plane: DetectorPlane,
        two_theta_rad: Array,
        half: Array,
    ) -> _Profiles:
        rings = len(two_theta_rad)
        edges = 0.5 * (two_theta_rad[1:] + two_theta_rad[:-1])
        sums, pixels = np.zeros(rings * AZIMUTH_SECTORS * WINDOW_BINS), np.zeros(rings * AZIMUTH_SECTORS * WINDOW_BINS)
        turned = np.zeros(rings * AZIMUTH_SECTORS)  # sum of azimuth within its sector
        p2_mm = pixel_mm[1] * (np.arange(frame.shape[1]) + 0.5)
        for start in range(0, frame.shape[0], BLOCK_ROWS):
            rows = slice(start, min(start + BLOCK_ROWS, frame.shape[0]))
            p1_mm = pixel_mm[0] * (np.arange(rows.start, rows.stop) + 0.5)
            x1, x2, x3 = plane.rays(p1_mm[:, None], p2_mm[None, :])
            angle = np.arctan2(np.hypot(x1, x2), x3)
            ring = np.searchsorted(edges, angle.ravel()).reshape(angle.shape)
            place = (angle - two_theta_rad[ring]) / half[ring]
            used = (np.abs(place) < 1.0) & ~bad[rows]
            ring, place = ring[used], place[used]
            turn = (
                np.arctan2(x1[used], np.broadcast_to(x2, used.shape)[used]) / (2.0 * math.pi) + 0.5
            ) * AZIMUTH_SECTORS
            sector = np.minimum(turn.astype(np.intp), AZIMUTH_SECTORS - 1)
            cell = ring * AZIMUTH_SECTORS + sector
            bin_ = cell * WINDOW_BINS + ((place + 1.0) * (0.5 * WINDOW_BINS)).astype(np.intp)
            sums += np.bincount(bin_, weights=frame[rows][used], minlength=sums.size)
            pixels += np.bincount(bin_, minlength=sums.size)
            turned += np.bincount(cell, weights=turn, minlength=turned.size)
        shape = (rings, AZIMUTH_SECTORS, WINDOW_BINS)
        pixels = pixels.reshape(shape)
        inside = np.maximum(pixels.sum(axis=2), 1.0)
        return cls(
            mean=sums.reshape(shape) / np.maximum(pixels, 1.0),
            pixels=pixels,
            azimuth_rad=2.0 * math.pi * (turned.reshape(shape[:2]) / inside / AZIMUTH_SECTORS - 0.5),
        )

    def fit(self) -> _Lines:
        """Fit a line to each sector: first with a width of its own, then with the width of its ring."""
        cover = (self.pixels > 0.0).mean(axis=2)
        covered = (cover >= LEAST_COVER) & (self.mean.sum(axis=2) > 0.0)
        free = _fit_lines(self.mean, self.pixels, covered, None)
        usable = free.good & (np.abs(free.place) < FURTHEST_PLACE) & (free.height > LEAST_SIGNAL * free.height_sigma)
        width = np.array(
            [np.median(w[u]) if u.any() else np.nan for w, u in zip(free.width, usable, strict=True)],
        )
        known = np.isfinite(width)
        fixed = _fit_lines(self.mean, self.pixels, covered & known[:, None], np.where(known, width, 0.5))
        good = fixed.good & (np.abs(fixed.place) < FURTHEST_PLACE) & (fixed.height > LEAST_SIGNAL * fixed.height_sigma)
        typical = np.array([np.median(c[g]) if g.any() else np.inf for c, g in zip(fixed.chi2, good, strict=True)])
        good &= fixed.chi2 < WORST_FIT * typical[:, None]
        return _Lines(place=fixed.place, sigma=fixed.place_sigma, width=np.where(known, width, 0.0), good=good)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _LineFits:
    """What a fit of many lines gave, shape (rings, sectors) each."""

    place: Array
    place_sigma: Array
    height: Array
    height_sigma: Array
    width: Array
    chi2: Array
    good: npt.NDArray[np.bool_]


def _fit_lines(mean: Array, pixels: Array, wanted: npt.NDArray[np.bool_], width: Array | None) -> _LineFits:
    """Gauss-Newton on all wanted sectors at once; `width` per ring fixes it, None leaves it free.

    Parameters of a line: height, place, background, its slope and, where free, the width; x runs from -1 to 1.
    """
    shape = wanted.shape
    x = (np.arange(WINDOW_BINS) + 0.5) * (2.0 / WINDOW_BINS) - 1.0
    ring, sector = np.nonzero(wanted)
    data, count = mean[ring, sector], pixels[ring, sector]
    level = np.maximum(data.mean(axis=1), 1e-6)
    low = np.quantile(data, 0.25, axis=1)
    top = data.argmax(axis=1)
    free = width is None
    start = [np.maximum(data.max(axis=1) - low, 1e-6), x[top], low, np.zeros(len(ring))]
    fixed = np.full(len(ring), 0.4) if width is None else width[ring]
    p = np.stack([*start, *([fixed] if free else [])], axis=1)
    size = p.shape[1]
    good = np.ones(len(ring), dtype=bool)
    damping = 1e-3 * np.eye(size)
    inverse = np.zeros((len(ring), size, size))
    chi2 = np.zeros(len(ring))
    for iteration in range(LINE_FIT_ITERATIONS + 1):
        w = p[:, 4] if free else fixed
        u = (x[None, :] - p[:, 1:2]) / w[:, None]
        lorentz = 1.0 / (1.0 + 4.0 * u**2)
        gauss = np.exp(-4.0 * math.log(2.0) * u**2)
        line = LORENTZIAN_FRACTION * lorentz + (1.0 - LORENTZIAN_FRACTION) * gauss
        model = p[:, 0:1] * line + p[:, 2:3] + p[:, 3:4] * x
        # The noise of counts grows with their root; its scale is found from the residuals.
        weight = count / np.maximum(model, 0.1 * level[:, None])
        slope = p[:, 0:1] * (
            LORENTZIAN_FRACTION * 8.0 * u * lorentz**2 + (1.0 - LORENTZIAN_FRACTION) * 8.0 * math.log(2.0) * u * gauss
        )
        columns = [line, slope / w[:, None], np.ones_like(line), np.broadcast_to(x, line.shape)]
        if free:
            columns.append(slope * u / w[:, None])
        jacobian = np.stack(columns, axis=2)
        residual = data - model
        normal = np.einsum("nbi,nb,nbj->nij", jacobian, weight, jacobian)
        diagonal = np.einsum("nii->ni", normal)
        scaled = normal + damping * np.maximum(diagonal, 1e-12)[:, :, None]
        if iteration == LINE_FIT_ITERATIONS:
            inverse = np.linalg.inv(normal + 1e-9 * np.eye(size) * np.maximum(diagonal, 1e-12)[:, :, None])
            chi2 = np.einsum("nb,nb->n", weight, residual**2) / (WINDOW_BINS - size)
            break
        step = np.linalg.solve(scaled, np.einsum("nbi,nb,nb->ni", jacobian, weight, residual)[..., None])[..., 0]
        p = p + step
        p[:, 1] = np.clip(p[:, 1], -1.5, 1.5)
        if free:
            p[:, 4] = np.clip(p[:, 4], 2.0 / WINDOW_BINS, 2.0)
    good &= np.isfinite(p).all(axis=1) & (p[:, 0] > 0.0)
    error = np.sqrt(np.maximum(np.einsum("nii->ni", inverse), 0.0) * np.maximum(chi2, 1e-12)[:, None])

    def spread(values: Array, empty: float) -> Array:
        full = np.full(shape, empty)
        full[ring, sector] = values
        return full

    return _LineFits(
        place=spread(p[:, 1], 0.0),
        place_sigma=spread(error[:, 1], np.inf),
        height=spread(p[:, 0], 0.0),
        height_sigma=spread(error[:, 0], np.inf),
        width=spread(p[:, 4] if free else fixed, 0.0),
        chi2=spread(chi2, np.inf),
        good=spread(good.astype(np.float64), 0.0) > 0.5,
    )
