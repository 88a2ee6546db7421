"""Rules about the beamline as it is now: does it answer, in which state is it, and does it fit the experiment."""

from __future__ import annotations

import math
import re
from typing import Final

from lics_beamline.checks.case import named
from lics_beamline.checks.finding import Judgement, Rule, fine, graded, refused_if, warned_if
from lics_beamline.checks.readings import BeamlineReadings
from lics_beamline.control.path import HoldLeg
from lics_beamline.devices.leak import LEAK_EFFORT_PERCENT, struggles
from lics_beamline.errors import BadReading, OutsideCalibration
from lics_beamline.physics.thermocouple import check_type_k
from lics_beamline.units import energy_kev_from_wavelength

LEAST_RING_MA: Final = 10.0  # a ring below it is filled or dumped; engineering value
WAVELENGTH_DOUBT_SHARE: Final = (
    1e-4  # relative, as good as a calibration; one part in a thousand is 3.5e-3 angstrom in a
)
WRONG_WAVELENGTH_SHARE: Final = 1e-2  # another energy altogether
NO_ERROR_CODE: Final = re.compile(r"^[+-]?0+\s*,\s*(?=\")")  # before the words of an SCPI instrument: 0,"No error"
AGREE_K: Final = 5.0  # two thermocouples of class 1 at rest, and the gradient of a cold cell
LINE_ROOM_NM: Final = 2.0  # a doublet and its background need so much axis on either side
GAS_BAR: Final = 1.0  # more gas than this in the membrane is a cell already under load
LEAST_R1_TO_NOISE: Final = 20.0  # height of R1 over the noise of its background; below it the fit scatters by 0.02 GPa


def no_instrument_is_in_alarm(live: BeamlineReadings) -> Judgement:
    """Check that every instrument gives a value, and none says that something is not well."""
    return graded(
        refuse=bool(live.silent),
        warn=bool(live.alarms),
        found="; ".join(live.silent) or live.alarms or "no alarm",
        limit="no alarm; INVALID is no value at all",
        remedy="Look at the instrument, and at its line to the IOC; a sweep is held while a value is INVALID.",
    )


def clock_goes_as_the_profile_says(live: BeamlineReadings) -> Judgement:
    """Check that the experiment's clock goes, at the speed waits were judged by."""
    standing = live.clock_silent_s > 2.0
    return graded(
        refuse=standing or live.clock_speed > live.case.speed,
        warn=live.clock_speed != live.case.speed,
        found=f"{live.clock_speed:g} x, last tick {live.clock_silent_s:.1f} s ago",
        limit=f"{live.case.speed:g} x, a tick every 2 s",
        remedy="Set the speed of the world, or give it in the profile.",
    )


def supply_suffices_for_the_highest_load(live: BeamlineReadings) -> Judgement:
    """Check that the bottle gives the highest load expected, with the reserve the envelope asks for."""
    if not math.isfinite(live.supply_bar):
        return warned_if(True, "the controller does not tell its supply", "a supply", "Read the gauge of the bottle.")
    most, fraction = live.case.most_loaded, live.case.settings.envelope.supply_fraction
    limit_bar = fraction * live.supply_bar
    return graded(
        refuse=most.at.load_bar > limit_bar,
        warn=most.at.load_bar + 2.0 * most.at.load_sigma_bar > limit_bar,
        found=f"{most.at.load_bar:.0f} +- {most.at.load_sigma_bar:.0f} bar expected at {named(most)}",
        limit=f"up to {limit_bar:.0f} bar, {fraction:.0%} of the supply of {live.supply_bar:.1f} bar",
        remedy="Change the bottle, or ask for a lower pressure.",
    )


def nobody_else_holds_the_membrane(live: BeamlineReadings) -> Judgement:
    """Check that no other client holds the lease on the gas."""
    return refused_if(
        bool(live.lease.strip()), f"lease {live.lease!r}", "no lease", "End the other sweep, or give its lease back."
    )


def membrane_reports_no_error(live: BeamlineReadings) -> Judgement:
    """Check that the gas controller reports no error."""
    said = NO_ERROR_CODE.sub("", live.membrane_error.strip()).strip('"')
    return refused_if(
        said.casefold() not in ("", "no error"),
        repr(live.membrane_error),
        "No error",
        "Look at the controller.",
    )


def gas_is_held_without_effort(live: BeamlineReadings) -> Judgement:
    """Check that the controller does not work against a leak, and says whether it controls."""
    return warned_if(
        struggles(live.effort_percent) or bool(live.membrane_unsafe),
        "; ".join((f"effort {live.effort_percent:.0f} %, control {live.membrane_control}", *live.membrane_unsafe)),
        f"under {LEAK_EFFORT_PERCENT:g} %",
        "Look for a leak, or for a closed supply.",
    )


