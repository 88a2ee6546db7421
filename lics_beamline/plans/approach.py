"""Going to a pressure by the one-sided approach, each ruby reading a document."""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Callable

import bluesky.plan_stubs as bps
from bluesky.utils import FailedStatus, MsgGenerator

from lics_beamline import schema
from lics_beamline.control.approach import ApproachDecision, ApproachOutcome, ApproachState, begin, held_at, step
from lics_beamline.control.approach_settings import ApproachSettings
from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.command import Abort, AbortCause, Hold, LoadTo, ReadAgain
from lics_beamline.control.path import Point
from lics_beamline.control.request import Request
from lics_beamline.control.settings import ControlSettings
from lics_beamline.devices.alarm import silence_of, value_of
from lics_beamline.devices.beamline import Beamline
from lics_beamline.devices.motion import STOPPED
from lics_beamline.errors import BadReading, DidNotSettle, LicsError, OutsideEnvelope, Stopped
from lics_beamline.plans.action import do, ended_by
from lics_beamline.plans.gauge import Gauge, RubyReading, laser_off, laser_on, read_ruby
from lics_beamline.plans.measure import Notes
from lics_beamline.plans.pausing import Held
from lics_beamline.plans.silence import answered

log = logging.getLogger(__name__)

SAME_SLEW_SHARE = 0.02  # relative difference of slews not worth a command
LOOK_S = 0.1  # between two looks at the thermocouple while the load moves [s of wall clock]
ERRORS: dict[AbortCause, type[LicsError]] = {
    AbortCause.UNREADABLE: BadReading,
    AbortCause.UNREACHABLE: OutsideEnvelope,
    AbortCause.GAVE_UP: DidNotSettle,
    AbortCause.STOPPED: Stopped,
}


def approach(
    beamline: Beamline,
    point: Point,
    *,
    gauge: Gauge,
    settings: ControlSettings,
    notes: Notes,
    state: ApproachState | None = None,
    asked: Callable[[], Request | None] = lambda: None,
) -> MsgGenerator[ApproachDecision]:
    """Go to the pressure of a point from one side, each ruby reading an event of the `approach` stream.

    Parameters
    ----------
    beamline : Beamline
        The devices; the membrane must be armed.
    point : Point
        Its pressure is the target, its leg says from which side.
    gauge : Gauge
        How a spectrum becomes a pressure.
    settings : ControlSettings
        How the approach goes; its envelope judges each load before it is commanded.
    notes : Notes
        The plan's own readables of this run.
    state : ApproachState, optional
        Where the approach before this one ended: what it learned of the cell is believed.
    asked : callable, optional
        What a person asks now: pause, continue, stop; looked at after each reading.

    Returns
    -------
    ApproachDecision
        Holding. Where the pressure passed the target the point is taken where it landed.

    Raises
    ------
    BadReading
        If ruby, thermocouple or gas could not be believed several times in a row.
    OutsideEnvelope
        If supply or envelope forbid the target, or the next load.
    DidNotSettle
        If the approach gave up.
    Stopped
        If a person asked to.

    Notes
    -----
    The load moves only while the cell is within `approach.temperature_band_k` of the temperature of the point; a step
    under way when it leaves the band is held where it is. After a hold, the next step rests on a reading taken later.
    """
    rules = settings.approach
    yield from answered(beamline)
    now = begin(
        point.pressure_gpa,
        1 if point.stroke == "upstroke" else -1,
        after=state,
        temperature_k=_expected_k(beamline, point, gauge),
    )
    yield from laser_on(beamline)
    while True:
        supply_bar = yield from bps.rd(beamline.membrane.source_bar)
        began_s = beamline.clock.now_s()
        try:
            ruby: RubyReading | None = yield from read_ruby(beamline, gauge, stream=schema.APPROACH)
        except BadReading as error:
            log.warning("%s: %s", point.leg.name, error)
            ruby = None
        decision = step(
            now,
            reading_of(ruby, began_s, supply_bar=supply_bar) if ruby is not None else None,
            beamline.clock.now_s(),
            settings=settings,
            request=asked(),
        )
        if ruby is not None:
            yield from _note(beamline, point, ruby, decision, notes=notes, rules=rules)
        now, command = decision.state, decision.command
        if isinstance(command, Abort):
            yield from laser_off(beamline)
            raise ERRORS[command.cause](f"{point.leg.name}: {command.reason}", target_gpa=point.pressure_gpa)
        if isinstance(command, Hold):
            yield from laser_off(beamline)
            if asked() is None:
                break
            yield from laser_on(beamline)  # held meanwhile, or about to be: it is looked at again
        elif isinstance(command, ReadAgain):
            yield from wait(beamline, command.after_s)
        elif ruby is not None:
            settings.envelope.check_load(
                command.load_bar,
                now_bar=ruby.load_bar,
                pressure_gpa=ruby.pressure.gpa,
                supply_bar=supply_bar,
                steepest_gain_gpa_per_bar=rules.steepest_gain_gpa_per_bar,
            )
            arrived = yield from load_to(
                beamline, command, forbids=lambda: _out_of_band(beamline, point, rules.temperature_band_k)
            )
            if arrived:
                yield from wait(beamline, rules.wait_s)
            else:
                now = held_at(now, float(beamline.membrane.load_bar.get(use_monitor=False)))
    if now.outcome is ApproachOutcome.PASSED:
        log.warning(
            "%s: passed %.3f GPa, landed at %.3f GPa; the point is taken there, friction forbids going back",
            point.leg.name,
            point.pressure_gpa,
            now.estimate.creep.end_gpa,
        )
    return decision


