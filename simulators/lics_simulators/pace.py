"""How far the world may go before those who drive it have caught up.

A client that says which time it has dealt with is a driver. From then on the world takes a step only while every driver
is two steps behind at most: a busy computer slows the world down instead of making its drivers late. Whoever never
says so is not waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Final

ROUNDING_S: Final = 1e-3  # the time of the experiment is told in milliseconds, and told back so [s of experiment]
AHEAD_TICKS: Final = 2  # steps a driver may be behind: 40 ms, in which an answer comes on a quiet computer
# A driver that owes an answer for so long hangs, and is waited for no more [s of wall clock]. Shorter than clients put
# up with a clock that stands (30 s); far longer than an engine with a dozen busy programs beside it was silent (3 s).
SILENT_WALL_S: Final = 20.0


@dataclass(slots=True)
class _Driver:
    heard_s: float
    at_wall_s: float


class Pace:
    """Who drives the world, how far each has come, and how long the world stood still.

    Attributes
    ----------
    waited_wall_s : float
        Wall clock for which the world waited for its drivers [s].
    held_wall_s : float
        Wall clock for which somebody held its clock, to draw a plate [s].
    """

    def __init__(self) -> None:
        self.waited_wall_s = 0.0
        self.held_wall_s = 0.0
        self._drivers: dict[Hashable, _Driver] = {}
        self._stepped_wall_s = 0.0
        self._news = asyncio.Event()

    @property
    def drivers(self) -> int:
        """How many drive the world."""
        return len(self._drivers)

    def hear(self, client: Hashable, time_s: float, *, wall_s: float) -> None:
        """Take note that a client has dealt with all until a time of the experiment; before zero, it drives no more.

        Parameters
        ----------
        client : hashable
            By which it is known.
        time_s : float
            Experiment time [s].
        wall_s : float
            Wall clock now [s].
        """
        if time_s >= 0.0:
            self._drivers[client] = _Driver(heard_s=time_s, at_wall_s=wall_s)
        else:
            self._drivers.pop(client, None)
        self._news.set()

    def release(self) -> None:
        """Wait for nobody who does not speak again."""
        self._drivers.clear()
        self._news.set()

    def keep(self, connected: Collection[Hashable]) -> None:
        """Forget the drivers that are not connected any more."""
        for client in [client for client in self._drivers if client not in connected]:
            del self._drivers[client]

    def stepped(self, *, wall_s: float) -> None:
        """Take note that the world has taken a step: from now on its drivers owe an answer."""
        self._stepped_wall_s = wall_s

    def is_behind(self, now_s: float, *, wall_s: float, ahead_s: float = 0.0) -> bool:
        """Whether a driver has not dealt with the time that the world has reached; one that hangs is forgotten.

        Parameters
        ----------
        now_s : float
            Experiment time of the world [s].
        wall_s : float
            Wall clock now [s].
        ahead_s : float
            How far the world may be ahead, while its word and the answer are on their way [s of experiment].
        """
        behind = {client: one for client, one in self._drivers.items() if one.heard_s < now_s - ahead_s - ROUNDING_S}
        for client, one in behind.items():
            if wall_s - max(one.at_wall_s, self._stepped_wall_s) > SILENT_WALL_S:
                del self._drivers[client]
        return any(client in self._drivers for client in behind)

    async def wait(self, longest_s: float) -> None:
        """Stand still until a driver speaks, or for `longest_s` of wall clock."""
        began = time.monotonic()
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), longest_s)
        self.waited_wall_s += time.monotonic() - began
