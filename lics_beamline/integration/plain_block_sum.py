"""Sums over the blocks of a frame, as `block_sum` gives them, without the compiler, for who looks at a plate at times.

To load the compiler takes seconds and 150 MB; a plate takes a tenth of a second here, and a twentieth of that there.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.frames.counts import Counts

BLOCK_ROWS_AT_ONCE: Final = 20  # of blocks that are summed: a whole frame of their sums takes 70 MB on the way

Array = npt.NDArray[np.float64]


def block_sums(frame: Counts, bad: npt.NDArray[np.bool_] | None, *, side_px: int) -> tuple[Array, Array]:
    """Return the counts and the pixels of each whole block of a frame, without the bad pixels; row by row."""
    rows, columns = (size // side_px for size in frame.shape)
    counts, pixels = np.empty((rows, columns)), np.full((rows, columns), float(side_px**2))
    for first in range(0, rows, BLOCK_ROWS_AT_ONCE):
        strip = slice(first, min(first + BLOCK_ROWS_AT_ONCE, rows))
        place = slice(first * side_px, strip.stop * side_px), slice(0, columns * side_px)
        blocks = (strip.stop - first, side_px, columns, side_px)
        if bad is None:
            counts[strip] = frame[place].reshape(blocks).sum(axis=(1, 3), dtype=np.float64)
        else:
            counts[strip] = np.where(bad[place], 0, frame[place]).reshape(blocks).sum(axis=(1, 3), dtype=np.float64)
            pixels[strip] = (~bad[place]).reshape(blocks).sum(axis=(1, 3))
    return counts.ravel(), pixels.ravel()


def medians(values: Array, starts: npt.NDArray[np.intp], median: Array) -> None:
    """Write the median of each part of `values`, which begins where `starts` says; NaN where one of it is NaN."""
    for number in range(median.size):
        median[number] = np.median(values[starts[number] : starts[number + 1]])
