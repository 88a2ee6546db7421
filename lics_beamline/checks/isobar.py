"""Rules about heating at a held pressure: gas must be there to be let out, and fast enough; a load never rises then."""

from __future__ import annotations

from typing import Final

from lics_beamline.checks.case import FORECAST_SIGMAS, Case, named
from lics_beamline.checks.finding import Judgement, Rule, graded, refused_if
from lics_beamline.control.forecast import ExpectedArrival

SLEW_SHARE_TO_SPARE: Final = 0.5  # of the slew: what is left follows a slope and a gain that are not as expected


def isobar_begins_at_its_pressure(case: Case) -> Judgement | None:
    """Check that the cell is at the pressure of an isobar when it begins: a load never rises while heating."""
    if not case.isobars:
        return None
    lost_gpa, near_gpa = case.settings.heating.lost_gpa, 2.0 * case.settings.approach.tolerance_gpa
    worst = max((leg[0] for leg in case.isobars), key=_from_asked_gpa)
    off_gpa, before = _from_asked_gpa(worst), worst.before
    return graded(
        refuse=off_gpa > lost_gpa + FORECAST_SIGMAS * before.pressure_sigma_gpa,
        warn=off_gpa > near_gpa,
        found=f"{worst.point.leg.name!r} holds {worst.point.pressure_gpa:g} GPa, the cell is expected at "
        f"{before.pressure_gpa:.2f} +- {before.pressure_sigma_gpa:.2f} GPa before it",
        limit=f"within {near_gpa:g} GPa, twice approach.tolerance_gpa; {lost_gpa:g} GPa (heating.lost_gpa) at most",
        remedy="Put a leg before it that goes to this pressure, or hold the pressure that the cell has.",
    )


def isobar_can_be_held_to_its_end(case: Case) -> Judgement | None:
    """Check that gas and heat together can hold the pressure: friction that lets go may cost more than heat brings."""
    if not case.isobars:
        return None
    lost_gpa = case.settings.heating.lost_gpa
    worst = max(_ends(case), key=lambda arrival: arrival.short_gpa)
    at = worst.at
    return graded(
        refuse=worst.short_gpa > lost_gpa + FORECAST_SIGMAS * at.pressure_sigma_gpa,
        warn=worst.short_gpa > lost_gpa,
        found=f"{at.pressure_gpa:.2f} +- {at.pressure_sigma_gpa:.2f} GPa expected at {at.temperature_k:.0f} K and "
        f"{at.load_bar:.1f} bar, at {named(worst)}, which asks for {worst.point.pressure_gpa:g} GPa",
        limit=f"within heating.lost_gpa, {lost_gpa:g} GPa",
        remedy="Heat less, hold another pressure, or heat at a held load.",
    )


def gas_is_left_at_the_end_of_an_isobar(case: Case) -> Judgement | None:
    """Check that the pressure can be held without letting out more gas than there is."""
    if not case.isobars:
        return None
    floor_bar = case.settings.envelope.load_bar[0]
    least = min(_ends(case), key=lambda arrival: arrival.at.load_bar)
    load_bar, sigma_bar = least.at.load_bar, least.at.load_sigma_bar
    return graded(
        refuse=load_bar <= floor_bar,
        warn=load_bar - FORECAST_SIGMAS * sigma_bar <= floor_bar,
        found=f"{load_bar:.1f} +- {sigma_bar:.1f} bar expected to be left at {named(least)}",
        limit=f"more than {floor_bar:g} bar of envelope.load_bar (within {FORECAST_SIGMAS:g} standard deviations)",
        remedy="Heat less, hold a higher pressure, or heat at a held load.",
    )


