"""Every soft IOC of one world, and the clock by which they step."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from lics_simulators.fault_kinds import Rig
from lics_simulators.faults import Faults
from lics_simulators.iocs.beam import BeamIOC
from lics_simulators.iocs.heater import HeaterIOC
from lics_simulators.iocs.image_plate import ImagePlateIOC
from lics_simulators.iocs.instrument import TICK_S, InstrumentIOC
from lics_simulators.iocs.leasing import Address
from lics_simulators.iocs.membrane import MembraneIOC
from lics_simulators.iocs.record_fields import fill_record
from lics_simulators.iocs.ruby_spectrometer import RubySpectrometerIOC
from lics_simulators.iocs.stage import StageIOC
from lics_simulators.iocs.thermocouples import ThermocoupleIOC
from lics_simulators.iocs.watchdog import WatchdogIOC
from lics_simulators.iocs.world import WorldIOC
from lics_simulators.pace import AHEAD_TICKS, Pace
from lics_simulators.world import World

LONGEST_TICK_S = 0.1  # wall clock one tick may catch up with [s]: after a longer stall the world has simply stood still
SAVED_EVERY_S = 0.5  # the world is saved so often [s of wall clock]: what is newer goes with a process that is killed


class Beamline:
    """Every soft IOC of one world.

    Parameters
    ----------
    prefix : str
        Prefix of every PV, such as ``SIM:LICS:``.
    world : World
        The world they show.
    folder : Path
        Folder of the plates.

    Attributes
    ----------
    clients : callable
        Returns host and port of each client that is connected; the server says so.
    goes_on : bool
        Whether the world is one that was there before: its instruments are asked for their settings.
    """

    def __init__(self, prefix: str, *, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.plates = plates = ImagePlateIOC(prefix, world=world, folder=folder)
        self.ruby = RubySpectrometerIOC(prefix, world=world)
        self.goes_on = False
        served: dict[str, InstrumentIOC] = {
            "membrane": MembraneIOC(prefix, world=world),
            "heater": HeaterIOC(prefix, world=world),
            "thermocouples": ThermocoupleIOC(prefix, world=world),
            "ruby": self.ruby,
            "plate": plates,
            "beam": BeamIOC(prefix, world=world),
        }
        self.faults = Faults(Rig(world=world, plates=plates, instruments=served))
        world.steppers.append(self.faults.step)
        self.pace = Pace()
        self.clients: Callable[[], Collection[Address]] = tuple
        made_safe = tuple(served[name] for name in ("membrane", "heater", "beam"))
        self.instruments: Sequence[InstrumentIOC] = (
            WorldIOC(prefix, world=world, faults=self.faults, pace=self.pace),
            *served.values(),
            StageIOC(prefix, world=world),
            WatchdogIOC(prefix, world=world, instruments=made_safe, release=self.pace.release),
        )
        self.pvdb: dict[str, Any] = {}
        for group in self.instruments:
            self.pvdb.update(group.pvdb)

    async def prepare(self) -> None:
        """Bring every PV to the state of the world before the first client looks."""
        for channel in self.pvdb.values():
            await fill_record(channel)
        for instrument in self.instruments:
            await instrument.prepare()
            if self.goes_on:
                await instrument.recall()
            await instrument.publish()

    async def run_clock(self, keep: Callable[[], None]) -> None:
        """Step the world by the wall clock and at the pace of its drivers, publish what has changed, for ever.

        With drivers no step is longer than a tick: what they could not look at is not caught up with.

        Parameters
        ----------
        keep : callable
            Saves the world; called every half second.
        """
        last = time.monotonic()
        saved = -math.inf
        while True:
            await asyncio.sleep(max(last + TICK_S - time.monotonic(), 0.0))
            self.pace.keep(self.clients())
            ahead_s = AHEAD_TICKS * TICK_S * self.world.speed
            if self.pace.is_behind(self.world.time_s, wall_s=time.monotonic(), ahead_s=ahead_s):
                await self.pace.wait(LONGEST_TICK_S)
            else:
                now = time.monotonic()
                longest_s = TICK_S if self.pace.drivers else LONGEST_TICK_S
                if self.world.advance(min(now - last, longest_s) * self.world.speed) > 0.0:
                    self.pace.stepped(wall_s=now)
                elif self.world.is_held:
                    self.pace.held_wall_s += now - last
                last = now
            for instrument in self.instruments:
                await instrument.publish()
            if time.monotonic() - saved > SAVED_EVERY_S:
                saved = time.monotonic()
                keep()
