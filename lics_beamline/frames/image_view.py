"""A frame small enough to be drawn: blocks of pixels, what masks them, and the scattering angle of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

MOST_VIEW_PX: Final = 1000  # on a side: more than a figure shows

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
    two_theta_deg : ndarray
        Of each pixel, or already of each block, as `block_means` gives it [deg].
    """
    shape = (int(counts.shape[0]), int(counts.shape[1]))
    edge = block_edge_px(shape)
    good, of_good = _block_sum(used, edge), _block_sum(counts, edge, where=used)
    numbers, of_all = _block_sizes(shape, edge), None
    if good.all():  # of the others nothing is drawn
        of_all = of_good
    elif counts.dtype.kind == "f":
        number = np.isfinite(counts)
        numbers, of_all = _block_sum(number, edge), _block_sum(counts, edge, where=number)
    else:
        of_all = _block_sum(counts, edge)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(good > 0.0, of_good / good, np.where(numbers > 0.0, of_all / numbers, np.nan))
    return ImageView(
        counts=mean,
        masked=good == 0.0,
        two_theta_deg=block_means(two_theta_deg) if two_theta_deg.shape == shape else np.asarray(two_theta_deg),
        block_px=edge,
        shape=shape,
    )


def block_edge_px(shape: tuple[int, int]) -> int:
    """Return the edge of the blocks in which a frame of a shape is drawn [pixel]."""
    return -(-max(shape) // MOST_VIEW_PX)


def block_means(pixels: npt.NDArray[np.number]) -> Array:
    """Return the means of the blocks in which a frame is drawn, of any quantity that each of its pixels has.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        The quantity.
    """
    shape = (int(pixels.shape[0]), int(pixels.shape[1]))
    edge = block_edge_px(shape)
    return np.asarray(_block_sum(pixels, edge) / _block_sizes(shape, edge))


def _block_sum(
    pixels: npt.NDArray[np.bool_] | npt.NDArray[np.number], edge: int, *, where: npt.NDArray[np.bool_] | None = None
) -> Array:
    """Return the sums of blocks; those at the end of rows and columns may be smaller.

    One pixel of each block at a time: five times as fast as to reduce rows and columns, without a copy of the frame.
    """
    total = np.zeros(_blocks(pixels.shape, edge))
    for row in range(edge):
        for column in range(edge):
            part = pixels[row::edge, column::edge]
            place = total[: part.shape[0], : part.shape[1]]
            if where is None:
                np.add(place, part, out=place)
            else:
                np.add(place, part, out=place, where=where[row::edge, column::edge])
    return total


def _block_sizes(shape: tuple[int, int], edge: int) -> Array:
    """Return how many pixels each block has."""
    sides = (np.minimum(edge, side - edge * np.arange(-(-side // edge))) for side in shape)
    rows, columns = sides
    return np.multiply.outer(rows, columns).astype(np.float64)


def _blocks(shape: tuple[int, ...], edge: int) -> tuple[int, ...]:
    return tuple(-(-side // edge) for side in shape)