def reading_of(ruby: RubyReading, began_s: float, *, supply_bar: float = math.nan) -> PressureReading:
    """Return what a step needs of a ruby reading begun at `began_s` [s of experiment]."""
    return PressureReading(
        time_s=began_s,
        load_bar=ruby.load_bar,
        pressure_gpa=ruby.pressure.gpa,
        sigma_gpa=math.hypot(ruby.pressure.sigma_gpa, ruby.haste_gpa),
        temperature_k=ruby.pressure.temperature_k,
        supply_bar=float(supply_bar),
    )


def _note(
    beamline: Beamline,
    point: Point,
    ruby: RubyReading,
    decision: ApproachDecision,
    *,
    notes: Notes,
    rules: ApproachSettings,
) -> MsgGenerator[None]:
    """Complete and save the event of a reading: what was believed and decided."""
    estimate, command = decision.state.estimate, decision.command
    gain = estimate.gain(point.pressure_gpa)
    notes.approach.note(
        experiment_time_s=beamline.clock.now_s(),
        point_index=point.index,
        leg=point.leg.name,
        stroke=point.stroke,
        target_pressure_gpa=point.pressure_gpa,
        gain_gpa_per_bar=gain.gpa_per_bar if gain else estimate.most_gpa_per_bar(point.pressure_gpa, rules),
        gain_error=gain.error if gain else 1.0,
        ending_pressure_gpa=estimate.creep.end_gpa,
        next_load_bar=command.load_bar if isinstance(command, LoadTo) else ruby.load_bar,
        phase_of_approach=str(decision.state.phase),
        alarms=notes.alarms.of(beamline),
        **ruby.fields(),
    )
    yield from bps.read(notes.approach)
    yield from bps.save()


def load_to(beamline: Beamline, command: LoadTo, *, forbids: Callable[[], str] = lambda: "") -> MsgGenerator[bool]:
    """Go to a load at the slew commanded with it; slew first, verified, because it acts at once.

    Parameters
    ----------
    beamline : Beamline
        The devices; the membrane must be armed.
    command : LoadTo
        Load and slew.
    forbids : callable
        Says why the load must not go on, empty while it may; asked ten times a second.

    Returns
    -------
    bool
        False where the load was held on its way, or before: what was commanded is to be decided anew.
    """
    group = f"load-{uuid.uuid4()}"
    try:
        slew_bar_per_s = yield from bps.rd(beamline.membrane.slew_bar_per_s)
        if abs(command.slew_bar_per_s / slew_bar_per_s - 1.0) > SAME_SLEW_SHARE:
            yield from do("slew of the membrane", lambda: beamline.membrane.set_slew(command.slew_bar_per_s))
        status = yield from bps.abs_set(beamline.membrane, command.load_bar, group=group)
        while not (yield from bps.wait(group, timeout=LOOK_S, error_on_timeout=False)):
            said = forbids()
            if said and not status.done:
                log.warning("the load is held: %s", said)
                beamline.membrane.stop()
    except Held as error:
        log.warning("%s", error)
    except FailedStatus as error:
        if ended_by(error) != STOPPED:
            raise
    else:
        return True
    return False


def _expected_k(beamline: Beamline, point: Point, gauge: Gauge) -> float:
    """Return the temperature of the sample when the gasket is at that of the point [K]."""
    ambient_k = float(beamline.thermocouples.ambient_k.get(use_monitor=False))
    return gauge.temperature(point.temperature_k, ambient_k).kelvin


def _out_of_band(beamline: Beamline, point: Point, band_k: float) -> str:
    """Return why the temperature forbids a load to move, or nothing."""
    told = value_of(beamline.thermocouples.gasket_k)
    if told is None:
        return f"the gasket thermocouple has no value ({silence_of(beamline.thermocouples.gasket_c)})"
    gasket_k = float(told)
    if abs(gasket_k - point.temperature_k) <= band_k:
        return ""
    return (
        f"the gasket is at {gasket_k:.1f} K, more than {band_k:g} K from the {point.temperature_k:.1f} K of the point"
    )


def wait(beamline: Beamline, duration_s: float) -> MsgGenerator[None]:
    """Let experiment time pass.

    Raises
    ------
    ClockTooFast
        If the time is too short to be judged at this speed of the world.
    """
    if duration_s > 0:
        beamline.clock.require(duration_s, "a wait")
        yield from bps.mv(beamline.clock, beamline.clock.now_s() + duration_s)
