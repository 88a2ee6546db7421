"""From a ruby spectrum and two thermocouples to a pressure: the one way, for plans and for the reduction alike."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy.typing as npt

from lics_beamline.physics.neon import WavelengthCheck
from lics_beamline.physics.pressure import Pressure
from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.physics.ruby_line import RubyLine
from lics_beamline.physics.ruby_spectrum import fit_doublet
from lics_beamline.physics.thermocouple import GradientCalibration, SampleTemperature, ThermocoupleComparison


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeReading:
    """A spectrum read.

    Parameters
    ----------
    line : RubyLine
        The fitted doublet, on the corrected axis where the gauge has one.
    temperature : SampleTemperature
        Of the ruby and the sample beside it.
    pressure : Pressure
        With its statistical and systematic errors.
    """

    line: RubyLine
    temperature: SampleTemperature
    pressure: Pressure


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Everything known before a spectrum is taken that turns it into a pressure.

    Parameters
    ----------
    ruler : RubyRuler
        Scale, temperature correction and reference line.
    gradient : GradientCalibration
        From the gasket's thermocouple to the ruby.
    thermocouple_sigma_k : float
        Standard deviation of each thermocouple [K].
    axis : WavelengthCheck, optional
        How far the wavelength axis is off; without it, lines are taken as the axis says.
    compared : ThermocoupleComparison, optional
        The two thermocouples, compared at rest.
    """

    ruler: RubyRuler
    gradient: GradientCalibration
    thermocouple_sigma_k: float
    axis: WavelengthCheck | None = None
    compared: ThermocoupleComparison | None = None

    def temperature(self, gasket_k: float, ambient_k: float) -> SampleTemperature:
        """Temperature of ruby and sample from gasket and ambient thermocouple [K].

        Raises
        ------
        BadReading
            If a thermocouple cannot be believed.
        """
        return self.gradient.sample(
            gasket_k, ambient_k, thermocouple_sigma_k=self.thermocouple_sigma_k, compared=self.compared
        )

    def read(
        self,
        wavelength_nm: npt.ArrayLike,
        counts: npt.ArrayLike,
        *,
        gasket_k: float,
        ambient_k: float,
        saturation_counts: float | None = None,
    ) -> GaugeReading:
        """Read a spectrum.

        Parameters
        ----------
        wavelength_nm, counts : array_like, shape (pixels,)
            The spectrum: wavelengths in air as the spectrometer says them [nm], counts.
        gasket_k, ambient_k : float
            Thermocouples of the same moment [K].
        saturation_counts : float, optional
            Count at which a pixel is full.

        Returns
        -------
        GaugeReading
            Line, temperature and pressure. The error of the axis is part of that of the reference line.

        Raises
        ------
        BadReading
            If a thermocouple or the spectrum cannot be believed.
        OutsideCalibration
            If temperature or pressure is outside the range of scale or correction.
        """
        temperature = self.temperature(gasket_k, ambient_k)
        axis_nm = wavelength_nm if self.axis is None else self.axis.corrected_nm(wavelength_nm)
        line = fit_doublet(axis_nm, counts, temperature_k=temperature.kelvin, saturation_counts=saturation_counts)
        ruler = self.ruler
        if self.axis is not None:
            sigma_nm = math.hypot(ruler.reference_sigma_nm, self.axis.sigma_nm(line.r1_nm))
            ruler = replace(ruler, reference_sigma_nm=sigma_nm)
        # An unshifted line read in the same room by the same thermocouple shares the room's error with this reading:
        # it moves both lines alike, but for the change of slope of the correction, which is worth 0.5 MPa at 498 K.
        pressure = ruler.pressure(line.r1_nm, line.r1_sigma_nm, temperature.kelvin, temperature.above_room_sigma_k)
        return GaugeReading(line=line, temperature=temperature, pressure=pressure)
