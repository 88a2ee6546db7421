"""Samarium-doped strontium tetraborate, Sm2+:SrB4O7, as a second gauge: one narrow line that hardly feels temperature.

Beside ruby in a hot cell it tells whether pressure or temperature has changed: 200 K move ruby's line by 4 GPa worth,
this one's by less than 0.1 GPa worth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy.typing as npt

from lics_beamline.errors import BadReading, OutsideCalibration
from lics_beamline.physics.air import Medium, check_medium, from_air_nm, in_air_nm
from lics_beamline.physics.pressure import (
    Pressure,
    choice_spread_gpa,
    drift_nm_per_k,
    outside_scale,
    rival_readings,
    slope_gpa_per_nm,
)
from lics_beamline.physics.spectral_line import SpectralLine, checked_spectrum, count_scale, fit_line, peaks_nm

LOWEST_GPA: Final = -0.5  # scatter at ambient; below it the line, the crystal or the axis is wrong
LOWEST_K: Final = 296.0  # Datchi et al. 1997 heated from room temperature
HIGHEST_K: Final = 900.0  # Datchi et al. 1997
CONSTANT_UP_TO_K: Final = 500.0  # Datchi et al. 1997: no shift worth a correction below
BLUE_SHIFT_NM_PER_K: Final = 8.7e-5  # what that leaves out: linear term of Datchi et al. 2007, at ambient
FWHM_NM: Final = 0.25  # start value of the width
SATURATED_PIXELS: Final = 3  # equal neighbours at the maximum of a line this narrow
RIVAL_FRACTION: Final = 0.5  # of the significance of the strongest line: there is no telling which is the gauge's
DOUBLET_NM: Final = 2.2  # the farthest that R1 and R2 of a ruby are apart; within it a neighbour is no other crystal


@dataclass(frozen=True, slots=True, kw_only=True)
class SamariumScale:
    """A published pressure scale of the 0-0 line.

    Parameters
    ----------
    name : str
        Name in results.
    reference : str
        Publication.
    reference_wavelength_nm : float
        Unshifted line in air it was published with [nm].
    highest_gpa : float
        Highest pressure of the calibration [GPa].
    gpa : callable
        Pressure [GPa] of a shift [nm].
    """

    name: str
    reference: str
    reference_wavelength_nm: float
    highest_gpa: float
    gpa: Callable[[float], float]


def _rashchenko_2015(shift_nm: float) -> float:
    a_gpa, b = 2836.0, -14.3  # Rashchenko et al. 2015; +- 21 GPa and 0.9. B is negative: the line moves ever faster
    return a_gpa / b * ((1.0 + shift_nm / 685.51) ** b - 1.0)  # 685.51 nm: their unshifted line


def _datchi_1997(shift_nm: float) -> float:
    return 4.032 * shift_nm * (1.0 + 9.29e-3 * shift_nm) / (1.0 + 2.32e-2 * shift_nm)  # Datchi et al. 1997, eq. 4


SAMARIUM_SCALES: Final = MappingProxyType(
    {
        scale.name: scale
        for scale in (
            SamariumScale(
                name="samarium_rashchenko_2015",
                reference="Rashchenko et al., J. Appl. Phys. 117, 145902 (2015), doi 10.1063/1.4918304",
                reference_wavelength_nm=685.51,
                highest_gpa=60.0,
                gpa=_rashchenko_2015,
            ),
            SamariumScale(
                name="samarium_datchi_1997",
                reference="Datchi, LeToullec and Loubeyre, J. Appl. Phys. 81, 3333 (1997), doi 10.1063/1.365025",
                reference_wavelength_nm=685.41,
                highest_gpa=124.0,
                gpa=_datchi_1997,
            ),
        )
    }
)
DEFAULT_SAMARIUM_SCALE: Final = "samarium_rashchenko_2015"
SAMARIUM_CORRECTION: Final = "datchi-1997"


def temperature_shift_nm(temperature_k: float) -> float:
    """Shift of the 0-0 line [nm] at ambient pressure from room temperature, 296-900 K.

    Raises
    ------
    OutsideCalibration
        If the temperature is outside that range.

    Notes
    -----
    Zero to 500 K, then ``1.06e-4 (T - 500) + 1.5e-7 (T - 500)^2``. The polynomial printed ten years later (Datchi et
    al., High Press. Res. 27, 447 (2007): -8.7e-5 D + 4.62e-6 D^2 - 2.38e-9 D^3) gives 1.1 nm at 900 K where this, and
    the sentence beside it, give 0.07: it is not used.

    References
    ----------
    Datchi, LeToullec and Loubeyre, J. Appl. Phys. 81, 3333 (1997), doi 10.1063/1.365025.
    """
    if not LOWEST_K <= temperature_k <= HIGHEST_K:
        raise OutsideCalibration(
            f"samarium temperature {temperature_k:.1f} K is outside {LOWEST_K:g}-{HIGHEST_K:g} K, the range of the "
            f"correction {SAMARIUM_CORRECTION}. Use ruby, or check the thermocouple.",
            temperature_k=temperature_k,
            lowest_k=LOWEST_K,
            highest_k=HIGHEST_K,
            correction=SAMARIUM_CORRECTION,
        )
    d = max(0.0, temperature_k - CONSTANT_UP_TO_K)
    return 1.06e-4 * d + 1.5e-7 * d**2  # Datchi et al. 1997


@dataclass(frozen=True, slots=True, kw_only=True)
class SamariumRuler:
    """Everything chosen once that turns the 0-0 line and a temperature into a pressure.

    Parameters
    ----------
    scale : str
        Name of the pressure scale (`SAMARIUM_SCALES`).
    reference_wavelength_nm : float
        0-0 line of this crystal *in air* at ambient pressure and `reference_temperature_k` [nm].
    reference_temperature_k : float
        Temperature at which the unshifted line was read [K].
    reference_sigma_nm : float
        Standard deviation of the reading of the unshifted line [nm].
    line_shape_nm : float
        Standard deviation of what a line's shape, other than the fitted one, moves it by [nm].
    chip_to_chip_nm : float
        Scatter of unshifted lines between crystals and spectrometers [nm]; 0 where this very crystal was read at
        ambient.
    gauge_to_sample_gpa : float
        Standard deviation of the pressure difference between crystal and sample [GPa].
    medium : {"air", "vacuum"}
        What the wavelengths of lines given to this ruler, and returned by `wavelength_nm`, are stated in.

    Raises
    ------
    OutsideCalibration
        If scale or medium does not exist, or the reference lies outside 296-900 K.
    """

    scale: str = DEFAULT_SAMARIUM_SCALE
    reference_wavelength_nm: float = 685.51  # Rashchenko et al. 2015; 685.41 in Datchi et al. 1997
    reference_temperature_k: float = 298.0  # temperature of both calibrations
    reference_sigma_nm: float = 0.003  # a tenth of a pixel of a usual spectrometer
    line_shape_nm: float = 0.001  # ruby's, in proportion to the width; engineering estimate
    chip_to_chip_nm: float = 0.1  # distance of the two published unshifted lines
    gauge_to_sample_gpa: float = 0.05  # gradient over a 100 um sample without pressure medium; engineering estimate
    medium: Medium = "air"

    def __post_init__(self) -> None:
        check_medium(self.medium)
        if self.scale not in SAMARIUM_SCALES:
            raise OutsideCalibration(
                f"there is no samarium scale {self.scale!r}. Choose one of {', '.join(SAMARIUM_SCALES)}.",
                scale=self.scale,
            )
        temperature_shift_nm(self.reference_temperature_k)

    def unshifted_nm(self, temperature_k: float) -> float:
        """0-0 line of this crystal in air at ambient pressure and a temperature [nm].

        Raises
        ------
        OutsideCalibration
            If the temperature is outside 296-900 K.
        """
        shift_nm = temperature_shift_nm(temperature_k) - temperature_shift_nm(self.reference_temperature_k)
        return self.reference_wavelength_nm + shift_nm

    def gpa(self, line_nm: float, temperature_k: float) -> float:
        """Pressure [GPa] of a 0-0 line [nm] at a temperature [K], without errors.

        Raises
        ------
        OutsideCalibration
            If temperature or pressure is outside the range of the correction or the scale.
        """
        scale = SAMARIUM_SCALES[self.scale]
        pressure = scale.gpa(in_air_nm(line_nm, self.medium) - self.unshifted_nm(temperature_k))
        if not LOWEST_GPA <= pressure <= scale.highest_gpa:
            line = f"the 0-0 line at {line_nm:.3f} nm and {temperature_k:.1f} K"
            raise outside_scale(line, pressure, LOWEST_GPA, scale.highest_gpa, self.scale)
        return pressure

    def wavelength_nm(self, pressure_gpa: float, temperature_k: float) -> float:
        """0-0 line [nm] expected at a pressure [GPa] and a temperature [K]; the inverse of `gpa`.

        Raises
        ------
        OutsideCalibration
            If temperature or pressure is outside the range of the correction or the scale.
        """
        scale = SAMARIUM_SCALES[self.scale]
        if not LOWEST_GPA <= pressure_gpa <= scale.highest_gpa:
            raise outside_scale("the line asked for", pressure_gpa, LOWEST_GPA, scale.highest_gpa, self.scale)
        low, high = -1.0, 60.0  # both scales rise over this range of shifts and hold their pressures inside
        while high - low > 1e-12 * 700.0:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if scale.gpa(middle) < pressure_gpa else (low, middle)
        return from_air_nm(self.unshifted_nm(temperature_k) + 0.5 * (low + high), self.medium)

    def rivals(self) -> tuple[SamariumRuler, ...]:
        """Return the rulers of every other scale."""
        return tuple(replace(self, scale=name) for name in SAMARIUM_SCALES if name != self.scale)

    def pressure(
        self, line_nm: float, line_sigma_nm: float, temperature_k: float, temperature_sigma_k: float = 0.0
    ) -> Pressure:
        """Pressure with its statistical and systematic errors.

        Parameters
        ----------
        line_nm, line_sigma_nm : float
            Fitted 0-0 line in the ruler's medium and its standard deviation [nm].
        temperature_k, temperature_sigma_k : float
            Temperature of the crystal and its standard deviation [K].

        Returns
        -------
        Pressure
            Value, errors and the choices that made it. The term of the temperature correction is the shift that the
            published one neglects below 500 K.

        Raises
        ------
        OutsideCalibration
            If temperature or pressure is outside the range of the correction or the scale.
        """
        gpa = self.gpa(line_nm, temperature_k)
        slope = slope_gpa_per_nm(self, line_nm, temperature_k)
        readings = [reading for _, reading in rival_readings(self.rivals(), line_nm, temperature_k)]
        drift = drift_nm_per_k(temperature_shift_nm, temperature_k, highest_k=HIGHEST_K)
        below_500 = min(temperature_k, CONSTANT_UP_TO_K) - min(self.reference_temperature_k, CONSTANT_UP_TO_K)
        neglected_nm = BLUE_SHIFT_NM_PER_K * below_500
        return Pressure(
            gpa=gpa,
            sigma_gpa=slope * line_sigma_nm,
            scale_choice_gpa=choice_spread_gpa(gpa, readings),
            correction_choice_gpa=slope * abs(neglected_nm),
            thermocouple_gpa=slope * max(abs(drift), BLUE_SHIFT_NM_PER_K) * temperature_sigma_k,
            reference_line_gpa=slope * self.reference_sigma_nm,
            line_shape_gpa=slope * self.line_shape_nm,
            chip_to_chip_gpa=slope * self.chip_to_chip_nm,
            ruby_to_sample_gpa=self.gauge_to_sample_gpa,
            readings_gpa=(gpa, gpa + slope * neglected_nm, *readings),
            gauge="samarium",
            scale=self.scale,
            correction=SAMARIUM_CORRECTION,
            medium=self.medium,
            temperature_k=temperature_k,
            reference_wavelength_nm=self.reference_wavelength_nm,
            reference_temperature_k=self.reference_temperature_k,
        )


def fit_samarium(
    wavelength_nm: npt.ArrayLike,
    counts: npt.ArrayLike,
    *,
    highest_gpa: float = 30.0,
    saturation_counts: float | None = None,
) -> SpectralLine:
    """Find and fit the 0-0 line of a spectrum.

    Parameters
    ----------
    wavelength_nm, counts : array_like
        Spectrum; rising wavelengths [nm].
    highest_gpa : float
        Highest pressure that may be met [GPa]: says how far to look.
    saturation_counts : float, optional
        Count at which a pixel is full; without it, a flat top betrays saturation.

    Returns
    -------
    SpectralLine
        The line.

    Raises
    ------
    BadReading
        With ``facts["reason"]``: ``corrupt``, ``dark``, ``saturated``, ``more than one line`` or ``not converged``.
    """
    x, y = checked_spectrum(wavelength_nm, counts)
    scale = count_scale(y)  # of a spectrum that a program has divided by its maximum
    y = scale * y
    highest_nm = SamariumRuler().wavelength_nm(highest_gpa, 298.0)
    low, high = 685.0, highest_nm + 0.5  # below: scatter of unshifted lines and a drifted axis
    lines = peaks_nm(x, y, fwhm_nm=FWHM_NM)
    peaks = [peak for peak in lines if low < peak[0] < high]
    if not peaks:
        raise _bad(
            "dark", f"no line from {low:.1f} to {high:.1f} nm", "Check laser, shutter and crystal, or expose longer"
        )
    start_nm, strongest = peaks[0]
    others = [
        at
        for at, significance in lines
        if significance > RIVAL_FRACTION * strongest
        and abs(at - start_nm) > FWHM_NM
        and (low < at < high or abs(at - start_nm) < DOUBLET_NM)
    ]
    if others:
        raise _bad(
            "more than one line",
            f"{others[0]:.2f} nm is about as strong as {start_nm:.2f} nm, or stronger",
            "Keep ruby and lamps out of this spectrum, or look lower",
        )
    near = y[abs(x - start_nm) < FWHM_NM]
    top = float(near.max())
    if (saturation_counts is not None and top >= scale * saturation_counts) or (
        top > 100.0 and int((near == top).sum()) >= SATURATED_PIXELS
    ):
        raise _bad("saturated", f"the line is cut off at {top:.0f} counts", "Expose shorter or lower the laser power")
    line = fit_line(x, y, start_nm=start_nm, fwhm_nm=FWHM_NM)
    if line is None:
        raise _bad("not converged", f"what stands out at {start_nm:.2f} nm is no single line", "Look at the spectrum")
    return replace(line, height_counts=line.height_counts / scale, background_counts=line.background_counts / scale)


def _bad(reason: str, what: str, advice: str) -> BadReading:
    return BadReading(f"samarium spectrum is no reading ({reason}): {what}. {advice}.", reason=reason)
