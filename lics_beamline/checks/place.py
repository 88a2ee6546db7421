"""The data folder as it is now: room, rights, what kind of disk it is, and what was recorded there before."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lics_beamline.calibration.calibration_record import CalibrationRecord, records
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.head import Head, heads
from lics_beamline.schema import IMPORTED, SWEEP

MOUNTS = Path("/proc/self/mounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A calibration and its age.

    Parameters
    ----------
    record : CalibrationRecord
        The calibration that is kept.
    age_h : float
        Since it was made [h].
    """

    record: CalibrationRecord
    age_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A data folder, looked at.

    Parameters
    ----------
    root : Path
        The folder; it need not exist.
    free_bytes : int
        Room on its disk.
    writable : bool
        Whether this process may write there.
    filesystem : str
        Kind of file system (``ext4``, ``nfs4``); empty where the system does not tell.
    sweeps : tuple of Head
        Sweeps recorded there, oldest first.
    calibrations : tuple of Kept
        Geometries found with a calibrant and kept there, oldest first.
    """

    root: Path
    free_bytes: int
    writable: bool
    filesystem: str
    sweeps: tuple[Head, ...]
    calibrations: tuple[Kept, ...] = ()


def look_at(data: DataFolder) -> Place:
    """Look at a data folder; nothing is made or changed."""
    there = next(folder for folder in (data.root, *data.root.parents) if folder.exists())
    return Place(
        root=data.root,
        free_bytes=shutil.disk_usage(there).free,
        writable=there.is_dir() and os.access(there, os.W_OK | os.X_OK),
        filesystem=_filesystem(there),
        sweeps=tuple(
            head
            for head in heads(data.raw_journals)
            if head.start.get("purpose") == SWEEP and IMPORTED not in head.start
        ),
        calibrations=tuple(
            Kept(record=record, age_h=(datetime.now(tz=UTC) - record.made_at).total_seconds() / 3600.0)
            for record in records(data.calibrations)
        ),
    )


def _filesystem(folder: Path) -> str:
    """Return the kind of the file system with the longest mount point above `folder`."""
    try:
        mounts = [line.split() for line in MOUNTS.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    above = [
        (len(words[1]), words[2])
        for words in mounts
        if len(words) > 2 and folder.resolve().is_relative_to(words[1].replace("\\040", " "))
    ]
    return max(above)[1] if above else ""
