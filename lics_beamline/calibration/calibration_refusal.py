"""When a calibration is refused: no rings, too few, an imprecise or wrong fit, an image that is flipped."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lics_beamline.calibration.calibrant import Calibrant
from lics_beamline.calibration.control_points import ControlPoints
from lics_beamline.calibration.ring_search import Found
from lics_beamline.errors import CalibrationRefused
from lics_beamline.frames.orientation import FLIP_WORDS, FLIPS
from lics_beamline.geometry.detector_plane import DetectorPlane
from lics_beamline.geometry.geometry import Geometry

LEAST_LIKENESS: Final = 0.1  # of rings found to the calibrant's; a frame without rings has 0.03
MOST_AMBIGUOUS: Final = 0.85  # of the best likeness: another distance explains the rings as well
LEAST_RINGS: Final = 4
LEAST_RINGS_FREE: Final = 6  # where the wavelength is refined too
LEAST_POINTS: Final = 60
LEAST_SEEN: Final = 0.6  # of the calibrant's lines between the first and the last that were found
LARGEST_RESIDUAL_PX: Final = 0.5  # root mean square; wrong rings leave pixels, good ones a few hundredths
LEAST_PRECISION: Final = 1e-3  # relative standard deviation of the distance: 4e-3 angstrom in a cell of the alloy
BEAM_TRUST_MM: Final = 7.5  # a start is believed to know the beam to 5 mm in each direction
BEAM_AGREES_MM: Final = 2.0  # a flip that brings the beam so near to the start is what was meant
FLIP_EXPLAINS: Final = 30.0  # times nearer by a flip: of rough starts three in thousand are so by chance
SAME_DISTANCE: Final = 1.15  # times the start's, or its inverse: a rough start is nearer
LEAST_FLIP_MM: Final = 0.5  # a beam nearer to the start than this is nobody's flip, but an older calibration


def refuse_without_rings(found: Found, calibrant: Calibrant, about_mm: float, *, factor: float) -> None:
    """Refuse where the frame shows no rings of the calibrant, or rings that fit two distances.

    Parameters
    ----------
    found : Found
        Result of the search.
    calibrant : Calibrant
        Whose rings were looked for.
    about_mm, factor : float
        Distance believed before [mm]; it was searched from that divided by the factor to that times the factor.
    """
    if found.likeness < LEAST_LIKENESS:
        raise CalibrationRefused(
            f"the frame shows no rings of {calibrant.name}: likeness {found.likeness:.2f}, at least {LEAST_LIKENESS:g} "
            f"wanted, at distances of {about_mm / factor:.0f} to {about_mm * factor:.0f} mm. Check calibrant, "
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


def refuse_few(points: ControlPoints, calibrant: Calibrant, *, free_wavelength: bool) -> None:
    """Refuse where there are too few points or rings, or too many rings are missing between the first and the last."""
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


def refuse_imprecise(calibrant: Calibrant, plane: DetectorPlane, sigma_mm: float, *, rms_px: float) -> None:
    """Refuse where the points lie too far off the rings, or do not say how far the detector is.

    Parameters
    ----------
    calibrant : Calibrant
        Whose rings they are.
    plane : DetectorPlane
        The refined detector plane.
    sigma_mm : float
        Standard deviation of the distance [mm].
    rms_px : float
        Root-mean-square residual [pixels].
    """
    if rms_px > LARGEST_RESIDUAL_PX:
        raise CalibrationRefused(
            f"the points lie {rms_px:.2f} pixels (rms) off the rings of {calibrant.name}; at most "
            f"{LARGEST_RESIDUAL_PX:g} is believed. Look at the image: is the detector flat and all of one piece, is it "
            f"{calibrant.name}, is the sample one?",
            rms_px=rms_px,
        )
    if sigma_mm > LEAST_PRECISION * plane.beam_distance_mm:
        raise CalibrationRefused(
            f"the distance is known to {sigma_mm:.3f} mm of {plane.beam_distance_mm:.2f} mm only; "
            f"{LEAST_PRECISION:g} of it is the limit. Show more rings, at larger angles, "
            "or fix the wavelength.",
            sigma_mm=sigma_mm,
        )


def doubt_of_distance(about_mm: float, found_mm: float) -> tuple[str, ...]:
    """Return what is to be said of a distance that is far from the start's.

    Rings tell a distance in pixels, and hardly tell it from a wavelength: pixels twice as large, as of a binned frame,
    and twice the distance make the same image.

    Parameters
    ----------
    about_mm, found_mm : float
        Distance along the beam, of the start and of the refined plane [mm].
    """
    times = found_mm / about_mm
    if 1.0 / SAME_DISTANCE <= times <= SAME_DISTANCE:
        return ()
    return (
        f"the distance is {times:.2f} times the {about_mm:.0f} mm of the start. Rings tell a distance in pixels only: "
        f"if the start is right, pixels are {1.0 / times:.2f} times as large as was said (2, 3, 4: the frame is "
        "binned), or the wavelength is another. Check --distance, the size of a pixel and the wavelength.",
    )


def judge_beam(
    start: Geometry,
    plane: DetectorPlane,
    shape: tuple[int, int],
    pixel_mm: tuple[float, float],
    *,
    beam_is_known: bool,
) -> tuple[str, ...]:
    """Compare the place of the beam with the start's, in all orientations; refuse where a flip explains it.

    Parameters
    ----------
    start : Geometry
        The starting geometry.
    plane : DetectorPlane
        The refined detector plane.
    shape : tuple of int
        Rows and columns.
    pixel_mm : tuple of float
        Height and width of a pixel [mm].
    beam_is_known : bool
        Whether to refuse at all.

    Returns
    -------
    tuple of str
        What a person should know, where nothing is refused.
    """
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
    far = asked > BEAM_TRUST_MM
    explained = asked > LEAST_FLIP_MM and asked > FLIP_EXPLAINS * away[best]
    if beam_is_known and (far or explained) and away[best] < BEAM_AGREES_MM:
        raise CalibrationRefused(
            f"the rings' centre is {asked:.2f} mm from where the starting geometry has the beam (limit "
            f"{BEAM_TRUST_MM:g} mm, or {FLIP_EXPLAINS:g} times what a flip leaves) with the image in orientation "
            f"{start.orientation}, and {away[best]:.2f} mm with it {FLIP_WORDS[best]}: it is orientation {best}. "
            f"Calibrate with --orientation {best}; or, if the detector was moved so far, with --beam-anywhere.",
            orientation=best,
            asked_mm=asked,
            best_mm=away[best],
        )
    notes = []
    if asked > BEAM_TRUST_MM:
        notes.append(f"the beam hits {asked:.2f} mm from where the starting geometry has it")
    others = min(value for orientation, value in away.items() if orientation != start.orientation)
    if explained:
        notes.append(
            f"orientation {best} has the beam {away[best]:.2f} mm from the start's, {start.orientation} has it "
            f"{asked:.2f} mm away: the image may be {FLIP_WORDS[best]}"
        )
    elif others < asked + BEAM_AGREES_MM:
        notes.append(
            f"orientation {start.orientation} is taken on trust: rings look the same in a mirror, and the beam is too "
            "near the middle of the frame to tell"
        )
    return tuple(notes)
