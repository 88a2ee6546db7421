"""A recipe's choices of ruby: scale, correction, unshifted line, how the axis is checked, and the thermocouples."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, field_validator, model_validator

from lics_beamline.errors import OutsideCalibration
from lics_beamline.files.strict_toml import Strict, validate
from lics_beamline.physics.gauge import Gauge
from lics_beamline.physics.ruby import CORRECTIONS, DEFAULT_CORRECTION, DEFAULT_SCALE, RubyRuler, scales
from lics_beamline.physics.ruby_chip import RubyChip
from lics_beamline.physics.thermocouple import (
    GASKET_TO_SAMPLE,
    GASKET_TO_SAMPLE_SIGMA,
    TYPE_K_CLASS_1_K,
    GradientCalibration,
)


class RubyReduction(Strict):
    """Settings by which a ruby spectrum and two thermocouples become pressure and temperature.

    Parameters
    ----------
    scale : str
        Identifier of the pressure scale, as peritheos lists them.
    correction : str
        Name of the temperature correction.
    reference_wavelength_nm, reference_temperature_k, reference_sigma_nm : float
        The unshifted line: where it was read, at which temperature, and its standard deviation.
    axis : {"neon", "ambient", "none"}
        What the wavelength axis is checked by at the beginning of each leg: it is corrected by the lines of the neon
        lamp; or the line of the ambient ruby is read anew and taken as the reference of the leg; or neither, and one
        reference serves the whole run.
    chip : RubyChip, optional
        The chip in the cell, where it has been read at ambient; without it, the ambient ruby stands for any chip.
    chip_to_chip_nm : float
        Standard deviation of the unshifted line of one chip from that of another [nm]; counts where the chip in the
        cell was not read at ambient.
    gasket_to_sample, gasket_to_sample_sigma : float
        Rise of the sample over ambient divided by that of the gasket's thermocouple, and its standard deviation: a
        calibration of the cell.
    thermocouple_sigma_k : float
        Standard deviation of a thermocouple [K].
    thermocouples : {"as read", "compared at rest"}
        Whether what gasket and ambient thermocouple differ by at the first reference reading of a run, before the
        heater is armed, is an error of theirs and taken away. Needs an `axis`: that reading is on record then.
    rest_sigma_k : float
        Standard deviation of the true difference between an unheated cell and its room [K].
    ruby_to_sample_gpa : float
        Standard deviation of the pressure difference between ruby and sample [GPa].
    """

    scale: str = DEFAULT_SCALE
    correction: str = DEFAULT_CORRECTION
    reference_wavelength_nm: float = Field(694.25, gt=690.0, lt=700.0)
    reference_temperature_k: float = Field(298.0, gt=50.0, lt=900.0)
    reference_sigma_nm: float = Field(0.003, ge=0.0, le=1.0)
    axis: Literal["neon", "ambient", "none"] = "none"
    chip: RubyChip | None = None
    chip_to_chip_nm: float = Field(0.03, ge=0.0, le=1.0)
    gasket_to_sample: float = Field(GASKET_TO_SAMPLE, gt=0.5, le=1.5)
    gasket_to_sample_sigma: float = Field(GASKET_TO_SAMPLE_SIGMA, ge=0.0, le=0.2)
    thermocouple_sigma_k: float = Field(TYPE_K_CLASS_1_K, ge=0.0, le=100.0)
    thermocouples: Literal["as read", "compared at rest"] = "as read"
    rest_sigma_k: float = Field(0.3, ge=0.0, le=100.0)  # a cell in a room that warms by 1 K/h; engineering estimate
    ruby_to_sample_gpa: float = Field(0.05, ge=0.0, le=10.0)

    @field_validator("scale")
    @classmethod
    def _scale_exists(cls, scale: str) -> str:
        if scale not in scales():
            raise ValueError(f"allowed are {', '.join(scales())}")
        return scale

    @field_validator("correction")
    @classmethod
    def _correction_exists(cls, correction: str) -> str:
        if correction not in CORRECTIONS:
            raise ValueError(f"allowed are {', '.join(CORRECTIONS)}")
        return correction

    @model_validator(mode="after")
    def _reference_is_in_range(self) -> RubyReduction:
        try:
            self.ruler()
        except OutsideCalibration as error:
            raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _what_is_compared_is_on_record(self) -> RubyReduction:
        if self.axis == "none" and self.thermocouples == "compared at rest":
            raise ValueError(
                'thermocouples = "compared at rest" needs axis = "neon" or "ambient": nothing is read else'
            )
        if self.chip is not None and self.chip.ambient_wavelength_nm is None and self.axis != "neon":
            raise ValueError(
                f'chip without ambient_wavelength_nm needs axis = "neon", not {self.axis!r}: say what the ambient ruby '
                "read at the same time"
            )
        return self

    def ruler(self) -> RubyRuler:
        """Return the ruler these choices make; its reference is the chip in the cell where that has been read."""
        nm, kelvin, sigma_nm = self.reference_wavelength_nm, self.reference_temperature_k, self.reference_sigma_nm
        chip = self.chip
        if chip is not None and chip.ambient_wavelength_nm is not None:
            nm += chip.wavelength_nm - chip.ambient_wavelength_nm
            sigma_nm = math.hypot(sigma_nm, chip.sigma_nm)
        elif chip is not None:
            nm, kelvin, sigma_nm = chip.wavelength_nm, chip.temperature_k, chip.sigma_nm
        return RubyRuler(
            scale=self.scale,
            correction=self.correction,
            reference_wavelength_nm=nm,
            reference_temperature_k=kelvin,
            reference_sigma_nm=sigma_nm,
            chip_to_chip_nm=self.chip_to_chip_nm if chip is None else 0.0,
            ruby_to_sample_gpa=self.ruby_to_sample_gpa,
        )

    def gauge(self) -> Gauge:
        """Return the gauge these choices make with no reference reading: axis and thermocouples as read."""
        return Gauge(
            ruler=self.ruler(),
            gradient=GradientCalibration(gasket_to_sample=self.gasket_to_sample, sigma=self.gasket_to_sample_sigma),
            thermocouple_sigma_k=self.thermocouple_sigma_k,
        )

    def with_reference(self, r1_nm: float, temperature_k: float, r1_sigma_nm: float) -> RubyReduction:
        """Return these choices with another unshifted line (`Recipe.with_reference`).

        Raises
        ------
        ProfileError
            If the line cannot be a reference.
        """
        ruby = self.model_dump() | {
            "reference_wavelength_nm": r1_nm,
            "reference_temperature_k": temperature_k,
            "reference_sigma_nm": r1_sigma_nm,
        }
        return validate(ruby, RubyReduction, source="reference line")
