"""From the wavelength of the ruby R1 line to pressure: scale, temperature correction, and a budget of both.

The line moves with temperature as well as with pressure, so the unshifted line is moved first and the scale is applied
to the ratio: ``P = S(lambda / lambda0(T))`` with ``lambda0(T) = lambda0(T0) + f(T) - f(T0)``. The published formulas of
``f`` differ by 0.33 GPa at 498 K, and none holds everywhere: each is used inside its range only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.air import Medium, air_wavelength_nm, check_medium, from_air_nm, in_air_nm
from lics_beamline.physics.pressure import (
    Pressure,
    choice_spread_gpa,
    drift_nm_per_k,
    outside_scale,
    rival_readings,
    slope_gpa_per_nm,
)
from lics_beamline.physics.ruby_temperature import (
    CORRECTIONS,
    DEFAULT_CORRECTION,
    TemperatureCorrection,
    valid_corrections,
)

__all__ = [
    "CORRECTIONS",
    "DEFAULT_CORRECTION",
    "DEFAULT_SCALE",
    "LOWEST_GPA",
    "Pressure",
    "RubyRuler",
    "TemperatureCorrection",
    "air_wavelength_nm",
    "published_reference_nm",
    "scales",
]

DEFAULT_SCALE: Final = "ruby_shen_2020"  # IPPS-Ruby2020, recommended by AIRAPT, doi 10.1080/08957959.2020.1791107
LOWEST_GPA: Final = -0.5  # scatter of a ruby at ambient; below it the line, the chip or the temperature is wrong


ROOM_K: Final = 10.0  # rooms differ by so much; the corrections' slopes at 296 K by 10 %, so by 0.007 nm over it


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


def published_reference_nm(scale: str) -> float:
    """R1 at ambient [nm, air] that a scale was published with; another scale's, put with it, is a wrong pressure.

    Raises
    ------
    OutsideCalibration
        If there is no such scale.
    """
    return float(_scale(scale).reference_wavelength_nm)


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
        R1 of this chip *in air*, whatever `medium`, at ambient pressure and `reference_temperature_k` [nm].
    reference_temperature_k : float
        Temperature at which the unshifted line was read [K].
    reference_sigma_nm : float
        Standard deviation of the reading of the unshifted line [nm].
    line_shape_nm : float
        Standard deviation of what a line's shape, other than the fitted one, moves R1 by [nm].
    chip_to_chip_nm : float
        Standard deviation of the unshifted line of one chip from that of another [nm]; 0 where the chip in the cell
        itself was read at ambient.
    ruby_to_sample_gpa : float
        Standard deviation of the pressure difference between ruby and sample [GPa].
    medium : {"air", "vacuum"}
        What the wavelengths of lines given to this ruler, and returned by `wavelength_nm`, are stated in.
    rival_scales, rival_corrections : tuple of str, optional
        Scales and corrections that could as well have been chosen: they make the budget's terms of choice. By default
        all there are, each where it is valid; an empty tuple says that the chosen one is known to be right.

    Raises
    ------
    OutsideCalibration
        If scale, correction or medium does not exist, or the reference lies outside the correction's range.
    """

    scale: str = DEFAULT_SCALE
    correction: str = DEFAULT_CORRECTION
    reference_wavelength_nm: float = 694.25  # Shen et al. 2020: ambient R1 of the Ruby2020 scale
    reference_temperature_k: float = 298.0  # temperature of the room-temperature scales
    reference_sigma_nm: float = 0.003  # a tenth of a pixel of a usual spectrometer
    line_shape_nm: float = 0.0017  # left of red tails of 0 to 6 % at 298 to 498 K, after the fit of the asymmetry
    chip_to_chip_nm: float = 0.03  # scatter of samples, Vos and Schouten 1991
    ruby_to_sample_gpa: float = 0.05  # gradient over a 100 um sample without pressure medium; engineering estimate
    medium: Medium = "air"
    rival_scales: tuple[str, ...] | None = None
    rival_corrections: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_medium(self.medium)
        for name in (self.correction, *(self.rival_corrections or ())):
            if name not in CORRECTIONS:
                raise OutsideCalibration(
                    f"there is no ruby temperature correction {name!r}. Choose one of {', '.join(CORRECTIONS)}.",
                    correction=name,
                )
        CORRECTIONS[self.correction].shift_nm(self.reference_temperature_k, self.reference_temperature_k)

    def unshifted_nm(self, temperature_k: float) -> float:
        """R1 of this chip in air at ambient pressure and a temperature [nm].

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
        ratio = in_air_nm(r1_nm, self.medium) / self.unshifted_nm(temperature_k)
        if ratio >= 1.0:
            pressure = float(calibration.pressure_from_ratio(ratio))
        else:
            pressure = float(calibration.parameters["A_gpa"]) * (ratio - 1.0)  # A is the slope at zero of all scales
        highest = float(calibration.validity["pressure_gpa"][1])
        if not LOWEST_GPA <= pressure <= highest:
            line = f"R1 at {r1_nm:.3f} nm and {temperature_k:.1f} K"
            raise outside_scale(line, pressure, LOWEST_GPA, highest, self.scale)
        return pressure

    def wavelength_nm(self, pressure_gpa: float, temperature_k: float) -> float:
        """R1 [nm] expected at a pressure [GPa], from 0, and a temperature [K]; the inverse of `gpa`."""
        calibration = _scale(self.scale)
        air_nm = float(calibration.wavelength_ratio(pressure_gpa)) * self.unshifted_nm(temperature_k)
        return from_air_nm(air_nm, self.medium)

    def rivals(self, temperature_k: float) -> tuple[RubyRuler, ...]:
        """Return the rulers of every other believable scale and correction that are valid at a temperature [K]."""
        named = scales() if self.rival_scales is None else self.rival_scales
        corrections = valid_corrections(temperature_k)
        if self.rival_corrections is not None:
            corrections = tuple(name for name in corrections if name in self.rival_corrections)
        moved = {name: ruler for name in corrections if (ruler := self._by(name)) is not None}
        return tuple(
            replace(ruler, scale=scale)
            for scale in dict.fromkeys((self.scale, *named))
            for name, ruler in ({self.correction: self} | moved).items()
            if (scale, name) != (self.scale, self.correction)
        )

    def _by(self, name: str) -> RubyRuler | None:
        """Return this ruler with another correction; None where its range ends too far from the reference.

        A reference a little outside is moved to the end of the range by this ruler's own correction: a rival that is
        good at 498 K stays one where the room was a degree too cold for its formula.
        """
        other = CORRECTIONS[name]
        kelvin = min(max(self.reference_temperature_k, other.lowest_k), other.highest_k)
        if abs(kelvin - self.reference_temperature_k) > ROOM_K:
            return None
        return replace(
            self, correction=name, reference_wavelength_nm=self.unshifted_nm(kelvin), reference_temperature_k=kelvin
        )

    def pressure(
        self, r1_nm: float, r1_sigma_nm: float, temperature_k: float, temperature_sigma_k: float = 0.0
    ) -> Pressure:
        """Pressure with its statistical and systematic errors.

        Parameters
        ----------
        r1_nm, r1_sigma_nm : float
            Fitted R1 wavelength in the ruler's medium and its standard deviation [nm].
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
        slope = slope_gpa_per_nm(self, r1_nm, temperature_k)
        # The scale sees the ratio only, so a wrong reference acts as a wrong line, scaled by the ratio.
        reference_slope = abs(slope * in_air_nm(r1_nm, self.medium) / self.unshifted_nm(temperature_k))
        drift = drift_nm_per_k(self.unshifted_nm, temperature_k, highest_k=CORRECTIONS[self.correction].highest_k)
        rivals = list(rival_readings(self.rivals(temperature_k), r1_nm, temperature_k))
        scale_rivals = [reading for rival, reading in rivals if rival.correction == self.correction]
        correction_rivals = [
            reading for rival, reading in rivals if rival.scale == self.scale and rival.correction != self.correction
        ]
        return Pressure(
            gpa=gpa,
            sigma_gpa=abs(slope) * r1_sigma_nm,
            scale_choice_gpa=choice_spread_gpa(gpa, scale_rivals),
            correction_choice_gpa=choice_spread_gpa(gpa, correction_rivals),
            thermocouple_gpa=abs(reference_slope * drift) * temperature_sigma_k,
            reference_line_gpa=reference_slope * self.reference_sigma_nm,
            line_shape_gpa=abs(slope) * self.line_shape_nm,
            chip_to_chip_gpa=reference_slope * self.chip_to_chip_nm,
            ruby_to_sample_gpa=self.ruby_to_sample_gpa,
            readings_gpa=(gpa, *(reading for _, reading in rivals)),
            gauge="ruby",
            scale=self.scale,
            correction=self.correction,
            medium=self.medium,
            temperature_k=temperature_k,
            reference_wavelength_nm=self.reference_wavelength_nm,
            reference_temperature_k=self.reference_temperature_k,
        )
