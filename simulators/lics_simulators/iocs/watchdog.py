"""PVs of the dead-man's switch: while it is armed somebody must give a sign of life, or the instruments make safe.

It lives with the instruments and by its own clock, that on the wall: whoever kept the beamline may be dead, and the
world may stand still. What has tripped stays so, and is made safe again and again, until somebody says ``Reset``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from lics_simulators.iocs.channels import choice, indicator, reading, setting, text, whole_setting
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.world import World

# An IOC that itself stood still has heard nobody meanwhile: no more of a gap counts as silence [s of wall clock].
LONGEST_GAP_S: Final = 0.5
MOST_BEATS: Final = 2_000_000_000  # a PV counts to 2^31 - 1
OFF, ARMED, TRIPPED = 0, 1, 2


class SafeInstrument(Protocol):
    """An instrument that can make itself safe, whatever its clients say."""

    async def make_safe(self) -> None:
        """Make safe at once; doing it again changes nothing."""
        ...


class WatchdogIOC(InstrumentIOC):
    """``$(P)SAFE:``. Any write to a beat is a sign of life.

    Parameters
    ----------
    prefix : str
        Prefix of the beamline with its closing colon.
    world : World
        The world behind the instruments.
    instruments : sequence of SafeInstrument
        What is made safe when it trips.
    release : callable
        Lets the world go on without those who drive it: they are silent.
    clock : callable
        Steady wall clock [s].
    """

    def __init__(
        self,
        prefix: str,
        *,
        world: World,
        instruments: Sequence[SafeInstrument] = (),
        release: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(f"{prefix}SAFE:", world=world)
        self._instruments = instruments
        self._release = release
        self._clock = clock
        self._state = OFF
        self._silent_s = 0.0
        self._looked_s = clock()

    async def _put_watchdog(self, instance: Any, value: str) -> None:
        wanted = self.index(instance, value)
        if self._state == TRIPPED and wanted == ARMED:
            raise ValueError("the watchdog has tripped. Look at the beamline, then write Yes to Reset.")
        if self._state != TRIPPED:
            self._silent_s = 0.0
            self._state = wanted
        await self._tell()

    async def _put_beat(self, instance: Any, value: int) -> None:
        self._silent_s = 0.0

    async def _put_trip(self, instance: Any, value: str) -> str:
        if self.index(instance, value) == 1:
            await self._trip("a client asked for it")
        return "No"

    async def _put_reset(self, instance: Any, value: str) -> str:
        if self.index(instance, value) == 1 and self._state == TRIPPED:
            self._state = OFF
            await self.show(self.Cause_RBV, "")
            await self.show(self.TrippedAt_RBV, "")
            await self._tell()
        return "No"

    Watchdog = choice("Watchdog", ("Off", "Armed"), doc="Armed: signs of life are needed", put=_put_watchdog)
    Watchdog_RBV = indicator("Watchdog_RBV", ("Off", "Armed", "Tripped"), doc="Watchdog, as it is")
    Timeout = setting("Timeout", value=10.0, low=1.0, high=600.0, precision=1, unit="s", doc="Silence it bears")
    Silent_RBV = reading("Silent_RBV", precision=0, unit="s", doc="Since the last sign of life")
    EngineBeat = whole_setting(
        "EngineBeat", value=0, low=0, high=MOST_BEATS, doc="Sign of life of the engine; 0: none", put=_put_beat
    )
    GuardBeat = whole_setting(
        "GuardBeat", value=0, low=0, high=MOST_BEATS, doc="Sign of life of the guard; 0: none", put=_put_beat
    )
    Trip = choice("Trip", ("No", "Yes"), doc="Yes: make safe now, and stay so", put=_put_trip)
    Reset = choice("Reset", ("No", "Yes"), doc="Yes: somebody has looked", put=_put_reset)
    TrippedAt_RBV = text("TrippedAt_RBV", "", doc="When it tripped, ISO 8601")
    Cause_RBV = text("Cause_RBV", "", doc="Why it tripped")

    async def publish(self) -> None:
        """Look for signs of life at every tick of the wall clock, also while the world stands still."""
        now_s = self._clock()
        self._silent_s += min(now_s - self._looked_s, LONGEST_GAP_S)
        self._looked_s = now_s
        if self._state == ARMED and self._silent_s > self.Timeout.value:
            await self._trip(f"no sign of life for {self._silent_s:.1f} s")
        elif self._state == TRIPPED:
            await self._make_safe()
        await self.show(self.Silent_RBV, self._silent_s)

    async def scan(self) -> None:
        """Show nothing: what there is to show is shown by the wall clock."""

    async def _trip(self, cause: str) -> None:
        if self._state == TRIPPED:
            return
        self._state = TRIPPED
        await self._make_safe()
        self._release()
        await self.show(self.Cause_RBV, cause)
        await self.show(self.TrippedAt_RBV, datetime.now().astimezone().isoformat(timespec="milliseconds"))
        await self._tell()

    async def _make_safe(self) -> None:
        for instrument in self._instruments:
            await instrument.make_safe()

    async def _tell(self) -> None:
        await self.show(self.Watchdog_RBV, self._state)
        await self.show(self.Watchdog, self._state == ARMED)
