"""How sharp the rings of an image are, and the flip or turn under which they are sharpest.

Taken the wrong way up, every ring is smeared over as many radii as its centre is off. What is left of rings is told
from the scatter of their pixels, so no line needs to be found or known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.frames.orientation import FLIPS
from lics_beamline.geometry.geometry import Geometry

MOST_PIXELS: Final = 2_000_000  # looked at: rows are left out beyond
SMOOTH_RINGS: Final = 15  # a ring stands out from the median of so many around it
SPOT_PERCENTILE: Final = 99.5  # brighter pixels count as this much: spots of a crystal are no ring
FEWEST_IN_RING: Final = 10  # pixels from which a ring has a mean
LEAST_VARIANCE: Final = 0.1  # of that of a mean ring: one whose few pixels are equal by chance does not outweigh all
LEAST_CONTRAST: Final = 3.0  # variance of rings against that of chance below which there are none
TRIED_BINNINGS: Final = (2.0, 4.0, 0.5)  # sizes of pixels that one detector is read with
SURELY_SHARP: Final = 30.0  # contrast of rings that need no other explanation; ten times what smeared ones keep
MUCH_SHARPER: Final = 2.0  # ratio from which one flip explains an image better than another


@dataclass(frozen=True, slots=True, kw_only=True)
class RingContrast:
    """How sharp rings are in each orientation of an image.

    Parameters
    ----------
    contrast : dict of int to float
        Variance between neighbouring rings over what the scatter within them explains, by orientation, 1 to 4; 1 where
        there are no rings.
    taken : int
        Orientation that was taken.
    exchanged : dict of int to float
        The same with rows and columns exchanged; empty where that was not tried.
    """

    contrast: dict[int, float]
    taken: int
    exchanged: dict[int, float] = field(default_factory=dict)

    @property
    def sharper(self) -> int | None:
        """Orientation under which rings are sharper by far than as the image was taken; None where there is none."""
        best = max(self.contrast, key=lambda orientation: self.contrast[orientation])
        above = self.contrast[best] - 1.0
        if self.contrast[best] < LEAST_CONTRAST or above < MUCH_SHARPER * (self.contrast[self.taken] - 1.0):
            return None
        return None if best == self.taken else best

    @property
    def sharper_exchanged(self) -> int | None:
        """Orientation under which rings are sharper by far once rows and columns are exchanged; None without one."""
        best = max(self.exchanged, key=lambda orientation: self.exchanged[orientation], default=self.taken)
        least = max(LEAST_CONTRAST, 1.0 + MUCH_SHARPER * (max(self.contrast.values()) - 1.0))
        return best if self.exchanged.get(best, 0.0) >= least else None


def ring_contrast(
    counts: npt.NDArray[np.int32] | npt.NDArray[np.float32],
    two_theta_deg: npt.NDArray[np.float32],
    good: npt.NDArray[np.bool_],
    *,
    orientation: int,
) -> RingContrast:
    """Tell how sharp the rings of an image are in each orientation, and where rows and columns are exchanged.

    The latter only of a square image whose rings are not sharp: with other sides the geometry does not fit it.

    Parameters
    ----------
    counts : ndarray, shape (rows, columns)
        The image, in the order of its file.
    two_theta_deg : ndarray, shape (rows, columns)
        Scattering angle of each pixel in the orientation that was taken [deg].
    good : ndarray of bool, shape (rows, columns)
        Pixels to be used.
    orientation : int
        Orientation that was taken, 1 to 4.
    """
    every = max(1, round(counts.size / MOST_PIXELS))
    used = good[::every]
    values = np.where(used, counts[::every], 0).astype(np.float64)
    if not used.any():
        return RingContrast(contrast=dict.fromkeys(FLIPS, 1.0), taken=orientation)
    values = np.minimum(values, np.percentile(values[used], SPOT_PERCENTILE))[used]
    width = float(np.max(two_theta_deg) - np.min(two_theta_deg)) / max(counts.shape)
    rings = (two_theta_deg / max(width, 1e-9)).astype(np.intp)
    contrast: dict[int, float] = {}
    exchanged: dict[int, float] = {}
    flipped: dict[int, npt.NDArray[np.intp]] = {}
    for other, (rows, columns) in FLIPS.items():
        own_rows, own_columns = FLIPS[orientation]
        flipped[other] = rings[:: -1 if rows != own_rows else 1, :: -1 if columns != own_columns else 1]
        contrast[other] = _contrast(values, flipped[other][::every][used])
    if counts.shape[0] == counts.shape[1] and max(contrast.values()) < SURELY_SHARP:
        exchanged = {other: _contrast(values, seen.T[::every][used]) for other, seen in flipped.items()}
    return RingContrast(contrast=contrast, taken=orientation, exchanged=exchanged)


def sharper_pixels(
    counts: npt.NDArray[np.int32] | npt.NDArray[np.float32],
    good: npt.NDArray[np.bool_],
    geometry: Geometry,
    taken: RingContrast,
) -> float:
    """Return how many times larger pixels than the geometry's make rings sharper by far; 1 where none do.

    A geometry that does not say how many pixels its detector has fits an image of any binning, and is wrong for all but
    one of them.

    Parameters
    ----------
    counts, good : ndarray, shape (rows, columns)
        The image, and its pixels to be used.
    geometry : Geometry
        Its geometry.
    taken : RingContrast
        How sharp rings are with it.
    """
    config = geometry.detector_config
    if geometry.detector != "Detector" or config.get("max_shape") or geometry.spline:
        return 1.0
    every = max(1, round(counts.size / MOST_PIXELS))
    used = good[::every]
    if not used.any():
        return 1.0
    values = counts[::every][used].astype(np.float64)
    values = np.minimum(values, np.percentile(values, SPOT_PERCENTILE))
    found: dict[float, float] = {}
    for times in TRIED_BINNINGS:
        places = [
            1e3 * times * pixel_m * (side - 0.5 - np.arange(side) if flipped else np.arange(side) + 0.5)
            for side, flipped, pixel_m in zip(
                counts.shape, FLIPS[geometry.orientation], (config["pixel1"], config["pixel2"]), strict=True
            )
        ]
        angle = geometry.plane.two_theta_rad(places[0][::every, None], places[1][None, :])
        width = float(np.ptp(angle)) / max(counts.shape)
        found[times] = _contrast(values, (angle / max(width, 1e-9)).astype(np.intp)[used])
    best = max(found, key=lambda times: found[times])
    least = MUCH_SHARPER * (max(taken.contrast.values()) - 1.0)
    return best if found[best] >= LEAST_CONTRAST and found[best] - 1.0 >= least else 1.0


def _contrast(values: npt.NDArray[np.float64], ring: npt.NDArray[np.intp]) -> float:
    from scipy.ndimage import median_filter

    pixels = np.bincount(ring)
    mean = np.bincount(ring, weights=values) / np.maximum(pixels, 1)
    scatter = np.bincount(ring, weights=(values - mean[ring]) ** 2)
    full = pixels >= FEWEST_IN_RING
    if np.count_nonzero(full) < SMOOTH_RINGS:
        return 1.0
    pixels, mean, variance = pixels[full], mean[full], scatter[full] / (pixels[full] - 1)
    above = mean - median_filter(mean, size=SMOOTH_RINGS, mode="nearest")
    variance = np.maximum(variance, LEAST_VARIANCE * np.mean(variance))
    return float(np.mean(above**2 * pixels / variance)) if np.any(variance > 0.0) else 1.0
