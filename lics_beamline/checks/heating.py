"""Rules about heat: ramp, soak and limits, and the pressure that heating at constant load is expected to make."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from lics_beamline.checks.case import FORECAST_SIGMAS, Case, named
from lics_beamline.checks.finding import Judgement, Rule, graded, refused_if, warned_if

THERMOCOUPLE_LAG_S: Final = 12.0  # a sheathed thermocouple beside the gasket lags so much; engineering value
HEATER_ROOM_K: Final = 5.0  # overshoot and tolerance of a well-tuned controller, with a reserve
THERMOCOUPLE_K: Final = {  # highest temperature of each type [K], IEC 60584-1:2013
    "J": 1473.15,
    "K": 1645.15,
    "T": 673.15,
    "E": 1273.15,
    "R": 2041.15,
    "S": 2041.15,
    "B": 2093.15,
    "N": 1573.15,
}


def pressure_stays_inside_the_envelope_while_heating(case: Case) -> Judgement | None:
    """Check that the pressure that heating is expected to make is inside the envelope."""
    heated = case.track.heating()
    if not heated:
        return None
    first, last = heated[0].before, max(heated, key=lambda arrival: arrival.at.pressure_gpa)
    high_gpa, at = case.settings.envelope.pressure_gpa[1], last.at
    return graded(
        refuse=at.pressure_gpa > high_gpa,
        warn=at.pressure_gpa + FORECAST_SIGMAS * at.pressure_sigma_gpa > high_gpa,
        found=f"{first.pressure_gpa:.2f} GPa at {first.temperature_k:.0f} K -> {at.pressure_gpa:.2f} +- "
        f"{at.pressure_sigma_gpa:.2f} GPa at {at.temperature_k:.0f} K expected, at {named(last)}",
        limit=f"up to {high_gpa:g} GPa of envelope.pressure_gpa (within {FORECAST_SIGMAS:g} standard deviations)",
        remedy="Heat less, or from a lower pressure.",
    )


def temperatures_inside_the_limits_of_the_heater(case: Case) -> Judgement:
    """Check that every temperature is one the heater may be asked for."""
    low, high = case.settings.heater.limits_k
    asked = case.temperatures_k
    return refused_if(
        not (low <= min(asked) and max(asked) <= high),
        f"{min(asked):g} to {max(asked):g} K",
        f"{low:g} to {high:g} K of heater.limits_k",
        "Change the path, or heater.limits_k.",
    )


def heater_has_room_above_the_hottest_point(case: Case) -> Judgement | None:
    """Check that an overshoot of the controller does not trip."""
    if not case.heating_legs:
        return None
    hottest_k = max(case.temperatures_k)
    limit_k = min(case.settings.heater.limits_k[1], case.settings.envelope.temperature_k[1])
    return warned_if(
        hottest_k > limit_k - HEATER_ROOM_K,
        f"hottest point at {hottest_k:g} K",
        f"up to {limit_k - HEATER_ROOM_K:g} K: {HEATER_ROOM_K:g} K below heater.limits_k and envelope.temperature_k",
        "Ask for less, or raise the limit knowingly.",
    )


def ramps_are_no_faster_than_the_heater_is_made_for(case: Case) -> Judgement | None:
    """Check that a leg's ramp is not much faster than the profile's."""
    if not case.heating_legs:
        return None
    usual = case.settings.heater.ramp_rate_k_per_min
    fastest = max(case.heating_legs, key=lambda leg: leg.ramp_rate_k_per_min)
    return warned_if(
        fastest.ramp_rate_k_per_min > 2.0 * usual,
        f"{fastest.ramp_rate_k_per_min:g} K/min in {fastest.name!r}",
        f"up to {2 * usual:g} K/min, twice heater.ramp_rate_k_per_min",
        "Slow the ramp.",
    )


def thermocouple_follows_the_ramp(case: Case) -> Judgement | None:
    """Check that the lag of the thermocouple on a ramp stays within the tolerance, or a soak makes up for it."""
    if not case.heating_legs:
        return None
    tolerance_k = case.settings.heater.tolerance_k
    worst = max(case.heating_legs, key=lambda leg: leg.ramp_rate_k_per_min)
    lag_k = worst.ramp_rate_k_per_min / 60.0 * THERMOCOUPLE_LAG_S
    rest_s = worst.soak_s + case.settings.heater.dwell_s
    return warned_if(
        lag_k > tolerance_k and rest_s < 5.0 * THERMOCOUPLE_LAG_S,
        f"{lag_k:.1f} K behind at {worst.ramp_rate_k_per_min:g} K/min, then {rest_s:g} s of rest, in {worst.name!r}",
        f"up to {tolerance_k:g} K (heater.tolerance_k), or {5 * THERMOCOUPLE_LAG_S:g} s of soak and dwell",
        "Slow the ramp, or soak longer.",
    )


def soak_lets_the_cell_creep_to_rest(case: Case) -> Judgement | None:
    """Check that after a ramp the pressure is given time to follow."""
    if not case.heating_legs:
        return None
    creep_s = case.settings.cell_model.creep_s
    shortest = min(case.heating_legs, key=lambda leg: leg.soak_s)
    rest_s = shortest.soak_s + case.settings.heater.dwell_s
    return warned_if(
        rest_s < creep_s,
        f"{rest_s:g} s of soak and dwell in {shortest.name!r}",
        f"at least cell_model.creep_s, {creep_s:g} s",
        "Raise soak_s of the leg.",
    )


def heating_points_lie_further_apart_than_the_tolerance(case: Case) -> Judgement | None:
    """Check that no two temperatures lie within twice the tolerance: they may be the same."""
    steps = [after - before for leg in case.heating_legs for before, after in pairwise(leg.temperatures_k)]
    if not steps:
        return None
    least_k = 2.0 * case.settings.heater.tolerance_k
    return warned_if(
        min(steps) <= least_k,
        f"closest {min(steps):g} K apart",
        f"more than {least_k:g} K, twice heater.tolerance_k",
        "Leave temperatures out.",
    )


def thermocouples_measure_the_hottest_point(case: Case) -> Judgement:
    """Check that the declared type of thermocouple reaches the hottest point."""
    kind, hottest_k = case.settings.thermocouples.type, max(case.temperatures_k)
    return refused_if(
        hottest_k > THERMOCOUPLE_K[kind],
        f"{hottest_k:g} K with type {kind}",
        f"up to {THERMOCOUPLE_K[kind]:g} K (IEC 60584-1)",
        "Use another thermocouple, and state its type in thermocouples.type.",
    )


def sample_is_nearly_as_hot_as_the_gasket(case: Case) -> Judgement:
    """Check that the gradient between gasket and sample is a plausible calibration."""
    factor = case.recipe.ruby.gasket_to_sample
    hottest_k = max(case.temperatures_k)
    return warned_if(
        not 0.9 <= factor <= 1.0,
        f"sample at {case.sample_k(hottest_k):.1f} K when the gasket reads {hottest_k:g} K (factor {factor:g})",
        "0.9 to 1 of the gasket's rise",
        "Calibrate the gradient again: ruby.gasket_to_sample of the recipe.",
    )


def ambient_lies_inside_the_limits_of_the_heater(case: Case) -> Judgement:
    """Check that the temperature the heater goes back to is one it may be asked for."""
    low, high = case.settings.heater.limits_k
    ambient_k = case.settings.heater.ambient_k
    return refused_if(
        not low <= ambient_k <= high,
        f"heater.ambient_k is {ambient_k:g} K",
        f"{low:g} to {high:g} K of heater.limits_k",
        "Mend profile.toml: making safe asks the heater for ambient.",
    )


RULES: tuple[Rule[Case], ...] = (
    pressure_stays_inside_the_envelope_while_heating,
    temperatures_inside_the_limits_of_the_heater,
    heater_has_room_above_the_hottest_point,
    ramps_are_no_faster_than_the_heater_is_made_for,
    thermocouple_follows_the_ramp,
    soak_lets_the_cell_creep_to_rest,
    heating_points_lie_further_apart_than_the_tolerance,
    thermocouples_measure_the_hottest_point,
    sample_is_nearly_as_hot_as_the_gasket,
    ambient_lies_inside_the_limits_of_the_heater,
)
