"""A number with its statistical error and its systematic ones, term by term, and how it is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredQuantity:
    """A number with its errors.

    Parameters
    ----------
    value : float
        The number.
    statistical : float
        Its statistical standard deviation.
    terms : mapping of str to float
        Its systematic standard deviations by name, independent of each other and common to all points.
    """

    value: float
    statistical: float
    terms: Mapping[str, float]

    @property
    def systematic(self) -> float:
        """Systematic standard deviation: the terms in quadrature."""
        return math.hypot(*self.terms.values())

    @property
    def sigma(self) -> float:
        """Standard deviation of all kinds."""
        return math.hypot(self.statistical, self.systematic)

    def largest(self, count: int = 3) -> tuple[str, ...]:
        """Return the names of the largest systematic terms, the largest first, those that matter."""
        ordered = sorted(self.terms, key=lambda name: -self.terms[name])
        return tuple(name for name in ordered[:count] if self.terms[name] > 0.1 * self.systematic)


def written(value: float, sigma: float) -> str:
    """Write a number with its standard uncertainty, as in a CIF: ``3.489(3)``; without one where it is 0 or NaN."""
    if not sigma > 0.0:
        return f"{value:g}"
    digits = max(0, 1 - math.floor(math.log10(sigma)))
    if round(sigma * 10**digits) >= 20 and digits > 0:
        digits -= 1
    return f"{value:.{digits}f}({sigma * 10**digits:.0f})" if digits else f"{value:.0f}({sigma:.0f})"
