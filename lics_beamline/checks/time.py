"""Rules about time: beam time, and waits that a clock can judge at the speed of the world."""

from __future__ import annotations

import math
from typing import Final

from lics_beamline.checks.case import Case
from lics_beamline.checks.finding import Judgement, Rule, fine, graded, refused_if, warned_if
from lics_beamline.control.ladder import DWELL_TIME_CONSTANTS
from lics_beamline.control.path import HeatingLeg, HoldLeg, HuntLeg

SHORTEST_JUDGEMENT_S: Final = 0.25  # of wall clock; Channel Access answers in milliseconds with tails of 50
DURATION_DOUBT_SHARE: Final = 0.3  # forecasts of duration were within this of what sweeps took


def beam_time_suffices(case: Case) -> Judgement:
    """Check that the sweep is expected to end before the beam time does."""
    hours = case.track.duration_s / 3600.0
    found = f"{len(case.points)} points in about {hours:.1f} h of experiment" + (
        f", {hours * 60 / case.speed:.1f} min at {case.speed:g} x" if case.speed != 1 else ""
    )
    if math.isinf(case.beam_time_h):
        return fine(found, "no beam time given (--hours)")
    return graded(
        refuse=hours > case.beam_time_h,
        warn=hours * (1.0 + DURATION_DOUBT_SHARE) > case.beam_time_h,
        found=found,
        limit=f"up to {case.beam_time_h:g} h of beam time, {DURATION_DOUBT_SHARE:.0%} of the forecast in reserve",
        remedy="Leave points out, or expose shorter.",
    )


def dwells_of_the_profile_can_be_judged(case: Case) -> Judgement:
    """Check that no dwell of an instrument is over before the network can say so."""
    values = case.settings
    return _judgeable(
        case,
        {
            "approach.wait_s": case.settings.approach.wait_s,
            "membrane.dwell_s": values.membrane.dwell_s,
            "membrane.stall_s": values.membrane.stall_s,
            "heater.dwell_s": values.heater.dwell_s,
            "heater.stall_s": values.heater.stall_s,
        },
    )


def waits_of_the_legs_can_be_judged(case: Case) -> Judgement:
    """Check that no wait of the path is over before the network can say so."""
    waits = {}
    for leg in case.experiment.legs:
        if isinstance(leg, HeatingLeg):
            waits[f"soak_s of {leg.name!r}"] = leg.soak_s
        elif isinstance(leg, HoldLeg):
            waits[f"wait_s of {leg.name!r}"] = leg.wait_s
        elif isinstance(leg, HuntLeg):
            waits[f"{DWELL_TIME_CONSTANTS:g} tau_s of {leg.name!r}"] = DWELL_TIME_CONSTANTS * leg.tau_s
    return _judgeable(case, waits)


def _judgeable(case: Case, waits: dict[str, float]) -> Judgement:
    shortest_s = SHORTEST_JUDGEMENT_S * case.speed
    asked = {name: value for name, value in waits.items() if value > 0}
    short = {name: value for name, value in asked.items() if value < shortest_s}
    return refused_if(
        bool(short),
        ", ".join(f"{name} = {value:g} s" for name, value in (short or asked).items()) or "no waits",
        f"at least {shortest_s:g} s, a quarter of a second of wall clock at {case.speed:g} x, or 0",
        "Lengthen them, or lower the speed.",
    )


def stalls_are_longer_than_dwells(case: Case) -> Judgement:
    """Check that a motion at rest in its dwell will not be taken for one that is stuck."""
    values = case.settings
    pairs = {
        "membrane": (values.membrane.stall_s, values.membrane.dwell_s),
        "heater": (values.heater.stall_s, values.heater.dwell_s),
    }
    wrong = [name for name, (stall_s, dwell_s) in pairs.items() if stall_s <= dwell_s]
    return refused_if(
        bool(wrong),
        ", ".join(f"{name} {pairs[name][0]:g} s against {pairs[name][1]:g} s" for name in (wrong or pairs)),
        "stall_s longer than dwell_s",
        "Raise stall_s.",
    )


def clock_is_that_of_the_beamline(case: Case) -> Judgement:
    """Check that a simulated world is timed by its own clock."""
    values = case.settings
    return warned_if(
        values.simulators is not None and values.clock.kind == "wall",
        f"clock.kind = {values.clock.kind!r}, {'simulated' if values.simulators else 'real'} beamline",
        '"world" for simulators, "wall" for hardware',
        "Mend clock.kind: plans would wait by the wrong time.",
    )


RULES: tuple[Rule[Case], ...] = (
    beam_time_suffices,
    dwells_of_the_profile_can_be_judged,
    waits_of_the_legs_can_be_judged,
    stalls_are_longer_than_dwells,
    clock_is_that_of_the_beamline,
)
