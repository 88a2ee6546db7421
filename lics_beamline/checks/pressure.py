"""Rules about reading the pressure: published ranges of scale and correction, noise, errors, and the laser's heat."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lics_beamline.checks.case import Case, named
from lics_beamline.checks.finding import Judgement, Rule, fine, refused_if, warned_if
from lics_beamline.errors import OutsideCalibration, ProfileError
from lics_beamline.physics.thermocouple import ThermocoupleComparison

WEAK_SPECTRUM_GPA: Final = 0.02  # error of a fit with 2 000 counts, computed; 0.004 with 20 000
WORST_SYSTEMATIC_GPA: Final = 0.35  # a pressure less certain than this tells phases apart no longer; a choice
WARM_LASER_MW: Final = 10.0  # above it a chip of 10 um warms by kelvins; engineering estimate
LONGEST_RUBY_S: Final = 60.0  # at 1 bar/min the pressure is another one after a minute
REFERENCE_ROOM_K: Final = 10.0  # the reference line is read in the room: farther away it was another day


def pressures_inside_the_range_of_the_ruby_scale(case: Case) -> Judgement:
    """Check that the highest pressure expected can be read by the scale."""
    most = case.most_pressed
    asked_gpa = max((most.at.pressure_gpa, *case.pressures_gpa))
    scale, temperature_k = case.recipe.ruby.scale, case.settings.heater.ambient_k
    try:
        case.ruler.gpa(case.ruler.wavelength_nm(asked_gpa, temperature_k), temperature_k)
    except (OutsideCalibration, ValueError) as error:
        return refused_if(True, f"{asked_gpa:.1f} GPa: {error}", f"the range of {scale}", "Choose another ruby.scale.")
    return fine(f"up to {asked_gpa:.1f} GPa", f"the published range of {scale}")


def temperatures_inside_the_range_of_the_ruby_correction(case: Case) -> Judgement:
    """Check that every temperature of the ruby lies in the published range of the correction."""
    name = case.recipe.ruby.correction
    sample = sorted(case.sample_k(gasket_k) for gasket_k in case.temperatures_k)
    for temperature_k in (sample[0], sample[-1]):
        try:
            case.ruler.unshifted_nm(temperature_k)
        except OutsideCalibration as error:
            low, high = error.facts.get("lowest_k", "?"), error.facts.get("highest_k", "?")
            return refused_if(
                True,
                f"{temperature_k:.1f} K at the ruby",
                f"{low:g} to {high:g} K of {name}",
                "Choose another ruby.correction in the recipe.",
            )
    return fine(f"{sample[0]:.0f} to {sample[-1]:.0f} K at the ruby", f"the published range of {name}")


def tolerance_is_wider_than_the_noise_of_the_ruby(case: Case) -> Judgement:
    """Check that a target is not hit by noise."""
    tolerance_gpa = case.settings.approach.tolerance_gpa
    return warned_if(
        tolerance_gpa < WEAK_SPECTRUM_GPA,
        f"approach.tolerance_gpa {tolerance_gpa:g} GPa",
        f"at least {WEAK_SPECTRUM_GPA:g} GPa, the error of a weak spectrum (2 000 counts)",
        "Widen the tolerance, or count longer and know it.",
    )


def pressure_is_known_well_enough(case: Case) -> Judgement | None:
    """Check that the systematic error of the hottest, highest pressure still tells phases apart."""
    most = max(case.track.arrivals, key=lambda arrival: (arrival.at.temperature_k, arrival.at.pressure_gpa))
    try:
        ruby = case.recipe.with_chip(case.experiment.ruby_chip).ruby
        gauge = ruby.gauge()
        if ruby.thermocouples == "compared at rest":
            gauge = replace(
                gauge, compared=ThermocoupleComparison(gasket_above_ambient_k=0.0, sigma_k=ruby.rest_sigma_k)
            )
        ambient_k = case.settings.heater.ambient_k
        there = gauge.temperature(most.at.temperature_k, ambient_k)
        line_nm = gauge.ruler.wavelength_nm(max(most.at.pressure_gpa, 0.0), there.kelvin)
        read = gauge.ruler.pressure(line_nm, 0.0, there.kelvin, there.above_room_sigma_k)
    except (OutsideCalibration, ProfileError, ValueError):
        return None  # other rules say so
    return warned_if(
        read.systematic_gpa > WORST_SYSTEMATIC_GPA,
        f"+- {read.systematic_gpa:.2f} GPa (systematic) at {named(most)}",
        f"up to {WORST_SYSTEMATIC_GPA:g} GPa",
        "Read the chip before loading ([ruby_chip] of the experiment), or calibrate thermocouple and gradient.",
    )


def laser_keeps_the_ruby_cool(case: Case) -> Judgement:
    """Check that the laser does not heat the ruby by which it measures."""
    power_mw = case.settings.ruby.laser_power_mw
    return warned_if(
        power_mw > WARM_LASER_MW,
        f"{power_mw:g} mW",
        f"up to {WARM_LASER_MW:g} mW",
        "Lower ruby.laser_power_mw and count longer.",
    )


def ruby_is_read_faster_than_the_pressure_moves(case: Case) -> Judgement:
    """Check that one reading is short against a step of the load."""
    reading_s = case.settings.ruby.reading_s
    return warned_if(
        reading_s > LONGEST_RUBY_S,
        f"{reading_s:g} s",
        f"up to {LONGEST_RUBY_S:g} s",
        "Lower ruby.acquire_time_s or ruby.accumulations.",
    )


def reference_line_belongs_to_this_room(case: Case) -> Judgement:
    """Check that the unshifted line of the recipe is one of ambient; it is read anew when a sweep begins."""
    reference_k, ambient_k = case.recipe.ruby.reference_temperature_k, case.settings.heater.ambient_k
    return warned_if(
        abs(reference_k - ambient_k) > REFERENCE_ROOM_K,
        f"reference at {reference_k:g} K, room at {ambient_k:g} K",
        f"within {REFERENCE_ROOM_K:g} K",
        "Mend ruby.reference_temperature_k of the recipe.",
    )


def wavelength_axis_is_checked_before_each_leg(case: Case) -> Judgement:
    """Check that a drift of the spectrometer within the sweep would be seen."""
    axis = case.recipe.ruby.axis
    return warned_if(
        axis == "none" and len(case.experiment.legs) > 1,
        f'ruby.axis = "{axis}" over {len(case.experiment.legs)} legs',
        'a reading of "neon" or "ambient" before each leg: 0.05 nm are 0.14 GPa',
        "Set ruby.axis of the recipe.",
    )


def chip_in_the_cell_was_read_so_that_it_can_be_used(case: Case) -> Judgement:
    """Check that the unshifted line of the chip in the cell refers to an axis this sweep will have."""
    chip = case.experiment.ruby_chip
    try:
        case.recipe.with_chip(chip)
    except ProfileError:
        return refused_if(
            True,
            f'[ruby_chip] without ambient_wavelength_nm, ruby.axis = "{case.recipe.ruby.axis}"',
            'the ambient ruby read with it, or ruby.axis = "neon"',
            "Give ruby_chip.ambient_wavelength_nm, or correct the axis by neon lines.",
        )
    return fine("no chip was read" if chip is None else f"{chip.wavelength_nm:.3f} nm", "a line this sweep can use")


RULES: tuple[Rule[Case], ...] = (
    pressures_inside_the_range_of_the_ruby_scale,
    temperatures_inside_the_range_of_the_ruby_correction,
    tolerance_is_wider_than_the_noise_of_the_ruby,
    pressure_is_known_well_enough,
    laser_keeps_the_ruby_cool,
    ruby_is_read_faster_than_the_pressure_moves,
    reference_line_belongs_to_this_room,
    wavelength_axis_is_checked_before_each_leg,
    chip_in_the_cell_was_read_so_that_it_can_be_used,
)
