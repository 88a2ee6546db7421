"""How unevenly the grains of a powder fill its rings: azimuthal scatter beyond what counting explains.

A ring is cut into sectors. Its brightness in each is compared with the azimuthal mean; what counting alone would give
is taken off, and so are slow changes around the ring, which come from absorption and shadows. What is left is the
relative scatter of the ring's light between sectors. Grains that lie at random average as one over the square root of
the number of sectors, so the error of the whole ring is about this number divided by eight and a half.

Texture about the beam makes whole rings too strong or too weak and leaves no sign in azimuth: this number is blind to
it. The eight strongest rings of every plate are measured, in some 20 ms; a fit gives the other rings their median.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.frames.counts import Counts
from lics_beamline.integration.pixel_rows import in_rows
from lics_beamline.lines.peaks import Peak
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.robust_scatter import SIGMA_OVER_MAD, scatter_of

Array = npt.NDArray[np.float64]

RING_SECTORS: Final = 72  # of 5 deg: many against the four slow changes taken off, wide against the point spread
MOST_RINGS: Final = 8  # the strongest; dim ones do not tell grains from counting
RING_FWHM: Final = 1.0  # half width of a ring, in full widths at half height
SIDE_FWHM: Final = (1.3, 2.3)  # where the background beside it is taken
SPOT_SIGMAS: Final = 6.0  # pixels farther off are spots, in robust standard deviations
FEWEST_PIXELS: Final = 20  # of a sector that is used
FEWEST_SECTORS: Final = 24  # of a ring that is told about
SLOW_TERMS: Final = 5  # mean and two harmonics
SAMPLED_PIXELS: Final = slice(None, None, 5)  # pixels that tell how wide the others scatter
STEP_DEG: Final = 0.0005  # to which angles are sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class RingScatter:
    """Azimuthal scatter of one ring.

    Parameters
    ----------
    two_theta_deg, fwhm_deg : float
        The ring [deg].
    fraction : float
        Relative standard deviation of its light between sectors of 5 deg beyond counting; 0 where counting explains it.
    sigma : float
        Standard deviation of `fraction`.
    """

    two_theta_deg: float
    fwhm_deg: float
    fraction: float
    sigma: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AzimuthalMap:
    """The pixels of a detector, sorted by scattering angle.

    Parameters
    ----------
    pixel : ndarray of int32, shape (pixels,)
        Places in the frame.
    two_theta_deg : ndarray of float32, shape (pixels,)
        Rising [deg].
    sector : ndarray of uint8, shape (pixels,)
        0 to `RING_SECTORS` - 1.
    factor : ndarray of float32, shape (pixels,)
        Solid angle times polarisation.
    """

    pixel: npt.NDArray[np.int32]
    two_theta_deg: npt.NDArray[np.float32]
    sector: npt.NDArray[np.uint8]
    factor: npt.NDArray[np.float32]

    @classmethod
    def of(
        cls,
        two_theta_deg: npt.NDArray[np.float32],
        sector: npt.NDArray[np.uint8],
        in_range: npt.NDArray[np.bool_],
        factor: npt.NDArray[np.float32],
    ) -> AzimuthalMap:
        """Sort the pixels in range; their angles [deg], sectors and solid angles times polarisation are images."""
        pixel = np.flatnonzero(in_range).astype(np.int32)
        step = (two_theta_deg.ravel()[pixel] / STEP_DEG).astype(np.uint16 if two_theta_deg.max() < 32 else np.uint32)
        pixel = pixel[np.argsort(step, kind="stable")]
        return cls(
            pixel=pixel,
            two_theta_deg=two_theta_deg.ravel()[pixel],
            sector=sector.ravel()[pixel],
            factor=factor.ravel()[pixel],
        )

    def scatter(
        self,
        frame: Counts,
        pattern: Pattern,
        peaks: Sequence[Peak],
        *,
        offset: npt.NDArray[np.float32] | None = None,
        response: npt.NDArray[np.float32] | None = None,
    ) -> tuple[RingScatter, ...]:
        """Measure the strongest rings of a frame.

        Parameters
        ----------
        frame : ndarray of int32 or float32, shape (rows, columns)
            Counts, those masked below -1e9.
        pattern : Pattern
            Its pattern, with the correlation of its pixels.
        peaks : sequence of Peak
            Its peaks.
        offset, response : ndarray of float32, optional
            Counts that are none of the sample, and counts read of each one exposed.

        Returns
        -------
        tuple of RingScatter
            By rising angle; rings that are too dim, too crowded or too short are left out.
        """
        chosen = sorted(peaks, key=lambda peak: peak.area, reverse=True)[:MOST_RINGS]
        rows = in_rows(frame, offset, response)
        intensity = np.nan_to_num(pattern.intensity).astype(np.float32)
        found = (self._ring(rows, intensity, pattern, peak, peaks) for peak in chosen)
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.two_theta_deg))

    def _ring(
        self,
        rows: tuple[Any, Any, Any],
        intensity: npt.NDArray[np.float32],
        pattern: Pattern,
        peak: Peak,
        peaks: Sequence[Peak],
    ) -> RingScatter | None:
        from lics_beamline.integration.ring_pixels import sort_pixels, standardise, sum_by_sector

        reach = SIDE_FWHM[1] * peak.fwhm_deg
        ends = np.array([peak.two_theta_deg - reach, peak.two_theta_deg + reach], dtype=np.float32)
        part = slice(*(int(end) for end in np.searchsorted(self.two_theta_deg, ends)))
        others = [other for other in peaks if other is not peak and _is_beside(other, peak, reach)]
        pixels_here = part.stop - part.start
        bins, place = np.empty(pixels_here, dtype=np.int32), np.empty(pixels_here, dtype=np.uint8)
        value, scaled, kept = (np.empty(pixels_here, dtype=np.float32) for _ in range(3))
        sort_pixels(
            self.two_theta_deg[part],
            np.array([peak.two_theta_deg, RING_FWHM * peak.fwhm_deg, SIDE_FWHM[0] * peak.fwhm_deg], dtype=np.float32),
            np.array([(o.two_theta_deg, SIDE_FWHM[0] * o.fwhm_deg) for o in others], dtype=np.float32).reshape(-1, 2),
            np.array([pattern.two_theta_deg[0], pattern.step_deg], dtype=np.float32),
            bins,
            place,
        )
        inside = standardise(
            *rows,
            self.pixel[part],
            self.factor[part],
            bins,
            intensity,
            place,
            value,
            scaled,
            kept,
        )
        if not place.any():
            return None
        some = kept[:inside][SAMPLED_PIXELS]  # of the ring itself, which grains make wider than its sides
        centre = float(np.median(some)) if some.size else 0.0
        width = SPOT_SIGMAS * SIGMA_OVER_MAD * max(float(np.median(np.abs(some - centre))) if some.size else 0.0, 1e-6)
        sums = np.zeros((2, 3, RING_SECTORS))
        outside = sum_by_sector(
            bins,
            intensity,
            self.sector[part],
            place,
            value,
            scaled,
            np.float32(centre),
            np.float32(width),
            sums,
            kept,
        )
        (pixels, ring, ring_mean), (beside, side_sum, side_mean) = sums
        full = (pixels > max(FEWEST_PIXELS, 0.5 * float(np.median(pixels)))) & (beside > FEWEST_PIXELS)
        light = ring_mean - peak.background * pixels
        full &= light > 0.0
        if np.count_nonzero(full) < FEWEST_SECTORS:
            return None
        where = np.flatnonzero(full)
        # The background changes slowly; the tails of the ring beside it do not, and must not be taken off.
        background = _slow(side_sum[full] / side_mean[full], where)
        under = peak.background * pixels[full]
        brightness = (ring[full] - background * under) / light[full]
        # of the pixels beside the ring: those on it scatter for grains finer than a sector too
        noise = float(np.var(kept[:outside])) * pattern.pixel_correlation
        counting = noise * ring_mean[full] / light[full] ** 2
        left = (brightness - _slow(brightness, where)) * math.sqrt(where.size / (where.size - SLOW_TERMS))
        return _scatter_of(peak, left, counting, float(np.median(brightness)))


def _is_beside(other: Peak, peak: Peak, reach_deg: float) -> bool:
    """Tell whether a peak may take pixels from what is beside another: twice as far as it can, for rounding."""
    return abs(other.two_theta_deg - peak.two_theta_deg) < 2.0 * (reach_deg + SIDE_FWHM[0] * other.fwhm_deg)


def sector_of(azimuth_rad: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Return the sector of each azimuth [rad], 0 to `RING_SECTORS` - 1."""
    turn = azimuth_rad * (RING_SECTORS / (2.0 * math.pi))
    return np.asarray((np.floor(turn).astype(np.int16) % RING_SECTORS).astype(np.uint8))


