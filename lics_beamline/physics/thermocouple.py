"""Temperature of the sample from thermocouples that sit beside it, and the values that no thermocouple can give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lics_beamline.errors import BadReading
from lics_beamline.units import kelvin_from_celsius

TYPE_K_RANGE_C: Final = (-270.0, 1372.0)  # NIST Monograph 175 (1993)
TYPE_K_CLASS_1_K: Final = 1.5  # tolerance of class 1 from -40 to 375 C [K], IEC 60584-1:2013
GASKET_TO_SAMPLE: Final = (
    0.985  # sample rise over gasket rise; a calibration of each cell, so every recipe states its own
)
GASKET_TO_SAMPLE_SIGMA: Final = 0.005  # a third of the gradient, before a cell is calibrated; engineering estimate
FORGOTTEN_K: Final = 100.0  # rise at which a comparison at rest is worth nothing: class 1 bounds each temperature alone


def check_type_k(temperature_k: float, *, where: str) -> float:
    """Return a reading of a type K thermocouple, or say that it is none.

    An open circuit reads -9999 on some converters, without an alarm, or -9999 averaged with good samples; so the range
    of the type is the test.

    Parameters
    ----------
    temperature_k : float
        Reading [K].
    where : str
        Name of the thermocouple, for the message.

    Raises
    ------
    BadReading
        If the reading is not finite or outside the range of type K.
    """
    try:
        temperature_k = float("nan" if isinstance(temperature_k, str) else temperature_k)
    except (TypeError, ValueError, OverflowError):  # a PV may give anything
        temperature_k = math.nan
    lowest_k, highest_k = (kelvin_from_celsius(end_c) for end_c in TYPE_K_RANGE_C)
    if not math.isfinite(temperature_k) or not lowest_k <= temperature_k <= highest_k:
        raise BadReading(
            f"thermocouple {where} reads {temperature_k:.2f} K, outside {lowest_k:g}-{highest_k:g} K of "
            "type K: open circuit. Check the leads.",
            reason="open circuit",
            temperature_k=temperature_k,
            where=where,
            letter="K",
        )
    return temperature_k


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTemperature:
    """Temperature of sample and ruby.

    Parameters
    ----------
    kelvin, sigma_k : float
        Temperature and its standard deviation [K].
    above_room_sigma_k : float
        Standard deviation of its distance from the temperature of the room, as the same ambient thermocouple reads it
        [K]: what matters where an unshifted line was read in that room.
    """

    kelvin: float
    sigma_k: float
    above_room_sigma_k: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermocoupleComparison:
    """Gasket and ambient thermocouple compared while the cell was as warm as its room.

    Parameters
    ----------
    gasket_above_ambient_k : float
        What the gasket's thermocouple read above the ambient one [K]: an error of the two, no temperature.
    sigma_k : float
        Standard deviation of the true difference between an unheated cell and its room [K].
    """

    gasket_above_ambient_k: float
    sigma_k: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientCalibration:
    """How much of the gasket's rise above ambient arrives at the sample: a property of each cell and loading.

    Parameters
    ----------
    gasket_to_sample : float
        Rise of the sample over that of the gasket's thermocouple; 0.5-1.5.
    sigma : float
        Its standard deviation.
    """

    gasket_to_sample: float = GASKET_TO_SAMPLE
    sigma: float = GASKET_TO_SAMPLE_SIGMA

    def sample(
        self,
        gasket_k: float,
        ambient_k: float,
        *,
        thermocouple_sigma_k: float,
        compared: ThermocoupleComparison | None = None,
    ) -> SampleTemperature:
        """Temperature of the sample with its error.

        Parameters
        ----------
        gasket_k, ambient_k : float
            Readings beside the gasket and of the room [K].
        thermocouple_sigma_k : float
            Standard deviation of each thermocouple [K]; their errors are independent and last as long as a run.
        compared : ThermocoupleComparison, optional
            The two, compared at rest: their common difference is taken away.

        Raises
        ------
        BadReading
            If a reading is outside the range of type K.

        Notes
        -----
        With rise ``r``, slope ``g`` and thermocouples of ``s`` the error is ``(sigma r)^2 + (g s)^2 + ((1 - g) s)^2``
        and that above the room ``(sigma r)^2 + 2 (g s)^2``. After a comparison at rest of ``c`` the gasket is as wrong
        as the room, plus ``e^2 = c^2 + w^2``, where ``w`` is what the gasket's thermocouple may deviate more when it is
        hot: ``s min(|r| / 100 K, 1)``. Then they are ``(sigma r)^2 + s^2 + (g e)^2`` and ``(sigma r)^2 + (g e)^2``.
        """
        if compared is not None:
            gasket_k = check_type_k(gasket_k, where="gasket") - compared.gasket_above_ambient_k
        kelvin = sample_temperature_k(gasket_k, ambient_k, gasket_to_sample=self.gasket_to_sample)
        g, s, rise_k = self.gasket_to_sample, thermocouple_sigma_k, gasket_k - ambient_k
        gradient_k = self.sigma * rise_k
        if compared is None:
            return SampleTemperature(
                kelvin=kelvin,
                sigma_k=math.hypot(gradient_k, g * s, (1.0 - g) * s),
                above_room_sigma_k=math.hypot(gradient_k, g * s, g * s),
            )
        apart_k = g * math.hypot(compared.sigma_k, s * min(abs(rise_k) / FORGOTTEN_K, 1.0))
        return SampleTemperature(
            kelvin=kelvin,
            sigma_k=math.hypot(gradient_k, s, apart_k),
            above_room_sigma_k=math.hypot(gradient_k, apart_k),
        )


def calibrate_gradient(
    gasket_rise_k: Sequence[float], sample_rise_k: Sequence[float], sample_sigma_k: float
) -> GradientCalibration:
    """Calibrate a cell from samples of known temperature, such as melting points.

    Parameters
    ----------
    gasket_rise_k, sample_rise_k : sequence of float
        Rise above ambient of the gasket's thermocouple and of the sample [K], at least one pair.
    sample_sigma_k : float
        Standard deviation of one rise of the sample [K].

    Returns
    -------
    GradientCalibration
        Slope of the straight line through the origin; its error covers the scatter where that is larger.

    Raises
    ------
    BadReading
        If there is no pair that has risen, or the slope is outside 0.5-1.5.
    """
    weight = sum(rise * rise for rise in gasket_rise_k)
    if len(gasket_rise_k) != len(sample_rise_k) or not weight > 0.0:
        raise BadReading(
            f"{len(gasket_rise_k)} gasket and {len(sample_rise_k)} sample temperatures are no calibration of the "
            "gradient. Give pairs, above ambient.",
            reason="no pairs",
        )
    pairs = list(zip(gasket_rise_k, sample_rise_k, strict=True))
    slope = sum(gasket * sample for gasket, sample in pairs) / weight
    if not 0.5 <= slope <= 1.5:
        raise BadReading(
            f"the sample follows the gasket by {slope:.3f}; 0.5-1.5 is a cell. Check which column is which.",
            reason="gradient",
            gasket_to_sample=slope,
        )
    freedom = max(len(pairs) - 1, 1)
    scatter_k = math.sqrt(sum((sample - slope * gasket) ** 2 for gasket, sample in pairs) / freedom)
    return GradientCalibration(gasket_to_sample=slope, sigma=max(sample_sigma_k, scatter_k) / math.sqrt(weight))


def sample_temperature_k(gasket_k: float, ambient_k: float, *, gasket_to_sample: float) -> float:
    """Temperature of the sample [K] from the gasket's thermocouple and the ambient one.

    Parameters
    ----------
    gasket_k, ambient_k : float
        Readings beside the gasket and of the room [K].
    gasket_to_sample : float
        Rise of the sample over ambient divided by that of the gasket's thermocouple; 0.9-1.0.

    Raises
    ------
    BadReading
        If a reading is outside the range of type K.

    Notes
    -----
    ``T = T_ambient + gasket_to_sample (T_gasket - T_ambient)``
    """
    gasket_k = check_type_k(gasket_k, where="gasket")
    ambient_k = check_type_k(ambient_k, where="ambient")
    return ambient_k + gasket_to_sample * (gasket_k - ambient_k)
