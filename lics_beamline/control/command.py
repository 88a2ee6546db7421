"""All that an approach or a ramp may command."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AbortCause(StrEnum):
    """Why an approach aborted."""

    UNREADABLE = "unreadable"
    UNREACHABLE = "unreachable"
    GAVE_UP = "gave up"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Leave the load where it is: there is nothing more to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTo:
    """Go to a load [bar] at a slew [bar/s], and read again when it has arrived."""

    load_bar: float
    slew_bar_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAgain:
    """Leave the load where it is and read again after a time [s of experiment]."""

    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort:
    """Hold the gas and end the plan; says what happened - number, unit, limit - and what to do."""

    cause: AbortCause
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """Let the temperature rise, or stay where it is, and read again after a time.

    Parameters
    ----------
    on : bool
        Whether the ramp goes on; False holds the temperature of now.
    bleed_to_bar : float or None
        Gas to be let out down to this load meanwhile [bar]; None leaves the load. Never above the load of now.
    slew_bar_per_s : float
        Slew of the membrane while it does [bar/s].
    after_s : float
        When to read again [s of experiment].
    """

    on: bool
    after_s: float
    bleed_to_bar: float | None = None
    slew_bar_per_s: float = 0.0


Command = Hold | LoadTo | ReadAgain | Abort
