"""The skeleton of a process that works beside the session: ``python -m MODULE --data DIR [--parent-pid PID]``.

The session starts it, in a session of its own, or a person does by hand. It writes its log and its status into the data
folder, is told to end by signals, knows when the process that started it is gone, and ends with an exit code. What it
does is supplied.
"""

from __future__ import annotations

import argparse
import logging
import logging.handlers
import os
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import LicsError
from lics_beamline.processes.log_file import LogFile
from lics_beamline.processes.status_file import StatusFile, status_path

BROKE_DOWN: Final = 1  # exit code of a process that broke down: Python's own
NOT_READY: Final = 3  # exit code of a process that cannot begin, as everywhere at the command line

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundProcess:
    """What the work of such a process is done with.

    Parameters
    ----------
    data : DataFolder
        The data folder it works for.
    parent_pid : int
        The process it was started by, or works for; 0 for none.
    parent_gone : callable
        Tells whether that process has ended; never, where there is none.
    told_to_end : Event
        Set when somebody has asked it to end.
    status : StatusFile
        Where it says how it fares.
    """

    data: DataFolder
    parent_pid: int
    parent_gone: Callable[[], bool]
    told_to_end: threading.Event
    status: StatusFile


def start(
    module: str,
    arguments: Sequence[str],
    *,
    name: str,
    data: DataFolder,
    leave_open: tuple[int, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a background process that works for this one.

    Parameters
    ----------
    module : str
        What ``python -m`` runs.
    arguments : sequence of str
        Options of its own.
    name : str
        What its log is called.
    data : DataFolder
        The data folder; made if absent.
    leave_open : tuple of int
        Descriptors that it inherits.
    environment : mapping of str to str, optional
        Variables it is given besides those of this process: what no command line may tell.

    Returns
    -------
    subprocess.Popen
        Its handle. ``terminate()`` tells it to end.
    """
    data.make()
    command = [sys.executable, "-m", module, *arguments]
    command += ["--data", str(data.root.resolve()), "--parent-pid", str(os.getpid())]
    with log_path(data, name).open("ab") as log:
        # In a session of its own: Ctrl-C at the terminal is meant for the experiment.
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=leave_open,
            env={**os.environ, **(environment or {})},
        )


def parser_of(module: str, description: str, *, parent: str) -> argparse.ArgumentParser:
    """Return a parser of the command line that has what all share.

    Parameters
    ----------
    module : str
        What ``python -m`` runs.
    description : str
        What it does, in a sentence.
    parent : str
        What the process given by ``--parent-pid`` is to it.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data folder")
    parser.add_argument("--parent-pid", type=int, metavar="PID", help=parent)
    return parser


def run(name: str, asked: argparse.Namespace, work: Callable[[BackgroundProcess], int]) -> int:
    """Do the work of a process as its command line asks; return the exit code.

    Parameters
    ----------
    name : str
        What its log and its status are called.
    asked : Namespace
        The options, of a parser made by `parser_of`.
    work : callable
        What it does; returns the exit code.

    Returns
    -------
    int
        That of `work`; `NOT_READY` where it cannot begin, for a reason that the log and standard error give.
    """
    data = DataFolder(asked.data.resolve())
    try:
        data.make()
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return NOT_READY
    with _logged(log_path(data, name)), _told_by_signals() as told_to_end:
        try:
            return work(
                BackgroundProcess(
                    data=data,
                    parent_pid=asked.parent_pid or 0,
                    parent_gone=watch(asked.parent_pid) if asked.parent_pid else lambda: False,
                    told_to_end=told_to_end,
                    status=StatusFile(status_path(data, name)),
                )
            )
        except LicsError as error:
            logger.error("%s", error)
            sys.stderr.write(f"{error}\n")
            return NOT_READY
        except OSError as error:  # of a disk that fails, or lets nobody write: who started it may try again
            logger.error("%s", error, exc_info=error)
            sys.stderr.write(f"{error}\n")
            return BROKE_DOWN if asked.parent_pid else NOT_READY


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Write the log of this process while the context lasts, in a thread of its own: a disk may be slow to answer.

    What a caller in this process logged before, and how much, is as it was afterwards.
    """
    file = LogFile(path)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
    given = logging.handlers.QueueHandler(lines)
    given.setFormatter(logging.Formatter())
    root, package = logging.getLogger(), logging.getLogger("lics_beamline")
    handlers, levels = root.handlers, (root.level, package.level)
    root.handlers = [given]
    root.setLevel(logging.WARNING)
    package.setLevel(logging.INFO)
    listener = logging.handlers.QueueListener(lines, file)
    listener.start()
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(levels[0])
        package.setLevel(levels[1])
        listener.stop()
        file.close()


def log_path(data: DataFolder, name: str) -> Path:
    """Return the file that takes what a process says to people."""
    return data.logs / f"{name}.log"


def watch(pid: int) -> Callable[[], bool]:
    """Return what tells whether a process has ended, even if another has got its number since.

    Parameters
    ----------
    pid : int
        The process.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (ProcessLookupError, OverflowError, ValueError):  # what is no number of a process has no process
        return lambda: True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)  # readable once the process has ended
    return lambda: bool(poll.poll(0))


@contextmanager
def _told_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set, instead of ending the process, while the context lasts."""
    told = threading.Event()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
