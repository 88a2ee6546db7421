"""Fit2D's geometry: the lines that its refinement of a calibrant prints, which other programs read too.

Fit2D says where the beam hits [pixel, x along a row and y from the first row up], how far that is along the beam [mm],
by how much the detector leans and in which direction [deg]. It has no orientation, no shape and no zero of azimuths;
comments keep them, where this program has written them. The names of pyFAI's ``getFit2D`` are understood as well.

References
----------
A. P. Hammersley et al., High Press. Res. 14, 235 (1996); pyFAI.geometry.fit2d for the relation to PONI.
"""

from __future__ import annotations

import logging
import math
import re
from typing import Final

from lics_beamline.calibration.flat_detector import FlatDetector, said, tilted
from lics_beamline.errors import ProfileError
from lics_beamline.files.written_number import UNSIGNED_NUMBER

logger = logging.getLogger(__name__)

NUMBER: Final = rf"([-+]?{UNSIGNED_NUMBER}(?:[eE][-+]?\d+)?)"
IS: Final = r"\s*(?:\((?:angstroms?|mm|deg(?:rees)?)\)\s*)?[=:]"  # with the unit on either side
LINES: Final = {  # what is said, by Fit2D and by pyFAI
    "beam_px": rf"Refined Beam centre\s*=\s*{NUMBER}\s+{NUMBER}\s*\((?:x/y\s+)?pixels\)",
    "beam_mm": rf"Refined Beam centre\s*=\s*{NUMBER}\s+{NUMBER}\s*\((?:x/y\s+)?mm\)",
    "pixel_um": rf"Pixel size\s*=\s*{NUMBER}\s+{NUMBER}\s*\(microns\)",
    "distance_mm": rf"(?:Refined sample to detector distance|\bdirectDist[\"']?){IS}\s*{NUMBER}",
    "wavelength_angstrom": rf"(?:Refined wavelength|\bwavelength[\"']?){IS}\s*{NUMBER}",
    "direction_deg": rf"(?:Refined tilt plane rotation angle|\btiltPlanRotation[\"']?){IS}\s*{NUMBER}",
    "tilt_deg": rf"(?:Refined tilt angle|\btilt[\"']?){IS}\s*{NUMBER}",
    "center_x": rf"\bcenterX[\"']?\s*[=:]\s*{NUMBER}",
    "center_y": rf"\bcenterY[\"']?\s*[=:]\s*{NUMBER}",
    "pixel_x": rf"\bpixelX[\"']?\s*[=:]\s*{NUMBER}",
    "pixel_y": rf"\bpixelY[\"']?\s*[=:]\s*{NUMBER}",
}
SPLINE: Final = re.compile(r"\bsplineFile[\"']?\s*[=:]\s*[\"']?(?!None|null|[\"'])(\S+)", re.IGNORECASE)


def is_fit2d(text: str) -> bool:
    """Tell whether a text has a distance as Fit2D or pyFAI's ``getFit2D`` says it."""
    return re.search(LINES["distance_mm"], text, re.IGNORECASE) is not None


def fit2d_text(detector: FlatDetector) -> str:
    """Return the lines of Fit2D.

    Parameters
    ----------
    detector : FlatDetector
        In orientation 3, as Fit2D holds images.

    Raises
    ------
    ProfileError
        If the beam does not hit the detector.
    """
    detector.needs_beam("Fit2D")
    y_px, x_px = detector.beam_px
    lines = [
        f"INFO: Refined Beam centre = {said(x_px)} {said(y_px)} (pixels)",
        f"INFO: Refined Beam centre = {said(detector.plane.beam2_mm)} {said(detector.plane.beam1_mm)} (mm)",
        f"INFO: Refined sample to detector distance = {said(detector.plane.beam_distance_mm)} mm",
        f"INFO: Refined wavelength = {said(detector.wavelength_angstrom)} Angstroms",
        f"INFO: Refined tilt plane rotation angle = {said(math.degrees(detector.tilt_direction_rad))} degrees",
        f"INFO: Refined tilt angle = {said(detector.plane.tilt_deg)} degrees",
        f"INFO: Pixel size = {said(1e3 * detector.pixel_mm[1])} {said(1e3 * detector.pixel_mm[0])} (microns)",
    ]
    return "\n".join(lines) + "\n"


def detector_of_fit2d(
    text: str,
    *,
    source: str,
    pixel_mm: tuple[float, float] | None,
    shape: tuple[int, int] | None,
    azimuth_offset_deg: float,
) -> FlatDetector:
    """Read the lines of Fit2D; of several refinements in one text the last counts.

    Parameters
    ----------
    text : str
        What Fit2D printed, or names and numbers as of pyFAI's ``getFit2D``.
    source : str
        Where it comes from, for messages.
    pixel_mm : tuple of float or None
        Height and width of a pixel [mm], instead of those that the text says.
    shape : tuple of int or None
        Rows and columns of the image.
    azimuth_offset_deg : float
        What azimuths are more than by tilting alone [deg].

    Raises
    ------
    ProfileError
        If a number is missing, or a distortion is named, which is not corrected for.
    """
    if spline := SPLINE.search(text):
        raise ProfileError(
            f"{source}: has a distortion, {spline.group(1)[:60]!r}, which is not corrected for. Correct the images, "
            "and give the geometry of the corrected ones.",
            file=source,
        )
    found: dict[str, tuple[float, ...]] = {}
    for name, pattern in LINES.items():
        if matches := list(re.finditer(pattern, text, re.IGNORECASE)):
            found[name] = tuple(float(group) for group in matches[-1].groups())
    if "center_x" in found and "center_y" in found:
        found["beam_px"] = found["center_x"] + found["center_y"]
    if "pixel_x" in found and "pixel_y" in found:
        found["pixel_um"] = found["pixel_x"] + found["pixel_y"]
    wanted = ("beam_px", "distance_mm", "wavelength_angstrom", "tilt_deg", "direction_deg")
    if missing := [name for name in wanted if name not in found]:
        raise ProfileError(f"{source}: Fit2D's geometry has no {', '.join(missing)}. Complete it.", file=source)
    x_px, y_px = found["beam_px"]
    if pixel_mm is None and "pixel_um" in found:
        pixel_mm = (1e-3 * found["pixel_um"][1], 1e-3 * found["pixel_um"][0])
    if pixel_mm is None and "beam_mm" in found and x_px and y_px:
        pixel_mm = (found["beam_mm"][1] / y_px, found["beam_mm"][0] / x_px)
        logger.warning(
            "%s: pixels of %.6f x %.6f mm, taken from the beam centre in pixels and mm. Give --pixel if it is known.",
            source,
            *pixel_mm,
        )
    if pixel_mm is None:
        raise ProfileError(f"{source}: says no size of a pixel. Give --pixel MM.", file=source)
    return tilted(
        beam_px=(y_px, x_px),
        beam_distance_mm=found["distance_mm"][0],
        tilt_deg=found["tilt_deg"][0],
        direction_deg=found["direction_deg"][0],
        azimuth_offset_deg=azimuth_offset_deg,
        wavelength_angstrom=found["wavelength_angstrom"][0],
        pixel_mm=pixel_mm,
        shape=shape,
        source=source,
    )
