"""Who holds the beamline: one client at a time, by the name it writes to the lease of the membrane's controller."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from lics_beamline.journal.computer import boot_id

LONGEST_CHARACTERS: Final = 39  # of an EPICS string
LONGEST_HOST_CHARACTERS: Final = 16  # of 39, beside a number of 7 digits, its mark and a date
MARK_CHARACTERS: Final = 5  # hexadecimal, of a digest: two processes of one number share it once in a million
NO_PROCESS: Final = "gone"  # in place of a mark, where no living process has a number


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseHolder:
    """A process that holds the beamline.

    Parameters
    ----------
    pid : int
        Its number.
    host : str
        Its computer, as far as there is room.
    since : str
        Month, day and time from which it has held, by the clock of its computer.
    mark : str
        What tells it from a process that gets its number after it; empty where its computer or an older version does
        not say.
    """

    pid: int
    host: str
    since: str
    mark: str = ""

    @classmethod
    def of_process(cls, pid: int) -> LeaseHolder:
        """Return the holder that a process of this computer becomes now."""
        mark = mark_of(pid)
        since = f"{datetime.now().astimezone():%m-%dT%H:%M}"
        return cls(pid=pid, host=this_host(), since=since, mark="" if mark == NO_PROCESS else mark)

    @classmethod
    def read(cls, name: str) -> LeaseHolder | None:
        """Return the holder that a lease names; None where somebody else wrote it in words of his own."""
        found = re.fullmatch(r"(\d{1,10})(?::([0-9a-f]+))? on (\S+)(?: (\S+))?", name.strip(), re.ASCII)
        return cls(pid=int(found[1]), mark=found[2] or "", host=found[3], since=found[4] or "") if found else None

    @property
    def name(self) -> str:
        """What is written to the lease; where there is no room for the time of day, the date alone."""
        who = f"{self.pid}:{self.mark} on {self.host}" if self.mark else f"{self.pid} on {self.host}"
        for since in (self.since, self.since.partition("T")[0]):
            whole = f"{who} {since}".strip()
            if len(whole) <= LONGEST_CHARACTERS:
                return whole
        return who[:LONGEST_CHARACTERS]

    def is_same(self, other: LeaseHolder) -> bool:
        """Whether both are one process, as far as both say; not one that has got the number of the other since."""
        marks = {self.mark, other.mark} - {""}
        return (self.pid, self.host) == (other.pid, other.host) and len(marks) < 2

    def is_process(self, pid: int) -> bool:
        """Whether this is a process of this computer."""
        return self.pid == pid and self.is_same(LeaseHolder.of_process(pid))

    def is_dead(self) -> bool:
        """Whether it was a process of this computer and is none any more, whoever has its number now."""
        if self.host != this_host():
            return False
        mark = mark_of(self.pid)
        return mark == NO_PROCESS or ("" not in (mark, self.mark) and mark != self.mark)


def mark_of(pid: int) -> str:
    """Return what tells a process of this computer from one that gets its number later.

    Parameters
    ----------
    pid : int
        Its number.

    Returns
    -------
    str
        `MARK_CHARACTERS` of a digest of when it was started, counted from the start of the computer, and of which
        start that was: neither changes when somebody sets the clock. Empty where the system does not tell;
        `NO_PROCESS` where there is no such process, or it has ended and nobody has taken note of it.
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # no number of a process is that large
        return NO_PROCESS
    except PermissionError:
        pass  # of another user
    try:
        said = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        state, started = said[0], said[19]  # of proc(5), fields 3 and 22; the name before them may hold anything
    except (OSError, IndexError):
        return ""
    if not boot_id():
        return ""
    if state in ("Z", "X"):
        return NO_PROCESS
    return hashlib.sha256(f"{boot_id()} {started}".encode()).hexdigest()[:MARK_CHARACTERS]


def this_host() -> str:
    """Return this computer as leases name it."""
    return socket.gethostname().split(".")[0][:LONGEST_HOST_CHARACTERS]


def foreign(name: str, pid: int) -> str:
    """Return who holds a lease, for people; empty where nobody does, a dead process, or the process `pid` of here.

    Parameters
    ----------
    name : str
        What the lease says.
    pid : int
        The process that asks, or on whose behalf.
    """
    if not name.strip():
        return ""
    holder = LeaseHolder.read(name)
    if holder is None:
        return repr(name)
    if holder.is_process(pid) or holder.is_dead():
        return ""
    return f"process {holder.pid} on {holder.host}" + (f" since {holder.since}" if holder.since else "")
