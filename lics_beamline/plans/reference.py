"""The reference: neon lamp and ambient ruby outside the cell, read with the spectrometer as it is now, leg by leg."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
import numpy.typing as npt
from bluesky.utils import MsgGenerator

from lics_beamline import schema
from lics_beamline.control.instrument_settings import RubySettings
from lics_beamline.control.path import Point
from lics_beamline.devices.beamline import Beamline
from lics_beamline.errors import BadReading, NotConnected
from lics_beamline.physics.ruby_spectrum import fit_doublet
from lics_beamline.physics.ruby_temperature import CORRECTIONS
from lics_beamline.plans.gauge import Gauge, adapt, laser_off, laser_on
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.silence import answered, read_believed
from lics_beamline.reduction.reference import Reference, reading_of, refer
from lics_beamline.reduction.ruby import RubyReduction

log = logging.getLogger(__name__)

READ_BEFORE_GIVING_UP = 3  # times; a line that is lost again and again is no line
SPECTRA_OF_EACH = 3  # taken while the exposure is being adapted: two quarters cover sixteen times


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLine:
    """R1 of the ambient ruby.

    Parameters
    ----------
    r1_nm, r1_sigma_nm : float
        Fitted wavelength in air and its standard deviation [nm].
    temperature_k : float
        Temperature of the room it was read at [K].
    """

    r1_nm: float
    r1_sigma_nm: float
    temperature_k: float


def reference_line(beamline: Beamline) -> MsgGenerator[ReferenceLine]:
    """Read the ambient ruby on the axis as it is. Not part of a run: its result goes into the start document.

    Raises
    ------
    BadReading
        If the spectrum cannot be believed.
    NotConnected
        If an instrument gives no value.
    """
    counts = yield from _of_the_ambient_ruby(beamline)
    axis_nm = yield from bps.rd(beamline.ruby.wavelength_nm)
    yield from answered(beamline)
    temperature_k = float((yield from read_believed(beamline.thermocouples))[schema.AMBIENT_TEMPERATURE])
    line = fit_doublet(axis_nm, counts, temperature_k=temperature_k)
    return ReferenceLine(r1_nm=line.r1_nm, r1_sigma_nm=line.r1_sigma_nm, temperature_k=temperature_k)


def leg_reference(
    beamline: Beamline,
    point: Point,
    *,
    ruby: RubyReduction,
    notes: Noted,
    settings: RubySettings,
    first: Reference | None,
) -> MsgGenerator[Reference]:
    """Read lamp and ambient ruby before a leg, as an event of the `reference` stream.

    Both are recorded, so that a replay may choose; the recipe says which is believed now.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    point : Point
        First point of the leg.
    ruby : RubyReduction
        The recipe's choices; `axis` is "neon" or "ambient".
    notes : Noted
        The plan's own readable of the stream.
    settings : RubySettings
        How far the axis may have moved since the first reading of the run.
    first : Reference or None
        That reading; None where this is it.

    Returns
    -------
    Reference
        What the pressures of the leg rest on.

    Raises
    ------
    BadReading
        If the spectrum the recipe believes cannot be read, or the axis has moved too far.
    NotConnected
        If an instrument gives no value, for too long or again and again.
    """
    exposure_s = yield from bps.rd(beamline.ruby.acquire_time_s)

    def spectra() -> MsgGenerator[dict[str, Any]]:
        neon = yield from _of_the_lamp(beamline)
        ambient_ruby = yield from _of_the_ambient_ruby(beamline)
        axis_nm = yield from bps.rd(beamline.ruby.wavelength_nm)
        return {
            schema.REFERENCE_AXIS: axis_nm,
            schema.NEON_SPECTRUM: neon,
            schema.AMBIENT_RUBY_SPECTRUM: ambient_ruby,
        }

    # The chip in the cell is as bright as before: its exposure stays.
    taken = yield from bpp.finalize_wrapper(spectra(), lambda: bps.mv(beamline.ruby.acquire_time_s, exposure_s))
    data = taken | (yield from _temperatures(beamline))
    try:
        reference = refer(reading_of(data), ruby, first=first)
    except BadReading as error:
        yield from bps.drop()
        other = "ambient" if ruby.axis == "neon" else "neon"
        raise BadReading(
            f"{point.leg.name}: the wavelength axis cannot be checked: {error} Or check it otherwise: "
            f'ruby.axis = "{other}" of the recipe.',
            **error.facts,
        ) from error
    notes.note(
        experiment_time_s=beamline.clock.now_s(),
        point_index=point.index,
        leg=point.leg.name,
        **taken,
        **reference.fields(ruby),
    )
    yield from bps.read(notes)
    yield from bps.save()
    _judge(reference.drift_nm, settings, leg=point.leg.name)
    return reference


def _temperatures(beamline: Beamline) -> MsgGenerator[dict[str, Any]]:
    """Open the event of the reference and read the temperatures into it; again where one had no value."""
    for attempt in range(1, READ_BEFORE_GIVING_UP + 1):
        yield from answered(beamline)
        yield from bps.create(schema.REFERENCE)
        try:
            return (yield from read_believed(beamline.thermocouples, beamline.heater))
        except NotConnected as error:
            yield from bps.drop()
            if attempt == READ_BEFORE_GIVING_UP:
                raise
            log.warning("%s", error)
    raise AssertionError("unreachable")


def require_same_line(line: ReferenceLine, ruby: RubyReduction, settings: RubySettings) -> None:
    """Judge whether a sweep may go on by the line that it began with, where no leg reads one of its own.

    Parameters
    ----------
    line : ReferenceLine
        As it is read now.
    ruby : RubyReduction
        The recipe of the sweep, with the line it began with.
    settings : RubySettings
        How far the axis may have moved.

    Raises
    ------
    BadReading
        If it has moved farther.
    """
    if ruby.axis != "none":
        return
    shift_nm = CORRECTIONS[ruby.correction].shift_nm(line.temperature_k, ruby.reference_temperature_k)
    _judge(line.r1_nm - ruby.reference_wavelength_nm - shift_nm, settings, leg="the way on", is_corrected=False)


def gauge_of(reference: Reference | None, ruby: RubyReduction) -> Gauge:
    """Return the gauge of a leg: by its reference, or by the recipe's own line where none is read."""
    return ruby.gauge() if reference is None else reference.gauge(ruby)


