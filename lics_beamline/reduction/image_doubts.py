"""What is to be said of an image before its numbers are believed: of its mask, of its rings, of its bins."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.calibration.ring_contrast import ring_contrast, sharper_pixels
from lics_beamline.frames.counts import Counts
from lics_beamline.frames.orientation import FLIP_WORDS
from lics_beamline.frames.pixel_size import doubt_of_pixels
from lics_beamline.frames.static_image import MOST_MASKED
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.integration.integration import detector_of
from lics_beamline.patterns.error_column import power_of_errors
from lics_beamline.patterns.pattern import Pattern

SURELY_BELOW: Final = 3.0  # standard errors below zero
MOST_BELOW: Final = 0.5  # share of the bins
# Power of the intensity that the scatter of the pixels of a ring goes with: 1/2 by counting, 1 of grains or a bad flat,
# 0 of the noise of a readout; -1 and less of logarithms.
LEAST_POWER_OF_COUNTS: Final = -0.3
LEAST_RISE: Final = 0.15  # of the logarithm of the intensity, at the steepest: less tells nothing
MOST_RINGS_TOLD: Final = 3  # of those that lost most
RINGS_APART: Final = 50  # of the range of angles: nearer ones are told as one
FULL_WORTH_TELLING: Final = 0.02  # of the pixels of a ring, full: its line is cut at the top ...
NEARLY_FULL: Final = 0.5  # ... if the others have so much of a full count; else the full ones are spots, or mark a gap
GRID_PX: Final = 16  # one pixel in so many tells how wide pixels are in 2theta


def doubt_of_mask(what: str, share: float) -> tuple[str, ...]:
    """Return what is to be said of a mask that takes more than half of an image.

    Parameters
    ----------
    what : str
        What masks the pixels.
    share : float
        Share of the pixels that are masked, 0 to 1.
    """
    if share <= MOST_MASKED:
        return ()
    return (
        f"{what} takes {100.0 * share:.1f} % of the pixels. A mask is 0 where a pixel is good: if this one is the "
        "other way round, turn it (lics reduce --invert-mask).",
    )


def doubt_of_pedestal(counts: float) -> tuple[str, ...]:
    """Return what is to be said of counts that all pixels have alike (`Pattern.pedestal_counts`)."""
    if counts <= 0.0:
        return ()
    return (
        f"about {counts:.3g} counts of each pixel are no scattering: they do not follow the polarisation around the "
        "rings, and correcting them makes most of the scatter there: errors are too large, and lines are missing. "
        "Take the pedestal off, as --dark FILE does, or say --polarisation if the beam has another.",
    )


def doubt_of_dark(intensity: npt.NDArray[np.float64], sigma: npt.NDArray[np.float64]) -> tuple[str, ...]:
    """Return what is to be said of a pattern that is below zero once its dark was taken off.

    Parameters
    ----------
    intensity, sigma : ndarray, shape (bins,)
        The pattern, and its errors; NaN where there is no pixel.
    """
    seen = np.isfinite(intensity)
    below = intensity[seen] < -SURELY_BELOW * sigma[seen]
    if not np.count_nonzero(below) > MOST_BELOW * below.size:
        return ()
    return (
        f"the dark image is brighter than the image: {np.median(intensity[seen]):.3g} counts a pixel are left. Is it "
        "of the same exposure, detector and readout?",
    )


def doubt_of_logarithms(pattern: Pattern) -> tuple[str, ...]:
    """Return what is to be said of an image whose pixels scatter less where rings are brighter: nothing counted does.

    Parameters
    ----------
    pattern : Pattern
        Made from it, with the numbers of pixels of its bins.
    """
    if pattern.counted is None:
        return ()
    power, rise = power_of_errors(pattern.intensity, pattern.sigma * np.sqrt(pattern.counted))
    if not (power < LEAST_POWER_OF_COUNTS and rise > LEAST_RISE):
        return ()
    return (
        f"pixels scatter less where rings are brighter, as the intensity to the power {power:.1f}: so do logarithms of "
        "counts, and nothing that was counted. Lines and errors of such an image mean nothing: give it as the detector "
        "wrote it.",
    )


def doubt_of_size(said_mm: tuple[float, float] | None, geometry: Geometry, shape: tuple[int, int]) -> tuple[str, ...]:
    """Return what is to be said of pixels that the file and the geometry have of different size.

    Parameters
    ----------
    said_mm : tuple of float, optional
        Height and width by the file [mm].
    geometry : Geometry
        That was taken.
    shape : tuple of int
        Rows and columns.
    """
    if said_mm is None or geometry.spline:
        return ()
    config = geometry.detector_config
    if geometry.detector == "Detector":
        sides = config["pixel1"], config["pixel2"]
    else:
        detector = detector_of(geometry, shape)
        sides = detector.pixel1, detector.pixel2
    return doubt_of_pixels(said_mm, (1e3 * sides[0], 1e3 * sides[1]), where="the geometry")


def doubts_of_rings(
    counts: Counts,
    two_theta_deg: npt.NDArray[np.float32],
    good: npt.NDArray[np.bool_],
    *,
    geometry: Geometry,
    lines: int,
) -> tuple[str, ...]:
    """Return what is to be said of an image without lines, or with sharper rings if it is flipped.

    Parameters
    ----------
    counts, good : ndarray, shape (rows, columns)
        The image, and its pixels that are used.
    two_theta_deg : ndarray, shape (rows, columns)
        Scattering angle of each pixel [deg].
    geometry : Geometry
        That was taken.
    lines : int
        Number of lines found.
    """
    orientation = geometry.orientation
    contrast = ring_contrast(counts, two_theta_deg, good, orientation=orientation)
    times = sharper_pixels(counts, good, geometry, contrast)
    said = []
    if not lines:
        said.append("no lines were found: look at the image, its exposure, its mask and its geometry.")
    if contrast.sharper_exchanged is not None:
        said.append(
            f"rings are sharp with rows and columns exchanged, under orientation {contrast.sharper_exchanged}, and not "
            "as the image is stored: it was transposed or turned by a quarter. Exchange them (numpy: image.T), or "
            "calibrate with an image that is stored like this one."
        )
    elif contrast.sharper is not None:
        said.append(
            f"rings are sharp under orientation {contrast.sharper} ({FLIP_WORDS[contrast.sharper]}) and not under "
            f"{orientation}, which was taken: reduce it with --orientation {contrast.sharper}."
        )
    if times != 1.0:
        said.append(
            f"rings are sharp with pixels {times:g} times as large as those of the geometry: the image is binned in "
            "another way than the one it was calibrated with. Its angles are wrong: give pixel1 and pixel2 of this "
            "image, and max_shape, in Detector_config of the PONI file."
        )
    return tuple(said)


def pixels_across(two_theta_deg: npt.NDArray[np.float32], good: npt.NDArray[np.bool_]) -> float:
    """Return how many pixels lie side by side from the least to the largest angle that is seen.

    Parameters
    ----------
    two_theta_deg : ndarray, shape (rows, columns)
        Scattering angle of each pixel [deg].
    good : ndarray of bool, shape (rows, columns)
        Pixels that are used.
    """
    seen = two_theta_deg[good]
    corner = two_theta_deg[:-1:GRID_PX, :-1:GRID_PX]
    width = np.hypot(two_theta_deg[1::GRID_PX, :-1:GRID_PX] - corner, two_theta_deg[:-1:GRID_PX, 1::GRID_PX] - corner)
    return float((seen.max() - seen.min()) / np.median(width)) if seen.size and width.size else 0.0


def doubt_of_full_rings(
    counts: Counts, full_counts: int | None, two_theta_deg: npt.NDArray[np.float32], pattern: Pattern
) -> tuple[str, ...]:
    """Return what is to be said of rings so bright that their pixels are full: what is left of them is too dim.

    Parameters
    ----------
    counts : ndarray, shape (rows, columns)
        The image.
    full_counts : int or None
        Count from which a pixel is full; None where no count is.
    two_theta_deg : ndarray, shape (rows, columns)
        Scattering angle of each pixel [deg].
    pattern : Pattern
        Of the pixels that are used, which full ones are not.
    """
    if full_counts is None or pattern.counted is None or pattern.rejected is None:
        return ()
    full = counts >= full_counts
    if not full.any():
        return ()
    bins_deg = pattern.two_theta_deg
    ring = np.rint((two_theta_deg[full] - bins_deg[0]) / pattern.step_deg).astype(np.intp)
    lost = np.bincount(ring[(ring >= 0) & (ring < bins_deg.size)], minlength=bins_deg.size)
    is_bright = pattern.intensity > NEARLY_FULL * full_counts
    share = np.where(is_bright, lost / np.maximum(pattern.counted + pattern.rejected + lost, 1), 0.0)
    cut = worst_rings(share, least=FULL_WORTH_TELLING)
    if not cut:
        return ()
    where = " and ".join(f"{100.0 * share[one]:.0f} % at {bins_deg[one]:.3f} deg" for one in cut)
    return (
        f"rings are cut at the top: pixels with {full_counts} counts or more are full and left out, {where}. Their "
        "lines are too weak, and one may be listed as two. Expose for a shorter time.",
    )


def worst_rings(share: npt.NDArray[np.float64], *, least: float) -> list[int]:
    """Return the rings that lost most, by rising angle, and none beside a worse one: a line has many bins.

    Parameters
    ----------
    share : ndarray, shape (bins,)
        Part of the pixels of each ring that was lost, 0 to 1; NaN for none.
    least : float
        Part from which one is told.
    """
    left = np.nan_to_num(share)
    beside = max(1, left.size // RINGS_APART)
    worst: list[int] = []
    while len(worst) < MOST_RINGS_TOLD and left.max() >= least:
        ring = int(left.argmax())
        worst.append(ring)
        left[max(ring - beside, 0) : ring + beside + 1] = 0.0
    return sorted(worst)
