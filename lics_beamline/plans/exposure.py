"""One plate exposed: shutter, light, dose, swap; and why not, where it was not."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import FailedStatus, MsgGenerator

from lics_beamline.devices.alarm import asked_of, silences
from lics_beamline.devices.beamline import Beamline
from lics_beamline.devices.image_plate import TAKING
from lics_beamline.devices.plate_file import Expected
from lics_beamline.errors import NotConnected
from lics_beamline.plans.action import do, why
from lics_beamline.plans.dose import Dose
from lics_beamline.plans.silence import read_believed
from lics_beamline.profile import BeamSettings

log = logging.getLogger(__name__)


class ExposureFault(StrEnum):
    """Which part of the beamline made an exposure fail."""

    BEAM = "beam"
    SHUTTER = "shutter"
    PLATE = "plate"
    INSTRUMENT = "instrument"  # one that gave no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """A plate exposed and moved into the reader.

    Parameters
    ----------
    file : Expected
        The file it will become, with the number of the plate.
    dose_counts : float
        Monitor counts of the exposure.
    """

    file: Expected
    dose_counts: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An exposure that is none.

    Parameters
    ----------
    cause : ExposureFault
        Which part of the beamline failed.
    reason : str
        What happened, in words for people.
    plate : int
        Plate that was in the beam, 1 or 2: what it holds nobody knows.
    """

    cause: ExposureFault
    reason: str
    plate: int


def wait_for_beam(beamline: Beamline, beam: BeamSettings) -> MsgGenerator[None]:
    """Wait for stored beam, where there is none.

    Raises
    ------
    FailedStatus
        If none comes in time.
    """
    stored_ma = float(beamline.beam.ring_current_ma.get(use_monitor=False))
    if stored_ma < beam.least_ring_ma:
        log.warning(
            "the ring stores %.1f mA: waiting for %.0f mA, %.0f s at most",
            stored_ma,
            beam.least_ring_ma,
            beam.patience_s,
        )
    yield from do("beam", lambda: beamline.beam.stored(beam.least_ring_ma, patience_s=beam.patience_s))


def expose(beamline: Beamline, *, exposure_s: float, beam: BeamSettings) -> MsgGenerator[Exposed | Failed]:
    """Expose a plate. Beam, heater and stage are read at half time, into the event that is open.

    The shutter is open only while the plate is exposed, not while it waits for the reader. What fails is told, not
    raised: whether to repeat is for the caller to say.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    exposure_s : float
        Time the plate sees X-rays [s of experiment]; 1 to 36000 s.
    beam : BeamSettings
        What the exposure asks of the beam.
    """
    plate = int(beamline.plate.plate_in_use.get(use_monitor=False))
    devices = (beamline.beam, beamline.heater, beamline.stage)
    yield from bps.mv(beamline.plate.exposure_s, exposure_s)
    file = beamline.frame.expect(plate=plate)

    def failed(cause: ExposureFault, error: FailedStatus) -> Failed:
        return Failed(cause=cause, reason=why(error), plate=plate)

    def steps() -> MsgGenerator[Exposed | Failed]:
        try:
            yield from bps.mv(beamline.beam.shutter, "Open")
        except FailedStatus as error:
            yield from _close(beamline)
            return failed(ExposureFault.SHUTTER, error)
        try:
            yield from do("X-rays", beamline.beam.light)
        except FailedStatus as error:
            yield from _close(beamline)
            dark = float(beamline.beam.ring_current_ma.get(use_monitor=False)) < beam.least_ring_ma
            return failed(ExposureFault.BEAM if dark else ExposureFault.SHUTTER, error)
        acquiring = beamline.plate.trigger()
        dose = Dose(
            beamline,
            exposure_s=exposure_s,
            i0_cps=float(beamline.beam.i0_cps.get(use_monitor=False)),
            acquiring=acquiring,
        )
        try:
            yield from do("first half of the exposure", lambda: dose.half)
            yield from read_believed(*devices)
            yield from do("exposure", lambda: dose)
        except NotConnected as error:
            yield from _close(beamline)
            yield from _abandon(beamline)
            return Failed(cause=ExposureFault.INSTRUMENT, reason=str(error), plate=plate)
        except FailedStatus as error:
            silent = isinstance(error.__cause__, NotConnected) or bool(silences((beamline.plate, beamline.beam)))
            yield from _close(beamline)
            yield from _abandon(beamline)
            cause = ExposureFault.BEAM if dose.is_short else ExposureFault.PLATE
            return failed(ExposureFault.INSTRUMENT if silent else cause, error)
        closed = yield from _close(beamline)
        try:
            yield from do("swap of the plates", lambda: acquiring)
        except FailedStatus as error:
            yield from _abandon(beamline)
            return failed(ExposureFault.PLATE, error)
        if closed is not None:  # it is the next plate, moved into the beam, that sees X-rays now
            in_beam = int(beamline.plate.plate_in_use.get(use_monitor=False))
            return Failed(cause=ExposureFault.SHUTTER, reason=closed, plate=in_beam)
        return Exposed(file=file, dose_counts=dose.counts)

    def given_up(_: Exception) -> MsgGenerator[None]:
        beamline.plate.stop()
        yield from _close(beamline)

    return (yield from bpp.contingency_wrapper(steps(), except_plan=given_up))


def _abandon(beamline: Beamline) -> MsgGenerator[None]:
    """Give up an exposure that the detector is still at; what it does with the other plate goes on."""
    if asked_of(beamline.plate.state) in TAKING:
        yield from do("abort of the exposure", beamline.plate.abort)


def _close(beamline: Beamline) -> MsgGenerator[str | None]:
    """Close the shutter; returns what is wrong where its read-back disagrees."""
    try:
        yield from bps.mv(beamline.beam.shutter, "Closed")
    except FailedStatus as error:
        return why(error)
    return None
