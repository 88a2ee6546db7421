"""Rules about legs that act on what is seen: it must be sought, and told as well as is asked for."""

from __future__ import annotations

from typing import Final

from lics_beamline.checks.case import Case
from lics_beamline.checks.finding import Judgement, Rule, fine, refused_if, warned_if
from lics_beamline.control.condition import FIRST_STEP_TO_WITHIN, NEW_PHASE, condition
from lics_beamline.control.ladder import DWELL_TIME_CONSTANTS
from lics_beamline.control.path import HeatingLeg, HuntLeg

NOISE_GPA: Final = 0.005  # of one ruby pressure at 498 K: 0.004 by a fit with 20 000 counts, computed
PRESSURES_AVERAGED: Final = 4.0  # as many pressures are worth one median, as good as half of the noise
FEWEST_RUNGS: Final = 4  # before, and on the way to a median


def phases_acted_on_are_sought_by_the_recipe(case: Case) -> Judgement | None:
    """Check that what a leg waits for or hunts is a phase of the sample in the recipe."""
    wanted = {}
    for leg in case.experiment.legs:
        if isinstance(leg, HuntLeg):
            wanted[leg.name] = leg.transition.phase
        elif not isinstance(leg, HeatingLeg) and leg.until is not None:
            wanted[leg.name] = condition(leg.until).phase
    if not wanted:
        return None
    wanted = {name: phase for name, phase in wanted.items() if phase != NEW_PHASE}
    if not wanted:
        return None
    sample = {phase.name for phase in case.recipe.phases if phase.role == "sample"}
    missing = {name: phase for name, phase in wanted.items() if phase not in sample}
    return refused_if(
        bool(missing),
        ", ".join(f"{name!r} acts on {phase!r}" for name, phase in (missing or wanted).items()),
        f"phases of the sample in the recipe: {', '.join(sorted(sample))}",
        "Mend the name, or add the phase to the recipe.",
    )


def hunts_begin_well_before_they_end(case: Case) -> Judgement | None:
    """Check that a ladder has rungs before anything happens, from which the median can be told."""
    if not case.hunts:
        return None
    shortest = min(case.hunts, key=lambda leg: abs(leg.last_gpa - leg.start_gpa) / leg.within_gpa)
    rungs = abs(shortest.last_gpa - shortest.start_gpa) / (FIRST_STEP_TO_WITHIN * shortest.within_gpa)
    return warned_if(
        rungs < FEWEST_RUNGS,
        f"{shortest.name!r} has room for {rungs:.1f} steps of {FIRST_STEP_TO_WITHIN * shortest.within_gpa:g} GPa",
        f"at least {FEWEST_RUNGS}",
        "Begin further away, or end further on.",
    )


def hunts_are_no_sharper_than_ruby_and_approach(case: Case) -> Judgement | None:
    """Check that what a hunt asks for can be told by ruby, and stepped by the approach."""
    if not case.hunts:
        return None
    sharpest = min(leg.within_gpa for leg in case.hunts)
    tolerance_gpa = case.settings.approach.tolerance_gpa
    least_gpa = max(NOISE_GPA * PRESSURES_AVERAGED**0.5, tolerance_gpa / FIRST_STEP_TO_WITHIN)
    return warned_if(
        sharpest < least_gpa,
        f"within_gpa = {sharpest:g}",
        f"at least {least_gpa:g} GPa: noise of ruby, half of the tolerance of the approach ({tolerance_gpa:g} GPa)",
        "Ask for less, count longer, or tighten approach.tolerance_gpa.",
    )


def exposures_are_short_against_the_reaction(case: Case) -> Judgement | None:
    """Check that a pattern is of one moment of the reaction, not of all of it."""
    if not case.hunts:
        return None
    exposure_s = case.experiment.exposure.longest_s
    fastest = min(case.hunts, key=lambda leg: leg.tau_s)
    return warned_if(
        exposure_s > DWELL_TIME_CONSTANTS * fastest.tau_s,
        f"exposures of up to {exposure_s:g} s against tau_s = {fastest.tau_s:g} s of {fastest.name!r}",
        f"up to {DWELL_TIME_CONSTANTS:g} tau_s",
        "Expose shorter: the time constant cannot be estimated on the way.",
    )


def no_transition_is_hunted_twice_the_same_way(case: Case) -> Judgement | None:
    """Check that what has reacted once is not hunted again on the same stroke: it does not go back."""
    if len(case.hunts) < 2:
        return None
    seen: set[tuple[str, str]] = set()
    for leg in case.hunts:
        if (leg.hunt, leg.stroke) in seen:
            return refused_if(
                True, f"{leg.name!r} hunts the {leg.hunt} again", "each transition once", "Leave it out, or reload."
            )
        seen.add((leg.hunt, leg.stroke))
    return fine(f"{len(case.hunts)} transitions, all different", "each transition once")


RULES: tuple[Rule[Case], ...] = (
    phases_acted_on_are_sought_by_the_recipe,
    hunts_begin_well_before_they_end,
    hunts_are_no_sharper_than_ruby_and_approach,
    exposures_are_short_against_the_reaction,
    no_transition_is_hunted_twice_the_same_way,
)
