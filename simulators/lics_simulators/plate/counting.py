"""From expected photons to what a plate holds: counting noise, then the spread of stored light when it is read."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

FrameArray = npt.NDArray[np.float32]

BLOCK_ROWS: Final = 50  # rows handled at a time: they stay in the processor's cache
TABLE_STEP: Final = 0.125  # expected photons between two rows of the table
TABLE_ROWS: Final = 256  # up to 32 photons; brighter pixels are few
RANDOM_WORDS: Final = 1 << 16  # columns of the table: one for each 16-bit random number
UNDECIDED_COUNT: Final = 255  # the random number needs more digits


def _least_count(probability: npt.NDArray[Any], mean: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the least count whose Poisson distribution function reaches a probability; of the means none is 0."""
    from scipy.special import pdtr, pdtrik

    count = np.ceil(pdtrik(probability, mean))
    one_less = np.maximum(count - 1.0, 0.0)
    return np.where(pdtr(one_less, mean) >= probability, one_less, count)  # the inverse is exact but for rounding


class Counter:
    """Draws true Poisson counts, three times as fast as drawing each pixel by itself.

    Notes
    -----
    A Poisson variable of mean m is the sum of two with means k step and m - k step. The first is looked up in its
    tabulated inverse distribution by a 16-bit random number; where 16 bits do not decide between two counts, more are
    drawn. The second has a mean below the step: its few photons are scattered over the pixels by their share. Nothing
    is approximated but the arithmetic.
    """

    def __init__(self) -> None:
        from scipy.special import pdtr  # instruments that never read a plate need not wait for it

        self._table = np.empty((TABLE_ROWS, RANDOM_WORDS), dtype=np.uint8)
        counts = np.arange(UNDECIDED_COUNT - 1)
        for row in range(TABLE_ROWS):
            edges = pdtr(counts, row * TABLE_STEP) * RANDOM_WORDS  # where one count gives way to the next
            below = np.floor(edges).astype(np.int64)
            last = int(np.searchsorted(below, RANDOM_WORDS - 1))
            self._table[row] = np.repeat(counts[: last + 1], np.diff(below[:last], prepend=0, append=RANDOM_WORDS))
            self._table[row, below[: last + 1][below[: last + 1] < RANDOM_WORDS]] = UNDECIDED_COUNT

    def count(self, expected: FrameArray, generator: np.random.Generator) -> FrameArray:
        """Draw the photons that arrive.

        Parameters
        ----------
        expected : ndarray of float32
            Expected photons (rows, columns), not negative.
        generator : numpy.random.Generator
            Draws them.

        Returns
        -------
        ndarray of float32, shape (rows, columns)
            Whole numbers.
        """
        photons = np.empty_like(expected)
        for start in range(0, expected.shape[0], BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            photons[rows] = self._count(expected[rows].ravel(), generator).reshape(photons[rows].shape)
        return photons

    def _count(self, expected: FrameArray, generator: np.random.Generator) -> FrameArray:
        row = (expected * np.float32(1 / TABLE_STEP)).astype(np.int32)
        bright = np.flatnonzero(row >= TABLE_ROWS)
        row[bright] = 0
        word = np.frombuffer(generator.bytes(2 * expected.size), dtype=np.uint16)
        drawn = self._table.ravel().take(row * RANDOM_WORDS + word, mode="clip").astype(np.float32)
        undecided = np.flatnonzero(drawn == UNDECIDED_COUNT)
        exact = (word[undecided] + generator.random(undecided.size)) / RANDOM_WORDS
        drawn[undecided] = _least_count(exact, row[undecided] * TABLE_STEP)
        rest = expected - row * np.float32(TABLE_STEP)
        rest[bright] = 0.0
        up_to = np.cumsum(rest, dtype=np.float64)
        few = generator.poisson(up_to[-1])
        places = np.searchsorted(up_to, generator.random(few) * up_to[-1], side="right")
        drawn += np.bincount(places, minlength=drawn.size)
        drawn[bright] = generator.poisson(expected[bright])
        return drawn


def point_spread(width_px: float, tail: float) -> npt.NDArray[np.float32]:
    """One-dimensional kernel of the reader's point spread, its sum 1.

    Parameters
    ----------
    width_px : float
        Standard deviation of the core [px].
    tail : float
        Fraction in a second Gaussian three times as wide.
    """
    reach = int(np.ceil(6 * width_px))
    offset = np.arange(-reach, reach + 1)
    core = np.exp(-0.5 * (offset / width_px) ** 2)
    wide = np.exp(-0.5 * (offset / (3 * width_px)) ** 2)
    kernel = (1 - tail) * core / core.sum() + tail * wide / wide.sum()
    return kernel.astype(np.float32)


def spread_light(photons: FrameArray, kernel: npt.NDArray[np.float32]) -> FrameArray:
    """Spread an image by a separable kernel; nothing comes from beyond its edges."""
    from scipy.ndimage import correlate1d

    down = correlate1d(photons, kernel, axis=0, mode="constant")
    spread: FrameArray = correlate1d(down, kernel, axis=1, mode="constant")
    return spread
