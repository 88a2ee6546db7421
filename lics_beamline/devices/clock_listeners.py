"""Who is called at each tick of a clock, and now and then where none comes."""

from __future__ import annotations

import threading
from collections.abc import Callable


class ClockListeners:
    """Callbacks on a clock, and a thread that beats only while there are any.

    Parameters
    ----------
    beat_s : float
        Wall-clock seconds between beats, at each of which they are called too.
    """

    def __init__(self, *, beat_s: float) -> None:
        self._beat_s = beat_s
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0
        self._thread: threading.Thread | None = None
        self._changed = threading.Event()

    def add(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Add `callback`; returns what removes it (twice does no harm)."""
        with self._lock:
            key, self._next = self._next, self._next + 1
            self._callbacks[key] = callback
            if self._thread is None:
                self._changed.clear()
                self._thread = threading.Thread(target=self._run, name="experiment-clock", daemon=True)
                self._thread.start()

        def remove() -> None:
            with self._lock:
                self._callbacks.pop(key, None)
                if not self._callbacks:
                    self._changed.set()

        return remove

    def tell(self) -> None:
        """Call every callback."""
        with self._lock:
            callbacks = list(self._callbacks.values())
        for callback in callbacks:
            callback()

    def _run(self) -> None:
        while True:
            self._changed.wait(self._beat_s)
            with self._lock:
                if not self._callbacks:
                    self._thread = None
                    return
                self._changed.clear()
            self.tell()
