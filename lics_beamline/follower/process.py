"""The processes that follow journals: ``python -m lics_beamline.follower catalog|reduce --data DIR``.

The session starts them; they may also be started by hand, stopped and killed at any time. What they missed they catch
up with, and what they did twice is there once. Each says how it fares in ``logs/<name>.json``, once a second.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from lics_beamline.data_folder import DataFolder, require_there
from lics_beamline.follower.status import WHICH, FollowerStatus, Which, finishing, lock_path
from lics_beamline.journal import lock
from lics_beamline.journal.computer import KnownProcess
from lics_beamline.journal.following import Following
from lics_beamline.journal.reader import LOOKED_EVERY_S
from lics_beamline.processes import background_process
from lics_beamline.processes.background_process import BackgroundProcess, watch
from lics_beamline.processes.status_file import uptime_s

RUN_FAILED: Final = 4  # exit code, as everywhere at the command line

logger = logging.getLogger("lics_beamline.follower")  # of the room, for its log


def start(data: DataFolder, which: Which) -> subprocess.Popen[bytes]:
    """Start a follower that works as long as this process lives, and until it has caught up after that.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    which : {"reduce", "catalog"}
        What to do with the journals.

    Returns
    -------
    subprocess.Popen
        Its handle. ``terminate()`` ends it after the document it is at.
    """
    return background_process.start("lics_beamline.follower", [which], name=which, data=data)


def start_alone(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a follower that works for nobody, at this terminal.

    It has a process of its own, because this one may have open the catalog that is set aside: Tiled would go on writing
    to that.

    Parameters
    ----------
    arguments : sequence of str
        Its command line, as `main` takes it.
    """
    return subprocess.Popen([sys.executable, "-m", "lics_beamline.follower", *arguments], stdin=subprocess.DEVNULL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow journals until told to end; return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; default that of the process.

    Returns
    -------
    int
        0 done, 2 usage, 3 another process does this already, 4 a run could not be followed.
    """
    parser = background_process.parser_of(
        "lics_beamline.follower", __doc__.split("\n")[0], parent="end after this process, and after catching up"
    )
    parser.add_argument("which", choices=WHICH, help="keep the catalog, or reduce what is measured")
    parser.add_argument("--once", action="store_true", help="deal with all that is recorded, then end")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="with --once: processes that share the points")
    asked = parser.parse_args(arguments)
    return background_process.run(
        asked.which,
        asked,
        lambda process: _Follower(process, asked.which, once=asked.once, jobs=asked.jobs).work(),
    )


class _Follower:
    """One follower at work."""

    def __init__(self, process: BackgroundProcess, which: Which, *, once: bool, jobs: int) -> None:
        self._process = process
        self._data = process.data
        self._which = which
        self._once = once
        self._jobs = jobs if once else 1  # a live point is reduced before the next is there
        self._caught_up = time.monotonic()

    def work(self) -> int:
        lock.require_all_seen(self._data)
        if self._once:
            self._wait_for_who_finishes()
        with lock.sole(lock_path(self._data, self._which), what=f"following ({self._which})"):
            self._say(None, state="starting")
            with self._following() as following:
                try:
                    self._follow(following)
                finally:
                    following.close()
                    self._say(following, state="ended")
        logger.info("ended, %d runs in trouble", len(following.troubles))
        return RUN_FAILED if following.troubles else 0

    def _wait_for_who_finishes(self) -> None:
        """Wait for a follower whose session is gone: it deals with what is there and ends, however long that takes."""
        while pid := finishing(self._data, self._which):
            logger.info("waiting for process %d, which finishes what its session left", pid)
            is_gone = watch(pid)
            while not is_gone():
                if self._process.told_to_end.wait(LOOKED_EVERY_S):
                    return

    @contextmanager
    def _following(self) -> Iterator[Following]:
        options = {"grace_s": 0.0, "retry_s": 0.0} if self._once else {}
        if self._which == "catalog":
            from lics_beamline.catalog.cataloguer import Cataloguer
            from lics_beamline.catalog.tiled_profile import write_profile

            tell, told_to_end = (lambda: write_profile(self._data)), self._process.told_to_end.is_set
            with Cataloguer(self._data, opened=tell, given_up=told_to_end) as cataloguer:
                yield cataloguer.following(**options)
        else:
            from lics_beamline.follower.live_reduction import LiveReduction
            from lics_beamline.reduction.workers import crew

            with crew(self._jobs) as found:
                yield LiveReduction(self._data, found).following(**options)

    def _follow(self, following: Following) -> None:
        logger.info("following %s of %s", self._which, self._data.root)
        where = self._data.root.stat()
        while not self._process.told_to_end.is_set():
            require_there(self._data, where)
            parent_gone = self._process.parent_gone()  # asked first: what was recorded by then is then dealt with
            taken = following.round(interrupted=self._between_documents(following))
            if taken:
                continue
            self._caught_up = time.monotonic()
            self._say(following)
            if (self._once and not following.retrying) or (parent_gone and not following.unsettled):
                return
            self._process.told_to_end.wait(LOOKED_EVERY_S)

    def _between_documents(self, following: Following) -> Callable[[], bool]:
        def ask() -> bool:
            self._say(following)
            return self._process.told_to_end.is_set()

        return ask

    def _say(self, following: Following | None, *, state: str = "") -> None:
        if not self._process.status.is_due(state):
            return
        behind = following.behind() if following is not None else 0
        self._process.status.say(
            FollowerStatus(
                name=self._which,
                pid=os.getpid(),
                parent_pid=self._process.parent_pid,
                state=state or ("catching up" if behind else "waiting"),
                run=following.run if following is not None else "",
                documents_behind=behind,
                seconds_behind=round(time.monotonic() - self._caught_up, 3) if behind else 0.0,
                troubles=dict(following.troubles) if following is not None else {},
                left=tuple(sorted(following.left)) if following is not None else (),
                time=time.time(),
                host=KnownProcess.this().host,
                uptime_s=uptime_s(),
            )
        )
