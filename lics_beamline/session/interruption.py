"""What Ctrl-C does while a plan runs: the first ends it cleanly, the second makes safe past the engine and halts it.

Whoever ends the process by SIGTERM (a service manager, a computer that shuts down) or by SIGHUP (a terminal that goes
away) means the same.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

from bluesky import RunEngine
from bluesky.utils import TransitionError

from lics_beamline.processes.lost_stream import forget_lost_streams

NAMES: Final = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}

logger = logging.getLogger(__name__)


class Interruption:
    """A context in which Ctrl-C is meant for the experiment.

    Parameters
    ----------
    engine : RunEngine
        The engine that runs the plan.
    make_safe : callable
        Makes the beamline safe directly through its devices; for the second Ctrl-C, when cleaning up hangs.
    ended : callable
        Called when a plan has ended by Ctrl-C: not every plan makes safe what it leaves behind.

    Notes
    -----
    A signal handler may not wait for the engine, so threads answer. They are woken through a file descriptor: while the
    main thread waits for the engine it may run no Python handler until much later, if another thread took the signal.
    The first Ctrl-C is answered in a thread of its own, because it lasts as long as the plan's clean-up, and the second
    must not wait for that. The engine halts when the message it is at has ended.
    """

    def __init__(
        self, engine: RunEngine, make_safe: Callable[[], None], *, ended: Callable[[], object] = lambda: None
    ) -> None:
        self._engine = engine
        self._make_safe = make_safe
        self._ended = ended
        self._interrupted = False
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            hear, tell = socket.socketpair()
            tell.setblocking(False)
            threading.Thread(target=self._answer, args=(hear,), name="interruption", daemon=True).start()
            self._undo.callback(tell.close)  # the last: it ends the thread
            self._undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False))
            for number in NAMES:
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # ignored: nohup, it stays
                    self._undo.callback(signal.signal, number, signal.signal(number, _heard))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._undo:  # until then a second Ctrl-C is heard
            if self._interrupted:
                self._ended()

    def _answer(self, hear: socket.socket) -> None:
        with hear:
            first = _interrupted(hear)
            if not first:
                return
            self._interrupted = True
            forget_lost_streams()
            logger.warning("%s: ending the plan and going to the safe state; again to make safe at once", first)
            threading.Thread(target=self._interrupt, args=(self._engine.abort, first), daemon=True).start()
            second = _interrupted(hear)
            if not second:
                return
            logger.warning("second %s: making safe through the devices, halting the engine", second)
            try:
                self._make_safe()
            finally:
                self._interrupt(self._engine.halt)

    def _interrupt(self, how: Callable[..., Any], *reason: str) -> None:
        try:
            how(*reason)
        except TransitionError as error:
            logger.info("the engine was on its way already: %s", error)


def _interrupted(hear: socket.socket) -> str:
    """Wait for a Ctrl-C or its like and return which; empty when there will be none any more."""
    while number := hear.recv(1):
        if number[0] in NAMES:
            return NAMES[signal.Signals(number[0])]
    return ""


def _heard(number: int, frame: FrameType | None) -> None:
    """Do nothing: the descriptor has told the thread."""
