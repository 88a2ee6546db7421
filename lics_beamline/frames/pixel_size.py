"""The size of a pixel as the header of an image says it, held against the one that is reckoned with.

Rings tell a distance in pixels only: a frame that was binned, and a geometry that does not know, agree with one another
and are wrong by the whole factor. Where the file says what its pixels are, that is heard.
"""

from __future__ import annotations

import re
from typing import Final

# A number as headers write it; of two the first is the width, as columns come first in all of these.
_NUMBER: Final = r"\D{0,3}?([0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?)"
# mm in each unit: Dectris' SLS_1.0 conventions and ESRF's EDF are in m, mar345 in um, MarCCD in nm.
SAID: Final = (
    (re.compile(rf"pixel_size{_NUMBER}\s*m\s*x{_NUMBER}\s*m", re.IGNORECASE), 1e3),
    (re.compile(rf"\bpsize_1{_NUMBER}.*?\bpsize_2{_NUMBER}", re.IGNORECASE | re.DOTALL), 1e3),
    (re.compile(rf"\bpixel_length{_NUMBER}.*?\bpixel_height{_NUMBER}", re.IGNORECASE | re.DOTALL), 1e-3),
    (re.compile(rf"\bpixelsize_x{_NUMBER}.*?\bpixelsize_y{_NUMBER}", re.IGNORECASE | re.DOTALL), 1e-6),
)
SMALLEST_PIXEL_MM: Final = 1e-3  # a header that was never filled in says 0, 1 or pixels of a metre
LARGEST_PIXEL_MM: Final = 2.0
SAME_PIXEL: Final = 0.01  # relative: a size that was rounded


def pixel_size_in(header: str) -> tuple[float, float] | None:
    """Return height and width of a pixel that the words of a header say [mm]; None where they say none."""
    for words, mm in SAID:
        if found := words.search(header):
            return believable(mm * float(found.group(2)), mm * float(found.group(1)))
    return None


def believable(height_mm: float, width_mm: float) -> tuple[float, float] | None:
    """Return the size of a pixel [mm], where a detector has such; else None."""
    both = (height_mm, width_mm)
    return both if all(SMALLEST_PIXEL_MM <= side <= LARGEST_PIXEL_MM for side in both) else None


def doubt_of_pixels(
    said_mm: tuple[float, float] | None, taken_mm: tuple[float, float], *, where: str
) -> tuple[str, ...]:
    """Return what is to be said of pixels that are not as large as their file says.

    Parameters
    ----------
    said_mm : tuple of float, optional
        Height and width by the file [mm].
    taken_mm : tuple of float
        Those that are reckoned with [mm].
    where : str
        Whose these are: ``the geometry``.
    """
    if said_mm is None or all(
        abs(said / taken - 1.0) < SAME_PIXEL for said, taken in zip(said_mm, taken_mm, strict=True)
    ):
        return ()
    said, taken = (" x ".join(f"{side:.4g}" for side in sides) for sides in (said_mm, taken_mm))
    return (
        f"the file says that its pixels are {said} mm, {where} has {taken} mm: was the frame binned? Angles and "
        "distance are wrong by that factor, if the file is right.",
    )
