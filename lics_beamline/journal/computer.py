"""Which process of which computer: a folder may be shared between computers, on each of which numbers mean others."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Self

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")  # drawn by the kernel at each start; proc(5)
MOST_SAID_BYTES: Final = 400  # of a process: a number, a name of 253 characters at most (RFC 1035), 36 of a start


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProcess:
    """A process as another computer may know it.

    Parameters
    ----------
    pid : int
        Its number there; 0 where it is not known.
    host : str
        The name of its computer; empty where it is not known.
    boot : str
        The start of that computer which it belongs to.
    """

    pid: int = 0
    host: str = ""
    boot: str = ""

    @classmethod
    def this(cls) -> Self:
        """Return the process that asks."""
        return cls(pid=os.getpid(), host=socket.gethostname(), boot=boot_id())

    @classmethod
    def read(cls, said: bytes) -> Self:
        """Return the process that is named in a file, where somebody else may have written something else."""
        found = re.fullmatch(rb"(\d{1,10})(?: (\S{1,253}) ([\w-]{0,36}))?", said, re.ASCII)
        if found is None:
            return cls()
        pid, host, boot = found.groups(default=b"")
        return cls(pid=int(pid), host=host.decode("ascii", "replace"), boot=boot.decode())

    @property
    def said(self) -> bytes:
        """What is written into a file, to be read back by `read`."""
        return f"{self.pid} {self.host} {self.boot}".encode()

    @property
    def is_here(self) -> bool:
        """Whether its number is one of this computer, since it was started: whether it may be looked for here."""
        return self.pid > 0 and (self.host, self.boot) in ((socket.gethostname(), boot_id()), ("", ""))

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is of another computer, of which this one knows nothing."""
        return self.host not in ("", socket.gethostname())

    def __str__(self) -> str:
        return f"process {self.pid}" + (f" on {self.host}" if self.is_elsewhere else "")


@cache
def boot_id() -> str:
    """Return what the kernel drew when this computer was started; empty where the system does not tell."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # no Linux
        return ""
