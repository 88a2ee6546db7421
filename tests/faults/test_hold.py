"""A sweep that a person holds, continues and stops: on a ramp, in an exposure, while the load rises."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys

import pytest
from command_line import lics
from looking import pace
from worlds.short_experiment import experiment, heating, pressure

from lics_beamline.control.request import Request
from lics_beamline.data_folder import DataFolder
from lics_beamline.safety.guard import status
from lics_beamline.sweep_request import ask, sweep_status

from .test_guard import simulators

WARM_THEN_UP = experiment(
    heating(340.0, rate=20), pressure(1.0, temperature_k=340), title="warm, then up", phases='["alloy"]'
)


@contextlib.contextmanager
def sweeping(data, experiment):
    """A sweep as a process of its own; killed if it is left alive."""
    folder = data.root.parent
    (folder / "walk.toml").write_text(experiment)
    with (data.logs / "sweep.log").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "lics_beamline", "sweep", "walk.toml", "--followers", "none", "--data", "data"],
            cwd=folder,
            env={**os.environ, "TILED_PROFILES": str(folder / "profiles")},
            stdout=said,
            stderr=said,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data").make()


def until(condition, process):
    """Poll until it holds; the test's time-out is the limit."""
    while not (found := condition()):
        assert process.poll() is None, "the sweep ended by itself"
        pace()
    return found


def said(data, asked, state):
    stands = sweep_status(data)
    return stands if stands is not None and (stands.answers, stands.state) == (asked.uid, state) else None


def passes(witness, seconds):
    """Let experiment time pass."""
    end_s = witness.get("WORLD:Time_RBV") + seconds
    while witness.get("WORLD:Time_RBV") < end_s:
        pace()


def documents(data):
    (journal,) = data.raw_journals.glob("*.jsonl")
    return [json.loads(line)[:2] for line in journal.read_text().splitlines()]


@pytest.mark.long
def test_a_person_holds_a_ramp_an_exposure_and_a_load_step_continues_each_and_stops(data):
    folder = data.root.parent
    nothing = lics("hold", "--data", "data", folder=folder)
    assert (nothing.returncode, "no sweep is running" in nothing.stderr) == (3, True)
    with simulators(data) as witness, sweeping(data, WARM_THEN_UP) as process:
        until(lambda: witness.get("ET1:RBV_pvTemp") > 310.0 - 273.15, process)
        witness.put("WORLD:Speed", 1.0)  # a command that begins slowly on a busy computer still falls into the ramp
        held = lics("hold", "--why", "look at the gasket", "--who", "Ada", "--data", "data", folder=folder)
        witness.put("WORLD:Speed", 60.0)
        assert held.returncode == 0, held.stderr
        assert "load" in held.stdout
        noted = lics("note", "a bubble in the medium", "--who", "Ada", "--data", "data", folder=folder)
        assert (noted.returncode, noted.stdout) == (0, "noted\n"), noted.stderr
        passes(witness, 30.0)
        resting_c = witness.get("ET1:RBV_pvTemp")
        passes(witness, 60.0)  # 20 K at the ramp's rate
        assert witness.get("ET1:RBV_pvTemp") == pytest.approx(resting_c, abs=1.5)
        assert witness.get("ET1:RBV_pvTemp") < 335.0 - 273.15
        assert status(data).alive
        asked = ask(data, Request.CONTINUE)
        until(lambda: said(data, asked, "running"), process)

        until(lambda: witness.get("BEAM:Shutter_RBV") == "Open", process)
        asked = ask(data, Request.PAUSE)
        until(lambda: said(data, asked, "running"), process)
        assert witness.get("BEAM:Shutter_RBV") == "Open", "an exposure under way is finished"
        until(lambda: said(data, asked, "held"), process)
        assert (witness.get("BEAM:Shutter_RBV"), witness.get("RUBY:Laser")) == ("Closed", "Off")
        asked = ask(data, Request.CONTINUE)
        until(lambda: said(data, asked, "running"), process)

        until(lambda: 2.0 < witness.get("PC1:Pressure_RBV") < witness.get("PC1:Setpoint_RBV") - 0.5, process)
        asked = ask(data, Request.PAUSE)
        stands = until(lambda: said(data, asked, "held"), process)
        load_bar = witness.get("PC1:Pressure_RBV")
        passes(witness, 60.0)  # 1 bar at the slew of the profile
        assert witness.get("PC1:Pressure_RBV") == pytest.approx(load_bar, abs=0.05)
        assert witness.get("PC1:Control_RBV") == "On", "the gas is held, not let go"
        assert witness.get("RUBY:Laser") == "Off"
        (told,) = re.findall(r"load ([\d.]+) bar", stands.says)
        assert float(told) == pytest.approx(load_bar, abs=0.05)
        spectra = witness.get("RUBY:image1:UniqueId_RBV")
        ask(data, Request.CONTINUE)
        until(lambda: witness.get("PC1:Pressure_RBV") > load_bar + 0.5, process)
        assert witness.get("RUBY:image1:UniqueId_RBV") > spectra, "read afresh before the load goes on"
        stopped = lics("stop", "--why", "enough", "--data", "data", folder=folder)
        assert stopped.returncode == 0, stopped.stderr
        assert process.wait() == 4
        assert witness.get("PC1:Control_RBV") == "Off"
        assert witness.get("ET1:OutputHigh") == 0.0
    record = documents(data)
    holds = [doc["data"] for name, doc in record if name == "event" and "hold_did" in doc["data"]]
    noted = holds.pop(1)
    assert (noted["hold_did"], noted["hold_who"], noted["hold_why"]) == ("noted", "Ada", "a bubble in the medium")
    assert [one["hold_did"] for one in holds] == ["held", "continued"] * 3 + ["stopped"]
    assert (holds[0]["hold_who"], holds[0]["hold_why"]) == ("Ada", "look at the gasket")
    assert holds[1]["hold_lasted_s"] > 90.0
    name, stop = record[-1]
    assert (name, stop["exit_status"]) == ("stop", "abort")
    assert "enough" in stop["reason"]
