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

    Attributes
    ----------
    line_is_lost : bool
        Whether the line between IOC and instrument is cut: the last values stay with severity INVALID, and no command
        reaches the instrument.
    is_restarted : bool
        Set when the IOC has been started again: it will `forget`, and ask the instrument anew.
    """

    SCAN_S = 0.5  # the instrument answers its IOC this often [s of experiment]

    def __init__(self, prefix: str, *, world: World, **kwargs: Any) -> None:
        self.world = world
        self._next_scan_s = -math.inf
        self._waiting: list[asyncio.Future[None]] = []
        self.line_is_lost = self.is_restarted = False
        self._commands: dict[str, Any] = {}
        self._shows_lost_line = False
        super().__init__(prefix, **kwargs)

    async def prepare(self) -> None:
        """Fill what no reading fills, before the first client looks; most instruments have nothing of the kind."""

    async def work(self) -> None:
        """Do what the instrument does by itself, whether its IOC hears of it or not; most do nothing of the kind."""

    async def recall(self) -> None:
        """Show the settings that the instrument kept while its IOC was gone; most have none that no scan shows."""

    async def forget(self) -> None:
        """Lose what only the IOC knew, as when it is started again; most IOCs know nothing of their own."""

    async def publish(self) -> None:
        """Bring the PVs up to date, if the instrument is due to be asked, and wake whoever waits for the world."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        await self.work()
        if self.is_restarted:
            self.is_restarted = False
            self._next_scan_s = -math.inf
            await self.forget()
            await self.recall()
        if self.line_is_lost != self._shows_lost_line:
            await self._show_line(lost=self.line_is_lost)
        if self.world.time_s >= self._next_scan_s and not self.line_is_lost:
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
        if when:
            await self.alarm(channel, severity, status)
        else:
            await self.alarm(channel, AlarmSeverity.NO_ALARM, AlarmStatus.NO_ALARM)

    async def alarm(self, channel: Any, severity: AlarmSeverity, status: AlarmStatus) -> None:
        """Give a PV an alarm, or take it away."""
        if channel.alarm.severity != severity:
            await channel.alarm.write(status=status, severity=severity)

    async def _show_line(self, *, lost: bool) -> None:
        """Give every PV the severity INVALID and let no command through, or everything as it was."""
        self._shows_lost_line = lost
        if lost:
            self._commands = {name: channel.putter for name, channel in self.pvdb.items()}
        for name, channel in self.pvdb.items():
            if lost:
                channel.putter = _lose
                await self.alarm(channel, AlarmSeverity.INVALID_ALARM, AlarmStatus.COMM)
            else:
                channel.putter = self._commands[name]
                await self.alarm(channel, AlarmSeverity.NO_ALARM, AlarmStatus.NO_ALARM)
        self._next_scan_s = -math.inf

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


async def _lose(channel: Any, value: Any) -> Any:
    """Take a command that does not reach its instrument: what the PV shows stays as it was."""
    return channel.value
