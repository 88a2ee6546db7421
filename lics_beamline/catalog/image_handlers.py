"""Images of journals for every program that reads bluesky documents: found by their entry points, no import of ours.

`event_model.Filler` makes one handler a resource, by the path and `resource_kwargs` of its document, and asks it for an
image with the `datum_kwargs` of a datum.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from fabio.raxisimage import RaxisImage

from lics_beamline.errors import UnsafeName
from lics_beamline.frames.frame import FrameSeries


def read_plate(path: Path) -> npt.NDArray[np.int32]:
    """Return the image of a plate file, (ny, nx) counts.

    Notes
    -----
    fabio gives big-endian 16-bit words for a plate without high pixels and 32-bit ones for a plate with them; here
    every frame has the one type that the documents announce.
    """
    frame: npt.NDArray[np.int32] = RaxisImage().read(str(path)).data.astype("<i4", copy=False)
    return frame


class PlateHandler:
    """Reads the plate files of a folder: resources of specification ``RAXIS_OSC_SEQ``.

    Parameters
    ----------
    folder : str
        The folder.
    template : str
        Name of a file in it, with its number: ``{:06d}.osc``.
    **others
        What else the resource says.
    """

    def __init__(self, folder: str, *, template: str, **others: Any) -> None:
        self._folder = Path(folder)
        self._template = template

    def __call__(self, *, point_number: int) -> npt.NDArray[np.int32]:
        """Return the image with a number, (ny, nx) counts.

        Raises
        ------
        UnsafeName
            If the template leads out of the folder.
        """
        name = self._template.format(int(point_number))
        if Path(name).name != name:
            raise UnsafeName(
                f"template {self._template!r} names no file of {self._folder}; a plain name with one number does, as "
                "{:06d}.osc. Look where this document came from.",
                template=self._template,
            )
        return read_plate(self._folder / name)


class FrameHandler:
    """Reads the frames of one file of another program: resources of specification ``LICS_FRAME_FILE``.

    Parameters
    ----------
    file : str
        The file, of any format that `lics import` reads.
    dataset : str
        Inside an HDF5 file; empty for the only stack of images.
    **others
        What else the resource says.
    """

    def __init__(self, file: str, *, dataset: str = "", **others: Any) -> None:
        self._series = FrameSeries(Path(f"{file}::{dataset}") if dataset else Path(file))

    def __call__(self, *, frame: int) -> npt.NDArray[Any]:
        """Return a frame by its number from 1, or the sum of all for 0; (ny, nx) counts."""
        return (self._series.frame(frame) if frame else self._series.total()).counts
