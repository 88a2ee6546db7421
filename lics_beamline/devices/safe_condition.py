"""What a read-back must say of an instrument that is safe; each device names its own, and whoever judges asks it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lics_beamline.devices.alarm import is_believable, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeCondition:
    """One read-back and what it must say.

    Parameters
    ----------
    signal : ophyd.Signal
        Monitored read-back.
    what : str
        Its name in messages: ``heater output limit``.
    allowed : str
        What is safe, with number and unit: ``up to 0.1 %``.
    holds : callable
        Whether a value is safe.
    says : callable
        Shows a value, with its unit.
    is_lock : bool
        Whether it is no danger in itself and only locks an instrument at rest. One that is armed may be without.
    """

    signal: Any
    what: str
    allowed: str
    holds: Callable[[Any], bool]
    says: Callable[[Any], str] = str
    is_lock: bool = False

    @classmethod
    def at_most(
        cls,
        signal: Any,
        limit: float,
        *,
        what: str,
        unit: str,
        or_else: Callable[[], bool] = lambda: False,
        is_lock: bool = False,
    ) -> SafeCondition:
        """Return that a number is not above a limit; one that is no number is never safe.

        Parameters
        ----------
        signal, what, is_lock
            See the class.
        limit : float
            Highest that is safe [`unit`].
        unit : str
            Unit of signal and limit.
        or_else : callable
            What makes a number above the limit safe all the same.
        """
        return cls(
            signal=signal,
            what=what,
            allowed=f"up to {limit:.2f} {unit}",
            holds=lambda value: not is_no_number(value) and (value <= limit or or_else()),
            says=lambda value: f"{value:.2f} {unit}",
            is_lock=is_lock,
        )

    @classmethod
    def reads(cls, signal: Any, wanted: str, *, what: str, is_lock: bool = False) -> SafeCondition:
        """Return that a state is `wanted`."""
        return cls(signal=signal, what=what, allowed=wanted, holds=lambda said: bool(said == wanted), is_lock=is_lock)

    def agrees(self, value: Any) -> bool:
        """Whether `value`, just read from the signal, is safe and can be believed."""
        return value is not None and is_believable(self.signal) and self.holds(value)

    def fault(self, *, armed: bool = False) -> str:
        """Return what is not safe now, with number, unit and limit; empty where it is safe.

        Parameters
        ----------
        armed : bool
            Whether the instrument may be armed: a lock need not hold, but it has to answer.
        """
        value = value_of(self.signal)
        if value is None:
            return f"{self.what} does not answer (safe: {self.allowed})"
        return "" if armed and self.is_lock and not is_no_number(value) else self.fault_of(value)

    def fault_of(self, value: Any) -> str:
        """Return what is not safe where the read-back says `value`; empty where it is safe."""
        return "" if self.holds(value) else f"{self.what} is {self.says(value)} (safe: {self.allowed})"


def faults(conditions: Iterable[SafeCondition], *, armed: bool = False) -> tuple[str, ...]:
    """Return a phrase for each condition that does not hold.

    Parameters
    ----------
    conditions : iterable of SafeCondition
        Of one instrument.
    armed : bool
        Whether the instrument may be armed.
    """
    found = (condition.fault(armed=armed) for condition in conditions)
    return tuple(fault for fault in found if fault)


def is_no_number(value: Any) -> bool:
    """Whether an instrument says NaN or infinity: it does not know."""
    return isinstance(value, float) and not math.isfinite(value)
