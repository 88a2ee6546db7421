"""PVs of the world itself: its clock, its speed, its seed. Nothing of the truth."""

from __future__ import annotations

from typing import Any

from caproto import ChannelType
from caproto.server import pvproperty

from lics_simulators.faults import Faults, Rig
from lics_simulators.iocs.channels import counter, reading, setting
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.world import World

LONGEST_STRING = 39  # characters of an EPICS string, one for its end


class WorldIOC(InstrumentIOC):
    """``$(P)WORLD:``."""

    SCAN_S = 0.0

    def __init__(self, prefix: str, *, world: World, faults: Faults | None = None) -> None:
        super().__init__(f"{prefix}WORLD:", world=world)
        self._faults = faults or Faults(Rig(world=world))

    async def _put_speed(self, instance: Any, value: float) -> None:
        self.world.speed = float(value)

    async def _put_fault(self, instance: Any, value: str) -> str:
        self._faults.ask(str(value))
        return self._active()

    Speed = setting(
        "Speed", value=1.0, low=1.0, high=World.MAX_SPEED, precision=1, doc="Experiment over wall clock", put=_put_speed
    )
    Time_RBV = reading("Time_RBV", precision=3, unit="s", doc="Time of the experiment")
    Seed_RBV = counter("Seed_RBV", doc="Seed of every random draw")

    Fault = pvproperty(
        put=_put_fault,
        name="Fault",
        value="",
        dtype=ChannelType.STRING,
        record="stringout",
        doc="NAME[:VALUE] begins one, clear mends",
    )

    async def scan(self) -> None:
        """Show clock, speed and seed."""
        await self.show(self.Time_RBV, self.world.time_s)
        await self.show(self.Speed, self.world.speed)
        await self.show(self.Seed_RBV, self.world.seed)
        await self.show(self.Fault, self._active())

    def _active(self) -> str:
        return ", ".join(self._faults.active)[:LONGEST_STRING]
