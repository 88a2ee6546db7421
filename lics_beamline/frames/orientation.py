"""Which way up an image is stored, as pyFAI counts: 3 as it takes it by default, 2 up-down, 4 left-right, 1 both."""

from __future__ import annotations

from typing import Any, Final

import numpy.typing as npt

FLIPS: Final = {1: (True, True), 2: (True, False), 3: (False, False), 4: (False, True)}  # rows, columns against 3
FLIP_WORDS: Final = {
    1: "turned by 180 degrees",
    2: "flipped up-down",
    3: "as stored",
    4: "flipped left-right",
}


def oriented(image: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Return an image stored in some orientation as it would be in orientation 3; its own inverse.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Any image.
    orientation : int
        1 to 4, as pyFAI counts.
    """
    rows, columns = FLIPS[orientation]
    return image[:: -1 if rows else 1, :: -1 if columns else 1]
