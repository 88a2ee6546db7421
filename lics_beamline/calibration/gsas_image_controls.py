"""GSAS-II's image controls (``.imctrl``): where the detector stands, of all that is in them.

GSAS-II holds an image as rows of pixels, x along a row and y from row to row, both in mm from the outer corner of the
first pixel. ``center`` is where the beam hits, ``distance`` the one along the detector's normal, ``tilt`` turns the
detector about the axis in its plane that lies at ``rotation`` from x. ``azmthOff`` is added to azimuths.

The file has neither the size of a pixel nor that of the image; comments keep them, where this program has written them.
GSAS-II passes over comments and reads only the keys that it finds.

References
----------
GSAS-II, ``GSASIIimage.GetTthAzmG`` (how 2theta follows from x and y), ``GSASIIfiles.LoadControls``.
"""

from __future__ import annotations

import math
import re
from typing import Final

from lics_beamline.calibration.flat_detector import FlatDetector, said, tilted
from lics_beamline.errors import ProfileError

AXIS_TO_DIRECTION_DEG: Final = 90.0  # the detector leans at right angles to the axis about which it turns
NUMPY: Final = re.compile(r"np\.float\d+\(([^)]*)\)")  # how numpy 2 prints its numbers in a list
NOT_HELD: Final = {  # corrections of 2theta that a PONI geometry has not
    "DetDepth": "the depth at which the detector absorbs",
    "det2theta": "a detector on an arm",
    "sag": "the sag of a detector",
}


def is_image_controls(text: str) -> bool:
    """Tell whether a text has the keys of image controls."""
    return all(re.search(rf"^{key}\s*:", text, re.MULTILINE) for key in ("distance", "center", "rotation"))


def image_controls_text(detector: FlatDetector) -> str:
    """Return image controls.

    Parameters
    ----------
    detector : FlatDetector
        In orientation 3: rows and columns as they are in the file.

    Raises
    ------
    ProfileError
        If the beam does not hit the detector.
    """
    detector.needs_beam("GSAS-II")
    plane = detector.plane
    lines = [
        "type:PWDR",
        f"wavelength:{said(detector.wavelength_angstrom)}",
        f"distance:{said(plane.distance_mm)}",
        f"center:[{said(plane.beam2_mm)}, {said(plane.beam1_mm)}]",
        f"tilt:{said(plane.tilt_deg)}",
        f"rotation:{said(math.degrees(detector.tilt_direction_rad) - AXIS_TO_DIRECTION_DEG)}",
        f"azmthOff:{said(math.degrees(detector.azimuth_offset_rad))}",
        "DetDepth:0.0",
    ]
    return "\n".join(lines) + "\n"


def detector_of_image_controls(
    text: str, *, source: str, pixel_mm: tuple[float, float] | None, shape: tuple[int, int] | None
) -> FlatDetector:
    """Read image controls.

    Parameters
    ----------
    text : str
        The file.
    source : str
        Where it comes from, for messages.
    pixel_mm : tuple of float or None
        Height and width of a pixel [mm], which the file does not say.
    shape : tuple of int or None
        Rows and columns of the image.

    Raises
    ------
    ProfileError
        If a key is missing or no number, or a correction is on that a PONI geometry has not.
    """
    if pixel_mm is None:
        raise ProfileError(f"{source}: image controls of GSAS-II say no size of a pixel. Give --pixel MM.", file=source)
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    entries = {key.strip(): NUMPY.sub(r"\1", value.strip()) for key, _, value in pairs}
    for key, what in NOT_HELD.items():
        if _numbers(entries.get(key, "0"), key, 1, source)[0] != 0.0:
            raise ProfileError(
                f"{source}: {key} = {entries[key]:.30} is {what}, which is not corrected for here, and 2theta would be "
                f"wrong by it. Calibrate with {key} = 0.",
                file=source,
            )
    wanted = {"wavelength": 1, "distance": 1, "center": 2, "tilt": 1, "rotation": 1}
    if missing := [key for key in wanted if key not in entries]:
        raise ProfileError(
            f"{source}: has no {', '.join(missing)}: it was not calibrated. Calibrate first.", file=source
        )
    numbers = {key: _numbers(entries[key], key, count, source) for key, count in wanted.items()}
    tilt_deg = numbers["tilt"][0]
    x_mm, y_mm = numbers["center"]
    return tilted(
        beam_px=(y_mm / pixel_mm[0], x_mm / pixel_mm[1]),
        beam_distance_mm=numbers["distance"][0] / math.cos(math.radians(tilt_deg)),
        tilt_deg=tilt_deg,
        direction_deg=numbers["rotation"][0] + AXIS_TO_DIRECTION_DEG,
        azimuth_offset_deg=_numbers(entries.get("azmthOff", "0"), "azmthOff", 1, source)[0],
        wavelength_angstrom=numbers["wavelength"][0],
        pixel_mm=pixel_mm,
        shape=shape,
        source=source,
    )


def _numbers(text: str, key: str, count: int, source: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.strip("[]() ").replace(",", " ").split())
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ProfileError(
            f"{source}: {key} = {text:.60} is not {'a number' if count == 1 else f'{count} numbers'}. Mend it.",
            file=source,
        )
    return numbers
