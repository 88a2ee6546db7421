"""Reference functions of thermocouples on the temperature scale ITS-90, both ways, for types K, N, R and S.

The coefficients are those of NIST Monograph 175 (Burns et al., 1993), NIST Standard Reference Database 60, which
IEC 60584-1:2013 shares. The way back solves the reference function itself instead of using the inverse polynomials of
the tables, whose own errors reach 0.06 C.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lics_beamline.errors import BadReading, OutsideCalibration

HALF_DIGIT_MV: Final = 5e-4  # half the last digit of the printed tables [mV]: a table's end value is in its range


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One polynomial of a reference function.

    Parameters
    ----------
    lowest_c, highest_c : float
        Range [C].
    coefficients : tuple of float
        Of rising powers of the temperature [mV/C^n].
    """

    lowest_c: float
    highest_c: float
    coefficients: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermocoupleType:
    """Reference function of one letter.

    Parameters
    ----------
    letter : str
        As written on the connector.
    pieces : tuple of Piece
        Polynomials from cold to hot.
    bump : tuple of float
        Height [mV], exponent [1/C^2] and centre [C] of a Gaussian added above 0 C; empty where there is none.
    lowest_invertible_c : float
        From here up a voltage says a temperature [C]: below, the function is too flat.
    """

    letter: str
    pieces: tuple[Piece, ...]
    bump: tuple[float, ...] = ()
    lowest_invertible_c: float

    @property
    def lowest_c(self) -> float:
        """Lowest temperature of the type [C]."""
        return self.pieces[0].lowest_c

    @property
    def highest_c(self) -> float:
        """Highest temperature of the type [C]."""
        return self.pieces[-1].highest_c


# Every number of this table: NIST Monograph 175 (1993), file allcoeff.tab of NIST SRD 60, doi 10.18434/T4S888.
TYPES: Final = MappingProxyType(
    {
        "K": ThermocoupleType(
            letter="K",
            lowest_invertible_c=-200.0,
            bump=(0.118597600000e00, -0.118343200000e-03, 0.126968600000e03),
            pieces=(
                Piece(
                    lowest_c=-270.0,
                    highest_c=0.0,
                    coefficients=(
                        0.0,
                        0.394501280250e-01,
                        0.236223735980e-04,
                        -0.328589067840e-06,
                        -0.499048287770e-08,
                        -0.675090591730e-10,
                        -0.574103274280e-12,
                        -0.310888728940e-14,
                        -0.104516093650e-16,
                        -0.198892668780e-19,
                        -0.163226974860e-22,
                    ),
                ),
                Piece(
                    lowest_c=0.0,
                    highest_c=1372.0,
                    coefficients=(
                        -0.176004136860e-01,
                        0.389212049750e-01,
                        0.185587700320e-04,
                        -0.994575928740e-07,
                        0.318409457190e-09,
                        -0.560728448890e-12,
                        0.560750590590e-15,
                        -0.320207200030e-18,
                        0.971511471520e-22,
                        -0.121047212750e-25,
                    ),
                ),
            ),
        ),
        "N": ThermocoupleType(
            letter="N",
            lowest_invertible_c=-200.0,
            pieces=(
                Piece(
                    lowest_c=-270.0,
                    highest_c=0.0,
                    coefficients=(
                        0.0,
                        0.261591059620e-01,
                        0.109574842280e-04,
                        -0.938411115540e-07,
                        -0.464120397590e-10,
                        -0.263033577160e-11,
                        -0.226534380030e-13,
                        -0.760893007910e-16,
                        -0.934196678350e-19,
                    ),
                ),
                Piece(
                    lowest_c=0.0,
                    highest_c=1300.0,
                    coefficients=(
                        0.0,
                        0.259293946010e-01,
                        0.157101418800e-04,
                        0.438256272370e-07,
                        -0.252611697940e-09,
                        0.643118193390e-12,
                        -0.100634715190e-14,
                        0.997453389920e-18,
                        -0.608632456070e-21,
                        0.208492293390e-24,
                        -0.306821961510e-28,
                    ),
                ),
            ),
        ),
        "R": ThermocoupleType(
            letter="R",
            lowest_invertible_c=-50.0,
            pieces=(
                Piece(
                    lowest_c=-50.0,
                    highest_c=1064.18,
                    coefficients=(
                        0.0,
                        0.528961729765e-02,
                        0.139166589782e-04,
                        -0.238855693017e-07,
                        0.356916001063e-10,
                        -0.462347666298e-13,
                        0.500777441034e-16,
                        -0.373105886191e-19,
                        0.157716482367e-22,
                        -0.281038625251e-26,
                    ),
                ),
                Piece(
                    lowest_c=1064.18,
                    highest_c=1664.5,
                    coefficients=(
                        0.295157925316e01,
                        -0.252061251332e-02,
                        0.159564501865e-04,
                        -0.764085947576e-08,
                        0.205305291024e-11,
                        -0.293359668173e-15,
                    ),
                ),
                Piece(
                    lowest_c=1664.5,
                    highest_c=1768.1,
                    coefficients=(
                        0.152232118209e03,
                        -0.268819888545e00,
                        0.171280280471e-03,
                        -0.345895706453e-07,
                        -0.934633971046e-14,
                    ),
                ),
            ),
        ),
        "S": ThermocoupleType(
            letter="S",
            lowest_invertible_c=-50.0,
            pieces=(
                Piece(
                    lowest_c=-50.0,
                    highest_c=1064.18,
                    coefficients=(
                        0.0,
                        0.540313308631e-02,
                        0.125934289740e-04,
                        -0.232477968689e-07,
                        0.322028823036e-10,
                        -0.331465196389e-13,
                        0.255744251786e-16,
                        -0.125068871393e-19,
                        0.271443176145e-23,
                    ),
                ),
                Piece(
                    lowest_c=1064.18,
                    highest_c=1664.5,
                    coefficients=(
                        0.132900444085e01,
                        0.334509311344e-02,
                        0.654805192818e-05,
                        -0.164856259209e-08,
                        0.129989605174e-13,
                    ),
                ),
                Piece(
                    lowest_c=1664.5,
                    highest_c=1768.1,
                    coefficients=(
                        0.146628232636e03,
                        -0.258430516752e00,
                        0.163693574641e-03,
                        -0.330439046987e-07,
                        -0.943223690612e-14,
                    ),
                ),
            ),
        ),
    }
)


