"""PVs of the X-ray beam."""

from __future__ import annotations

from typing import Any

from caproto import AlarmStatus

from lics_simulators.beam import Beam
from lics_simulators.iocs.channels import choice, indicator, reading, whole_setting
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.world import World

MONITOR_NOISE = 1.0e-3  # relative noise of one reading of the monitor: engineering value
DUMPED_MA = 10.0  # below this there is no user beam: engineering value


class BeamIOC(InstrumentIOC):
    """``$(P)BEAM:``."""

    SCAN_S = 0.2

    def __init__(self, prefix: str, *, world: World) -> None:
        super().__init__(f"{prefix}BEAM:", world=world)
        self._noise = world.random("beam", 0)

    async def _put_shutter(self, instance: Any, value: str) -> None:
        self.world.beam.command_shutter(is_open=self.index(instance, value) == 1)

    async def _put_attenuator(self, instance: Any, value: int) -> None:
        self.world.beam.attenuator = int(value)

    RingCurrent_RBV = reading("RingCurrent_RBV", precision=2, unit="mA", doc="Stored current")
    Energy_RBV = reading("Energy_RBV", precision=4, unit="keV", doc="Photon energy")
    Shutter = choice("Shutter", ("Closed", "Open"), doc="Fast shutter", put=_put_shutter)
    Shutter_RBV = indicator("Shutter_RBV", ("Closed", "Open"), doc="Fast shutter, as it is")
    I0_RBV = reading("I0_RBV", precision=0, unit="counts/s", doc="Incident-beam monitor")
    Attenuator = whole_setting(
        "Attenuator",
        value=0,
        low=0,
        high=Beam.MAX_ATTENUATOR,
        doc="Steps of absorber; each halves",
        put=_put_attenuator,
    )

    async def recall(self) -> None:
        """Show what the shutter and the absorber were told."""
        await self.show(self.Shutter, self.world.beam.shutter_commanded_open)
        await self.Attenuator.write(self.world.beam.attenuator, verify_value=False)

    async def make_safe(self) -> None:
        """Close the shutter."""
        self.world.beam.command_shutter(is_open=False)
        await self.show(self.Shutter, False)

    async def scan(self) -> None:
        """Show the beam."""
        beam = self.world.beam
        flux = beam.flux()
        await self.show(self.RingCurrent_RBV, beam.ring_current_ma)
        await self.show(self.Energy_RBV, beam.parameters.energy_kev)
        await self.show(self.Shutter_RBV, beam.shutter_is_open)
        await self.show(self.I0_RBV, flux * (1.0 + MONITOR_NOISE * float(self._noise.standard_normal())))
        await self.warn(self.RingCurrent_RBV, when=beam.ring_current_ma < DUMPED_MA, status=AlarmStatus.LOW)
