"""The follower supervisor: starts the followers of a session, and starts one again that has died."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.follower import process as follower
from lics_beamline.follower.status import Which, lock_path
from lics_beamline.journal import lock
from lics_beamline.processes.background_process import NOT_READY, log_path

DEATHS_AT_MOST: Final = 3  # one after the other, after which none is started again: what killed three kills a fourth
LIVED_WELL_S: Final = 600.0  # of life after which a death is none of a row [s]; a choice: a sweep may last nights
TOLD_TO_END: Final = (0, follower.RUN_FAILED, -signal.SIGTERM)  # exit codes of one that somebody asked to end

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Started:
    """A follower that has been started."""

    process: subprocess.Popen[bytes]
    started_s: float
    deaths: int = 0
    is_elsewhere: bool = False
    is_given_up: bool = False


class FollowerSupervisor:
    """Keeps followers of this process at work, each a process that ends after this one, when it has caught up.

    `look` is called with each sign of life of this process, twice a second. One that was killed, or has broken down, is
    started again and goes on where it was; one that a person has told to end is left ended. Both are said.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    note : callable
        Takes what is worth a line in the record.
    begin : callable
        Starts one.
    """

    def __init__(
        self,
        data: DataFolder,
        *,
        note: Callable[[str], None] = logger.info,
        begin: Callable[[DataFolder, Which], subprocess.Popen[bytes]] = follower.start,
    ) -> None:
        self._data = data
        self._note = note
        self._begin = begin
        self._started: dict[Which, _Started] = {}

    def start(self, which: Sequence[Which]) -> None:
        """Start followers.

        Parameters
        ----------
        which : sequence of {"reduce", "catalog"}
            Which, in this order.
        """
        for each in which:
            self._started[each] = _Started(process=self._begin(self._data, each), started_s=time.monotonic())

    def works(self, which: Which) -> bool:
        """Whether that follower was asked for here and somebody does its work, or will in a moment."""
        kept = self._started.get(which)
        return kept is not None and (not kept.is_given_up or lock.is_held(lock_path(self._data, which)))

    def look(self) -> None:
        """Look whether a follower has ended, and start another in the place of one that has died."""
        for which, kept in tuple(self._started.items()):  # they may be started meanwhile
            code = None if kept.is_given_up else kept.process.poll()
            if code is not None:
                self._heed(which, kept, code)

    def _heed(self, which: Which, kept: _Started, code: int) -> None:
        name, log = f"lics follow {which}", log_path(self._data, which)
        if code == NOT_READY and lock.is_held(lock_path(self._data, which)):
            kept.is_elsewhere = True  # somebody else does it, perhaps what an earlier session has left
            return
        if kept.is_elsewhere:
            kept.is_elsewhere = False
            self._begin_again(which, kept, f"{name} was done elsewhere, and has ended there")
            return
        if code in TOLD_TO_END:
            kept.is_given_up = True
            said = f"{name} of this session (process {kept.process.pid}) was told to end: see {log}"
            self._say(f"{said}; {name} goes on with it.")
            return
        lived_s = time.monotonic() - kept.started_s
        kept.deaths = 1 if lived_s > LIVED_WELL_S else kept.deaths + 1
        # Where it could not begin for one that did its work, that one may have ended just then: it is tried again too.
        how = "could not begin" if code == NOT_READY else f"died, exit code {code}"
        says = f"{name} of this session (process {kept.process.pid}) {how}"
        if kept.deaths >= DEATHS_AT_MOST:
            kept.is_given_up = True
            self._say(
                f"{says}, as {kept.deaths - 1} did before it: see {log}. Once that is mended {name} goes on with it."
            )
            return
        self._begin_again(which, kept, says)

    def _begin_again(self, which: Which, kept: _Started, says: str) -> None:
        try:
            kept.process, kept.started_s = self._begin(self._data, which), time.monotonic()
        except OSError as error:
            kept.is_given_up = True
            self._say(f"{says}, and no other one can be started ({error}). lics follow {which} goes on with it later.")
        else:
            self._say(f"{says}; another one goes on where it was.")

    def _say(self, says: str) -> None:
        logger.warning("%s", says)
        self._note(says)
