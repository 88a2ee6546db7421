"""Rules about gas: which load the path needs, by the cell's load curve and friction, and what the cell can bear."""

from __future__ import annotations

from typing import Final

from lics_beamline.checks.case import FORECAST_SIGMAS, Case, named
from lics_beamline.checks.finding import Judgement, Rule, fine, graded, refused_if, warned_if

FASTEST_GPA_PER_MIN: Final = 0.5  # cap of a closed-loop membrane controller in use at another beamline
CULET_GPA_UM: Final = 60.0 * 350.0  # flat anvils of 350 um to some 60 GPa, less on larger ones; engineering estimate
GASKET_GPA: Final = {  # hardest a gasket of this material is used for; engineering estimates
    "Re": 200.0,
    "W": 150.0,
    "stainless steel": 35.0,
    "steel": 35.0,
    "Cu-Be": 20.0,
    "CuBe": 20.0,
    "Inconel": 40.0,
}
CONTROLLER_BAR: Final = 0.01  # resolution of the setpoint of a PACE5000 as it is read back
LARGEST_SLIP_GPA: Final = 0.5  # a stuck cell lets go by at most so much: 0.1 to 0.4 GPa have been met


def load_inside_the_envelope(case: Case) -> Judgement:
    """Check that the load that the path is expected to need is one the envelope allows."""
    return _below(case, case.settings.envelope.load_bar[1], "of envelope.load_bar")


def load_inside_the_limits_of_the_membrane(case: Case) -> Judgement:
    """Check that the load that the path is expected to need is one the membrane bears."""
    return _below(case, case.settings.membrane.limits_bar[1], "of membrane.limits_bar")


def _below(case: Case, limit_bar: float, whose: str) -> Judgement:
    most = case.most_loaded
    load_bar, sigma_bar = most.at.load_bar, most.at.load_sigma_bar
    return graded(
        refuse=load_bar - sigma_bar > limit_bar,
        warn=load_bar + FORECAST_SIGMAS * sigma_bar > limit_bar,
        found=f"up to {load_bar:.0f} +- {sigma_bar:.0f} bar expected, at {named(most)}",
        limit=f"up to {limit_bar:g} bar {whose} (within {FORECAST_SIGMAS:g} standard deviations)",
        remedy="Ask for a lower pressure, use a larger membrane, or state the gain of this cell in [cell_model].",
    )


def every_pressure_can_be_reached(case: Case) -> Judgement:
    """Check that a load gives each pressure: without gas the cell still has one, and its gain has an end."""
    approached = [arrival for arrival in case.track.arrivals if arrival.point.stroke != "heating"]
    short = [arrival for arrival in approached if arrival.short_gpa > 0.0]
    if not short:
        return fine("a load for every point", "a load of 0 bar or more that makes the pressure")
    worst = max(short, key=lambda arrival: arrival.short_gpa)
    return refused_if(
        True,
        f"{named(worst)} asks for {worst.point.pressure_gpa:g} GPa, {worst.short_gpa:.2f} GPa beyond what "
        f"{worst.at.load_bar:.0f} bar gives on the {worst.point.stroke}",
        "a load of 0 bar or more that makes the pressure",
        "Leave the point out, or state start and ceiling of this cell in [cell_model].",
    )


def first_pressure_is_above_that_of_the_cell_as_loaded(case: Case) -> Judgement | None:
    """Check that the first upstroke begins above what the screws alone give, across the play of the membrane."""
    first = next((arrival for arrival in case.track.arrivals if arrival.point.stroke == "upstroke"), None)
    if first is None:
        return None
    start_gpa, tolerance_gpa = case.settings.cell_model.start_gpa, case.settings.approach.tolerance_gpa
    return warned_if(
        first.point.pressure_gpa < start_gpa + 2.0 * tolerance_gpa,
        f"first upstroke to {first.point.pressure_gpa:g} GPa, {first.at.load_bar:.1f} bar of gas",
        f"at least {start_gpa + 2.0 * tolerance_gpa:g} GPa: cell_model.start_gpa and twice the tolerance",
        "Use a hold leg for the cell as loaded.",
    )


