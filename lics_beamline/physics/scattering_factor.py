"""How strongly an atom scatters X-rays: form factor and dispersion, in electrons."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import OutsideCalibration
from lics_beamline.units import energy_kev_from_wavelength

FloatArray = npt.NDArray[np.float64]

LARGEST_S: Final = 6.0  # 1/angstrom, range of the fit: Waasmaier and Kirfel (1995)


def form_factor(element: str, s_per_angstrom: FloatArray) -> FloatArray:
    """Form factor of an atom at rest [electrons], without dispersion.

    Parameters
    ----------
    element : str
        Chemical symbol, or an ion: ``"Cs"``, ``"Cs1+"``.
    s_per_angstrom : ndarray
        sin(theta)/lambda [1/angstrom], 0 to 6.

    Raises
    ------
    OutsideCalibration
        The atom is not in the table, or s is beyond it.

    References
    ----------
    D. Waasmaier and A. Kirfel, Acta Cryst. A51, 416-431 (1995), doi:10.1107/S0108767394013292, as in xraydb.
    """
    import xraydb

    s = np.atleast_1d(np.asarray(s_per_angstrom, dtype=np.float64))
    if s.size and float(s.max()) > LARGEST_S:
        raise OutsideCalibration(
            f"sin(theta)/lambda = {float(s.max()):.3g} per angstrom, form factors are tabulated to {LARGEST_S:g}. "
            "Leave those reflections out.",
            s_per_angstrom=float(s.max()),
        )
    try:
        return np.asarray(xraydb.f0(_by_charge(element), s), dtype=np.float64)
    except ValueError as error:
        raise OutsideCalibration(
            f"there is no form factor of {element!r}. Write a chemical symbol, or an ion like 'Cs1+'.", element=element
        ) from error


def dispersion(element: str, wavelength_angstrom: float) -> complex:
    """F' + i f'' of an atom [electrons].

    Parameters
    ----------
    element : str
        Chemical symbol.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].

    References
    ----------
    C. T. Chantler, J. Phys. Chem. Ref. Data 29, 597-1048 (2000), doi:10.1063/1.1321055, as in xraydb.
    """
    import xraydb

    energy_ev = 1000.0 * energy_kev_from_wavelength(wavelength_angstrom)
    symbol = _by_charge(element.rstrip("0123456789+-"))
    return complex(float(xraydb.f1_chantler(symbol, energy_ev)), float(xraydb.f2_chantler(symbol, energy_ev)))


def electrons(element: str) -> int:
    """Electrons of a neutral atom."""
    import xraydb

    return int(xraydb.atomic_number(_by_charge(element.rstrip("0123456789+-"))))


def _by_charge(element: str) -> str:
    """Return the element whose electrons an isotope has: those of deuterium scatter X-rays as those of hydrogen."""
    return "H" if element == "D" else element
