"""How the processes that follow journals fare, as each says once a second in ``logs/<name>.json``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal import lock
from lics_beamline.journal.computer import KnownProcess
from lics_beamline.journal.reader import LOOKED_EVERY_S
from lics_beamline.processes.background_process import watch
from lics_beamline.processes.status_file import read_status, said_ago_s, status_path
from lics_beamline.units import duration_text

Which = Literal["reduce", "catalog"]
WHICH: Final[tuple[Which, ...]] = get_args(Which)  # in the order in which one works on what the other wrote
LOOKED_AFRESH_WORDS: Final = 2  # new words of a follower after which it has looked since it was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerStatus:
    """How one follower fares.

    Parameters
    ----------
    name : str
        ``reduce`` or ``catalog``.
    pid : int
        Its process; 0 where it never ran.
    parent_pid : int
        The process it works for; 0 for none.
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
    left : tuple of str
        Uids of those that failed too often, and are not tried again by this process.
    time : float
        When it said so last [s since 1970].
    host : str
        Its computer.
    uptime_s : float
        When it said so by the clock that its computer counts from its start [s], which nobody sets; 0 if not said.
    """

    name: str
    pid: int = 0
    parent_pid: int = 0
    alive: bool = False
    state: str = "never ran"
    run: str = ""
    documents_behind: int = 0
    seconds_behind: float = 0.0
    troubles: dict[str, str]
    left: tuple[str, ...] = ()
    time: float = 0.0
    host: str = ""
    uptime_s: float = 0.0

    @property
    def age(self) -> str:
        """How old its word is, for people; empty where it said none."""
        if not self.time:
            return ""
        ago_s = said_ago_s(self.time, self.uptime_s, here=self.host == KnownProcess.this().host)
        return duration_text(max(ago_s if math.isfinite(ago_s) else time.time() - self.time, 0.0))


def status(data: DataFolder) -> list[FollowerStatus]:
    """Return how each follower of a data folder fares; never fails.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    """
    return [_read_status(data, name) for name in WHICH]


def trouble_with(data: DataFolder, which: Which, uid: str, *, left: bool = False) -> str:
    """Return what troubles a follower about a run, for people; empty where nothing does.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    which : {"reduce", "catalog"}
        What it does with the journals.
    uid : str
        The run.
    left : bool
        Only if it does not try again.
    """
    said = _read_status(data, which)
    return "" if left and uid not in said.left else said.troubles.get(uid, "")


def wait_until_caught_up(data: DataFolder, timeout_s: float, *, is_of_use: Callable[[], bool] = lambda: True) -> bool:
    """Wait until every living follower has dealt with all that was recorded when this was called.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    timeout_s : float
        How long to wait at most [s of wall clock].
    is_of_use : callable
        Asked again and again; False ends the wait.

    Returns
    -------
    bool
        Whether all have; False too when none is alive.
    """
    until_s = time.monotonic() + timeout_s
    heard: dict[str, list[float]] = {}  # by name: when each says that it said so, newest last; not to be compared
    while time.monotonic() < until_s and is_of_use():
        living = [each for each in status(data) if each.alive]
        if not living:
            return False
        for each in living:
            said = heard.setdefault(each.name, [])
            if each.time not in said[-1:]:
                said.append(each.time)
        # What it said before the question, and what it was writing then, may be older than the last document.
        if all(len(heard[each.name]) > LOOKED_AFRESH_WORDS and each.documents_behind == 0 for each in living):
            return True
        time.sleep(LOOKED_EVERY_S)
    return False


def _read_status(data: DataFolder, name: Which) -> FollowerStatus:
    alive, pid = lock.is_held(lock_path(data, name)), lock.holder(lock_path(data, name)).pid
    said = read_status(status_path(data, name), FollowerStatus)
    if said is None or not math.isfinite(said.time):
        return FollowerStatus(name=name, pid=pid, alive=alive, state="starting" if alive else "never ran", troubles={})
    if alive and said.pid != pid:  # the last words of one before it, which was killed: not how this one fares
        return FollowerStatus(name=name, pid=pid, alive=True, state="starting", troubles={})
    return replace(said, alive=alive, state=said.state if alive or said.state == "ended" else "killed")


def finishing(data: DataFolder, which: Which) -> int:
    """Return the process that follows for a session that is gone, and so ends when it has caught up; 0 for none.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    which : {"reduce", "catalog"}
        What it does with the journals.
    """
    said, holder = _read_status(data, which), lock.holder(lock_path(data, which))
    if not holder.is_here:  # what works elsewhere works for a process of there
        return 0
    is_its_word = said.pid == holder.pid  # and not of one before it
    return holder.pid if is_its_word and said.parent_pid and watch(said.parent_pid)() else 0


def lock_path(data: DataFolder, which: Which) -> Path:
    """Return the file whose lock a follower holds while it works."""
    return data.logs / f"{which}-follower.lock"
