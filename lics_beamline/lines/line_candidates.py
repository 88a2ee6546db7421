"""Where lines may be: a pattern held against lines of every width, each place judged by its own noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.line_shape import SIGMA_OF_FWHM

Array = npt.NDArray[np.float64]

NARROWEST_BINS: Final = 1.4  # full width of the narrowest line looked for: one bin and its share of the next
WIDTH_RATIO: Final = 1.5  # between the widths looked for: between two of them a line loses 2 % of its significance
HAT_OVER_LINE: Final = 1.5  # width of the second derivative over the line's: keeps neighbours apart, loses little
REACH_SIGMAS: Final = 4.0  # standard deviations over which the second derivative of a Gaussian is summed


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A place where the pattern curves as under a line.

    Parameters
    ----------
    bin : int
        Where it is.
    fwhm_bins : float
        Full width of the line that fits best [bins].
    sigmas : float
        What the curvature is over its noise.
    """

    bin: int
    fwhm_bins: float
    sigmas: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Hats:
    """Negative second derivatives of Gaussians of rising widths, as they fold a pattern of one number of bins.

    Parameters
    ----------
    fwhm_bins : ndarray, shape (widths,)
        Full widths of the lines that they are for [bins].
    reach : int
        Bins by which the pattern goes on beyond its ends.
    length : int
        Of the transforms.
    transform, squared : ndarray of complex, shape (widths, length / 2 + 1)
        Transforms of the hats and of their squares.
    power : ndarray, shape (widths,)
        Sums of their squares.
    """

    fwhm_bins: Array
    reach: int
    length: int
    transform: npt.NDArray[np.complex128]
    squared: npt.NDArray[np.complex128]
    power: Array

    def fold(self, continued: Array, transform: npt.NDArray[np.complex128], bins: int) -> Array:
        """Fold a pattern that goes on beyond its ends with each hat, or its square; shape (widths, bins)."""
        from scipy.fft import irfft, rfft

        folded = irfft(rfft(continued, self.length) * transform, self.length, axis=1)
        return np.asarray(folded[:, self.reach : self.reach + bins])


@lru_cache(maxsize=8)  # of the few steps of one pattern, and of the next ones of as many bins
def _hats(bins: int, first: int, last: int) -> _Hats:
    """Return the hats from one rung of the ladder of widths to another."""
    from scipy.fft import next_fast_len, rfft

    fwhm = NARROWEST_BINS * WIDTH_RATIO ** np.arange(first, last + 1, dtype=np.float64)
    spread = HAT_OVER_LINE * SIGMA_OF_FWHM * fwhm
    reaches = [min(math.ceil(REACH_SIGMAS * one), bins - 1) for one in spread]
    reach = max(reaches)
    length = next_fast_len(bins + 2 * reach, real=True)
    hats = np.zeros((fwhm.size, length))
    for hat, width, far in zip(hats, spread, reaches, strict=True):
        t = np.arange(-far, far + 1) / width
        shape = (1.0 - t * t) * np.exp(-0.5 * t * t)
        # Its middle is the first: what is folded stays where it is, and wraps around where the pattern is gone.
        hat[np.arange(-far, far + 1)] = shape - shape.mean()
    return _Hats(
        fwhm_bins=fwhm,
        reach=reach,
        length=length,
        transform=rfft(hats, axis=1),
        squared=rfft(hats**2, axis=1),
        power=(hats**2).sum(axis=1),
    )


def candidates(
    y: Array, variance: Array, *, threshold: float, narrowest_bins: float = 0.0, widest_bins: float
) -> list[Candidate]:
    """Find where a pattern may have lines.

    The pattern is folded with the negative second derivative of Gaussians, from narrow to wide: that is blind to any
    straight background. Places that a narrow one tells apart by more than noise stay apart; a wide one adds those that
    it alone sees.

    Parameters
    ----------
    y, variance : ndarray, shape (bins,)
        Pattern, and the variance it has where there is no line.
    threshold : float
        Least curvature over its noise, and least rise over the dip to a neighbour.
    narrowest_bins, widest_bins : float
        Full widths of the lines looked for [bins].

    Returns
    -------
    list of Candidate
        By rising place.
    """
    from lics_beamline.lines.line_equations import tops

    first = max(0, math.floor(_rung(max(narrowest_bins, NARROWEST_BINS))))
    hats = _hats(y.size, first, max(first, math.floor(_rung(max(widest_bins, NARROWEST_BINS)))))
    # Mirrored through its ends, a straight background has no curvature there.
    ends = np.concatenate([2.0 * y[0] - y[hats.reach : 0 : -1], y, 2.0 * y[-1] - y[-2 : -2 - hats.reach : -1]])
    noise = hats.fold(np.pad(variance, hats.reach, mode="edge"), hats.squared, y.size)
    np.maximum(noise, 0.5 * variance.min() * hats.power[:, None], out=noise)
    curve = hats.fold(ends, hats.transform, y.size)
    curve /= np.sqrt(noise, out=noise)
    found: Any = np.empty((y.size, 3))
    count = tops(np.ascontiguousarray(curve), hats.fwhm_bins, threshold, found)
    return sorted(
        (Candidate(bin=int(place), fwhm_bins=fwhm, sigmas=height) for place, fwhm, height in found[:count].tolist()),
        key=lambda one: one.bin,
    )


def _rung(fwhm_bins: float) -> float:
    """Return where a width is on the ladder of widths."""
    return math.log(fwhm_bins / NARROWEST_BINS) / math.log(WIDTH_RATIO) + 1e-9
