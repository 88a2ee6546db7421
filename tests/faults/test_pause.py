"""A sweep that is paused and suspended by the engine's own doors: from another thread, a queue, a stock suspender."""

import os
import sys

import pytest
from command_line import lics
from looking import pace
from terminal import terminal

from lics_beamline.data_folder import DataFolder
from lics_beamline.safety.guard import status
from lics_beamline.sweep_request import sweep_status

from .test_guard import simulators
from .test_hold import WARM_THEN_UP, documents, passes

SESSION = """
import asyncio, code, threading
from pathlib import Path
from bluesky.suspenders import SuspendFloor
from lics_beamline.data_folder import DataFolder
from lics_beamline.experiment import read_experiment
from lics_beamline.profile import read_profile
from lics_beamline.session.session import open_session

with open_session(read_profile("simulated"), DataFolder(Path("data").resolve()), followers=()) as session:
    from ophyd import Signal

    RE, ring_ma = session.engine, Signal(name="ring_ma", value=100.0)
    RE.install_suspender(SuspendFloor(ring_ma, 50.0))

    def listen():
        with open("asked") as pipe:
            for line in pipe:
                if line.startswith("ring"):
                    ring_ma.put(float(line.split()[1]))
                elif line == "as a queue does\\n":
                    asyncio.run_coroutine_threadsafe(RE._request_pause_coro(False), loop=RE.loop)
                else:
                    RE.request_pause(defer=True)

    threading.Thread(target=listen, daemon=True).start()
    experiment = read_experiment(Path("walk.toml"))
    code.interact(local=globals(), exitmsg="")
"""


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data").make()


def paused(session):
    session.shows("RE.resume()")  # what bluesky says of a plan that is paused
    session.shows(">>> ")
    session.types("print('state', RE.state)")
    session.shows("state paused")
    session.shows(">>> ")


def until(seen, data):
    """Wait for something that comes while the sweep goes on."""
    while not seen():
        now = sweep_status(data)
        assert now is None or now.state != "ended", now.says
        pace()


def rests(witness, pv, *, within):
    """It stays where it is, for as long as it would have moved by much more."""
    passes(witness, 30.0)
    at = witness.get(pv)
    passes(witness, 60.0)
    assert witness.get(pv) == pytest.approx(at, abs=within)
    return at


@pytest.mark.long
def test_every_pause_and_suspension_holds_a_sweep_and_it_goes_on_where_it_was(data):
    folder = data.root.parent
    (folder / "walk.toml").write_text(WARM_THEN_UP)
    os.mkfifo(folder / "asked")
    with (
        simulators(data) as witness,
        terminal([sys.executable, "-c", SESSION], folder=folder, environment=os.environ) as session,
        (folder / "asked").open("w", buffering=1) as door,
    ):
        session.shows(">>> ")
        session.types("RE(session.sweep(experiment))")
        until(lambda: witness.get("ET1:RBV_pvTemp") >= 303.0 - 273.15, data)
        witness.put("WORLD:Speed", 10.0)  # what begins slowly on a busy computer still falls into the ramp
        door.write("as a queue does\n")
        paused(session)
        witness.put("WORLD:Speed", 60.0)
        resting_c = rests(witness, "ET1:RBV_pvTemp", within=1.5)
        assert resting_c < 330.0 - 273.15
        assert status(data).alive
        elsewhere = lics("continue", "--data", "data", folder=folder)
        assert (elsewhere.returncode, "resume() there" in elsewhere.stderr) == (3, True)
        witness.put("WORLD:Speed", 10.0)
        session.types("RE.resume()")
        until(lambda: witness.get("ET1:RBV_pvTemp") >= resting_c + 2.0, data)

        door.write("ring 0\n")
        until(lambda: "ring_ma" in sweep_status(data).says, data)
        assert sweep_status(data).state == "held"
        witness.put("WORLD:Speed", 60.0)
        resting_c = rests(witness, "ET1:RBV_pvTemp", within=1.5)
        assert resting_c < 338.0 - 273.15
        door.write("ring 100\n")

        until(lambda: 2.0 < witness.get("PC1:Pressure_RBV") < witness.get("PC1:Setpoint_RBV") - 0.5, data)
        door.write("from a thread\n")
        paused(session)
        load_bar = rests(witness, "PC1:Pressure_RBV", within=0.05)
        assert witness.get("PC1:Control_RBV") == "On", "the gas is held, not let go"
        session.types("RE.resume()")
        until(lambda: witness.get("PC1:Pressure_RBV") >= load_bar + 0.5, data)

        door.write("as a queue does\n")
        paused(session)
        stopped = lics("stop", "--why", "enough", "--data", "data", folder=folder)
        assert stopped.returncode == 0, stopped.stderr
        assert witness.get("PC1:Control_RBV") == "Off"
        assert witness.get("ET1:OutputHigh") == 0.0
        session.leaves()
        assert session.ends() == 0
    record = documents(data)
    holds = [doc["data"] for name, doc in record if name == "event" and "hold_did" in doc["data"]]
    assert [one["hold_did"] for one in holds] == ["held", "continued"] * 3 + ["held", "stopped"]
    assert "ring_ma" in holds[2]["hold_why"]
    (primary,) = [doc["uid"] for name, doc in record if name == "descriptor" and doc["name"] == "primary"]
    points = [doc for name, doc in record if name == "event" and doc["descriptor"] == primary]
    assert len(points) == 1, "the first point, once"
    name, stop = record[-1]
    assert (name, stop["exit_status"]) == ("stop", "abort"), stop
    assert "enough" in stop["reason"]


@pytest.mark.nightly
def test_a_paused_sweep_is_ended_in_the_safe_state_when_the_guard_trips(data):
    folder = data.root.parent
    (folder / "walk.toml").write_text(WARM_THEN_UP)
    os.mkfifo(folder / "asked")
    with (
        simulators(data) as witness,
        terminal([sys.executable, "-c", SESSION], folder=folder, environment=os.environ) as session,
        (folder / "asked").open("w", buffering=1) as door,
    ):
        session.shows(">>> ")
        session.types("RE(session.sweep(experiment))")
        until(lambda: witness.get("ET1:RBV_pvTemp") >= 303.0 - 273.15, data)
        door.write("as a queue does\n")
        paused(session)
        witness.put("WORLD:Fault", "tc_open")
        while sweep_status(data).state != "ended":
            pace()
        session.types("while RE.state != 'idle': pass", "", "print('then', RE.state)")
        session.shows("then idle")
        assert witness.get("ET1:OutputHigh") == 0.0
        session.leaves()
        assert session.ends() == 0
    name, stop = documents(data)[-1]
    assert (name, stop["exit_status"]) == ("stop", "abort"), stop
