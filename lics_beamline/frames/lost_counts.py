"""Images that are no counts any more: logarithms or roots of them, and counts that ran over the end of their integers.

Both look like images, and give lines with errors that mean nothing. A function of whole numbers is known by undoing it:
whole numbers come out. Counts that ran over have a cliff: pixels near the end of their range beside pixels near zero,
where pixels of three quarters of the range have neighbours of half of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ReductionFailed
from lics_beamline.physics.scaled_counts import scaled_from_counts

LOOKED_AT: Final = 100_000  # pixels that tell ...
WHOLE_LOOKED_AT: Final = 20_000  # ... and of whole numbers, of which only the levels do
LARGEST_LOGARITHM: Final = 64.0  # of counts in 64 bits, to any base from 2
MOST_COUNTS: Final = {4: 1e4, 8: 1e9}  # by bytes: above, a logarithm keeps too few digits to tell whole numbers
INTEGER_SIZES: Final = (2**16, 2**8)  # numbers that unsigned integers have
SIGNED_PART: Final = 0.9  # of the range below zero, that counts which ran over the end of signed ones fill
END_PART: Final = 1.0 / 8.0  # of the range, at either end
MIDDLE_PARTS: Final = (5.0 / 8.0, 6.0 / 8.0)  # of the range: what is so bright beside a smooth ring's top
MARKED_PART: Final = 1.0e-3  # of the range, at its upper end: full pixels and marks of no data
FEWEST_CLIFFS: Final = 50  # neighbouring pixels
CLIFFS_OVER_SLOPES: Final = 8.0  # share of low neighbours of the highest pixels, over that of bright ones


def check_undone(pixels: npt.NDArray[Any], path: Path) -> None:
    """Refuse an image of logarithms or square roots of counts.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        As the file has them.
    path : Path
        The file, for the message.

    Raises
    ------
    ReductionFailed
        If its numbers are whole once that is undone, or some are minus infinity and none is larger than a logarithm.
    """
    if not pixels.size:
        return
    most = MOST_COUNTS.get(pixels.dtype.itemsize, 0.0) if pixels.dtype.kind == "f" else 0.0
    looked_at = LOOKED_AT if most else WHOLE_LOOKED_AT
    some = pixels.ravel()[:: max(1, pixels.size // looked_at)].astype(np.float64)
    # Dividing by a flat that is zero somewhere gives minus infinity too, beside infinity or larger numbers.
    of_zero = bool(np.isneginf(some).any() and np.max(some, initial=0.0, where=~np.isnan(some)) < LARGEST_LOGARITHM)
    some = some[np.isfinite(some)]
    what = scaled_from_counts(some, most_counts=most)
    if what is None and not of_zero:
        return
    seen = f"{what.name} of whole counts" if what else "logarithms: some are minus infinity, as that of no count is"
    undo = what.undo if what else "10**numbers or exp(numbers)"
    raise ReductionFailed(
        f"{path.name} holds {seen}. Intensities and errors need counts: give the image as the detector wrote it, or "
        f"undo it (numpy: {undo}).",
        path=str(path),
    )


def doubt_of_wrapping(pixels: npt.NDArray[Any]) -> tuple[str, ...]:
    """Return what is to be said of counts that ran over the end of their range and began again at zero.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        As the file has them.
    """
    if pixels.dtype.kind not in "iu" or not pixels.size:
        return ()
    most, least = int(pixels.max()), int(pixels.min())
    if least < 0 and (size := next((size for size in INTEGER_SIZES if SIGNED_PART * size < -2 * least <= size), 0)):
        most, pixels = (
            most + size // 2,
            pixels.astype(np.int32) + size // 2,
        )  # beyond the largest, they go on below zero
    size = next((size for size in INTEGER_SIZES if (1.0 - END_PART) * size < most < size), 0)
    if not size:
        return ()
    highest = (pixels > (1.0 - END_PART) * size) & (pixels < (1.0 - MARKED_PART) * size - 1.0)
    bright = (pixels > MIDDLE_PARTS[0] * size) & (pixels < MIDDLE_PARTS[1] * size)
    low = pixels < END_PART * size
    cliffs, slopes = _beside(highest, low), _beside(bright, low)
    share = cliffs / max(int(np.count_nonzero(highest)), 1)
    share_of_bright = max(slopes, 1) / max(int(np.count_nonzero(bright)), 1)
    if cliffs < FEWEST_CLIFFS or share < CLIFFS_OVER_SLOPES * share_of_bright:
        return ()
    first, last = (0, size - 1) if least >= 0 else (-size // 2, size // 2 - 1)
    return (
        f"counts ran over {last} and began again at {first}: {cliffs} of the brightest pixels lie beside ones near "
        "that, and hardly any of those a little less bright. Rings have holes, and are listed as two lines. Save the "
        "image with more bits, or expose for a shorter time.",
    )


def _beside(some: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_]) -> int:
    """Return how many pairs of neighbours there are of one kind and another."""
    pairs = 0
    for first, second in ((some, others), (others, some)):
        pairs += int(np.count_nonzero(first[:-1] & second[1:])) + int(np.count_nonzero(first[:, :-1] & second[:, 1:]))
    return pairs
