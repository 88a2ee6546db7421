"""Heating at a held pressure: the decision as a pure step, and nothing else.

Gas is let out against what heat adds. After loading, friction holds the cell: the first bars let out do nothing, and
whoever lets out more because nothing happens finds the pressure far below when it lets go. So that dead band is crossed
first, at rest and in steps no larger than one may be wrong by. Then gas goes out ahead of the heat by what slope and
gain are believed to be, and where the gas cannot follow it is the ramp that waits. The load never rises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from lics_beamline.control.cell_estimate import Reading
from lics_beamline.control.cell_model import Grip
from lics_beamline.control.command import Abort, Cause, Hold, Ramp
from lics_beamline.control.gain import OTHER_STROKE, UNLOADING, Gain
from lics_beamline.control.heating import Prior
from lics_beamline.control.heating_leg import (
    NEAR_K,
    WILDLY_GPA,
    Decision,
    Goal,
    Outlook,
    Phase,
    at_rest,
    is_there,
    trouble_with,
)
from lics_beamline.control.isobar_estimate import Balance
from lics_beamline.control.request import Request
from lics_beamline.control.settings import ControlSettings

SURELY: Final = 0.3  # fraction of the expected dead band that every cell of this kind has: friction 0.5 times the usual
STRIDE_GPA: Final = 0.03  # a step across the dead band changes the pressure by no more, should the cell let go in it
ANSWERED_GPA: Final = 0.02  # a fall of so much, besides noise, means that the dead band is crossed
SUSPECTED: Final = 0.6  # of it in a single reading: stop and look again
AGAIN: Final = 3  # looks at a fall that is suspected
TAUGHT_K: Final = 20.0  # heat after which the need of gas is believed
SPARE_GPA: Final = 0.1  # most that one step of gas may take back, by what is believed
STILL_BAR: Final = 0.02  # gas that is not worth a command: twice the resolution of the controller


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An isobar under way.

    Parameters
    ----------
    goal : Goal
        Where to, and which pressure is held.
    balance : Balance or None
        What is known of the cell; None until the dead band is crossed.
    prior : Prior or None
        What was believed of the cell when gas began to be let out.
    recent : tuple of Reading
        Readings believed while the dead band is being crossed.
    rest_gpa : float
        Pressure before gas was let out; creep may raise it [GPa].
    looks : int
        Readings taken of a suspected fall.
    phase : Phase
        Where the leg stands.
    doubted : Reading or None
        A reading that surprised, until another one confirms or contradicts it.
    doubts : int
        Readings in a row that could not be believed or surprised.
    commanded_bar : float
        Load commanded last [bar]; NaN before any.
    begun_bar : float
        Load at which gas began to be let out [bar]; NaN before.
    begun_k : float
        Temperature at which the ramp began [K]; NaN before.
    held_s : float
        When the ramp was held [s]; NaN while it is not.
    near_s : float
        When the ramp, not held since, came near its temperature [s]; NaN before.
    arrived_s : float
        When the temperature was reached [s]; NaN before.
    cause : Cause
        Why it ended early; it means nothing before.
    reason : str
        Why it ended early, or why the ramp is held, for people.
    paused_by_request : bool
        True until a person continues.
    """

    goal: Goal
    balance: Balance | None = None
    prior: Prior | None = None
    recent: tuple[Reading, ...] = ()
    rest_gpa: float = math.nan
    looks: int = 0
    phase: Phase = Phase.READY
    doubted: Reading | None = None
    doubts: int = 0
    commanded_bar: float = math.nan
    begun_bar: float = math.nan
    begun_k: float = math.nan
    held_s: float = math.nan
    near_s: float = math.nan
    arrived_s: float = math.nan
    cause: Cause = Cause.STOPPED
    reason: str = ""
    paused_by_request: bool = False


def begin(goal: Goal, *, after: State | None = None) -> State:
    """Return the state of a new ramp; what the ramp before it on this leg has taught is believed.

    Parameters
    ----------
    goal : Goal
        Where to, and which pressure is held.
    after : State, optional
        Where the ramp before ended. An abort stays an abort.
    """
    if after is None:
        return State(goal=goal)
    if after.phase is Phase.ABORT:
        return replace(after, goal=goal)
    return replace(
        after,
        goal=goal,
        phase=Phase.READY,
        doubted=None,
        doubts=0,
        held_s=math.nan,
        near_s=math.nan,
        arrived_s=math.nan,
        reason="",
    )


