"""Who writes a file now: an exclusive flock, which the kernel drops when its process dies, however it dies.

NFS makes of it a lock of the server, which all its computers see. Other file systems that computers share keep it to
the computer that asked, or have none: there a lock file says of which computer its last holder was.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy, JournalError
from lics_beamline.journal.computer import MOST_SAID_BYTES, KnownProcess
from lics_beamline.journal.mounted import Mounted, mounted

PROBE_PATIENCE_S: Final = 1.0  # of a writer [s]: a reader that asks "is it locked?" holds the lock for microseconds
ELSEWHERE: Final = "Keep the data folder on another disk; its plates may stay where they are, behind a link."
BY_UMASK: Final = 0o666  # who may write a file of a data folder: whom the umask lets; a group that shares one has 002
_TRIED_EVERY_S: Final = 0.05  # between two attempts to take a lock [s]
_HAS_NO_LOCKS: Final = frozenset(
    {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
)  # flock(2), of shared disks


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
    JournalError
        If the file system has no locks, or such as hold nobody back: both are found by trying.
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
        except OSError as error:
            raise _without_locks(error, path) from None
        else:
            break
    if _another_may_have(descriptor):
        raise JournalError(
            f"{path} was locked, and that holds nobody back: {mounted(path)} has locks that do nothing. {ELSEWHERE}",
            path=str(path),
        )


def _another_may_have(descriptor: int) -> bool:
    """Whether the same file, opened once more, can be locked although `descriptor` has it."""
    try:
        other = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:  # no Linux, or a file that its writer may not read
        return False
    try:
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(other)
    return True


def _without_locks(error: OSError, path: Path) -> OSError:
    if error.errno not in _HAS_NO_LOCKS:
        return error
    return JournalError(
        f"{path} cannot be locked ({os.strerror(error.errno)}): {mounted(path)} has no locks, without which two could "
        f"write one file. Mount it with locks (NFS: a running lock service; Lustre: -o flock). Or else: {ELSEWHERE}",
        path=str(path),
    )


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
    except OSError as error:
        raise _without_locks(error, path) from None
    finally:
        os.close(descriptor)  # drops the shared lock with it
    return False


def holder(path: Path) -> KnownProcess:
    """Return the process that is the sole one by a lock file; one of number 0 where none is."""
    return _last_holder(path) if is_held(path) else KnownProcess()


def _last_holder(path: Path) -> KnownProcess:
    with path.open("rb") as file:
        return KnownProcess.read(file.read(MOST_SAID_BYTES))


def require_all_seen(data: DataFolder, *, on: Mounted | None = None) -> None:
    """Refuse where it cannot be known whether another computer is at work in a data folder, and one seems to be.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    on : Mounted, optional
        The file system it is on; default the one it is found on.

    Raises
    ------
    Busy
        Naming the file system, that computer, and what to do.
    """
    for path in sorted(data.logs.glob("*.lock")):
        if path.is_file():
            _require_seen(path, _last_holder(path), on)


def _require_seen(path: Path, last: KnownProcess, on: Mounted | None = None) -> None:
    if last.is_elsewhere and not (on := on or mounted(path)).shows_all_locks:
        raise Busy(
            f"{last} was at work here and has not said that it ended, and from here it cannot be seen whether it still "
            f"is: {on}, may keep the locks of each computer to itself. Go on there; or make sure that it has ended, "
            f"and remove {path}.",
            pid=last.pid,
            host=last.host,
            path=str(path),
        )


@contextlib.contextmanager
def sole(path: Path, *, what: str) -> Iterator[None]:
    """Be the only process that does something, while the context lasts.

    Parameters
    ----------
    path : Path
        Lock file; it is made if absent, and names the holder while there is one.
    what : str
        What is done by one process at a time, for the message.

    Raises
    ------
    Busy
        If another process does it already, or on a file system that hides it may do so on another computer;
        ``facts["pid"]`` and ``facts["host"]`` name it.
    JournalError
        As of `claim`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, BY_UMASK)
    try:
        try:
            claim(descriptor, path)
        except Busy:
            first = KnownProcess.read(os.read(descriptor, MOST_SAID_BYTES))
            raise Busy(
                f"{what} is done by {first} already ({path}). Wait for it, or stop it.",
                pid=first.pid,
                host=first.host,
                path=str(path),
            ) from None
        _require_seen(path, KnownProcess.read(os.read(descriptor, MOST_SAID_BYTES)))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, KnownProcess.this().said, 0)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # a disk that cannot be written any more; the lock goes all the same
                os.ftruncate(descriptor, 0)  # who ends by himself names himself no more
    finally:
        with contextlib.suppress(OSError):  # of the same disk: what is said is why the work ended, not this
            os.close(descriptor)
