"""Going to a temperature while the pressure is watched: the ramp yields to it, each ruby reading a document."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator

from lics_beamline import schema
from lics_beamline.control.command import Abort, Hold, Ramp
from lics_beamline.control.heating import Prior
from lics_beamline.control.heating_leg import HeatingCourse
from lics_beamline.control.heating_state import HeatingDecision, HeatingGoal, HeatingPhase, HeatingState
from lics_beamline.control.isobar import IsobarCourse
from lics_beamline.control.path import HeatingLeg, Point
from lics_beamline.control.ramp import HeldLoadCourse
from lics_beamline.control.request import Request
from lics_beamline.control.settings import ControlSettings
from lics_beamline.devices.beamline import Beamline
from lics_beamline.errors import BadReading
from lics_beamline.plans.action import do
from lics_beamline.plans.approach import ERRORS, SAME_SLEW_SHARE, reading_of
from lics_beamline.plans.gauge import Gauge, RubyReading, laser_off, laser_on, read_ruby
from lics_beamline.plans.measure import Notes
from lics_beamline.plans.pausing import Held
from lics_beamline.plans.silence import answered

log = logging.getLogger(__name__)

SAID_SIGMAS: Final = 2.0  # standard deviations of a prediction as it is said to people


@dataclass(frozen=True, slots=True, kw_only=True)
class Heated:
    """A heating leg under way: what its ramps have taught so far.

    Parameters
    ----------
    leg : HeatingLeg
        The leg of the path.
    course : HeatingCourse
        How the cell is heated along it, with what was believed of it before.
    state : HeatingState
        How its last ramp ended.
    """

    leg: HeatingLeg
    course: HeatingCourse[Any, Any]
    state: HeatingState[Any]


def course_along(leg: HeatingLeg, *, prior: Prior, settings: ControlSettings) -> HeatingCourse[Any, Any]:
    """Return how a cell is heated along a leg: with its load or with its pressure held."""
    kind = IsobarCourse if leg.hold == "pressure" else HeldLoadCourse
    return kind(prior=prior, settings=settings)


def heat(
    beamline: Beamline,
    point: Point,
    leg: HeatingLeg,
    *,
    gauge: Gauge,
    settings: ControlSettings,
    prior: Prior,
    notes: Notes,
    after: Heated | None = None,
    asked: Callable[[], Request | None] = lambda: None,
) -> MsgGenerator[Heated]:
    """Ramp to the temperature of a point and soak there, the pressure watched all the way.

    What the leg will do to the pressure is said before it begins, and again when its first kelvins have taught it; a
    pressure or a prediction that leaves its bounds holds the ramp.

    Parameters
    ----------
    beamline : Beamline
        The devices; membrane and heater must be armed.
    point : Point
        Its temperature is the target [K], at the gasket.
    leg : HeatingLeg
        The leg of the point.
    gauge : Gauge
        How a spectrum becomes a pressure.
    settings : ControlSettings
        How a cell is heated, and where it may go.
    prior : Prior
        What is believed of the cell where nothing of this leg has taught it.
    notes : Notes
        The plan's own readables of this run.
    after : Heated, optional
        The point before; where it belongs to the same leg, what it taught is believed.
    asked : callable, optional
        What a person asks now: pause, continue, stop; looked at after each reading.

    Returns
    -------
    Heated
        What the leg has taught so far.

    Raises
    ------
    BadReading
        If ruby or thermocouple could not be believed several times in a row.
    OutsideEnvelope
        If the leg cannot go on inside the envelope; the ramp is held where it is.
    DidNotSettle
        If the heater did not, or the leg was stopped.
    """
    settings.envelope.check_temperature(point.temperature_k)
    yield from answered(beamline)
    ambient_k = yield from bps.rd(beamline.thermocouples.ambient_k)

    def sample_k(gasket_k: float) -> float:
        return gauge.temperature(gasket_k, ambient_k).kelvin

    goes_on = after is not None and after.leg == leg
    if after is not None and goes_on:
        course = after.course
    else:
        before = prior if after is None else after.course.prior_after(after.state)
        course = course_along(leg, prior=before, settings=settings)
    goal = HeatingGoal(
        temperature_k=sample_k(point.temperature_k),
        end_k=sample_k(leg.temperatures_k[-1]),
        ramp_k_per_min=leg.ramp_rate_k_per_min,
        soak_s=leg.soak_s,
        pressure_gpa=leg.isobar_gpa,
    )
    now = course.begin(goal, after=after.state if after is not None and goes_on else None)
    ramping = False
    yield from laser_on(beamline)
    while True:
        began_s = beamline.clock.now_s()
        try:
            ruby: RubyReading | None = yield from read_ruby(beamline, gauge, stream=schema.HEATING)
        except BadReading as error:
            log.warning("%s: %s", leg.name, error)
            ruby = None
        reading = reading_of(ruby, began_s) if ruby is not None else None
        decision = course.step(now, reading, beamline.clock.now_s(), request=asked())
        if ruby is not None:
            yield from _note(beamline, point, leg, ruby, decision, notes=notes)
        _say(leg, now, decision)
        now, command = decision.state, decision.command
        if isinstance(command, Abort):
            yield from do("holding the heater", beamline.heater.hold)
            if course.lets_out_gas:
                yield from do("holding the membrane", beamline.membrane.hold)
            yield from laser_off(beamline)
            raise ERRORS[command.cause](
                f"{leg.name}: {command.reason}", **_facts(point, decision, settings.envelope.pressure_gpa[1])
            )
        if isinstance(command, Hold):
            break
        if command.on and not ramping:
            yield from bps.abs_set(
                beamline.heater,
                point.temperature_k,
                ramp_rate_k_per_min=leg.ramp_rate_k_per_min,
                settle=False,
                wait=True,
            )
        elif ramping and not command.on:
            yield from do("holding the heater", beamline.heater.hold)
        ramping = command.on
        if command.bleed_to_bar is not None:
            yield from _bleed(beamline, command.bleed_to_bar, command.slew_bar_per_s)
        yield from _wait(beamline, command)
    yield from laser_off(beamline)
    yield from bps.abs_set(beamline.heater, point.temperature_k, ramp_rate_k_per_min=leg.ramp_rate_k_per_min, wait=True)
    return Heated(leg=leg, course=course, state=now)


def _bleed(beamline: Beamline, to_bar: float, slew_bar_per_s: float) -> MsgGenerator[None]:
    """Let gas out down to a load, and never let it in: by the time of the command it may be lower already."""
    before_bar_per_s = yield from bps.rd(beamline.membrane.slew_bar_per_s)
    if abs(slew_bar_per_s / before_bar_per_s - 1.0) > SAME_SLEW_SHARE:
        yield from do("slew of the membrane", lambda: beamline.membrane.set_slew(slew_bar_per_s))
    now_bar = float(beamline.membrane.load_bar.get(use_monitor=False))
    try:
        yield from bps.abs_set(beamline.membrane, max(min(to_bar, now_bar), 0.0), settle=False, wait=True)
    except Held as error:  # a person held the sweep meanwhile: the next reading decides anew
        log.warning("%s", error)


def _wait(beamline: Beamline, command: Ramp) -> MsgGenerator[None]:
    """Let time pass before the next reading; nothing is judged by how long it was."""
    if command.after_s > 0.0:
        yield from bps.mv(beamline.clock, beamline.clock.now_s() + command.after_s)


def _say(leg: HeatingLeg, before: HeatingState[Any], decision: HeatingDecision[Any]) -> None:
    """Tell people what is predicted when that is said anew, and why a ramp is held."""
    state, final = decision.state, decision.outlook.final
    if final is not None and state.shown is not before.shown:
        log.info(
            "%s: predicted %.2f +- %.2f GPa at %.0f K at the load of now (%g standard deviations)",
            leg.name,
            final.gpa,
            SAID_SIGMAS * final.sigma_gpa,
            final.temperature_k,
            SAID_SIGMAS,
        )
    if state.phase is not before.phase:
        log.info("%s: %s", leg.name, state.phase)
    if state.phase is HeatingPhase.HELD and state.reason and not before.reason:
        log.warning("%s: ramp held: %s", leg.name, state.reason)


def _facts(point: Point, decision: HeatingDecision[Any], limit_gpa: float) -> dict[str, float]:
    final = decision.outlook.final
    return {
        "temperature_k": point.temperature_k,
        "limit_gpa": limit_gpa,
        "predicted_gpa": final.gpa if final else math.nan,
    }


def _note(
    beamline: Beamline,
    point: Point,
    leg: HeatingLeg,
    ruby: RubyReading,
    decision: HeatingDecision[Any],
    *,
    notes: Notes,
) -> MsgGenerator[None]:
    """Complete and save the event of a reading: what was expected, what is expected now, and what was decided."""
    outlook, command, state = decision.outlook, decision.command, decision.state
    expected, final, slope, gain = outlook.reading, outlook.final, outlook.slope, outlook.gain
    bled = isinstance(command, Ramp) and command.bleed_to_bar is not None
    notes.heating.note(
        experiment_time_s=beamline.clock.now_s(),
        point_index=point.index,
        leg=leg.name,
        stroke=point.stroke,
        hold=leg.hold,
        target_temperature_k=state.goal.temperature_k,
        target_pressure_gpa=state.goal.pressure_gpa,
        predicted_pressure_gpa=expected.gpa if expected else math.nan,
        predicted_sigma_gpa=expected.sigma_gpa if expected else math.nan,
        final_pressure_gpa=final.gpa if final else math.nan,
        final_sigma_gpa=final.sigma_gpa if final else math.nan,
        slope_gpa_per_k=slope.gpa_per_k if slope else math.nan,
        slope_sigma_gpa_per_k=slope.sigma_gpa_per_k if slope else math.nan,
        gain_gpa_per_bar=gain.gpa_per_bar if gain else math.nan,
        next_load_bar=command.bleed_to_bar if isinstance(command, Ramp) and bled else ruby.load_bar,
        phase_of_heating=str(state.phase),
        decided=_decided(decision),
        alarms=notes.alarms.of(beamline),
        **ruby.fields(),
    )
    yield from bps.read(notes.heating)
    yield from bps.save()


def _decided(decision: HeatingDecision[Any]) -> str:
    command, why = decision.command, decision.state.reason
    if isinstance(command, Ramp):
        done = "ramp on" if command.on else "ramp held"
        done += f", bleed to {command.bleed_to_bar:.2f} bar" if command.bleed_to_bar is not None else ""
        return f"{done}: {why}" if why else done
    return f"abort: {why}" if isinstance(command, Abort) else "there"
