"""How much the areas of lines say for a phase, in a pattern that has lines of others where nobody knows of them.

A line of a phase that is there has about the area that its structure gives it, and more where a line of another phase
lies upon it. Where the phase is not there, a line has no area, or that of another phase which happens to lie there. So
a line that is too strong says nothing, one that is too weak speaks against the phase, and one that is as it should be
speaks for it: the more, the fewer lines there are that could be there by chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

BY_CHANCE_FWHM: Final = 0.5  # a line of another phase so near to one adds its light to it
LEAST_CHANCE: Final = 0.05  # that another line lies upon one: lines are lost among the peaks, and peaks are none
MOST_CHANCE: Final = 0.7  # the same: where lines lie on each other, some are taken for one
LEAST_AREA_SPREAD: Final = 1.0  # of the logarithm of the areas of lines nobody knows of
ODD_SHARE: Final = 0.1  # of lines whose areas are not as said: single grains, wings of strong lines, spots
ODD_RANGE: Final = 4.0  # times the area that is due, over which such an area may be


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLines:
    """Lines of a pattern that nobody knows of.

    Parameters
    ----------
    chance : float
        That one lies upon a given line.
    log_area, log_area_spread : float
        Mean and standard deviation of the logarithms of their areas.
    """

    chance: float
    log_area: float
    log_area_spread: float

    @classmethod
    def of(cls, area: Array, fwhm_deg: Array, range_deg: float) -> OtherLines:
        """Return what is to be expected of the lines that some peaks are.

        Parameters
        ----------
        area : ndarray, shape (peaks,)
            Their areas.
        fwhm_deg : ndarray, shape (peaks,)
            Their widths [deg].
        range_deg : float
            Length of the pattern [deg].
        """
        chance = 2.0 * BY_CHANCE_FWHM * float(fwhm_deg.sum()) / range_deg
        logarithm = np.log(area[area > 0.0]) if np.any(area > 0.0) else np.zeros(1)
        return cls(
            chance=min(max(chance, LEAST_CHANCE), MOST_CHANCE),
            log_area=float(np.mean(logarithm)),
            log_area_spread=max(float(np.std(logarithm)), LEAST_AREA_SPREAD),
        )

    def density(self, area: Array) -> Array:
        """Return how likely areas are, per unit of area."""
        away = (np.log(area) - self.log_area) / self.log_area_spread
        return np.asarray(np.exp(-0.5 * away**2) / (math.sqrt(2.0 * math.pi) * self.log_area_spread * area))


def line_evidence(area: Array, sigma: Array, due: Array, *, texture: float, others: OtherLines) -> Array:
    """Return the logarithm of how much likelier each area is with the phase there than without.

    Parameters
    ----------
    area, sigma : ndarray, shape (lines,)
        Areas of lines and their standard deviations.
    due : ndarray, shape (lines,)
        Areas by structure and scale.
    texture : float
        Relative spread of areas about these.
    others : OtherLines
        Lines that nobody knows of.
    """
    spread = np.hypot(texture * due, sigma)
    odd = ODD_SHARE / (ODD_RANGE * due + spread)
    as_due = (1.0 - ODD_SHARE) * _normal(area - due, spread) + odd
    more = others.density(np.maximum(area - due, spread)) * (area > due - spread)
    none = (1.0 - ODD_SHARE) * _normal(area, sigma) + ODD_SHARE / (ODD_RANGE * due + sigma)
    by_chance = others.density(np.maximum(area, sigma)) * (area > -sigma)
    with_phase = (1.0 - others.chance) * as_due + others.chance * more
    without = (1.0 - others.chance) * none + others.chance * by_chance
    return np.asarray(np.log(with_phase / without))


def _normal(value: Array, sigma: Array) -> Array:
    return np.asarray(np.exp(-0.5 * (value / sigma) ** 2) / (math.sqrt(2.0 * math.pi) * sigma))
