"""What an image plate does to an image: it fades until it is read, and a part of the image before is still there.

A plate stores an X-ray photon as trapped electrons. Some traps empty within minutes, others within days, so an image
read an hour late is dimmer, and the last lines of a scan are dimmer than its first. Erasing empties all but a small
part of the traps: the ghost of the last image on the same plate. Both are calibrated on the plate itself, like a
geometry, and travel in the recipe.

References
----------
Fading as a sum of exponentials, and what it depends on: Meadowcroft, Bentley & Stott, Rev. Sci. Instrum. 79, 113102
(2008), doi 10.1063/1.3013123.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lics_beamline.files.strict_toml import Strict
from lics_beamline.frames.counts import Counts

Array = npt.NDArray[np.float64]
Image = npt.NDArray[np.float32]
Triple = tuple[float, float, float]

SLOPE_STEP: Final = 1e-4  # of a parameter, for the slope of the fading: far above rounding, far below its curvature


class Fading(Strict):
    """Fading of the image on a plate: two kinds of traps, each with a life of its own.

    Parameters
    ----------
    fast_share : float
        Fraction of the image in the traps that empty quickly, 0 to 1.
    fast_s, slow_s : float
        Their lives [s].
    covariance : tuple of tuple of float
        Of (fast_share, ln fast_s, ln slow_s).
    longest_s : float
        Longest time between exposure and scan in the calibration [s]; what lies beyond is extrapolated.
    scan_s : float
        How long a scan takes [s], used where a file does not say.

    Notes
    -----
    After a time t the fraction f exp(-t/fast) + (1 - f) exp(-t/slow) is left. An exposure of constant flux and length T
    has faded already at its own end: each exponential is multiplied by (1 - exp(-T/life)) life / T.
    """

    fast_share: float = Field(ge=0.0, le=1.0)
    fast_s: float = Field(gt=0.0)
    slow_s: float = Field(gt=0.0)
    covariance: tuple[Triple, Triple, Triple] = ((0.0, 0.0, 0.0),) * 3
    longest_s: float = Field(3600.0, gt=0.0)
    scan_s: float = Field(0.0, ge=0.0)

    def remaining(self, age_s: npt.ArrayLike, *, exposure_s: float = 0.0) -> Array:
        """Return the fraction of an image that is left.

        Parameters
        ----------
        age_s : array_like
            Time since the end of the exposure [s].
        exposure_s : float
            Length of the exposure, at constant flux [s].

        Returns
        -------
        ndarray
            0 to 1, of the shape of `age_s`.
        """
        return _remaining((self.fast_share, math.log(self.fast_s), math.log(self.slow_s)), age_s, exposure_s)

    def relative_sigma(self, age_s: float, *, exposure_s: float = 0.0) -> float:
        """Return the relative standard deviation of what is left, from the calibration.

        Parameters as of `remaining`.
        """
        at = (self.fast_share, math.log(self.fast_s), math.log(self.slow_s))
        slope = np.empty(3)
        for index in range(3):
            up, down = (
                tuple(value + sign * SLOPE_STEP * (i == index) for i, value in enumerate(at)) for sign in (1.0, -1.0)
            )
            slope[index] = float(_remaining(up, age_s, exposure_s) - _remaining(down, age_s, exposure_s)) / (
                2.0 * SLOPE_STEP
            )
        variance = float(slope @ np.array(self.covariance) @ slope)
        return math.sqrt(max(variance, 0.0)) / float(self.remaining(age_s, exposure_s=exposure_s))

    def of_rows(self, rows: int, *, waited_s: float, exposure_s: float, scan_s: float) -> Array:
        """Return the fraction left when each row was scanned, the first row first.

        Parameters
        ----------
        rows : int
            Number of rows.
        waited_s : float
            From the end of the exposure to the start of the scan [s].
        exposure_s, scan_s : float
            Length of exposure and scan [s].

        Returns
        -------
        ndarray, shape (rows,)
        """
        return self.remaining(waited_s + (np.arange(rows) + 0.5) / rows * scan_s, exposure_s=exposure_s)


def _remaining(parameters: tuple[float, ...], age_s: npt.ArrayLike, exposure_s: float) -> Array:
    share, *log_lives = parameters
    age = np.asarray(age_s, dtype=np.float64)
    left = np.zeros_like(age)
    for fraction, log_life in zip((share, 1.0 - share), log_lives, strict=True):
        life_s = math.exp(log_life)
        during = -math.expm1(-exposure_s / life_s) * life_s / exposure_s if exposure_s > 0.0 else 1.0
        left = left + fraction * during * np.exp(-age / life_s)
    return left


class Ghost(Strict):
    """Share of an image that erasing leaves, on one plate.

    Parameters
    ----------
    plate : int
        Number of the plate, from 1.
    share : float
        Fraction left of the image as it was before it faded, 0 to 1.
    sigma : float
        Its standard deviation.
    """

    plate: int = Field(ge=1)
    share: float = Field(ge=0.0, le=1.0)
    sigma: float = Field(0.0, ge=0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Residue:
    """The ghost in a frame.

    Parameters
    ----------
    counts : ndarray of float32, shape (rows, columns)
        Counts that the image before has left in this frame.
    relative_sigma : float
        Relative standard deviation of all of it, from the calibration.
    unknown : ndarray of bool, shape (rows, columns), or None
        Pixels whose ghost nobody knows, because they were full in the image before; None where there are none.
    """

    counts: Image
    relative_sigma: float = 0.0
    unknown: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlateState:
    """Corrections that turn one frame into the image that was exposed.

    Parameters
    ----------
    remaining : ndarray, shape (rows,), or None
        Fraction of the image left when each row was scanned; None where fading is not corrected.
    remaining_sigma : float
        Its relative standard deviation, common to the whole frame.
    residue : Residue or None
        The ghost of the image before; None where there is none or it is not known.
    """

    remaining: Array | None = None
    remaining_sigma: float = 0.0
    residue: Residue | None = None

    @property
    def mean_remaining(self) -> float:
        """Fraction left, averaged over the frame; 1 where fading is not corrected."""
        return 1.0 if self.remaining is None else float(self.remaining.mean())


def residue(
    before: Counts, ghost: Ghost, *, remaining: Array | None = None, saturation_counts: int | None = None
) -> Residue:
    """Return the ghost that an image leaves in the next frame of the same plate.

    The ghost within the image before is not told from its own light: it too is left at this share, and what the plate
    keeps of it after a second erasure is of the same order, the square of the share.

    Parameters
    ----------
    before : ndarray of int32, shape (rows, columns)
        The last frame of the same plate, as read.
    ghost : Ghost
        Of this plate.
    remaining : ndarray, shape (rows,), optional
        Share that fading had left of it when it was read.
    saturation_counts : int, optional
        Count of a full pixel.
    """
    share = np.full(before.shape[0], ghost.share) if remaining is None else ghost.share / remaining
    counts = np.empty(before.shape, dtype=np.float32)
    np.multiply(before, share.astype(np.float32)[:, None], out=counts, casting="unsafe")
    full = None
    if saturation_counts is not None and float(before.max()) >= saturation_counts:
        full = before >= saturation_counts
    return Residue(counts=counts, relative_sigma=ghost.sigma / ghost.share if ghost.share else 0.0, unknown=full)
