"""Measuring one point: ruby, exposure, the `primary` event, and the `readout` event when the plate has been read."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import FailedStatus, MsgGenerator

from lics_beamline import schema
from lics_beamline.devices.beamline import Beamline
from lics_beamline.plans.action import why
from lics_beamline.plans.gauge import Gauge, RubyReading, laser_off, laser_on, read_ruby
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.path import Point

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the plan itself knows, one readable a stream; made anew for each run."""

    approach: Noted = field(default_factory=lambda: Noted("approach", schema.APPROACH_FIELDS))
    heating: Noted = field(default_factory=lambda: Noted("heating", schema.HEATING_FIELDS))
    point: Noted = field(default_factory=lambda: Noted("point", schema.PRIMARY_FIELDS))
    readout: Noted = field(default_factory=lambda: Noted("readout", schema.READOUT_FIELDS))
    failure: Noted = field(default_factory=lambda: Noted("failure", schema.FAILURE_FIELDS))


def measure(
    beamline: Beamline, point: Point, *, gauge: Gauge, notes: Notes, exposure_s: float, plate_folder: str
) -> MsgGenerator[RubyReading]:
    """Measure one point: pressure from ruby, then an exposure, then its plate.

    The `primary` event is saved when the exposure is over and never waits for the plate. The plate's `readout` event is
    saved when its file is complete. A plate that does not come is a `failure` event, and the plan goes on.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    point : Point
        What was asked for.
    gauge : Gauge
        How a spectrum becomes a pressure.
    notes : Notes
        The plan's own readables of this run.
    exposure_s : float
        Time the plate sees X-rays [s of experiment].
    plate_folder : str
        Folder of this sweep's plates, below the data folder's ``plates``.

    Returns
    -------
    RubyReading
        The pressure of the point.
    """
    exposure_uid = str(uuid.uuid4())
    yield from bps.mv(beamline.plate.exposure_s, exposure_s)
    yield from laser_on(beamline)
    reading = yield from read_ruby(beamline, gauge, stream=schema.PRIMARY)
    yield from laser_off(beamline)
    try:
        yield from _expose(beamline, exposure_s)
    except FailedStatus as error:
        yield from bps.drop()
        yield from _note_failure(beamline, point, notes, exposure_uid, f"exposure failed: {why(error)}")
        # Whether its plate was delivered all the same nobody knows: the next one is counted in a folder of its own.
        yield from open_plates(beamline, f"{plate_folder}-{point.index + 1}")
        return reading
    notes.point.note(
        experiment_time_s=beamline.clock.now_s(),
        point_index=point.index,
        leg=point.leg.name,
        stroke=point.stroke,
        exposure_uid=exposure_uid,
        requested_pressure_gpa=point.pressure_gpa,
        requested_temperature_k=point.temperature_k,
        exposure_s=exposure_s,
        **reading.fields(),
    )
    yield from bps.read(notes.point)
    yield from bps.save()
    yield from _read_out(beamline, point, notes, exposure_uid)
    return reading


def open_plates(beamline: Beamline, folder: str) -> MsgGenerator[None]:
    """Let the detector write into an empty folder below the data folder's ``plates``."""
    yield from bps.null()
    beamline.frame.open_folder(f"plates/{folder}")


def _expose(beamline: Beamline, exposure_s: float) -> MsgGenerator[None]:
    """Expose a plate; monitor, ring and temperatures are read at half time, into the open event."""
    exposed = f"exposure-{uuid.uuid4()}"

    def with_shutter_open() -> MsgGenerator[None]:
        yield from bps.mv(beamline.beam.shutter, "Open")
        yield from bps.trigger(beamline.plate, group=exposed, wait=False)
        yield from bps.mv(beamline.clock, beamline.clock.now_s() + exposure_s / 2)
        for device in (beamline.beam, beamline.heater, beamline.stage):
            yield from bps.read(device)
        yield from bps.wait(exposed)

    yield from bpp.finalize_wrapper(with_shutter_open(), lambda: bps.mv(beamline.beam.shutter, "Closed"))


def _read_out(beamline: Beamline, point: Point, notes: Notes, exposure_uid: str) -> MsgGenerator[None]:
    try:
        yield from bps.trigger(beamline.frame, wait=True)
    except FailedStatus as error:
        yield from _note_failure(beamline, point, notes, exposure_uid, f"plate not read: {why(error)}")
        return
    yield from bps.create(schema.READOUT)
    notes.readout.note(experiment_time_s=beamline.clock.now_s(), exposure_uid=exposure_uid, point_index=point.index)
    yield from bps.read(notes.readout)
    yield from bps.read(beamline.frame)
    yield from bps.save()


def _note_failure(beamline: Beamline, point: Point, notes: Notes, exposure_uid: str, reason: str) -> MsgGenerator[None]:
    log.error("point %d: %s", point.index + 1, reason)
    yield from bps.create(schema.FAILURE)
    notes.failure.note(
        experiment_time_s=beamline.clock.now_s(),
        exposure_uid=exposure_uid,
        point_index=point.index,
        reason=reason,
    )
    yield from bps.read(notes.failure)
    yield from bps.save()
