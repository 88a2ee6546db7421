"""Going on with a sweep that was cut off: the cell and the plates as they are found, and back to temperature."""

from __future__ import annotations

import logging
import math

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator
from ophyd.status import StatusBase

from lics_beamline import schema
from lics_beamline.control.approach import ApproachState
from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.instrument_settings import RubySettings
from lics_beamline.control.path import HeatingLeg, Point, asked_points
from lics_beamline.control.recorded_approach import recalled
from lics_beamline.control.settings import ControlSettings
from lics_beamline.devices.beamline import Beamline
from lics_beamline.devices.image_plate import TAKING
from lics_beamline.errors import BadReading, LicsError
from lics_beamline.plans.action import do
from lics_beamline.plans.approach import reading_of
from lics_beamline.plans.gauge import Gauge, RubyReading, judge, laser_off, laser_on, prepare, read_ruby
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.plates import Plates, Waiting
from lics_beamline.plans.silence import read_believed
from lics_beamline.plans.sweep_record import WAY_BACK, SweepRecord, UnreadPlate

log = logging.getLogger(__name__)


def glance(beamline: Beamline, *, gauge: Gauge, ruby: RubySettings) -> MsgGenerator[PressureReading]:
    """Return pressure, load and temperature as they are now. Nothing is recorded, nothing of the cell is moved.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    gauge : Gauge
        How a spectrum becomes a pressure.
    ruby : RubySettings
        How a spectrum is taken.

    Raises
    ------
    BadReading
        If spectrum or thermocouple cannot be believed.
    NotConnected
        If an instrument gives no value.
    """
    yield from prepare(beamline, ruby)
    yield from laser_on(beamline)
    began_s = beamline.clock.now_s()
    yield from bps.trigger(beamline.ruby, wait=True)
    yield from laser_off(beamline)
    data = yield from read_believed(beamline.thermocouples, beamline.ruby, beamline.membrane)
    return reading_of(judge(data, gauge), began_s)


def find_cell(
    beamline: Beamline, record: SweepRecord, *, gauge: Gauge, settings: ControlSettings, note: Noted
) -> MsgGenerator[ApproachState | None]:
    """Read the cell as it is, and save what was found and what will be done as an event of the `resumed` stream.

    Parameters
    ----------
    beamline : Beamline
        The devices; nothing of the cell is moved.
    record : SweepRecord
        The sweep so far.
    gauge : Gauge
        How a spectrum becomes a pressure.
    settings : ControlSettings
        How approaches go.
    note : Noted
        The plan's own readable of the stream.

    Returns
    -------
    ApproachState or None
        From which approaches go on: the gains of the record, and the cell as it was found. None where there was none.
    """
    yield from laser_on(beamline)
    began_s = beamline.clock.now_s()
    ruby: RubyReading = yield from read_ruby(beamline, gauge, stream=schema.RESUMED)
    yield from laser_off(beamline)
    does = plan_of(record)
    log.info("%s", does)
    point = next_point(record)
    note.note(
        experiment_time_s=beamline.clock.now_s(),
        point_index=record.next_index,
        leg=point.leg.name if point else "",
        points_whole=record.whole,
        plates_unread=",".join(plate.exposure_uid for plate in record.unread),
        cut_off_s=began_s - record.last_s if began_s >= record.last_s else math.nan,
        does=does,
        **ruby.fields(),
    )
    yield from bps.read(note)
    yield from bps.save()
    return recalled(record.readings, reading_of(ruby, began_s), settings)


def plan_of(record: SweepRecord) -> str:
    """Return what is done with a sweep that was cut off, for people."""
    unread = [f"point {plate.point_index + 1}" for plate in record.unread]
    first = f"reads the plate of {' and '.join(unread)}, then " if unread else ""
    point = next_point(record)
    if point is None:
        return f"{first}has nothing left to measure"
    at = f"{point.temperature_k:g} K" + ("" if math.isnan(point.pressure_gpa) else f", {point.pressure_gpa:g} GPa")
    return f"{first}goes on with point {point.index + 1} ({point.leg.name}: {at})"


