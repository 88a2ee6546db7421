"""Images as compiled loops take them: row by row, each pixel once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lics_beamline.frames.counts import Counts


def in_rows(
    frame: Counts, offset: npt.NDArray[np.float32] | None, response: npt.NDArray[np.float32] | None
) -> tuple[Any, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return a frame and what corrects it row by row; what there is none of is empty.

    Parameters
    ----------
    frame : ndarray of int32 or float32
        Counts.
    offset, response : ndarray of float32 or None
        Counts that are none of the sample, and counts read of each one exposed, of every pixel.

    Returns
    -------
    tuple of ndarray
        Frame, offset and response, shape (pixels,), or (0,) where there is none.
    """
    none = np.empty(0, dtype=np.float32)
    taken = none if offset is None else np.ascontiguousarray(offset, dtype=np.float32).ravel()
    answer = none if response is None else np.ascontiguousarray(response, dtype=np.float32).ravel()
    return np.ascontiguousarray(frame).ravel(), taken, answer
