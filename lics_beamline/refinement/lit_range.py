"""Which part of a pattern the cell lets through: its seats cut the outer rings, and no background follows that edge."""

from __future__ import annotations

from typing import Final

import numpy as np

from lics_beamline.errors import RefinementFailed
from lics_beamline.patterns.pattern import Pattern

WINDOW_DEG: Final = 1.0  # medians over this much: rings fill less than half of it
FALL_PER_DEG: Final = 0.06  # air and Compton scattering change by 2 % a degree out there, a seat's edge by tens
MARGIN_DEG: Final = 0.5  # the edge is felt before it shows in a median


def lit_range(pattern: Pattern) -> tuple[float, float]:
    """Range of angles before the edge of the seats [deg].

    Parameters
    ----------
    pattern : Pattern
        The pattern.

    Returns
    -------
    tuple of float
        Lowest and highest angle to be used [deg].

    Raises
    ------
    RefinementFailed
        If the pattern has too few bins with intensity.
    """
    good = np.isfinite(pattern.intensity) & (pattern.sigma > 0.0)
    x, y = pattern.two_theta_deg[good], pattern.intensity[good]
    if x.size < 100 or x[-1] - x[0] < 4.0 * WINDOW_DEG:
        raise RefinementFailed(
            f"{x.size} bins of the pattern have an intensity: too little to refine anything. Look at the image.",
            bins=int(x.size),
        )
    edges = np.arange(x[0], x[-1], 0.5 * WINDOW_DEG)
    level = np.array([np.median(y[(x >= low) & (x < low + WINDOW_DEG)]) for low in edges if low + WINDOW_DEG <= x[-1]])
    falling = np.diff(level) / level[:-1] < -0.5 * WINDOW_DEG * FALL_PER_DEG
    outer = edges[: falling.size] > 0.5 * (x[0] + x[-1])
    both = falling & np.append(falling[1:], True) & outer
    high = float(x[-1]) if not both.any() else float(edges[int(np.argmax(both))]) + WINDOW_DEG - MARGIN_DEG
    return float(x[0]), high