def step(
    state: State,
    reading: Reading | None,
    now_s: float,
    *,
    prior: Prior,
    settings: ControlSettings,
    request: Request | None = None,
) -> Decision[State]:
    """Decide what to do after one reading.

    Parameters
    ----------
    state : State
        The isobar so far.
    reading : Reading or None
        A pressure, the load and temperature it was read at, and when; None where there was none to be believed.
    now_s : float
        Experiment time now [s].
    prior : Prior
        What is believed of the cell before the leg.
    settings : ControlSettings
        How a cell is heated, and where it may go.
    request : Request, optional
        What a person asks; a stop is obeyed from every state and is sticky.

    Returns
    -------
    Decision
        `Ramp`: with the ramp on, or with gas to be let out, only after a fresh reading that is believed; the load that
        is commanded is never above the load of now.
    """
    decision = _decide(state, reading, now_s, prior=prior, settings=settings, request=request)
    before, balance = state.balance, decision.state.balance
    outlook = Outlook(
        reading=before.next(reading) if before and reading and reading.is_finite() else None,
        final=balance.at(state.goal.end_k) if balance else None,
        slope=balance.slope if balance else None,
        gain=balance.gain if balance else None,
    )
    return replace(decision, outlook=outlook)


def _decide(
    state: State,
    reading: Reading | None,
    now_s: float,
    *,
    prior: Prior,
    settings: ControlSettings,
    request: Request | None,
) -> Decision[State]:
    if state.phase is Phase.ABORT:
        return Decision(command=Abort(cause=state.cause, reason=state.reason), state=state)
    if request is Request.STOP:
        return _abort(state, Cause.STOPPED, f"stopped on request at {now_s:.0f} s. Acknowledge, then begin again.")
    paused = request is Request.PAUSE or (state.paused_by_request and request is not Request.CONTINUE)
    state = replace(state, paused_by_request=paused)
    last = state.balance.newest if state.balance else (state.recent[-1] if state.recent else None)
    trouble = trouble_with(reading, now_s, last=last, load_bar=math.nan, approach=settings.approach)
    band_bar = settings.approach.load_band_bar
    if reading is not None and not trouble and reading.load_bar < state.commanded_bar - band_bar:
        trouble = (
            f"the gas is at {reading.load_bar:.2f} bar, below the {state.commanded_bar:.2f} bar commanded "
            f"({band_bar:g} bar is the limit): it leaks, or somebody else moves it"
        )
    elif reading is not None and not trouble and last and reading.load_bar > last.load_bar + band_bar:
        trouble = (
            f"the gas has risen from {last.load_bar:.2f} to {reading.load_bar:.2f} bar ({band_bar:g} bar is the "
            "limit): somebody else moves it"
        )
    if reading is None or trouble:
        return _doubt(state, trouble, now_s, settings)
    if state.balance is None:
        return _before(state, reading, now_s, prior, settings)
    balance = state.balance
    if balance.expects(reading):
        balance = balance.after(reading)
    elif state.doubted is not None and abs(state.doubted.pressure_gpa - reading.pressure_gpa) < WILDLY_GPA:
        balance = balance.after(reading, jumped=True)
    else:
        said = f"{reading.pressure_gpa:.3f} GPa surprises where {balance.next(reading)} was expected"
        return _doubt(replace(state, doubted=reading), said, now_s, settings)
    state = replace(state, balance=balance, doubted=None, doubts=0)
    return _steer(state, balance, now_s, settings)


