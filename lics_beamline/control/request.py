"""What a person may ask of a sweep under way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ENGINE: Final = "engine"  # who asks by pausing the RunEngine: it is paused itself once the sweep is held


class Request(StrEnum):
    """What a person or a plan asks of a sweep, or of an approach, under way."""

    PAUSE = "pause"
    CONTINUE = "continue"
    STOP = "stop"

    @property
    def word(self) -> str:
        """As the terminal has it."""
        return "hold" if self is Request.PAUSE else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedRequest:
    """A request as somebody made it.

    Parameters
    ----------
    request : Request
        Whether to pause, continue or stop.
    who : str
        Name of the person who asks.
    when : str
        When, ISO 8601 with the offset of the clock.
    why : str
        Why; empty when nothing was said.
    uid : str
        By which an answer names it.
    """

    request: Request
    who: str
    when: str
    why: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepNote:
    """Something to be written down in the record of a sweep.

    Parameters
    ----------
    who : str
        Name of the person who says it; `ENGINE` where it is the session.
    when : str
        When, ISO 8601 with the offset of the clock; empty where the session says it.
    text : str
        What is written down.
    """

    who: str
    when: str
    text: str
