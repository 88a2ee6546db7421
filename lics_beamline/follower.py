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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import LicsError
from lics_beamline.journal import lock
from lics_beamline.journal.following import Following
from lics_beamline.journal.head import Head
from lics_beamline.journal.reader import POLL_S, read
from lics_beamline.journal.writer import SUFFIX, Journal
from lics_beamline.schema import EXPOSURE_UID, SWEEP

if TYPE_CHECKING:
    from lics_beamline.reduction.crew import Crew, Queue
    from lics_beamline.reduction.reducer import Reducer
    from lics_beamline.reduction.step import Step
    from lics_beamline.reduction.work import Outcome

Which = Literal["reduce", "catalog"]
WHICH: Final[tuple[Which, ...]] = get_args(Which)  # in the order in which one works on what the other wrote
STATUS_S: Final = 1.0  # how often the status is written
NICENESS: Final = 10  # control of the experiment comes before following it
NOT_READY: Final = 3  # exit codes, as everywhere at the command line
RUN_FAILED: Final = 4

logger = logging.getLogger("lics_beamline.follower")  # its name is __main__ where it runs


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerStatus:
    """How one follower fares.

    Parameters
    ----------
    name : str
        ``reduce`` or ``catalog``.
    pid : int
        Its process; 0 where it never ran.
    alive : bool
        Whether that process works now.
    state : str
        ``starting``, ``catching up``, ``waiting`` (all is done, more may come), ``ended``, ``killed`` (it did not end
        by itself) or ``never ran``.
    run : str
        Uid of the run worked on last.
    documents_behind : int
        Documents recorded and not yet dealt with, when it said so last.
    seconds_behind : float
        For how long there have been such documents [s of wall clock]; 0 when there are none.
    troubles : dict of str to str
        Runs that failed, by uid, and how.
    time : float
        When it said so last [s since 1970].
    """

    name: str
    pid: int = 0
    alive: bool = False
    state: str = "never ran"
    run: str = ""
    documents_behind: int = 0
    seconds_behind: float = 0.0
    troubles: dict[str, str]
    time: float = 0.0


def status(data: DataFolder) -> list[FollowerStatus]:
    """Return how each follower of a data folder fares; never fails.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    """
    return [_read_status(data, name) for name in WHICH]


def wait_until_caught_up(data: DataFolder, timeout_s: float) -> bool:
    """Wait until every living follower has dealt with all that was recorded when this was called.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    timeout_s : float
        How long to wait at most [s of wall clock].

    Returns
    -------
    bool
        Whether all have; False too when none is alive.
    """
    asked = time.time()
    while time.time() < asked + timeout_s:
        living = [each for each in status(data) if each.alive]
        if not living:
            return False
        # What it said before the question may be older than the last document.
        if all(each.time > asked + STATUS_S and each.documents_behind == 0 for each in living):
            return True
        time.sleep(POLL_S)
    return False


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
    with _log_path(data, which).open("ab") as log:
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
        filename=_log_path(data, asked.which),
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
            from lics_beamline.reduction.crew import crew

            with crew(self._jobs) as found:
                yield _LiveReduction(self._data, found).following(**options)

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
        path = _status_path(self._data, self._which)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(said)))
        os.replace(unfinished, path)


class _LiveReduction:
    """Reduces sweeps while they are recorded: a replay that has not finished yet."""

    def __init__(self, data: DataFolder, crew: Crew) -> None:
        self._data = data
        self._crew = crew
        self._troubles: dict[str, str] = {}

    def following(self, **options: float) -> Following:
        following = Following((self._data.raw_journals,), self.begin, **options)
        self._troubles = following.troubles
        return following

    def begin(self, head: Head) -> _Reduction | None:
        """Return what reduces a run; None where it is no sweep, or reduced whole."""
        from lics_beamline.reduction.reducer import Reducer

        if head.start.get("purpose") != SWEEP:
            return None
        _, derived_start = next(iter(Reducer(None, data_root=self._data.root)("start", head.start)))
        path = self._data.derived_journals / f"{derived_start['uid']}{SUFFIX}"
        done: dict[str, str] = {}
        for name, doc in read(path) if path.exists() else ():
            if name == "stop":
                return None
            if name == "event":
                done[doc["data"][EXPOSURE_UID.name]] = doc["data"].get("phases", "")
        reducer = Reducer(None, data_root=self._data.root, done=done)
        journal = Journal(self._data.derived_journals, resume=True)
        return _Reduction(head.uid, reducer, journal, self._crew.queue(), troubles=self._troubles)


class _Reduction:
    """Reduces one run: reduce or note."""

    def __init__(self, uid: str, reducer: Reducer, journal: Journal, queue: Queue, *, troubles: dict[str, str]) -> None:
        self._uid = uid
        self._reducer = reducer
        self._journal = journal
        self._queue = queue
        self._troubles = troubles

    def take(self, name: str, doc: Mapping[str, Any]) -> None:
        if name == "descriptor":
            self._reducer.warm_up()
        self._record(name, self._reducer.steps(name, dict(doc)))

    def pause(self) -> None:
        self._queue.rest()

    def abandoned(self) -> None:
        self._record("stop", self._reducer.end("The process that recorded this run ended without saying so."))

    def close(self) -> None:
        try:
            self._queue.rest()
        finally:
            self._journal.close()

    def _record(self, name: str, steps: Iterator[Step]) -> None:
        from lics_beamline.reduction.step import work_of

        while True:
            try:
                step = next(steps, None)
            except Exception as error:
                if name == "start":
                    raise  # without it nothing of the run can be reduced
                logger.exception("run %s: a %s document could not be reduced; the others are", self._uid, name)
                self._troubles[self._uid] = f"{name} document not reduced, {type(error).__name__}: {error}"
                return
            if step is None:
                return
            self._queue.put(work_of(step), partial(self._write, step))

    def _write(self, step: Step, came: Outcome | None) -> None:
        for pair in self._reducer.finish(step, came):
            self._journal(*pair)  # a derived run with a gap would be wrong: this error is not only noted


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


def _read_status(data: DataFolder, name: Which) -> FollowerStatus:
    alive = lock.is_held(data.logs / f"{name}-follower.lock")
    try:
        said = FollowerStatus(**{**json.loads(_status_path(data, name).read_text()), "alive": alive})
    except (OSError, ValueError, TypeError):
        return FollowerStatus(name=name, alive=alive, state="starting" if alive else "never ran", troubles={})
    if not alive and said.state != "ended":
        return FollowerStatus(**{**asdict(said), "state": "killed"})
    return said


def _status_path(data: DataFolder, which: str) -> Path:
    return data.logs / f"{which}.json"


def _log_path(data: DataFolder, which: str) -> Path:
    return data.logs / f"{which}.log"


if __name__ == "__main__":
    sys.exit(main())
