"""Calibrating a geometry: a frame of a calibrant in, where the detector stands out, or a refusal that says why.

Three steps: a search that needs no start (`ring_search`), points on the rings (`control_points`), a refinement
(`refinement`), the last two twice. Then it is judged: a calibration that is wrong is worse than none, because every
cell measured with it is wrong without a sign.

Which way up an image is stored cannot be seen in rings: they look the same in a mirror. Only where the beam is said to
hit the detector tells, and a start that disagrees, while a flip of the image agrees, is refused with the name of that
flip.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.calibration.calibrant import Calibrant
from lics_beamline.calibration.calibration_refusal import (
    LARGEST_RESIDUAL_PX,
    doubt_of_distance,
    judge_beam,
    refuse_few,
    refuse_imprecise,
    refuse_without_rings,
)
from lics_beamline.calibration.control_points import ControlPoints, find_control_points
from lics_beamline.calibration.refinement import NUMBERS, Pixels, RefinedGeometry, detector_of, refine, straightened
from lics_beamline.calibration.ring_search import Found, contrast_of, find_rings
from lics_beamline.errors import CalibrationRefused
from lics_beamline.frames.counts import Counts
from lics_beamline.frames.orientation import oriented
from lics_beamline.frames.pixel_size import doubt_of_pixels
from lics_beamline.frames.static_image import StaticMask
from lics_beamline.geometry.detector_plane import DetectorPlane
from lics_beamline.geometry.geometry import Geometry

Array = npt.NDArray[np.float64]

DISTANCE_SEARCH_FACTOR: Final = 2.0  # distances are searched from the start's divided by this to the start's times this
GOOD_START_MM: Final = 2.0  # a start that is refined without a search knows the beam to this ...
GOOD_START_DISTANCE: Final = 0.01  # ... and its distance to this part; farther, other rings are as near
FIRST_WINDOW_PX: Final = 15.0  # how far a ring may be from where the search expects it
WINDOW_WIDTHS: Final = 3.0  # afterwards: so many widths of the ring on either side
LEAST_WINDOW_PX: Final = 4.0
POINTS_A_RING: Final = 8  # fewer are no ring, but chance


@dataclass(frozen=True, slots=True, kw_only=True)
class RingFit:
    """One ring of a calibration.

    Parameters
    ----------
    name : str
        Miller indices.
    d_angstrom : float
        Certified spacing [angstrom].
    found_d_angstrom : float
        Spacing by the calibrated geometry [angstrom].
    points : int
        Points on it.
    mean_px, rms_px : float
        Their mean and root-mean-square residual along the radius [pixels].
    """

    name: str
    d_angstrom: float
    found_d_angstrom: float
    points: int
    mean_px: float
    rms_px: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """A geometry found with a calibrant.

    Parameters
    ----------
    geometry : Geometry
        The result.
    calibrant : Calibrant
        The calibrant in the beam.
    sigma : dict of float
        Standard deviation of each physical quantity; 0 where it was fixed: ``beam_distance_mm``, ``beam1_mm``,
        ``beam2_mm``, ``tilt_deg``, ``distance_mm``, ``poni1_mm``, ``poni2_mm``, ``rot1_rad``, ``rot2_rad``,
        ``wavelength_angstrom``.
    rings : tuple of RingFit
        By falling spacing.
    rms_px, rms_deg : float
        Root-mean-square residual of all points [pixels along the radius], [deg in two theta].
    displacement, displacement_sigma : float
        Of all lines, in fractions of their width.
    free_wavelength : bool
        Whether the wavelength was refined.
    points : ControlPoints
        Where the rings were found; rows and columns as in orientation 3.
    residual_px : ndarray, shape (points,)
        Residual of each along the radius [pixels].
    notes : tuple of str
        Notes for the user.
    """

    geometry: Geometry
    calibrant: Calibrant
    sigma: dict[str, float]
    rings: tuple[RingFit, ...]
    rms_px: float
    rms_deg: float
    displacement: float
    displacement_sigma: float
    free_wavelength: bool
    points: ControlPoints
    residual_px: Array
    notes: tuple[str, ...] = ()


def calibrate(
    frame: Counts,
    calibrant: Calibrant,
    start: Geometry,
    *,
    saturation_counts: int | None = None,
    mask: StaticMask | None = None,
    free_wavelength: bool = False,
    beam_is_known: bool = True,
    said_pixel_mm: tuple[float, float] | None = None,
) -> Calibration:
    """Find the geometry of a frame of a calibrant.

    Parameters
    ----------
    frame : ndarray of int32 or float32, shape (rows, columns)
        Counts in the order of the file; negative pixels and NaN are dead.
    calibrant : Calibrant
        The calibrant in the beam.
    start : Geometry
        Detector, orientation, wavelength; its distance is believed within a factor of two, its centre not at all, but
        to tell the orientation.
    saturation_counts : int, optional
        Count from which a pixel is full.
    mask : StaticMask, optional
        Pixels to leave out, in the order of the file.
    free_wavelength : bool
        Refine the wavelength too; only large angles tell it from the distance.
    beam_is_known : bool
        Refuse where the beam is farther from where the start has it than `BEAM_TRUST_MM` and a flip explains that.
    said_pixel_mm : tuple of float, optional
        Height and width of a pixel by the file of the frame [mm]; others in the start are told.

    Raises
    ------
    CalibrationRefused
        If there are no rings of this calibrant, too few, they leave too large a residual, or the image is flipped.
    """
    shape = (int(frame.shape[0]), int(frame.shape[1]))
    detector = detector_of(start, shape)
    upright = oriented(frame, start.orientation)
    bad = ~(upright >= 0)  # also where it is not a number
    if saturation_counts is not None:
        bad |= upright >= saturation_counts
    if detector.dead is not None:
        bad |= oriented(detector.dead, start.orientation)
    if mask is not None:
        bad |= oriented(mask.array(shape), start.orientation)
    if detector.distorted is not None:
        upright, bad = straightened(detector, upright, bad)
    about_mm = start.plane.beam_distance_mm
    doubts = doubt_of_pixels(said_pixel_mm, detector.pixel_mm, where="the starting geometry")
    found = find_rings(
        contrast_of(upright, bad, detector.pixel_mm),
        calibrant,
        start.wavelength_angstrom,
        distance_mm=(about_mm / DISTANCE_SEARCH_FACTOR, about_mm * DISTANCE_SEARCH_FACTOR),
    )
    try:
        refuse_without_rings(found, calibrant, about_mm, factor=DISTANCE_SEARCH_FACTOR)
    except CalibrationRefused:
        refined = _near(start, upright, bad, detector, calibrant, free_wavelength)
        if refined is None:
            raise
        near = (
            f"refined from the start that was given, which a search without one does not confirm (likeness "
            f"{found.likeness:.2f}): panels out of line or a distorted image blur rings so, and are not corrected for",
            *doubts,
        )
        return _calibration(start, calibrant, refined, found, detector, free_wavelength=free_wavelength, notes=near)
    judge_beam(start, found.plane, shape, detector.pixel_mm, beam_is_known=beam_is_known)
    refined = _refined(upright, bad, detector, calibrant, start.wavelength_angstrom, found.plane, free_wavelength)
    # Once more: a flip that leaves hundredths of a millimetre is told from chance only by a refined beam.
    notes = judge_beam(start, refined.plane, shape, detector.pixel_mm, beam_is_known=beam_is_known)
    notes += doubt_of_distance(about_mm, refined.plane.beam_distance_mm) + doubts
    return _calibration(start, calibrant, refined, found, detector, free_wavelength=free_wavelength, notes=notes)


def _near(
    start: Geometry,
    upright: Counts,
    bad: npt.NDArray[np.bool_],
    detector: Pixels,
    calibrant: Calibrant,
    free_wavelength: bool,
) -> RefinedGeometry | None:
    """Return what refining from the start itself gives, or None where its rings are not those of the calibrant.

    Panels out of line or a distorted image blur the rings that the search stacks. Where the start is good, each ring
    is found in its window all the same; wrong rings end in too few lines, a residual, or another distance.
    """
    plane = start.plane
    try:
        refined = _refined(upright, bad, detector, calibrant, start.wavelength_angstrom, plane, free_wavelength)
    except CalibrationRefused:
        return None
    moved = math.hypot(refined.plane.beam1_mm - plane.beam1_mm, refined.plane.beam2_mm - plane.beam2_mm)
    nearer = refined.plane.beam_distance_mm / plane.beam_distance_mm
    rms_px = math.sqrt(float(np.mean(refined.residual_rad**2))) * plane.beam_distance_mm / min(detector.pixel_mm)
    stayed = moved < GOOD_START_MM and abs(nearer - 1.0) < GOOD_START_DISTANCE
    return refined if stayed and rms_px < LARGEST_RESIDUAL_PX else None


def _refined(
    upright: Counts,
    bad: npt.NDArray[np.bool_],
    detector: Pixels,
    calibrant: Calibrant,
    wavelength_angstrom: float,
    plane: DetectorPlane,
    free_wavelength: bool,
) -> RefinedGeometry:
    """Points and refinement, twice: in wide windows, then in windows as wide as the lines ask for."""
    d_angstrom = np.array([line.d_angstrom for line in calibrant.lines(wavelength_angstrom)])
    window_px = FIRST_WINDOW_PX
    for last in (False, True):
        px_rad = min(detector.pixel_mm) / plane.distance_mm
        points = find_control_points(
            upright,
            bad,
            detector.pixel_mm,
            plane,
            2.0 * np.arcsin(wavelength_angstrom / (2.0 * d_angstrom)),
            window_rad=window_px * px_rad,
        )
        points = points.chosen(np.bincount(points.ring, minlength=len(d_angstrom))[points.ring] >= POINTS_A_RING)
        refuse_few(points, calibrant, free_wavelength=free_wavelength)
        refined = refine(
            points,
            d_angstrom,
            plane,
            shape=(upright.shape[0], upright.shape[1]),
            pixel_mm=detector.pixel_mm,
            wavelength_angstrom=wavelength_angstrom,
            free_wavelength=free_wavelength and last,
            rounds=2 if last else 1,
        )
        plane = refined.plane
        window_px = max(WINDOW_WIDTHS * float(np.median(points.width_rad)) / px_rad, LEAST_WINDOW_PX)
    return refined


def _calibration(
    start: Geometry,
    calibrant: Calibrant,
    refined: RefinedGeometry,
    found: Found,
    detector: Pixels,
    *,
    free_wavelength: bool,
    notes: tuple[str, ...],
) -> Calibration:
    plane, points, wavelength = refined.plane, refined.points, refined.wavelength_angstrom
    angles = refined.residual_rad
    # How far a ray that is off by a small angle lands from its ring, in the middle of the detector's tilt.
    two_theta = 2.0 * np.arcsin(
        wavelength / (2.0 * np.array([line.d_angstrom for line in calibrant.lines(start.wavelength_angstrom)]))
    )
    per_rad = plane.beam_distance_mm / np.cos(two_theta[points.ring]) ** 2 / min(detector.pixel_mm)
    residual_px = angles * per_rad
    rms_px = math.sqrt(float(np.mean(residual_px**2)))
    sigma = _sigmas(refined)
    refuse_imprecise(calibrant, plane, sigma["beam_distance_mm"], rms_px=rms_px)
    lines = calibrant.lines(start.wavelength_angstrom)
    rings = []
    for index in np.unique(points.ring):
        of_ring = points.ring == index
        angle = two_theta[index] + float(np.mean(angles[of_ring]))
        rings.append(
            RingFit(
                name=str(lines[index].reflection),
                d_angstrom=lines[index].d_angstrom,
                found_d_angstrom=wavelength / (2.0 * math.sin(angle / 2.0)),
                points=int(of_ring.sum()),
                mean_px=float(np.mean(residual_px[of_ring])),
                rms_px=math.sqrt(float(np.mean(residual_px[of_ring] ** 2))),
            )
        )
    return Calibration(
        geometry=start.moved(plane, wavelength_angstrom=wavelength if free_wavelength else None),
        calibrant=calibrant,
        sigma=sigma,
        rings=tuple(rings),
        rms_px=rms_px,
        rms_deg=math.degrees(math.sqrt(float(np.mean(angles**2)))),
        displacement=refined.displacement,
        displacement_sigma=math.sqrt(float(refined.covariance[-1, -1])),
        free_wavelength=free_wavelength,
        points=points,
        residual_px=residual_px,
        notes=notes,
    )


def _sigmas(refined: RefinedGeometry) -> dict[str, float]:
    """Return standard deviations of what was refined and of what follows from it."""
    plane, covariance = refined.plane, refined.covariance
    sigma = {name: math.sqrt(float(covariance[i, i])) for i, name in enumerate(NUMBERS) if name != "displacement"}
    names = ("distance_mm", "poni1_mm", "poni2_mm", "rot1_rad", "rot2_rad")
    steps = (1e-3, 1e-3, 1e-3, 1e-6, 1e-6)
    for wanted in ("beam_distance_mm", "beam1_mm", "beam2_mm", "tilt_deg"):
        slopes = [
            (
                getattr(dataclasses.replace(plane, **{name: getattr(plane, name) + step}), wanted)
                - getattr(dataclasses.replace(plane, **{name: getattr(plane, name) - step}), wanted)
            )
            / (2.0 * step)
            for name, step in zip(names, steps, strict=True)
        ]
        gradient = np.array(slopes)
        sigma[wanted] = math.sqrt(max(float(gradient @ covariance[:5, :5] @ gradient), 0.0))
    return sigma
