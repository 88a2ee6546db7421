"""What Ctrl-C does while a plan runs: the first ends it cleanly, the second makes safe past the engine and halts it."""

from __future__ import annotations

import logging
import signal
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

    Notes
    -----
    A signal handler may not wait for the engine, so threads answer. The first Ctrl-C is answered in a thread of its
    own: it lasts as long as the plan's clean-up, and the second must not wait for that. The engine halts when the
    message it is at has ended.
    """

    def __init__(self, engine: RunEngine, make_safe: Callable[[], None]) -> None:
        self._engine = engine
        self._make_safe = make_safe
        self._asked = threading.Semaphore(0)
        self._over = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        threading.Thread(target=self._answer, name="interruption", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        self._over = True
        self._asked.release()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked.release()

    def _answer(self) -> None:
        self._asked.acquire()
        if self._over:
            return
        logger.warning("Ctrl-C: ending the plan and going to the safe state; again to make safe at once")
        threading.Thread(target=self._interrupt, args=(self._engine.abort, "Ctrl-C"), daemon=True).start()
        self._asked.acquire()
        if self._over:
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
