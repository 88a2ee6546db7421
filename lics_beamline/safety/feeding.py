"""Signs of life for the watchdog of the instruments, from a thread of their own: an answer may be long in coming."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from lics_beamline.devices.alarm import NO_ANSWER, no_answer_in_words

if TYPE_CHECKING:
    from lics_beamline.devices.watchdog import Watchdog

NO_ENGINE_BEAT: Final = 0  # the beat of an engine that has ended lawfully, or that never was

logger = logging.getLogger(__name__)


class Feeding:
    """Feeds a watchdog while the context lasts, once for each time it is told that somebody lives.

    A thread that fed by itself would go on for somebody who hangs.

    Parameters
    ----------
    watchdog : Watchdog or None
        What is fed; None where there is nothing to be.
    beat : ophyd.EpicsSignal or None
        Where: the beat of an engine, or of a guard.
    """

    def __init__(self, watchdog: Watchdog | None, beat: Any) -> None:
        self._watchdog = watchdog
        self._beat = beat
        self._lives = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="feeding", daemon=True)

    def __enter__(self) -> Self:
        if self._watchdog is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._lives.set()
        if self._watchdog is not None:
            self._thread.join()

    def tell(self) -> None:
        """Say that somebody lives now."""
        self._lives.set()

    def _run(self) -> None:
        while True:
            self._lives.wait()
            self._lives.clear()
            if self._over or self._watchdog is None:
                return
            try:
                self._watchdog.feed(self._beat)
            except NO_ANSWER as error:
                logger.warning("the watchdog could not be fed: %s", no_answer_in_words(error))
