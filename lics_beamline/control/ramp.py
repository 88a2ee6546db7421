"""Heating at a held gas load: the decision as a pure step, and nothing else.

Nothing but the heater moves, so nothing but the heater can be held: a pressure that leaves its prediction, or a
prediction that leaves the envelope, stops the ramp while the limit is still ahead. What cannot be read again to be
better ends the leg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lics_beamline.control.cell_estimate import Reading
from lics_beamline.control.command import Abort, Cause, Hold, Ramp
from lics_beamline.control.heating import Drift, Prediction, Prior
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
from lics_beamline.control.request import Request
from lics_beamline.control.settings import ControlSettings

LOOKS = 2  # readings at a held ramp, after the one that held it, before the leg is given up
STEPS_AHEAD = 2.0  # intervals of reading that a ramp must be able to go on without meeting the limit


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
    settings: ControlSettings,
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
    settings : ControlSettings
        How a cell is heated, and where it may go.
    request : Request, optional
        What a person asks; a stop is obeyed from every state and is sticky.

    Returns
    -------
    Decision
        `Ramp` with the ramp on only after a fresh reading that is believed, where the leg is expected to end inside the
        envelope. The load is never commanded.
    """
    decision = _decide(state, reading, now_s, prior=prior, settings=settings, request=request)
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
    settings: ControlSettings,
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
    trouble = trouble_with(reading, now_s, last=last, load_bar=left_bar, approach=settings.approach)
    if reading is None or trouble:
        return _doubt(state, trouble, now_s, settings)
    if state.drift is None:
        return _rest(state, reading, now_s, prior, settings)
    drift, shown = state.drift, state.shown or state.drift
    if drift.expects(reading):
        drift = drift.after(reading)
    elif state.doubted is not None and agree(state.doubted, reading, drift):
        drift = shown = drift.after(reading, jumped=True)
        state = replace(state, shown=drift)
    else:
        said = f"{reading.pressure_gpa:.3f} GPa surprises where {drift.next(reading)} was expected"
        return _doubt(replace(state, doubted=reading), said, now_s, settings)
    left = not _covers(shown, reading, settings)
    if left and state.doubted is None:
        said = f"{reading.pressure_gpa:.3f} GPa has left the prediction of {shown.next(reading)}"
        return _doubt(replace(state, drift=drift, doubted=reading), said, now_s, settings)
    learned = shown.taught_k() < settings.heating.teach_k <= drift.taught_k()
    said_anew = drift if left or learned else state.shown
    state = replace(state, drift=drift, shown=said_anew, doubted=None, doubts=0)
    return _go_on(state, drift, now_s, settings)


def agree(first: Reading, second: Reading, drift: Drift) -> bool:
    """Whether two readings that surprise are of one state, seen against what is expected of each."""
    off_gpa = [reading.pressure_gpa - drift.next(reading).gpa for reading in (first, second)]
    return abs(off_gpa[0] - off_gpa[1]) < WILDLY_GPA


def _rest(state: State, reading: Reading, now_s: float, prior: Prior, settings: ControlSettings) -> Decision[State]:
    """Look at the cell before the ramp until enough readings agree."""
    first = (*state.first, reading)
    agreed = at_rest(first)
    if len(agreed) < settings.heating.first_readings:
        if len(first) > settings.heating.first_readings + settings.approach.most_doubts:
            return _abort(state, Cause.UNREADABLE, f"{len(first)} readings at rest do not agree. Look at the ruby.")
        return Decision(
            command=Ramp(on=False, after_s=settings.heating.read_every_s), state=replace(state, first=first)
        )
    drift = Drift(prior=prior, readings=agreed[:1])
    for one in agreed[1:]:
        drift = drift.after(one)
    return _go_on(replace(state, first=first, drift=drift, shown=drift), drift, now_s, settings)


def _covers(shown: Drift, reading: Reading, settings: ControlSettings) -> bool:
    expected = shown.next(reading)
    return abs(reading.pressure_gpa - expected.gpa) <= settings.heating.sigmas * expected.sigma_gpa


def _go_on(state: State, drift: Drift, now_s: float, settings: ControlSettings) -> Decision[State]:
    """Decide with a reading that is believed."""
    goal, reading = state.goal, drift.newest
    limit_gpa = settings.envelope.pressure_gpa[1]
    if math.isnan(state.near_s) and reading.temperature_k >= goal.temperature_k - NEAR_K:
        state = replace(state, near_s=now_s)
    there = is_there(
        goal, reading.temperature_k, near_for_s=now_s - state.near_s, tolerance_k=settings.heater.tolerance_k
    )
    if state.phase is Phase.SOAK or there:
        arrived_s = now_s if math.isnan(state.arrived_s) else state.arrived_s
        state = replace(state, arrived_s=arrived_s, held_s=math.nan, reason="")
        if now_s - arrived_s >= goal.soak_s:
            return Decision(command=Hold(), state=replace(state, phase=Phase.DONE))
        after_s = min(settings.heating.read_every_s, goal.soak_s)
        return Decision(command=Ramp(on=True, after_s=after_s), state=replace(state, phase=Phase.SOAK))
    final = drift.at(goal.end_k)
    soon = _soon(drift, goal, settings)
    if final.gpa > limit_gpa or soon.high_gpa(settings.heating.sigmas) > limit_gpa:
        worst = final if final.gpa > limit_gpa else soon
        state = replace(state, looks=state.looks + 1)
        said = (
            f"heating on at {reading.load_bar:.1f} bar is predicted to make {worst}, the limit is {limit_gpa:.2f} GPa; "
            f"the ramp is held at {reading.temperature_k:.0f} K and {reading.pressure_gpa:.2f} GPa"
        )
        if state.looks > LOOKS:
            return _abort(state, Cause.UNREACHABLE, f"{said}. Heat less, or from a lower pressure.")
        return _hold(state, said, now_s, settings)
    state = replace(state, looks=0)
    if state.paused_by_request:
        return _hold(state, "paused on request", now_s, settings)
    return Decision(
        command=Ramp(on=True, after_s=settings.heating.read_every_s),
        state=replace(state, phase=Phase.RAMP, held_s=math.nan, reason=""),
    )


def _soon(drift: Drift, goal: Goal, settings: ControlSettings) -> Prediction:
    ahead_s = STEPS_AHEAD * settings.heating.read_every_s
    now = drift.newest
    temperature_k = min(now.temperature_k + goal.ramp_k_per_min / 60.0 * ahead_s, goal.end_k)
    return drift.soon(temperature_k, now.time_s + ahead_s)


def _doubt(state: State, said: str, now_s: float, settings: ControlSettings) -> Decision[State]:
    """Hold the ramp and read again, but not for ever."""
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
    phase = state.phase if state.phase in (Phase.READY, Phase.SOAK) else Phase.HELD
    wait_s = settings.heating.read_every_s if after_s is None else after_s
    return Decision(
        command=Ramp(on=False, after_s=wait_s),
        state=replace(state, phase=phase, held_s=held_s, near_s=math.nan, reason=said),
    )


def _abort(state: State, cause: Cause, reason: str) -> Decision[State]:
    aborted = replace(state, phase=Phase.ABORT, cause=cause, reason=reason)
    return Decision(command=Abort(cause=cause, reason=reason), state=aborted)
