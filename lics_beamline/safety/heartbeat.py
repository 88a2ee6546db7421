"""The sign of life of the process that runs plans, twice a second, and a farewell: told, and kept in a small file."""

from __future__ import annotations

import json
import logging
import math
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from lics_beamline.devices.lease import this_host
from lics_beamline.files.whole_file import write_whole
from lics_beamline.processes.status_file import read_status, said_ago_s, uptime_s

BEAT_EVERY_S: Final = 0.5  # between two beats [s of wall clock]: several are missed before anybody worries

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One sign of life.

    Parameters
    ----------
    pid : int
        Process that lives.
    number : int
        Rises with each beat, from 1.
    farewell : bool
        Whether this was the last one, and lawfully so.
    host : str
        Its computer.
    uptime_s : float
        When, by the clock that its computer counts from its start [s].
    """

    pid: int
    number: int
    farewell: bool = False
    host: str = ""
    uptime_s: float = 0.0


class Tell(Protocol):
    """Tells somebody of a sign of life."""

    def __call__(self, *, farewell: bool) -> None:
        """Tell of a beat, or of the last one."""
        ...


def heartbeat_path(logs: Path, pid: int) -> Path:
    """Return where the process `pid` leaves its beats, below the folder of logs."""
    return logs / f"heartbeat-{pid}.json"


def read_beat(path: Path) -> Beat | None:
    """Return the newest beat; None where there is none, or none that can be read."""
    return read_status(path, Beat)


def silent_for_s(path: Path) -> float:
    """Return how old the newest beat is [s]; infinite where there is none."""
    beat = read_beat(path) or Beat(pid=0, number=0)
    try:
        return said_ago_s(path.stat().st_mtime, beat.uptime_s, here=beat.host == this_host())
    except OSError:
        return math.inf


class Heartbeat:
    """Beats while the context lasts, then says farewell.

    A process that is killed says none; that is the point. Beats are told by one thread and kept by another: a disk may
    not answer for minutes, and nobody is dead for that.

    Parameters
    ----------
    logs : Path
        Folder of logs.
    tell : callable, optional
        Tells of a beat, or with ``farewell=True`` of the last one; it does not wait for a disk.
    look : callable, optional
        Called after each beat that was kept.
    """

    def __init__(self, logs: Path, *, tell: Tell | None = None, look: Callable[[], None] | None = None) -> None:
        self.path = heartbeat_path(logs, os.getpid())
        self._tell = tell
        self._look = look
        self._number = 0
        self._failed = False
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=run, name=f"heartbeat {what}", daemon=True)
            for what, run in (("told", self._run_told), ("kept", self._run_kept))
        ]

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._keep()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._tell is not None:
            self._tell(farewell=True)
        self._keep(farewell=True)

    def _run_told(self) -> None:
        while self._tell is not None:
            self._tell(farewell=False)
            if self._over.wait(BEAT_EVERY_S):
                return

    def _run_kept(self) -> None:
        told = ""
        while not self._over.wait(BEAT_EVERY_S):
            self._keep()
            try:
                if self._look is not None:
                    self._look()
                told = ""
            except OSError as error:  # of a disk that fails; the next look is due all the same
                if str(error) != told:
                    logger.warning("a look has failed, and is repeated: %s", error)
                told = str(error)

    def _keep(self, *, farewell: bool = False) -> None:
        self._number += 1
        beat = Beat(pid=os.getpid(), number=self._number, farewell=farewell, host=this_host(), uptime_s=uptime_s())
        try:
            write_whole(self.path, json.dumps(asdict(beat)))
            self._failed = False
        except OSError as error:  # a full disk; the guard hears of it on a line of its own
            if not self._failed:
                logger.error("no sign of life can be left in %s: %s", self.path, error.strerror)
            self._failed = True
