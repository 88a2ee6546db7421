"""Two at one beamline, and instruments that go away: who does not hold it touches nothing, and a guard stays."""

import signal

import pytest
from caproto.sync.client import write
from command_line import lics

from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.lease import LeaseHolder, this_host
from lics_beamline.safety.guard import status
from lics_beamline.safety.latch import latched

from .test_guard import HANG_S, HOT, PREFIX, safe, simulators, wait_for
from .test_guard_lost import UP, rising
from .test_hold import sweeping, until


def fail(fault):
    """Begin a fault, or clear, on a connection of its own: the witness is cut off as everybody is."""
    write(f"{PREFIX}WORLD:Fault", fault, repeater=False, notify=True, timeout=HANG_S)


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data").make()


@pytest.mark.long
def test_a_second_sweep_is_refused_at_once_touches_nothing_and_the_first_goes_on(data):
    folder = data.root.parent
    with simulators(data) as witness, sweeping(data, HOT) as process:
        until(lambda: witness.get("PC1:Lease"), process)
        held = witness.get("PC1:Lease")
        assert LeaseHolder.read(held).pid == process.pid
        until(lambda: witness.get("ET1:RBV_Output") > 5.0, process)
        exposures = witness.get("BEAM:Shutter_RBV"), witness.get("RUBY:cam1:ArrayCounter_RBV")
        refused = lics("sweep", "walk.toml", "--followers", "none", "--data", "elsewhere", folder=folder)
        assert refused.returncode == 3
        assert f"leased to process {process.pid} on {this_host()} since" in refused.stderr
        assert exposures[0] == witness.get("BEAM:Shutter_RBV")
        assert witness.get("PC1:Lease") == held
        assert witness.get("PC1:Control_RBV") == "On"
        assert witness.get("ET1:OutputHigh") > 0.0
        assert witness.get("SAFE:Watchdog_RBV") == "Armed"
        assert latched(DataFolder(folder / "elsewhere")) is None
        assert latched(data) is None
        assert process.poll() is None


@pytest.mark.long
def test_a_membrane_that_was_away_while_the_sweep_gave_up_is_made_safe_when_it_is_back_and_nothing_begins(data):
    with simulators(data) as witness, sweeping(data, UP) as process:
        until(lambda: rising(witness) and witness.get("PC1:Pressure_RBV") > 0.7, process)
        guard_pid = status(data).pid
        witness.put("WORLD:Speed", 10.0)  # at 60 a ruby that grows stale would trip it first
        fail("ioc_restart:36000")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 4
        tripped = wait_for(data.root / "guard-tripped.json", lambda said: True)
        assert tripped["cause"] in ("left unsafe", "load silent"), (
            "which, depends on how long the sweep takes to give up"
        )
        assert "membrane" in tripped["says"]
        assert (status(data).pid, status(data).state) == (guard_pid, "tripped"), "it stays"
        told = lics("guard", "--data", "data", folder=data.root.parent)
        assert told.returncode == 4
        assert "NOT read back as safe" in told.stdout
        fail("clear")
        assert safe(data)["read_back_safe"]["membrane_control"] == "Off"
        wait_for(data.logs / "guard.json", lambda said: said["state"] == "ended")
        assert witness.get("PC1:Lease") == ""
        again = lics("sweep", "walk.toml", "--followers", "none", "--data", "data", folder=data.root.parent)
        assert again.returncode == 3
