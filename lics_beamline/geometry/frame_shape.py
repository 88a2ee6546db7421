"""Whether a frame has as many pixels as the detector of a geometry, and what became of it where it has not."""

from __future__ import annotations

from typing import Final

from lics_beamline.errors import ReductionFailed

MOST_BINNED: Final = 16  # pixels read as one, along a side


def check_shape(shape: tuple[int, int], detector: tuple[int, int]) -> None:
    """Refuse a frame of another shape than the detector of its geometry.

    Parameters
    ----------
    shape, detector : tuple of int
        Rows and columns of the frame, and of the detector.

    Raises
    ------
    ReductionFailed
        The message says whether the frame is turned, binned or cropped.
    """
    if shape == detector:
        return
    binned = next((n for n in range(2, MOST_BINNED + 1) if shape == (detector[0] // n, detector[1] // n)), 0)
    if shape == detector[::-1]:
        why = "Rows and columns are exchanged: it was transposed or turned by a quarter. Save it as the detector does"
    elif binned:
        why = (
            f"It is binned by {binned}: its pixels are {binned} times as large. Give a geometry that was calibrated "
            "with such frames"
        )
    elif shape[0] <= detector[0] and shape[1] <= detector[1]:
        why = (
            "It is cropped, or of a smaller detector, and where its first pixel lies is not known. Give whole frames, "
            "or a geometry that was calibrated with such ones"
        )
    else:
        why = "Give the geometry of this detector and this scan resolution"
    raise ReductionFailed(
        f"the frame has {shape[0]} x {shape[1]} pixels and the geometry {detector[0]} x {detector[1]}. {why}.",
        frame_shape=shape,
        geometry_shape=detector,
    )
