"""How unevenly grains fill a ring, and what that does to the ring's intensity.

A powder of few grains makes rings that are brighter here and darker there. The scatter from sector to sector, beyond
what counting makes, says how far the mean of the ring may be from that of infinitely many grains. Fibre texture about
the beam scales whole rings and leaves no trace here: that shows only against a structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SECTORS: Final = 72  # of 5 deg: wider than a grain's spot, and enough of them to measure a scatter to 10 %
HARMONICS: Final = 2  # smooth changes around a ring: polarisation goes twice, an offset of the centre once
FEWEST_SECTORS: Final = 24  # with a third of a ring lost to shadows its scatter is still known
SPOT_SIGMA: Final = 5.0  # a pixel brighter than this above its ring is a diamond's spot, as in the integration
PASSES: Final = 2  # bright spots first, then what hid beneath their scatter
OUTLIER_SIGMA: Final = 5.0  # a sector farther off holds a diamond's spot or a shadow
SIGNIFICANT: Final = 1.0  # times what counting makes: a grains' scatter below is told better by other rings


@dataclass(frozen=True, slots=True, kw_only=True)
class Graininess:
    """Grains of one ring.

    Parameters
    ----------
    two_theta_deg : float
        Where the ring is [deg].
    contrast : float
        Relative standard deviation from sector to sector that grains make; 0 where none was seen.
    relative_sigma : float
        What that makes of the intensity of the whole ring: its relative standard error.
    measured : bool
        False where the ring is too weak to tell and the others' contrast stands in.
    """

    two_theta_deg: float
    contrast: float
    relative_sigma: float
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cake:
    """A frame summed over angle and azimuth.

    Parameters
    ----------
    two_theta_deg : ndarray, shape (bins,)
        Bin centres [deg].
    counts, pixels : ndarray, shape (bins, SECTORS)
        Sums of counts and numbers of pixels, spots left out.
    """

    two_theta_deg: Array
    counts: Array
    pixels: Array


def cake(
    frame: npt.NDArray[np.int32],
    two_theta_deg: npt.NDArray[np.float32],
    bad: npt.NDArray[np.bool_] | None = None,
    *,
    bins: int = 1500,
) -> Cake:
    """Sum a frame over bins of angle and sectors of azimuth.

    Parameters
    ----------
    frame : ndarray of int32, shape (rows, columns)
        Counts; negative pixels are dead.
    two_theta_deg : ndarray of float32, shape (rows, columns)
        Scattering angle of each pixel [deg].
    bad : ndarray of bool, shape (rows, columns), optional
        Pixels not to be used: shadows, saturated ones.
    bins : int
        Bins of angle, from the smallest to the largest on the frame.
    """
    low, high = float(two_theta_deg.min()), float(two_theta_deg.max())
    row, column = np.unravel_index(int(np.argmin(two_theta_deg)), two_theta_deg.shape)
    rows, columns = (np.arange(size, dtype=np.float32) for size in two_theta_deg.shape)
    azimuth = np.arctan2(rows[:, None] - np.float32(row), columns[None, :] - np.float32(column))
    sector = np.minimum(((azimuth / (2.0 * np.pi) + 0.5) * SECTORS).astype(np.int32), SECTORS - 1)
    ring = np.minimum(((two_theta_deg - low) * (bins / (high - low))).astype(np.int32), bins - 1)
    used = frame >= 0 if bad is None else (frame >= 0) & ~bad
    for _ in range(PASSES):
        number = np.maximum(np.bincount(ring[used], minlength=bins), 1)
        mean = np.bincount(ring[used], weights=frame[used], minlength=bins) / number
        square = np.bincount(ring[used], weights=frame[used].astype(np.float64) ** 2, minlength=bins) / number
        highest = mean + SPOT_SIGMA * np.sqrt(np.maximum(square - mean**2, 0.0))
        used &= frame <= highest.astype(np.float32)[ring]
    place = ring * SECTORS + sector
    pixels = np.bincount(place[used], minlength=bins * SECTORS).reshape(bins, SECTORS)
    counts = np.bincount(place[used], weights=frame[used], minlength=bins * SECTORS).reshape(bins, SECTORS)
    step = (high - low) / bins
    return Cake(
        two_theta_deg=low + step * (np.arange(bins, dtype=np.float64) + 0.5),
        counts=np.asarray(counts, dtype=np.float64),
        pixels=np.asarray(pixels, dtype=np.float64),
    )


def graininess(whole: Cake, two_theta_deg: Array, *, fwhm_deg: float) -> tuple[Graininess, ...]:
    """Measure the grains of rings.

    Parameters
    ----------
    whole : Cake
        The frame.
    two_theta_deg : ndarray, shape (rings,)
        Where the rings are [deg].
    fwhm_deg : float
        Their width [deg]: two widths make a ring, two on either side the background beneath.

    Returns
    -------
    tuple of Graininess
        In the order of the rings.

    Notes
    -----
    Smooth changes are taken off by a Fourier series. What counting makes is not assumed but measured, on the background
    beside the rings, where there are no grains: variance over mean there, times the mean on the ring. So gain and point
    spread of the plate need not be known.
    """
    seen = [_Ring.of(whole, float(centre), fwhm_deg) for centre in two_theta_deg]
    dispersions = [ring.dispersion for ring in seen if np.isfinite(ring.dispersion)]
    dispersion = float(np.median(dispersions)) if dispersions else float("nan")
    squares = [ring.contrast_squared(dispersion) for ring in seen]
    known = np.array(
        [
            (value, ring.counted(dispersion))
            for ring, (value, error) in zip(seen, squares, strict=True)
            if np.isfinite(error)
        ]
    ).reshape(-1, 2)
    shared = float(np.average(known[:, 0], weights=known[:, 1] ** -2)) if known.size else 0.0
    found = []
    for centre, ring, (value, error) in zip(two_theta_deg, seen, squares, strict=True):
        measured = bool(np.isfinite(error) and SIGNIFICANT * ring.counted(dispersion) < max(value, shared))
        contrast = max(value if measured else shared, 0.0) ** 0.5
        found.append(
            Graininess(
                two_theta_deg=float(centre),
                contrast=contrast,
                relative_sigma=contrast / max(ring.sectors, 1.0) ** 0.5,
                measured=measured,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ring:
    """Scatter of one ring from sector to sector, and of the background beside it."""

    sectors: float
    mean: float
    background: float
    variance: float
    pixels: float
    side_pixels: float
    dispersion: float

    @classmethod
    def of(cls, whole: Cake, centre_deg: float, fwhm_deg: float) -> _Ring:
        away = np.abs(whole.two_theta_deg - centre_deg)
        on, beside = away < fwhm_deg, (away > 2.0 * fwhm_deg) & (away < 4.0 * fwhm_deg)
        pixels, side = whole.pixels[on].sum(axis=0), whole.pixels[beside].sum(axis=0)
        good = (pixels > 0.5 * pixels.max(initial=0.0)) & (side > 0.5 * side.max(initial=0.0)) & (side > 0)
        if np.count_nonzero(good) < FEWEST_SECTORS:
            nothing = float("nan")
            return cls(
                sectors=float(np.count_nonzero(good)),
                mean=nothing,
                background=nothing,
                variance=nothing,
                pixels=nothing,
                side_pixels=nothing,
                dispersion=nothing,
            )
        level = np.divide(whole.counts[beside].sum(axis=0), side, where=good, out=np.zeros(SECTORS))
        total = np.divide(whole.counts[on].sum(axis=0), pixels, where=good, out=np.zeros(SECTORS))
        left, kept = _unsmooth(total - level, good)
        noise, quiet = _unsmooth(level, good)
        freedom = 1.0 - (2 * HARMONICS + 1) / np.count_nonzero(good)
        background = float(level[quiet].mean())
        return cls(
            sectors=float(np.count_nonzero(kept)),
            mean=float((total - level)[kept].mean()),
            background=background,
            variance=float(np.mean(left[kept] ** 2)) / freedom,
            pixels=float(pixels[kept].mean()),
            side_pixels=float(side[kept].mean()),
            dispersion=float(np.mean(noise[quiet] ** 2 * side[quiet])) / freedom / max(background, 1e-12),
        )

    def counted(self, dispersion: float) -> float:
        """Squared relative scatter that counting alone makes; NaN where the ring is not seen."""
        if not self.mean > 0.0:
            return float("nan")
        on, beneath = (self.mean + self.background) / self.pixels, self.background / self.side_pixels
        return dispersion * (on + beneath) / self.mean**2

    def contrast_squared(self, dispersion: float) -> tuple[float, float]:
        """Squared contrast of the grains and its standard error; NaN where the ring is not seen."""
        counted = self.counted(dispersion)
        if not np.isfinite(counted):
            return 0.0, float("nan")
        relative = self.variance / self.mean**2
        return relative - counted, relative * (2.0 / max(self.sectors - 2.0 * HARMONICS - 1.0, 1.0)) ** 0.5


def _unsmooth(values: Array, good: npt.NDArray[np.bool_]) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Take a Fourier series off values around a ring; what is left, and which sectors are no outliers."""
    angle = 2.0 * np.pi * (np.arange(SECTORS) + 0.5) / SECTORS
    waves = [np.ones(SECTORS)]
    for order in range(1, HARMONICS + 1):
        waves += [np.cos(order * angle), np.sin(order * angle)]
    basis, kept = np.stack(waves, axis=1), good.copy()
    left = np.zeros(SECTORS)
    for _ in range(3):
        left = values - basis @ np.linalg.lstsq(basis[kept], values[kept])[0]
        spread = 1.4826 * float(np.median(np.abs(left[kept])))  # MAD of a normal distribution
        kept = good & (np.abs(left) < OUTLIER_SIGMA * spread)
    return left, kept
