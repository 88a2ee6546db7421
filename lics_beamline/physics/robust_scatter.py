"""The scatter of numbers of which a few may be anything: by their median, so that outliers do not count."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

SIGMA_OVER_MAD: Final = 1.4826  # standard deviation over median absolute deviation, of a normal distribution


def scatter_of(deviations: npt.ArrayLike) -> float:
    """Return the standard deviation about zero of numbers that are normally distributed but for outliers.

    Parameters
    ----------
    deviations : array_like
        Any shape, at least one number, in any unit.

    Returns
    -------
    float
        1.4826 times the median of their magnitudes, in their unit.
    """
    return SIGMA_OVER_MAD * float(np.median(np.abs(deviations)))