def readings_suffice_for_the_longest_way(case: Case) -> Judgement:
    """Check that no approach gives up before it is there, reversals of the dead band included."""
    longest = max(case.track.arrivals, key=lambda arrival: arrival.readings)
    allowed = case.settings.approach.most_readings
    return graded(
        refuse=longest.readings > allowed,
        warn=2 * longest.readings > allowed,
        found=f"about {longest.readings} ruby readings for {named(longest)}",
        limit=f"up to {allowed} (approach.most_readings), half of it without a warning",
        remedy="Raise approach.most_readings or approach.largest_step_bar, or put points between.",
    )


def last_small_step_stays_inside_the_envelope(case: Case) -> Judgement | None:
    """Check that just short of the highest target the smallest step is still one the envelope lets pass."""
    rules, envelope = case.settings.approach, case.settings.envelope
    upward = [point.pressure_gpa for point in case.points if point.stroke == "upstroke"]
    if not upward:
        return None
    could_gpa = max(upward) + rules.smallest_step_bar * rules.steepest_gain_gpa_per_bar
    return warned_if(
        could_gpa > envelope.pressure_gpa[1],
        f"{could_gpa:.3f} GPa after {rules.smallest_step_bar:g} bar at {rules.steepest_gain_gpa_per_bar:g} GPa/bar",
        f"up to {envelope.pressure_gpa[1]:g} GPa of envelope.pressure_gpa: the sweep would end there, refused",
        "Ask for less, or widen the envelope knowingly.",
    )


def dead_bands_are_crossed_before_the_readings_end(case: Case) -> Judgement:
    """Check that gas spent in the dead band at a reversal leaves steps for the way behind it."""
    worst = max(case.track.arrivals, key=lambda arrival: arrival.lost_bar)
    steps = worst.lost_bar / case.settings.approach.largest_step_bar
    return warned_if(
        steps > 0.5 * case.settings.approach.most_readings,
        f"{worst.lost_bar:.1f} bar lost before {named(worst)}, {steps:.1f} of the largest steps",
        f"up to {0.5 * case.settings.approach.most_readings:g} steps, half of approach.most_readings",
        "Raise approach.largest_step_bar.",
    )


def pressure_rises_gently(case: Case) -> Judgement:
    """Check that slew and gain together stay below what anvils are usually loaded with."""
    rate = 60.0 * case.settings.membrane.slew_bar_per_s * case.settings.cell_model.gain_gpa_per_bar
    return warned_if(
        rate > FASTEST_GPA_PER_MIN,
        f"{rate:.2f} GPa/min at {60 * case.settings.membrane.slew_bar_per_s:.2f} bar/min",
        f"up to {FASTEST_GPA_PER_MIN:g} GPa/min",
        "Lower membrane.slew_bar_per_s.",
    )


def gain_believed_first_is_that_of_the_cell(case: Case) -> Judgement:
    """Check that the gain an approach begins with and that of the cell model do not contradict each other."""
    rules, gain = case.settings.approach, case.settings.cell_model.gain_gpa_per_bar
    ratio = gain / rules.gain_gpa_per_bar
    low, high = rules.gain_range
    return warned_if(
        not low <= ratio <= high,
        f"cell_model.gain_gpa_per_bar is {ratio:.2g} of approach.gain_gpa_per_bar ({rules.gain_gpa_per_bar:g} GPa/bar)",
        f"{low:g} to {high:g} (approach.gain_range)",
        "State the same cell in both tables.",
    )


def smallest_step_is_finer_than_the_tolerance(case: Case) -> Judgement:
    """Check that the smallest step does not by itself pass the target."""
    rules = case.settings.approach
    step_gpa = rules.smallest_step_bar * case.settings.cell_model.gain_gpa_per_bar
    return warned_if(
        step_gpa > rules.tolerance_gpa,
        f"{step_gpa:.3f} GPa for {rules.smallest_step_bar:g} bar",
        f"up to approach.tolerance_gpa, {rules.tolerance_gpa:g} GPa",
        "Lower approach.smallest_step_bar.",
    )


def smallest_step_is_coarser_than_the_controller(case: Case) -> Judgement:
    """Check that the controller can tell the smallest step from none."""
    step_bar = case.settings.approach.smallest_step_bar
    return warned_if(
        step_bar < CONTROLLER_BAR,
        f"{step_bar:g} bar",
        f"at least {CONTROLLER_BAR:g} bar, the resolution of the controller",
        "Raise approach.smallest_step_bar.",
    )


