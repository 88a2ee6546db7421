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
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.diffraction.calibrant import Calibrant
from lics_beamline.diffraction.control_points import ControlPoints, find_control_points
from lics_beamline.diffraction.detector_plane import DetectorPlane
from lics_beamline.diffraction.frame import Counts
from lics_beamline.diffraction.geometry import Geometry
from lics_beamline.diffraction.refinement import NUMBERS, Pixels, Refined, detector_of, refine
from lics_beamline.diffraction.ring_search import Found, contrast_of, find_rings
from lics_beamline.errors import CalibrationRefused

Array = npt.NDArray[np.float64]

FURTHER: Final = 2.0  # distances are searched from the start's divided by this to the start's times this
LEAST_LIKENESS: Final = 0.1  # of rings found to the calibrant's; a frame without rings has 0.03
MOST_AMBIGUOUS: Final = 0.85  # of the best likeness: another distance explains the rings as well
FIRST_WINDOW_PX: Final = 15.0  # how far a ring may be from where the search expects it
WINDOW_WIDTHS: Final = 3.0  # afterwards: so many widths of the ring on either side
LEAST_WINDOW_PX: Final = 4.0
POINTS_A_RING: Final = 8  # fewer are no ring, but chance
LEAST_RINGS: Final = 4
LEAST_RINGS_FREE: Final = 6  # where the wavelength is refined too
LEAST_POINTS: Final = 60
LEAST_SEEN: Final = 0.6  # of the calibrant's lines between the first and the last that were found
LARGEST_RESIDUAL_PX: Final = 0.5  # root mean square; wrong rings leave pixels, good ones a few hundredths
LEAST_PRECISION: Final = 1e-3  # relative standard deviation of the distance: 4e-3 angstrom in a cell of the alloy
BEAM_TRUST_MM: Final = 7.5  # a start is believed to know the beam to 5 mm in each direction
BEAM_AGREES_MM: Final = 2.0  # a flip that brings the beam so near to the start is what was meant
FLIPS: Final = {1: (True, True), 2: (True, False), 3: (False, False), 4: (False, True)}  # rows, columns against 3
FLIP_WORDS: Final = {
    1: "turned by 180 degrees",
    2: "flipped up-down",
    3: "as stored",
    4: "flipped left-right",
}


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
        What it was found with.
    sigma : dict of float
        Standard deviation of each physical quantity; 0 where it was fixed: ``beam_distance_mm``, ``beam1_mm``,
        ``beam2_mm``, ``tilt_deg``, ``distance_mm``, ``poni1_mm``, ``poni2_mm``, ``rot1_rad``, ``rot2_rad``,
        ``wavelength_angstrom``.
    rings : tuple of RingFit
        By falling spacing.
    rms_px, rms_deg : float
        Root-mean-square residual of all points [pixels along the radius], [deg in two theta].
    likeness : float
        How alike the frame's rings were to the calibrant's in the search, 1 at best.
    displacement, displacement_sigma : float
        Of all lines, in fractions of their width.
    free_wavelength : bool
        Whether the wavelength was refined.
    points : ControlPoints
        Where the rings were found; rows and columns as in orientation 3.
    residual_px : ndarray, shape (points,)
        Residual of each along the radius [pixels].
    notes : tuple of str
        What a person should know about it.
    """

    geometry: Geometry
    calibrant: Calibrant
    sigma: dict[str, float]
    rings: tuple[RingFit, ...]
    rms_px: float
    rms_deg: float
    likeness: float
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
    free_wavelength: bool = False,
    beam_is_known: bool = True,
) -> Calibration:
    """Find the geometry of a frame of a calibrant.

    Parameters
    ----------
    frame : ndarray of int32 or float32, shape (rows, columns)
        Counts in the order of the file; negative pixels and NaN are dead.
    calibrant : Calibrant
        What was in the beam.
    start : Geometry
        Detector, orientation, wavelength; its distance is believed within a factor of two, its centre not at all, but
        to tell the orientation.
    saturation_counts : int, optional
        Count from which a pixel is full.
    free_wavelength : bool
        Refine the wavelength too; only large angles tell it from the distance.
    beam_is_known : bool
        Refuse where the beam is farther from where the start has it than `BEAM_TRUST_MM` and a flip explains that.

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
    about_mm = start.plane.beam_distance_mm
    found = find_rings(
        contrast_of(upright, bad, detector.pixel_mm),
        calibrant,
        start.wavelength_angstrom,
        distance_mm=(about_mm / FURTHER, about_mm * FURTHER),
    )
    _refuse_without_rings(found, calibrant, about_mm)
    notes = _judge_beam(start, found.plane, shape, detector.pixel_mm, beam_is_known=beam_is_known)
    refined = _refined(upright, bad, detector, calibrant, start.wavelength_angstrom, found.plane, free_wavelength)
    return _calibration(start, calibrant, refined, found, detector, free_wavelength=free_wavelength, notes=notes)


