"""What a client of each soft IOC sees, without any network: puts, their completion, read-backs, alarms."""

import asyncio

import numpy as np
import pytest
from caproto import AlarmSeverity

from lics_simulators.iocs.beam import BeamIOC
from lics_simulators.iocs.heater import HeaterIOC
from lics_simulators.iocs.membrane import MembraneIOC
from lics_simulators.iocs.ruby_spectrometer import RubySpectrometerIOC
from lics_simulators.iocs.stage import StageIOC
from lics_simulators.iocs.thermocouples import ThermocoupleIOC
from lics_simulators.iocs.world import WorldIOC
from lics_simulators.world import World


@pytest.fixture
def world():
    return World(seed=1)


def together(world, ioc, *puts):
    """Run puts at once while the world goes on, and publish; return how long they took [s of experiment]."""
    return asyncio.run(go_on_until_done(world, ioc, *puts))


async def go_on_until_done(world, ioc, *puts):
    began_s = world.time_s
    pending = [asyncio.ensure_future(put) for put in puts]
    await asyncio.sleep(0)
    while not all(put.done() for put in pending):
        await a_step(world, ioc)
    for put in pending:
        put.result()
    took_s = world.time_s - began_s
    await ioc.scan()
    return took_s


async def a_step(world, ioc):
    """Step the world by 0.25 s, publish, and let everyone who waited for that go on."""
    world.advance(0.25)
    await ioc.publish()
    for _ in range(5):
        await asyncio.sleep(0)


def go_on(world, ioc, seconds):
    """Let the world go on, publishing every half second of experiment."""

    async def run():
        for _ in range(round(seconds / 0.5)):
            world.advance(0.5)
            await ioc.publish()

    asyncio.run(run())


def is_alarmed(channel):
    return channel.alarm.severity != AlarmSeverity.NO_ALARM


class TestMembrane:
    def test_control_is_read_back_after_the_setpoint_and_up_to_2_s_late(self, world):
        ioc = MembraneIOC("", world=world)
        together(world, ioc, ioc.Setpoint.write(3.0), ioc.Control.write("On"))
        assert ioc.Setpoint_RBV.value == 3.0
        assert ioc.Control_RBV.value == "Off"
        go_on(world, ioc, 3.0)
        assert ioc.Control_RBV.value == "On"

    def test_a_supply_that_is_too_low_shows_as_full_effort_and_an_alarm(self, world):
        ioc = MembraneIOC("", world=world)
        together(world, ioc, ioc.Setpoint.write(140.0), ioc.Slew.write(0.05), ioc.Control.write("On"))
        assert not is_alarmed(ioc.Effort_RBV)
        go_on(world, ioc, 2600.0)
        assert ioc.Effort_RBV.value == 100.0
        assert is_alarmed(ioc.Effort_RBV)
        assert ioc.InLimits_RBV.value == "No"
        assert ioc.Pressure_RBV.value < 120.1
        together(world, ioc, ioc.Setpoint.write(110.0))
        go_on(world, ioc, 600.0)
        assert not is_alarmed(ioc.Effort_RBV)

    def test_venting_shows_each_of_its_states(self, world):
        ioc = MembraneIOC("", world=world)
        together(world, ioc, ioc.Setpoint.write(5.0), ioc.Control.write("On"))
        go_on(world, ioc, 600.0)
        together(world, ioc, ioc.Vent.write("Yes"))
        assert ioc.Vent_RBV.value == "In progress"
        go_on(world, ioc, 300.0)
        assert (ioc.Vent_RBV.value, ioc.Control.value) == ("Complete", "Off")
        assert ioc.Pressure_RBV.value == pytest.approx(0.0, abs=0.01)

    def test_readings_are_published_at_their_resolution(self, world):
        ioc = MembraneIOC("", world=world)
        go_on(world, ioc, 10.0)
        assert ioc.Pressure_RBV.value == round(ioc.Pressure_RBV.value, 3)


