"""Along which axis of a stack its frames lie: the first, as detectors write, or the last, as some programs store them.

Read along the wrong axis a stack gives as many frames as it has rows, each of one column of every image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lics_beamline.errors import ReductionFailed

IMAGE_SIDE_PX: Final = 16  # what has a shorter side is no image
COLOURS_A_PIXEL: Final = (3, 4)  # red, green, blue, and how opaque
TALLEST_IMAGE: Final = 1.5  # height over width: detectors are wide, and the tallest have 1.3 (Pilatus 300K)
NARROWEST_IMAGE: Final = 4  # height over width, and the other way round: images are wider, but for strips


def frames_lie_last(shape: Sequence[int], path: Path, *, chunks: Sequence[int] | None = None) -> bool:
    """Tell whether the frames of a stack lie along the last of its three axes.

    Parameters
    ----------
    shape : sequence of int
        Of the stack; only of three axes something is told.
    path : Path
        What it is called, for the message.
    chunks : sequence of int, optional
        In which it is stored: those of one frame tell.

    Raises
    ------
    ReductionFailed
        If frames along the first axis would be narrow strips, and along the last one images; or if either may be
        images, square ones along the last axis.
    """
    if len(shape) != 3 or min(shape[:2]) <= IMAGE_SIDE_PX:
        return False
    if chunks is not None and (chunks[0] == 1) != (chunks[2] == 1) and max(chunks) > 1:
        return chunks[2] == 1
    rows, columns, frames = shape
    if frames <= IMAGE_SIDE_PX or rows == columns > TALLEST_IMAGE * frames:
        return True
    if rows == columns != frames and frames <= NARROWEST_IMAGE * columns:
        raise refused_stack(shape, path, either=True)
    if frames * NARROWEST_IMAGE < columns and rows < 2 * columns:
        raise refused_stack(shape, path)
    return False


def refused_stack(shape: Sequence[int], path: Path, *, either: bool = False) -> ReductionFailed:
    """Return the refusal of a stack whose frames lie along its last axis, or may do so.

    Parameters
    ----------
    shape : sequence of int
        Of three axes.
    path : Path
        What it is called.
    either : bool
        Whether frames along the first axis may be images too.
    """
    rows, columns, frames = shape
    if frames in COLOURS_A_PIXEL:
        what, better = f"{frames} colours a pixel, and counts have none", "Give the image as the detector wrote it"
    else:
        what = f"{frames} frames along the last axis may be meant"
        better = "Save it with the frames along the first one (numpy: moveaxis(stack, -1, 0))"
    first = (
        f"{rows} frames of {columns} x {frames} pixels {'may be meant' if either else 'are no images of a detector'}"
    )
    return ReductionFailed(
        f"{path.name} has {rows} x {columns} x {frames} numbers: {first}; {rows} x {columns} pixels with {what}. "
        f"{better}, in HDF5 with chunks of one frame.",
        path=str(path),
        shape=tuple(shape),
    )
