"""The dead-man's switch as a device: armed, fed, tripped, reset; and the lease by which a beamline is held."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from caproto.sync.client import write
from looking import pace

from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.assembly import assemble
from lics_beamline.devices.beamline import connect, disconnect, make_safe
from lics_beamline.devices.lease import LeaseHolder
from lics_beamline.errors import Busy, DidNotSettle
from lics_beamline.profile import read_profile

from .conftest import HANG_S, simulated


@pytest.fixture(scope="module")
def beamline(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("watchdog")
    with simulated(folder, speed=60.0) as simulators:
        beamline = assemble(read_profile("simulated"), DataFolder(folder), prefix=simulators.prefix)
        try:
            connect(beamline)
            yield beamline
        finally:
            disconnect(beamline)


@pytest.fixture
def watchdog(beamline):
    """The watchdog, off, and what has tripped looked at."""
    put(beamline.watchdog.reset, "Yes")
    put(beamline.watchdog.command, "Off")
    yield beamline.watchdog
    put(beamline.watchdog.silence_s, 10.0)


def put(signal, value):
    write(signal.setpoint_pvname, value, repeater=False, notify=True, timeout=HANG_S)


def test_arming_shortens_a_silence_that_is_too_long_and_reads_back(watchdog):
    put(watchdog.silence_s, 60.0)
    watchdog.arm().wait()
    assert watchdog.state.get(use_monitor=False) == "Armed"
    assert watchdog.silence_s.get(use_monitor=False) == watchdog.timeout_s == 10.0
    watchdog.disarm().wait()
    assert watchdog.state.get(use_monitor=False) == "Off"


def test_a_beamline_made_safe_needs_no_signs_of_life_any_more(beamline, watchdog):
    watchdog.arm().wait()
    make_safe(beamline)
    assert watchdog.state.get(use_monitor=False) == "Off"


def test_each_sign_of_life_is_another_number(watchdog):
    watchdog.feed(watchdog.engine_beat)
    first = watchdog.engine_beat.get(use_monitor=False)
    watchdog.feed(watchdog.engine_beat)
    while watchdog.engine_beat.get(use_monitor=False) == first:
        pace()
    assert watchdog.engine_beat.get(use_monitor=False) > first > 0


def test_fed_by_nobody_it_trips_says_why_and_is_not_armed_before_somebody_has_looked(watchdog):
    put(watchdog.silence_s, 1.0)
    watchdog.arm().wait()
    while not watchdog.trip_at():
        pace()
    assert "no sign of life for 1." in watchdog.says()
    with pytest.raises(DidNotSettle, match="looked at the beamline"):
        watchdog.arm().wait()


def test_who_holds_the_beamline_is_named_to_others_and_the_lease_of_the_dead_is_taken_over(beamline, watchdog):
    membrane = beamline.membrane
    put(membrane.lease, "4711 on elsewhere 11-26T07:05")
    with pytest.raises(Busy, match="leased to process 4711 on elsewhere since 11-26T07:05") as refused:
        membrane.require_free()
    assert "Nothing was touched" in str(refused.value)
    with pytest.raises(Busy):
        membrane.take().wait()
    assert membrane.lease.get(use_monitor=False) == "4711 on elsewhere 11-26T07:05"

    put(membrane.lease, "")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    put(membrane.lease, LeaseHolder.of_process(dead.pid).name)
    membrane.require_free()
    membrane.take().wait()
    assert LeaseHolder.read(membrane.lease.get(use_monitor=False)).pid == os.getpid()
    membrane.release()
