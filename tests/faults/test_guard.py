"""The guard as a process: what it does by itself when a thermocouple breaks or the engine is killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from caproto import ChannelType
from caproto.threading.client import Context, SharedBroadcaster
from command_line import lics
from looking import pace
from worlds.short_experiment import experiment, heating

from lics_beamline.data_folder import DataFolder
from lics_beamline.safety import guard
from lics_beamline.safety.heartbeat import Heartbeat, heartbeat_path
from lics_beamline.safety.interlock import HEARTBEAT_S
from lics_beamline.safety.latch import latched
from lics_beamline.safety.lifeline import Lifeline
from lics_beamline.session.simulation import loopback, simulation

PREFIX = "SIM:LICS:"
HANG_S = 300.0  # what is not answered by then never will be
BLIND_CONTROLLER = 'like = "volumetric"\n[heater]\nbreak_trip_s = 0.0\n'
HOT = experiment(heating(498.0, rate=20, soak_s=36000), title="hot and loaded", phases='["alloy"]')


class Witness:
    """A Channel Access client that shares nothing with guard and engine, on connections that it keeps."""

    def __init__(self):
        self._context = Context(SharedBroadcaster())
        self._pvs = {}

    def pv(self, name):
        if name not in self._pvs:
            (self._pvs[name],) = self._context.get_pvs(f"{PREFIX}{name}", timeout=HANG_S)
            self._pvs[name].wait_for_connection(timeout=HANG_S)
        return self._pvs[name]

    def put(self, name, value):
        self.pv(name).write(
            [value], data_type=ChannelType.STRING if isinstance(value, str) else None, wait=True, timeout=HANG_S
        )

    def get(self, name):
        pv = self.pv(name)
        value = pv.read(data_type=ChannelType.STRING if pv.channel.native_data_type is ChannelType.ENUM else None).data[
            0
        ]
        return value.decode() if isinstance(value, bytes) else value

    def timestamp(self, name):
        return self.pv(name).read(data_type="time").metadata.timestamp

    def close(self):
        self._context.disconnect()


@contextlib.contextmanager
def simulators(data, *, speed=60.0, world="volumetric"):
    """Simulators of this process, the environment that leads to them, and a witness."""
    with (
        pytest.MonkeyPatch.context() as patch,
        simulation(
            prefix=PREFIX, world=world, seed=1, speed=speed, plates=data.plates, log=data.logs / "simulators.log"
        ) as running,
    ):
        for name, value in loopback(running.port).items():
            patch.setenv(name, value)
        witness = Witness()
        try:
            yield witness
        finally:
            witness.close()


@contextlib.contextmanager
def guarded(data):
    """A guard of this process that watches; it ends at our farewell."""
    lifeline, end = Lifeline.pair()
    with contextlib.closing(lifeline), Heartbeat(data.logs, tell=lifeline.beat):
        with end:
            process = guard.start("simulated", PREFIX, data, lifeline=end, give_up_s=5.0)
        try:
            guard.wait_until_watching(process, data)
            yield process
        except BaseException:
            process.kill()
            process.wait()
            raise
    assert process.wait() == 0


def wait_for(path, ready):
    """The content of a JSON file as soon as it is ready; the test's time-out is the limit."""
    while True:
        with contextlib.suppress(OSError, ValueError):
            said = json.loads(path.read_text())
            if ready(said):
                return said
        pace()


def safe(data):
    return wait_for(data.root / "guard-tripped.json", lambda said: said["read_back_safe"] is not None)


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data").make()


@contextlib.contextmanager
def no_answer_from_the_disk(*files):
    """Whoever writes one of these files waits, as for a disk that does not answer: they are pipes that nobody reads."""
    for path in files:
        os.mkfifo(path.with_suffix(".pipe"))
        path.with_suffix(".pipe").replace(path)
    yield
    for path in files:
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        path.unlink()
        os.close(reader)


def warm_and_loaded(witness):
    witness.put("PC1:Slew", 0.05)
    witness.put("PC1:Control", "On")
    witness.put("PC1:Setpoint", 2.0)
    witness.put("ET1:Setpoint", 200.0)
    while witness.get("ET1:RBV_Output") < 5.0:
        pace()


def test_an_open_thermocouple_is_answered_even_if_its_controller_notices_nothing(data, tmp_path):
    (tmp_path / "blind.toml").write_text(BLIND_CONTROLLER)
    with simulators(data, world=str(tmp_path / "blind.toml")) as witness, guarded(data):
        warm_and_loaded(witness)
        witness.put("WORLD:Fault", "tc_open")
        while witness.get("ET1:OutputHigh") > 0.0:
            pace()
        assert witness.timestamp("TC:Ti1") <= witness.timestamp("ET1:OutputHigh")
        said = safe(data)
        assert said["cause"] == "thermocouple open"
        assert "gasket reads -9725.85 K" in said["says"]
        assert said["controller"]["contactor"] == "Closed", "the controller's own trip is another one"
        assert witness.get("PC1:Control_RBV") == "Off"
        load_bar = witness.get("PC1:Pressure_RBV")
        witness.put("ET1:OutputHigh", 50.0)  # sticky: what is not safe any more is made safe again
        while witness.get("ET1:OutputHigh") > 0.0:
            pace()
        assert witness.get("PC1:Pressure_RBV") == pytest.approx(load_bar, abs=0.05), "the load is held"


