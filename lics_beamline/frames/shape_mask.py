"""Masks of GSAS-II (``.immask``): spots, rings, arcs, polygons, frames and lines of pixels, drawn on a detector.

Each line of the file is a key and a list. Lengths are in mm from the outer corner of the first pixel, x along a row and
y from row to row; angles in deg. A geometry says the size of a pixel and where the detector stood; the file does not.

References
----------
GSAS-II, ``GSASIIimage.MakeMaskMap`` and ``Fill2ThetaAzimuthMap``, for what each list masks.
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ReductionFailed
from lics_beamline.files.given_file import one_line, read_text

logger = logging.getLogger(__name__)

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SHAPES_BYTES: Final = 16 << 20  # a spot takes 60 bytes; a search for spots leaves tens of thousands
LEAST_TWO_THETA_DEG: Final = 0.01  # from where a ring is masked: GSAS-II leaves the beam out
NUMPY_NUMBER: Final = re.compile(r"np\.(?:float|int)\d+\(([^)]*)\)")  # how numpy 2 prints its numbers in a list
WHAT: Final = {
    "Points": "x, y and diameter in mm",
    "Rings": "2theta and thickness in deg",
    "Arcs": "2theta, two azimuths and thickness in deg",
    "Polygons": "three corners or more, each x and y in mm",
    "Frames": "three corners or more, each x and y in mm",
    "Xlines": "a row of pixels, from 0",
    "Ylines": "a column of pixels, from 0",
}
THRESHOLDS: Final = "Thresholds"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelPlaces:
    """Where the pixels of an image lie, in the order of its file.

    Parameters
    ----------
    x_mm : ndarray, shape (columns,)
        Middles of the columns, from the outer corner of the first pixel [mm].
    y_mm : ndarray, shape (rows,)
        Middles of the rows [mm].
    angles_deg : callable
        Returns scattering angle and azimuth of each pixel [deg]; azimuths rise from x to y.
    """

    x_mm: Array
    y_mm: Array
    angles_deg: Callable[[], tuple[Array, Array]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeMask:
    """The shapes of a mask.

    Parameters
    ----------
    points : tuple of (float, float, float)
        Spots: x, y, diameter [mm].
    rings : tuple of (float, float)
        2theta and thickness [deg].
    arcs : tuple of (float, float, float, float)
        2theta, first and last azimuth, thickness [deg].
    polygons, frames : tuple of tuple of (float, float)
        Corners [mm]. What is inside a polygon is masked, and what is outside of all frames.
    rows, columns : tuple of int
        Whole lines of pixels, from 0.
    """

    points: tuple[tuple[float, ...], ...] = ()
    rings: tuple[tuple[float, ...], ...] = ()
    arcs: tuple[tuple[float, ...], ...] = ()
    polygons: tuple[tuple[tuple[float, ...], ...], ...] = ()
    frames: tuple[tuple[tuple[float, ...], ...], ...] = ()
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()

    def masked(self, places: PixelPlaces) -> Mask:
        """Return the pixels that the shapes mask, by their middles; shape (rows, columns)."""
        masked = np.zeros((places.y_mm.size, places.x_mm.size), dtype=bool)
        for x, y, diameter in self.points:
            here = _around(places, [(x - 0.5 * diameter, y - 0.5 * diameter), (x + 0.5 * diameter, y + 0.5 * diameter)])
            square = (places.y_mm[here[0], None] - y) ** 2 + (places.x_mm[here[1]] - x) ** 2
            masked[here] |= square < (0.5 * diameter) ** 2
        for polygon in self.polygons:
            here = _around(places, polygon)
            masked[here] |= _inside(places, here, polygon)
        if self.frames:
            left = np.zeros_like(masked)
            for frame in self.frames:
                here = _around(places, frame)
                left[here] |= _inside(places, here, frame)
            masked |= ~left
        masked[[row for row in self.rows if row < masked.shape[0]], :] = True
        masked[:, [column for column in self.columns if column < masked.shape[1]]] = True
        if self.rings or self.arcs:
            two_theta_deg, azimuth_deg = places.angles_deg()
            for middle, thickness in self.rings:
                masked |= _in_ring(two_theta_deg, middle, thickness)
            for middle, first, last, thickness in self.arcs:
                masked |= _in_ring(two_theta_deg, middle, thickness) & ((azimuth_deg - first) % 360.0 < last - first)
        return masked


def read_shapes(path: Path) -> ShapeMask:
    """Read a mask of GSAS-II.

    Raises
    ------
    ReductionFailed
        If a line is none of such a file, or a shape is not what it should be.
    ProfileError
        If the file cannot be read as text.
    """
    found: dict[str, Any] = {}
    for line in read_text(path, most_bytes=SHAPES_BYTES, what="a mask").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        try:
            found[key.strip()] = ast.literal_eval(NUMPY_NUMBER.sub(r"\1", value.strip()))
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            if not colon or key.strip() in WHAT:
                raise ReductionFailed(
                    f"{path.name} is no mask of GSAS-II: {one_line(line)[:60]!r} is no key and list. Save it again.",
                    path=str(path),
                ) from None
            found[key.strip()] = None
    if not WHAT.keys() & found.keys():
        raise ReductionFailed(
            f"{path.name} is no mask of GSAS-II: it has none of {', '.join(WHAT)}. Check the file.", path=str(path)
        )
    _say_what_is_left(path, found)
    entries = {key: _entries(found.get(key), key, path) for key in WHAT}
    return ShapeMask(
        points=entries["Points"],
        rings=entries["Rings"],
        arcs=entries["Arcs"],
        polygons=entries["Polygons"],
        frames=entries["Frames"],
        rows=tuple(int(row) for row in entries["Xlines"]),
        columns=tuple(int(column) for column in entries["Ylines"]),
    )


def _entries(value: Any, key: str, path: Path) -> tuple[Any, ...]:
    """Return what is in the list of a key, judged; entries without anything are left out, as GSAS-II leaves them."""
    if isinstance(value, int) and key in ("Xlines", "Ylines"):
        value = [value]
    if not isinstance(value, list | tuple | None):
        raise _wrong(value, key, path)
    listed = [one for one in value or () if not isinstance(one, list | tuple) or len(one)]
    if key == "Frames" and listed and _is_corner(listed[0]):
        listed = [listed]  # one frame alone is the list of its corners
    judged = []
    for one in listed:
        shape = _shape_of(one, key)
        if shape is None:
            raise _wrong(one, key, path)
        judged.append(shape)
    return tuple(judged)


def _shape_of(one: Any, key: str) -> Any:
    """Return an entry as numbers; None where it is not what it should be."""
    if key in ("Polygons", "Frames"):
        is_polygon = isinstance(one, list | tuple) and len(one) > 2 and all(map(_is_corner, one))
        return tuple((float(x), float(y)) for x, y in one) if is_polygon else None
    if key in ("Xlines", "Ylines"):
        return int(one) if _is_number(one) and one >= 0 and one == int(one) else None
    if not isinstance(one, list | tuple):
        return None
    flat = [number for part in one for number in (part if isinstance(part, list | tuple) else [part])]
    wanted = {"Points": 3, "Rings": 2, "Arcs": 4}[key]
    if len(flat) != wanted or not all(map(_is_number, flat)) or not flat[-1] > 0.0:
        return None
    if key == "Arcs" and not flat[1] < flat[2]:
        return None
    return tuple(float(number) for number in flat)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _is_corner(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))


def _wrong(one: Any, key: str, path: Path) -> ReductionFailed:
    return ReductionFailed(
        f"{path.name}: {one_line(repr(one))[:60]} of {key} is not {WHAT[key]}. Mend or delete it.", path=str(path)
    )


def _say_what_is_left(path: Path, found: dict[str, Any]) -> None:
    """Tell people what of a file is not taken."""
    match found.get(THRESHOLDS):
        case [[low, high], [least, most]] if all(map(_is_number, (low, high, least, most))) and (
            least > low or most < high
        ):
            logger.warning(
                "%s: the threshold of counts, %g to %g, is not taken: a mask holds for every exposure. Full pixels are "
                "masked by what their own file says.",
                path,
                least,
                most,
            )
    if unknown := sorted(found.keys() - WHAT.keys() - {THRESHOLDS}):
        logger.warning("%s: %s is not taken.", path, one_line(", ".join(unknown))[:120])


def _around(places: PixelPlaces, corners: Any) -> tuple[slice, slice]:
    """Return the rows and columns that some corners [mm] enclose."""
    x, y = np.array(corners).T
    columns, rows = (
        slice(int(at.searchsorted(along.min())), int(at.searchsorted(along.max(), side="right")))
        for at, along in ((places.x_mm, x), (places.y_mm, y))
    )
    return rows, columns


def _inside(places: PixelPlaces, here: tuple[slice, slice], polygon: Any) -> Mask:
    """Return which pixels of a part of the image lie inside a polygon."""
    from matplotlib.path import Path as Outline

    y, x = np.meshgrid(places.y_mm[here[0]], places.x_mm[here[1]], indexing="ij")
    inside = Outline(np.array(polygon)).contains_points(np.column_stack([x.ravel(), y.ravel()]))
    return np.asarray(inside).reshape(x.shape)


def _in_ring(two_theta_deg: Array, middle: float, thickness: float) -> Mask:
    low = max(LEAST_TWO_THETA_DEG, middle - 0.5 * thickness)
    return np.asarray((two_theta_deg > low) & (two_theta_deg < middle + 0.5 * thickness))
