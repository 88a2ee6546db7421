"""Width and shape of powder lines over the scattering angle: the pseudo-Voigt of Thompson, Cox and Hastings.

It stands for a Voigt line, which it meets to 0.4 % in width and 1 to 2 % in area, drifting with the angle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Coefficients of the width and of the mixing: P. Thompson, D. E. Cox, J. B. Hastings, J. Appl. Cryst. 20, 79 (1987),
# doi 10.1107/S0021889887087090, eq. (12) and (13).
WIDTH_TERMS: Final = (1.0, 2.69269, 2.42843, 4.47163, 0.07842, 1.0)
MIXING_TERMS: Final = (1.36603, -0.47719, 0.11116)
NARROWEST_DEG2: Final = 1e-9  # a line has some width, wherever the search goes; 3e-5 deg is below any instrument's


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWidths:
    """Widths of powder lines.

    Parameters
    ----------
    u_deg2, v_deg2, w_deg2 : float
        Gaussian FWHM^2 = u tan^2(theta) + v tan(theta) + w [deg^2] (Caglioti, Paoletti and Ricci 1958).
    x_deg, y_deg : float
        Lorentzian FWHM = x / cos(theta) + y tan(theta) [deg]: size and strain.

    Notes
    -----
    The defaults suit an image plate at a third of a metre.
    """

    u_deg2: float = 0.0
    v_deg2: float = 0.0
    w_deg2: float = 0.003
    x_deg: float = 0.01
    y_deg: float = 0.03

    @property
    def numbers(self) -> tuple[float, ...]:
        """The widths in the order of `NAMES`."""
        return (self.u_deg2, self.v_deg2, self.w_deg2, self.x_deg, self.y_deg)


NAMES: Final = ("u", "v", "w", "x", "y")


class Shapes(NamedTuple):
    """FWHM [deg] and Lorentz fraction of lines, shape (lines,), and their slopes, shape (5, lines), by each width."""

    fwhm_deg: Array
    mixing: Array
    fwhm_slopes: Array
    mixing_slopes: Array


def shapes(numbers: npt.ArrayLike, two_theta_deg: Array) -> Shapes:
    """Width and mixing of lines at scattering angles.

    Parameters
    ----------
    numbers : array_like, shape (5,) or (5, lines)
        The widths in the order of `NAMES`, the same or one for each line.
    two_theta_deg : ndarray, shape (lines,)
        Where the lines are [deg].
    """
    u, v, w, x, y = np.asarray(numbers, dtype=np.float64)
    half = np.radians(two_theta_deg) / 2.0
    tangent, secant, one = np.tan(half), 1.0 / np.cos(half), np.ones_like(half)
    squared = np.maximum(u * tangent**2 + v * tangent + w, NARROWEST_DEG2)
    gauss = np.sqrt(squared)
    lorentz = np.maximum(x * secant + y * tangent, 0.0)
    terms = [c * gauss ** (5 - n) * lorentz**n for n, c in enumerate(WIDTH_TERMS)]
    fwhm = sum(terms) ** 0.2
    by_gauss = sum((5 - n) * c * gauss ** (4 - n) * lorentz**n for n, c in enumerate(WIDTH_TERMS) if n < 5) / (
        5 * fwhm**4
    )
    by_lorentz = sum(n * c * gauss ** (5 - n) * lorentz ** (n - 1) for n, c in enumerate(WIDTH_TERMS) if n) / (
        5 * fwhm**4
    )
    q = lorentz / fwhm
    mixing = MIXING_TERMS[0] * q + MIXING_TERMS[1] * q**2 + MIXING_TERMS[2] * q**3
    by_q = MIXING_TERMS[0] + 2 * MIXING_TERMS[1] * q + 3 * MIXING_TERMS[2] * q**2
    gauss_slopes = np.stack([tangent**2, tangent, one]) / (2.0 * gauss)
    lorentz_slopes = np.stack([secant, tangent])
    fwhm_slopes = np.concatenate([gauss_slopes * by_gauss, lorentz_slopes * by_lorentz])
    q_by_gauss, q_by_lorentz = -q / fwhm * by_gauss, (1.0 - q * by_lorentz) / fwhm
    mixing_slopes = by_q * np.concatenate([gauss_slopes * q_by_gauss, lorentz_slopes * q_by_lorentz])
    return Shapes(fwhm_deg=fwhm, mixing=mixing, fwhm_slopes=fwhm_slopes, mixing_slopes=mixing_slopes)
