"""Patterns on equal steps of 2theta, which all that counts in bins needs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.patterns.pattern import Pattern

Array = npt.NDArray[np.float64]

UNEVEN_STEP: Final = 0.01  # relative: steps that differ by more are not those of one grid
MOST_STEPS: Final = 0.9  # of all: the others may be gaps
GAP_STEPS: Final = 1.5  # of a step: farther apart, and nothing was measured between


def evenly_spaced(pattern: Pattern) -> Pattern:
    """Return a pattern on equal steps of 2theta, for what counts in bins: the same where its steps are equal.

    Notes
    -----
    The step is the median one. Between points intensities are interpolated; where nothing was measured, bins are empty.
    """
    steps = np.diff(pattern.two_theta_deg)
    step = float(np.median(steps))
    if np.all(np.abs(steps / step - 1.0) < UNEVEN_STEP):
        return pattern
    x = pattern.two_theta_deg
    return on_grid(pattern, x[0] + step * np.arange(int((x[-1] - x[0]) / step) + 1))


def on_grid(pattern: Pattern, two_theta_deg: Array) -> Pattern:
    """Return a pattern on a grid of 2theta [deg] of equal steps; empty where nothing was measured.

    Where the points are those of the grid, they are taken as they are.

    Notes
    -----
    Between points intensities and their errors are interpolated. On a grid r times finer than the points, a sum over
    bins is r times one over points, and its error the root of r times that of independent bins: without that, noise
    would look like lines.
    """
    x, step = pattern.two_theta_deg, float(two_theta_deg[1] - two_theta_deg[0])
    if x.size == two_theta_deg.size and np.all(np.abs(x - two_theta_deg) < UNEVEN_STEP * step):
        return replace(pattern, two_theta_deg=two_theta_deg)
    steps = np.diff(x)
    good = np.isfinite(pattern.intensity) & (pattern.sigma > 0.0)
    known = x[good]
    right = np.clip(np.searchsorted(known, two_theta_deg), 1, known.size - 1)
    usual = float(np.median(steps))
    local = np.interp(two_theta_deg, 0.5 * (x[1:] + x[:-1]), np.minimum(steps, 10.0 * usual))
    apart = known[right] - known[right - 1] > GAP_STEPS * np.maximum(local, usual)
    apart |= (two_theta_deg < known[0] - 0.5 * usual) | (two_theta_deg > known[-1] + 0.5 * usual)
    return replace(
        pattern,
        two_theta_deg=two_theta_deg,
        intensity=np.where(apart, np.nan, np.interp(two_theta_deg, known, pattern.intensity[good])),
        sigma=np.where(apart, np.nan, np.interp(two_theta_deg, known, pattern.sigma[good])),
        correlation=pattern.correlation * math.sqrt(max(1.0, float(np.quantile(steps, MOST_STEPS)) / step)),
        graininess=None,
    )
