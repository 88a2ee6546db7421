"""Plate files against what the journals say of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import LicsError
from lics_beamline.frames.frame import check_file
from lics_beamline.frames.frame_digest import frame_digest
from lics_beamline.journal.safe_name import inside
from lics_beamline.verification.difference import Difference
from lics_beamline.verification.record import Record

_RESTORE: Final = "Restore it from a copy of the detector's own files; then lics replay reduces its point."


def judge_plates(data: DataFolder, record: Record) -> Iterator[Difference]:
    """Yield what is wrong with the plates of a run.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    record : Record
        A raw run.
    """
    for frame in record.frames:
        problem = _fault(data, frame.path, frame.sha256)
        if problem:
            yield Difference(run=record.uid, where=frame.path, says=problem, remedy=_RESTORE)
    unread = set(record.exposed) - set(record.read)
    if unread and not record.being_written:
        yield Difference(
            run=record.uid,
            where=str(record.path),
            says=f"{len(unread)} of {len(record.exposed)} exposures were neither read nor given up in this run",
        )


def _fault(data: DataFolder, recorded: str, sha256: str) -> str:
    try:
        path = inside(data.root, recorded, what="plate")
        if not path.is_file():
            return "the plate is not there" if not path.exists() else "it is no file"
        check_file(path)
        if sha256:
            found = frame_digest(path)
            if found != sha256:
                return (
                    f"it has sha256 {found[:12]}... and was recorded with {sha256[:12]}...: it is not what was measured"
                )
    except (LicsError, OSError) as error:
        return str(error)
    return ""
