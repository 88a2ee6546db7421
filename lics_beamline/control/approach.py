"""Approaching a pressure from one side: the decision as a pure step, and nothing else.

A membrane cell has friction: gas that went too far costs about 10 bar of lost motion on the way back, and a diamond
that was loaded too far may cost the experiment. So the loop closes on ruby, goes one way only, and no step is larger
than the steepest gain that may be true would need to land on the target. The step is a function of state, reading and
time alone, which is what makes it testable without any instrument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from lics_beamline.control.approach_settings import ApproachSettings
from lics_beamline.control.cell_estimate import CellEstimate, PressureReading, trouble_with
from lics_beamline.control.command import Abort, AbortCause, Command, Hold, LoadTo, ReadAgain
from lics_beamline.control.envelope import Envelope
from lics_beamline.control.request import Request
from lics_beamline.control.settings import ControlSettings

LARGE_GPA = 0.3  # a step that is not the last goes a fraction of the way only
UNEXPLORED_STEP_SHARE = 0.8  # and less of it where this stroke has taught nothing yet: gains may bend there
DOUBTS_READ_AT_ONCE = 2  # doubted readings in a row that are looked at again without a wait
AGREE_GPA = 0.02  # two readings at one load differ by drift of so much, besides their noise


class ApproachPhase(StrEnum):
    """What an approach is doing."""

    APPROACH = "approach"
    SETTLE = "settle"
    HOLD = "hold"
    PAUSE = "pause"
    ABORT = "abort"


class ApproachOutcome(StrEnum):
    """How an approach came to hold."""

    REACHED = "reached"
    PASSED = "passed"
    LOWEST = "lowest"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadStep:
    """A load step commanded [bar], and when [s]."""

    time_s: float
    bar: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproachState:
    """An approach under way.

    Parameters
    ----------
    target_gpa : float
        Pressure to be reached [GPa].
    estimate : CellEstimate
        What is believed about the cell; its direction is that of the approach.
    phase : ApproachPhase
        What the approach is doing.
    outcome : ApproachOutcome or None
        How it came to hold.
    cause : AbortCause
        Why it aborted; it means nothing before.
    reason : str
        Why it aborted, in words for people.
    paused_by_request : bool
        True until a person continues.
    doubted : PressureReading or None
        A reading that surprised, until a second one confirms or contradicts it.
    doubts, readings : int
        Readings not believed in a row, and readings in all.
    commanded_bar : float
        Load commanded last [bar]; NaN before any.
    moves : tuple of LoadStep
        Load steps within the time of the budget.
    temperature_k : float
        What a reading's temperature must be near for a load to move [K]; NaN where any will do.
    """

    target_gpa: float
    estimate: CellEstimate
    phase: ApproachPhase = ApproachPhase.APPROACH
    outcome: ApproachOutcome | None = None
    cause: AbortCause = AbortCause.STOPPED
    reason: str = ""
    paused_by_request: bool = False
    doubted: PressureReading | None = None
    doubts: int = 0
    readings: int = 0
    commanded_bar: float = math.nan
    moves: tuple[LoadStep, ...] = ()
    temperature_k: float = math.nan

    @property
    def direction(self) -> int:
        """+1 on the upstroke, -1 on the downstroke."""
        return self.estimate.direction


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproachDecision:
    """What an approach does now, and the state to go on from."""

    command: Command
    state: ApproachState


def begin(
    target_gpa: float, direction: int, *, after: ApproachState | None = None, temperature_k: float = math.nan
) -> ApproachState:
    """Return the state of a new approach.

    Parameters
    ----------
    target_gpa : float
        Pressure to be reached [GPa].
    direction : int
        +1 on the upstroke, -1 on the downstroke.
    after : ApproachState, optional
        Where the approach before ended: what it learned of this cell is believed. An abort stays an abort.
    temperature_k : float
        What the sample's temperature must be near for a load to move [K]; NaN where any will do.
    """
    if after is None:
        return ApproachState(
            target_gpa=target_gpa, estimate=CellEstimate(direction=direction), temperature_k=temperature_k
        )
    estimate = after.estimate.turned(direction)
    fresh = ApproachState(target_gpa=target_gpa, estimate=estimate, moves=after.moves, temperature_k=temperature_k)
    if after.phase is ApproachPhase.ABORT:
        return replace(fresh, phase=ApproachPhase.ABORT, cause=after.cause, reason=after.reason)
    return replace(fresh, paused_by_request=after.paused_by_request)


def acknowledged(state: ApproachState) -> ApproachState:
    """Return an aborted state as one that may begin again: a person has looked. What the cell taught is forgotten."""
    return replace(begin(state.target_gpa, state.direction, temperature_k=state.temperature_k), moves=state.moves)


def held_at(state: ApproachState, load_bar: float) -> ApproachState:
    """Return the state of an approach whose last load step was held on its way, at a load [bar]."""
    moves = state.moves
    if moves:
        left_bar = state.commanded_bar - load_bar
        moves = (*moves[:-1], replace(moves[-1], bar=moves[-1].bar - left_bar))
    return replace(state, commanded_bar=load_bar, moves=moves)


def step(
    state: ApproachState,
    reading: PressureReading | None,
    now_s: float,
    *,
    settings: ControlSettings,
    request: Request | None = None,
) -> ApproachDecision:
    """Decide what to do after one reading.

    Parameters
    ----------
    state : ApproachState
        The approach so far.
    reading : PressureReading or None
        A pressure, the load and temperature it was read at, and when; None where there was none to be believed.
    now_s : float
        Experiment time now [s].
    settings : ControlSettings
        How an approach goes, how fast the membrane moves, and where the cell may go.
    request : Request, optional
        What a person asks; a stop is obeyed from every state and is sticky.

    Returns
    -------
    ApproachDecision
        `LoadTo` only after a fresh reading that is believed, and only further in the same direction.
    """
    if state.phase is ApproachPhase.ABORT:
        return ApproachDecision(command=Abort(cause=state.cause, reason=state.reason), state=state)
    if request is Request.STOP:
        return _abort(state, AbortCause.STOPPED, f"stopped on request at {now_s:.0f} s. Acknowledge, then begin again.")
    paused = request is Request.PAUSE or (state.paused_by_request and request is not Request.CONTINUE)
    state = replace(state, paused_by_request=paused, readings=state.readings + (not paused))
    rules = settings.approach
    trouble = _trouble(state, reading, now_s, rules)
    if reading is None or trouble:
        return _doubt(state, trouble, rules)
    confirmed = state.doubted is not None and _agree(state.doubted, reading)
    # After a surprise only two in a row that agree are believed: the second may be the wild one.
    if not confirmed and (state.doubted is not None or not state.estimate.expects(reading, settings)):
        said = f"a pressure of {reading.pressure_gpa:.3f} GPa at {reading.load_bar:.2f} bar surprises"
        if state.doubted is None:  # no doubt yet: what matters is looked at twice
            return _decide(replace(state, doubted=reading), ApproachPhase.PAUSE, ReadAgain(after_s=0.0))
        return _doubt(replace(state, doubted=reading), said, rules)
    fell_gpa = _fell_gpa(state.estimate, reading, rules)
    estimate = state.estimate.after(reading, settings)
    state = replace(state, estimate=replace(estimate, looks=estimate.looks + confirmed), doubted=None, doubts=0)
    if fell_gpa > rules.collapse_gpa:
        said = f"the pressure fell by {fell_gpa:.3f} GPa to {reading.pressure_gpa:.3f} GPa on the upstroke"
        return _abort(state, AbortCause.UNREADABLE, f"{said}. Look at the gasket, and whether it is the same ruby.")
    if state.paused_by_request:
        return _decide(state, ApproachPhase.PAUSE, ReadAgain(after_s=rules.settle_s))
    return _go_on(state, reading, now_s, settings)


def _fell_gpa(estimate: CellEstimate, reading: PressureReading, rules: ApproachSettings) -> float:
    """Return how far the pressure fell while the load did not [GPa]; 0 where a fall is no surprise."""
    if estimate.last is None or estimate.direction < 0 or not estimate.follows(reading, rules):
        return 0.0
    # Below two readings: one alone may have been wild upwards, which moves nothing and so was believed.
    return min(estimate.last.pressure_gpa, estimate.before_gpa) - reading.pressure_gpa


def _trouble(state: ApproachState, reading: PressureReading | None, now_s: float, rules: ApproachSettings) -> str:
    """Return why a load may not rest on this reading, or nothing."""
    trouble = trouble_with(reading, now_s, last=state.estimate.last, stale_s=rules.stale_s)
    if reading is None or trouble:
        return trouble
    off_k = abs(reading.temperature_k - state.temperature_k)
    if off_k > rules.temperature_band_k:
        return (
            f"the sample is at {reading.temperature_k:.1f} K, {off_k:.1f} K from the {state.temperature_k:.1f} K of "
            f"this point ({rules.temperature_band_k:g} K is the limit): no load is moved there"
        )
    off_bar = abs(reading.load_bar - state.commanded_bar)
    if off_bar > rules.load_band_bar:
        return (
            f"the gas is at {reading.load_bar:.2f} bar, {off_bar:.2f} bar from what was commanded "
            f"({rules.load_band_bar:g} bar is the limit): it leaks, or somebody else moves it"
        )
    return ""


def _doubt(state: ApproachState, said: str, rules: ApproachSettings) -> ApproachDecision:
    """Hold and read again, but not for ever."""
    state = replace(state, doubts=state.doubts + 1)
    if state.doubts > rules.most_doubts:
        return _abort(
            state,
            AbortCause.UNREADABLE,
            f"{said}; {state.doubts} readings in a row. Look at ruby, thermocouple, heater and membrane.",
        )
    # What contradicts a surprise is looked at again at once, for one of them was wild; what goes on is given time.
    return _decide(
        state, ApproachPhase.PAUSE, ReadAgain(after_s=0.0 if state.doubts <= DOUBTS_READ_AT_ONCE else rules.settle_s)
    )


def _agree(first: PressureReading, second: PressureReading) -> bool:
    return (
        second.time_s > first.time_s
        and abs(first.load_bar - second.load_bar) < 0.1
        and abs(first.pressure_gpa - second.pressure_gpa)
        < AGREE_GPA + 4.0 * math.hypot(first.sigma_gpa, second.sigma_gpa)
    )


def _go_on(state: ApproachState, reading: PressureReading, now_s: float, settings: ControlSettings) -> ApproachDecision:
    """Decide with a reading that is believed."""
    rules = settings.approach
    estimate, direction = state.estimate, state.direction
    short_gpa = direction * (state.target_gpa - reading.pressure_gpa)
    ends_short_gpa = direction * (state.target_gpa - estimate.creep.end_gpa)
    if state.outcome is not None and short_gpa <= rules.reapproach_gpa:
        return _decide(state, ApproachPhase.HOLD, Hold())
    state = replace(state, outcome=None)
    if short_gpa < -rules.overshoot_gpa:
        if estimate.looks > 1 and not estimate.slipped:
            return _hold(state, ApproachOutcome.PASSED)
        return _settle(state, rules)
    waited_s = now_s - state.moves[-1].time_s if state.moves else math.inf
    if state.moves:
        waited_s -= abs(state.moves[-1].bar) / settings.membrane.slew_bar_per_s
    if waited_s < rules.dead_time_s:
        return _decide(
            state, ApproachPhase.SETTLE, ReadAgain(after_s=max(rules.dead_time_s - waited_s, rules.settle_s))
        )
    coming_gpa = direction * estimate.creep.coming_gpa(rules.creep_fraction)
    slope_gpa_per_min = 60.0 * abs(coming_gpa) / rules.creep_s
    if short_gpa <= rules.tolerance_gpa:
        if slope_gpa_per_min <= rules.slope_gpa_per_min and not estimate.slipped:
            return _hold(state, ApproachOutcome.REACHED)
        return _settle(state, rules)
    soon_gpa = coming_gpa * -math.expm1(-rules.settle_s / rules.creep_s)
    near = ends_short_gpa <= 0.5 * rules.tolerance_gpa or short_gpa - soon_gpa <= rules.tolerance_gpa
    if near and coming_gpa > 0.1 * rules.tolerance_gpa:
        return _settle(state, rules)  # creep alone will bring it there
    if estimate.slipped and estimate.owed_gpa > 0.0 and estimate.looks == 1:
        return _decide(state, ApproachPhase.SETTLE, ReadAgain(after_s=0.0))  # what lags would make the next step larger
    return _advance(state, reading, max(ends_short_gpa, 0.0), now_s, settings)


def _settle(state: ApproachState, rules: ApproachSettings) -> ApproachDecision:
    if state.readings >= rules.most_readings:
        return _abort(state, AbortCause.GAVE_UP, _gave_up(state, rules))
    return _decide(state, ApproachPhase.SETTLE, ReadAgain(after_s=rules.settle_s))


def _advance(
    state: ApproachState, reading: PressureReading, left_gpa: float, now_s: float, settings: ControlSettings
) -> ApproachDecision:
    """Command the next load, or say why there is none."""
    rules, envelope = settings.approach, settings.envelope
    if state.readings >= rules.most_readings:
        return _abort(state, AbortCause.GAVE_UP, _gave_up(state, rules))
    direction, estimate = state.direction, state.estimate
    most_gpa_per_bar = estimate.most_gpa_per_bar(state.target_gpa, rules)
    aim_gpa = left_gpa - estimate.owed_gpa
    if aim_gpa > LARGE_GPA and estimate.moving:
        aim_gpa *= (
            rules.step_fraction if estimate.knows(state.target_gpa) else UNEXPLORED_STEP_SHARE * rules.step_fraction
        )
    step_bar = (aim_gpa + 0.5 * rules.tolerance_gpa) / most_gpa_per_bar
    if direction > 0 and estimate.gain(state.target_gpa) is None:
        step_bar = max(step_bar, rules.silent_below_bar - reading.load_bar)
    moves = tuple(move for move in state.moves if move.time_s > now_s - rules.budget_s)
    spent_bar = sum(abs(move.bar) for move in moves)
    step_bar = min(max(step_bar, rules.smallest_step_bar), rules.largest_step_bar)
    if direction > 0:
        room_gpa = envelope.pressure_gpa[1] - reading.pressure_gpa
        step_bar = min(step_bar, room_gpa / rules.steepest_gain_gpa_per_bar)
        highest_bar = _highest_bar(reading, envelope)
        needed_bar = reading.load_bar + _needed_bar(state, left_gpa, rules)
        if needed_bar > highest_bar or reading.load_bar + rules.smallest_step_bar > highest_bar:
            return _abort(
                state,
                AbortCause.UNREACHABLE,
                f"{state.target_gpa:.3f} GPa needs at least {needed_bar:.1f} bar from {reading.pressure_gpa:.3f} GPa "
                f"at {reading.load_bar:.1f} bar, {highest_bar:.1f} bar is the most that supply and envelope allow. "
                "Raise the supply, or ask for less.",
            )
        step_bar = min(step_bar, highest_bar - reading.load_bar)
        if step_bar <= 0.0:
            return _abort(
                state,
                AbortCause.UNREACHABLE,
                f"{reading.pressure_gpa:.3f} GPa is too near the limit of {envelope.pressure_gpa[1]:.3f} GPa for "
                "another step. Ask for less.",
            )
    if spent_bar + step_bar > rules.budget_bar:
        step_bar = rules.budget_bar - spent_bar
        if step_bar < rules.smallest_step_bar:
            return _decide(state, ApproachPhase.SETTLE, ReadAgain(after_s=rules.settle_s))
    load_bar = max(reading.load_bar + direction * step_bar, envelope.load_bar[0])
    if direction < 0 and reading.load_bar - load_bar < rules.smallest_step_bar:
        return _hold(state, ApproachOutcome.LOWEST)
    slew_bar_per_s = min(settings.membrane.slew_bar_per_s, rules.most_gpa_per_min / 60.0 / most_gpa_per_bar)
    moved = replace(
        state,
        phase=ApproachPhase.APPROACH,
        commanded_bar=load_bar,
        moves=(*moves, LoadStep(time_s=now_s, bar=load_bar - reading.load_bar)),
    )
    return ApproachDecision(command=LoadTo(load_bar=load_bar, slew_bar_per_s=slew_bar_per_s), state=moved)


def _highest_bar(reading: PressureReading, envelope: Envelope) -> float:
    if math.isnan(reading.supply_bar):
        return envelope.load_bar[1]
    return min(envelope.load_bar[1], envelope.supply_fraction * reading.supply_bar)


def _needed_bar(state: ApproachState, left_gpa: float, rules: ApproachSettings) -> float:
    """Return the least further load that the target needs by what was learned; by the most a gain may be, before."""
    gain = state.estimate.gain(state.target_gpa)
    return left_gpa / (rules.steepest_gain_gpa_per_bar if gain is None else gain.at_most())


def _gave_up(state: ApproachState, rules: ApproachSettings) -> str:
    last = state.estimate.last
    where = f"{last.pressure_gpa:.3f} GPa at {last.load_bar:.2f} bar" if last else "nothing believed"
    return (
        f"{where} of {state.target_gpa:.3f} GPa (tolerance {rules.tolerance_gpa:g} GPa) after {state.readings} ruby "
        "readings. Look at the membrane and the supply."
    )


def _hold(state: ApproachState, outcome: ApproachOutcome) -> ApproachDecision:
    return _decide(replace(state, outcome=outcome), ApproachPhase.HOLD, Hold())


def _abort(state: ApproachState, cause: AbortCause, reason: str) -> ApproachDecision:
    aborted = replace(state, phase=ApproachPhase.ABORT, cause=cause, reason=reason)
    return ApproachDecision(command=Abort(cause=cause, reason=reason), state=aborted)


def _decide(state: ApproachState, phase: ApproachPhase, command: Command) -> ApproachDecision:
    return ApproachDecision(command=command, state=replace(state, phase=phase))
