"""Taking the pressure: one ruby spectrum, judged at the temperature of the ruby, inside an event."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

import bluesky.plan_stubs as bps
import numpy as np
from bluesky.utils import FailedStatus, MsgGenerator

from lics_beamline.control.heating import RUBY_GPA_PER_K
from lics_beamline.control.instrument_settings import RubySettings
from lics_beamline.devices.alarm import value_of
from lics_beamline.devices.beamline import Beamline
from lics_beamline.errors import BadReading, NotConnected
from lics_beamline.physics.exposure import next_exposure_s
from lics_beamline.physics.gauge import Gauge as Gauge  # plans know it by this door
from lics_beamline.physics.pressure import Pressure
from lics_beamline.physics.ruby_line import RubyLine
from lics_beamline.physics.thermocouple import check_type_k
from lics_beamline.plans.action import do
from lics_beamline.plans.silence import answered, read_believed
from lics_beamline.schema import (
    AMBIENT_TEMPERATURE,
    GASKET_TEMPERATURE,
    LOAD,
    RUBY_LAMP,
    RUBY_OUTSIDE,
    RUBY_SPECTRUM,
    RUBY_WAVELENGTH,
)

log = logging.getLogger(__name__)

SPECTRA_BEFORE_GIVING_UP = 4
SATURATION_COUNTS = 65535.0  # of one accumulation: the full scale of a 16-bit converter
BIAS_PERCENTILE = 1.0  # of a spectrum's pixels lie below what the detector gives without light


@dataclass(frozen=True, slots=True, kw_only=True)
class RubyReading:
    """A pressure as read, with the load and temperature it was read at.

    Parameters
    ----------
    pressure : Pressure
        With statistical and systematic standard deviation.
    line : RubyLine
        The fitted doublet.
    load_bar : float
        Membrane gas pressure [bar].
    haste_gpa : float
        Standard deviation of the pressure because the temperature moved while the spectrum was taken [GPa].
    """

    pressure: Pressure
    line: RubyLine
    load_bar: float
    haste_gpa: float = 0.0

    def fields(self) -> dict[str, Any]:
        """Return the fields of `schema.RUBY_READING` and `schema.RUBY_FIT`."""
        return {
            "pressure_gpa": self.pressure.gpa,
            "pressure_sigma_gpa": self.pressure.sigma_gpa,
            "pressure_systematic_gpa": self.pressure.systematic_gpa,
            "ruby_temperature_k": self.pressure.temperature_k,
            **self.line.recorded(),
        }


def prepare(beamline: Beamline, ruby: RubySettings) -> MsgGenerator[None]:
    """Set the spectrometer as the profile says, and let it look at the ruby in the cell.

    Whoever was cut off while the reference was read has left the lamp on, or the ruby outside in the light path.
    """
    yield from bps.mv(
        beamline.ruby.lamp,
        "Off",
        beamline.ruby.ambient_ruby,
        "Off",
        beamline.ruby.acquire_time_s,
        ruby.acquire_time_s,
        beamline.ruby.accumulations,
        ruby.accumulations,
        beamline.ruby.laser_power_mw,
        ruby.laser_power_mw,
    )


def laser_on(beamline: Beamline) -> MsgGenerator[None]:
    """Make the ruby fluoresce: spectrometer shutter open, laser on."""
    yield from do("ruby laser on", beamline.ruby.laser_on)


def laser_off(beamline: Beamline) -> MsgGenerator[None]:
    """Stop heating the ruby: laser off, spectrometer shutter closed."""
    yield from do("ruby laser off", beamline.ruby.laser_off)


def read_ruby(beamline: Beamline, gauge: Gauge, *, stream: str) -> MsgGenerator[RubyReading]:
    """Take one spectrum and judge it, leaving the event of `stream` open for the plan to complete and save.

    While an instrument gives no value it is waited for, and a reading in which one had none is taken again.
    A spectrum that cannot be believed is dropped and taken again, `SPECTRA_BEFORE_GIVING_UP` times in all. Where a
    spectrum is too dim or too bright, believed or not, the exposure of the next is adapted within the limits of the
    spectrometer (`physics.exposure`), and stays so.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    gauge : Gauge
        How a spectrum becomes a pressure.
    stream : str
        Stream of the event that holds spectrum, thermocouples and membrane.

    Raises
    ------
    BadReading
        If no spectrum can be believed; names the reason of the last.
    NotConnected
        If an instrument gives no value, for too long or again and again.
    """
    for attempt in range(1, SPECTRA_BEFORE_GIVING_UP + 1):
        said_k = value_of(beamline.thermocouples.gasket_k)
        if said_k is not None:  # an open circuit is an answer: what else it silences is not waited for
            check_type_k(float(said_k), where="gasket")
        yield from answered(beamline)
        before_k = yield from bps.rd(beamline.thermocouples.gasket_k)
        try:
            yield from bps.trigger(beamline.ruby, wait=True)
        except FailedStatus as error:
            if not isinstance(error.__cause__, NotConnected) or attempt == SPECTRA_BEFORE_GIVING_UP:
                raise
            log.warning("%s", error.__cause__)
            continue
        yield from bps.create(stream)
        data: dict[str, Any] = {}
        try:
            # Temperature first: on a ramp it belongs to the spectrum just taken, and spectra take time to fetch.
            data = yield from read_believed(beamline.thermocouples, beamline.ruby, beamline.membrane)
            full = SATURATION_COUNTS * int(beamline.ruby.accumulations.get())
            ruby = judge(data, gauge, saturation_counts=full, before_k=float(before_k))
        except NotConnected as error:
            yield from bps.drop()
            if attempt == SPECTRA_BEFORE_GIVING_UP:
                raise
            log.warning("%s", error)
        except BadReading as error:
            yield from bps.drop()
            _require_laser(beamline, error)
            if attempt == SPECTRA_BEFORE_GIVING_UP:
                raise
            yield from adapt(beamline, data[RUBY_SPECTRUM])
        else:
            if ruby.line.doubt:
                log.warning("%s", ruby.line.doubt)
            yield from adapt(beamline, data[RUBY_SPECTRUM])
            return ruby
    raise AssertionError("unreachable")


def _require_laser(beamline: Beamline, error: BadReading) -> None:
    """Say that the laser is off, where that is why a spectrum is dark."""
    if error.facts.get("reason") == "dark" and beamline.ruby.laser_readback.get(use_monitor=False) != "On":
        raise BadReading(
            "ruby spectrum is dark because the laser is off, though it was switched on. Look at the laser.",
            reason="laser off",
        ) from error


def adapt(beamline: Beamline, counts: Any) -> MsgGenerator[bool]:
    """Set the exposure of the next spectrum after how bright this one was.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    counts : array_like
        The spectrum, of all its accumulations together.

    Returns
    -------
    bool
        Whether it is another exposure than before.
    """
    exposure, accumulations = beamline.ruby.acquire_time_s, int(beamline.ruby.accumulations.get())
    before_s, (low_s, high_s) = float(exposure.get()), exposure.limits
    one = np.asarray(counts, dtype=np.float64) / accumulations
    after_s = next_exposure_s(
        peak_counts=float(one.max()),
        saturation_counts=SATURATION_COUNTS,
        exposure_s=before_s,
        shortest_s=low_s if low_s < high_s else before_s,
        longest_s=high_s if low_s < high_s else before_s,
        background_counts=float(np.percentile(one, BIAS_PERCENTILE)),
    )
    if after_s == before_s:
        return False
    log.info("ruby exposure is %g s instead of %g s from now on", after_s, before_s)
    yield from bps.mv(exposure, after_s)
    return True


def judge(
    data: dict[str, Any], gauge: Gauge, *, saturation_counts: float | None = None, before_k: float = math.nan
) -> RubyReading:
    """Return the pressure of one set of readings.

    Parameters
    ----------
    data : dict
        Values by field name: ruby spectrum and wavelength, gasket and ambient thermocouple, load; what the
        spectrometer looks at, where it says so.
    gauge : Gauge
        How a spectrum becomes a pressure.
    saturation_counts : float, optional
        Count at which a pixel is full.
    before_k : float, optional
        The gasket thermocouple just before the spectrum was taken [K].

    Raises
    ------
    BadReading
        If a thermocouple is open, the spectrum cannot be believed, or is not one of the ruby in the cell.
    """
    for field, what in ((RUBY_OUTSIDE, "the ruby outside the cell"), (RUBY_LAMP, "the neon lamp")):
        if data.get(field) == "On":
            raise BadReading(
                f"the spectrum is that of {what}: {field} is On. Switch it Off, and read again.",
                reason="not the ruby in the cell",
                field=field,
            )
    reading = gauge.read(
        data[RUBY_WAVELENGTH],
        data[RUBY_SPECTRUM],
        gasket_k=data[GASKET_TEMPERATURE],
        ambient_k=data[AMBIENT_TEMPERATURE],
        saturation_counts=saturation_counts,
    )
    moved_k = data[GASKET_TEMPERATURE] - before_k  # the spectrum saw any temperature between the two
    return RubyReading(
        pressure=reading.pressure,
        line=reading.line,
        load_bar=float(data[LOAD]),
        haste_gpa=0.0 if math.isnan(before_k) else RUBY_GPA_PER_K * abs(moved_k) / math.sqrt(3.0),
    )
