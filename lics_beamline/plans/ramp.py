"""Heating at a held gas load: the decision as a pure step, and nothing else.

Nothing but the heater moves, so nothing but the heater can be held: a pressure that leaves its prediction, or a
prediction that leaves the envelope, stops the ramp while the limit is still ahead. What cannot be read again to be
better ends the leg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from lics_beamline.plans.belief import Reading
from lics_beamline.plans.command import Abort, Cause, Hold, Ramp, Request
from lics_beamline.plans.envelope import Envelope
from lics_beamline.plans.gain import Gain
from lics_beamline.plans.heating import Drift, Prediction, Prior, Slope

LOOKS = 2  # readings at a held ramp, after the one that held it, before the leg is given up
STEPS_AHEAD = 2.0  # intervals of reading that a ramp must be able to go on without meeting the limit
NEAR_K = 5.0  # thermocouple and heater, each of class 1, may disagree by so much about a temperature (IEC 60584-1)
SPARE_S = 90.0  # after the time that a ramp needs for the last of it: its lag
WILDLY_GPA = 0.05  # readings of the cell at rest that differ by more are not of one state


Course = TypeVar("Course")


class Phase(StrEnum):
    """Where a heating leg stands."""

    READY = "ready"
    CROSS = "cross"
    RAMP = "ramp"
    HELD = "held"
    SOAK = "soak"
    DONE = "done"
    ABORT = "abort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a cell is heated.

    Parameters
    ----------
    read_every_s : float
        Wait between two ruby readings [s of experiment].
    first_readings : int
        Readings of the cell at rest before the ramp begins.
    teach_k : float
        After so many kelvin the prediction is said again [K].
    sigmas : float
        Half width of the interval that a prediction is held to, in standard deviations.
    tolerance_k : float
        Arrived when no further from the target than this [K].
    stale_s : float
        Age at which a reading is refused [s of experiment].
    most_doubts : int
        Readings in a row that could not be believed, or surprised, after which the leg ends.
    most_held_s : float
        A ramp held longer has given up [s].
    load_band_bar : float
        The gas may be this far from where it was left [bar]; beyond it leaks or somebody else moves it.
    band_gpa : float
        On an isobar the ramp yields to a pressure further above than this [GPa].
    lost_gpa : float
        On an isobar a pressure further below is lost where heat does not bring it back [GPa].
    slew_bar_per_s : float
        Slew of the membrane [bar/s].
    """

    read_every_s: float
    first_readings: int
    teach_k: float
    sigmas: float
    tolerance_k: float
    stale_s: float
    most_doubts: int
    most_held_s: float
    load_band_bar: float
    band_gpa: float
    lost_gpa: float
    slew_bar_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Where a ramp goes.

    Parameters
    ----------
    temperature_k : float
        Of the sample, when the ramp has ended [K].
    end_k : float
        Of the sample at the end of the whole leg, which is what is predicted [K].
    ramp_k_per_min : float
        How fast [K/min].
    soak_s : float
        How long to stay there [s].
    pressure_gpa : float
        Pressure that is held on an isobar; NaN at a held load [GPa].
    """

    temperature_k: float
    end_k: float
    ramp_k_per_min: float
    soak_s: float
    pressure_gpa: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A ramp at a held load under way.

    Parameters
    ----------
    goal : Goal
        Where to.
    drift : Drift or None
        What is known of the cell; None before the first readings agree.
    shown : Drift or None
        What was known when the prediction was last said: readings are held to it.
    first : tuple of Reading
        Readings before the drift begins.
    phase : Phase
        Where the leg stands.
    doubted : Reading or None
        A reading that surprised, until another one confirms or contradicts it.
    doubts : int
        Readings in a row that could not be believed or surprised.
    looks : int
        Readings in a row by which the leg cannot go on.
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
    drift: Drift | None = None
    shown: Drift | None = None
    first: tuple[Reading, ...] = ()
    phase: Phase = Phase.READY
    doubted: Reading | None = None
    doubts: int = 0
    looks: int = 0
    held_s: float = math.nan
    near_s: float = math.nan
    arrived_s: float = math.nan
    cause: Cause = Cause.STOPPED
    reason: str = ""
    paused_by_request: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is expected, for documents and people; None where nothing can be said yet.

    Parameters
    ----------
    reading : Prediction or None
        What was to be expected of the reading just taken.
    final : Prediction or None
        The end of the leg, at the load of now.
    slope : Slope or None
        How the pressure rises with temperature at a held load.
    gain : Gain or None
        What a bar does, where gas is let out [GPa/bar].
    """

    reading: Prediction | None = None
    final: Prediction | None = None
    slope: Slope | None = None
    gain: Gain | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[Course]):
    """What to do now, what is expected, and the state to go on from."""

    command: Ramp | Hold | Abort
    state: Course
    outlook: Outlook = Outlook()


