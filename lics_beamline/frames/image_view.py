"""A frame small enough to be drawn: blocks of pixels, what masks them, and the scattering angle of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

MOST_VIEW_PX: Final = 1000  # on a side: more than a figure shows
BLOCK_ROWS_AT_ONCE: Final = 50  # of blocks that are summed: a whole plate takes a third of a gigabyte on the way

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageView:
    """A frame in blocks, rows in the order of its file.

    Parameters
    ----------
    counts : ndarray, shape (rows, columns)
        Mean count of the pixels of each block: of those that are used, or of all where none is; NaN where there are no
        numbers.
    masked : ndarray of bool, shape (rows, columns)
        Blocks of which no pixel is used.
    two_theta_deg : ndarray, shape (rows, columns)
        Scattering angle of each block [deg].
    block_px : int
        Edge of a block [pixel].
    shape : tuple of int
        Rows and columns of the frame.
    """

    counts: Array
    masked: npt.NDArray[np.bool_]
    two_theta_deg: Array
    block_px: int
    shape: tuple[int, int]


def view_of(
    counts: npt.NDArray[np.int32] | npt.NDArray[np.float32],
    used: npt.NDArray[np.bool_],
    two_theta_deg: npt.NDArray[np.floating],
) -> ImageView:
    """Return a frame in blocks.

    Parameters
    ----------
    counts : ndarray, shape (rows, columns)
        As the file has them.
    used : ndarray of bool, shape (rows, columns)
        Pixels that are used.
    two_theta_deg : ndarray, shape (rows, columns)
        Of each pixel [deg].
    """
    shape = (int(counts.shape[0]), int(counts.shape[1]))
    edge = -(-max(shape) // MOST_VIEW_PX)
    rows = BLOCK_ROWS_AT_ONCE * edge
    strips = [slice(first, first + rows) for first in range(0, shape[0], rows)]
    parts = [_strip(counts[strip], used[strip], two_theta_deg[strip], edge) for strip in strips]
    return ImageView(
        counts=np.concatenate([part.counts for part in parts]),
        masked=np.concatenate([part.masked for part in parts]),
        two_theta_deg=np.concatenate([part.two_theta_deg for part in parts]),
        block_px=edge,
        shape=shape,
    )


def _strip(
    counts: npt.NDArray[np.int32] | npt.NDArray[np.float32],
    used: npt.NDArray[np.bool_],
    two_theta_deg: npt.NDArray[np.floating],
    edge: int,
) -> ImageView:
    shape = (int(counts.shape[0]), int(counts.shape[1]))
    good = _block_sum(used, edge)
    number = np.isfinite(counts)
    numbers = _block_sum(number, edge)
    of_good = _block_sum(np.where(used, counts, 0), edge)
    of_all = _block_sum(np.where(number, counts, 0), edge)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(good > 0.0, of_good / good, np.where(numbers > 0.0, of_all / numbers, np.nan))
        angle = _block_sum(two_theta_deg, edge) / _block_sum(np.ones(shape, np.bool_), edge)
    return ImageView(counts=mean, masked=good == 0.0, two_theta_deg=angle, block_px=edge, shape=shape)


def _block_sum(pixels: npt.NDArray[np.generic], edge: int) -> Array:
    """Return the sums of blocks; those at the end of rows and columns may be smaller."""
    starts = [np.arange(0, side, edge) for side in pixels.shape]
    rows = np.add.reduceat(pixels, starts[0], axis=0, dtype=np.float64)
    return np.asarray(np.add.reduceat(rows, starts[1], axis=1))