def cell_holds_as_much_gas_as_the_path_begins_with(live: BeamlineReadings) -> Judgement:
    """Check that the cell is not under more load than the first point is expected to need."""
    first = next(
        (each for each in live.case.track.arrivals if not isinstance(each.point.leg, HoldLeg)),
        live.case.track.arrivals[0],
    )
    most_bar = max(first.at.load_bar, GAS_BAR) if first.point.stroke == "upstroke" else math.inf
    return warned_if(
        live.load_bar > most_bar,
        f"{live.load_bar:.2f} bar in the membrane now",
        f"up to {most_bar:.1f} bar, which {named(first)} is expected to need",
        "Vent by hand if the cell is to begin unloaded, or begin the path higher.",
    )


def slew_is_one_the_controller_accepts(live: BeamlineReadings) -> Judgement:
    """Check that the profile's slew lies within the limits of the controller."""
    low, high = live.slew_limits_bar_per_s
    slew = live.case.settings.membrane.slew_bar_per_s
    if not low < high:
        return fine(f"{slew:.4f} bar/s", "the controller names no limits of its slew")
    return refused_if(
        not low <= slew <= high, f"{slew:.4f} bar/s", f"{low:g} to {high:g} bar/s", "Change membrane.slew_bar_per_s."
    )


def thermocouples_can_be_believed(live: BeamlineReadings) -> Judgement:
    """Check that no thermocouple is open."""
    readings = {"gasket": live.gasket_k, "cell": live.cell_k, "membrane": live.membrane_k, "ambient": live.ambient_k}
    for where, reading_k in readings.items():
        try:
            check_type_k(reading_k, where=where)
        except BadReading as error:
            return refused_if(True, str(error), "a closed circuit", "Check the leads.")
    shown = ", ".join(f"{where} {reading_k:.1f}" for where, reading_k in readings.items())
    return fine(f"{shown} K", "inside the range of type K")


def thermocouples_are_of_the_declared_type(live: BeamlineReadings) -> Judgement:
    """Check that the converter is set to the type the profile declares."""
    declared = live.case.settings.thermocouples.type
    wrong = [kind for kind in live.thermocouple_types if kind.removeprefix("Type ") != declared]  # measComp says Type K
    return refused_if(
        bool(wrong),
        f"types {', '.join(live.thermocouple_types)}",
        f"type {declared}",
        "Set the converter, or thermocouples.type.",
    )


def gasket_and_heater_agree(live: BeamlineReadings) -> Judgement:
    """Check that the thermocouple beside the gasket and that of the heater say about the same."""
    apart_k = abs(live.gasket_k - live.heater_k)
    return warned_if(
        not apart_k <= AGREE_K,
        f"gasket {live.gasket_k:.1f} K, heater {live.heater_k:.1f} K",
        f"within {AGREE_K:g} K",
        "Look which of them sits where it should.",
    )


def room_is_at_the_ambient_of_the_profile(live: BeamlineReadings) -> Judgement:
    """Check that the room is as warm as the profile says."""
    declared_k = live.case.settings.heater.ambient_k
    return warned_if(
        not abs(live.ambient_k - declared_k) <= AGREE_K,
        f"{live.ambient_k:.1f} K",
        f"{declared_k:g} K of heater.ambient_k, within {AGREE_K:g} K",
        "Mend heater.ambient_k: the heater goes down to it.",
    )


def cell_is_at_the_temperature_the_path_begins_with(live: BeamlineReadings) -> Judgement:
    """Check that the first leg begins where the cell is."""
    first_k = live.case.points[0].temperature_k
    heated = live.case.points[0].stroke == "heating"
    off_k = live.gasket_k - first_k
    wrong = off_k > AGREE_K if heated else not abs(off_k) <= AGREE_K
    return refused_if(
        wrong,
        f"gasket at {live.gasket_k:.1f} K, first point at {first_k:g} K",
        f"within {AGREE_K:g} K",
        "Let the cell cool, or begin with a heating leg.",
    )


def contactor_of_the_heater_is_closed(live: BeamlineReadings) -> Judgement | None:
    """Check that the over-temperature trip has not opened the contactor."""
    if "Contactor" in live.case.settings.heater.absent:
        return None  # a rule about instruments says so
    heats = bool(live.case.heating_legs)
    return graded(
        refuse=heats and live.contactor != "Closed",
        warn=live.contactor != "Closed",
        found=live.contactor,
        limit="Closed",
        remedy="Find out why it tripped, then close it by hand.",
    )


def heater_is_in_automatic(live: BeamlineReadings) -> Judgement | None:
    """Check that the heater's controller is in automatic."""
    if "Auto" in live.case.settings.heater.absent:
        return None  # a rule about instruments says so
    return warned_if(
        live.heater_auto != "Auto", live.heater_auto, "Auto", "Look at the heater: arming sets it to automatic."
    )


