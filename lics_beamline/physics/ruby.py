"""From the wavelength of the ruby R1 line to pressure: scale, temperature correction, and a budget of both.

The line moves with temperature as well as with pressure, so the unshifted line is moved first and the scale is applied
to the ratio: ``P = S(lambda / lambda0(T))`` with ``lambda0(T) = lambda0(T0) + f(T) - f(T0)``. The published formulas of
``f`` differ by 0.33 GPa at 498 K, and none holds everywhere: each is used inside its range only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from lics_beamline.errors import OutsideCalibration

DEFAULT_SCALE: Final = "ruby_shen_2020"  # IPPS-Ruby2020, recommended by AIRAPT, doi 10.1080/08957959.2020.1791107
DEFAULT_CORRECTION: Final = "datchi-2007"
LOWEST_GPA: Final = -0.5  # scatter of a ruby at ambient; below it the line, the chip or the temperature is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureCorrection:
    """A published formula for the wavelength of R1 as a function of temperature, at ambient pressure.

    Parameters
    ----------
    name : str
        Name in recipes and profiles.
    reference : str
        Where it was published.
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


def air_wavelength_nm(wavenumber_per_cm: float) -> float:
    """Wavelength in standard air [nm] of a line given by its vacuum wavenumber [cm-1].

    References
    ----------
    Ciddor, Appl. Opt. 35, 1566 (1996): standard air, 15 C, 101 325 Pa, 450 ppm CO2, doi 10.1364/AO.35.001566.
    """
    inverse_um2 = (wavenumber_per_cm * 1e-4) ** 2
    refractivity = 5792105e-8 / (238.0185 - inverse_um2) + 167917e-8 / (57.362 - inverse_um2)  # Ciddor 1996
    return 1e7 / wavenumber_per_cm / (1.0 + refractivity)


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
                reference="Wei et al. (2024): ruby R1 from 296 to 773 K",
                lowest_k=296.0,
                highest_k=773.0,
                wavelength_nm=_wei_2024,
            ),
        )
    }
)


@cache
def scales() -> tuple[str, ...]:
    """Return the identifier of every ruby scale there is, as peritheos lists them."""
    import peritheos

    return tuple(peritheos.list_ruby_pressure_calibrations())


