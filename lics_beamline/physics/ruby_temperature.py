"""How the ruby R1 line moves with temperature at ambient pressure: the published formulas, each in its range only.

They differ by 0.12 nm between 298 and 498 K, which is 0.33 GPa, and none is better founded than the others there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.air import air_wavelength_nm

DEFAULT_CORRECTION: Final = "datchi-2007"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureCorrection:
    """A published formula for the wavelength of R1 as a function of temperature, at ambient pressure.

    Parameters
    ----------
    name : str
        Name in recipes and profiles.
    reference : str
        Publication.
    lowest_k, highest_k : float
        Range of temperature it was published for [K].
    wavelength_nm : callable
        R1 in air [nm] at a temperature [K], up to a constant: only differences are used.
    """

    name: str
    reference: str
    lowest_k: float
    highest_k: float
    wavelength_nm: Callable[[float], float]

    def shift_nm(self, temperature_k: float, reference_temperature_k: float) -> float:
        """Shift of R1 [nm] between two temperatures [K].

        Raises
        ------
        OutsideCalibration
            If one of them lies outside the published range.
        """
        for value_k in (temperature_k, reference_temperature_k):
            if not self.lowest_k <= value_k <= self.highest_k:
                raise OutsideCalibration(
                    f"ruby temperature {value_k:.1f} K is outside {self.lowest_k:g}-{self.highest_k:g} K, "
                    f"the range of the correction {self.name}. Choose another correction "
                    f"({', '.join(CORRECTIONS)}) or check the thermocouple.",
                    temperature_k=value_k,
                    lowest_k=self.lowest_k,
                    highest_k=self.highest_k,
                    correction=self.name,
                )
        return self.wavelength_nm(temperature_k) - self.wavelength_nm(reference_temperature_k)


def _datchi_2007(temperature_k: float) -> float:
    d = temperature_k - 296.0  # Datchi 2007 counts from 296 K
    if d < 0.0:
        return 0.00664 * d + 6.76e-6 * d**2 - 2.33e-8 * d**3  # Datchi 2007, 50-296 K
    return 0.00746 * d - 3.01e-6 * d**2 + 8.76e-9 * d**3  # Datchi 2007, 296-900 K


def _ragan_1992(temperature_k: float) -> float:
    t = temperature_k
    return air_wavelength_nm(14423.0 + 4.49e-2 * t - 4.81e-4 * t**2 + 3.71e-7 * t**3)  # Ragan 1992, R1, cm-1 in vacuum


def _vos_1991(temperature_k: float) -> float:
    d = temperature_k - 300.0  # Vos and Schouten 1991 count from 300 K
    return 0.1 * (6.591e-2 * d + 7.624e-5 * d**2 - 1.733e-7 * d**3)  # Vos and Schouten 1991, in angstrom


def _wei_2024(temperature_k: float) -> float:
    d = temperature_k - 296.0  # Wei 2024 counts from 296 K
    return 7.29e-3 * d - 3.47e-6 * d**2 + 1.09e-8 * d**3  # Wei 2024


CORRECTIONS: Final = MappingProxyType(
    {
        correction.name: correction
        for correction in (
            TemperatureCorrection(
                name="datchi-2007",
                reference="Datchi et al., High Press. Res. 27, 447 (2007), doi 10.1080/08957950701659593",
                lowest_k=50.0,
                highest_k=900.0,
                wavelength_nm=_datchi_2007,
            ),
            TemperatureCorrection(
                name="ragan-1992",
                reference="Ragan, Gustavsen and Schiferl, J. Appl. Phys. 72, 5539 (1992), doi 10.1063/1.351951",
                lowest_k=15.0,
                highest_k=600.0,
                wavelength_nm=_ragan_1992,
            ),
            TemperatureCorrection(
                name="vos-1991",
                reference="Vos and Schouten, J. Appl. Phys. 69, 6744 (1991), doi 10.1063/1.348903",
                lowest_k=150.0,
                highest_k=400.0,
                wavelength_nm=_vos_1991,
            ),
            TemperatureCorrection(
                name="wei-2024",
                reference="Wei et al., J. Appl. Phys. 135, no. 10 (2024), doi 10.1063/5.0178597",
                lowest_k=296.0,
                highest_k=773.0,
                wavelength_nm=_wei_2024,
            ),
        )
    }
)


def valid_corrections(*temperatures_k: float) -> tuple[str, ...]:
    """Return the names of the corrections whose published range holds all these temperatures [K]."""
    return tuple(
        name
        for name, correction in CORRECTIONS.items()
        if all(correction.lowest_k <= value_k <= correction.highest_k for value_k in temperatures_k)
    )
