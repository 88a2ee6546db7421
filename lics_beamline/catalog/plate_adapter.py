"""Plate files as Tiled serves them: one array of all frames of a run, read from the detector's own files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tiled.adapters.sequence import FileSequenceAdapter

from lics_beamline.catalog.image_handlers import read_plate


def chosen(files: Sequence[Any], which: slice | int | Iterable[int]) -> list[Any]:
    """Return those of the files of a run that Tiled asks for, in its order."""
    if isinstance(which, int):
        return [files[which]]
    if isinstance(which, Iterable):
        return [files[index] for index in which]
    return list(files[which])


class PlateSequenceAdapter(FileSequenceAdapter):
    """Reads R-AXIS plate files in the order of their points; frames are (ny, nx) int32 counts."""

    def _read_one(self, filepath: Any) -> npt.NDArray[np.int32]:
        return read_plate(Path(filepath))

    def _load_from_files(self, slice: slice | int | Iterable[int] = slice(None)) -> npt.NDArray[np.int32]:
        return np.stack(self._map_read(chosen(self.filepaths, slice)))
