"""Whether numbers are logarithms or roots of whole counts: undone, they are whole.

Two ways tell. By a function of the tables the numbers themselves become whole; times some factor, or rounded, the
levels that they have lie apart as those of logarithms and roots do. Counts by a monitor, a time or any other factor
have levels at equal distances, whatever they become by a function: times the root of two, squares are whole too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
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
LARGEST_UNDONE: Final = 100.0  # its exponential is beyond all counts, its square has few digits left
WHOLE_WITHIN: Final = 0.02  # of a whole number
WHOLE_SHARE: Final = 0.99  # of the pixels that tell
EVEN_LEVELS: Final = 64  # the lowest, that tell whether they lie at equal distances ...
EVEN_RANGE: Final = 1.5  # ... if they reach from one to so many times as much: a bit of any curve is straight
LEVEL_WITHIN: Final = 0.1  # of the distance between levels
SAME_LEVEL: Final = 1e-6  # relative: sums of 32 bits in another order
WINDOW_LEVELS: Final = (25, 13, 7)  # neighbouring ones that tell how distances shrink ...
LEAST_SHRINKING: Final = (1.03, 1.05, 1.2)  # ... by: the first half over the second, for each; 1 of counts
LEAST_HELD: Final = 4  # numbers at most of these levels: towards the first ones of a tail, distances shrink too
WINDOW_PLACES: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)  # of all numbers, that lie below a window
CLOSEST_COUNTS: Final = 0.5  # fewest counts at the first level of a window
MOST_OF_WINDOW: Final = 100.0  # windows from no counts to the first level; beyond, distances hardly shrink


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledCounts:
    """What was done to counts.

    Parameters
    ----------
    name : str
        In words, plural.
    undo : str
        How a person undoes it, for numpy.
    """

    name: str
    undo: str


def scaled_from_counts(some: Array, *, most_counts: float) -> ScaledCounts | None:
    """Return what was done to counts; nothing where these are counts, or nothing tells.

    Parameters
    ----------
    some : ndarray of float64
        Numbers of an image or a pattern, all finite.
    most_counts : float
        Counts above which they have too few digits to tell; 0 where only their levels do.
    """
    value = np.sort(some[some > 0.0])
    levels = value[np.append(True, np.diff(value) > SAME_LEVEL * value[1:])] if value.size else value
    if levels.size < FEWEST_VALUES or _are_even(levels[:EVEN_LEVELS]):
        return None
    for name, (undo, words) in UNDONE.items() if most_counts else ():
        if _is_whole(some, undo, most_counts):
            return ScaledCounts(name=name, undo=words)
    below = np.searchsorted(value, levels * (1.0 - SAME_LEVEL))
    held = np.diff(below, append=value.size)
    for size, least in zip(WINDOW_LEVELS, LEAST_SHRINKING, strict=True):
        for place in WINDOW_PLACES:
            first = int(np.searchsorted(levels, value[int(place * (value.size - 1))], side="right")) - 1
            window = slice(max(first, 0), max(first, 0) + size)
            if levels[window].size == size and np.median(held[window]) >= LEAST_HELD:
                found = _shrinking(levels[window], least)
                if found:
                    return found
    return None


def _is_whole(some: Array, undo: Callable[[Array], Array], most: float) -> bool:
    """Tell whether numbers that are not whole become whole by a function."""
    given = some[(some > 0.0) & (some < LARGEST_UNDONE)]
    counts = undo(given)
    telling = (counts > FEWEST_COUNTS) & (counts < most)
    counts, given = counts[telling], given[telling]
    whole = np.abs(counts - np.rint(counts)) < WHOLE_WITHIN
    if np.count_nonzero(whole) < WHOLE_SHARE * max(whole.size, FEWEST_VALUES):
        return False
    return np.unique(np.rint(counts)).size >= FEWEST_VALUES and bool(np.mean(given == np.rint(given)) < 0.5)


def _are_even(levels: Array) -> bool:
    """Tell whether levels lie on a grid, with some of its places empty."""
    if levels[-1] < EVEN_RANGE * levels[0]:
        return False
    above = levels[1:] - levels[0]
    step = float(np.diff(levels).min())
    for each in above:  # the farther, the better the step is known
        step = each / max(round(each / step), 1)
    return bool(np.all(np.abs(above / step - np.rint(above / step)) < LEVEL_WITHIN))


def _shrinking(levels: Array, least: float) -> ScaledCounts | None:
    """Return which function of neighbouring whole numbers some levels are, up to a factor."""
    size = levels.size
    half, number = size // 2, np.arange(size)
    ratio = (levels[half] - levels[0]) / (levels[-1] - levels[half])
    if ratio < least:
        return None
    squares = np.square(levels) - levels[0] ** 2
    if np.abs(squares / squares[-1] * (size - 1) - number).max() < LEVEL_WITHIN:
        factor = math.sqrt(squares[-1] / (size - 1))
        return ScaledCounts(name=f"square roots, times {factor:.4g},", undo=f"(numbers / {factor:.4g})**2")
    counts = _counts_below(ratio, half)
    factor = (levels[-1] - levels[0]) / math.log1p((size - 1) / counts)
    if np.abs(counts * np.expm1((levels - levels[0]) / factor) - number).max() < LEVEL_WITHIN:
        return ScaledCounts(name=f"logarithms, times {factor:.4g},", undo=f"exp(numbers / {factor:.4g})")
    return None


def _counts_below(ratio: float, half: int) -> float:
    """Return the count of which the logarithms of those on to `half` and to twice that have this ratio of distances."""
    from scipy.optimize import brentq

    def excess(counts: float) -> float:
        return math.log1p(half / counts) - ratio * math.log1p(half / (counts + half))

    low, high = CLOSEST_COUNTS, MOST_OF_WINDOW * half
    if excess(low) * excess(high) > 0.0:
        return low if excess(low) < 0.0 else high
    return float(brentq(excess, low, high))