def on_bins(rings: Sequence[RingScatter], two_theta_deg: Array) -> Array:
    """Return the graininess of the ring that each bin belongs to; NaN between the rings.

    Parameters
    ----------
    rings : sequence of RingScatter
        From `AzimuthalMap.scatter`.
    two_theta_deg : ndarray, shape (bins,)
        Bin centres [deg].
    """
    values = np.full(two_theta_deg.shape, np.nan)
    for ring in rings:
        values[np.abs(two_theta_deg - ring.two_theta_deg) <= RING_FWHM * ring.fwhm_deg] = ring.fraction
    return values


def _slow(values: Array, sector: npt.NDArray[np.intp]) -> Array:
    """Return what changes slowly around a ring: mean and two harmonics, fitted without the sectors that stand out."""
    azimuth = 2.0 * math.pi * (sector + 0.5) / RING_SECTORS
    waves = [wave(n * azimuth) for n in (1.0, 2.0) for wave in (np.cos, np.sin)]
    terms = np.column_stack([np.ones(azimuth.size), *waves])
    off = np.abs(values - np.median(values))
    keep = off <= SPOT_SIGMAS * SIGMA_OVER_MAD * np.median(off)
    return np.asarray(terms @ np.linalg.lstsq(terms[keep], values[keep], rcond=None)[0])


def _scatter_of(peak: Peak, left: Array, counting: Array, mean: float) -> RingScatter | None:
    if mean <= 0.0:
        return None
    observed = (scatter_of(left - np.median(left))) ** 2
    excess = max(0.0, observed - float(np.median(counting)))
    # Variance of a robust standard deviation is 2.7 times that of the ordinary one (Rousseeuw & Croux 1993).
    doubt = observed * math.sqrt(2.0 * 2.7 / left.size)
    fraction = math.sqrt(excess) / mean
    sigma = (math.sqrt(excess) - math.sqrt(excess - doubt) if excess > doubt else math.sqrt(doubt)) / mean
    return RingScatter(two_theta_deg=peak.two_theta_deg, fwhm_deg=peak.fwhm_deg, fraction=fraction, sigma=sigma)
