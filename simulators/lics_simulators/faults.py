"""Faults begun at a time of the experiment or when a client asks, and mended again.

``python -m lics_simulators --fault NAME@SECONDS[:VALUE]`` begins one at a time of the experiment; writing
``NAME[:VALUE]`` to ``$(P)WORLD:Fault`` begins one now, ``clear`` mends all, ``clear:NAME`` one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lics_simulators.fault_kinds import KINDS, Rig

CLEAR = "clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedFault:
    """A fault somebody asks for.

    Parameters
    ----------
    name : str
        One of `KINDS`.
    value : float
        Its VALUE.
    at_s : float
        Time at which it begins [s of experiment].
    """

    name: str
    value: float
    at_s: float = 0.0


def parse(text: str) -> RequestedFault:
    """Read ``NAME[@SECONDS][:VALUE]``.

    Raises
    ------
    ValueError
        If there is no such fault (the message lists them), or a number is none or outside its range.
    """
    head, _, value = text.strip().partition(":")
    name, _, at = head.partition("@")
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"no fault {name!r}. Choose one of {', '.join(KINDS)}.")
    asked = RequestedFault(
        name=name,
        value=_number(value, kind.value, f"value of {name}"),
        at_s=_number(at, 0.0, f"time of {name}"),
    )
    if not kind.low <= asked.value <= kind.high:
        raise ValueError(f"value of {name} is {asked.value:g} and must be {kind.low:g} to {kind.high:g}: {kind.what}.")
    if asked.at_s < 0.0:
        raise ValueError(f"time of {name} is {asked.at_s:g} s and must not be negative.")
    return asked


def _number(text: str, default: float, what: str) -> float:
    try:
        number = float(text) if text else default
    except ValueError:
        raise ValueError(f"{what} is {text!r} and must be a number.") from None
    if not math.isfinite(number):
        raise ValueError(f"{what} is {text!r} and must be finite.")
    return number


class Faults:
    """The faults of one world: which are due, which have begun.

    Parameters
    ----------
    rig : Rig
        What they touch. Register ``faults.step`` with ``world.steppers``.

    Attributes
    ----------
    active : dict of str to float
        Faults that have begun and are not mended, with their values.
    """

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.active: dict[str, float] = {}
        self._ends_s: dict[str, float] = {}
        self._due: list[RequestedFault] = []

    def schedule(self, asked: RequestedFault) -> None:
        """Let a fault begin at its time."""
        self._due.append(asked)

    def ask(self, text: str) -> None:
        """Do what a client wrote: begin a fault now, or ``clear`` one or all.

        Raises
        ------
        ValueError
            If it is neither; the message lists what there is.
        """
        name, _, only = text.strip().partition(":")
        if name != CLEAR:
            self.begin(parse(text))
        elif only and only not in KINDS:
            raise ValueError(f"no fault {only!r}. Choose one of {', '.join(KINDS)}.")
        else:
            for active in [only] if only else list(self.active):
                self.mend(active)

    def resume(self, active: Mapping[str, float]) -> None:
        """Let faults go on that had begun before the IOCs were started again; an IOC that was gone is back."""
        for name, value in active.items():
            kind = KINDS[name]
            if name.endswith("line_lost"):
                kind.begin(self.rig, value)
            if not name.endswith("ioc_restart"):
                self.active[name] = value
                if kind.lasts:
                    self._ends_s[name] = self.rig.world.time_s + value

    def begin(self, asked: RequestedFault) -> None:
        """Begin a fault now; one that is there already is mended first."""
        self.mend(asked.name)
        kind = KINDS[asked.name]
        kind.begin(self.rig, asked.value)
        self.active[asked.name] = asked.value
        if kind.lasts:
            self._ends_s[asked.name] = self.rig.world.time_s + asked.value
        self.rig.world.truth.record("fault", name=asked.name, value=asked.value, time_s=self.rig.world.time_s)

    def mend(self, name: str) -> None:
        """Mend a fault; one that is not there needs none."""
        value = self.active.pop(name, None)
        self._ends_s.pop(name, None)
        if value is not None:
            KINDS[name].mend(self.rig, value)
            self.rig.world.truth.record("mended", name=name, time_s=self.rig.world.time_s)

    def step(self, now_s: float, dt_s: float) -> None:
        """Begin what is due and mend what has lasted long enough."""
        for asked in [asked for asked in self._due if asked.at_s <= now_s]:
            self._due.remove(asked)
            self.begin(asked)
        for name in [name for name, end_s in self._ends_s.items() if end_s <= now_s]:
            self.mend(name)
