"""Who writes a file now: an exclusive flock, which the kernel drops when its process dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lics_beamline.errors import Busy

PROBE_PATIENCE_S: Final = 1.0  # of a writer [s]: a reader that asks "is it locked?" holds the lock for microseconds
_MOST_PID_BYTES: Final = 32  # of a number; Linux counts processes to 4194304
_TRIED_EVERY_S: Final = 0.05  # between two attempts to take a lock [s]


def claim(descriptor: int, path: Path) -> None:
    """Take the exclusive lock on an open file.

    Parameters
    ----------
    descriptor : int
        File descriptor of the open file.
    path : Path
        Its name, for the message.

    Raises
    ------
    Busy
        If another process holds it for longer than a reader's probe lasts.
    """
    deadline = time.monotonic() + PROBE_PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Busy(
                    f"{path} is being written by another process. Wait for it, or stop it.", path=str(path)
                ) from None
            time.sleep(_TRIED_EVERY_S)
        else:
            return


def release(descriptor: int) -> None:
    """Drop the lock, for every duplicate of the descriptor."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_held(path: Path) -> bool:
    """Whether a living process holds the exclusive lock on `path`; False where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe in its place is not waited for
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)  # drops the shared lock with it
    return False


def holder(path: Path) -> int:
    """Return the process that is the sole one by a lock file; 0 where none is."""
    if not is_held(path):
        return 0
    with path.open("rb") as file:
        return _pid(file.read(_MOST_PID_BYTES))


def _pid(said: bytes) -> int:
    """Return the process that a lock file names; 0 where somebody else wrote something else into it."""
    return int(said) if said.isdigit() else 0


@contextlib.contextmanager
def sole(path: Path, *, what: str) -> Iterator[None]:
    """Be the only process that does something, while the context lasts.

    Parameters
    ----------
    path : Path
        Lock file; it is made if absent, and holds the pid of the holder.
    what : str
        What is done by one process at a time, for the message.

    Raises
    ------
    Busy
        If another process does it already; ``facts["pid"]`` names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            claim(descriptor, path)
        except Busy:
            pid = _pid(os.read(descriptor, _MOST_PID_BYTES))
            raise Busy(
                f"{what} is done by process {pid} already ({path}). Wait for it, or stop it.", pid=pid, path=str(path)
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d" % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)