def _before(state: State, reading: Reading, now_s: float, prior: Prior, settings: ControlSettings) -> Decision[State]:
    """Look at the cell at rest, then cross the dead band."""
    recent = (*state.recent, reading)
    if state.phase is Phase.READY:
        agreed = at_rest(recent)
        if len(agreed) < settings.heating.first_readings:
            if len(recent) > settings.heating.first_readings + settings.approach.most_doubts:
                return _abort(
                    state, Cause.UNREADABLE, f"{len(recent)} readings at rest do not agree. Look at the ruby."
                )
            return Decision(
                command=Ramp(on=False, after_s=settings.heating.read_every_s), state=replace(state, recent=recent)
            )
        rest_gpa = _mean_gpa(agreed)
        state = replace(state, recent=agreed, rest_gpa=rest_gpa, prior=_unloading(prior), phase=Phase.CROSS)
        if prior.edge < 0:
            return _crossed(state, settings, now_s)
        return _across(state, reading, prior, settings, now_s)
    surprises = abs(reading.pressure_gpa - _mean_gpa(state.recent[-2:])) > WILDLY_GPA
    if surprises and (state.doubted is None or abs(state.doubted.pressure_gpa - reading.pressure_gpa) > WILDLY_GPA):
        said = f"{reading.pressure_gpa:.3f} GPa surprises after {state.recent[-1].pressure_gpa:.3f} GPa"
        return _doubt(replace(state, doubted=reading), said, now_s, settings)
    state = replace(state, recent=recent[-settings.heating.first_readings :], doubted=None, doubts=0)
    rest_gpa = max(state.rest_gpa, _mean_gpa(state.recent))  # creep of the loading before
    noise_gpa = reading.sigma_gpa
    fell_gpa = rest_gpa - reading.pressure_gpa
    state = replace(state, rest_gpa=rest_gpa)
    if state.looks == 0 and fell_gpa > SUSPECTED * ANSWERED_GPA + 2.0 * noise_gpa:
        return _look(replace(state, looks=1), reading, settings)
    if state.looks > 0:
        seen = state.recent[-(state.looks + 1) :]
        fell_gpa = rest_gpa - _mean_gpa(seen)
        if fell_gpa > ANSWERED_GPA and state.looks > 1:
            return _crossed(replace(state, recent=seen, looks=0), settings, now_s)
        if state.looks < AGAIN and fell_gpa > 0.5 * ANSWERED_GPA:
            return _look(replace(state, looks=state.looks + 1), reading, settings)
    return _across(replace(state, looks=0), reading, prior, settings, now_s)


def _look(state: State, reading: Reading, settings: ControlSettings) -> Decision[State]:
    """Leave the gas where it is and read again."""
    state = replace(state, commanded_bar=reading.load_bar, reason="the pressure may have begun to fall")
    command = Ramp(
        on=False, after_s=0.0, bleed_to_bar=reading.load_bar, slew_bar_per_s=settings.membrane.slew_bar_per_s
    )
    return Decision(command=command, state=state)


def _across(state: State, reading: Reading, prior: Prior, settings: ControlSettings, now_s: float) -> Decision[State]:
    """Let out the next gas in the dead band: at once what every cell has of it, then a stride at a time."""
    if state.paused_by_request:
        return _hold(state, "paused on request", now_s, settings)
    began_bar = reading.load_bar if math.isnan(state.begun_bar) else state.begun_bar
    most = _unloading(prior).gain.at_most()
    stride_bar = STRIDE_GPA / most
    grip = Grip(gas_bar=began_bar, transmitted_bar=began_bar, temperature_k=reading.temperature_k)
    surely_bar = began_bar - (SURELY * prior.cell.dead_band_bar(grip) if prior.edge > 0 else 0.0)
    to_bar = min(reading.load_bar - stride_bar, max(surely_bar, 0.0))
    floor_bar = settings.envelope.load_bar[0]
    if reading.load_bar - floor_bar < STILL_BAR:
        return _abort(
            state,
            Cause.UNREACHABLE,
            f"the gas is at {reading.load_bar:.2f} bar, the lowest that may be, and {reading.pressure_gpa:.3f} GPa has "
            "not answered: nothing is left to let out while heating. Heat at a held load, or from a higher pressure.",
        )
    to_bar = max(to_bar, floor_bar)
    state = replace(
        state, phase=Phase.CROSS, commanded_bar=to_bar, begun_bar=began_bar, reason="crossing the dead band"
    )
    command = Ramp(on=False, after_s=0.0, bleed_to_bar=to_bar, slew_bar_per_s=settings.membrane.slew_bar_per_s)
    return Decision(command=command, state=state)


