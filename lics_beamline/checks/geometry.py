"""Rules about the detector's geometry: is it a calibration, of this detector, and does the pattern fit on it."""

from __future__ import annotations

import math
from itertools import product
from typing import Final

from lics_beamline.checks.case import Case
from lics_beamline.checks.finding import Judgement, Rule, graded, refused_if, warned_if
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.units import energy_kev_from_wavelength

OLDEST_H: Final = 72.0  # a beam time; stages and plates are moved between two
PLATE_MM: Final = 300.0  # edge of a plate of the R-AXIS IV++
LEAST_ENERGY_KEV: Final = 15.0  # below it two diamond anvils of 2 mm take most of the beam
NEAREST_MM, FARTHEST_MM = 100.0, 1000.0  # where an image plate stands at a beamline for anvil cells
LEAST_TWO_THETA_DEG: Final = 1.0  # below it the beam stop
COARSEST_BIN_PX, FINEST_BIN_PX = 2.0, 0.5  # a bin is about a pixel: coarser blurs lines, finer correlates points


def geometry_is_a_calibration(case: Case) -> Judgement:
    """Check that the detector has a tilt and an odd distance, as every real one: else the geometry is nominal."""
    geometry = case.recipe.geometry
    values = _numbers(geometry)
    tilts = [values[f"Rot{axis}"] for axis in (1, 2, 3)]
    round_mm = math.isclose(geometry.distance_mm, round(geometry.distance_mm), abs_tol=1e-6)
    return warned_if(
        not any(tilts) and round_mm,
        f"distance {geometry.distance_mm:.3f} mm, tilts {math.degrees(tilts[0]):.3f} and "
        f"{math.degrees(tilts[1]):.3f} deg",
        "a geometry found with a calibrant; this one is nominal"
        if not any(tilts) and round_mm
        else "a geometry found with a calibrant",
        "Calibrate with CeO2 or LaB6 on the day, and put the PONI file beside profile.toml: 0.1 mm is 1e-3 angstrom.",
    )


def geometry_is_a_calibration_of_late(case: Case) -> Judgement | None:
    """Check that the geometry is the newest kept in the data folder, and not old; says nothing where none is kept."""
    if case.place is None or not case.place.calibrations:
        return None
    digest, newest = case.recipe.geometry.digest, case.place.calibrations[-1]
    mine = next((kept for kept in reversed(case.place.calibrations) if kept.record.geometry_digest == digest), None)
    limit = f"the newest calibration, at most {OLDEST_H:g} h old"
    latest = f"{newest.record.digest[:8]} of {newest.record.made[:16]}"
    if mine is None:
        return warned_if(
            True,
            f"geometry {digest[:8]} is none of the {len(case.place.calibrations)} calibrations kept here",
            limit,
            f"Use the newest, {latest}: --calibration last.",
        )
    found = (
        f"calibrated {mine.age_h:.1f} h ago with {mine.record.calibrant}, {len(mine.record.rings)} rings, "
        f"{mine.record.rms_px:.3f} px rms"
    )
    if mine.record.made != newest.record.made:
        return warned_if(True, found, limit, f"There is a newer one, {latest}: --calibration last.")
    return warned_if(mine.age_h > OLDEST_H, found, limit, "Calibrate again: lics calibrate --expose.")


def detector_is_a_plate(case: Case) -> Judgement:
    """Check that the geometry is that of a 300 mm plate."""
    rows, columns, pixel_mm = _grid(case.recipe.geometry)
    edges = (rows * pixel_mm, columns * pixel_mm)
    return refused_if(
        any(abs(edge - PLATE_MM) > 1.0 for edge in edges),
        f"{rows} x {columns} pixels of {1000 * pixel_mm:g} um: {edges[0]:g} x {edges[1]:g} mm",
        f"{PLATE_MM:g} x {PLATE_MM:g} mm",
        "Use the geometry of this detector.",
    )


def beam_meets_the_detector(case: Case) -> Judgement:
    """Check that the direct beam falls on the plate."""
    geometry = case.recipe.geometry
    rows, columns, pixel_mm = _grid(geometry)
    centre = geometry.plane.beam1_mm, geometry.plane.beam2_mm
    inside = 0 <= centre[0] <= rows * pixel_mm and 0 <= centre[1] <= columns * pixel_mm
    middle = math.hypot(centre[0] - rows * pixel_mm / 2, centre[1] - columns * pixel_mm / 2)
    return graded(
        refuse=not inside,
        warn=middle > 0.1 * rows * pixel_mm,
        found=f"at {centre[0]:.2f}, {centre[1]:.2f} mm, {middle:.1f} mm from the middle",
        limit=f"on the plate, within {0.1 * rows * pixel_mm:g} mm of its middle without a warning",
        remedy="Check poni1, poni2 and the tilts of the geometry.",
    )


