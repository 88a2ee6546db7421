"""The dead-man's switch of the simulated instruments, by a wall clock that the test moves."""

import asyncio

import pytest

from lics_simulators.iocs.beam import BeamIOC
from lics_simulators.iocs.heater import HeaterIOC
from lics_simulators.iocs.membrane import MembraneIOC
from lics_simulators.iocs.watchdog import WatchdogIOC
from lics_simulators.world import World

HOT_K = 500.0


class Bench:
    """A hot, loaded and lit world, its watchdog, and a wall clock."""

    def __init__(self):
        self.now_s = 0.0
        self.released = 0
        self.world = World(seed=1)
        self.membrane, self.heater, self.beam = (
            kind("T:", world=self.world) for kind in (MembraneIOC, HeaterIOC, BeamIOC)
        )
        self.watchdog = WatchdogIOC(
            "T:",
            world=self.world,
            instruments=(self.membrane, self.heater, self.beam),
            release=self.release,
            clock=lambda: self.now_s,
        )

    def release(self):
        self.released += 1

    async def heat(self):
        await self.membrane.Lease.write("the first sweep")
        self.world.membrane.set_control(on=True)
        self.world.membrane.setpoint_bar = 20.0
        self.world.heater.set_output_high(100.0)
        self.world.heater.set_setpoint(HOT_K)
        self.world.beam.command_shutter(is_open=True)

    async def wait(self, seconds, *, beats=None):
        """Let wall clock pass; the world stands still."""
        for _ in range(round(seconds / 0.1)):
            self.now_s += 0.1
            if beats is not None:
                await beats.write(beats.value + 1)
            await self.watchdog.publish()

    @property
    def state(self):
        return self.watchdog.Watchdog_RBV.value

    def is_safe(self):
        world = self.world
        return not (
            world.membrane.control_on
            or world.heater.output_high_percent
            or world.heater.setpoint_k != world.heater.ambient_k
            or world.beam.shutter_commanded_open
            or self.membrane.Lease.value
        )


@pytest.fixture
def bench():
    return Bench()


def test_while_it_is_off_nobody_need_live(bench):
    async def run():
        await bench.heat()
        await bench.wait(60.0)

    asyncio.run(run())
    assert bench.state == "Off"
    assert not bench.is_safe()


@pytest.mark.parametrize("who", ["EngineBeat", "GuardBeat"])
def test_armed_it_waits_for_whoever_lives_and_trips_within_its_time_once_nobody_does(bench, who):
    async def run():
        await bench.heat()
        await bench.watchdog.Watchdog.write("Armed")
        await bench.wait(60.0, beats=getattr(bench.watchdog, who))
        assert bench.state == "Armed"
        await bench.wait(9.8)
        assert (bench.state, bench.is_safe()) == ("Armed", False)
        await bench.wait(0.4)

    asyncio.run(run())
    assert (bench.state, bench.is_safe()) == ("Tripped", True)
    assert bench.watchdog.Cause_RBV.value.startswith("no sign of life for 10.")
    assert bench.watchdog.TrippedAt_RBV.value
    assert bench.released == 1, "a world that waits for the dead would stay hot"
    assert (bench.heater.OutputHigh.value, bench.heater.Setpoint.value) == (0.0, pytest.approx(24.8, abs=0.11))
    assert (bench.membrane.Control.value, bench.beam.Shutter.value) == ("Off", "Closed")


def test_what_has_tripped_is_made_safe_again_until_somebody_has_looked(bench):
    async def run():
        await bench.heat()
        await bench.watchdog.Watchdog.write("Armed")
        await bench.wait(11.0)
        await bench.heat()
        await bench.wait(0.1)
        assert bench.is_safe(), "one who wakes up and goes on changes nothing"
        with pytest.raises(ValueError, match="Reset"):
            await bench.watchdog.Watchdog.write("Armed")
        await bench.watchdog.Watchdog.write("Off")
        assert bench.state == "Tripped"
        await bench.watchdog.Reset.write("Yes")
        assert (bench.state, bench.watchdog.Cause_RBV.value) == ("Off", "")
        await bench.watchdog.Watchdog.write("Armed")

    asyncio.run(run())
    assert bench.state == "Armed"


def test_an_ioc_that_stood_still_itself_does_not_take_its_own_silence_for_that_of_others(bench):
    async def run():
        await bench.watchdog.Watchdog.write("Armed")
        bench.now_s += 60.0
        await bench.watchdog.publish()

    asyncio.run(run())
    assert bench.state == "Armed"


def test_a_client_can_ask_for_it_at_once(bench):
    async def run():
        await bench.heat()
        await bench.watchdog.Trip.write("Yes")

    asyncio.run(run())
    assert (bench.state, bench.is_safe()) == ("Tripped", True)
    assert bench.watchdog.Trip.value == "No"
