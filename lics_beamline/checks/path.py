"""Rules about the path: does each leg follow from the one before, and are its points worth their time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Final

from lics_beamline.checks.case import FORECAST_SIGMAS, Case, named
from lics_beamline.checks.finding import Judgement, Rule, fine, graded, refused_if, warned_if
from lics_beamline.control.path import HeatingLeg, HoldLeg

LONGEST_STEP_GPA: Final = 3.0  # a leg that jumps further leaves kinetics and hysteresis unseen; a choice


def pressures_inside_the_envelope(case: Case) -> Judgement | None:
    """Check that every pressure asked for is one the envelope allows."""
    asked = case.pressures_gpa
    if not asked:
        return None
    low, high = case.settings.envelope.pressure_gpa
    outside = [value for value in asked if not low <= value <= high]
    return refused_if(
        bool(outside),
        f"{', '.join(f'{value:g}' for value in outside)} GPa" if outside else f"{min(asked):g} to {max(asked):g} GPa",
        f"{low:g} to {high:g} GPa",
        "Change the path, or envelope.pressure_gpa.",
    )


def temperatures_inside_the_envelope(case: Case) -> Judgement:
    """Check that every temperature asked for is one the envelope allows."""
    low, high = case.settings.envelope.temperature_k
    asked = case.temperatures_k
    return refused_if(
        not (low <= min(asked) and max(asked) <= high),
        f"{min(asked):g} to {max(asked):g} K",
        f"{low:g} to {high:g} K",
        "Change the path, or envelope.temperature_k.",
    )


def each_leg_begins_at_the_temperature_before_it(case: Case) -> Judgement:
    """Check that only a heating leg changes the temperature."""
    now_k, tolerance_k = case.settings.heater.ambient_k, case.settings.heater.tolerance_k
    for leg in case.experiment.legs:
        if isinstance(leg, HeatingLeg):
            now_k = leg.temperatures_k[-1]
        elif leg.temperature_k > now_k + tolerance_k:
            return refused_if(
                True,
                f"{leg.name!r} asks for {leg.temperature_k:g} K, the cell is at {now_k:g} K when it begins",
                f"within {tolerance_k:g} K",
                "Put a heating leg before it.",
            )
    return fine("no leg but a heating one asks for more than the leg before left", f"within {tolerance_k:g} K")


def the_path_never_cools(case: Case) -> Judgement:
    """Check that there is no leg that cools: gas and friction on cooling are nobody's to predict."""
    hottest_k, tolerance_k = case.settings.heater.ambient_k, case.settings.heater.tolerance_k
    for leg in case.experiment.legs:
        first_k = leg.temperatures_k[0] if isinstance(leg, HeatingLeg) else leg.temperature_k
        if first_k < hottest_k - tolerance_k:
            return refused_if(
                True,
                f"{leg.name!r} asks for {first_k:g} K after {hottest_k:g} K",
                f"no less than {tolerance_k:g} K below the leg before",
                "Order the legs, or let the cell cool and begin another sweep.",
            )
        hottest_k = max(hottest_k, leg.temperatures_k[-1] if isinstance(leg, HeatingLeg) else first_k)
    return fine(f"rises to {hottest_k:g} K and stays", "no cooling")


def upstrokes_go_up_from_where_the_cell_is(case: Case) -> Judgement | None:
    """Check that an upstroke begins above the pressure the cell has by then, by heating too."""
    return _stroke(case, "upstroke")


def downstrokes_go_down_from_where_the_cell_is(case: Case) -> Judgement | None:
    """Check that a downstroke begins below the pressure the cell has by then."""
    return _stroke(case, "downstroke")


def _stroke(case: Case, stroke: str) -> Judgement | None:
    arrivals = [arrival for arrival in case.track.arrivals if arrival.point.stroke == stroke]
    if not arrivals:
        return None
    tolerance_gpa = case.settings.approach.tolerance_gpa
    worst = max(arrivals, key=lambda arrival: arrival.passed_gpa)
    before, side = worst.before, "above" if stroke == "upstroke" else "below"
    doubt_gpa = FORECAST_SIGMAS * before.pressure_sigma_gpa + tolerance_gpa
    return graded(
        refuse=worst.passed_gpa > doubt_gpa,
        warn=worst.passed_gpa > tolerance_gpa,
        found="each point lies further on"
        if worst.passed_gpa <= tolerance_gpa
        else f"{named(worst)} asks for {worst.point.pressure_gpa:g} GPa, the cell is expected at "
        f"{before.pressure_gpa:.2f} +- {before.pressure_sigma_gpa:.2f} GPa before it",
        limit=f"{side} the pressure before it (tolerance {tolerance_gpa:g} GPa)",
        remedy=f"Begin the {stroke} {'higher' if stroke == 'upstroke' else 'lower'}: a leg goes one way only, and "
        "friction forbids going back.",
    )


def points_lie_further_apart_than_the_tolerance(case: Case) -> Judgement | None:
    """Check that no two points lie within twice the tolerance: they may be the same point."""
    steps = _steps(case)
    if not steps:
        return None
    closest, least_gpa = min(steps), 2.0 * case.settings.approach.tolerance_gpa
    return warned_if(
        closest[0] <= least_gpa,
        f"closest points {closest[0]:.3g} GPa apart, in {closest[1]!r}",
        f"more than {least_gpa:g} GPa, twice the tolerance of the approach",
        "Leave points out, or tighten approach.tolerance_gpa.",
    )


def no_step_skips_what_happens_between(case: Case) -> Judgement | None:
    """Check that no step is long: it leaves onset, kinetics and hysteresis unseen."""
    steps = _steps(case)
    if not steps:
        return None
    widest = max(steps)
    return warned_if(
        widest[0] > LONGEST_STEP_GPA,
        f"widest step {widest[0]:.3g} GPa, in {widest[1]!r}",
        f"up to {LONGEST_STEP_GPA:g} GPa",
        "Put points between.",
    )


def _steps(case: Case) -> list[tuple[float, str]]:
    return [
        (abs(after - before), leg.name) for leg in case.pressure_legs for before, after in pairwise(leg.pressures_gpa)
    ]


def leg_names_differ(case: Case) -> Judgement:
    """Check that documents and figures can tell legs apart by their names."""
    twice = [name for name, count in Counter(leg.name for leg in case.experiment.legs).items() if count > 1]
    return warned_if(
        bool(twice),
        f"{', '.join(map(repr, twice))} more than once"
        if twice
        else f"{len(case.experiment.legs)} legs, all different",
        "each name once",
        "Give each leg a name of its own.",
    )


def repeated_points_are_apart_in_time(case: Case) -> Judgement | None:
    """Check that a cell watched several times is given time to change."""
    legs = [leg for leg in case.experiment.legs if isinstance(leg, HoldLeg) and leg.count > 1]
    if not legs:
        return None
    hasty = [leg.name for leg in legs if leg.wait_s <= 0]
    return warned_if(
        bool(hasty),
        f"{', '.join(map(repr, hasty))}: 0 s between points" if hasty else "waits between repeated points",
        "more than 0 s between repeated points",
        "Give wait_s, or count = 1.",
    )


RULES: tuple[Rule[Case], ...] = (
    pressures_inside_the_envelope,
    temperatures_inside_the_envelope,
    each_leg_begins_at_the_temperature_before_it,
    the_path_never_cools,
    upstrokes_go_up_from_where_the_cell_is,
    downstrokes_go_down_from_where_the_cell_is,
    points_lie_further_apart_than_the_tolerance,
    no_step_skips_what_happens_between,
    leg_names_differ,
    repeated_points_are_apart_in_time,
)