def _crossed(state: State, settings: ControlSettings, now_s: float) -> Decision[State]:
    """Begin to balance heat and gas."""
    reading = state.recent[-1]
    believed = state.prior
    if believed is None:
        return _doubt(state, "nothing is believed of the cell yet", now_s, settings)
    sigma_gpa = math.hypot(reading.sigma_gpa, 0.5 * ANSWERED_GPA)
    balance = Balance.begin(reading, believed, pressure_gpa=_mean_gpa(state.recent), sigma_gpa=sigma_gpa)
    state = replace(state, balance=balance, begun_k=reading.temperature_k)
    return _steer(state, balance, now_s, settings)


def _steer(state: State, balance: Balance, now_s: float, settings: ControlSettings) -> Decision[State]:
    """Decide with a reading that is believed, the gas at the edge from which it answers."""
    goal, reading, pressure = state.goal, balance.newest, balance.pressure
    floor_bar = settings.envelope.load_bar[0]
    if math.isnan(state.near_s) and reading.temperature_k >= goal.temperature_k - NEAR_K:
        state = replace(state, near_s=now_s)
    there = is_there(
        goal, reading.temperature_k, near_for_s=now_s - state.near_s, tolerance_k=settings.heater.tolerance_k
    )
    arrived = state.phase is Phase.SOAK or there
    ahead_s = max(settings.heating.read_every_s, balance.interval_s)
    left_k = max(goal.temperature_k - reading.temperature_k, 0.0)
    heated_k = min(goal.ramp_k_per_min / 60.0 * ahead_s, left_k)
    above_gpa = pressure.gpa - goal.pressure_gpa
    stops = _stops(state, balance, settings, arrived=arrived)
    if stops:
        return _abort(state, Cause.UNREACHABLE, stops)
    yields = above_gpa > (settings.heating.band_gpa if math.isnan(state.held_s) else 0.5 * settings.heating.band_gpa)
    on = not yields and not state.paused_by_request
    excess_gpa = above_gpa + (balance.slope.gpa_per_k * heated_k if on and not arrived else 0.0)
    to_bar = _bled_bar(state, balance, excess_gpa, ahead_s, settings, floor_bar)
    if to_bar is not None:
        state = replace(state, commanded_bar=to_bar)
    if arrived:
        arrived_s = now_s if math.isnan(state.arrived_s) else state.arrived_s
        state = replace(state, arrived_s=arrived_s, phase=Phase.SOAK)
        if now_s - arrived_s >= goal.soak_s and not yields:
            return Decision(command=Hold(), state=replace(state, phase=Phase.DONE, held_s=math.nan, reason=""))
    if yields or not on:
        held_s = now_s if math.isnan(state.held_s) else state.held_s
        said = (
            "paused on request"
            if state.paused_by_request
            else (f"{pressure.gpa:.3f} GPa is {above_gpa:.3f} GPa above {goal.pressure_gpa:g} GPa, gas goes out first")
        )
        phase = state.phase if arrived else Phase.HELD
        state = replace(state, held_s=held_s, near_s=math.nan, reason=said, phase=phase)
        if now_s - held_s > settings.heating.most_held_s and not state.paused_by_request:
            return _abort(
                state, Cause.GAVE_UP, f"the ramp was held for {now_s - held_s:.0f} s: {said}. Look at the gas."
            )
    else:
        state = replace(state, held_s=math.nan, reason="", phase=state.phase if arrived else Phase.RAMP)
    command = Ramp(
        on=on or arrived,
        after_s=settings.heating.read_every_s,
        bleed_to_bar=to_bar,
        slew_bar_per_s=settings.membrane.slew_bar_per_s,
    )
    return Decision(command=command, state=state)


