"""What the raw run recorded of a point beside its pattern: ruby, thermocouples, exposure, where the plate is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lics_beamline import schema
from lics_beamline.journal.events import Streams


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawPoint:
    """One measured point of a raw run.

    Parameters
    ----------
    exposure_uid : str
        Joins it to its reduced point.
    ruby_wavelength_nm, ruby_counts : ndarray of float64, shape (pixels,)
        The recorded spectrum; empty where the point is of an imported run.
    gasket_k, ambient_k : float
        Thermocouples [K]; NaN there.
    load_bar : float
        Of the membrane.
    exposure_s : float
        Time the plate saw X-rays [s].
    experiment_time_s : float
        When the point was measured [s of experiment].
    frame_path : str
        The plate, relative to the data folder; empty where none came.
    frame_number, frame_dataset : int, str
        Which frame of its file, from 1, 0 for the sum of all; data set inside an HDF5 file, empty for the only one.
    """

    exposure_uid: str
    ruby_wavelength_nm: npt.NDArray[np.float64]
    ruby_counts: npt.NDArray[np.float64]
    gasket_k: float
    ambient_k: float
    load_bar: float
    exposure_s: float
    experiment_time_s: float
    frame_path: str
    frame_number: int = 1
    frame_dataset: str = ""

    @property
    def has_ruby(self) -> bool:
        """Whether a ruby spectrum was recorded."""
        return self.ruby_wavelength_nm.size > 0


def raw_points(documents: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, RawPoint]:
    """Collect the points of a raw run by their exposure.

    Parameters
    ----------
    documents : iterable of (str, dict)
        Documents of a raw run, from its journal.

    Returns
    -------
    dict of str to RawPoint
        Empty for a run without points.
    """
    measured: dict[str, Mapping[str, Any]] = {}
    frames: dict[str, Mapping[str, Any]] = {}
    streams, is_imported = Streams(), False
    for name, doc in documents:
        is_imported = is_imported or (name == "start" and schema.IMPORTED in doc)
        for event in streams.take(name, doc):
            if event.stream == schema.PRIMARY:
                measured[str(event.data[schema.EXPOSURE_UID.name])] = event.data
            elif event.stream == schema.READOUT:
                frames[str(event.data[schema.EXPOSURE_UID.name])] = event.data
    if is_imported:
        return {uid: _imported(uid, data, frames.get(uid, {})) for uid, data in measured.items()}
    return {
        uid: _point(uid, data, str(frames[uid][schema.FRAME_PATH]) if uid in frames else "")
        for uid, data in measured.items()
    }


def _imported(uid: str, data: Mapping[str, Any], frame: Mapping[str, Any]) -> RawPoint:
    """Return a point of frames that were recorded elsewhere: no spectrum, no thermocouples, no load."""
    nothing = np.empty(0, dtype=np.float64)
    return RawPoint(
        exposure_uid=uid,
        ruby_wavelength_nm=nothing,
        ruby_counts=nothing,
        gasket_k=math.nan,
        ambient_k=math.nan,
        load_bar=math.nan,
        exposure_s=float(data[schema.EXPOSURE_S.name]),
        experiment_time_s=math.nan,
        frame_path=str(frame.get(schema.FRAME_PATH, "")),
        frame_number=int(frame.get(schema.FRAME_NUMBER, 1)),
        frame_dataset=str(frame.get(schema.FRAME_DATASET, "")),
    )


def _point(uid: str, data: Mapping[str, Any], frame_path: str) -> RawPoint:
    return RawPoint(
        exposure_uid=uid,
        ruby_wavelength_nm=np.asarray(data[schema.RUBY_WAVELENGTH], dtype=np.float64),
        ruby_counts=np.asarray(data[schema.RUBY_SPECTRUM], dtype=np.float64),
        gasket_k=float(data[schema.GASKET_TEMPERATURE]),
        ambient_k=float(data[schema.AMBIENT_TEMPERATURE]),
        load_bar=float(data[schema.LOAD]),
        exposure_s=float(data["exposure_s"]),
        experiment_time_s=float(data[schema.EXPERIMENT_TIME.name]),
        frame_path=frame_path,
    )