def thermocouple_type(letter: str) -> ThermocoupleType:
    """Return the reference function of a letter.

    Raises
    ------
    OutsideCalibration
        If it is not one of `TYPES`.
    """
    if letter not in TYPES:
        raise OutsideCalibration(
            f"there is no reference function for thermocouples of type {letter!r}. Choose one of {', '.join(TYPES)}.",
            letter=letter,
        )
    return TYPES[letter]


def millivolt(letter: str, temperature_c: float) -> float:
    """Voltage [mV] of a thermocouple whose cold junction is at 0 C.

    Parameters
    ----------
    letter : {"K", "N", "R", "S"}
        Type of thermocouple.
    temperature_c : float
        Temperature of the hot junction [C].

    Raises
    ------
    OutsideCalibration
        If the temperature is outside the range of the type.

    Notes
    -----
    ``E = sum c_n t^n``, for type K above 0 C with ``a0 exp(a1 (t - a2)^2)`` added.
    """
    kind = thermocouple_type(letter)
    for piece in kind.pieces:
        if piece.lowest_c <= temperature_c <= piece.highest_c:
            break
    else:
        raise OutsideCalibration(
            f"thermocouple temperature {temperature_c:.2f} C is outside {kind.lowest_c:g} to {kind.highest_c:g} C of "
            f"type {letter}. Check the type that is set and the leads.",
            temperature_c=temperature_c,
            letter=letter,
        )
    voltage = 0.0
    for coefficient in reversed(piece.coefficients):
        voltage = voltage * temperature_c + coefficient
    if kind.bump and temperature_c > 0.0:
        height, exponent, centre = kind.bump
        voltage += height * math.exp(exponent * (temperature_c - centre) ** 2)
    return voltage


def celsius(letter: str, voltage_mv: float, *, cold_junction_c: float = 0.0) -> float:
    """Temperature [C] of the hot junction from the voltage; the inverse of `millivolt`.

    Parameters
    ----------
    letter : {"K", "N", "R", "S"}
        Type of thermocouple.
    voltage_mv : float
        Measured voltage [mV].
    cold_junction_c : float
        Temperature of the terminals where the wires end [C].

    Raises
    ------
    OutsideCalibration
        If there is no such type, or the cold junction is outside its range.
    BadReading
        If no temperature from -200 C (K, N) or -50 C (R, S) up gives this voltage: open circuit.
    """
    kind = thermocouple_type(letter)
    wanted = voltage_mv + millivolt(letter, cold_junction_c)
    low, high = kind.lowest_invertible_c, kind.highest_c
    lowest_mv, highest_mv = millivolt(letter, low), millivolt(letter, high)
    if not lowest_mv - HALF_DIGIT_MV <= wanted <= highest_mv + HALF_DIGIT_MV:
        raise BadReading(
            f"thermocouple of type {letter} gives {voltage_mv:.3f} mV with its cold junction at {cold_junction_c:.1f} "
            f"C; {lowest_mv:.3f} to {highest_mv:.3f} mV above 0 C is its range: open circuit. Check the leads.",
            reason="open circuit",
            voltage_mv=voltage_mv,
            letter=letter,
        )
    while high - low > 1e-7:  # the functions rise everywhere in the range
        middle = 0.5 * (low + high)
        low, high = (middle, high) if millivolt(letter, middle) < wanted else (low, middle)
    return 0.5 * (low + high)
