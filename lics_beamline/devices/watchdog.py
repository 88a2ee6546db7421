"""The dead-man's switch of the instruments: armed for a sweep, fed by who lives, it acts when all are dead.

The instruments' side makes safe by itself, in wall-clock time: gas held, heater down, shutter closed. Here it is armed,
fed, read, and told that somebody has looked.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal, EpicsSignalRO, Kind
from ophyd.status import StatusBase

from lics_beamline.devices.alarm import value_of
from lics_beamline.devices.clock import WallClock
from lics_beamline.devices.motion import Motion
from lics_beamline.errors import DidNotSettle

READ_BACK_S: Final = 5.0  # for the watchdog to read back [s of wall clock]; it answers in milliseconds
TRIPPED: Final = "Tripped"


class Watchdog(Device):
    """The watchdog of the instruments (an addition of ours: served by the soft IOC, or by an EPICS sequence).

    Parameters
    ----------
    prefix : str
        Prefix of its PVs (``SIM:LICS:SAFE:``).
    name : str
        Name; in no document, for it says nothing about the sample.
    timeout_s : float
        Silence after which the instruments make safe at the latest [s of wall clock].
    """

    command = Cpt(EpicsSignal, "Watchdog", kind=Kind.omitted, string=True)
    state = Cpt(EpicsSignalRO, "Watchdog_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    silence_s = Cpt(EpicsSignal, "Timeout", kind=Kind.omitted, auto_monitor=True)
    engine_beat = Cpt(EpicsSignal, "EngineBeat", kind=Kind.omitted, auto_monitor=True)
    guard_beat = Cpt(EpicsSignal, "GuardBeat", kind=Kind.omitted)
    trip = Cpt(EpicsSignal, "Trip", kind=Kind.omitted, string=True)
    reset = Cpt(EpicsSignal, "Reset", kind=Kind.omitted, string=True)
    tripped_at = Cpt(EpicsSignalRO, "TrippedAt_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    cause = Cpt(EpicsSignalRO, "Cause_RBV", kind=Kind.omitted, string=True, auto_monitor=True)

    UNITS: ClassVar[Mapping[str, str]] = {"silence_s": "s"}

    def __init__(self, prefix: str = "", *, name: str, timeout_s: float = 10.0, **kwargs: Any) -> None:
        super().__init__(prefix, name=name, **kwargs)
        self.timeout_s = timeout_s
        self._clock = WallClock()
        self._numbers = itertools.count(1)

    def arm(self) -> StatusBase:
        """Ask for signs of life from now on; done when it reads armed, and bears no longer silence than asked.

        Raises
        ------
        DidNotSettle
            From the status: it has tripped and nobody has looked, or it does not read back.
        """

        def steps(motion: Motion) -> None:
            if self.state.get(use_monitor=False) == TRIPPED:
                raise DidNotSettle(f"{self.says()} Nothing is armed before somebody has looked at the beamline.")
            if float(self.silence_s.get(use_monitor=False)) > self.timeout_s:
                motion.write(self.silence_s, self.timeout_s)
            self._read_back(motion, self.silence_s, f"up to {self.timeout_s:g} s", lambda s: bool(s <= self.timeout_s))
            motion.write(self.command, "Armed")
            self._read_back(motion, self.state, "Armed", lambda said: bool(said == "Armed"))

        return Motion(self, steps, what="arming of the watchdog")

    def disarm(self) -> StatusBase:
        """Ask for no signs of life any more; one that has tripped stays so. Done when it is armed no more."""

        def steps(motion: Motion) -> None:
            motion.write(self.command, "Off")
            self._read_back(motion, self.state, "not Armed", lambda said: bool(said != "Armed"))

        return Motion(self, steps, what="disarming of the watchdog")

    def feed(self, beat: EpicsSignal) -> None:
        """Give a sign of life, if it can be heard: a new number on `beat`."""
        if beat.connected:
            beat.put(next(self._numbers))

    def trip_at(self) -> str:
        """Return when it tripped, as long as nobody has said that he looked; empty where it has not tripped."""
        if value_of(self.state) != TRIPPED:
            return ""
        return str(value_of(self.tripped_at) or "at an unknown time")

    def says(self) -> str:
        """Return the sentence about its trip."""
        cause = value_of(self.cause) or "no cause given"
        return (
            f"the watchdog of the instruments tripped at {self.trip_at()} ({cause}): it held the gas, brought the "
            "heater down and closed the shutter by itself."
        )

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: a plan that ends, for whatever reason, does not switch it off."""

    def _read_back(self, motion: Motion, signal: Any, wanted: str, agrees: Any) -> None:
        what = f"{self.name} ({signal.pvname})"
        motion.read_back(signal, agrees, clock=self._clock, patience_s=READ_BACK_S, what=what, wanted=wanted)
