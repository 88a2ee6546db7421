"""The guard supervisor: starts the guard, notices when it dies or hangs, starts another once, heeds its trips."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bluesky import RunEngine
from bluesky.utils import TransitionError

from lics_beamline.data_folder import DataFolder
from lics_beamline.safety import guard
from lics_beamline.safety.interlock import HEARTBEAT_S
from lics_beamline.safety.latch import latched, trip
from lics_beamline.safety.lifeline import Lifeline

logger = logging.getLogger(__name__)

GUARD_END_S: Final = 20.0  # for the guard to end after this process' farewell [s]; on a busy computer 2 s were too few
GUARD_HUNG_S: Final = (
    10.0  # of silence after which a guard that lives is ended and replaced [s]; it speaks ten times a second
)


class GuardSupervisor:
    """Keeps a guard of this process at work while the context lasts.

    `look` is called with each sign of life of this process, twice a second. A guard that has died is noticed there, and
    one that hangs when it is silent for as long as it bears silence of the engine itself. Until another watches,
    `missing` says so, and nothing may go on; a second one that dies is a trip.

    Parameters
    ----------
    profile : Path
        Folder of the profile.
    prefix : str
        Prefix of the PVs.
    data : DataFolder
        Folder of heartbeat, latch and logs.
    give_up_s : float, optional
        After the death of this process, seconds for which PVs that do not answer are tried; default for ever.
    note : callable
        Takes what is worth a line in the record.
    """

    def __init__(
        self,
        profile: Path,
        prefix: str,
        data: DataFolder,
        *,
        give_up_s: float | None = None,
        note: Callable[[str], None] = logger.info,
    ) -> None:
        self.engine: RunEngine | None = None
        self._profile, self._prefix, self._data = profile, prefix, data
        self._give_up_s = give_up_s
        self._note = note
        self._missing = ""
        self._told = ""
        self._replaced = False
        self._has_tripped = False
        self._beats, self._heard_s = 0, time.monotonic()
        self._process, self._lifeline = self._start()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The guard of now."""
        return self._process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Time to hear the farewell. One that is still making safe is left to it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GUARD_END_S)
        self._lifeline.close()

    @property
    def has_tripped(self) -> bool:
        """Whether a trip was there that nobody has acknowledged, at the last look."""
        return self._has_tripped

    def tell(self, *, farewell: bool) -> None:
        """Tell the guard that this process lives, or that it ends lawfully."""
        self._lifeline.beat(farewell=farewell)

    def missing(self) -> str:
        """Return why nobody guards now, or nothing."""
        return self._missing

    def look(self) -> None:
        """Look whether the guard has tripped, died or hangs."""
        found = latched(self._data)
        self._has_tripped = found is not None
        if found is not None and found["when"]:  # where a disk does not say, there is still the guard to look at
            if self._told != "guard lost":
                self._heed(found["when"], found["says"])
            return
        ended = self._process.poll()
        if ended is not None:
            self._replace(f"the guard (process {self._process.pid}) died, exit code {ended}")
            return
        beats = self._lifeline.beats()
        if not beats:
            return  # it has just been started; what was missing is missing still
        if beats != self._beats:
            self._beats, self._heard_s = beats, time.monotonic()
        silent_s = time.monotonic() - self._heard_s
        if silent_s > GUARD_HUNG_S:
            self._process.kill()
        if silent_s > HEARTBEAT_S:
            self._missing = f"the guard (process {self._process.pid}) has said nothing for {silent_s:.0f} s"
        else:
            self._missing = ""

    def _start(self) -> tuple[subprocess.Popen[bytes], Lifeline]:
        lifeline, end = Lifeline.pair()
        with end:
            process = guard.start(str(self._profile), self._prefix, self._data, lifeline=end, give_up_s=self._give_up_s)
        return process, lifeline

    def _replace(self, why: str) -> None:
        if self._replaced:
            self._lose(f"{why}, and so did the one before")
            return
        self._replaced = True
        self._missing = f"{why}; another one is being started"
        logger.error("%s", self._missing)
        self._note(self._missing)
        try:
            self._lifeline.close()
            self._beats, self._heard_s = 0, time.monotonic()
            self._process, self._lifeline = self._start()
        except OSError as error:
            self._lose(f"{why}, and no other one can be started ({error})")

    def _lose(self, why: str) -> None:
        says = f"{why}. Nothing goes on without a guard; read {self._data.logs / 'guard.log'}."
        self._missing = says
        try:
            trip(self._data, cause="guard lost", says=says)
        except OSError as error:  # a full disk: the sweep is ended all the same
            logger.error("the trip could not be written: %s", error)
        self._heed("guard lost", says)

    def _heed(self, when: str, says: str) -> None:
        """End a running plan: what goes on would be refused by every device."""
        if when == self._told:
            return
        self._told = when
        logger.error("the guard tripped: %s", says)
        if self.engine is not None and self.engine.state in ("running", "paused"):
            # In a thread of its own: it lasts as long as the plan's clean-up, and the heart must beat.
            threading.Thread(target=_abort, args=(self.engine, says), daemon=True).start()


def _abort(engine: RunEngine, says: str) -> None:
    try:
        engine.abort(f"the guard tripped: {says}")
    except TransitionError as error:
        logger.info("the engine was on its way already: %s", error)
