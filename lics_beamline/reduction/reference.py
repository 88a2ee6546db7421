"""What the pressures of a leg rest on: the wavelength axis, the unshifted line and the thermocouples, as read for it.

Pure, and folded over the reference readings of a run: the plan does it while measuring, the reducer with the record.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline import schema
from lics_beamline.errors import BadReading
from lics_beamline.physics.gauge import Gauge
from lics_beamline.physics.neon import WavelengthCheck, check_wavelengths
from lics_beamline.physics.ruby_line import RubyLine
from lics_beamline.physics.ruby_spectrum import fit_doublet
from lics_beamline.physics.ruby_temperature import CORRECTIONS
from lics_beamline.physics.thermocouple import ThermocoupleComparison, check_type_k
from lics_beamline.reduction.ruby import RubyReduction

logger = logging.getLogger(__name__)

Array = npt.NDArray[np.float64]

UNHEATED_PERCENT: Final = 0.1  # heater output of a cell at rest; 0.15 W of 150 W warm it by 0.3 K
AGREE_SIGMA: Final = 3.0  # thermocouples farther apart than their errors explain: the cell is not at rest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceReading:
    """Readings at the beginning of a leg.

    Parameters
    ----------
    axis_nm, neon_counts, ruby_counts : ndarray, shape (pixels,)
        The spectrometer's own wavelengths in air [nm]; counts of the neon lamp and of the ruby outside the cell.
    gasket_k, cell_k, ambient_k : float
        Thermocouples beside the gasket, on the cell's body, and in the room [K].
    heater_percent : float
        Output of the heater [%].
    """

    axis_nm: Array
    neon_counts: Array
    ruby_counts: Array
    gasket_k: float
    cell_k: float
    ambient_k: float
    heater_percent: float


def reading_of(data: Mapping[str, Any]) -> ReferenceReading:
    """Return the reading that an event of the `reference` stream holds.

    Raises
    ------
    KeyError
        If the event lacks a field.
    """
    return ReferenceReading(
        axis_nm=np.asarray(data[schema.REFERENCE_AXIS], dtype=np.float64),
        neon_counts=np.asarray(data[schema.NEON_SPECTRUM], dtype=np.float64),
        ruby_counts=np.asarray(data[schema.AMBIENT_RUBY_SPECTRUM], dtype=np.float64),
        gasket_k=float(data[schema.GASKET_TEMPERATURE]),
        cell_k=float(data[schema.CELL_TEMPERATURE]),
        ambient_k=float(data[schema.AMBIENT_TEMPERATURE]),
        heater_percent=float(data[schema.HEATER_OUTPUT]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Reference of the pressures of a leg.

    Parameters
    ----------
    r1_nm, r1_sigma_nm : float
        Line of the ambient ruby that is the reference, on the corrected axis [nm], and its standard deviation.
    temperature_k : float
        Temperature it was read at [K].
    axis : WavelengthCheck or None
        Correction of the axis by neon lines; None where the ambient ruby takes the drift up.
    checked_by : {"neon", "ambient"}
        What said so now; the ambient ruby stands in for a lamp that has gone dark.
    compared : ThermocoupleComparison or None
        Thermocouples compared at rest, where the recipe says so and the first reading of the run was at rest.
    drift_nm, drift_sigma_nm : float
        How far the axis has moved since the first reading of the run, and its standard deviation [nm].
    first : Reference or None
        The first of the run; None where this is it.
    """

    r1_nm: float
    r1_sigma_nm: float
    temperature_k: float
    axis: WavelengthCheck | None
    checked_by: Literal["neon", "ambient"]
    compared: ThermocoupleComparison | None
    drift_nm: float
    drift_sigma_nm: float
    first: Reference | None

    def gauge(self, ruby: RubyReduction) -> Gauge:
        """Return the gauge of this leg by a recipe's choices."""
        today = ruby.with_reference(self.r1_nm, self.temperature_k, self.r1_sigma_nm)
        return replace(today.gauge(), axis=self.axis, compared=self.compared)

    def fields(self, ruby: RubyReduction) -> dict[str, Any]:
        """Return the fields of `schema.REFERENCE_FIELDS` that say what was found."""
        ruler = self.gauge(ruby).ruler
        return {
            "axis_checked_by": self.checked_by,
            "axis_offset_nm": self.axis.offset_nm if self.axis else math.nan,
            "axis_drift_nm": self.drift_nm,
            "axis_drift_sigma_nm": self.drift_sigma_nm,
            "reference_r1_nm": ruler.reference_wavelength_nm,
            "reference_r1_sigma_nm": ruler.reference_sigma_nm,
            "reference_temperature_k": ruler.reference_temperature_k,
            "thermocouples_apart_k": self.compared.gasket_above_ambient_k if self.compared else math.nan,
        }


