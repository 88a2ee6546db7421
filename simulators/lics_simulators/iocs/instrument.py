"""What every soft IOC does alike: publish changes, raise alarms, refuse unknown states, wait in experiment time."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

from caproto import AlarmSeverity, AlarmStatus, ChannelEnum
from caproto.server import PVGroup

if TYPE_CHECKING:
    from lics_simulators.world import World

TICK_S = 0.02  # wall clock between two steps of the world [s]


class InstrumentIOC(PVGroup):
    """A group of PVs that looks at the world.

    Parameters
    ----------
    prefix : str
        Prefix of the beamline with its closing colon, such as ``SIM:LICS:``.
    world : World
        The world it shows.
    """

    SCAN_S = 0.5  # the instrument answers its IOC this often [s of experiment]

    def __init__(self, prefix: str, *, world: World, **kwargs: Any) -> None:
        self.world = world
        self._next_scan_s = -math.inf
        self._waiting: list[asyncio.Future[None]] = []
        super().__init__(prefix, **kwargs)

    async def prepare(self) -> None:
        """Fill what no reading fills, before the first client looks; most instruments have nothing of the kind."""

    async def publish(self) -> None:
        """Bring the PVs up to date, if the instrument is due to be asked, and wake whoever waits for the world."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        if self.world.time_s >= self._next_scan_s:
            self._next_scan_s = self.world.time_s + self.SCAN_S
            await self.scan()

    async def scan(self) -> None:
        """Show every reading of the instrument; each IOC says which."""
        raise NotImplementedError

    async def show(self, channel: Any, value: float | str | bool) -> None:
        """Write a value to a PV if it differs at the PV's precision; states are given by their index."""
        if isinstance(channel, ChannelEnum):
            value = channel.enum_strings[int(value)]
        elif isinstance(value, float):
            value = round(value, channel.precision)
        if channel.value != value:
            await channel.write(value, verify_value=False)

    async def warn(
        self,
        channel: Any,
        *,
        when: bool,
        severity: AlarmSeverity = AlarmSeverity.MINOR_ALARM,
        status: AlarmStatus = AlarmStatus.STATE,
    ) -> None:
        """Raise or clear the alarm of a PV: caproto derives none from limits."""
        wanted = severity if when else AlarmSeverity.NO_ALARM
        if channel.alarm.severity != wanted:
            await channel.alarm.write(status=status if when else AlarmStatus.NO_ALARM, severity=wanted)

    def index(self, channel: Any, value: Any) -> int:
        """Return the index of a state a client wrote.

        Raises
        ------
        ValueError
            If the PV has no such state: the put is then refused.
        """
        states = channel.enum_strings
        if value not in states:
            raise ValueError(f"{channel.pvname} cannot be {value!r}. Write one of {', '.join(states)}.")
        return int(states.index(value))

    async def wait(self, seconds: float) -> None:
        """Return at the first step of the world by which so many seconds of experiment have passed."""
        until_s = self.world.time_s + seconds
        while self.world.time_s < until_s:
            await self.step()

    async def step(self) -> None:
        """Return when the world has been stepped once more."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future