def _judge(moved_nm: float, settings: RubySettings, *, leg: str, is_corrected: bool = True) -> None:
    """Say that the axis has moved, or refuse to go on."""
    if abs(moved_nm) > settings.drift_stop_nm:
        raise BadReading(
            f"{leg}: the wavelength axis has moved by {moved_nm:+.3f} nm since the first reading of this run, more "
            f"than {settings.drift_stop_nm:g} nm. Calibrate the spectrometer, see that nobody moved its grating, begin "
            "anew.",
            reason="wavelength drift",
            drift_nm=moved_nm,
            limit_nm=settings.drift_stop_nm,
        )
    if abs(moved_nm) > settings.drift_warn_nm:
        log.warning(
            "%s: the wavelength axis has moved by %+.3f nm since the first reading of this run (limit %g nm); %s",
            leg,
            moved_nm,
            settings.drift_warn_nm,
            "corrected from here on, points before it may be off by as much"
            if is_corrected
            else 'points from here on are off by as much, the recipe says axis = "none"',
        )


def _of_the_lamp(beamline: Beamline) -> MsgGenerator[npt.NDArray[np.float64]]:
    yield from bps.mv(beamline.ruby.lamp, "On")
    return (yield from bpp.finalize_wrapper(_spectrum(beamline), lambda: bps.mv(beamline.ruby.lamp, "Off")))


def _of_the_ambient_ruby(beamline: Beamline) -> MsgGenerator[npt.NDArray[np.float64]]:
    def away() -> MsgGenerator[None]:
        yield from laser_off(beamline)
        yield from bps.mv(beamline.ruby.ambient_ruby, "Off")

    def look() -> MsgGenerator[npt.NDArray[np.float64]]:
        yield from bps.mv(beamline.ruby.ambient_ruby, "On")
        yield from laser_on(beamline)
        return (yield from _spectrum(beamline))

    return (yield from bpp.finalize_wrapper(look(), away))


def _spectrum(beamline: Beamline) -> MsgGenerator[npt.NDArray[np.float64]]:
    """Take spectra until the exposure suits, `SPECTRA_OF_EACH` at most; return the last."""
    for _ in range(SPECTRA_OF_EACH):
        yield from answered(beamline)
        yield from bps.trigger(beamline.ruby, wait=True)
        counts = yield from bps.rd(beamline.ruby.spectrum)
        if not (yield from adapt(beamline, counts)):
            break
    return np.asarray(counts, dtype=np.float64)
