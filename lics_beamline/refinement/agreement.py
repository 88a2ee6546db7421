"""How well a calculated pattern agrees with an observed one: R factors and chi^2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement of two patterns; R factors as fractions.

    Parameters
    ----------
    r_wp, r_p : float
        Weighted and plain R of the pattern as measured: a high background makes them small whatever the model is.
    r_wp_subtracted, r_p_subtracted : float
        The same with the background taken from the denominator: what tells models apart.
    r_expected_subtracted : float
        The smallest weighted R that the errors allow, background taken off.
    chi_squared : float
        Reduced chi^2.
    bins : int
        Bins compared.
    """

    r_wp: float
    r_p: float
    r_wp_subtracted: float
    r_p_subtracted: float
    r_expected_subtracted: float
    chi_squared: float
    bins: int


def agreement(observed: Array, calculated: Array, background: Array, sigma: Array, *, free: int) -> Agreement:
    """Compare two patterns.

    Parameters
    ----------
    observed, calculated, background, sigma : ndarray, shape (bins,)
        Intensities, the part of the calculated ones that is background, and standard errors of the observed.
    free : int
        Numbers refined.

    References
    ----------
    L. B. McCusker et al., J. Appl. Cryst. 32, 36 (1999), doi 10.1107/S0021889898009856, section 4.
    """
    difference, signal = observed - calculated, observed - background
    misfit = float(np.sum((difference / sigma) ** 2))
    weighted = float(np.sum((signal / sigma) ** 2))
    freedom = max(observed.size - free, 1)
    return Agreement(
        r_wp=float(np.sqrt(misfit / np.sum((observed / sigma) ** 2))),
        r_p=float(np.sum(np.abs(difference)) / np.sum(np.abs(observed))),
        r_wp_subtracted=float(np.sqrt(misfit / weighted)),
        r_p_subtracted=float(np.sum(np.abs(difference)) / np.sum(np.abs(signal))),
        r_expected_subtracted=float(np.sqrt(freedom / weighted)),
        chi_squared=misfit / freedom,
        bins=observed.size,
    )