def dead_band_before_an_isobar_can_be_crossed(case: Case) -> Judgement | None:
    """Check that there is gas enough to bring the cell to where it answers, before the ramp begins."""
    if not case.isobars:
        return None
    floor_bar = case.settings.envelope.load_bar[0]
    widest = max((leg[0] for leg in case.isobars), key=lambda arrival: arrival.lost_bar)
    left_bar, lost_bar = widest.before.load_bar - widest.lost_bar, widest.lost_bar
    doubt = case.settings.cell_model.friction_doubt
    minutes = lost_bar / case.settings.membrane.slew_bar_per_s / 60.0
    return graded(
        refuse=left_bar <= floor_bar,
        warn=left_bar - FORECAST_SIGMAS * doubt * lost_bar <= floor_bar,
        found=f"{lost_bar:.1f} +- {doubt * lost_bar:.1f} bar of {widest.before.load_bar:.1f} bar to be let out before "
        f"{widest.point.leg.name!r}, some {minutes:.0f} min",
        limit=f"more than {floor_bar:g} bar left (within {FORECAST_SIGMAS:g} standard deviations)",
        remedy="Hold a higher pressure, or heat at a held load.",
    )


def gas_follows_the_ramp_of_an_isobar(case: Case) -> Judgement | None:
    """Check that gas can go out as fast as heat adds pressure."""
    if not case.isobars:
        return None
    slew = 60.0 * case.settings.membrane.slew_bar_per_s
    fastest = max((arrival for leg in case.isobars for arrival in leg), key=_let_out_bar_per_min)
    needed = _let_out_bar_per_min(fastest)
    return graded(
        refuse=needed > slew,
        warn=needed > SLEW_SHARE_TO_SPARE * slew,
        found=f"{needed:.2f} bar/min at {_ramp_k_per_min(fastest):g} K/min for {named(fastest)}",
        limit=f"up to {slew:.2f} bar/min of membrane.slew_bar_per_s, {SLEW_SHARE_TO_SPARE:.0%} of it without a warning",
        remedy="Slow the ramp of the leg.",
    )


def isobar_is_read_before_it_drifts(case: Case) -> Judgement | None:
    """Check that between two ruby readings heat adds less than the ramp may be ahead by."""
    if not case.isobars:
        return None
    heating = case.settings.heating
    every_s = heating.read_every_s + case.settings.ruby.reading_s
    rate = max(_ramp_k_per_min(leg[0]) for leg in case.isobars)
    model = case.settings.cell_model
    slope = model.thermal_gpa_per_k * (1.0 + model.thermal_doubt)
    drift_gpa = rate / 60.0 * every_s * slope
    return refused_if(
        drift_gpa > heating.lost_gpa,
        f"{drift_gpa:.3f} GPa in {every_s:.0f} s between two readings at {rate:g} K/min and {1e3 * slope:.1f} MPa/K",
        f"up to heating.lost_gpa, {heating.lost_gpa:g} GPa",
        "Slow the ramp of the leg, or lower heating.read_every_s.",
    )


def _ends(case: Case) -> list[ExpectedArrival]:
    return [arrival for leg in case.isobars for arrival in leg]


def _from_asked_gpa(first: ExpectedArrival) -> float:
    return abs(first.before.pressure_gpa - first.point.pressure_gpa)


def _ramp_k_per_min(arrival: ExpectedArrival) -> float:
    return float(getattr(arrival.point.leg, "ramp_rate_k_per_min", 0.0))


def _let_out_bar_per_min(arrival: ExpectedArrival) -> float:
    """Return how fast gas has to go out on the ramp, the dead band apart [bar/min]."""
    rise_k = arrival.at.temperature_k - arrival.before.temperature_k
    bar = arrival.before.load_bar - arrival.lost_bar - arrival.at.load_bar
    return bar / rise_k * _ramp_k_per_min(arrival) if rise_k > 0.0 else 0.0


RULES: tuple[Rule[Case], ...] = (
    isobar_begins_at_its_pressure,
    isobar_can_be_held_to_its_end,
    gas_is_left_at_the_end_of_an_isobar,
    dead_band_before_an_isobar_can_be_crossed,
    gas_follows_the_ramp_of_an_isobar,
    isobar_is_read_before_it_drifts,
)
