"""Sums over the blocks of a frame, in one compiled pass. Import it where it is used: that takes a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lics_beamline.frames.counts import Counts
from lics_beamline.lines.compilation import compiled

Array = npt.NDArray[np.float64]


def block_sums(frame: Counts, bad: npt.NDArray[np.bool_] | None, *, side_px: int) -> tuple[Array, Array]:
    """Return the counts and the pixels of each whole block of a frame, without the bad pixels; row by row."""
    rows, columns = (size // side_px for size in frame.shape)
    counts, pixels = np.zeros(rows * columns), np.zeros(rows * columns)
    if bad is None and frame.dtype.kind == "i":
        _add_up_whole(np.ascontiguousarray(frame), side_px, rows, columns, counts)
        return counts, np.full(rows * columns, float(side_px**2))
    none = np.zeros((0, 0), dtype=bool)
    _add_up(np.ascontiguousarray(frame), none if bad is None else bad, side_px, rows, columns, counts, pixels)
    return counts, pixels


@compiled
def _add_up(frame: Any, bad: Any, side_px: int, rows: int, columns: int, counts: Any, pixels: Any) -> None:
    for row in range(rows * side_px):
        first = row // side_px * columns
        for column in range(columns):
            total, seen = 0.0, 0
            for place in range(column * side_px, (column + 1) * side_px):
                if bad.size == 0 or not bad[row, place]:
                    total += np.float64(frame[row, place])
                    seen += 1
            counts[first + column] += total
            pixels[first + column] += seen


@compiled
def _add_up_whole(frame: Any, side_px: int, rows: int, columns: int, counts: Any) -> None:
    """Add up whole numbers, all of which count: row upon row first, many pixels at a time."""
    line = np.empty(columns * side_px, dtype=np.int64)
    for block in range(rows):
        line[:] = 0
        for row in range(block * side_px, (block + 1) * side_px):
            for place in range(line.size):
                line[place] += frame[row, place]
        for column in range(columns):
            total = 0
            for place in range(column * side_px, (column + 1) * side_px):
                total += line[place]
            counts[block * columns + column] = total


@compiled
def medians(values: Any, starts: Any, median: Any) -> None:
    """Write the median of each part of `values`, which begins where `starts` says; NaN where one of it is NaN."""
    for number in range(median.size):
        median[number] = np.median(values[starts[number] : starts[number + 1]])
