"""What the raw run recorded of a point beside its pattern: ruby, thermocouples, exposure, where the plate is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lics_beamline import schema
from lics_beamline.journal.events import events


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawPoint:
    """One measured point of a raw run.

    Parameters
    ----------
    exposure_uid : str
        Joins it to its reduced point.
    ruby_wavelength_nm, ruby_counts : ndarray of float64, shape (pixels,)
        The recorded spectrum.
    gasket_k, ambient_k : float
        Thermocouples [K].
    load_bar : float
        Of the membrane.
    exposure_s : float
        Time the plate saw X-rays [s].
    experiment_time_s : float
        When the point was measured [s of experiment].
    frame_path : str
        The plate, relative to the data folder; empty where none came.
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
    frames: dict[str, str] = {}
    for event in events(documents):
        if event.stream == schema.PRIMARY:
            measured[str(event.data[schema.EXPOSURE_UID.name])] = event.data
        elif event.stream == schema.READOUT:
            frames[str(event.data[schema.EXPOSURE_UID.name])] = str(event.data[schema.FRAME_PATH])
    return {uid: _point(uid, data, frames.get(uid, "")) for uid, data in measured.items()}


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
