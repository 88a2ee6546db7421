"""A hunt walked: the ladder decides, the plan goes there, measures, and waits for the plate to be reduced."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Final, Protocol

from bluesky.utils import MsgGenerator

from lics_beamline.control.ladder import End, Go, HuntGoal, HuntState, Stay, begin, step
from lics_beamline.control.path import HuntLeg, Point
from lics_beamline.control.settings import ControlSettings
from lics_beamline.devices.clock import SHORTEST_JUDGEMENT_WALL_S, ExperimentClock
from lics_beamline.physics.transition import SeenShare
from lics_beamline.plans.decisions import NOTHING, Decisions, Shown
from lics_beamline.plans.live import Amount, LiveResult
from lics_beamline.plans.measure import Measured

log = logging.getLogger(__name__)

LEAST_STEP_TOLERANCES: Final = 1.3  # tolerances of an approach that a step has: it is one, wherever the last one landed
DETECTABLE_SHARE: Final = (
    0.07  # share that no plate misses: 7 in 100 were always found on simulated plates of 120 s, 4 not
)
LEAST_STEP_TO_WITHIN: Final = 0.5  # least step of a ladder, in units of what is asked for


class Visit(Protocol):
    """Goes to a point, unless the cell rests there, waits, and measures it."""

    def __call__(self, point: Point, *, rests: bool, wait_s: float) -> MsgGenerator[Measured]:
        """Visit a point."""
        ...


def goal_of(leg: HuntLeg, *, tolerance_gpa: float) -> HuntGoal:
    """Return what a leg hunts.

    Parameters
    ----------
    leg : HuntLeg
        The leg.
    tolerance_gpa : float
        Tolerance of an approach [GPa].
    """
    return HuntGoal(
        decays=leg.transition.kind == "dissociation",
        direction=leg.sign,
        start_gpa=leg.start_gpa,
        last_gpa=leg.last_gpa,
        within_gpa=leg.within_gpa,
        least_step_gpa=max(LEAST_STEP_TO_WITHIN * leg.within_gpa, LEAST_STEP_TOLERANCES * tolerance_gpa),
        tau_s=leg.tau_s,
        most_points=leg.most_points,
    )


def hunt(
    leg: HuntLeg,
    *,
    first_index: int,
    visit: Visit,
    arrived_s: Callable[[], float],
    decisions: Decisions,
    settings: ControlSettings,
    clock: ExperimentClock,
) -> MsgGenerator[int]:
    """Hunt a transition.

    Parameters
    ----------
    leg : HuntLeg
        What is hunted, and where.
    first_index : int
        Index of its first point.
    visit : Visit
        Goes to a point and measures it.
    arrived_s : callable
        Since when the cell has been at the pressure it was brought to last [s of experiment].
    decisions : Decisions
        Live results, and the record of what is decided.
    settings : ControlSettings
        Its envelope vetoes rungs; the tolerance of an approach bounds their steps.
    clock : ExperimentClock
        Says what is too short to be waited for.

    Returns
    -------
    int
        How many points were measured.

    Raises
    ------
    DidNotSettle
        If results do not come for longer than patience lasts.
    """
    goal = goal_of(leg, tolerance_gpa=settings.approach.tolerance_gpa)
    decision = begin(goal, envelope=settings.envelope)
    if isinstance(decision.command, End):
        log.warning("%s: %s", leg.name, decision.command.reason)
    points, parent = 0, ""
    while not isinstance(decision.command, End):
        command = decision.command
        asked_gpa = command.pressure_gpa if isinstance(command, Go) else round(decision.state.asked_gpa, 4)
        point = Point(index=first_index + points, leg=leg, pressure_gpa=asked_gpa, temperature_k=leg.temperature_k)
        wait_s = command.dwell_s if isinstance(command, Go) else command.wait_s
        if wait_s > 0.0:
            wait_s = max(wait_s, SHORTEST_JUDGEMENT_WALL_S * clock.speed())
        measured = yield from visit(point, rests=isinstance(command, Stay), wait_s=wait_s)
        points += 1
        result = yield from decisions.result(point, measured)
        amount = _amount(leg, result, measured)
        parent = parent or _parent(leg, result)
        seen = _seen(result, amount, measured, since_s=arrived_s(), parent=parent)
        decision = step(decision.state, seen, envelope=settings.envelope)
        state = decision.state
        shown = Shown(asked=leg.hunt, quantity="scale" if state.goal.decays else "fraction", amount=amount)
        choice = _says(leg, decision.command, state)
        if isinstance(decision.command, End) and not decision.command.found:
            log.warning("%s: %s", leg.name, choice)
        yield from decisions.record(point, measured, result, shown, choice=choice, knows=state.knows)
    return points


def _amount(leg: HuntLeg, result: LiveResult | None, measured: Measured) -> Amount:
    if result is None or not result.reduced:
        return NOTHING
    if leg.transition.kind == "dissociation":
        return result.scale(leg.transition.phase, dose_counts=measured.dose_counts)
    return result.fraction(leg.transition.phase)


def _parent(leg: HuntLeg, result: LiveResult | None) -> str:
    """Return the phase that the hunted one is made from: of the others the most abundant; empty where there is none."""
    if result is None or not result.reduced or leg.transition.kind == "dissociation":
        return ""
    others = {phase: result.fraction(phase).value for phase in result.phases if phase != leg.transition.phase}
    there = {phase: value for phase, value in others.items() if value > 0.0}
    return max(there, key=lambda phase: there[phase], default="")


def _seen(
    result: LiveResult | None, amount: Amount, measured: Measured, *, since_s: float, parent: str
) -> SeenShare | None:
    if result is None or math.isnan(amount.value):
        return None
    left = result.scale(parent, dose_counts=measured.dose_counts) if parent else NOTHING
    gone = left.value <= 0.0
    return SeenShare(
        time_s=measured.middle_s,
        since_s=since_s,
        pressure_gpa=float(result.data["pressure_gpa"]),
        sigma_gpa=float(result.data["pressure_sigma_gpa"]),
        value=amount.value,
        value_sigma=amount.sigma,
        limit=0.0 if amount.value > 0.0 else DETECTABLE_SHARE,
        parent=math.nan if gone else left.value,
        parent_sigma=math.nan if gone else left.sigma,
    )


def _says(leg: HuntLeg, command: Go | Stay | End, state: HuntState) -> str:
    """Return what was decided, for people."""
    known = ""
    if state.knows is not None and state.trace:
        known = f"{leg.hunt} at {state.knows.median_gpa:.3f} +- {state.knows.sigma_gpa:.3f} GPa"
    if isinstance(command, End):
        if command.found:
            return f"found: {known} (grains spread by {state.knows.spread_gpa:.2f} GPa)" if state.knows else "found"
        return f"ends: {command.reason}" + (f"; {known}" if known else "")
    so_far = f", so far {known}" if known else ""
    if isinstance(command, Go):
        return f"goes to {command.pressure_gpa:.3f} GPa, looks after {command.dwell_s:.0f} s{so_far}"
    return f"stays, looks again after {command.wait_s:.0f} s{so_far}"
