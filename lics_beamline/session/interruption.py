"""What Ctrl-C does while a plan runs: the first ends it cleanly, the second makes safe past the engine and halts it."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from bluesky import RunEngine
from bluesky.utils import TransitionError

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
            self._undo.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, _heard))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._undo:  # until then a second Ctrl-C is heard
            if self._interrupted:
                self._ended()

    def _answer(self, hear: socket.socket) -> None:
        with hear:
            if not _interrupted(hear):
                return
            self._interrupted = True
            logger.warning("Ctrl-C: ending the plan and going to the safe state; again to make safe at once")
            threading.Thread(target=self._interrupt, args=(self._engine.abort, "Ctrl-C"), daemon=True).start()
            if not _interrupted(hear):
                return
            logger.warning("second Ctrl-C: making safe through the devices, halting the engine")
            try:
                self._make_safe()
            finally:
                self._interrupt(self._engine.halt)

    def _interrupt(self, how: Callable[..., Any], *reason: str) -> None:
        try:
            how(*reason)
        except TransitionError as error:
            logger.info("the engine was on its way already: %s", error)


def _interrupted(hear: socket.socket) -> bool:
    """Wait for a Ctrl-C; False when there will be none any more."""
    while number := hear.recv(1):
        if number[0] == signal.SIGINT:
            return True
    return False


def _heard(number: int, frame: FrameType | None) -> None:
    """Do nothing: the descriptor has told the thread."""
