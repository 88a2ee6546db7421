"""Hunting a transition up or down a one-sided ladder of pressures: the decision as a pure step, and nothing else.

A transition that does not go back, in a cell that does not go back either, cannot be bisected: what has reacted has
reacted, and a pressure passed costs ten bars of dead band. So the ladder goes one way. Its steps shrink as the median
threshold of the grains is expected nearer; at each rung it stays until what reacts there has reacted; and it ends as
soon as the median is known well enough, if need be short of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from lics_beamline.control.condition import FIRST_STEP_TO_WITHIN
from lics_beamline.control.envelope import Envelope
from lics_beamline.errors import OutsideEnvelope
from lics_beamline.physics.transition import SeenShare, TransitionEstimate, transition

DWELL_TIME_CONSTANTS: Final = 3.0  # time constants that a rung lasts: 95 % of what reacts there has
STEP_TO_MEDIAN_SHARE: Final = 0.5  # of the way to the median that a step takes once something is seen
KNOWN_SIGMA_TO_WITHIN: Final = (
    0.4  # of what is asked for: the standard deviation at which the ladder ends, so that 2.5 of them fit
)
TRACE_SHARE: Final = 0.05  # share that is something: above the detection limit of any plate
TRACE_SIGMAS: Final = 3.0  # and above its own noise by so many standard deviations
BEGUN_SHARE: Final = 0.15  # share passed from which the median may be extrapolated
LEAST_RUNGS_SEEN: Final = (
    2  # rungs at which something was seen: one alone leaves the spread of the grains to be guessed
)
SPENT_SHARE: Final = 0.97  # share passed beyond which nothing is left to learn
TOO_LATE_SHARE: Final = 0.5  # share passed at the first rung: the median lies outside of the ladder
TAU_KNOWN_ERROR: Final = 0.3  # relative error of the time constant at which a rung needs one plate only
LOOK_TIME_CONSTANTS: Final = 0.7  # time constants between plates of one rung before
MOST_LOST_PLATES: Final = 3  # plates in a row that tell nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class HuntGoal:
    """What is hunted.

    Parameters
    ----------
    decays : bool
        False for the onset of a phase, whose share is seen; True for its decay, where its amount is.
    direction : int
        +1 where the ladder goes up, -1 where it goes down.
    start_gpa, last_gpa : float
        First and last rung [GPa].
    within_gpa : float
        How well the median is to be known [GPa].
    least_step_gpa : float
        Smaller steps are none to the approach [GPa].
    tau_s : float
        Expected time constant [s].
    most_points : int
        Patterns after which the ladder ends.
    """

    decays: bool
    direction: int
    start_gpa: float
    last_gpa: float
    within_gpa: float
    least_step_gpa: float
    tau_s: float
    most_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """Go to a pressure [GPa], stay there for a time [s], then measure."""

    pressure_gpa: float
    dwell_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Wait where the cell is [s], then measure."""

    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Nothing more to do.

    Parameters
    ----------
    found : bool
        Whether the median is known as well as asked for.
    reason : str
        Why it ends, for people.
    """

    found: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HuntState:
    """A hunt under way.

    Parameters
    ----------
    goal : HuntGoal
        The transition that is hunted, and the ladder for it.
    seen : tuple of SeenShare
        What each pattern showed, in the order of time.
    points : int
        Patterns measured, those that told nothing included.
    lost : int
        Patterns in a row that told nothing.
    knows : TransitionEstimate or None
        What is known of the transition; None before the first pattern.
    asked_gpa : float
        Rung asked for last [GPa]; NaN before any.
    """

    goal: HuntGoal
    seen: tuple[SeenShare, ...] = ()
    points: int = 0
    lost: int = 0
    knows: TransitionEstimate | None = None
    asked_gpa: float = math.nan

    @property
    def tau_s(self) -> float:
        """Time constant that dwells are reckoned by [s]: the expected one until something has been seen."""
        return self.knows.tau_s if self.knows is not None and self.trace else self.goal.tau_s

    @property
    def trace(self) -> bool:
        """Whether anything has reacted, beyond doubt."""
        return bool(self.seen) and self.shows(self.seen[-1])

    def shows(self, newest: SeenShare) -> bool:
        """Whether a pattern shows, beyond doubt, that something has reacted."""
        if not self.goal.decays:
            return newest.value > max(TRACE_SHARE, TRACE_SIGMAS * newest.value_sigma)
        most = max(self.seen, key=lambda one: one.value)
        noise = math.hypot(newest.value_sigma, most.value_sigma)
        return most.value - newest.value > max(TRACE_SHARE * most.value, TRACE_SIGMAS * noise)


@dataclass(frozen=True, slots=True, kw_only=True)
class HuntDecision:
    """What a hunt does now, and the state to go on from."""

    command: Go | Stay | End
    state: HuntState


def begin(goal: HuntGoal, *, envelope: Envelope) -> HuntDecision:
    """Return the first rung."""
    return _go(HuntState(goal=goal), goal.start_gpa, goal.tau_s * DWELL_TIME_CONSTANTS, envelope)


def step(state: HuntState, seen: SeenShare | None, *, envelope: Envelope) -> HuntDecision:
    """Decide what to do after one pattern.

    Parameters
    ----------
    state : HuntState
        The hunt so far.
    seen : SeenShare or None
        What the pattern showed; None where it told nothing, or never came.
    envelope : Envelope
        Where the cell may go; it vetoes.

    Returns
    -------
    HuntDecision
        `Go` only further in the same direction, and only after a pattern taken `DWELL_TIME_CONSTANTS` after the cell
        came to the rung it is at.
    """
    goal, points = state.goal, state.points + 1
    if seen is None:
        state = replace(state, points=points, lost=state.lost + 1)
        if state.lost >= MOST_LOST_PLATES:
            return _end(state, f"{state.lost} patterns in a row told nothing. Look at the plates and their reduction")
        if points >= goal.most_points:
            return _end(state, f"{points} points were allowed (most_points)")
        return HuntDecision(command=Stay(wait_s=0.0), state=state)
    everything = (*state.seen, seen)
    knows = transition(everything, direction=goal.direction, decays=goal.decays, tau_s=goal.tau_s)
    state = replace(state, seen=everything, points=points, lost=0, knows=knows)
    lasted_s, asked_s = seen.time_s - seen.since_s, DWELL_TIME_CONSTANTS * state.tau_s
    if points >= goal.most_points:
        return _end(state, f"{points} points were allowed (most_points)")
    if goal.decays and everything[0].value <= TRACE_SIGMAS * everything[0].value_sigma:
        return _end(state, "there is nothing that could decay at the first rung")
    if lasted_s < asked_s:
        known = knows.tau_sigma_s < TAU_KNOWN_ERROR * knows.tau_s
        wait_s = asked_s - lasted_s
        return HuntDecision(
            command=Stay(wait_s=wait_s if known else min(wait_s, LOOK_TIME_CONSTANTS * state.tau_s)), state=state
        )
    stays = len({one.since_s for one in everything})
    seen_at = len({one.since_s for one in everything if state.shows(one)})
    if (
        seen_at >= LEAST_RUNGS_SEEN
        and knows.passed > BEGUN_SHARE
        and knows.sigma_gpa <= KNOWN_SIGMA_TO_WITHIN * goal.within_gpa
    ):
        return _end(state, "", found=True)
    if state.trace and stays == 1 and knows.passed > TOO_LATE_SHARE:
        return _end(state, f"{knows.passed:.0%} had reacted at the first rung. Begin further away")
    if state.trace and knows.passed > SPENT_SHARE:
        return _end(state, f"{knows.passed:.0%} has reacted: nothing is left to learn from")
    left_gpa = goal.direction * (goal.last_gpa - seen.pressure_gpa)
    if left_gpa < goal.least_step_gpa:
        return _end(state, f"the last rung of {goal.last_gpa:g} GPa has been visited")
    way_gpa = FIRST_STEP_TO_WITHIN * goal.within_gpa
    if state.trace:
        towards_gpa = STEP_TO_MEDIAN_SHARE * goal.direction * (knows.median_gpa - seen.pressure_gpa)
        way_gpa = min(max(towards_gpa, goal.least_step_gpa), way_gpa)
    next_gpa = seen.pressure_gpa + goal.direction * min(way_gpa, left_gpa)
    known = not state.trace or knows.tau_sigma_s < TAU_KNOWN_ERROR * knows.tau_s
    return _go(state, next_gpa, asked_s if known else 0.0, envelope)


def _go(state: HuntState, pressure_gpa: float, dwell_s: float, envelope: Envelope) -> HuntDecision:
    try:
        envelope.check_pressure(pressure_gpa)
    except OutsideEnvelope as veto:
        return _end(state, f"the envelope forbids the next rung: {veto}")
    command = Go(pressure_gpa=round(pressure_gpa, 4), dwell_s=dwell_s)
    return HuntDecision(command=command, state=replace(state, asked_gpa=pressure_gpa))


def _end(state: HuntState, reason: str, *, found: bool = False) -> HuntDecision:
    return HuntDecision(command=End(found=found, reason=reason), state=state)
