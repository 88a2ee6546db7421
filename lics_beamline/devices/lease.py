"""Who holds the beamline: one client at a time, by the name it writes to the lease of the membrane's controller."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Final

LONGEST_CHARACTERS: Final = 39  # of an EPICS string
LONGEST_HOST_CHARACTERS: Final = 16  # of 39, beside a number of 7 digits and a date


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
    """

    pid: int
    host: str
    since: str

    @classmethod
    def of_process(cls, pid: int) -> LeaseHolder:
        """Return the holder that a process of this computer becomes now."""
        return cls(pid=pid, host=this_host(), since=f"{datetime.now().astimezone():%m-%dT%H:%M}")

    @classmethod
    def read(cls, name: str) -> LeaseHolder | None:
        """Return the holder that a lease names; None where somebody else wrote it in words of his own."""
        found = re.fullmatch(r"(\d{1,10}) on (\S+)(?: (\S+))?", name.strip(), re.ASCII)
        return cls(pid=int(found[1]), host=found[2], since=found[3] or "") if found else None

    @property
    def name(self) -> str:
        """What is written to the lease."""
        return f"{self.pid} on {self.host} {self.since}".strip()[:LONGEST_CHARACTERS]

    def is_process(self, pid: int) -> bool:
        """Whether this is a process of this computer."""
        return (self.pid, self.host) == (pid, this_host())

    def is_dead(self) -> bool:
        """Whether it was a process of this computer and is none any more."""
        if self.host != this_host():
            return False
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):  # no number of a process is that large
            return True
        except PermissionError:
            return False
        return False


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
