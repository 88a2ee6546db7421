"""Approaching a pressure from one side: the decision as a pure step, and nothing else.

A membrane cell has friction: gas that went too far costs about 10 bar of lost motion on the way back, and a diamond
that was loaded too far may cost the experiment. So the loop closes on ruby, goes one way only, takes a fraction of the
distance at a time, and believes a gain only where a step was large enough to show one. The step is a function of state
and reading alone, which is what makes it testable without any instrument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from lics_beamline.errors import BadReading


class Phase(StrEnum):
    """What an approach decided."""

    APPROACH = "approach"
    REACHED = "reached"
    PASSED = "passed"
    GAVE_UP = "gave up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How an approach goes.

    Parameters
    ----------
    tolerance_gpa : float
        Reached when the pressure is this close to the target [GPa], before it or past it.
    step_fraction : float
        Fraction of the remaining distance that a step may take, 0 to 1.
    gain_gpa_per_bar : float
        Gain believed before anything is learned [GPa/bar]; too large is safe and slow, too small is neither.
    gain_range : tuple of float
        What learning may believe, in units of `gain_gpa_per_bar`.
    smallest_step_bar, largest_step_bar : float
        Bounds of a step [bar].
    most_readings : int
        Readings after which the approach gives up.
    """

    tolerance_gpa: float
    step_fraction: float
    gain_gpa_per_bar: float
    gain_range: tuple[float, float]
    smallest_step_bar: float
    largest_step_bar: float
    most_readings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one ruby reading said.

    Parameters
    ----------
    load_bar : float
        Gas pressure in the membrane [bar].
    pressure_gpa, sigma_gpa : float
        Pressure of the sample and its statistical standard deviation [GPa].
    """

    load_bar: float
    pressure_gpa: float
    sigma_gpa: float


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An approach under way.

    Parameters
    ----------
    target_gpa : float
        Where to [GPa].
    direction : int
        +1 on the upstroke, -1 on the downstroke.
    gain_gpa_per_bar : float
        Gain believed now.
    moving : bool
        True once the pressure has answered to a step in this direction: the dead band of friction is crossed.
    last : Reading or None
        The reading before, from which the next one may learn.
    readings : int
        Readings so far.
    """

    target_gpa: float
    direction: int
    gain_gpa_per_bar: float
    moving: bool = False
    last: Reading | None = None
    readings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now, and the state to go on from.

    Parameters
    ----------
    phase : Phase
        Whether to go on.
    load_bar : float
        Load to go to [bar]; the present one when there is nothing to do.
    state : State
        For the next step.
    """

    phase: Phase
    load_bar: float
    state: State


ANSWERED_GPA = 0.03  # a change smaller than this is no answer: creep and fit noise reach it
LEARNABLE_BAR = 0.3  # a gain from a smaller step is noise divided by nearly nothing
SOFTEST_LESSON = 0.7  # one lesson lowers the gain to this at most: a stick-slip must not make the next step large


def step(state: State, reading: Reading, rules: Rules) -> Decision:
    """Decide what to do after one reading.

    Parameters
    ----------
    state : State
        The approach so far.
    reading : Reading
        A fresh pressure and the load it was read at.
    rules : Rules
        How an approach goes.

    Returns
    -------
    Decision
        With phase ``REACHED`` within tolerance, ``PASSED`` beyond it on the far side (it never goes back: friction),
        ``GAVE_UP`` after `rules.most_readings`, else ``APPROACH`` and a load further in the same direction.

    Raises
    ------
    BadReading
        If load, pressure or sigma is not finite: a load never moves on a reading that is no number.
    """
    if not all(map(math.isfinite, (reading.load_bar, reading.pressure_gpa, reading.sigma_gpa))):
        raise BadReading(f"{reading} is not finite: the load stays where it is. Look at the ruby and the membrane.")
    moving, gain = _learn(state, reading, rules)
    after = replace(state, gain_gpa_per_bar=gain, moving=moving, last=reading, readings=state.readings + 1)
    left_gpa = state.direction * (state.target_gpa - reading.pressure_gpa)
    if left_gpa < -rules.tolerance_gpa:
        return Decision(phase=Phase.PASSED, load_bar=reading.load_bar, state=after)
    if left_gpa <= rules.tolerance_gpa:
        return Decision(phase=Phase.REACHED, load_bar=reading.load_bar, state=after)
    if after.readings >= rules.most_readings:
        return Decision(phase=Phase.GAVE_UP, load_bar=reading.load_bar, state=after)
    step_bar = rules.step_fraction * left_gpa / gain
    step_bar = min(max(step_bar, rules.smallest_step_bar), rules.largest_step_bar)
    return Decision(phase=Phase.APPROACH, load_bar=reading.load_bar + state.direction * step_bar, state=after)


def _learn(state: State, reading: Reading, rules: Rules) -> tuple[bool, float]:
    """Return whether the cell answers, and the gain to believe after this reading."""
    if state.last is None:
        return state.moving, state.gain_gpa_per_bar
    moved_bar = state.direction * (reading.load_bar - state.last.load_bar)
    answer_gpa = state.direction * (reading.pressure_gpa - state.last.pressure_gpa)
    if answer_gpa < ANSWERED_GPA + 3 * max(reading.sigma_gpa, state.last.sigma_gpa):
        return state.moving, state.gain_gpa_per_bar
    if not state.moving or moved_bar < LEARNABLE_BAR:
        # The first answer may belong to the last part of a step that crossed the dead band: no gain in it.
        return True, state.gain_gpa_per_bar
    least, most = (factor * rules.gain_gpa_per_bar for factor in rules.gain_range)
    gain = max(answer_gpa / moved_bar, SOFTEST_LESSON * state.gain_gpa_per_bar)
    return True, min(max(gain, least), most)
