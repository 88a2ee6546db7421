"""Cells of the simulated phases at pressure [GPa] and temperature [K]: alloy, elements, gasket; in angstrom."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

REFERENCE_K: Final = 298.0  # temperature of the cold isotherms; design value of the world


def vinet_gpa(compression: float, k0_gpa: float, k0_prime: float) -> float:
    """Pressure of the Vinet equation of state.

    Parameters
    ----------
    compression : float
        V/V0; 1 at zero pressure.
    k0_gpa, k0_prime : float
        Bulk modulus [GPa] at zero pressure and its pressure derivative.

    References
    ----------
    Vinet et al., J. Geophys. Res. 92, 9319 (1987).
    """
    x = math.cbrt(compression)
    return 3.0 * k0_gpa * (1.0 - x) / x**2 * math.exp(1.5 * (k0_prime - 1.0) * (1.0 - x))


def birch_murnaghan_gpa(compression: float, k0_gpa: float, k0_prime: float) -> float:
    """Pressure of the third-order Birch-Murnaghan equation of state (Birch, Phys. Rev. 71, 809 (1947))."""
    y = math.cbrt(1.0 / compression)
    return 1.5 * k0_gpa * (y**7 - y**5) * (1.0 + 0.75 * (k0_prime - 4.0) * (y**2 - 1.0))


def compression_at(pressure_of: Callable[[float], float], pressure_gpa: float) -> float:
    """V/V0 at which a falling pressure curve has the value `pressure_gpa`, by bisection to 1e-12.

    Raises
    ------
    ValueError
        If the pressure lies outside what V/V0 between 0.3 and 1.3 can give.
    """
    low, high = 0.3, 1.3
    if not pressure_of(high) <= pressure_gpa <= pressure_of(low):
        raise ValueError(
            f"no volume between 0.3 and 1.3 V0 has {pressure_gpa:.3f} GPa. Check the equation of state in the preset."
        )
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        if pressure_of(middle) > pressure_gpa:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalPressureAlloy:
    """Cubic alloy whose temperature enters as a pressure linear in T and in V.

    Parameters
    ----------
    a0_angstrom, k0_gpa, k0_prime : float
        Vinet isotherm at 298 K.
    b0_gpa_per_k, b1_gpa_per_k : float
        Thermal pressure per kelvin at V = 45 A^3, and its slope in V/45.

    Notes
    -----
    ``P(V, T) = Vinet(V) + (b0 + b1 (V/45 - 1)) (T - 298)``
    """

    form: ClassVar[str] = "thermal_pressure"
    a0_angstrom: float
    k0_gpa: float
    k0_prime: float
    b0_gpa_per_k: float
    b1_gpa_per_k: float

    def a_angstrom(self, pressure_gpa: float, temperature_k: float) -> float:
        """Lattice parameter [angstrom] at pressure [GPa] and temperature [K]."""
        v0 = self.a0_angstrom**3
        warm = temperature_k - REFERENCE_K

        def pressure_of(compression: float) -> float:
            thermal = self.b0_gpa_per_k + self.b1_gpa_per_k * (compression * v0 / 45.0 - 1.0)
            return vinet_gpa(compression, self.k0_gpa, self.k0_prime) + thermal * warm

        return math.cbrt(compression_at(pressure_of, pressure_gpa) * v0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoIsothermAlloy:
    """Cubic alloy known at two temperatures, its lattice parameter linear in T between and beyond them.

    Parameters
    ----------
    cold_a0_angstrom, cold_k0_gpa, cold_k0_prime : float
        Vinet isotherm at 298 K.
    hot_a0_angstrom, hot_k0_gpa, hot_k0_prime, hot_k : float
        Vinet isotherm at `hot_k` [K].
    """

    form: ClassVar[str] = "two_isotherms"
    cold_a0_angstrom: float
    cold_k0_gpa: float
    cold_k0_prime: float
    hot_a0_angstrom: float
    hot_k0_gpa: float
    hot_k0_prime: float
    hot_k: float

    def a_angstrom(self, pressure_gpa: float, temperature_k: float) -> float:
        """Lattice parameter [angstrom] at pressure [GPa] and temperature [K]."""
        cold = self.cold_a0_angstrom * math.cbrt(
            compression_at(lambda v: vinet_gpa(v, self.cold_k0_gpa, self.cold_k0_prime), pressure_gpa)
        )
        hot = self.hot_a0_angstrom * math.cbrt(
            compression_at(lambda v: vinet_gpa(v, self.hot_k0_gpa, self.hot_k0_prime), pressure_gpa)
        )
        return cold + (hot - cold) * (temperature_k - REFERENCE_K) / (self.hot_k - REFERENCE_K)


# Elements: engineering values of this world, from memory of the literature named; not for use as a pressure scale.
LI_V0: Final = 21.56  # A^3 an atom at 298 K, bcc; Anderson & Swenson, Phys. Rev. B 31, 668 (1985), rounded
LI_K0: Final = 11.57  # GPa, as above
LI_K0_PRIME: Final = 3.4  # as above
LI_THERMAL: Final = 1.6e-3  # GPa/K: volume expansion 1.4e-4 /K times K0, engineering value
CS_V0: Final = 115.8  # A^3 an atom at 298 K, bcc; Anderson & Swenson (1985), rounded
CS_K0: Final = 1.70  # GPa, as above
CS_K0_PRIME: Final = 3.85  # as above
CS_THERMAL: Final = 4.9e-4  # GPa/K: volume expansion 2.9e-4 /K times K0, engineering value
CS_FCC_COLLAPSE: Final = 0.99  # V(Cs-II)/V(Cs-I) at the transition, engineering value
CS_FCC_FROM_GPA: Final = 2.37  # Cs-I to Cs-II; Kennedy, Jayaraman & Newton, Phys. Rev. 126, 1363 (1962)
CS_MELT_SWELLING: Final = 1.026  # V(liquid)/V(solid), engineering value
# Melting curve of Cs, K at GPa, with its two maxima and the dip; read from memory of Jayaraman, Newton & McDonough,
# Phys. Rev. 159, 527 (1967): engineering values, made so that Cs is liquid at 498 K up to about 5 GPa.
CS_MELTING: Final = ((0.0, 302.0), (1.0, 405.0), (2.25, 469.0), (3.05, 471.0), (4.2, 361.0), (5.0, 498.0), (8.0, 750.0))
RE_A: Final = 2.761  # angstrom, hcp at 298 K; JCPDS 05-0702
RE_C: Final = 4.456  # angstrom, as above
RE_K0: Final = 352.6  # GPa; Anzellini et al., J. Appl. Phys. 115, 043511 (2014)
RE_K0_PRIME: Final = 4.56  # as above
RE_THERMAL: Final = 6.5e-3  # GPa/K: volume expansion 1.85e-5 /K times K0, engineering value


def li_volume(pressure_gpa: float, temperature_k: float) -> float:
    """Volume of an atom of bcc lithium [A^3]."""
    cold_gpa = pressure_gpa - LI_THERMAL * (temperature_k - REFERENCE_K)
    return LI_V0 * compression_at(lambda v: birch_murnaghan_gpa(v, LI_K0, LI_K0_PRIME), cold_gpa)


def cs_volume(pressure_gpa: float, temperature_k: float) -> float:
    """Volume of an atom of bcc caesium [A^3], continued beyond where it is stable."""
    cold_gpa = pressure_gpa - CS_THERMAL * (temperature_k - REFERENCE_K)
    return CS_V0 * compression_at(lambda v: vinet_gpa(v, CS_K0, CS_K0_PRIME), cold_gpa)


def cs_melting_k(pressure_gpa: float) -> float:
    """Melting temperature of caesium [K], straight lines between points."""
    before = CS_MELTING[0]
    if pressure_gpa <= before[0]:
        return before[1]
    for after in CS_MELTING[1:]:
        if pressure_gpa <= after[0]:
            return before[1] + (after[1] - before[1]) * (pressure_gpa - before[0]) / (after[0] - before[0])
        before = after
    return before[1]


def re_cell(pressure_gpa: float, temperature_k: float) -> tuple[float, float, float]:
    """Cell of the rhenium gasket [angstrom], c/a constant."""
    cold_gpa = pressure_gpa - RE_THERMAL * (temperature_k - REFERENCE_K)
    stretch = math.cbrt(compression_at(lambda v: vinet_gpa(v, RE_K0, RE_K0_PRIME), cold_gpa))
    return RE_A * stretch, RE_A * stretch, RE_C * stretch
