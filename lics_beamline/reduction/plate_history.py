"""Which image was on which plate before: what a ghost comes from, known from the readouts of one run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lics_beamline import schema
from lics_beamline.errors import UnsafeName
from lics_beamline.journal.safe_name import inside
from lics_beamline.reduction.image_record import ImageRecord

PREVIOUS: Final = "previous_exposure_uid"  # of a readout: what its plate held before, empty where nobody knows


class PlateHistory:
    """The images of a run, and which was the last of each plate. No file is touched.

    Parameters
    ----------
    root : Path
        The data folder: paths in documents are relative to it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._last: dict[int, ImageRecord] = {}
        self._taken: dict[str, ImageRecord] = {}  # by exposure_uid
        self.before: ImageRecord | None = None  # what was on the plate of the newest image; None where nobody knows

    def take(self, data: Mapping[str, Any], *, exposure_s: float) -> ImageRecord:
        """Take note of an image as its readout announces it; NaN for an exposure nobody recorded."""
        taken = ImageRecord(
            root=self._root,
            path=self._place(str(data.get(schema.FRAME_PATH, ""))),
            sha256=str(data.get(schema.FRAME_SHA256, "")),
            plate=int(data.get(schema.FRAME_PLATE, 0)),
            exposure_s=exposure_s,
            waited_s=float(data.get(schema.FRAME_WAITED_S, math.nan)),
            number=int(data.get(schema.FRAME_NUMBER, 1)),
            dataset=str(data.get(schema.FRAME_DATASET, "")),
        )
        previous = data.get(PREVIOUS)  # the plan knows of lost and erased plates too; older runs do not say
        self.before = self._last.get(taken.plate) if previous is None else self._taken.get(previous)
        self._taken[str(data.get(schema.EXPOSURE_UID.name, ""))] = taken
        if taken.plate:
            self._last[taken.plate] = taken
        return taken

    def look(self, data: Mapping[str, Any]) -> None:
        """Take note of a short look: its image, too, leaves a ghost on its plate."""
        self._taken[str(data[schema.EXPOSURE_UID.name])] = ImageRecord(
            root=self._root,
            path=self._place(str(data["look_path"])),
            sha256="",
            plate=0,
            exposure_s=float(data.get(schema.EXPOSURE_S.name, math.nan)),
            waited_s=math.nan,
        )

    def _place(self, said: str) -> Path:
        """Return where an image lies; for what is no path the data folder itself, which is refused as no image."""
        try:
            return inside(self._root, said, what="plate")
        except UnsafeName:  # leads out, or is no path
            return self._root

    def forget(self) -> None:
        """Take note that a plate was lost: what the plates held since nobody knows."""
        self._last.clear()