def heater_is_down(live: BeamlineReadings) -> Judgement:
    """Check that the heater, armed or not, does not heat already."""
    return warned_if(
        bool(live.heater_unsafe),
        "; ".join(live.heater_unsafe) or "it does not heat",
        "no output, setpoint at the room's temperature",
        "Look who heats; the sweep begins to heat by itself.",
    )


def ruby_spectrum_can_be_believed(live: BeamlineReadings) -> Judgement | None:
    """Check that a spectrum taken now has a doublet that can be fitted."""
    if live.ruby is None:
        return None
    line = live.ruby
    if line.trouble:
        return refused_if(True, line.trouble, "a doublet that can be fitted", "Find the ruby first.")
    noise = math.sqrt(max(line.background_counts + line.height_counts, 1.0))
    return warned_if(
        line.height_counts / noise < LEAST_R1_TO_NOISE,
        f"R1 at {line.r1_nm:.3f} +- {line.r1_sigma_nm:.3f} nm, {line.height_counts:.0f} counts high",
        f"{LEAST_R1_TO_NOISE:g} times its noise ({noise:.0f} counts)",
        "Count longer (ruby.acquire_time_s), or find a better chip.",
    )


def ruby_line_stays_on_the_spectrometer(live: BeamlineReadings) -> Judgement | None:
    """Check that R1 stays on the axis of the spectrometer at the highest pressure and temperature."""
    low_nm, high_nm = live.ruby_axis_nm
    most = max(live.case.track.arrivals, key=lambda each: (each.at.temperature_k, each.at.pressure_gpa))
    kelvin = live.case.sample_k(most.at.temperature_k)
    try:
        cold_nm = live.case.ruler.wavelength_nm(0.0, live.case.sample_k(live.case.temperatures_k[0]))
        hot_nm = live.case.ruler.wavelength_nm(max(most.at.pressure_gpa, 0.0), kelvin)
    except (OutsideCalibration, ValueError):
        return None  # the rules about pressure say so
    return refused_if(
        not (low_nm + LINE_ROOM_NM <= cold_nm and hot_nm + LINE_ROOM_NM <= high_nm),
        f"R1 from {cold_nm:.2f} to {hot_nm:.2f} nm, axis from {low_nm:.2f} to {high_nm:.2f} nm",
        f"{LINE_ROOM_NM:g} nm inside the axis",
        "Turn the grating.",
    )


def laser_is_off(live: BeamlineReadings) -> Judgement:
    """Check that nobody left the laser on."""
    return warned_if(live.laser != "Off", f"laser {live.laser}", "Off", "Switch it off: it heats the ruby.")


def beam_shutter_is_closed(live: BeamlineReadings) -> Judgement:
    """Check that no X-rays fall on the plate before the first exposure."""
    return warned_if(
        bool(live.beam_unsafe),
        "; ".join(live.beam_unsafe) or "Closed",
        "Closed",
        "Close it: a plate counts all that it sees.",
    )


def there_is_beam(live: BeamlineReadings) -> Judgement:
    """Check that the ring is filled."""
    return warned_if(
        live.ring_current_ma < LEAST_RING_MA,
        f"{live.ring_current_ma:.1f} mA",
        f"at least {LEAST_RING_MA:g} mA",
        "Wait for the ring.",
    )


def attenuator_is_out(live: BeamlineReadings) -> Judgement:
    """Check that no attenuator was forgotten in the beam."""
    return warned_if(
        live.attenuator > 0,
        f"step {live.attenuator}, {100 / 2**live.attenuator:.1f} % of the beam",
        "step 0",
        "Take it out, or expose longer.",
    )


def beam_has_the_wavelength_of_the_geometry(live: BeamlineReadings) -> Judgement:
    """Check that the beam is the one the geometry was calibrated with."""
    geometry_kev = energy_kev_from_wavelength(live.case.recipe.geometry.wavelength_angstrom)
    off = abs(live.energy_kev / geometry_kev - 1.0)
    return graded(
        refuse=off > WRONG_WAVELENGTH_SHARE,
        warn=off > WAVELENGTH_DOUBT_SHARE,
        found=f"{live.energy_kev:.4f} keV, geometry {geometry_kev:.4f} keV ({off:.1e})",
        limit=f"{WAVELENGTH_DOUBT_SHARE:g} of it; {WRONG_WAVELENGTH_SHARE:g} is another energy",
        remedy="Tune the monochromator, or calibrate again.",
    )


def detector_is_idle(live: BeamlineReadings) -> Judgement:
    """Check that the detector waits for an exposure."""
    return graded(
        refuse=live.detector_state == "Error",
        warn=live.detector_state != "Idle",
        found=live.detector_state,
        limit="Idle",
        remedy="Wait for it, or look at the reader.",
    )