class TestHeater:
    def test_a_put_takes_1_s_and_is_read_back_within_8_s_at_a_tenth(self, world):
        ioc = HeaterIOC("", world=world)
        go_on(world, ioc, 1.0)
        took_s = together(world, ioc, ioc.Setpoint.write(100.04))
        assert took_s == pytest.approx(1.0)
        assert ioc.RBV_spTemp.value != 100.0
        go_on(world, ioc, 8.0)
        assert ioc.RBV_spTemp.value == 100.0
        assert world.heater.setpoint_k == pytest.approx(373.15)

    def test_the_temperature_shown_is_the_gasket_s(self, world):
        ioc = HeaterIOC("", world=world)
        together(world, ioc, ioc.Setpoint.write(60.0))
        go_on(world, ioc, 1800.0)
        assert ioc.RBV_pvTemp.value == pytest.approx(60.0, abs=0.1)
        assert world.heater.gasket_k == pytest.approx(333.15, abs=0.1)

    def test_a_trip_opens_the_contactor_raises_alarms_and_refuses_to_close(self, world):
        ioc = HeaterIOC("", world=world)
        world.heater.is_auto, world.heater.output_percent = False, 100.0
        go_on(world, ioc, 1200.0)
        assert (ioc.Contactor_RBV.value, ioc.Contactor.value) == ("Open", "Open")
        assert ioc.RBV_pvTemp.alarm.severity == AlarmSeverity.MAJOR_ALARM
        assert is_alarmed(ioc.Contactor_RBV)
        world.heater.gasket_k = 520.0
        with pytest.raises(ValueError, match=r"tripped at 530 K.*below 500 K"):
            together(world, ioc, ioc.Contactor.write("Closed"))
        go_on(world, ioc, 600.0)
        together(world, ioc, ioc.Contactor.write("Closed"))
        assert ioc.Contactor_RBV.value == "Closed"
        assert not is_alarmed(ioc.Contactor_RBV)

    def test_settings_of_the_controller_arrive(self, world):
        ioc = HeaterIOC("", world=world)
        together(world, ioc, ioc.P.write(50.0), ioc.I.write(80.0), ioc.D.write(5.0), ioc.RampRate.write(2.0))
        together(world, ioc, ioc.OutputHigh.write(40.0), ioc.Auto.write("Manual"))
        heater = world.heater
        assert (heater.band_k, heater.integral_s, heater.derivative_s) == (50.0, 80.0, 5.0)
        assert (heater.ramp_k_per_min, heater.output_high_percent, heater.is_auto) == (2.0, 40.0, False)


class TestThermocouples:
    def test_scales_change_number_and_unit(self, world):
        ioc = ThermocoupleIOC("", world=world)
        go_on(world, ioc, 2.0)
        celsius = ioc.Ti4.value
        for scale, unit, expected in [
            ("Kelvin", "K", celsius + 273.15),
            ("Fahrenheit", "F", celsius * 1.8 + 32.0),
            ("Celsius", "C", celsius),
        ]:
            together(world, ioc, ioc.Ti4Scale.write(scale))
            assert ioc.Ti4.units == unit
            assert ioc.Ti4.value == pytest.approx(expected, abs=0.4)

    def test_a_wrong_type_reads_a_wrong_temperature(self, world):
        ioc = ThermocoupleIOC("", world=world)
        world.thermocouples.true_k[0] = 498.0
        together(world, ioc, ioc.Ti1TCType.write("J"))
        assert 150.0 < ioc.Ti1.value < 200.0


