"""Nobody needs to live for the beamline to be safe: engine and guard are killed together, and the instruments act."""

import json
import os
import signal
import subprocess
import sys

import pytest
from command_line import lics
from looking import pace

from lics_beamline.data_folder import DataFolder
from lics_beamline.safety.guard_status import STAYING, status
from lics_beamline.safety.latch import latched

from .test_guard import HOT, safe, simulators
from .test_hold import sweeping, until


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data").make()


def is_hot(witness):
    return witness.get("ET1:RBV_Output") > 5.0 and witness.get("PC1:Control_RBV") == "On"


@pytest.mark.long
def test_engine_and_guard_killed_together_leave_a_safe_beamline_and_no_sweep_until_somebody_has_looked(data):
    folder = data.root.parent
    with simulators(data) as witness:
        with sweeping(data, HOT) as process:
            until(lambda: is_hot(witness), process)
            assert witness.get("SAFE:Watchdog_RBV") == "Armed"
            os.kill(status(data).pid, signal.SIGKILL)
            process.send_signal(signal.SIGKILL)
            process.wait()
        while witness.get("SAFE:Watchdog_RBV") != "Tripped":
            pace()
        while witness.get("PC1:Control_RBV") != "Off" or witness.get("BEAM:Shutter_RBV") != "Closed":
            pace()
        assert witness.get("ET1:OutputHigh") == 0.0
        assert witness.get("PC1:Lease") == "", "the lease of the dead is given back"

        told = lics("guard", "--data", "data", folder=folder)
        assert told.returncode == 4
        assert "nothing has tripped" not in told.stdout
        assert "has said nothing for" in told.stdout
        assert latched(data)["cause"] == "guard lost"
        elsewhere = lics("sweep", "walk.toml", "--followers", "none", "--data", "elsewhere", folder=folder)
        assert elsewhere.returncode == 3, "another data folder knows it from the instruments"
        assert "the watchdog of the instruments tripped at" in elsewhere.stderr
        assert witness.get("SAFE:Watchdog_RBV") == "Tripped"
        assert lics("guard", "--acknowledge", "--data", "data", folder=folder).returncode == 0
        with sweeping(data, HOT) as process:
            until(lambda: is_hot(witness) and witness.get("SAFE:Watchdog_RBV") == "Armed", process)
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 4
        assert witness.get("SAFE:Watchdog_RBV") == "Off", "a lawful end needs no watchdog"
        assert witness.get("PC1:Lease") == ""
        newest = max(data.raw_journals.glob("*.jsonl"), key=lambda journal: journal.stat().st_mtime)
        name, document = json.loads(newest.read_text().splitlines()[-1])[:2]
        assert (name, document["exit_status"]) == ("stop", "abort"), "the journal is closed"
        assert latched(data) is None


@pytest.mark.nightly
def test_a_guard_that_stays_makes_safe_for_an_engine_it_knows_by_the_instruments_alone_and_ends_by_sigterm(data):
    watch = DataFolder(data.root.parent / "watch")
    with simulators(data) as witness:
        staying = subprocess.Popen(
            [sys.executable, "-m", "lics_beamline", "guard", "--run", "--data", str(watch.root)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert staying.stdout.readline() == "guarding BL10XU, simulated (SIM:LICS:) until SIGTERM or Ctrl-C\n"
            while status(watch, STAYING).state != "watching":
                assert staying.poll() is None
                pace()
            with sweeping(data, HOT) as process:
                until(lambda: is_hot(witness), process)
                os.kill(status(data).pid, signal.SIGKILL)
                process.send_signal(signal.SIGKILL)
                process.wait()
            tripped = safe(watch)
            assert tripped["cause"] == "engine lost"
            assert "no sign of life" in tripped["says"]
            assert witness.get("PC1:Lease") == ""
            assert witness.get("SAFE:EngineBeat") == 0
            assert witness.get("SAFE:Watchdog_RBV") == "Tripped", "whoever begins anywhere is told by the instruments"
            assert lics("guard", "--acknowledge", "--data", "watch", folder=data.root.parent).returncode == 0
            while status(watch, STAYING).state != "watching" or witness.get("SAFE:Watchdog_RBV") != "Off":
                assert staying.poll() is None, "it stays"
                pace()
            staying.send_signal(signal.SIGTERM)
            assert staying.wait() == 0
        finally:
            staying.kill()
            staying.wait()
            staying.stdout.close()
