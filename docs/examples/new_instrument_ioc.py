"""The flow meter of the simulated beamline: another program, which knows the device only by its PVs."""

from __future__ import annotations

from lics_simulators.iocs.channels import reading, setting
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.world import World

LOSS_ML_PER_MIN_PER_BAR = 0.02  # through the seals of the membrane; engineering value


class FlowMeterIOC(InstrumentIOC):
    """``$(P)FLOW:``."""

    def __init__(self, prefix: str, *, world: World) -> None:
        super().__init__(f"{prefix}FLOW:", world=world)

    Rate_RBV = reading("Rate_RBV", precision=2, unit="ml/min", doc="Flow of helium")
    Least = setting("Least", value=0.5, low=0.0, high=100.0, precision=2, unit="ml/min", doc="Alarm below")

    async def scan(self) -> None:
        """Show what leaks from the membrane at the load of the moment."""
        await self.show(self.Rate_RBV, LOSS_ML_PER_MIN_PER_BAR * self.world.membrane.load_bar)
        await self.warn(self.Rate_RBV, when=self.Rate_RBV.value < self.Least.value)