def begin(goal: Goal, *, after: State | None = None) -> State:
    """Return the state of a new ramp; what the ramp before it on this leg has taught is believed.

    Parameters
    ----------
    goal : Goal
        Where to.
    after : State, optional
        Where the ramp before ended. An abort stays an abort.
    """
    if after is None:
        return State(goal=goal)
    if after.phase is Phase.ABORT:
        return replace(after, goal=goal)
    return State(goal=goal, drift=after.drift, shown=after.shown, paused_by_request=after.paused_by_request)


def step(
    state: State,
    reading: Reading | None,
    now_s: float,
    *,
    prior: Prior,
    rules: Rules,
    envelope: Envelope,
    request: Request | None = None,
) -> Decision[State]:
    """Decide what to do after one reading.

    Parameters
    ----------
    state : State
        The ramp so far.
    reading : Reading or None
        A pressure, the load and temperature it was read at, and when; None where there was none to be believed.
    now_s : float
        Experiment time now [s].
    prior : Prior
        What is believed of the cell before the leg.
    rules : Rules
        How a cell is heated.
    envelope : Envelope
        Where the cell may go.
    request : Request, optional
        What a person asks; a stop is obeyed from every state and is sticky.

    Returns
    -------
    Decision
        `Ramp` with the ramp on only after a fresh reading that is believed, where the leg is expected to end inside the
        envelope. The load is never commanded.
    """
    decision = _decide(state, reading, now_s, prior=prior, rules=rules, envelope=envelope, request=request)
    drift = decision.state.drift
    outlook = Outlook(
        reading=state.drift.next(reading) if state.drift and reading and reading.is_finite() else None,
        final=drift.at(state.goal.end_k) if drift else None,
        slope=drift.slope() if drift else None,
    )
    return replace(decision, outlook=outlook)


def _decide(
    state: State,
    reading: Reading | None,
    now_s: float,
    *,
    prior: Prior,
    rules: Rules,
    envelope: Envelope,
    request: Request | None,
) -> Decision[State]:
    if state.phase is Phase.ABORT:
        return Decision(command=Abort(cause=state.cause, reason=state.reason), state=state)
    if request is Request.STOP:
        return _abort(state, Cause.STOPPED, f"stopped on request at {now_s:.0f} s. Acknowledge, then begin again.")
    paused = request is Request.PAUSE or (state.paused_by_request and request is not Request.CONTINUE)
    state = replace(state, paused_by_request=paused)
    last = state.drift.newest if state.drift else (state.first[-1] if state.first else None)
    left_bar = state.drift.readings[0].load_bar if state.drift else math.nan
    trouble = trouble_with(reading, now_s, last=last, load_bar=left_bar, rules=rules)
    if reading is None or trouble:
        return _doubt(state, trouble, now_s, rules)
    if state.drift is None:
        return _rest(state, reading, now_s, prior, rules, envelope)
    drift, shown = state.drift, state.shown or state.drift
    if drift.expects(reading):
        drift = drift.after(reading)
    elif state.doubted is not None and agree(state.doubted, reading, drift):
        drift = drift.after(reading, jumped=True)
        state = replace(state, shown=drift)
    else:
        said = f"{reading.pressure_gpa:.3f} GPa surprises where {drift.next(reading)} was expected"
        return _doubt(replace(state, doubted=reading), said, now_s, rules)
    state = replace(state, drift=drift, doubted=None, doubts=0)
    if not _covers(shown, reading, rules):
        state = replace(state, shown=drift)
    elif shown.taught_k() < rules.teach_k <= drift.taught_k():
        state = replace(state, shown=drift)
    return _go_on(state, drift, now_s, rules, envelope)


