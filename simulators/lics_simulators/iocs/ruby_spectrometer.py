"""PVs of the ruby spectrometer, in the words of areaDetector, with laser, lamp and reference chip."""

from __future__ import annotations

import asyncio
from typing import Any

from caproto.server import pvproperty

from lics_simulators.iocs.channels import choice, counter, indicator, setting, whole_setting
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.ruby import FIRST_NM, SPECTROMETER_PIXELS, STEP_NM, FloatArray
from lics_simulators.world import World

READOUT_S = 0.1  # reading the detector after the last accumulation [s of experiment]: engineering value
IDLE, ACQUIRING, READING = 0, 1, 2


class RubySpectrometerIOC(InstrumentIOC):
    """``$(P)RUBY:``. Acquire behaves as a busy record: its put completes when the spectrum is there."""

    SCAN_S = 0.0

    def __init__(self, prefix: str, *, world: World) -> None:
        super().__init__(f"{prefix}RUBY:", world=world)
        self._state = IDLE
        self._aborted = False
        self.drawn = 0  # spectra so far: keys their random draws

    async def _put_acquire(self, instance: Any, value: str) -> str | None:
        if self.index(instance, value) == 0:
            self._aborted = True
            return None
        if self._state != IDLE:
            raise ValueError(f"{instance.pvname} is acquiring. Wait until it is done, or write Done to abort.")
        await instance.write(value, verify_value=False)
        await self._acquire()
        return str(instance.enum_strings[0])

    async def _put_lamp(self, instance: Any, value: str) -> None:
        self.world.ruby.lamp_is_on = self.index(instance, value) == 1

    async def _put_ambient_ruby(self, instance: Any, value: str) -> None:
        self.world.ruby.ambient_chip_is_selected = self.index(instance, value) == 1

    async def _put_laser(self, instance: Any, value: str) -> str:
        self.world.ruby.switch_laser(on=self.index(instance, value) == 1)
        return str(instance.enum_strings[int(self.world.ruby.laser_is_on)])

    async def _put_shutter(self, instance: Any, value: str) -> None:
        self.world.ruby.shutter_is_open = self.index(instance, value) == 1

    async def _put_laser_power(self, instance: Any, value: float) -> None:
        self.world.ruby.laser_mw = float(value)

    async def _put_choice(self, instance: Any, value: str) -> None:
        self.index(instance, value)

    Acquire = choice("cam1:Acquire", ("Done", "Acquire"), doc="Acquire a spectrum", put=_put_acquire)
    AcquireTime = setting(
        "cam1:AcquireTime", value=1.0, low=0.01, high=60.0, precision=3, unit="s", doc="Time of one accumulation"
    )
    NumAccumulations = whole_setting("cam1:NumAccumulations", value=1, low=1, high=100, doc="Accumulations summed")
    DetectorState_RBV = indicator("cam1:DetectorState_RBV", ("Idle", "Acquire", "Readout"), doc="State")
    WaitForPlugins = choice(
        "cam1:WaitForPlugins", ("No", "Yes"), value=1, doc="Acquire waits for the image", put=_put_choice
    )
    ArrayCounter_RBV = counter("cam1:ArrayCounter_RBV", doc="Spectra acquired")
    EnableCallbacks = choice(
        "image1:EnableCallbacks", ("Disable", "Enable"), value=1, doc="Pass spectra on", put=_put_choice
    )
    UniqueId_RBV = counter("image1:UniqueId_RBV", doc="Number of the spectrum passed on")
    ArrayData = pvproperty(
        name="image1:ArrayData",
        alarm_group="image1:ArrayData",
        value=[0.0] * SPECTROMETER_PIXELS,
        max_length=SPECTROMETER_PIXELS,
        record="waveform",
        units="counts",
        read_only=True,
        doc="Spectrum",
    )
    Wavelength = pvproperty(
        name="Wavelength",
        alarm_group="Wavelength",
        value=[FIRST_NM + STEP_NM * pixel for pixel in range(SPECTROMETER_PIXELS)],
        max_length=SPECTROMETER_PIXELS,
        record="waveform",
        units="nm",
        precision=4,
        read_only=True,
        doc="Wavelengths in air as calibrated",
    )
    Lamp = choice("Lamp", ("Off", "On"), doc="Neon lamp", put=_put_lamp)
    AmbientRuby = choice("AmbientRuby", ("Off", "On"), doc="Look at the chip outside", put=_put_ambient_ruby)
    Laser = choice("Laser", ("Off", "On"), doc="Laser", put=_put_laser)
    LaserPower = setting(
        "LaserPower",
        value=5.0,
        low=0.0,
        high=50.0,
        precision=2,
        unit="mW",
        doc="Power at the ruby",
        put=_put_laser_power,
    )
    Shutter = choice("Shutter", ("Closed", "Open"), doc="Laser shutter", put=_put_shutter)

    async def forget(self) -> None:
        """Count spectra from 0 again, and hold none; an acquisition under way ends with the driver."""
        self._aborted = True
        await self.ArrayData.write([0.0] * SPECTROMETER_PIXELS, verify_value=False)
        for counter_ in (self.ArrayCounter_RBV, self.UniqueId_RBV):
            await counter_.write(0, verify_value=False)
        await self.Acquire.write(self.Acquire.enum_strings[0], verify_value=False)

    async def recall(self) -> None:
        """Show what the optics kept."""
        ruby = self.world.ruby
        await self.show(self.Shutter, ruby.shutter_is_open)
        await self.show(self.Lamp, ruby.lamp_is_on)
        await self.show(self.AmbientRuby, ruby.ambient_chip_is_selected)
        await self.show(self.LaserPower, ruby.laser_mw)

    async def scan(self) -> None:
        """Show the state of the detector."""
        await self.show(self.DetectorState_RBV, self._state)
        await self.show(self.Laser, self.world.ruby.laser_is_on)

    async def _acquire(self) -> None:
        """Integrate from now on; an aborted acquisition gives no spectrum."""
        world, exposure_s, accumulations = self.world, self.AcquireTime.value, self.NumAccumulations.value
        self._aborted = False
        await self._enter(ACQUIRING)
        began = self._rate()
        end_s = world.time_s + exposure_s * accumulations
        while world.time_s < end_s and not self._aborted:
            await self.step()
        if not self._aborted:
            rate = 0.5 * (began + self._rate())
            await self._enter(READING)
            await self.wait(READOUT_S)
            number = self.ArrayCounter_RBV.value + 1
            self.drawn += 1
            counts = world.ruby.spectrum(rate, exposure_s, accumulations, world.random("ruby spectrum", self.drawn))
            await self.ArrayCounter_RBV.write(number, verify_value=False)
            if self.WaitForPlugins.value == "Yes":
                await self._pass_on(number, counts)
            else:
                self._late = asyncio.create_task(self._pass_on_late(number, counts))
        await self._enter(IDLE)

    async def _pass_on_late(self, number: int, counts: FloatArray) -> None:
        await self.step()
        await self.step()
        await self._pass_on(number, counts)

    async def _pass_on(self, number: int, counts: FloatArray) -> None:
        if self.EnableCallbacks.value == "Enable" and not self.line_is_lost:
            await self.ArrayData.write(counts, verify_value=False)
            await self.UniqueId_RBV.write(number, verify_value=False)

    async def _enter(self, state: int) -> None:
        self._state = state
        await self.show(self.DetectorState_RBV, state)

    def _rate(self) -> FloatArray:
        world = self.world
        state = world.sample_state()
        return world.ruby.rate_cps(
            sample_gpa=state.pressure_gpa,
            sample_k=state.temperature_k,
            ambient_k=world.preset.ambient_k,
            overlap=world.stage.overlap(),
        )
