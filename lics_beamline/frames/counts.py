"""The counts of an image, and the mark of a pixel that is not to be used."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int32] | npt.NDArray[np.float32]

MASKED_COUNT: Final = -(2**31)  # written where a mask says so: no noise about zero reaches it


def dead(counts: Counts, bad: npt.NDArray[np.bool_]) -> Counts:
    """Return counts with some pixels marked as dead.

    Parameters
    ----------
    counts : ndarray of int32 or float32, shape (rows, columns)
        Of an image.
    bad : ndarray of bool, shape (rows, columns)
        True where a pixel is not to be used.
    """
    marked: Counts = counts.copy()
    marked[bad] = np.nan if counts.dtype.kind == "f" else MASKED_COUNT
    return marked
