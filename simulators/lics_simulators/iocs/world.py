"""PVs of the world itself: its clock, its speed, its seed, and who drives it. Nothing of the truth.

A client that wants the world to wait for it writes to ``Heard`` each time of the experiment it has dealt with; it is
waited for until it writes -1, is disconnected, or owes an answer for too long. Whoever only reads and writes other PVs,
such as an operator's screen, is not waited for. ``Release`` is for whoever must go on although a driver hangs.
"""

from __future__ import annotations

import time
from typing import Any, Final

from caproto import ChannelType
from caproto.server import pvproperty

from lics_simulators.fault_kinds import Rig
from lics_simulators.faults import Faults
from lics_simulators.iocs.channels import choice, counter, reading, setting
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.iocs.leasing import CLIENT, know_client
from lics_simulators.pace import Pace
from lics_simulators.world import World

LONGEST_STRING = 39  # characters of an EPICS string, one for its end
LONGEST_EXPERIMENT_S: Final = 1e9  # thirty years: a limit that no time of an experiment meets


class WorldIOC(InstrumentIOC):
    """``$(P)WORLD:``."""

    SCAN_S = 0.0

    def __init__(self, prefix: str, *, world: World, faults: Faults | None = None, pace: Pace | None = None) -> None:
        super().__init__(f"{prefix}WORLD:", world=world)
        self._faults = faults or Faults(Rig(world=world))
        self._pace = pace or Pace()
        know_client(self.Heard)

    async def _put_speed(self, instance: Any, value: float) -> None:
        self.world.speed = float(value)

    async def _put_heard(self, instance: Any, value: float) -> None:
        client = CLIENT.get()
        if client is not None:
            self._pace.hear(client, float(value), wall_s=time.monotonic())

    async def _put_release(self, instance: Any, value: str) -> str:
        if self.index(instance, value) == 1:
            self._pace.release()
        return "No"

    async def _put_fault(self, instance: Any, value: str) -> str:
        self._faults.ask(str(value))
        return self._active()

    Speed = setting(
        "Speed", value=1.0, low=1.0, high=World.MAX_SPEED, precision=1, doc="Experiment over wall clock", put=_put_speed
    )
    Time_RBV = reading("Time_RBV", precision=3, unit="s", doc="Time of the experiment")
    Seed_RBV = counter("Seed_RBV", doc="Seed of every random draw")

    Heard = setting(
        "Heard",
        value=-1.0,
        low=-1.0,
        high=LONGEST_EXPERIMENT_S,
        precision=3,
        unit="s",
        doc="Time a driver dealt with; -1 drives not",
        put=_put_heard,
    )
    Release = choice("Release", ("No", "Yes"), doc="Yes: wait for no driver that hangs", put=_put_release)
    Drivers_RBV = counter("Drivers_RBV", doc="How many clients are waited for")
    Waited_RBV = reading("Waited_RBV", precision=1, unit="s", doc="Wall clock waited for drivers")
    Held_RBV = reading("Held_RBV", precision=1, unit="s", doc="Wall clock stopped to draw plates")

    Fault = pvproperty(
        put=_put_fault,
        name="Fault",
        value="",
        dtype=ChannelType.STRING,
        record="stringout",
        doc="NAME[:VALUE] begins one, clear mends",
    )

    async def scan(self) -> None:
        """Show clock, speed, seed and pace."""
        await self.show(self.Time_RBV, self.world.time_s)
        await self.show(self.Speed, self.world.speed)
        await self.show(self.Seed_RBV, self.world.seed)
        await self.show(self.Fault, self._active())
        await self.show(self.Drivers_RBV, self._pace.drivers)
        await self.show(self.Waited_RBV, self._pace.waited_wall_s)
        await self.show(self.Held_RBV, self._pace.held_wall_s)

    def _active(self) -> str:
        return ", ".join(self._faults.active)[:LONGEST_STRING]
