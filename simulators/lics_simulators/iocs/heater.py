"""PVs of the heater's controller, named as in synApps' Eurotherm2k database; degrees Celsius, as the real one."""

from __future__ import annotations

import math
from typing import Any

from caproto import AlarmSeverity, AlarmStatus

from lics_simulators.iocs.channels import choice, indicator, reading, setting
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.world import World

ZERO_CELSIUS_K = 273.15  # exact, SI Brochure (9th ed. 2019), 2.3.1
WRITE_S = 1.0  # time of one write over the serial line [s of experiment]: engineering value
SLOW_SCAN_S = 8.0  # settings are read back this often [s of experiment]: engineering value


class HeaterIOC(InstrumentIOC):
    """``$(P)ET1:``. A put completes when the controller has it; its read-back follows up to 8 s later."""

    SCAN_S = 1.0

    def __init__(self, prefix: str, *, world: World) -> None:
        super().__init__(f"{prefix}ET1:", world=world)
        self._next_slow_s = -math.inf

    async def _put_setpoint(self, instance: Any, value: float) -> None:
        await self.wait(WRITE_S)
        self.world.heater.set_setpoint(round(float(value), 1) + ZERO_CELSIUS_K)

    async def _put_ramp(self, instance: Any, value: float) -> None:
        await self.wait(WRITE_S)
        self.world.heater.ramp_k_per_min = float(value)

    async def _put_band(self, instance: Any, value: float) -> None:
        await self.wait(WRITE_S)
        self.world.heater.band_k = float(value)

    async def _put_integral(self, instance: Any, value: float) -> None:
        await self.wait(WRITE_S)
        self.world.heater.integral_s = float(value)

    async def _put_derivative(self, instance: Any, value: float) -> None:
        await self.wait(WRITE_S)
        self.world.heater.derivative_s = float(value)

    async def _put_auto(self, instance: Any, value: str) -> None:
        auto = self.index(instance, value) == 1
        await self.wait(WRITE_S)
        self.world.heater.set_auto(auto=auto)

    async def _put_output_high(self, instance: Any, value: float) -> None:
        await self.wait(WRITE_S)
        self.world.heater.set_output_high(float(value))

    async def _put_contactor(self, instance: Any, value: str) -> None:
        heater = self.world.heater
        if not heater.set_contactor(closed=self.index(instance, value) == 1):
            raise ValueError(
                f"the contactor tripped at {heater.parameters.trip_k:.0f} K, or as its sensor broke; the cell is at "
                f"{heater.gasket_k:.1f} K. Wait until below {heater.parameters.reset_k:.0f} K; mend the sensor."
            )

    RBV_pvTemp = reading("RBV_pvTemp", precision=1, unit="C", doc="Temperature of the gasket")
    Setpoint = setting(
        "Setpoint", value=24.9, low=0.0, high=250.0, precision=1, unit="C", doc="Target setpoint", put=_put_setpoint
    )
    RBV_spTemp = reading("RBV_spTemp", precision=1, unit="C", doc="Target setpoint, read back")
    RampRate = setting(
        "RampRate", value=5.0, low=0.0, high=20.0, precision=1, unit="C/min", doc="Ramp; 0 is none", put=_put_ramp
    )
    RBV_RampRate = reading("RBV_RampRate", precision=1, unit="C/min", doc="Ramp, read back")
    RBV_Output = reading("RBV_Output", precision=1, unit="%", doc="Output power")
    P = setting("P", value=37.5, low=1.0, high=500.0, precision=1, unit="C", doc="Proportional band", put=_put_band)
    I = setting("I", value=60.0, low=0.0, high=9999.0, precision=1, unit="s", doc="Integral time", put=_put_integral)  # noqa: E741 - the record's name
    D = setting("D", value=4.0, low=0.0, high=9999.0, precision=1, unit="s", doc="Derivative time", put=_put_derivative)
    Auto = choice("Auto", ("Manual", "Auto"), value=1, doc="Mode", put=_put_auto)
    OutputHigh = setting(
        "OutputHigh",
        value=100.0,
        low=0.0,
        high=100.0,
        precision=1,
        unit="%",
        doc="Highest output",
        put=_put_output_high,
    )
    Contactor = choice("Contactor", ("Open", "Closed"), value=1, doc="Independent cut-off", put=_put_contactor)
    Contactor_RBV = indicator("Contactor_RBV", ("Open", "Closed"), value=1, doc="Independent cut-off, as it is")

    async def recall(self) -> None:
        """Show what the controller kept."""
        heater = self.world.heater
        for channel, value in (
            (self.Setpoint, heater.setpoint_k - ZERO_CELSIUS_K),
            (self.RampRate, heater.ramp_k_per_min),
            (self.P, heater.band_k),
            (self.I, heater.integral_s),
            (self.D, heater.derivative_s),
            (self.OutputHigh, heater.output_high_percent),
            (self.Auto, heater.is_auto),
        ):
            await self.show(channel, value)
        self._next_slow_s = -math.inf

    async def make_safe(self) -> None:
        """Allow no output, and aim at the temperature of the room."""
        heater = self.world.heater
        heater.set_output_high(0.0)
        if heater.setpoint_k != heater.ambient_k:  # a setpoint that is set anew begins its ramp anew
            heater.set_setpoint(heater.ambient_k)
        await self.show(self.OutputHigh, 0.0)
        await self.show(self.Setpoint, heater.ambient_k - ZERO_CELSIUS_K)

    async def scan(self) -> None:
        """Show the controller: temperature, output and contactor each second, settings every 8 s."""
        heater = self.world.heater
        await self.show(self.RBV_pvTemp, heater.seen_k - ZERO_CELSIUS_K)
        await self.show(self.RBV_Output, heater.output_percent)
        await self.show(self.Contactor_RBV, heater.contactor_is_closed)
        await self.show(self.Contactor, heater.contactor_is_closed)
        broken = heater.sensor_is_open and heater.parameters.break_trip_s > 0.0
        invalid = {"severity": AlarmSeverity.INVALID_ALARM, "status": AlarmStatus.READ, "when": True}
        tripped = {"severity": AlarmSeverity.MAJOR_ALARM, "when": heater.is_tripped}
        await self.warn(self.RBV_pvTemp, **(invalid if broken else {"status": AlarmStatus.HIHI, **tripped}))
        await self.warn(self.Contactor_RBV, status=AlarmStatus.STATE, **tripped)
        if self.world.time_s >= self._next_slow_s:
            self._next_slow_s = self.world.time_s + SLOW_SCAN_S
            await self.show(self.RBV_spTemp, heater.setpoint_k - ZERO_CELSIUS_K)
            await self.show(self.RBV_RampRate, heater.ramp_k_per_min)
