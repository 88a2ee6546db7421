"""The processes that follow journals: ``python -m lics_beamline.follower catalog|reduce --data DIR``.

The session starts them; they may also be started by hand, stopped and killed at any time. What they missed they catch
up with, and what they did twice is there once. Each says how it fares in ``logs/<name>.json``, once a second.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lics_beamline.data_folder import DataFolder, write_whole
from lics_beamline.errors import LicsError
from lics_beamline.follower.status import STATUS_S, WHICH, FollowerStatus, Which, log_path, status_path
from lics_beamline.journal import lock
from lics_beamline.journal.following import Following
from lics_beamline.journal.reader import POLL_S

if TYPE_CHECKING:
    pass

NICENESS: Final = 10  # control of the experiment comes before following it
NOT_READY: Final = 3  # exit codes, as everywhere at the command line
RUN_FAILED: Final = 4

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
    data.make()
    command = [sys.executable, "-m", "lics_beamline.follower", which]
    command += ["--data", str(data.root.resolve()), "--parent-pid", str(os.getpid())]
    with log_path(data, which).open("ab") as log:
        # In a session of its own: Ctrl-C at the terminal is meant for the experiment.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


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
    parser = argparse.ArgumentParser(prog="python -m lics_beamline.follower", description=__doc__.split("\n")[0])
    parser.add_argument("which", choices=WHICH, help="keep the catalog, or reduce what is measured")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data folder")
    parser.add_argument("--once", action="store_true", help="deal with all that is recorded, then end")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="with --once: processes that share the points")
    parser.add_argument("--parent-pid", type=int, metavar="PID", help="end after this process, and after catching up")
    asked = parser.parse_args(arguments)
    data = DataFolder(asked.data.resolve()).make()
    logging.basicConfig(
        filename=log_path(data, asked.which),
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )
    logging.getLogger("lics_beamline").setLevel(logging.INFO)
    os.nice(NICENESS)
    try:
        return _Process(data, asked.which, once=asked.once, jobs=asked.jobs, parent_pid=asked.parent_pid).work()
    except LicsError as error:
        logger.error("%s", error)
        sys.stderr.write(f"{error}\n")
        return NOT_READY


class _Process:
    """One follower at work."""

    def __init__(self, data: DataFolder, which: Which, *, once: bool, jobs: int, parent_pid: int | None) -> None:
        self._data = data
        self._which = which
        self._once = once
        self._jobs = jobs if once else 1  # a live point is reduced before the next is there
        self._parent_gone = _watch(parent_pid) if parent_pid is not None else lambda: False
        self._told_to_end = threading.Event()
        self._said = 0.0
        self._caught_up = time.monotonic()

    def work(self) -> int:
        with (
            lock.sole(self._data.logs / f"{self._which}-follower.lock", what=f"following ({self._which})"),
            _told_by_signals(self._told_to_end),
        ):
            self._say(None, state="starting")
            with self._following() as following:
                try:
                    self._follow(following)
                finally:
                    following.close()
                    self._say(following, state="ended")
        logger.info("ended, %d runs in trouble", len(following.troubles))
        return RUN_FAILED if following.troubles else 0

    @contextmanager
    def _following(self) -> Iterator[Following]:
        options = {"grace_s": 0.0, "retry_s": 0.0} if self._once else {}
        if self._which == "catalog":
            from lics_beamline.catalog.cataloguer import Cataloguer

            with Cataloguer(self._data) as cataloguer:
                yield cataloguer.following(**options)
        else:
            from lics_beamline.follower.live_reduction import LiveReduction
            from lics_beamline.reduction.workers import crew

            with crew(self._jobs) as found:
                yield LiveReduction(self._data, found).following(**options)

    def _follow(self, following: Following) -> None:
        logger.info("following %s of %s", self._which, self._data.root)
        while not self._told_to_end.is_set():
            parent_gone = self._parent_gone()  # asked first: what was recorded by then is then dealt with
            taken = following.round(interrupted=self._between_documents(following))
            if taken:
                continue
            self._caught_up = time.monotonic()
            self._say(following)
            if (self._once and not following.retrying) or (parent_gone and not following.unsettled):
                return
            self._told_to_end.wait(POLL_S)

    def _between_documents(self, following: Following) -> Callable[[], bool]:
        def ask() -> bool:
            self._say(following)
            return self._told_to_end.is_set()

        return ask

    def _say(self, following: Following | None, *, state: str = "") -> None:
        if not state and time.monotonic() - self._said < STATUS_S:
            return
        self._said = time.monotonic()
        behind = following.behind() if following is not None else 0
        said = FollowerStatus(
            name=self._which,
            pid=os.getpid(),
            state=state or ("catching up" if behind else "waiting"),
            run=following.run if following is not None else "",
            documents_behind=behind,
            seconds_behind=round(self._said - self._caught_up, 3) if behind else 0.0,
            troubles=dict(following.troubles) if following is not None else {},
            time=time.time(),
        )
        write_whole(status_path(self._data, self._which), json.dumps(asdict(said)))


@contextmanager
def _told_by_signals(told: threading.Event) -> Iterator[None]:
    """Set an event on SIGTERM and SIGINT instead of dying, while the context lasts."""
    before = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(pid: int) -> Callable[[], bool]:
    """Return what tells whether a process is gone, even if another has got its number since."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return lambda: True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)  # readable once the process has ended
    return lambda: bool(poll.poll(0))
