"""Whether numbers are logarithms or roots of whole counts: undone, they are whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# By the name of what was done: how it is undone, and how a person undoes it. That of one count more gives it too.
UNDONE: Final[dict[str, tuple[Callable[[Array], Array], str]]] = {
    "decimal logarithms": (lambda value: 10.0**value, "10**numbers"),
    "natural logarithms": (np.exp, "exp(numbers)"),
    "binary logarithms": (np.exp2, "exp2(numbers)"),
    "square roots": (np.square, "numbers**2"),
}
MOST_COUNTS_IN_TEXT: Final = 1000.0  # above, a logarithm of six digits is no whole count any more
FEWEST_COUNTS: Final = 1.5  # of a pixel that tells: 0 and 1 are their own roots
FEWEST_VALUES: Final = 8  # different numbers; fewer are whole by chance
WHOLE_WITHIN: Final = 0.02  # of a whole number
WHOLE_SHARE: Final = 0.99  # of the pixels that tell


def scaled_from_counts(some: Array, *, most_counts: float) -> str:
    """Return what was done to counts, by its name in `UNDONE`; empty where these are counts, or nothing tells.

    Parameters
    ----------
    some : ndarray of float64
        Numbers of an image or a pattern, all finite.
    most_counts : float
        Counts above which they have too few digits to tell.
    """
    return next((name for name, (undo, _) in UNDONE.items() if _is_whole(some, undo, most_counts)), "")


def _is_whole(some: Array, undo: Callable[[Array], Array], most: float) -> bool:
    """Tell whether numbers that are not whole become whole by a function."""
    with np.errstate(over="ignore"):
        counts = undo(np.clip(some, -1.0, 100.0))
    telling = (counts > FEWEST_COUNTS) & (counts < most) & (some > 0.0)
    counts, given = counts[telling], some[telling]
    whole = np.abs(counts - np.rint(counts)) < WHOLE_WITHIN
    if np.count_nonzero(whole) < WHOLE_SHARE * max(whole.size, FEWEST_VALUES):
        return False
    return np.unique(np.rint(counts)).size >= FEWEST_VALUES and bool(np.mean(given == np.rint(given)) < 0.5)
