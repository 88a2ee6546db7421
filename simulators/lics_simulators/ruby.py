"""Ruby luminescence as a spectrometer sees it: lines, neon lamp, background, noise. Wavelengths in air [nm].

Written against the published formulas, on its own: the analysis shares nothing with it, and fits another line shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SPECTROMETER_PIXELS: Final = 2048
FIRST_NM: Final = 680.0  # nominal wavelength of the first pixel: engineering value
STEP_NM: Final = 0.03  # nominal width of a pixel: engineering value
FULL_WELL: Final = 65535.0  # counts of a 16-bit pixel in one accumulation

REFERENCE_K: Final = 298.0  # temperature at which a chip's own line is drawn
R2_SPACING_PER_CM: Final = 29.7  # R2 above R1 at ambient: 14452 - 14423 cm-1 and slopes, Ragan et al. (1992), at 298 K
SECOND_RADIATION_CM_K: Final = 1.438777  # h c / k [cm K], CODATA 2018
# Neon lines in air [nm] with relative intensities; NIST Atomic Spectra Database, Ne I.
NEON_LINES: Final = (
    (692.94673, 1.00),
    (702.40504, 0.34),
    (703.24131, 0.80),
    (705.91074, 0.08),
    (717.39381, 0.35),
    (724.51666, 0.55),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RubyParameters:
    """Ruby and its spectrometer. Engineering values where not said otherwise.

    Parameters
    ----------
    reference_nm, reference_sd_nm : float
        R1 at 298 K and no pressure: mean over chips [nm] and scatter.
    offset_low_gpa, offset_high_gpa : float
        Size of the difference between the pressure at the ruby and in the sample, drawn evenly; its sign is drawn too.
    calibration_sd_nm, dispersion_sd : float
        Error of the spectrometer's wavelengths: constant part [nm] and relative error of the dispersion.
    peak_cps : float
        Peak count rate of R1 at 298 K and 1 mW [counts/s/mW].
    quenching_per_k : float
        Relative loss of light per kelvin.
    width_nm, width_nm_per_k : float
        Full width of a line at 298 K [nm] and its growth [nm/K].
    pearson_exponent : float
        Exponent of the line's Pearson VII shape; 1 is a Lorentzian.
    tail_fraction, tail_nm : float
        Share of the light in an exponential tail to the red, and its length [nm].
    slit_nm : float
        Full width of the triangular slit function [nm].
    r2_ratio : float
        R2/R1 at 298 K.
    laser_k_per_mw : float
        Heating of the ruby by the laser [K/mW].
    bias_counts, read_noise_counts, dark_cps : float
        Offset and noise of one accumulation [counts], dark current [counts/s].
    glow_cps : float
        Broad luminescence of anvils at 1 mW [counts/s/mW].
    neon_cps : float
        Peak count rate of the strongest neon line [counts/s].
    """

    reference_nm: float
    reference_sd_nm: float
    offset_low_gpa: float
    offset_high_gpa: float
    calibration_sd_nm: float
    dispersion_sd: float
    peak_cps: float
    quenching_per_k: float
    width_nm: float
    width_nm_per_k: float
    pearson_exponent: float
    tail_fraction: float
    tail_nm: float
    slit_nm: float
    r2_ratio: float
    laser_k_per_mw: float
    bias_counts: float
    read_noise_counts: float
    dark_cps: float
    glow_cps: float
    neon_cps: float


def datchi_shift_nm(temperature_k: float) -> float:
    """Shift of R1 from 296 K at no pressure [nm].

    References
    ----------
    Datchi et al., High Pressure Research 27, 447 (2007): 50-296 K and 296-900 K.
    """
    d = temperature_k - 296.0
    if d < 0.0:
        return 0.00664 * d + 6.76e-6 * d**2 - 2.33e-8 * d**3
    return 0.00746 * d - 3.01e-6 * d**2 + 8.76e-9 * d**3


def ruby2020_ratio(pressure_gpa: float) -> float:
    """Wavelength of R1 over its wavelength at no pressure and the same temperature.

    References
    ----------
    Shen et al., High Pressure Research 40, 299 (2020): P = 1870 d (1 + 5.63 d) GPa, d = ratio - 1.
    """
    return 1.0 + (math.sqrt(1.0 + 4.0 * 5.63 * pressure_gpa / 1870.0) - 1.0) / (2.0 * 5.63)


class Ruby:
    """Two chips of one ruby, in the cell and outside, and the spectrometer that looks at one of them.

    Parameters
    ----------
    parameters : RubyParameters
        Ruby and spectrometer.
    generator : numpy.random.Generator
        Draws chip, pressure difference and calibration errors.

    Attributes
    ----------
    laser_is_on, shutter_is_open, lamp_is_on, ambient_chip_is_selected : bool
        State of the optics.
    laser_mw : float
        Power of the laser at the ruby [mW].
    laser_is_dead : bool
        Whether the laser has failed: it cannot be switched on.
    brightness : float
        Factor on the light of the ruby; 1 for a sound alignment.
    """

    def __init__(self, parameters: RubyParameters, generator: np.random.Generator) -> None:
        p = self.parameters = parameters
        self.reference_nm = p.reference_nm + p.reference_sd_nm * float(generator.standard_normal())
        sign = 1.0 if generator.random() < 0.5 else -1.0
        self.offset_gpa = sign * float(generator.uniform(p.offset_low_gpa, p.offset_high_gpa))
        self.calibration_nm = p.calibration_sd_nm * float(generator.standard_normal())
        self.dispersion = p.dispersion_sd * float(generator.standard_normal())
        self.laser_is_on = False
        self.shutter_is_open = False
        self.lamp_is_on = False
        self.ambient_chip_is_selected = False
        self.laser_mw = 5.0
        self.laser_is_dead = False
        self.brightness = 1.0
        self.wavelength_nm: FloatArray = FIRST_NM + STEP_NM * np.arange(SPECTROMETER_PIXELS, dtype=np.float64)
        centre = float(self.wavelength_nm[SPECTROMETER_PIXELS // 2])
        self._true_nm: FloatArray = (
            self.wavelength_nm + self.calibration_nm + self.dispersion * (self.wavelength_nm - centre)
        )

    def switch_laser(self, *, on: bool) -> None:
        """Switch the laser; a dead one stays off."""
        self.laser_is_on = on and not self.laser_is_dead

    def drift(self, by_nm: float) -> None:
        """Move the spectrometer's calibration: from now on a line shows `by_nm` [nm] further to the red."""
        self._true_nm = self._true_nm - by_nm

    def pressure_at_ruby_gpa(self, sample_gpa: float) -> float:
        """Pressure at the chip in the cell [GPa]; the difference to the sample grows in over the first GPa."""
        return sample_gpa + self.offset_gpa * min(max(sample_gpa, 0.0), 1.0)

    def r1_nm(self, pressure_gpa: float, temperature_k: float) -> float:
        """R1 of these chips in air [nm] at a pressure [GPa] and the temperature of the ruby [K]."""
        at_no_pressure = self.reference_nm + datchi_shift_nm(temperature_k) - datchi_shift_nm(REFERENCE_K)
        return at_no_pressure * ruby2020_ratio(pressure_gpa)

    def rate_cps(self, *, sample_gpa: float, sample_k: float, ambient_k: float, overlap: float = 1.0) -> FloatArray:
        """Count rate of each pixel above dark [counts/s] at the state of the optics now.

        Parameters
        ----------
        sample_gpa, sample_k : float
            Pressure [GPa] and temperature [K] of the sample.
        ambient_k : float
            Temperature of the chip outside [K].
        overlap : float
            Share of the laser that meets the chip in the cell, 0 to 1.
        """
        p = self.parameters
        rate = np.zeros(SPECTROMETER_PIXELS)
        if self.laser_is_on and self.shutter_is_open:
            if self.ambient_chip_is_selected:
                gpa, kelvin, seen = 0.0, ambient_k, 1.0
            else:
                gpa, kelvin, seen = self.pressure_at_ruby_gpa(sample_gpa), sample_k, overlap
            seen *= self.brightness
            rate += seen * self.laser_mw * self._luminescence(gpa, kelvin + p.laser_k_per_mw * self.laser_mw)
            rate += self.laser_mw * p.glow_cps * np.exp(-(((self._true_nm - 705.0) / 40.0) ** 2))  # engineering shape
        if self.lamp_is_on:
            for line_nm, intensity in NEON_LINES:
                rate += p.neon_cps * intensity * _triangle(self._true_nm - line_nm, p.slit_nm)
        return rate

    def spectrum(
        self, rate_cps: FloatArray, exposure_s: float, accumulations: int, generator: np.random.Generator
    ) -> FloatArray:
        """Return the counts of an acquisition: noise, bias and full well in each accumulation, then their sum."""
        p = self.parameters
        expected = (rate_cps + p.dark_cps) * exposure_s
        total = np.zeros(SPECTROMETER_PIXELS)
        for _ in range(accumulations):
            counts = (
                generator.poisson(expected)
                + p.bias_counts
                + generator.normal(0.0, p.read_noise_counts, SPECTROMETER_PIXELS)
            )
            total += np.clip(np.rint(counts), 0.0, FULL_WELL)
        return total

    def _luminescence(self, pressure_gpa: float, temperature_k: float) -> FloatArray:
        p = self.parameters
        warm = temperature_k - REFERENCE_K
        width = p.width_nm + p.width_nm_per_k * warm
        light = p.peak_cps * math.exp(-p.quenching_per_k * warm) * p.width_nm / width
        r1 = self.r1_nm(pressure_gpa, temperature_k)
        r2 = 1.0 / (1.0 / r1 + R2_SPACING_PER_CM * 1.0e-7)
        boltzmann = math.exp(-R2_SPACING_PER_CM * SECOND_RADIATION_CM_K * (1.0 / temperature_k - 1.0 / REFERENCE_K))
        return light * (self._line(r1, width) + p.r2_ratio * boltzmann * self._line(r2, width))

    def _line(self, centre_nm: float, width_nm: float) -> FloatArray:
        """Line of about unit height: Pearson VII seen through the slit, part of it smeared to the red."""
        p = self.parameters
        half = 0.5 * width_nm / math.sqrt(2.0 ** (1.0 / p.pearson_exponent) - 1.0)
        steps = np.linspace(-p.slit_nm, p.slit_nm, 9)[1:-1]  # seven points resolve the slit to 1e-3 of the peak
        triangle = (p.slit_nm - np.abs(steps)) / np.sum(p.slit_nm - np.abs(steps))
        quantiles = (np.arange(6) + 0.5) / 6.0  # six points stand for the exponential distribution of the tail
        shifts = np.concatenate([steps, -p.tail_nm * np.log1p(-quantiles)])
        weights = np.concatenate([(1.0 - p.tail_fraction) * triangle, np.full(6, p.tail_fraction / 6.0)])
        seen = np.zeros(SPECTROMETER_PIXELS)
        for shift, weight in zip(shifts, weights, strict=True):
            seen += weight * (1.0 + ((self._true_nm - centre_nm - shift) / half) ** 2) ** -p.pearson_exponent
        return seen


def _triangle(distance_nm: FloatArray, slit_nm: float) -> FloatArray:
    """Slit function of full width at half maximum `slit_nm` and unit height, averaged over a pixel."""
    edges = np.linspace(-STEP_NM / 2.0, STEP_NM / 2.0, 5)
    shapes = [np.maximum(1.0 - np.abs(distance_nm + edge) / slit_nm, 0.0) for edge in edges]
    seen: FloatArray = np.mean(shapes, axis=0)
    return seen
