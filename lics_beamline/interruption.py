"""What Ctrl-C does while a plan runs."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from bluesky import RunEngine

if TYPE_CHECKING:
    from lics_beamline.devices.beamline import Beamline

logger = logging.getLogger(__name__)


class Interruption:
    """What Ctrl-C does while a plan runs: the first aborts it cleanly, the second makes safe directly and halts.

    Parameters
    ----------
    engine : RunEngine
        The engine that runs the plan.
    beamline : Beamline
        Its devices, for the second Ctrl-C.
    """

    def __init__(self, engine: RunEngine, beamline: Beamline) -> None:
        self._engine = engine
        self._beamline = beamline
        self._asked = threading.Event()
        self._count = 0
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        self._over = False
        threading.Thread(target=self._answer, name="interruption", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        self._over = True
        self._asked.set()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        self._asked.set()

    def _answer(self) -> None:
        """Answer in a thread of its own: a signal handler may not wait for the engine."""
        from lics_beamline.devices.beamline import make_safe

        answered = 0
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._over:
                return
            while answered < self._count:
                answered += 1
                if answered == 1:
                    logger.warning("Ctrl-C: ending the plan and going to the safe state; again to make safe at once")
                    self._engine.abort("Ctrl-C")
                elif answered == 2:
                    logger.warning("second Ctrl-C: making safe through the devices, halting the engine")
                    make_safe(self._beamline)
                    self._engine.halt()
