"""Where lines may be: a pattern held against lines of every width, each place judged by its own noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NARROWEST_BINS: Final = 1.4  # full width of the narrowest line looked for: one bin and its share of the next
WIDTH_RATIO: Final = 1.5  # between the widths looked for: between two of them a line loses 2 % of its significance
HAT_OVER_LINE: Final = 1.5  # width of the second derivative over the line's: keeps neighbours apart, loses little
SIGMA_OF_FWHM: Final = 1.0 / math.sqrt(8.0 * math.log(2.0))
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
    from scipy.signal import find_peaks, oaconvolve

    kept: list[Candidate] = []
    fwhm = max(NARROWEST_BINS, narrowest_bins)
    while fwhm <= widest_bins:
        spread = HAT_OVER_LINE * fwhm * SIGMA_OF_FWHM
        reach = min(math.ceil(REACH_SIGMAS * spread), y.size - 1)
        t = np.arange(-reach, reach + 1) / spread
        hat = (1.0 - t * t) * np.exp(-0.5 * t * t)
        hat -= hat.mean()
        # Mirrored through its ends, a straight background has no curvature there.
        ends = np.pad(y, reach, mode="reflect", reflect_type="odd")
        noise = oaconvolve(np.pad(variance, reach, mode="edge"), hat**2, "valid")
        curve = oaconvolve(ends, hat, "valid") / np.sqrt(np.maximum(noise, 0.5 * variance.min() * float(hat @ hat)))
        top, facts = find_peaks(curve, height=threshold, prominence=threshold)
        for place, height in zip(top.tolist(), facts["peak_heights"].tolist(), strict=True):
            near = [one for one in kept if abs(one.bin - place) < 0.6 * max(fwhm, one.fwhm_bins)]
            if not near:
                kept.append(Candidate(bin=place, fwhm_bins=fwhm, sigmas=height))
            elif len(near) == 1 and near[0].sigmas < height:
                kept[kept.index(near[0])] = Candidate(bin=place, fwhm_bins=fwhm, sigmas=height)
        fwhm *= WIDTH_RATIO
    return sorted(kept, key=lambda one: one.bin)
