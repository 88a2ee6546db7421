"""Rules about the detector's geometry: is it a calibration, of this detector, and does the pattern fit on it."""

from __future__ import annotations

import math
from itertools import product
from typing import Final

import numpy as np

from lics_beamline.diffraction.geometry import Geometry
from lics_beamline.plans.checks.case import Case
from lics_beamline.plans.checks.finding import Judgement, Rule, graded, refused_if, warned_if
from lics_beamline.units import energy_kev_from_wavelength

PLATE_MM: Final = 300.0  # edge of a plate of the R-AXIS IV++
LEAST_ENERGY_KEV: Final = 15.0  # below it two diamond anvils of 2 mm take most of the beam
NEAREST_MM, FARTHEST_MM = 100.0, 1000.0  # where an image plate stands at a beamline for anvil cells
LEAST_TWO_THETA_DEG: Final = 1.0  # below it the beam stop
COARSEST_BIN_PX, FINEST_BIN_PX = 2.0, 0.5  # a bin is about a pixel: coarser blurs lines, finer correlates points


def geometry_is_a_calibration(case: Case) -> Judgement:
    """Check that the detector has a tilt and an odd distance, as every real one: else the geometry is nominal."""
    geometry = case.manner.recipe.geometry
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


def detector_is_a_plate(case: Case) -> Judgement:
    """Check that the geometry is that of a 300 mm plate."""
    rows, columns, pixel_mm = _grid(case.manner.recipe.geometry)
    edges = (rows * pixel_mm, columns * pixel_mm)
    return refused_if(
        any(abs(edge - PLATE_MM) > 1.0 for edge in edges),
        f"{rows} x {columns} pixels of {1000 * pixel_mm:g} um: {edges[0]:g} x {edges[1]:g} mm",
        f"{PLATE_MM:g} x {PLATE_MM:g} mm",
        "Use the geometry of this detector.",
    )


def beam_meets_the_detector(case: Case) -> Judgement:
    """Check that the direct beam falls on the plate."""
    geometry = case.manner.recipe.geometry
    rows, columns, pixel_mm = _grid(geometry)
    centre = _centre_mm(geometry)
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
    farthest = max(_corners_deg(case.manner.recipe.geometry))
    asked = case.manner.recipe.frames.two_theta_deg[1]
    return warned_if(
        asked > farthest,
        f"integrated to {asked:g} deg",
        f"up to {farthest:.1f} deg, the farthest corner",
        "Lower frames.two_theta_deg.",
    )


def pattern_begins_behind_the_beam_stop(case: Case) -> Judgement:
    """Check that the smallest angle integrated is not in the shadow of the beam stop."""
    asked = case.manner.recipe.frames.two_theta_deg[0]
    return warned_if(
        asked < LEAST_TWO_THETA_DEG,
        f"integrated from {asked:g} deg",
        f"{LEAST_TWO_THETA_DEG:g} deg or more",
        "Raise frames.two_theta_deg.",
    )


def bins_are_about_as_wide_as_pixels(case: Case) -> Judgement:
    """Check that a bin is neither much wider than a pixel nor much narrower."""
    geometry, frames = case.manner.recipe.geometry, case.manner.recipe.frames
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
    wavelength = case.manner.recipe.geometry.wavelength_angstrom
    energy_kev = energy_kev_from_wavelength(wavelength)
    return warned_if(
        energy_kev < LEAST_ENERGY_KEV,
        f"{energy_kev:.3f} keV ({wavelength:.5f} angstrom)",
        f"at least {LEAST_ENERGY_KEV:g} keV",
        "Check Wavelength in the PONI file: it is in metres.",
    )


def distance_is_one_of_this_hutch(case: Case) -> Judgement:
    """Check that the detector stands neither in the cell nor in the wall."""
    distance_mm = case.manner.recipe.geometry.distance_mm
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


def _centre_mm(geometry: Geometry) -> tuple[float, float]:
    """Where the direct beam meets the detector [mm]; pyFAI's convention of tilts (J. Appl. Cryst. 48, 510 (2015))."""
    v = _numbers(geometry)
    along1 = v["Poni1"] + v["Distance"] * math.tan(v["Rot2"]) / math.cos(v["Rot1"])
    along2 = v["Poni2"] - v["Distance"] * math.tan(v["Rot1"])
    return 1e3 * along1, 1e3 * along2


def _corners_deg(geometry: Geometry) -> list[float]:
    """Scattering angle of each corner [deg]; tilts as pyFAI has them, rot3 turns about the beam and changes none."""
    v = _numbers(geometry)
    rows, columns, pixel_mm = _grid(geometry)
    sin1, cos1, sin2, cos2 = math.sin(v["Rot1"]), math.cos(v["Rot1"]), math.sin(v["Rot2"]), math.cos(v["Rot2"])
    angles = []
    for row, column in product((0, rows), (0, columns)):
        p1, p2, p3 = row * pixel_mm * 1e-3 - v["Poni1"], column * pixel_mm * 1e-3 - v["Poni2"], v["Distance"]
        x1 = p1 * cos2 + p2 * sin1 * sin2 - p3 * cos1 * sin2
        x2 = p2 * cos1 + p3 * sin1
        x3 = p1 * sin2 - p2 * cos2 * sin1 + p3 * cos1 * cos2
        angles.append(float(np.degrees(np.arctan2(math.hypot(x1, x2), x3))))
    return angles


RULES: tuple[Rule[Case], ...] = (
    geometry_is_a_calibration,
    detector_is_a_plate,
    beam_meets_the_detector,
    pattern_ends_on_the_detector,
    pattern_begins_behind_the_beam_stop,
    bins_are_about_as_wide_as_pixels,
    wavelength_passes_the_anvils,
    distance_is_one_of_this_hutch,
)