def refer(reading: ReferenceReading, ruby: RubyReduction, *, first: Reference | None = None) -> Reference:
    """Judge a reference reading.

    By neon lines the axis is corrected, and the line of the ambient ruby read first stays the reference. By the ambient
    ruby its line is the reference as it is read now, so that whatever has moved the axis moves both. A lamp that goes
    dark within a run leaves the ambient ruby to say how far the axis has moved: not the end of a sweep of hours.

    Parameters
    ----------
    reading : ReferenceReading
        At the beginning of a leg.
    ruby : RubyReduction
        The recipe's choices; `axis` must be "neon" or "ambient".
    first : Reference, optional
        The first of the run; without it, this is.

    Raises
    ------
    BadReading
        If a thermocouple cannot be believed, or the first reading of what the recipe believes, or a later one of both.
    """
    room_k = check_type_k(reading.ambient_k, where="ambient")
    compared = _compared(reading, ruby) if first is None else first.compared
    if ruby.axis == "neon":
        return _by_neon(reading, ruby, room_k, compared=compared, first=first)
    line = _ambient_line(reading.axis_nm, reading, room_k)
    now = _first(line.r1_nm, line.r1_sigma_nm, room_k, axis=None, compared=compared)
    if first is None:
        return now
    return replace(
        now,
        drift_nm=_moved_nm(line, first, room_k, ruby),
        drift_sigma_nm=math.hypot(line.r1_sigma_nm, first.r1_sigma_nm),
        first=first,
    )


def _by_neon(
    reading: ReferenceReading,
    ruby: RubyReduction,
    room_k: float,
    *,
    compared: ThermocoupleComparison | None,
    first: Reference | None,
) -> Reference:
    if first is None or first.axis is None:
        axis = check_wavelengths(reading.axis_nm, reading.neon_counts)
        line = _ambient_line(axis.corrected_nm(reading.axis_nm), reading, room_k)
        sigma_nm = math.hypot(line.r1_sigma_nm, axis.sigma_nm(line.r1_nm))
        return _first(line.r1_nm, sigma_nm, room_k, axis=axis, compared=compared)
    way: Literal["neon", "ambient"] = "neon"
    try:
        axis = check_wavelengths(reading.axis_nm, reading.neon_counts)
    except BadReading as error:
        logger.warning("the ambient ruby checks the axis instead of the lamp: %s", error)
        way = "ambient"
        line = _ambient_line(first.axis.corrected_nm(reading.axis_nm), reading, room_k)
        axis = replace(
            first.axis,
            offset_nm=first.axis.offset_nm + _moved_nm(line, first, room_k, ruby),
            offset_sigma_nm=math.hypot(first.axis.offset_sigma_nm, line.r1_sigma_nm),
        )
    return replace(
        first,
        axis=axis,
        checked_by=way,
        drift_nm=axis.offset_nm - first.axis.offset_nm,
        drift_sigma_nm=math.hypot(axis.offset_sigma_nm, first.axis.offset_sigma_nm),
        first=first,
    )


def _moved_nm(line: RubyLine, first: Reference, room_k: float, ruby: RubyReduction) -> float:
    """How far the ambient ruby's line is from where the first reading and the room's temperature put it [nm]."""
    return line.r1_nm - first.r1_nm - CORRECTIONS[ruby.correction].shift_nm(room_k, first.temperature_k)


def _first(
    r1_nm: float,
    sigma_nm: float,
    room_k: float,
    *,
    axis: WavelengthCheck | None,
    compared: ThermocoupleComparison | None,
) -> Reference:
    return Reference(
        r1_nm=r1_nm,
        r1_sigma_nm=sigma_nm,
        temperature_k=room_k,
        axis=axis,
        checked_by="ambient" if axis is None else "neon",
        compared=compared,
        drift_nm=0.0,
        drift_sigma_nm=0.0,
        first=None,
    )


def _ambient_line(axis_nm: Array, reading: ReferenceReading, room_k: float) -> RubyLine:
    try:
        return fit_doublet(axis_nm, reading.ruby_counts, temperature_k=room_k)
    except BadReading as error:
        raise BadReading(f"ambient ruby: {error}", **error.facts) from error


def _compared(reading: ReferenceReading, ruby: RubyReduction) -> ThermocoupleComparison | None:
    """Thermocouples compared, where the recipe says so and nothing says that the cell is warmer than its room."""
    if ruby.thermocouples == "as read" or not reading.heater_percent <= UNHEATED_PERCENT:
        return None
    gasket_k, cell_k = check_type_k(reading.gasket_k, where="gasket"), check_type_k(reading.cell_k, where="cell")
    explained_k = AGREE_SIGMA * math.sqrt(2.0) * ruby.thermocouple_sigma_k
    if not max(abs(gasket_k - reading.ambient_k), abs(cell_k - reading.ambient_k)) <= explained_k:
        return None
    return ThermocoupleComparison(gasket_above_ambient_k=gasket_k - reading.ambient_k, sigma_k=ruby.rest_sigma_k)
