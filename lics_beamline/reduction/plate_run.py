"""From the run that exposed, kept and read the plates to what fades and what stays: documents in, calibration out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lics_beamline import schema
from lics_beamline.errors import RunNotFound
from lics_beamline.frames.plate_calibration import PlateCalibration
from lics_beamline.frames.plate_measurement import PlateRead, measure_plates
from lics_beamline.journal.events import events
from lics_beamline.reduction.image_record import recording
from lics_beamline.reduction.plate_history import PlateHistory


def calibration_of(documents: Iterable[tuple[str, dict[str, Any]]], *, data_root: Path) -> PlateCalibration:
    """Measure the plates from a recorded run.

    Parameters
    ----------
    documents : iterable of (str, dict)
        Of the run.
    data_root : Path
        The data folder: frame paths in documents are relative to it.

    Raises
    ------
    RunNotFound
        If it is no calibration of plates.
    ReductionFailed
        If a frame is missing, torn or another one than was recorded.
    BadReading
        If the reads cannot tell fading or ghosts.
    """
    documents = list(documents)
    start = documents[0][1] if documents else {}
    if start.get("purpose") != schema.PLATE_CALIBRATION:
        raise RunNotFound(
            f"run {start.get('uid', '(no start document)')} is no plate calibration but "
            f"{start.get('purpose', 'unknown')!r}. Make one: lics calibrate-plate.",
        )
    values = measure_plates(_reads(documents, PlateHistory(data_root.resolve())))
    made = datetime.fromtimestamp(float(start["time"]), tz=UTC).isoformat(timespec="seconds")
    return PlateCalibration(fading=values.fading, ghosts=values.ghosts, made=made, run_uid=str(start["uid"]))


def _reads(documents: list[tuple[str, dict[str, Any]]], history: PlateHistory) -> Iterator[PlateRead]:
    points: dict[str, Mapping[str, Any]] = {}
    for event in events(documents):
        if event.stream == schema.PRIMARY:
            points[event.data[schema.EXPOSURE_UID.name]] = event.data
        elif event.stream == schema.READOUT:
            yield _read(points[event.data[schema.EXPOSURE_UID.name]], event.data, history)


def _read(point: Mapping[str, Any], data: Mapping[str, Any], history: PlateHistory) -> PlateRead:
    taken = history.take(data, exposure_s=float(point["open_s"]))
    image = recording(taken)
    header = image.plate
    scan_s = header.scan_s if header is not None and math.isfinite(header.scan_s) else 0.0
    return PlateRead(
        role=point["role"],
        recording=image,
        plate=taken.plate,
        exposure_s=taken.exposure_s,
        exposure_sigma_s=float(point["open_sigma_s"]),
        waited_s=taken.waited_s + (float(point["kept_s"]) if point["role"] == "delayed" else 0.0),
        scan_s=scan_s,
        i0=float(point["monitor_cps"]),
    )