def trouble_with(reading: Reading | None, now_s: float, *, last: Reading | None, load_bar: float, rules: Rules) -> str:
    """Return why nothing may rest on a reading, or nothing.

    Parameters
    ----------
    reading, last : Reading or None
        The reading, and the one believed before it.
    now_s : float
        Experiment time now [s].
    load_bar : float
        Where the gas was left [bar]; NaN where it is not known or moves.
    rules : Rules
        How old a reading may be, and how far the gas may be off.
    """
    if reading is None:
        return "there is no reading of ruby and temperature"
    if not reading.is_finite():
        return f"{reading} is not finite"
    age_s = now_s - reading.time_s
    if not 0.0 <= age_s <= rules.stale_s:
        return f"the reading is {age_s:.0f} s old, {rules.stale_s:g} s is the limit"
    if last is not None and reading.time_s <= last.time_s:
        return f"the reading of {reading.time_s:.0f} s is not newer than the last, of {last.time_s:.0f} s"
    if abs(reading.load_bar - load_bar) > rules.load_band_bar:
        return (
            f"the gas is at {reading.load_bar:.2f} bar and was left at {load_bar:.2f} bar "
            f"({rules.load_band_bar:g} bar is the limit): it leaks, or somebody else moves it"
        )
    return ""


def is_there(goal: Goal, temperature_k: float, *, near_for_s: float, rules: Rules) -> bool:
    """Whether a ramp has ended: the temperature is read, or near, and there was time for the rest.

    Parameters
    ----------
    goal : Goal
        Where the ramp goes.
    temperature_k : float
        Of the sample, as read; its thermocouple is not the heater's own [K].
    near_for_s : float
        How long the ramp has been near and not held [s]; NaN where it is not.
    rules : Rules
        How near counts as there.
    """
    time_s = 60.0 * NEAR_K / goal.ramp_k_per_min + SPARE_S
    return temperature_k >= goal.temperature_k - rules.tolerance_k or near_for_s >= time_s


def agree(first: Reading, second: Reading, drift: Drift) -> bool:
    """Whether two readings that surprise are of one state, seen against what is expected of each."""
    off_gpa = [reading.pressure_gpa - drift.next(reading).gpa for reading in (first, second)]
    return abs(off_gpa[0] - off_gpa[1]) < WILDLY_GPA


