"""Measuring one point: ruby, exposure, the `primary` event; its plate is passed on to be read."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator

from lics_beamline import schema
from lics_beamline.control.path import Point
from lics_beamline.devices.beamline import Beamline
from lics_beamline.errors import BadReading
from lics_beamline.plans.exposure import Exposed, ExposureFault, expose, wait_for_beam
from lics_beamline.plans.gauge import Gauge, laser_off, laser_on, read_ruby
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.plates import Plates
from lics_beamline.plans.silence import AlarmNote, answered
from lics_beamline.profile import BeamSettings

log = logging.getLogger(__name__)

# Failures at one point that end the sweep. A jam is retried once; a beam lost four times is no beam to measure with; a
# shutter that failed at the point before as well does not work. An instrument without value is waited for each time.
MOST_FAILURES: Final = MappingProxyType(
    {ExposureFault.BEAM: 4, ExposureFault.PLATE: 2, ExposureFault.SHUTTER: 1, ExposureFault.INSTRUMENT: 3}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the plan itself knows, one readable a stream; made anew for each run."""

    reference: Noted = field(default_factory=lambda: Noted("reference", schema.REFERENCE_FIELDS))
    alarms: AlarmNote = field(default_factory=AlarmNote)
    approach: Noted = field(default_factory=lambda: Noted("approach", schema.APPROACH_FIELDS))
    heating: Noted = field(default_factory=lambda: Noted("heating", schema.HEATING_FIELDS))
    point: Noted = field(default_factory=lambda: Noted("point", schema.PRIMARY_FIELDS))
    look: Noted = field(default_factory=lambda: Noted("look", schema.LOOK_FIELDS))
    readout: Noted = field(default_factory=lambda: Noted("readout", schema.READOUT_FIELDS))
    failure: Noted = field(default_factory=lambda: Noted("failure", schema.FAILURE_FIELDS))
    resumed: Noted = field(default_factory=lambda: Noted("resumed", schema.RESUMED_FIELDS))
    decision: Noted = field(default_factory=lambda: Noted("decision", schema.DECISIONS_FIELDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measured point.

    Parameters
    ----------
    exposure_uid : str
        Its exposure; empty where it could not be exposed.
    dose_counts : float
        Monitor counts of the exposure; 0 where there is none.
    middle_s : float
        Middle of the exposure [s of experiment].
    """

    exposure_uid: str
    dose_counts: float
    middle_s: float


def measure(
    beamline: Beamline,
    point: Point,
    *,
    gauge: Gauge,
    notes: Notes,
    arrived_s: float,
    exposure_s: float,
    plates: Plates,
    beam: BeamSettings,
) -> MsgGenerator[Measured]:
    """Measure one point: pressure from ruby, then an exposure; its plate is read while the plan goes on.

    The `primary` event is saved when the exposure is over and its plate in the reader, and never waits for the image.
    An exposure that lacks beam is repeated when there is beam again, with a pressure of its own; one that the detector
    failed is tried once more.

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
    arrived_s : float
        Since when the cell has been at its pressure [s of experiment].
    exposure_s : float
        Time the plate sees X-rays [s of experiment].
    plates : Plates
        The plates of this run.
    beam : BeamSettings
        What an exposure asks of the beam.

    Returns
    -------
    Measured
        Its exposure.

    Raises
    ------
    BadReading
        If detector or beam fail as often as `MOST_FAILURES` says, or the shutter at two points in a row: the cell must
        not be walked on unseen.
    """
    failures: list[ExposureFault] = []
    while True:
        exposure_uid = str(uuid.uuid4())
        yield from answered(beamline)
        yield from plates.clean()
        yield from wait_for_beam(beamline, beam)
        yield from laser_on(beamline)
        reading = yield from read_ruby(beamline, gauge, stream=schema.PRIMARY)
        yield from laser_off(beamline)
        outcome = yield from expose(beamline, exposure_s=exposure_s, beam=beam)
        if isinstance(outcome, Exposed):
            break
        yield from bps.drop()
        yield from plates.lose(point, exposure_uid, outcome)
        failures.append(outcome.cause)
        if outcome.cause is ExposureFault.SHUTTER and not plates.lost_the_last:
            plates.lost_the_last = True
            return Measured(exposure_uid="", dose_counts=0.0, middle_s=beamline.clock.now_s())
        if failures.count(outcome.cause) >= MOST_FAILURES[outcome.cause]:
            raise BadReading(
                f"point {point.index + 1} cannot be exposed: the {outcome.cause} failed {len(failures)} times. The "
                f"sweep ends here, with what has been measured. {outcome.reason}",
                cause=str(outcome.cause),
            )
        log.warning("point %d is exposed again", point.index + 1)
    plates.lost_the_last = False
    over_s = beamline.clock.now_s()
    notes.point.note(
        experiment_time_s=over_s,
        point_index=point.index,
        leg=point.leg.name,
        stroke=point.stroke,
        exposure_uid=exposure_uid,
        requested_pressure_gpa=point.pressure_gpa,
        requested_temperature_k=point.temperature_k,
        exposure_s=exposure_s,
        dose_counts=outcome.dose_counts,
        arrived_s=arrived_s,
        exposed_path=str(outcome.file.below),
        exposed_plate=outcome.file.plate,
        alarms=notes.alarms.of(beamline),
        **reading.fields(),
    )
    yield from bps.read(notes.point)
    yield from bps.save()
    yield from plates.pass_on(point, exposure_uid, outcome, exposure_s=exposure_s)
    return Measured(
        exposure_uid=exposure_uid,
        dose_counts=outcome.dose_counts,
        middle_s=over_s - 0.5 * exposure_s,
    )