def next_point(record: SweepRecord) -> Point | None:
    """Return the first point that is to be measured; of a hunt its first rung, where it is has to be seen again."""
    leg, done = record.position
    legs = record.experiment.legs
    if leg >= len(legs):
        return None
    asked = tuple(asked_points(legs[leg]))
    pressure_gpa, temperature_k = asked[min(done, len(asked) - 1)]
    return Point(index=record.next_index, leg=legs[leg], pressure_gpa=pressure_gpa, temperature_k=temperature_k)


def find_plates(beamline: Beamline, plates: Plates, record: SweepRecord) -> MsgGenerator[None]:
    """Read the plates that were exposed whole, and have those erased that were exposed in part.

    Parameters
    ----------
    beamline : Beamline
        The devices; the shutter is closed.
    plates : Plates
        The plates of this run.
    record : SweepRecord
        The sweep so far; it is told which plates came.
    """
    detector = beamline.plate
    if detector.state.get(use_monitor=False) in TAKING:
        log.warning("the detector is still at the exposure that was cut off: it is given up")
        yield from do("abort of the exposure that was cut off", detector.abort)
    in_use = int(detector.plate_in_use.get(use_monitor=False))
    states = {1: detector.plate1_state.get(use_monitor=False), 2: detector.plate2_state.get(use_monitor=False)}
    unread = {plate.plate for plate in record.unread}
    for plate, state in states.items():  # the one in use may have been exposed in part, whatever is said of it
        if plate == in_use or (state != "Ready" and plate not in unread):
            plates.mark(plate)
    for one in record.unread:
        yield from _recover(beamline, plates, record, one)


def _recover(beamline: Beamline, plates: Plates, record: SweepRecord, unread: UnreadPlate) -> MsgGenerator[None]:
    """Announce the image of one plate, or note that it is lost."""
    try:
        if not unread.file.name:
            raise BadReading("its record does not say what file its plate becomes.")
        file = beamline.frame.recall(unread.file, plate=unread.plate)
    except LicsError as error:
        yield from plates.note_failure(
            unread.point_index, unread.exposure_uid, f"plate not read: {error}", plate=unread.plate
        )
        record.settle(unread, came=False)
        return
    arrival: StatusBase = beamline.frame.recovery(file)
    plates.adopt(
        Waiting(
            point_index=unread.point_index,
            exposure_uid=unread.exposure_uid,
            file=file,
            exposure_s=unread.exposure_s,
            previous_exposure_uid=unread.previous_exposure_uid,
            arrival=arrival,
        )
    )
    yield from plates.finish()
    came = arrival.exception(0) is None
    record.settle(unread, came=came)
    if came:
        log.info("the plate of point %d is read and belongs to it", unread.point_index + 1)


def way_back(beamline: Beamline, point: Point, record: SweepRecord, settings: ControlSettings) -> HeatingLeg | None:
    """Return the heating that brings a cell back to where it was cut off, its load held; None where none is needed.

    A load moves at the temperature of its point only, and an isobar goes on where it was left: a colder cell has a
    different pressure. At a held load the way back is the leg itself.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    point : Point
        The next point.
    record : SweepRecord
        The sweep so far: the cell is heated as it was.
    settings : ControlSettings
        How far from its temperature a load may move, and the usual ramp.
    """
    gasket_k = beamline.thermocouples.believed().gasket_k
    to_k = point.temperature_k
    if isinstance(point.leg, HeatingLeg):
        if point.leg.hold == "load" or math.isnan(record.heated_to_k):
            return None
        to_k = min(round(record.heated_to_k, 1), point.temperature_k)
    if to_k - gasket_k <= settings.approach.temperature_band_k:
        return None
    legs = record.experiment.legs
    before = [leg for leg in legs[: legs.index(point.leg) + 1] if isinstance(leg, HeatingLeg)]
    return HeatingLeg(
        kind="heating",
        name=f"{WAY_BACK}{to_k:g} K",
        temperatures_k=(to_k,),
        ramp_rate_k_per_min=before[-1].ramp_rate_k_per_min if before else settings.heater.ramp_rate_k_per_min,
        soak_s=before[-1].soak_s if before else 0.0,
    )
