"""What the journal of a derived run holds already: asked by who goes on with it, and by who replays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lics_beamline.errors import JournalError, UnsafeName
from lics_beamline.journal.events import Streams
from lics_beamline.journal.reader import Tail
from lics_beamline.schema import EXPOSURE_UID, REDUCED


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a derived journal holds.

    Parameters
    ----------
    exposures : dict of str to mapping
        Points by their `exposure_uid`, each with the fields of its event but for arrays.
    failed : int
        Points of it that could not be reduced.
    whole : bool
        Whether it has its stop document.
    damaged : bool
        Whether a line of it is not as it was written: it is made anew from the raw run.
    """

    exposures: dict[str, Mapping[str, Any]]
    failed: int
    whole: bool
    damaged: bool


def tally(path: Path) -> Tally | None:
    """Return what a derived journal holds; None where there is none.

    Parameters
    ----------
    path : Path
        The journal.

    Raises
    ------
    JournalError, UnsafeName
        If it cannot be opened; if it gives a name that might lead out of the data folder.
    """
    if not path.exists():
        return None
    exposures: dict[str, Mapping[str, Any]] = {}
    streams = Streams()
    failed, damaged = 0, False
    with Tail(path) as tail:
        try:
            for name, doc in tail.documents():
                for event in streams.take(name, doc):
                    if event.stream == REDUCED:
                        exposures[event.data[EXPOSURE_UID.name]] = event.without_arrays()
                        failed += not event.data["reduced"]
        except UnsafeName:
            raise
        except (JournalError, KeyError, TypeError):
            damaged = True  # its documents are none of a derived run
        return Tally(exposures=exposures, failed=failed, whole=tail.finished, damaged=damaged or bool(tail.faults))
