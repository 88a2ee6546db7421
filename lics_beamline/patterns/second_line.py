"""The second of the two K-alpha lines of an X-ray tube, taken off a pattern, as what follows knows one wavelength.

References
----------
W. A. Rachinger, J. Sci. Instrum. 25, 254 (1948): from the lowest angle on, what the first line has at an angle is known
when the second line of it is met.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from lics_beamline.patterns.pattern import Pattern

SECOND_SHARE: Final = 0.5  # of the first line: of the electrons of the two levels there are two to one
LARGEST_SINE: Final = 1.0 - 1e-12


def without_second_line(pattern: Pattern, second_angstrom: float) -> Pattern:
    """Return a pattern as the first of two wavelengths alone would have made it, its background with it.

    Parameters
    ----------
    pattern : Pattern
        Of the first wavelength, over rising angles; empty points stay empty.
    second_angstrom : float
        The second wavelength, longer and half as strong [angstrom].

    Notes
    -----
    Below the first angle nothing is known: it is taken to go on as it begins, at 2/3 of what is there. Errors are those
    of what is left and of what is taken off, as if they were independent.
    """
    good = np.flatnonzero(np.isfinite(pattern.intensity) & (pattern.sigma > 0.0))
    x = np.radians(pattern.two_theta_deg[good])
    ratio = pattern.wavelength_angstrom / second_angstrom
    there = 2.0 * np.arcsin(np.minimum(np.sin(0.5 * x) * ratio, LARGEST_SINE))  # where the first line has what comes
    share = SECOND_SHARE * ratio * np.cos(0.5 * x) / np.cos(0.5 * there)  # as much light, spread over other steps
    after = np.searchsorted(x, there)
    given, variance = pattern.intensity[good], pattern.sigma[good] ** 2
    left, doubt = given.copy(), variance.copy()
    below = given[0] / (1.0 + SECOND_SHARE)
    for i, k in enumerate(after.tolist()):
        if k == 0:
            left[i] = given[i] - share[i] * below
            doubt[i] = variance[i] + share[i] ** 2 * variance[0]
            continue
        part = (there[i] - x[k - 1]) / (x[k] - x[k - 1])
        if k == i:  # between this point, which is asked for, and the one before
            left[i] = (given[i] - share[i] * (1.0 - part) * left[i - 1]) / (1.0 + share[i] * part)
            doubt[i] = (variance[i] + (share[i] * (1.0 - part)) ** 2 * doubt[i - 1]) / (1.0 + share[i] * part) ** 2
        else:
            left[i] = given[i] - share[i] * ((1.0 - part) * left[k - 1] + part * left[k])
            doubt[i] = variance[i] + share[i] ** 2 * ((1.0 - part) * doubt[k - 1] + part * doubt[k])
    intensity, sigma = pattern.intensity.copy(), pattern.sigma.copy()
    intensity[good], sigma[good] = left, np.sqrt(doubt)
    return replace(pattern, intensity=intensity, sigma=sigma)
