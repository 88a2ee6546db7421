"""The loops over the pixels of one ring for its scatter, compiled. Import it where it is used: that takes a second.

Numbers are 32 bits long and rounded after each operation, as those of numpy are.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from lics_beamline.frames.point_spread import MASKED_BELOW
from lics_beamline.lines.compilation import compiled_exactly

LEAST_MEAN: Final = np.float32(1e-6)  # counts under the root of the scatter of a pixel
LOWEST_COUNTS: Final = np.float32(MASKED_BELOW)
IN_RING, BESIDE = 1, 2  # what a pixel belongs to; 0 is neither


@compiled_exactly
def sort_pixels(angle: Any, ring: Any, others: Any, axis: Any, bins: Any, place: Any) -> None:
    """Say in which bin each pixel is, and whether it is in a ring or beside it.

    Parameters
    ----------
    angle : ndarray of float32, shape (pixels,)
        Scattering angles [deg].
    ring : ndarray of float32, shape (3,)
        Its angle, how far it reaches to either side, and from where a pixel is beside it [deg].
    others : ndarray of float32, shape (rings, 2)
        Angles of the rings about it, and within what distance a pixel is none beside this one [deg].
    axis : ndarray of float32, shape (2,)
        Angle of the first bin, and the step [deg].
    bins : ndarray of int32, shape (pixels,)
        Is given the bin of each.
    place : ndarray of uint8, shape (pixels,)
        Is given `IN_RING`, `BESIDE` or 0.
    """
    for i in range(angle.size):
        bins[i] = np.int32(np.rint((angle[i] - axis[0]) / axis[1]))
        off = abs(angle[i] - ring[0])
        place[i] = 0
        if off <= ring[1]:
            place[i] = IN_RING
        elif off >= ring[2]:
            place[i] = BESIDE
            for k in range(others.shape[0]):
                if not abs(angle[i] - others[k, 0]) > others[k, 1]:
                    place[i] = 0


@compiled_exactly
def standardise(
    frame: Any,
    offset: Any,
    response: Any,
    pixel: Any,
    factor: Any,
    bins: Any,
    intensity: Any,
    place: Any,
    value: Any,
    scaled: Any,
    sample: Any,
) -> int:
    """Correct the pixels of a ring, and say how far each is from the mean, in roots of it; return how many are in it.

    Parameters
    ----------
    frame, offset, response : ndarray, shape (pixels of the frame,)
        Counts, counts that are none of the sample, counts read of each one exposed; the last two may be empty.
    pixel : ndarray of int32, shape (pixels,)
        Places in the frame.
    factor : ndarray of float32, shape (pixels,)
        Solid angle times polarisation.
    bins : ndarray of int32, shape (pixels,)
        Bin of each.
    intensity : ndarray of float32, shape (bins,)
        Mean counts, 0 where there is none.
    place : ndarray of uint8, shape (pixels,)
        `IN_RING`, `BESIDE` or 0; is set to 0 where a pixel cannot be used.
    value, scaled : ndarray of float32, shape (pixels,)
        Are given corrected counts, and their distance from the mean over its root.
    sample : ndarray of float32, shape (pixels,)
        Is given the distances of those in the ring, one after the other.
    """
    inside = 0
    for i in range(pixel.size):
        counts = np.float32(frame[pixel[i]])
        usable = counts > LOWEST_COUNTS
        share = factor[i]
        if offset.size > 0:
            counts -= offset[pixel[i]]
        if response.size > 0:
            share *= response[pixel[i]]
        counts /= share
        mean = intensity[min(max(bins[i], 0), intensity.size - 1)]
        value[i] = counts
        scaled[i] = (counts - mean) / np.float32(math.sqrt(max(mean, LEAST_MEAN)))
        if not (usable and mean > 0.0):
            place[i] = 0
        elif place[i] == IN_RING:
            sample[inside] = scaled[i]
            inside += 1
    return inside


@compiled_exactly
def sum_by_sector(
    bins: Any,
    intensity: Any,
    sector: Any,
    place: Any,
    value: Any,
    scaled: Any,
    centre: Any,
    width: Any,
    sums: Any,
    beside: Any,
) -> int:
    """Add up, by sector, the pixels that are no spots; return how many of them lie beside the ring.

    Parameters
    ----------
    bins, intensity, place, value, scaled : ndarray
        As of `standardise`.
    sector : ndarray of uint8, shape (pixels,)
        Of each pixel.
    centre, width : float32
        What is farther from the centre is a spot.
    sums : ndarray of float64, shape (2, 3, sectors)
        Is added pixels, counts and mean counts, of the ring and of what is beside it.
    beside : ndarray of float32, shape (pixels,)
        Is given the distances of those beside the ring, one after the other.
    """
    kept = 0
    for i in range(place.size):
        if place[i] == 0 or not abs(scaled[i] - centre) < width:
            continue
        row = sums[place[i] - 1]
        row[0, sector[i]] += 1.0
        row[1, sector[i]] += value[i]
        row[2, sector[i]] += intensity[min(max(bins[i], 0), intensity.size - 1)]
        if place[i] == BESIDE:
            beside[kept] = scaled[i]
            kept += 1
    return kept