def envelope_is_wider_than_a_slip(case: Case) -> Judgement:
    """Check that above the highest pressure there is room for a stuck cell that lets go."""
    most, high_gpa = case.most_pressed, case.settings.envelope.pressure_gpa[1]
    room_gpa = high_gpa - most.at.pressure_gpa
    return warned_if(
        room_gpa < LARGEST_SLIP_GPA,
        f"{most.at.pressure_gpa:.2f} GPa expected at {named(most)}, {_from_limit(room_gpa, 'GPa')}",
        f"at least {LARGEST_SLIP_GPA:g} GPa below envelope.pressure_gpa, {high_gpa:g} GPa",
        "Ask for less, or widen the envelope knowingly.",
    )


def envelope_keeps_the_largest_slip_from_the_safety_limit(case: Case) -> Judgement:
    """Check that a stuck cell that lets go at the edge of the envelope does not reach what the anvils must not see."""
    limits = case.settings.envelope
    if limits.safety_gpa is None:
        return warned_if(
            True, "no safety limit", "envelope.safety_gpa", "State the pressure that anvils and gasket must never see."
        )
    margin_gpa = limits.safety_gpa - limits.pressure_gpa[1]
    return refused_if(
        margin_gpa <= LARGEST_SLIP_GPA,
        f"envelope to {limits.pressure_gpa[1]:g} GPa, {margin_gpa:.2f} GPa below the safety limit",
        f"more than {LARGEST_SLIP_GPA:g} GPa, the largest slip, below envelope.safety_gpa, {limits.safety_gpa:g} GPa",
        "Narrow envelope.pressure_gpa, or use stronger anvils.",
    )


def _from_limit(room: float, unit: str) -> str:
    return f"{abs(room):.2f} {unit} {'below' if room >= 0 else 'ABOVE'} the limit"


def culets_bear_the_pressure(case: Case) -> Judgement:
    """Check that the anvils are small enough for the highest pressure."""
    culet_um, pressure_gpa = case.experiment.cell.culet_um, case.most_pressed.at.pressure_gpa
    highest_gpa = CULET_GPA_UM / culet_um
    return graded(
        refuse=pressure_gpa > highest_gpa,
        warn=pressure_gpa > 0.7 * highest_gpa,
        found=f"{pressure_gpa:.1f} GPa on culets of {culet_um:g} um",
        limit=f"up to {highest_gpa:.0f} GPa (estimate for flat anvils), 70 % of it without a warning",
        remedy="Use smaller culets, or check cell.culet_um.",
    )


def gasket_bears_the_pressure(case: Case) -> Judgement:
    """Check that the gasket's material is one that holds the highest pressure."""
    material, pressure_gpa = case.experiment.gasket.material, case.most_pressed.at.pressure_gpa
    highest_gpa = GASKET_GPA.get(material)
    if highest_gpa is None:
        return warned_if(
            True, f"gasket {material!r} is not known", ", ".join(GASKET_GPA), "Check gasket.material; decide yourself."
        )
    return graded(
        refuse=pressure_gpa > highest_gpa,
        warn=pressure_gpa > 0.8 * highest_gpa,
        found=f"{pressure_gpa:.1f} GPa in {material}",
        limit=f"up to {highest_gpa:g} GPa (estimate), 80 % of it without a warning",
        remedy="Use a harder gasket.",
    )


RULES: tuple[Rule[Case], ...] = (
    load_inside_the_envelope,
    load_inside_the_limits_of_the_membrane,
    every_pressure_can_be_reached,
    first_pressure_is_above_that_of_the_cell_as_loaded,
    readings_suffice_for_the_longest_way,
    last_small_step_stays_inside_the_envelope,
    dead_bands_are_crossed_before_the_readings_end,
    pressure_rises_gently,
    gain_believed_first_is_that_of_the_cell,
    smallest_step_is_finer_than_the_tolerance,
    smallest_step_is_coarser_than_the_controller,
    envelope_is_wider_than_a_slip,
    envelope_keeps_the_largest_slip_from_the_safety_limit,
    culets_bear_the_pressure,
    gasket_bears_the_pressure,
)