def pattern_ends_on_the_detector(case: Case) -> Judgement:
    """Check that the largest angle integrated is one that a corner of the plate sees."""
    farthest = max(_corners_deg(case.recipe.geometry))
    begin, end = case.recipe.frames.two_theta_deg
    return graded(
        refuse=begin >= farthest,  # every bin would be empty, and no phase ever found
        warn=end > farthest,
        found=f"integrated from {begin:g} to {end:g} deg",
        limit=f"up to {farthest:.1f} deg, the farthest corner",
        remedy="Lower frames.two_theta_deg.",
    )


def pattern_begins_behind_the_beam_stop(case: Case) -> Judgement:
    """Check that the smallest angle integrated is not in the shadow of the beam stop."""
    asked = case.recipe.frames.two_theta_deg[0]
    return warned_if(
        asked < LEAST_TWO_THETA_DEG,
        f"integrated from {asked:g} deg",
        f"{LEAST_TWO_THETA_DEG:g} deg or more",
        "Raise frames.two_theta_deg.",
    )


def bins_are_about_as_wide_as_pixels(case: Case) -> Judgement:
    """Check that a bin is neither much wider than a pixel nor much narrower."""
    geometry, frames = case.recipe.geometry, case.recipe.frames
    _, _, pixel_mm = _grid(geometry)
    low, high = frames.two_theta_deg
    pixel_deg = math.degrees(math.atan(pixel_mm / geometry.distance_mm))
    bin_px = (high - low) / frames.bins / pixel_deg
    return warned_if(
        not FINEST_BIN_PX <= bin_px <= COARSEST_BIN_PX,
        f"{(high - low) / frames.bins:.4f} deg a bin, {bin_px:.2f} pixels",
        f"{FINEST_BIN_PX:g} to {COARSEST_BIN_PX:g} pixels of {pixel_deg:.4f} deg",
        "Change frames.bins.",
    )


def wavelength_passes_the_anvils(case: Case) -> Judgement:
    """Check that the X-rays are hard enough for diamonds."""
    wavelength = case.recipe.geometry.wavelength_angstrom
    energy_kev = energy_kev_from_wavelength(wavelength)
    return warned_if(
        energy_kev < LEAST_ENERGY_KEV,
        f"{energy_kev:.3f} keV ({wavelength:.5f} angstrom)",
        f"at least {LEAST_ENERGY_KEV:g} keV",
        "Check Wavelength in the PONI file: it is in metres.",
    )


def distance_is_one_of_this_hutch(case: Case) -> Judgement:
    """Check that the detector stands neither in the cell nor in the wall."""
    distance_mm = case.recipe.geometry.distance_mm
    return warned_if(
        not NEAREST_MM <= distance_mm <= FARTHEST_MM,
        f"{distance_mm:.1f} mm",
        f"{NEAREST_MM:g} to {FARTHEST_MM:g} mm",
        "Check Distance in the PONI file: it is in metres.",
    )


def _numbers(geometry: Geometry) -> dict[str, float]:
    lines = dict(line.split(": ", 1) for line in geometry.poni.splitlines())
    return {key: float(lines[key]) for key in ("Distance", "Poni1", "Poni2", "Rot1", "Rot2", "Rot3")}


def _grid(geometry: Geometry) -> tuple[int, int, float]:
    config = geometry.detector_config
    rows, columns = config.get("max_shape") or (0, 0)
    return int(rows), int(columns), 1e3 * float(config.get("pixel1", 0.0))


def _corners_deg(geometry: Geometry) -> list[float]:
    """Scattering angle of each corner [deg]."""
    rows, columns, pixel_mm = _grid(geometry)
    places = product((0.0, rows * pixel_mm), (0.0, columns * pixel_mm))
    return [math.degrees(float(geometry.plane.two_theta_rad(*place))) for place in places]


RULES: tuple[Rule[Case], ...] = (
    geometry_is_a_calibration,
    geometry_is_a_calibration_of_late,
    detector_is_a_plate,
    beam_meets_the_detector,
    pattern_ends_on_the_detector,
    pattern_begins_behind_the_beam_stop,
    bins_are_about_as_wide_as_pixels,
    wavelength_passes_the_anvils,
    distance_is_one_of_this_hutch,
)
