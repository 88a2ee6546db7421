"""Masks as other programs write them: pixels never to be used, in the order of the image file.

An image of any kind is 0 where a pixel is good: EDF of pyFAI-mask, ``.msk`` of Fit2D, ``.npy``, PNG, TIFF, HDF5.
Dioptas holds images upside down, and so do its ``.mask`` files. Text is a table of 0 and 1, the untrusted regions of
XDS, or the shapes of GSAS-II (`shape_mask`), which need a geometry.

References
----------
Dioptas, ``model/MaskModel.py`` and ``model/loader/FabioLoader.py``, for what it writes and how it holds an image;
W. Kabsch, Acta Cryst. D66, 125 (2010), and XDS.INP of the Pilatus detectors, whose gaps it excludes, for the regions.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ProfileError, ReductionFailed
from lics_beamline.files.given_file import read_text
from lics_beamline.frames.image_file import check_pixels
from lics_beamline.frames.shape_mask import PixelPlaces, read_shapes
from lics_beamline.frames.static_image import StaticMask, read_image

logger = logging.getLogger(__name__)

TABLE_BYTES: Final = 512 << 20  # a table of 0 and 1 of 100 million pixels, with its spaces, and half as much again
TABLE_ENDINGS: Final = (".txt", ".dat", ".csv", ".asc")
DIOPTAS_ENDING: Final = ".mask"
GSAS_ENDING: Final = ".immask"
REGION: Final = re.compile(r"UNTRUSTED_(RECTANGLE|ELLIPSE|QUADRILATERAL)\s*=\s*([-+.\deE\s]*)")
NUMBERS_OF: Final = {"RECTANGLE": 4, "ELLIPSE": 4, "QUADRILATERAL": 8}
SIDE: Final = re.compile(r"(?<![A-Z])N([XY])\s*=\s*(\d+)")
NOT_TAKEN: Final = ("EXCLUDE_RESOLUTION_RANGE",)  # of XDS; it needs a geometry

Mask = npt.NDArray[np.bool_]


def read_mask(path: Path, *, places: Callable[[], PixelPlaces] | None = None) -> StaticMask:
    """Read a mask.

    Parameters
    ----------
    path : Path
        An image, 0 where a pixel is good; a table of 0 and 1 as text; XDS.INP; or a mask of GSAS-II.
    places : callable, optional
        Returns where the pixels lie, for masks that are shapes; without it these are refused.

    Raises
    ------
    ProfileError
        If the file cannot be read.
    """
    try:
        return StaticMask.of(_mask(path, places))
    except ReductionFailed as error:
        raise ProfileError(f"the mask cannot be read: {error}", file=str(path)) from error


def read_masks(
    paths: Sequence[Path],
    *,
    inverted: bool = False,
    beside: StaticMask | None = None,
    places: Callable[[], PixelPlaces] | None = None,
) -> StaticMask | None:
    """Read masks of one detector, and return all of them together; None where there are none.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    inverted : bool
        They are 0 where a pixel is bad.
    beside : StaticMask, optional
        One that is there already, which `inverted` leaves as it is.
    places : callable, optional
        As of `read_mask`.

    Raises
    ------
    ProfileError
        If one cannot be read, or they are of different shapes.
    """
    together = None if beside is None else beside.array((beside.rows, beside.columns))
    for path in paths:
        read = read_mask(path, places=places)
        masked = read.array((read.rows, read.columns))
        masked = ~masked if inverted else masked
        if together is not None and masked.shape != together.shape:
            raise ProfileError(
                f"the mask {path} has {read.rows} x {read.columns} pixels and the one before it {together.shape[0]} x "
                f"{together.shape[1]}. Give those of one detector.",
                file=str(path),
            )
        together = masked if together is None else together | masked
    return None if together is None else StaticMask.of(together)


def _mask(path: Path, places: Callable[[], PixelPlaces] | None) -> Mask:
    ending = path.suffix.lower()
    if ending in TABLE_ENDINGS or ending == ".inp":
        text = read_text(path, most_bytes=TABLE_BYTES, what="a mask")
        return _regions(text, path) if REGION.search(text) or ending == ".inp" else _table(text, path)
    if ending == GSAS_ENDING:
        return _drawn(path, places)
    masked = np.asarray(read_image(path) != 0)
    if ending == DIOPTAS_ENDING:
        logger.warning(
            "%s is a mask of Dioptas, which holds images upside down: it is turned up-down, to lie as the image file "
            "does. If it is not one of Dioptas, give it another ending than %s.",
            path,
            DIOPTAS_ENDING,
        )
        masked = masked[::-1]
    return masked


def _drawn(path: Path, places: Callable[[], PixelPlaces] | None) -> Mask:
    """Return a mask of GSAS-II as an image."""
    shapes = read_shapes(path)
    if places is None:
        raise ReductionFailed(
            f"{path.name} is a mask of GSAS-II: shapes in mm and rings in 2theta, which only a geometry puts on "
            "pixels, and there is none yet. Give a mask as an image, as pyFAI-drawmask writes it.",
            path=str(path),
        )
    masked = shapes.masked(places())
    if not masked.any():
        logger.warning("%s masks no pixel: either it has no shape, or they lie off this detector.", path)
    return masked


def _table(text: str, path: Path) -> Mask:
    """Return a table of 0 and 1, a row of the image in each line."""
    if not text.strip() or all(line.lstrip().startswith("#") for line in text.splitlines() if line.strip()):
        raise ReductionFailed(f"{path.name} has no table of 0 and 1: it is empty. Check the file.", path=str(path))
    try:
        table = np.loadtxt(io.StringIO(text.replace(",", " ").replace(";", " ")), ndmin=2)
    except ValueError as error:
        raise ReductionFailed(f"{path.name} is no table of 0 and 1: {error}. Check the file.", path=str(path)) from None
    check_pixels(table.shape, path)
    if not np.isin(table, (0.0, 1.0)).all():
        other = table[~np.isin(table, (0.0, 1.0))].flat[0]
        raise ReductionFailed(
            f"{path.name} holds {other:g}, and a mask as text is a table of 0 and 1, a row of the image in each line.",
            path=str(path),
        )
    return np.asarray(table != 0.0)


def _regions(text: str, path: Path) -> Mask:
    """Return the untrusted regions of an XDS.INP.

    Pixels are counted from 1, x along a row of the file. Bounds of a rectangle are themselves outside it: the gap
    ``487 495`` of a Pilatus takes its seven columns.
    """
    said = "\n".join(line.partition("!")[0] for line in text.splitlines())
    sides = {axis: int(number) for axis, number in SIDE.findall(said)}
    if missing := [f"N{axis}" for axis in "XY" if axis not in sides]:
        raise ReductionFailed(
            f"{path.name} says no {' and no '.join(missing)}, the number of pixels along x and y, which the untrusted "
            "regions need. Add them.",
            path=str(path),
        )
    check_pixels((sides["Y"], sides["X"]), path)
    if left := [key for key in NOT_TAKEN if key in said]:
        logger.warning("%s: %s is not taken. Mask it with --mask-two-theta or --mask-q.", path, left[0])
    masked = np.zeros((sides["Y"], sides["X"]), dtype=bool)
    y, x = np.mgrid[1 : sides["Y"] + 1, 1 : sides["X"] + 1].astype(np.float32)
    for kind, numbers in REGION.findall(said):
        try:
            values = [float(number) for number in numbers.split()]
        except ValueError:
            values = []
        rises = kind == "QUADRILATERAL" or (len(values) == 4 and values[0] < values[1] and values[2] < values[3])
        if len(values) != NUMBERS_OF[kind] or not rises:
            wanted = "eight numbers, x and y of each corner" if kind == "QUADRILATERAL" else "X1 < X2 Y1 < Y2"
            raise ReductionFailed(
                f"{path.name}: UNTRUSTED_{kind}= {' '.join(numbers.split())[:60]} is not {wanted}. Mend or delete it.",
                path=str(path),
            )
        if kind == "QUADRILATERAL":
            masked |= _in_hull(x, y, np.array(values).reshape(4, 2))
            continue
        x_low, x_high, y_low, y_high = values
        if kind == "RECTANGLE":
            masked |= (x > x_low) & (x < x_high) & (y > y_low) & (y < y_high)
        else:
            across, up = (2.0 * x - x_low - x_high) / (x_high - x_low), (2.0 * y - y_low - y_high) / (y_high - y_low)
            masked |= across**2 + up**2 < 1.0
    return masked


def _in_hull(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32], corners: npt.NDArray[np.float64]) -> Mask:
    """Return the pixels within the convex hull of four corners, whatever their order: rather too many than too few."""
    inside = np.zeros(x.shape, dtype=bool)
    for left_out in range(4):  # the hull of four points is that of their triangles
        first, second, third = np.delete(corners, left_out, axis=0)
        along, across = second - first, third - first
        if along[0] * across[1] == along[1] * across[0]:
            continue  # on one line, which has no inside
        sides = [
            (end[0] - begin[0]) * (y - begin[1]) - (end[1] - begin[1]) * (x - begin[0])
            for begin, end in ((first, second), (second, third), (third, first))
        ]
        inside |= np.all([side >= 0.0 for side in sides], axis=0) | np.all([side <= 0.0 for side in sides], axis=0)
    return inside
