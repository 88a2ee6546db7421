"""Rules about exposures and what they are to show: fading, grains, overhead, phases."""

from __future__ import annotations

from typing import Final

from lics_beamline.checks.case import Case
from lics_beamline.checks.finding import Judgement, Rule, fine, warned_if
from lics_beamline.control.dosage import MOST_SATURATION_SHARE
from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.crystal import two_theta_deg

FULL_COUNTS: Final = 262136.0  # a full pixel where the photomultiplier ratio is 8 (18 bits), the least an R-AXIS has
LEAST_X_RAY_SHARE: Final = 0.1  # of a point's time at the plate that X-rays are used; a choice

SHORTEST_D_ANGSTROM: Final = 1.0  # the lines a phase is known by are among the first


def images_fade_less_than_stated(case: Case) -> Judgement:
    """Check that no more of an image is lost than the profile states, exposed long or waiting for the reader."""
    exposure, plate = case.experiment.exposure, case.settings.plate.measured(case.recipe.plate.fading)
    worst, of_s, after_s = 0.0, 0.0, 0.0
    for exposure_s in (exposure.shortest_s, exposure.longest_s):
        reader_s = max(plate.read_s + plate.erase_s - exposure_s, 0.0) if plate.overlapped else 0.0
        waited_s = reader_s + plate.swap_s
        loss = plate.loss(exposure_s=exposure_s, waited_s=waited_s)
        if loss > worst:
            worst, of_s, after_s = loss, exposure_s, waited_s
    return warned_if(
        worst > plate.most_fading,
        f"{worst:.1%} of an exposure of {of_s:g} s whose scan begins {after_s:g} s later",
        f"up to {plate.most_fading:.0%} (plate.most_fading)",
        "Expose shorter, or several plates at the same point.",
    )


def oscillation_averages_grains(case: Case) -> Judgement:
    """Check that the sample turns during the exposure."""
    oscillation_deg = case.experiment.exposure.oscillation_deg
    return warned_if(
        oscillation_deg <= 0,
        f"{oscillation_deg:g} deg",
        "more than 0 deg: grains make ring intensities uncertain by several percent",
        "Set exposure.oscillation_deg.",
    )


def exposure_is_worth_its_plate(case: Case) -> Judgement:
    """Check that swap and reading do not take nearly all the time of a point."""
    plate = case.settings.plate
    time_s = case.experiment.exposure.expected_s
    each_s = (
        max(time_s, plate.read_s + plate.erase_s) + plate.swap_s
        if plate.overlapped
        else time_s + plate.swap_s + plate.read_s
    )
    return warned_if(
        time_s < LEAST_X_RAY_SHARE * each_s,
        f"{time_s:g} s of X-rays in {each_s:g} s at the plate ({time_s / each_s:.0%}), "
        + ("plates overlapped" if plate.overlapped else "each plate waited for"),
        f"at least {LEAST_X_RAY_SHARE:.0%} of the time",
        "Expose longer: it costs little.",
    )


def asked_count_is_below_saturation(case: Case) -> Judgement | None:
    """Check that an exposure chosen by dose can reach its count with grains still unsaturated."""
    dose = case.experiment.exposure.dose
    if dose is None:
        return None
    most = MOST_SATURATION_SHARE * FULL_COUNTS
    return warned_if(
        dose.strongest_counts > most,
        f"{dose.strongest_counts:g} counts asked for in the strongest ring",
        f"up to {most:g} counts: {MOST_SATURATION_SHARE:.0%} of a full pixel, because grains are brighter than their "
        "ring",
        "Lower exposure.dose.strongest_counts.",
    )


def look_is_short_against_its_exposures(case: Case) -> Judgement | None:
    """Check that looking costs less than what it is for."""
    dose = case.experiment.exposure.dose
    if dose is None:
        return None
    looks = case.experiment.looks
    return warned_if(
        dose.look_s > dose.shortest_s,
        f"{looks} looks of {dose.look_s:g} s for exposures of {dose.shortest_s:g} to {dose.longest_s:g} s, "
        f"one a {dose.each}",
        "look_s up to shortest_s",
        "Shorten exposure.dose.look_s.",
    )


def phases_of_the_sample_are_sought(case: Case) -> Judgement | None:
    """Check that the recipe looks for what the experiment says may be there."""
    wanted = case.experiment.sample.phases
    if not wanted:
        return None
    known = {phase.name for phase in case.recipe.phases}
    sought = [name for name in wanted if name in known]
    silent = [name for name in wanted if name not in known]
    return warned_if(
        not sought,
        f"sought: {', '.join(sought) or 'none'}" + (f"; not sought: {', '.join(silent)}" if silent else ""),
        "at least one phase of sample.phases in the recipe",
        "Add the phase to the recipe, or mend its name.",
    )


def marker_lines_fall_into_the_integrated_range(case: Case) -> Judgement | None:
    """Check that the lines by which a phase is known are inside the pattern, at every point of the path."""
    recipe = case.recipe
    low, high = recipe.frames.two_theta_deg
    wavelength = recipe.geometry.wavelength_angstrom
    wanted = [phase for phase in recipe.phases if phase.name in case.experiment.sample.phases]
    outside, angles = [], []
    for phase in wanted:
        for arrival in case.track.arrivals:
            if not phase.lowest_gpa <= arrival.at.pressure_gpa <= phase.highest_gpa:
                continue
            try:
                cell = phase.expected(max(arrival.at.pressure_gpa, 0.0), case.sample_k(arrival.at.temperature_k))
                lines = phase.lines(cell, wavelength_angstrom=wavelength, d_min_angstrom=SHORTEST_D_ANGSTROM)
                found = [two_theta_deg(cell.d_angstrom(line.hkl), wavelength) for line in phase.marker_lines(lines)]
            except OutsideCalibration:
                continue  # the rule about equations of state says so
            angles += found
            outside += [f"{phase.name} at {angle:.1f} deg" for angle in found if not low <= angle <= high]
    if not angles:
        return None
    return warned_if(
        bool(outside),
        outside[0] if outside else f"markers between {min(angles):.1f} and {max(angles):.1f} deg",
        f"{low:g} to {high:g} deg (frames.two_theta_deg)",
        "Widen frames.two_theta_deg, or move the detector.",
    )


def equations_of_state_reach_the_whole_path(case: Case) -> Judgement | None:
    """Check that every phase sought has a cell at every point where it is sought."""
    wanted = [phase for phase in case.recipe.phases if phase.name in case.experiment.sample.phases]
    if not wanted:
        return None
    for phase in wanted:
        for arrival in case.track.arrivals:
            if phase.lowest_gpa <= arrival.at.pressure_gpa <= phase.highest_gpa:
                try:
                    phase.expected(max(arrival.at.pressure_gpa, 0.0), case.sample_k(arrival.at.temperature_k))
                except OutsideCalibration as error:
                    return warned_if(
                        True, f"{phase.name}: {error}", "its equation of state", "Mend the recipe's phase."
                    )
    return fine(f"{', '.join(phase.name for phase in wanted)}", "a cell at every pressure and temperature of the path")


RULES: tuple[Rule[Case], ...] = (
    images_fade_less_than_stated,
    oscillation_averages_grains,
    exposure_is_worth_its_plate,
    asked_count_is_below_saturation,
    look_is_short_against_its_exposures,
    phases_of_the_sample_are_sought,
    marker_lines_fall_into_the_integrated_range,
    equations_of_state_reach_the_whole_path,
)