def oriented(image: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Return an image stored in some orientation as it would be in orientation 3; its own inverse.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Any image.
    orientation : int
        1 to 4, as pyFAI counts.
    """
    rows, columns = FLIPS[orientation]
    return image[:: -1 if rows else 1, :: -1 if columns else 1]


def _refined(
    upright: Counts,
    bad: npt.NDArray[np.bool_],
    detector: Pixels,
    calibrant: Calibrant,
    wavelength_angstrom: float,
    plane: DetectorPlane,
    free_wavelength: bool,
) -> Refined:
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
        _refuse_few(points, calibrant, free_wavelength=free_wavelength)
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


def _refuse_without_rings(found: Found, calibrant: Calibrant, about_mm: float) -> None:
    if found.likeness < LEAST_LIKENESS:
        raise CalibrationRefused(
            f"the frame shows no rings of {calibrant.name}: likeness {found.likeness:.2f}, at least {LEAST_LIKENESS:g} "
            f"wanted, at distances of {about_mm / FURTHER:.0f} to {about_mm * FURTHER:.0f} mm. Check calibrant, "
            "wavelength, exposure and the distance of the starting geometry.",
            likeness=found.likeness,
        )
    if found.next_likeness > MOST_AMBIGUOUS * found.likeness:
        raise CalibrationRefused(
            f"the rings do not say where the detector is: {found.plane.beam_distance_mm:.0f} mm explains them "
            f"(likeness {found.likeness:.2f}) hardly better than another distance ({found.next_likeness:.2f}, at most "
            f"{MOST_AMBIGUOUS:.0%} of it allowed). Expose longer, or more of the rings; check the calibrant.",
            likeness=found.likeness,
            next_likeness=found.next_likeness,
        )


def _refuse_few(points: ControlPoints, calibrant: Calibrant, *, free_wavelength: bool) -> None:
    rings = np.unique(points.ring)
    wanted = LEAST_RINGS_FREE if free_wavelength else LEAST_RINGS
    if len(rings) < wanted or len(points) < LEAST_POINTS:
        raise CalibrationRefused(
            f"{len(points)} points on {len(rings)} rings of {calibrant.name} were found; at least {LEAST_POINTS} on "
            f"{wanted} are needed. Expose longer, or check that it is {calibrant.name}.",
            rings=len(rings),
            points=len(points),
        )
    crossed = int(rings[-1] - rings[0]) + 1
    if len(rings) < LEAST_SEEN * crossed:
        raise CalibrationRefused(
            f"{len(rings)} of the {crossed} lines of {calibrant.name} between the first and the last that were found "
            f"are on the frame; at least {LEAST_SEEN:.0%} are wanted: these are rings of something else. Check the "
            "calibrant.",
            rings=len(rings),
            expected=crossed,
        )


def _judge_beam(
    start: Geometry,
    plane: DetectorPlane,
    shape: tuple[int, int],
    pixel_mm: tuple[float, float],
    *,
    beam_is_known: bool,
) -> tuple[str, ...]:
    """Compare the place of the beam with the start's, in all orientations; refuse where a flip explains it."""
    meant = start.plane
    size = (shape[0] * pixel_mm[0], shape[1] * pixel_mm[1])
    away = {}
    for orientation, flip in FLIPS.items():
        changed = [now != was for now, was in zip(flip, FLIPS[start.orientation], strict=True)]
        place = [
            side - at if change else at
            for side, at, change in zip(size, (plane.beam1_mm, plane.beam2_mm), changed, strict=True)
        ]
        away[orientation] = math.hypot(place[0] - meant.beam1_mm, place[1] - meant.beam2_mm)
    asked = away[start.orientation]
    best = min(away, key=lambda orientation: away[orientation])
    if beam_is_known and asked > BEAM_TRUST_MM and away[best] < BEAM_AGREES_MM:
        raise CalibrationRefused(
            f"the rings' centre is {asked:.2f} mm from where the starting geometry has the beam (limit "
            f"{BEAM_TRUST_MM:g} mm) with the image in orientation {start.orientation}, and {away[best]:.2f} mm with it "
            f"{FLIP_WORDS[best]}: it is orientation {best}. Calibrate with --orientation {best}; or, if the "
            "detector was moved so far, with --beam-anywhere.",
            orientation=best,
            asked_mm=asked,
            best_mm=away[best],
        )
    notes = []
    if asked > BEAM_TRUST_MM:
        notes.append(f"the beam hits {asked:.2f} mm from where the starting geometry has it")
    others = min(value for orientation, value in away.items() if orientation != start.orientation)
    if others < asked + BEAM_AGREES_MM:
        notes.append(
            f"orientation {start.orientation} is taken on trust: rings look the same in a mirror, and the beam is too "
            "near the middle of the frame to tell"
        )
    return tuple(notes)


def _calibration(
    start: Geometry,
    calibrant: Calibrant,
    refined: Refined,
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
    if rms_px > LARGEST_RESIDUAL_PX:
        raise CalibrationRefused(
            f"the points lie {rms_px:.2f} pixels (rms) off the rings of {calibrant.name}; at most "
            f"{LARGEST_RESIDUAL_PX:g} is believed. Look at the image: is the detector flat and all of one piece, is it "
            f"{calibrant.name}, is the sample one?",
            rms_px=rms_px,
        )
    sigma = _sigmas(refined)
    if sigma["beam_distance_mm"] > LEAST_PRECISION * plane.beam_distance_mm:
        raise CalibrationRefused(
            f"the distance is known to {sigma['beam_distance_mm']:.3f} mm of {plane.beam_distance_mm:.2f} mm only; "
            f"{LEAST_PRECISION:g} of it is the limit. Show more rings, at larger angles"
            + (", or fix the wavelength." if free_wavelength else "."),
            sigma_mm=sigma["beam_distance_mm"],
        )
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
        likeness=found.likeness,
        displacement=refined.displacement,
        displacement_sigma=math.sqrt(float(refined.covariance[-1, -1])),
        free_wavelength=free_wavelength,
        points=points,
        residual_px=residual_px,
        notes=notes,
    )


def _sigmas(refined: Refined) -> dict[str, float]:
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