@pytest.mark.long
def test_a_disk_that_does_not_answer_keeps_no_guard_from_making_safe_and_is_no_death_of_an_engine(data, tmp_path):
    (tmp_path / "blind.toml").write_text(BLIND_CONTROLLER)
    with simulators(data, world=str(tmp_path / "blind.toml")) as witness, guarded(data) as process:
        warm_and_loaded(witness)
        with no_answer_from_the_disk(data.logs / "guard.json", heartbeat_path(data.logs, os.getpid())):
            since_s = time.monotonic()
            while time.monotonic() - since_s < 2.0 * HEARTBEAT_S:
                assert process.poll() is None
                assert witness.get("ET1:OutputHigh") > 0.0, "nobody is dead"
                pace()
            witness.put("WORLD:Fault", "tc_open")
            while witness.get("ET1:OutputHigh") > 0.0:
                pace()
        assert safe(data)["cause"] == "thermocouple open"


def test_a_leak_at_rest_shuts_the_valves_and_an_over_temperature_opens_the_contactor(data):
    with simulators(data) as witness, guarded(data):
        witness.put("PC1:Slew", 0.05)
        witness.put("PC1:Control", "On")
        witness.put("PC1:Setpoint", 2.0)
        while witness.get("PC1:Pressure_RBV") < 1.9:
            pace()
        witness.put("WORLD:Fault", "gas_leak:0.2")
        said = safe(data)
        assert said["cause"] == "leak"
        assert witness.get("PC1:Setpoint_RBV") == pytest.approx(2.0), "the setpoint never chased the load"
        witness.put("WORLD:Fault", "heater_runaway")
        while witness.get("ET1:Contactor_RBV") != "Open":
            pace()
        assert witness.get("ET1:RBV_pvTemp") < 530.0 - 273.15, "the guard was before the controller's own trip"


@pytest.mark.long
def test_a_killed_engine_leaves_a_beamline_made_safe_and_no_sweep_until_acknowledged(data):
    folder = data.root.parent
    (folder / "hot.toml").write_text(HOT)
    with simulators(data) as witness:
        sweep = subprocess.Popen(
            [sys.executable, "-m", "lics_beamline", "sweep", "hot.toml", "--followers", "none", "--data", "data"],
            cwd=folder,
            env={**os.environ, "TILED_PROFILES": str(folder / "profiles")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while float(witness.get("ET1:RBV_pvTemp")) < 490.0 - 273.15:
                assert sweep.poll() is None, "the sweep ended by itself"
                pace()
            assert witness.get("PC1:Control_RBV") == "On"
        finally:
            sweep.send_signal(signal.SIGKILL)
            sweep.wait()
        said = safe(data)
        assert said["cause"] == "engine lost"
        assert (witness.get("PC1:Control_RBV"), witness.get("BEAM:Shutter_RBV")) == ("Off", "Closed")
        assert witness.get("ET1:OutputHigh") == 0.0
        assert witness.get("ET1:RBV_spTemp") < 26.0
        wait_for(data.logs / "guard.json", lambda status: status["state"] == "ended")
        assert witness.get("PC1:Lease") == "", "a dead engine's lease is given back"
        refused = lics("sweep", "hot.toml", "--followers", "none", "--data", "data", folder=folder)
        assert refused.returncode == 3
        assert "lics guard --acknowledge" in refused.stderr
    told = lics("guard", "--data", "data", folder=folder)
    assert told.returncode == 4
    assert "engine lost" in told.stdout
    assert "read back as safe" in told.stdout
    assert lics("guard", "--acknowledge", "--data", "data", folder=folder).returncode == 0
    assert latched(data) is None
    assert "nothing has tripped" in lics("guard", "--data", "data", folder=folder).stdout
    assert len(list(data.logs.glob("guard-tripped-*.json"))) == 1


def test_a_lawful_end_of_the_engine_is_no_trip_and_the_guard_is_small(data):
    with simulators(data), guarded(data) as process:
        assert guard.status(data).alive
        peak = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmHWM" in line)
        assert int(peak.split()[1]) < 400_000  # kB
    assert latched(data) is None
    assert guard.status(data).state == "ended"
    assert not list(data.logs.glob("heartbeat-*"))
