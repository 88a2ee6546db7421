"""A simulated world waits for those who drive it, and for nobody else."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest
from ophyd.status import SubscriptionStatus

from lics_beamline.session.pace import Stopwatch
from lics_simulators.iocs.instrument import TICK_S
from lics_simulators.pace import AHEAD_TICKS

from .conftest import connected

DRIVER = textwrap.dedent(
    """
    import os, sys
    os.environ["OPHYD_CONTROL_LAYER"] = "caproto"
    from lics_beamline.devices.clock import Clock
    clock = Clock(sys.argv[1], name="clock")
    clock.wait_for_connection(timeout=300.0)
    clock.drive()
    print("drives", flush=True)
    sys.stdin.read()
    """
)


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    with connected(tmp_path_factory.mktemp("data"), speed=60.0, drives=False) as beamline:
        yield beamline.clock


@pytest.fixture
def loop(clock):
    """An event loop in a thread, which drives the world of `clock`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    clock.drive(loop)
    until(clock.drivers, lambda drivers: drivers == 1)
    yield loop
    clock.retire()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    until(clock.drivers, lambda drivers: drivers == 0)


def until(signal, condition):
    SubscriptionStatus(signal, lambda value, **_: condition(value), run=True).wait()


def goes_on(clock, seconds):
    """Wait until the world has gone on so far."""
    now_s = clock.time_s.get(use_monitor=False)
    until(clock.time_s, lambda time_s: time_s > now_s + seconds)


def stands_still(clock):
    """Whether the world stands still while it says that it has waited for half a second more."""
    began_s, waited_s = clock.time_s.get(use_monitor=False), clock.waited_wall_s.get(use_monitor=False)
    until(clock.waited_wall_s, lambda now_s: now_s > waited_s + 0.5)
    # It steps while its drivers are AHEAD_TICKS behind at most, so it comes to stand one step beyond that.
    return clock.time_s.get(use_monitor=False) - began_s <= (AHEAD_TICKS + 1.01) * TICK_S * clock.speed()


class Blocked:
    """Something that computes in a loop while the context lasts."""

    def __init__(self, loop):
        self._loop, self._over = loop, threading.Event()

    def __enter__(self):
        began = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (began.set(), self._over.wait()))
        began.wait()

    def __exit__(self, *_):
        self._over.set()


class LateLoop:
    """An event loop that has not come round yet."""

    def __init__(self):
        self.calls = []

    def call_soon_threadsafe(self, call, *given):
        self.calls.append((call, given))

    def come_round(self):
        for call, given in self.calls:
            call(*given)


def test_who_has_retired_is_not_waited_for_again_when_its_loop_comes_round(clock):
    loop = LateLoop()
    clock.drive(loop)
    loop.come_round()
    until(clock.drivers, lambda drivers: drivers == 1)
    clock.retire()
    until(clock.drivers, lambda drivers: drivers == 0)
    waited_s = clock.waited_wall_s.get(use_monitor=False)
    loop.come_round()
    goes_on(clock, 30.0)
    assert clock.waited_wall_s.get(use_monitor=False) == waited_s


def test_a_world_that_nobody_drives_goes_on_by_itself(clock):
    assert clock.drivers.get(use_monitor=False) == 0
    goes_on(clock, 60.0)


def test_the_world_stands_still_while_an_engine_that_drives_it_computes(clock, loop):
    goes_on(clock, 10.0)
    with Blocked(loop):
        assert stands_still(clock)
    goes_on(clock, 10.0)


def test_a_world_that_waits_is_not_silent(clock, loop):
    with Blocked(loop):
        assert stands_still(clock)
        assert clock.silent_s() < clock.patience_s


def test_whoever_must_go_on_lets_the_world_go_on_without_an_engine_that_hangs(clock, loop):
    with Blocked(loop):
        assert stands_still(clock)
        clock.release()
        goes_on(clock, 60.0)
    until(clock.drivers, lambda drivers: drivers == 1)


def test_the_world_waits_for_a_driver_that_is_stopped_and_not_for_one_that_is_killed(clock):
    prefix = clock.time_s.pvname.removesuffix("WORLD:Time_RBV")
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, prefix], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert driver.stdout.readline() == "drives\n"
        until(clock.drivers, lambda drivers: drivers == 1)
        goes_on(clock, 10.0)
        os.kill(driver.pid, signal.SIGSTOP)
        assert stands_still(clock)
    finally:
        driver.kill()
        driver.communicate()
    goes_on(clock, 60.0)
    assert clock.drivers.get(use_monitor=False) == 0


def test_the_pace_that_was_reached_is_said_and_is_not_above_what_was_asked_for(clock, loop):
    stopwatch = Stopwatch(clock)
    goes_on(clock, 60.0)
    with Blocked(loop):
        assert stands_still(clock)
    pace = stopwatch.pace()

    assert pace.experiment_s > 60.0
    assert 0.5 < pace.waiting_wall_s < pace.wall_s
    assert pace.experiment_s / pace.wall_s < pace.most == 60.0
    assert "of 60 times the wall clock" in pace.says()
