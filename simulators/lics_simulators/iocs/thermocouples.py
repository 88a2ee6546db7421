"""PVs of the thermocouple reader, named as EPICS' measComp module names them for the E-TC and USB-TC."""

from __future__ import annotations

from typing import Any

from lics_simulators.iocs.channels import choice, reading
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.world import World

ZERO_CELSIUS_K = 273.15  # exact, SI Brochure (9th ed. 2019), 2.3.1
TYPES = ("J", "K", "T", "E", "R", "S", "B", "N")
SCALES = ("Celsius", "Fahrenheit", "Kelvin", "Volts")
UNITS = ("C", "F", "K", "V")
# Mean sensitivity between 25 and 225 C of each type, in the order of TYPES [uV/K]; IEC 60584-1, rounded.
MICROVOLT_PER_K = (54.0, 40.6, 49.5, 68.0, 8.0, 7.7, 1.1, 31.0)
OPEN_CIRCUIT_READING = (
    -9999.0
)  # what the converter says of an open circuit, in any scale and without an alarm (measComp)
WIRED = TYPES.index("K")  # what the junctions really are


class ThermocoupleIOC(InstrumentIOC):
    """``$(P)TC:``. Four inputs; the reader raises no alarm of its own."""

    SCAN_S = 1.0

    def __init__(self, prefix: str, *, world: World) -> None:
        super().__init__(f"{prefix}TC:", world=world)
        self._noise = world.random("thermocouples", 1)

    async def _put_type(self, instance: Any, value: str) -> None:
        self.index(instance, value)

    async def _put_scale(self, instance: Any, value: str) -> None:
        unit = UNITS[self.index(instance, value)]
        await self.pvdb[instance.pvname.removesuffix("Scale")].write_metadata(units=unit)

    Ti1 = reading("Ti1", precision=2, unit="C", doc="Gasket")
    Ti2 = reading("Ti2", precision=2, unit="C", doc="Cell body")
    Ti3 = reading("Ti3", precision=2, unit="C", doc="Membrane")
    Ti4 = reading("Ti4", precision=2, unit="C", doc="Ambient")
    Ti1TCType = choice("Ti1TCType", TYPES, value=1, doc="Type of input 1", put=_put_type)
    Ti2TCType = choice("Ti2TCType", TYPES, value=1, doc="Type of input 2", put=_put_type)
    Ti3TCType = choice("Ti3TCType", TYPES, value=1, doc="Type of input 3", put=_put_type)
    Ti4TCType = choice("Ti4TCType", TYPES, value=1, doc="Type of input 4", put=_put_type)
    Ti1Scale = choice("Ti1Scale", SCALES, doc="Scale of input 1", put=_put_scale)
    Ti2Scale = choice("Ti2Scale", SCALES, doc="Scale of input 2", put=_put_scale)
    Ti3Scale = choice("Ti3Scale", SCALES, doc="Scale of input 3", put=_put_scale)
    Ti4Scale = choice("Ti4Scale", SCALES, doc="Scale of input 4", put=_put_scale)

    async def scan(self) -> None:
        """Show the four junctions as the reader takes them: a wrong type reads a wrong temperature."""
        ambient = self.world.thermocouples.ambient_k - ZERO_CELSIUS_K
        for index, channel in enumerate((self.Ti1, self.Ti2, self.Ti3, self.Ti4)):
            if index in self.world.thermocouples.open_junctions:
                await self.show(channel, OPEN_CIRCUIT_READING)
                continue
            kind = TYPES.index(self.pvdb[f"{channel.pvname}TCType"].value)
            rise = self.world.thermocouples.read_k(index, self._noise) - ZERO_CELSIUS_K - ambient
            celsius = ambient + rise * MICROVOLT_PER_K[WIRED] / MICROVOLT_PER_K[kind]
            volts = celsius * MICROVOLT_PER_K[kind] * 1e-6
            await self.show(channel, _scaled(celsius, volts, self.pvdb[f"{channel.pvname}Scale"].value))


def _scaled(celsius: float, volts: float, scale: str) -> float:
    if scale == "Fahrenheit":
        return celsius * 1.8 + 32.0
    if scale == "Kelvin":
        return celsius + ZERO_CELSIUS_K
    return volts if scale == "Volts" else celsius
