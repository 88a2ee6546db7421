"""PVs of the membrane's gas controller, named as the PACE5000 support of the EPICS ``ip`` module names them."""

from __future__ import annotations

from typing import Any

from caproto import AlarmStatus, ChannelType
from caproto.server import pvproperty

from lics_simulators.iocs.channels import choice, indicator, reading, setting, text
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.iocs.leasing import Lease, know_client
from lics_simulators.membrane import Membrane
from lics_simulators.world import World

PSI_PER_BAR = 14.503774  # 1e5 Pa over 6894.757 Pa: NIST SP 811 (2008), B.8
HIGH_EFFORT_PERCENT = 90.0  # at and above this the controller struggles: a leak, or no supply; engineering value


class MembraneIOC(InstrumentIOC):
    """``$(P)PC1:``."""

    def __init__(self, prefix: str, *, world: World) -> None:
        super().__init__(f"{prefix}PC1:", world=world)
        self._noise = world.random("membrane", 0)
        self._lease = Lease()
        self._speaks_psi = False
        for channel in (self.Setpoint, self.Slew, self.Control, self.Vent, self.Lease):
            know_client(channel)

    async def _put_setpoint(self, instance: Any, value: float) -> None:
        self._lease.check("a setpoint")
        self.world.membrane.setpoint_bar = float(value) / self._units_per_bar

    async def _put_slew(self, instance: Any, value: float) -> None:
        self._lease.check("a slew")
        self.world.membrane.slew_bar_per_s = float(value) / self._units_per_bar

    async def _put_control(self, instance: Any, value: str) -> None:
        on = self.index(instance, value) == 1
        if on:  # shutting the valves is safe, and open to everybody
            self._lease.check("control")
        self.world.membrane.set_control(on=on)

    async def _put_vent(self, instance: Any, value: str) -> None:
        self._lease.check("venting")
        self.world.membrane.set_vent(on=self.index(instance, value) == 1)

    async def _put_lease(self, instance: Any, value: str) -> None:
        self._lease.take(str(value))

    Setpoint = setting(
        "Setpoint",
        value=0.0,
        low=0.0,
        high=Membrane.MAX_SETPOINT_BAR,
        precision=3,
        unit="bar",
        doc="Gas pressure wanted",
        put=_put_setpoint,
    )
    Setpoint_RBV = reading("Setpoint_RBV", precision=3, unit="bar", doc="Gas pressure wanted, read back")
    Slew = setting(
        "Slew",
        value=0.01,
        low=Membrane.MIN_SLEW_BAR_PER_S,
        high=Membrane.MAX_SLEW_BAR_PER_S,
        precision=5,
        unit="bar/s",
        doc="Rate of the gas pressure",
        put=_put_slew,
    )
    Slew_RBV = reading("Slew_RBV", precision=5, unit="bar/s", doc="Rate of the gas pressure, read back")
    Control = choice("Control", ("Off", "On"), doc="Off measures, On controls", put=_put_control)
    Control_RBV = indicator("Control_RBV", ("Off", "On"), doc="Control mode, read back late")
    Pressure_RBV = reading("Pressure_RBV", precision=3, unit="bar", doc="Gas pressure")
    Effort_RBV = reading(
        "Effort_RBV", precision=1, unit="%", doc="Opening of the valves", upper_warning_limit=HIGH_EFFORT_PERCENT
    )
    Vent = choice("Vent", ("No", "Yes"), doc="Vent to air, ends control", put=_put_vent)
    Vent_RBV = indicator("Vent_RBV", ("Vent OK", "In progress", "Complete"), doc="State of the vent")
    Units_RBV = text("Units_RBV", "BAR", doc="Unit of every pressure")
    Error_RBV = text("Error_RBV", "No error", doc="Last error of the controller")
    Model_RBV = text("Model_RBV", "PACE5000 (simulated)", doc="What the controller says it is")
    Source_RBV = reading("Source_RBV", precision=2, unit="bar", doc="Supply pressure")
    InLimits_RBV = indicator("InLimits_RBV", ("No", "Yes"), doc="Controlling and at the setpoint")
    Lease = pvproperty(
        put=_put_lease,
        name="Lease",
        alarm_group="Lease",
        value="",
        dtype=ChannelType.STRING,
        record="stringout",
        doc="The single writer",
    )

    async def forget(self) -> None:
        """Lose the lease, which only the IOC keeps; the controller goes on with gas, setpoint and mode."""
        self._lease.take("")
        await self.Lease.write("", verify_value=False)

    async def recall(self) -> None:
        """Show what the controller kept."""
        await self.show(self.Setpoint, self._units_per_bar * self.world.membrane.setpoint_bar)
        await self.show(self.Slew, self._units_per_bar * self.world.membrane.slew_bar_per_s)

    async def make_safe(self) -> None:
        """Shut the valves, so that the gas stays, and let whoever comes next have the lease: its holder is silent."""
        self._lease.take("")
        self.world.membrane.set_control(on=False)
        await self.show(self.Control, False)
        if self.Lease.value:
            await self.Lease.write("", verify_value=False)

    async def scan(self) -> None:
        """Show the controller."""
        membrane = self.world.membrane
        if membrane.speaks_psi != self._speaks_psi:
            await self._change_unit(psi=membrane.speaks_psi)
        scale = self._units_per_bar
        noise_bar = membrane.parameters.noise_bar * float(self._noise.standard_normal())
        await self.show(self.Setpoint_RBV, scale * membrane.setpoint_bar)
        await self.show(self.Slew_RBV, scale * membrane.slew_bar_per_s)
        await self.show(self.Control, membrane.control_on)
        await self.show(self.Control_RBV, membrane.control_read_back)
        await self.show(self.Pressure_RBV, scale * (membrane.load_bar + noise_bar))
        await self.show(self.Effort_RBV, membrane.effort_percent)
        await self.show(self.Vent_RBV, membrane.vent)
        await self.show(self.Vent, membrane.vent == membrane.vent.IN_PROGRESS)
        await self.show(self.Source_RBV, scale * membrane.parameters.supply_bar)
        await self.show(self.InLimits_RBV, membrane.is_in_limits)
        await self.warn(self.Effort_RBV, when=membrane.effort_percent >= HIGH_EFFORT_PERCENT, status=AlarmStatus.HIGH)

    @property
    def _units_per_bar(self) -> float:
        return PSI_PER_BAR if self._speaks_psi else 1.0

    async def _change_unit(self, *, psi: bool) -> None:
        """Show every pressure in another unit, as a controller does whose unit was changed at its panel."""
        before = self._units_per_bar
        self._speaks_psi = psi
        unit, factor = ("psi" if psi else "bar"), self._units_per_bar / before
        for channel in (self.Setpoint, self.Setpoint_RBV, self.Pressure_RBV, self.Source_RBV):
            await channel.write_metadata(units=unit)
        for channel in (self.Slew, self.Slew_RBV):
            await channel.write_metadata(units=f"{unit}/s")
        for channel in (self.Setpoint, self.Slew):
            low, high = channel.lower_ctrl_limit * factor, channel.upper_ctrl_limit * factor
            await channel.write_metadata(lower_ctrl_limit=low, upper_ctrl_limit=high)
            await channel.write(channel.value * factor, verify_value=False)
        await self.show(self.Units_RBV, "PSI" if psi else "BAR")