def plates_are_ready(live: BeamlineReadings) -> Judgement:
    """Check that both plates are erased and in their places."""
    return warned_if(
        any(state != "Ready" for state in live.plate_states),
        f"plates {', '.join(live.plate_states)}",
        "Ready, Ready",
        "Wait for reading and erasing, or erase.",
    )


def plates_are_scanned_with_the_pixels_of_the_geometry(live: BeamlineReadings) -> Judgement:
    """Check that the scan resolution is that of the geometry."""
    pixel_um = 1e6 * float(live.case.recipe.geometry.detector_config.get("pixel1", 0.0))
    digits = "".join(letter for letter in live.scan_resolution_um if letter.isdigit() or letter == ".")
    return refused_if(
        not digits or abs(float(digits) - pixel_um) > 0.5,
        f"scan {live.scan_resolution_um} um, geometry {pixel_um:g} um",
        "the same",
        "Set ScanResolution, or use the geometry of this resolution.",
    )


def exposure_is_one_the_detector_accepts(live: BeamlineReadings) -> Judgement:
    """Check that the exposure lies within the limits of the detector."""
    exposure = live.case.experiment.exposure
    if exposure.dose is None:
        return _within(exposure.longest_s, live.exposure_limits_s, "s", "Change exposure.time_s.")
    shortest = _within(exposure.shortest_s, live.exposure_limits_s, "s", "Lengthen exposure.dose.look_s or shortest_s.")
    longest = _within(exposure.longest_s, live.exposure_limits_s, "s", "Shorten exposure.dose.longest_s.")
    return longest if longest.verdict != "ok" else shortest


def oscillation_is_one_the_stage_accepts(live: BeamlineReadings) -> Judgement:
    """Check that the oscillation lies within the limits of the stage."""
    asked = live.case.experiment.exposure.oscillation_deg
    return _within(asked, live.oscillation_limits_deg, "deg", "Change exposure.oscillation_deg.")


def somebody_makes_safe_when_nobody_lives(live: BeamlineReadings) -> Judgement:
    """Check that the instruments make themselves safe when engine and guard are both dead, and soon enough."""
    asked, found = live.case.settings.watchdog, live.watchdog
    if found is None:
        return warned_if(
            asked.kind == "none",
            f"{'the controllers themselves' if asked.kind == 'controller' else 'nothing'}: {asked.reason}",
            f"a watchdog, or the controllers' own time-out, of up to {asked.timeout_s:g} s",
            "Set one up (how-to: watchdog), and say so in [watchdog] of the profile.",
        )
    return graded(
        refuse=found.state not in ("Off", "Armed"),
        warn=not found.timeout_s <= asked.timeout_s,
        found=found.says or f"watchdog {found.state or 'says nothing'}, which bears {found.timeout_s:g} s of silence",
        limit=f"Off or Armed, up to {asked.timeout_s:g} s (watchdog.timeout_s)",
        remedy="Look at the beamline and say lics guard --acknowledge; arming sets the time.",
    )


def _within(asked: float, limits: tuple[float, float], unit: str, remedy: str) -> Judgement:
    low, high = limits
    if not low < high:
        return fine(f"{asked:g} {unit}", "the instrument names no limits")
    return refused_if(not low <= asked <= high, f"{asked:g} {unit}", f"{low:g} to {high:g} {unit}", remedy)


RULES: tuple[Rule[BeamlineReadings], ...] = (
    no_instrument_is_in_alarm,
    clock_goes_as_the_profile_says,
    supply_suffices_for_the_highest_load,
    nobody_else_holds_the_membrane,
    membrane_reports_no_error,
    gas_is_held_without_effort,
    cell_holds_as_much_gas_as_the_path_begins_with,
    slew_is_one_the_controller_accepts,
    thermocouples_can_be_believed,
    thermocouples_are_of_the_declared_type,
    gasket_and_heater_agree,
    room_is_at_the_ambient_of_the_profile,
    cell_is_at_the_temperature_the_path_begins_with,
    contactor_of_the_heater_is_closed,
    heater_is_in_automatic,
    heater_is_down,
    ruby_spectrum_can_be_believed,
    ruby_line_stays_on_the_spectrometer,
    laser_is_off,
    beam_shutter_is_closed,
    there_is_beam,
    attenuator_is_out,
    beam_has_the_wavelength_of_the_geometry,
    detector_is_idle,
    plates_are_ready,
    plates_are_scanned_with_the_pixels_of_the_geometry,
    exposure_is_one_the_detector_accepts,
    oscillation_is_one_the_stage_accepts,
    somebody_makes_safe_when_nobody_lives,
)
