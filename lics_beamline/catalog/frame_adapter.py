"""Frames of other programs as Tiled serves them: one array of all frames of a run, read as the reduction reads them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import numpy.typing as npt
from tiled.adapters.sequence import FileSequenceAdapter
from tiled.utils import path_from_uri

from lics_beamline.catalog.plate_adapter import chosen
from lics_beamline.frames.frame import FrameSeries


def frame_uri(file: Path, *, number: int, dataset: str, run: str) -> str:
    """Return the URI of a frame: of its file, and behind it which frame is meant. No two runs have the same.

    Parameters
    ----------
    file : Path
        The file.
    number : int
        Of the frame, from 1; 0 for the sum of all.
    dataset : str
        Inside an HDF5 file; empty for the only stack of images.
    run : str
        Uid of the run.
    """
    return f"file://localhost{file}#{urlencode({'frame': number, 'dataset': dataset, 'run': run})}"


class FrameSequenceAdapter(FileSequenceAdapter):
    """Reads frames in the order of their points, of whatever format; of a file with several the one that is meant."""

    def __init__(self, data_uris: Iterable[str] | None = None, *args: Any, **kwargs: Any) -> None:
        # By reference: the catalog fills in the URIs that a read needs after this.
        self._uris: Any = data_uris if data_uris is not None else []
        super().__init__(data_uris, *args, **kwargs)

    def _read_one(self, filepath: Any) -> npt.NDArray[Any]:
        said = parse_qs(urlsplit(filepath).fragment)
        dataset, number = said.get("dataset", [""])[0], int(said["frame"][0])
        path = path_from_uri(filepath)
        series = FrameSeries(Path(f"{path}::{dataset}") if dataset else path)
        recording = series.frame(number) if number else series.total()
        data_type = self.structure().data_type
        return recording.counts.astype(data_type.to_numpy_dtype(), copy=False)

    def _load_from_files(self, slice: slice | int | Iterable[int] = slice(None)) -> npt.NDArray[Any]:
        return np.stack(self._map_read(chosen(self._uris, slice)))