def at_rest(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Return the readings that agree with most of the others: a wild one is left out."""
    return tuple(
        one
        for one in readings
        if 2 * sum(abs(one.pressure_gpa - other.pressure_gpa) < WILDLY_GPA for other in readings) > len(readings)
    )


def _rest(
    state: State, reading: Reading, now_s: float, prior: Prior, rules: Rules, envelope: Envelope
) -> Decision[State]:
    """Look at the cell before the ramp until enough readings agree."""
    first = (*state.first, reading)
    agreed = at_rest(first)
    if len(agreed) < rules.first_readings:
        if len(first) > rules.first_readings + rules.most_doubts:
            return _abort(state, Cause.UNREADABLE, f"{len(first)} readings at rest do not agree. Look at the ruby.")
        return Decision(command=Ramp(on=False, after_s=rules.read_every_s), state=replace(state, first=first))
    drift = Drift(prior=prior, readings=agreed[:1])
    for one in agreed[1:]:
        drift = drift.after(one)
    return _go_on(replace(state, first=first, drift=drift, shown=drift), drift, now_s, rules, envelope)


def _covers(shown: Drift, reading: Reading, rules: Rules) -> bool:
    expected = shown.next(reading)
    return abs(reading.pressure_gpa - expected.gpa) <= rules.sigmas * expected.sigma_gpa


def _go_on(state: State, drift: Drift, now_s: float, rules: Rules, envelope: Envelope) -> Decision[State]:
    """Decide with a reading that is believed."""
    goal, reading = state.goal, drift.newest
    limit_gpa = envelope.pressure_gpa[1]
    if math.isnan(state.near_s) and reading.temperature_k >= goal.temperature_k - NEAR_K:
        state = replace(state, near_s=now_s)
    there = is_there(goal, reading.temperature_k, near_for_s=now_s - state.near_s, rules=rules)
    if state.phase is Phase.SOAK or there:
        arrived_s = now_s if math.isnan(state.arrived_s) else state.arrived_s
        state = replace(state, arrived_s=arrived_s, held_s=math.nan, reason="")
        if now_s - arrived_s >= goal.soak_s:
            return Decision(command=Hold(), state=replace(state, phase=Phase.DONE))
        after_s = min(rules.read_every_s, goal.soak_s)
        return Decision(command=Ramp(on=True, after_s=after_s), state=replace(state, phase=Phase.SOAK))
    final = drift.at(goal.end_k)
    soon = _soon(drift, goal, rules)
    if final.gpa > limit_gpa or soon.high_gpa(rules.sigmas) > limit_gpa:
        worst = final if final.gpa > limit_gpa else soon
        state = replace(state, looks=state.looks + 1)
        said = (
            f"heating on at {reading.load_bar:.1f} bar is predicted to make {worst}, the limit is {limit_gpa:.2f} GPa; "
            f"the ramp is held at {reading.temperature_k:.0f} K and {reading.pressure_gpa:.2f} GPa"
        )
        if state.looks > LOOKS:
            return _abort(state, Cause.UNREACHABLE, f"{said}. Heat less, or from a lower pressure.")
        return _hold(state, said, now_s, rules)
    state = replace(state, looks=0)
    if state.paused_by_request:
        return _hold(state, "paused on request", now_s, rules)
    return Decision(
        command=Ramp(on=True, after_s=rules.read_every_s),
        state=replace(state, phase=Phase.RAMP, held_s=math.nan, reason=""),
    )


def _soon(drift: Drift, goal: Goal, rules: Rules) -> Prediction:
    ahead_s = STEPS_AHEAD * rules.read_every_s
    now = drift.newest
    temperature_k = min(now.temperature_k + goal.ramp_k_per_min / 60.0 * ahead_s, goal.end_k)
    return drift.soon(temperature_k, now.time_s + ahead_s)


def _doubt(state: State, said: str, now_s: float, rules: Rules) -> Decision[State]:
    """Hold the ramp and read again, but not for ever."""
    state = replace(state, doubts=state.doubts + 1)
    if state.doubts > rules.most_doubts:
        return _abort(
            state,
            Cause.UNREADABLE,
            f"{said}; {state.doubts} readings in a row. Look at ruby, thermocouple and membrane.",
        )
    return _hold(state, said, now_s, rules, after_s=0.0 if state.doubts == 1 else rules.read_every_s)


def _hold(state: State, said: str, now_s: float, rules: Rules, *, after_s: float | None = None) -> Decision[State]:
    held_s = now_s if math.isnan(state.held_s) else state.held_s
    phase = state.phase if state.phase in (Phase.READY, Phase.SOAK) else Phase.HELD
    wait_s = rules.read_every_s if after_s is None else after_s
    return Decision(
        command=Ramp(on=False, after_s=wait_s),
        state=replace(state, phase=phase, held_s=held_s, near_s=math.nan, reason=said),
    )


def _abort(state: State, cause: Cause, reason: str) -> Decision[State]:
    aborted = replace(state, phase=Phase.ABORT, cause=cause, reason=reason)
    return Decision(command=Abort(cause=cause, reason=reason), state=aborted)
