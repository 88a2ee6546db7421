"""What a guard writes into its data folder and looks up there, in a thread of its own.

A disk may not answer for minutes: a guard goes on watching meanwhile.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from lics_beamline.data_folder import DataFolder
from lics_beamline.processes.status_file import StatusFile
from lics_beamline.safety.guard_status import GuardStatus
from lics_beamline.safety.latch import is_latched, latch, latch_path, latched

LOOKED_UP_EVERY_S: Final = 0.1  # whether a person has taken note of a trip [s]
TRIED_AGAIN_EVERY_S: Final = 1.0  # where a trip could not be written, as on a full disk [s]

logger = logging.getLogger(__name__)


class GuardRecord:
    """The newest status and the trip of a guard, kept while the context lasts; what was given last is kept at its end.

    Parameters
    ----------
    data : DataFolder
        Where they are kept.
    status : StatusFile
        The file of the status.
    """

    def __init__(self, data: DataFolder, status: StatusFile) -> None:
        self._data = data
        self._file = status
        self._lock = threading.Lock()
        self._given = threading.Event()
        self._status: GuardStatus | None = None
        self._trip: Mapping[str, Any] | None = None
        self._kept = False
        self._acknowledged = False
        self._over = False
        self._failed = ""
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._given.set()
        self._thread.join()

    @property
    def acknowledged(self) -> bool:
        """Whether the trip that was given last was kept, and a person has taken it away since."""
        return self._acknowledged

    def say(self, status: GuardStatus) -> None:
        """Keep how the guard fares; an older status that is not written yet is dropped."""
        with self._lock:
            self._status = status
        self._given.set()

    def latch(self, trip: Mapping[str, Any]) -> None:
        """Keep a trip, or what has been added to it."""
        with self._lock:
            self._trip, self._kept, self._acknowledged = dict(trip), False, False
        self._given.set()

    def _run(self) -> None:
        while True:
            self._given.wait(TRIED_AGAIN_EVERY_S if self._failed else LOOKED_UP_EVERY_S)
            self._given.clear()
            over = self._over
            with self._lock:
                trip, status, self._status = self._trip, self._status, None
            if trip is not None and not self._kept:
                self._keep(trip)
            if status is not None:
                self._file.say(status)
            if self._kept:
                gone = not is_latched(self._data)
                with self._lock:
                    self._acknowledged = self._kept and gone
            if over:
                return

    def _keep(self, trip: Mapping[str, Any]) -> None:
        try:
            first = latched(self._data) or trip  # what another guard says of the same moment came first and stands
            latch(self._data, {**trip, **{key: first[key] for key in ("when", "cause", "says")}})
        except OSError as error:  # a full disk does not keep anybody from making safe
            if str(error) != self._failed:
                logger.error("the trip could not be written to %s: %s", latch_path(self._data), error)
            self._failed = str(error)
            return
        self._failed = ""
        with self._lock:
            self._kept = self._trip is trip
