"""Going to a pressure and going to a temperature, by the one-sided approach and by a ramp."""

from __future__ import annotations

import logging

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator

from lics_beamline import schema
from lics_beamline.devices.beamline import Beamline
from lics_beamline.errors import DidNotSettle
from lics_beamline.plans.approach import Decision, Phase, Reading, Rules, State, step
from lics_beamline.plans.envelope import Envelope
from lics_beamline.plans.gauge import Gauge, laser_off, laser_on, read_ruby
from lics_beamline.plans.measure import Notes
from lics_beamline.plans.path import Point

log = logging.getLogger(__name__)


def approach(
    beamline: Beamline,
    point: Point,
    *,
    gauge: Gauge,
    envelope: Envelope,
    rules: Rules,
    notes: Notes,
    wait_s: float,
    state: State | None = None,
) -> MsgGenerator[Decision]:
    """Go to the pressure of a point from one side, each ruby reading an event of the `approach` stream.

    Parameters
    ----------
    beamline : Beamline
        The devices; the membrane must be armed.
    point : Point
        Its pressure is the target, its leg says from which side.
    gauge : Gauge
        How a spectrum becomes a pressure.
    envelope : Envelope
        Judges each load before it is commanded.
    rules : Rules
        How the approach goes.
    notes : Notes
        The plan's own readables of this run.
    wait_s : float
        Wait between the end of a load step and the next ruby reading: creep and dead time [s of experiment].
    state : State, optional
        Where the approach before this one in the same direction ended: its gain is believed.

    Returns
    -------
    Decision
        ``REACHED``, or ``PASSED`` where the pressure was beyond the target: the point is then taken where it landed.

    Raises
    ------
    DidNotSettle
        If the approach gave up.
    OutsideEnvelope
        If the next load may not be commanded.
    """
    direction = 1 if point.stroke == "upstroke" else -1
    same_way = state is not None and state.direction == direction
    now = State(
        target_gpa=point.pressure_gpa,
        direction=direction,
        gain_gpa_per_bar=state.gain_gpa_per_bar if state and same_way else rules.gain_gpa_per_bar,
        moving=state.moving if state and same_way else False,
    )
    yield from laser_on(beamline)
    while True:
        reading = yield from read_ruby(beamline, gauge, stream=schema.APPROACH)
        decision = step(
            now,
            Reading(
                load_bar=reading.load_bar,
                pressure_gpa=reading.pressure.gpa,
                sigma_gpa=reading.pressure.sigma_gpa,
            ),
            rules,
        )
        notes.approach.note(
            experiment_time_s=beamline.clock.now_s(),
            point_index=point.index,
            leg=point.leg.name,
            stroke=point.stroke,
            target_pressure_gpa=point.pressure_gpa,
            gain_gpa_per_bar=decision.state.gain_gpa_per_bar,
            next_load_bar=decision.load_bar,
            phase_of_approach=str(decision.phase),
            **reading.fields(),
        )
        yield from bps.read(notes.approach)
        yield from bps.save()
        if decision.phase is not Phase.APPROACH:
            break
        supply_bar = yield from bps.rd(beamline.membrane.source_bar)
        load_bar = max(decision.load_bar, envelope.load_bar[0])
        envelope.check_load(
            load_bar, now_bar=reading.load_bar, pressure_gpa=reading.pressure.gpa, supply_bar=supply_bar
        )
        if load_bar == envelope.load_bar[0] and reading.load_bar <= load_bar + rules.smallest_step_bar:
            break  # no gas left to let out: what is reached now is the lowest pressure there is
        yield from bps.abs_set(beamline.membrane, load_bar, wait=True)
        yield from wait(beamline, wait_s)
        now = decision.state
    yield from laser_off(beamline)
    if decision.phase is Phase.GAVE_UP:
        raise DidNotSettle(
            f"{point.leg.name}: {reading.pressure.gpa:.3f} GPa of {point.pressure_gpa:.3f} GPa "
            f"(tolerance {rules.tolerance_gpa:.3f} GPa) after {rules.most_readings} ruby readings, at "
            f"{reading.load_bar:.2f} bar. Look at the membrane and the supply.",
            pressure_gpa=reading.pressure.gpa,
            target_gpa=point.pressure_gpa,
        )
    if decision.phase is Phase.PASSED:
        log.warning(
            "%s: passed %.3f GPa, landed at %.3f GPa; the point is taken there, friction forbids going back",
            point.leg.name,
            point.pressure_gpa,
            reading.pressure.gpa,
        )
    return decision


def heat(
    beamline: Beamline, temperature_k: float, *, ramp_rate_k_per_min: float, soak_s: float, envelope: Envelope
) -> MsgGenerator[None]:
    """Ramp to a temperature at constant gas load and soak there.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    temperature_k : float
        Where to [K], at the gasket.
    ramp_rate_k_per_min : float
        How fast [K/min].
    soak_s : float
        How long to stay before anything is measured [s of experiment].
    envelope : Envelope
        Judges the temperature before it is commanded.
    """
    envelope.check_temperature(temperature_k)
    yield from bps.abs_set(beamline.heater, temperature_k, ramp_rate_k_per_min=ramp_rate_k_per_min, wait=True)
    yield from wait(beamline, soak_s)


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