@cache
def _scale(identifier: str) -> Any:
    if identifier not in scales():
        raise OutsideCalibration(
            f"there is no ruby scale {identifier!r}. Choose one of {', '.join(scales())}.",
            scale=identifier,
        )
    import peritheos

    return peritheos.get_pressure_calibration(identifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """A pressure read from ruby, with its errors and the choices that made it.

    Parameters
    ----------
    gpa : float
        Pressure [GPa]; may be slightly negative at ambient, where the line scatters about its reference.
    sigma_gpa : float
        Statistical standard deviation from the fit of the line [GPa].
    systematic_gpa : float
        Systematic standard deviation [GPa]: the three terms below in quadrature. The choice of scale and of
        correction is not in it: compare two rulers to see it.
    thermocouple_gpa, ruby_to_sample_gpa, reference_line_gpa : float
        From the temperature, from the distance of ruby and sample in a cell with a gradient, from the unshifted line
        [GPa].
    scale, correction : str
        The choices made.
    temperature_k : float
        Temperature of the ruby it was computed with [K].
    """

    gpa: float
    sigma_gpa: float
    systematic_gpa: float
    thermocouple_gpa: float
    ruby_to_sample_gpa: float
    reference_line_gpa: float
    scale: str
    correction: str
    temperature_k: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RubyRuler:
    """Everything chosen once that turns an R1 wavelength and a temperature into a pressure.

    Parameters
    ----------
    scale : str
        Identifier of the pressure scale (`scales`).
    correction : str
        Name of the temperature correction (`CORRECTIONS`).
    reference_wavelength_nm : float
        R1 of this chip in air at ambient pressure and `reference_temperature_k` [nm].
    reference_temperature_k : float
        Temperature at which the unshifted line was read [K].
    reference_sigma_nm : float
        Standard deviation of the reading of the unshifted line [nm].
    chip_to_chip_nm : float
        Scatter of unshifted lines from chip to chip [nm]; 0 where the chip in the cell itself was read at ambient.
    ruby_to_sample_gpa : float
        Standard deviation of the pressure difference between ruby and sample [GPa].

    Raises
    ------
    OutsideCalibration
        If the scale or the correction does not exist, or the reference lies outside the correction's range.
    """

    scale: str = DEFAULT_SCALE
    correction: str = DEFAULT_CORRECTION
    reference_wavelength_nm: float = 694.25  # Shen et al. 2020: ambient R1 of the Ruby2020 scale
    reference_temperature_k: float = 298.0  # temperature of the room-temperature scales
    reference_sigma_nm: float = 0.003  # a tenth of a pixel of a usual spectrometer
    chip_to_chip_nm: float = 0.03  # scatter of samples, Vos and Schouten 1991
    ruby_to_sample_gpa: float = 0.05  # gradient over a 100 um sample without pressure medium; engineering estimate

    def __post_init__(self) -> None:
        if self.correction not in CORRECTIONS:
            raise OutsideCalibration(
                f"there is no ruby temperature correction {self.correction!r}. Choose one of {', '.join(CORRECTIONS)}.",
                correction=self.correction,
            )
        CORRECTIONS[self.correction].shift_nm(self.reference_temperature_k, self.reference_temperature_k)

    def unshifted_nm(self, temperature_k: float) -> float:
        """R1 of this chip at ambient pressure and a temperature [nm].

        Raises
        ------
        OutsideCalibration
            If `temperature_k` is outside the correction's range.
        """
        shift_nm = CORRECTIONS[self.correction].shift_nm(temperature_k, self.reference_temperature_k)
        return self.reference_wavelength_nm + shift_nm

    def gpa(self, r1_nm: float, temperature_k: float) -> float:
        """Pressure [GPa] of an R1 wavelength [nm] at a temperature [K], without errors.

        Raises
        ------
        OutsideCalibration
            If temperature or pressure is outside the range of the correction or the scale.

        Notes
        -----
        Scales start at zero; below it the scale is continued with its slope at zero, so that the mean of readings at
        ambient is not biased, down to -0.5 GPa.
        """
        calibration = _scale(self.scale)
        ratio = r1_nm / self.unshifted_nm(temperature_k)
        if ratio >= 1.0:
            pressure = float(calibration.pressure_from_ratio(ratio))
        else:
            pressure = float(calibration.parameters["A_gpa"]) * (ratio - 1.0)  # A is the slope at zero of all scales
        highest = float(calibration.validity["pressure_gpa"][1])
        if not LOWEST_GPA <= pressure <= highest:
            raise OutsideCalibration(
                f"R1 at {r1_nm:.3f} nm and {temperature_k:.1f} K reads {pressure:.2f} GPa, outside "
                f"{LOWEST_GPA:g} to {highest:g} GPa of {self.scale}. "
                "Check the spectrometer's calibration, the reference line and the temperature.",
                pressure_gpa=pressure,
                lowest_gpa=LOWEST_GPA,
                highest_gpa=highest,
                scale=self.scale,
            )
        return pressure

    def wavelength_nm(self, pressure_gpa: float, temperature_k: float) -> float:
        """R1 in air [nm] expected at a pressure [GPa], from 0, and a temperature [K]; the inverse of `gpa`."""
        calibration = _scale(self.scale)
        return float(calibration.wavelength_ratio(pressure_gpa)) * self.unshifted_nm(temperature_k)

    def pressure(
        self, r1_nm: float, r1_sigma_nm: float, temperature_k: float, temperature_sigma_k: float = 0.0
    ) -> Pressure:
        """Pressure with its statistical and systematic errors.

        Parameters
        ----------
        r1_nm, r1_sigma_nm : float
            Fitted R1 wavelength in air and its standard deviation [nm].
        temperature_k, temperature_sigma_k : float
            Temperature of the ruby and its standard deviation [K].

        Returns
        -------
        Pressure
            Value, errors and the choices that made it.

        Raises
        ------
        OutsideCalibration
            If temperature or pressure is outside the range of the correction or the scale.
        """
        gpa = self.gpa(r1_nm, temperature_k)
        unshifted = self.unshifted_nm(temperature_k)
        step_nm = 1e-3  # 3 MPa: far below the curvature of every scale
        slope_gpa_per_nm = (self.gpa(r1_nm + step_nm, temperature_k) - gpa) / step_nm
        # The scale sees the ratio only, so a wrong reference acts as a wrong line, scaled by the ratio.
        reference_slope = slope_gpa_per_nm * r1_nm / unshifted
        correction = CORRECTIONS[self.correction]
        step_k = 0.5 if temperature_k + 0.5 <= correction.highest_k else -0.5
        drift_nm_per_k = correction.shift_nm(temperature_k + step_k, temperature_k) / step_k
        thermocouple = abs(reference_slope * drift_nm_per_k) * temperature_sigma_k
        reference_line = abs(reference_slope) * math.hypot(self.reference_sigma_nm, self.chip_to_chip_nm)
        return Pressure(
            gpa=gpa,
            sigma_gpa=abs(slope_gpa_per_nm) * r1_sigma_nm,
            systematic_gpa=math.hypot(thermocouple, self.ruby_to_sample_gpa, reference_line),
            thermocouple_gpa=thermocouple,
            ruby_to_sample_gpa=self.ruby_to_sample_gpa,
            reference_line_gpa=reference_line,
            scale=self.scale,
            correction=self.correction,
            temperature_k=temperature_k,
        )
