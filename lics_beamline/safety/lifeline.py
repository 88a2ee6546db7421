"""The line on which an engine and its guard tell each other that they live: two sockets, and no disk between them.

A disk that is full, busy or on a server that is away keeps a file from being written for seconds to minutes. Nobody is
dead for that.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Final, Self

BEAT: Final = b"."
FAREWELL: Final = b"!"
MOST_BYTES: Final = 65536  # taken at once; a day of beats


class Lifeline:
    """One end of the line.

    Parameters
    ----------
    end : socket
        Of a pair.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._beats = 0
        self._farewell = False

    @classmethod
    def pair(cls) -> tuple[Self, socket.socket]:
        """Return one end, and what another process makes the other one of."""
        here, there = socket.socketpair()
        return cls(here), there

    @classmethod
    def inherited(cls, descriptor: int) -> Self:
        """Return the end that the process which started this one has left open for it.

        Raises
        ------
        OSError
            If there is none.
        """
        return cls(socket.socket(fileno=descriptor))

    @property
    def farewell(self) -> bool:
        """Whether the other side has said that it ends lawfully, as far as `beats` has been asked."""
        return self._farewell

    def beats(self) -> int:
        """Return how often the other side has said that it lives."""
        with contextlib.suppress(OSError):  # nothing new, or nobody there any more
            while said := self._end.recv(MOST_BYTES):
                self._beats += len(said)
                self._farewell = self._farewell or FAREWELL in said
        return self._beats

    def beat(self, *, farewell: bool = False) -> None:
        """Say that this side lives, or that it ends lawfully; where nobody listens, nothing happens."""
        with contextlib.suppress(OSError):
            self._end.send(FAREWELL if farewell else BEAT)

    def close(self) -> None:
        """Let go of it."""
        self._end.close()
