"""The pseudo-Voigt line with its derivatives, for ruby lines and powder peaks alike."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SIGMA_OF_FWHM: Final = 1.0 / math.sqrt(8.0 * math.log(2.0))  # of a Gaussian


class LineShape(NamedTuple):
    """A line of height 1 and its slopes, all of the shape of `u`."""

    value: Array
    by_u: Array
    by_mixing: Array


def pseudo_voigt(u: Array, mixing: float | Array) -> LineShape:
    """Pseudo-Voigt line of height 1.

    Parameters
    ----------
    u : ndarray
        Distance from the centre in half widths at half height.
    mixing : float or ndarray
        Lorentz fraction, the same or one for each `u`; 0 is a Gaussian, 1 a Lorentzian. Both have the same width.

    Notes
    -----
    ``m / (1 + u^2) + (1 - m) exp(-ln 2 u^2)``
    """
    lorentz = 1.0 / (1.0 + u * u)
    gauss = np.exp(-math.log(2.0) * u * u)
    return LineShape(
        value=mixing * lorentz + (1.0 - mixing) * gauss,
        by_u=-2.0 * u * (mixing * lorentz**2 + (1.0 - mixing) * math.log(2.0) * gauss),
        by_mixing=lorentz - gauss,
    )


def area_of_unit_line(fwhm: float, mixing: float) -> float:
    """Area of a pseudo-Voigt of height 1, in the unit of `fwhm`."""
    return fwhm * (mixing * math.pi / 2.0 + (1.0 - mixing) * math.sqrt(math.pi / (4.0 * math.log(2.0))))