class TestRubySpectrometer:
    def test_a_spectrum_takes_its_time_and_counts_on(self, world):
        ioc = RubySpectrometerIOC("", world=world)
        together(world, ioc, ioc.Laser.write("On"), ioc.Shutter.write("Open"), ioc.NumAccumulations.write(3))
        took_s = together(world, ioc, ioc.Acquire.write("Acquire"))
        assert took_s == pytest.approx(3.25)  # the readout takes another 0.1 s
        assert (ioc.Acquire.value, ioc.DetectorState_RBV.value) == ("Done", "Idle")
        assert (ioc.ArrayCounter_RBV.value, ioc.UniqueId_RBV.value) == (1, 1)
        assert max(ioc.ArrayData.value) > 30_000.0
        together(world, ioc, ioc.Acquire.write("Acquire"))
        assert (ioc.ArrayCounter_RBV.value, ioc.UniqueId_RBV.value) == (2, 2)

    def test_while_it_acquires_it_says_so_and_refuses_another(self, world):
        ioc = RubySpectrometerIOC("", world=world)

        async def run():
            first = asyncio.create_task(ioc.Acquire.write("Acquire"))
            await asyncio.sleep(0)
            assert (ioc.Acquire.value, ioc.DetectorState_RBV.value) == ("Acquire", "Acquire")
            with pytest.raises(ValueError, match="acquiring"):
                await ioc.Acquire.write("Acquire")
            first.cancel()

        asyncio.run(run())

    def test_without_callbacks_done_does_not_mean_new(self, world):
        ioc = RubySpectrometerIOC("", world=world)
        together(world, ioc, ioc.EnableCallbacks.write("Disable"))
        together(world, ioc, ioc.Acquire.write("Acquire"))
        assert (ioc.ArrayCounter_RBV.value, ioc.UniqueId_RBV.value) == (1, 0)
        assert max(ioc.ArrayData.value) == 0.0

    def test_an_acquisition_that_waits_for_nobody_completes_before_its_image(self, world):
        ioc = RubySpectrometerIOC("", world=world)
        together(world, ioc, ioc.WaitForPlugins.write("No"))

        async def run():
            put = asyncio.create_task(ioc.Acquire.write("Acquire"))
            while not put.done():
                await a_step(world, ioc)
            at_completion = ioc.UniqueId_RBV.value
            for _ in range(3):
                await a_step(world, ioc)
            return at_completion, ioc.UniqueId_RBV.value

        assert asyncio.run(run()) == (0, 1)

    def test_writing_done_gives_the_acquisition_up(self, world):
        ioc = RubySpectrometerIOC("", world=world)
        together(world, ioc, ioc.AcquireTime.write(60.0))

        async def run():
            put = asyncio.create_task(ioc.Acquire.write("Acquire"))
            await asyncio.sleep(0)
            await ioc.Acquire.write("Done")
            await go_on_until_done(world, ioc, put)

        asyncio.run(run())
        assert (ioc.ArrayCounter_RBV.value, ioc.DetectorState_RBV.value, ioc.Acquire.value) == (0, "Idle", "Done")

    def test_a_laser_that_goes_off_half_way_gives_half_the_light(self, world):
        ioc = RubySpectrometerIOC("", world=world)
        together(world, ioc, ioc.Laser.write("On"), ioc.Shutter.write("Open"))
        together(world, ioc, ioc.Acquire.write("Acquire"))
        full = np.max(ioc.ArrayData.value)

        async def run():
            put = asyncio.create_task(ioc.Acquire.write("Acquire"))
            await asyncio.sleep(0)
            await ioc.Laser.write("Off")
            await go_on_until_done(world, ioc, put)

        asyncio.run(run())
        assert np.max(ioc.ArrayData.value) == pytest.approx(full / 2.0, rel=0.1)

    def test_the_same_seed_gives_the_same_spectrum(self):
        def counts(seed):
            world = World(seed=seed)
            ioc = RubySpectrometerIOC("", world=world)
            together(world, ioc, ioc.Laser.write("On"), ioc.Shutter.write("Open"))
            together(world, ioc, ioc.Acquire.write("Acquire"))
            return list(ioc.ArrayData.value)

        assert counts(4) == counts(4) != counts(5)


class TestBeam:
    def test_the_shutter_shows_command_and_position(self, world):
        ioc = BeamIOC("", world=world)
        go_on(world, ioc, 1.0)
        assert (ioc.Shutter_RBV.value, ioc.I0_RBV.value) == ("Closed", 0.0)
        together(world, ioc, ioc.Shutter.write("Open"))
        go_on(world, ioc, 1.0)
        assert ioc.Shutter_RBV.value == "Open"
        assert ioc.I0_RBV.value == pytest.approx(0.995e6, rel=0.01)
        together(world, ioc, ioc.Attenuator.write(1))
        go_on(world, ioc, 1.0)
        assert ioc.I0_RBV.value == pytest.approx(0.4975e6, rel=0.01)

    def test_a_lost_beam_is_an_alarm(self, world):
        ioc = BeamIOC("", world=world)
        go_on(world, ioc, 1.0)
        assert not is_alarmed(ioc.RingCurrent_RBV)
        world.beam.ring_current_ma = 0.0
        together(world, ioc)
        assert is_alarmed(ioc.RingCurrent_RBV)


class TestStage:
    def test_a_stop_ends_a_motion_where_the_motor_is(self, world):
        ioc = StageIOC("", world=world)

        async def run():
            await ioc.prepare()
            put = asyncio.create_task(ioc.x.motor.write(5.0))
            while world.time_s < 2.0:
                await a_step(world, ioc)
            assert ioc.x.motor.field_inst.done_moving_to_value.value == 0
            await ioc.x.motor.field_inst.stop.write(1)
            await go_on_until_done(world, ioc, put)

        asyncio.run(run())
        assert 0.5 < ioc.x.motor.value < 1.5
        assert ioc.x.motor.field_inst.done_moving_to_value.value == 1
        assert ioc.x.motor.field_inst.user_readback_value.value == pytest.approx(ioc.x.motor.value)

    def test_the_oscillation_reaches_the_world(self, world):
        ioc = StageIOC("", world=world)
        together(world, ioc, ioc.OscRange.write(6.0))
        assert world.stage.oscillation_deg == 6.0


class TestWorld:
    def test_clock_speed_and_seed_are_shown(self, world):
        ioc = WorldIOC("", world=world)
        together(world, ioc, ioc.Speed.write(120.0))
        go_on(world, ioc, 5.0)
        assert (ioc.Speed.value, world.speed, ioc.Seed_RBV.value) == (120.0, 120.0, 1)
        assert ioc.Time_RBV.value == pytest.approx(world.time_s, abs=1e-3)
