"""Ctrl-C at the command line: an exception where it came, but not in the middle of an import."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import Final

from lics_beamline.processes.lost_stream import forget_lost_streams

IMPORTING: Final = "<frozen importlib._bootstrap>"  # file name of the frames that Python imports modules in
ASKED_AGAIN_AFTER_S: Final = 0.05  # whether the import is over [s]
LONGEST_IMPORT_S: Final = 20.0  # on a busy computer the slowest took 10 s; a person's own module may never end [s]


class InterruptionHandler:
    """Raises `KeyboardInterrupt` at a signal; where a module is being imported, as soon as it is.

    An extension in C++ that meets the exception while it begins ends the whole process, with a traceback and without a
    word of what was kept.
    """

    def __init__(self) -> None:
        self._since: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal `number`, which came at a frame."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if _is_importing(frame) and now - self._since < LONGEST_IMPORT_S:
            again = threading.Timer(ASKED_AGAIN_AFTER_S, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        self._since = None
        forget_lost_streams()  # by SIGHUP, and whoever was written to by a pipe has had the same Ctrl-C
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == IMPORTING:
            return True
        frame = frame.f_back
    return False


def listen() -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP end what is under way, each as an interruption; in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        return
    interrupt = InterruptionHandler()
    # A shell starts background jobs with Ctrl-C ignored; who sends it to a front door means it.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)  # a service manager means the same
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # ignored: started by nohup, and meant to go on
        signal.signal(signal.SIGHUP, interrupt)