def _bled_bar(
    state: State, balance: Balance, excess_gpa: float, ahead_s: float, settings: ControlSettings, floor_bar: float
) -> float | None:
    """Return the load to go down to [bar], None where the gas stays."""
    now_bar = balance.newest.load_bar
    if excess_gpa <= 0.0:
        # Gas still on its way is stopped here: it was meant for a pressure that is no longer there.
        return now_bar if state.commanded_bar < now_bar - STILL_BAR else None
    bar = min(excess_gpa, SPARE_GPA) / balance.gain.gpa_per_bar
    bar = min(bar, settings.membrane.slew_bar_per_s * ahead_s, SPARE_GPA / balance.gain.at_most())
    to_bar = max(now_bar - bar, floor_bar)
    return to_bar if to_bar < now_bar - STILL_BAR else None


def _stops(state: State, balance: Balance, settings: ControlSettings, *, arrived: bool) -> str:
    """Return why the isobar cannot go on, or nothing."""
    goal, pressure, reading = state.goal, balance.pressure, balance.newest
    limit_gpa, floor_bar = settings.envelope.pressure_gpa[1], settings.envelope.load_bar[0]
    if pressure.high_gpa(settings.heating.sigmas) > limit_gpa:
        return f"{pressure} has come to the limit of {limit_gpa:g} GPa. Heat from a lower pressure."
    lost_gpa = settings.heating.lost_gpa
    slope, asked = 1e3 * balance.slope.gpa_per_k, f"{goal.pressure_gpa:g} GPa"
    if pressure.high_gpa(1.0) < goal.pressure_gpa - lost_gpa and (arrived or slope <= 0.0):
        return (
            f"{pressure} is {goal.pressure_gpa - pressure.gpa:.2f} GPa below {asked} (limit {lost_gpa:g} GPa), "
            f"and heat does not bring it back: {slope:.1f} MPa/K at a held load, which never rises while heating. "
            "Heat at a held load, or approach the pressure again."
        )
    needed_bar, final = balance.needed_bar(goal.end_k, goal.pressure_gpa), balance.at(goal.end_k)
    taught = reading.temperature_k - state.begun_k >= TAUGHT_K
    if taught and needed_bar + final.sigma_gpa / balance.gain.gpa_per_bar < floor_bar:
        return (
            f"{asked} at {goal.end_k:.0f} K would need {needed_bar:.1f} bar and {floor_bar:g} bar is the lowest there "
            f"is: {final} is predicted at the {reading.load_bar:.1f} bar of now. Heat less, or hold a higher pressure."
        )
    return ""


def _unloading(prior: Prior) -> Prior:
    """Return the prior for letting gas out: the other edge of the dead band, and the gain of the other stroke."""
    if prior.edge < 0:
        return prior
    gain = Gain(gpa_per_bar=prior.gain.gpa_per_bar * UNLOADING, error=math.hypot(prior.gain.error, OTHER_STROKE))
    return replace(prior, gain=gain, edge=-1)


def _mean_gpa(readings: tuple[Reading, ...]) -> float:
    return sum(reading.pressure_gpa for reading in readings) / len(readings)


def _doubt(state: State, said: str, now_s: float, settings: ControlSettings) -> Decision[State]:
    """Hold ramp and gas, and read again, but not for ever."""
    state = replace(state, doubts=state.doubts + 1)
    if state.doubts > settings.approach.most_doubts:
        return _abort(
            state,
            Cause.UNREADABLE,
            f"{said}; {state.doubts} readings in a row. Look at ruby, thermocouple and membrane.",
        )
    return _hold(state, said, now_s, settings, after_s=0.0 if state.doubts == 1 else settings.heating.read_every_s)


def _hold(
    state: State, said: str, now_s: float, settings: ControlSettings, *, after_s: float | None = None
) -> Decision[State]:
    held_s = now_s if math.isnan(state.held_s) else state.held_s
    phase = Phase.HELD if state.phase is Phase.RAMP else state.phase
    wait_s = settings.heating.read_every_s if after_s is None else after_s
    return Decision(
        command=Ramp(on=False, after_s=wait_s),
        state=replace(state, phase=phase, held_s=held_s, near_s=math.nan, reason=said),
    )


def _abort(state: State, cause: Cause, reason: str) -> Decision[State]:
    aborted = replace(state, phase=Phase.ABORT, cause=cause, reason=reason)
    return Decision(command=Abort(cause=cause, reason=reason), state=aborted)
