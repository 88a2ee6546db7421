"""What every exported file says of itself: which point of which run, at what P and T, from which image, reduced how."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.geometry.geometry import Geometry

# Where the first pixel of the file lies, seen from the sample (pyFAI.detectors.orientation).
FIRST_PIXEL: Final = {1: "top right", 2: "top left", 3: "bottom left", 4: "bottom right"}
CORRECTED: Final = "polarisation and solid angle are corrected: switch both off in the refinement"


def point_name(point: ReducedPoint) -> str:
    """Return the stem of the files of a point: its index, pressure and temperature; of an image by itself, its name."""
    if point.image:
        return point.image
    known = ((point.pressure_gpa, ".2f", "GPa"), (point.temperature_k, ".0f", "K"))
    state = (f"{value:{digits}}{unit}" for value, digits, unit in known if math.isfinite(value))
    return "_".join((f"point-{point.index:03d}", *state))


def title(run: ReducedRun, point: ReducedPoint) -> str:
    """Return one line that names sample, point and conditions, or the image."""
    if point.image:
        return f"image {point.image}"
    return (
        f"{run.sample}, point {point.index}, {point.leg}, {point.pressure_gpa:.3f} GPa, {point.temperature_k:.1f} K"
    ).strip(", ")


def says(run: ReducedRun, point: ReducedPoint) -> tuple[str, ...]:
    """Return what a file must say so that its numbers can be used without asking anybody.

    Parameters
    ----------
    run : ReducedRun
        The run of the point.
    point : ReducedPoint
        The point.

    Returns
    -------
    tuple of str
        Lines without a comment mark: pressure with both errors, temperature, load, wavelength, graininess of the rings,
        orientation of the image that was integrated, the runs and the recipe. Nobody knows P and T of an image that
        was reduced by itself.
    """
    if point.image:
        return (
            f"image {point.image}, pressure and temperature not known",
            f"wavelength = {run.wavelength_angstrom:.6f} angstrom",
            orientation(run),
            CORRECTED,
        )
    return (
        f"{run.sample}, point {point.index}, {point.leg}",
        _given_state(run, point)
        if run.is_imported
        else f"P = {point.pressure_gpa:.4f} +- {point.pressure_sigma_gpa:.4f} (stat) "
        f"+- {point.pressure_systematic_gpa:.4f} (syst) GPa, T = {point.temperature_k:.2f} K, "
        f"load = {point.load_bar:.3f} bar",
        f"wavelength = {run.wavelength_angstrom:.6f} angstrom",
        graininess(point),
        orientation(run),
        f"raw run {run.start['raw_uid']}, recipe {run.start['recipe_digest']}",
        CORRECTED,
    )


def _given_state(run: ReducedRun, point: ReducedPoint) -> str:
    """Return pressure and temperature of a point of an imported run, in words."""
    sigma, kelvin = point.pressure_sigma_gpa, point.temperature_k
    pressure = f"{point.pressure_gpa:.4f}{f' +- {sigma:.4f}' if math.isfinite(sigma) else ''} GPa"
    return (
        f"P = {pressure if math.isfinite(point.pressure_gpa) else 'not given'} (as given: {run.pressure_by}), "
        f"T = {f'{kelvin:.2f} K' if math.isfinite(kelvin) else 'not given'}"
    )


def graininess(point: ReducedPoint) -> str:
    """Return how unevenly grains fill the rings, in words."""
    measured = np.flatnonzero(np.isfinite(point.graininess))
    if not measured.size:
        return "graininess of the rings: not measured"
    # Neighbouring bins of one value are one ring.
    ends = np.flatnonzero((np.diff(measured) > 1) | (np.diff(point.graininess[measured]) != 0.0)) + 1
    rings = (
        f"{float(point.two_theta_deg[ring].mean()):.2f} deg {100.0 * point.graininess[ring[0]]:.1f} %"
        for ring in np.split(measured, ends)
    )
    return "graininess of the rings (scatter between sectors of 5 deg, beyond counting): " + ", ".join(rings)


def orientation(run: ReducedRun) -> str:
    """Return how the images of a run lie, in words."""
    geometry = run_geometry(run)
    if geometry is None:
        return "orientation of the image: not recorded"
    first = FIRST_PIXEL[geometry.orientation]
    return f"image orientation {geometry.orientation} (as pyFAI counts): first pixel {first}, seen from the sample"


def run_geometry(run: ReducedRun) -> Geometry | None:
    """Return the geometry the run was reduced with; None where its start document has none."""
    geometry = run.start.get("recipe", {}).get("geometry")
    return Geometry(poni=geometry["poni"]) if geometry else None
