"""The simulators as a process: ready, answering, and gone when told or when the parent is gone."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from caproto import CaprotoTimeoutError, ErrorResponseReceived
from caproto.sync.client import read, write
from looking import pace

from lics_simulators.__main__ import main

HANG_S = 300.0  # a client that is not answered by then never will be
COMMAND = [sys.executable, "-m", "lics_simulators", "--prefix", "PROC:", "--seed", "7", "--speed", "60", "--port", "0"]


def start(folder):
    return subprocess.Popen(
        [*COMMAND, "--plates", str(folder), "--parent-pid", str(os.getpid())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ready_port(process):
    word, port = process.stdout.readline().split()
    assert word == "ready"
    return int(port)


class Client:
    """A Channel Access client that shares nothing with the server but the protocol."""

    def read(self, name):
        return read(f"PROC:{name}", repeater=False, timeout=HANG_S).data[0]

    def write(self, name, value):
        return write(f"PROC:{name}", value, repeater=False, notify=True, timeout=HANG_S)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    process = start(tmp_path_factory.mktemp("plates"))
    environment = {"EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_AUTO_ADDR_LIST": "NO"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment, "EPICS_CA_SERVER_PORT": str(ready_port(process))}.items():
            patch.setenv(name, value)
        yield Client()
    process.terminate()
    process.communicate()


def test_a_client_reads_what_the_world_says(client):
    assert client.read("WORLD:Seed_RBV") == 7
    assert client.read("WORLD:Speed") == 60.0
    assert client.read("BEAM:Energy_RBV") == pytest.approx(29.9674)
    assert client.read("PC1:Source_RBV") == pytest.approx(120.0)
    assert client.read("TC:Ti4") == pytest.approx(24.85, abs=1.7)
    assert client.read("PC1:Setpoint.EGU") is not None


def test_the_clock_goes_on_without_being_asked(client):
    earlier = client.read("WORLD:Time_RBV")
    while client.read("WORLD:Time_RBV") <= earlier:
        pace()


def test_acquiring_completes_with_a_new_spectrum(client):
    client.write("RUBY:Laser", "On")
    client.write("RUBY:Shutter", "Open")
    began = client.read("WORLD:Time_RBV")
    client.write("RUBY:cam1:AcquireTime", 2.0)
    client.write("RUBY:cam1:Acquire", "Acquire")
    assert client.read("WORLD:Time_RBV") - began >= 2.0
    assert client.read("RUBY:image1:UniqueId_RBV") == 1
    assert client.read("RUBY:cam1:Acquire") == b"Done"


def test_a_put_of_a_motor_completes_when_it_has_arrived(client):
    client.write("STAGE:x", 0.25)
    assert client.read("STAGE:x.RBV") == pytest.approx(0.25)
    assert client.read("STAGE:x.DMOV") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("PC1:Setpoint", 151.0), ("PC1:Setpoint", float("nan")), ("ET1:Setpoint", 251.0), ("PC1:Control", "Perhaps")],
)
def test_what_lies_outside_limits_or_states_is_refused(client, name, value):
    before = client.read(name)
    with pytest.raises(ErrorResponseReceived):
        client.write(name, value)
    assert client.read(name) == before


def test_a_second_client_cannot_take_the_lease(client):
    client.write("PC1:Lease", "first")
    with pytest.raises(ErrorResponseReceived):
        client.write("PC1:Lease", "second")
    client.write("PC1:Lease", "")
    client.write("PC1:Lease", "second")
    assert client.read("PC1:Lease") == b"second"


def test_while_one_client_holds_the_lease_another_cannot_move_the_gas_but_can_shut_the_valves(client):
    """Each put of this client is a connection of its own, so whoever took the lease is gone already."""
    client.write("PC1:Lease", "")
    client.write("PC1:Lease", "first")
    for name, value in (("Setpoint", 1.0), ("Slew", 0.02), ("Control", "On"), ("Vent", "Yes")):
        with pytest.raises(ErrorResponseReceived):
            client.write(f"PC1:{name}", value)
    assert client.read("PC1:Setpoint_RBV") == 0.0
    client.write("PC1:Control", "Off")
    client.write("PC1:Lease", "")
    client.write("PC1:Setpoint", 0.0)


def test_a_fault_is_begun_and_mended_by_its_name_and_an_unknown_one_is_refused(client):
    client.write("WORLD:Fault", "tc_open:3")
    assert client.read("WORLD:Fault") == b"tc_open"
    while client.read("TC:Ti3") != -9999.0:
        pace()
    with pytest.raises(ErrorResponseReceived):
        client.write("WORLD:Fault", "coffee")
    client.write("WORLD:Fault", "clear")
    while client.read("TC:Ti3") < 0.0:
        pace()
    assert client.read("WORLD:Fault") == b""


def test_the_membrane_can_speak_psi(client):
    client.write("WORLD:Fault", "wrong_egu")
    while client.read("PC1:Units_RBV") != b"PSI":
        pace()
    assert client.read("PC1:Source_RBV") == pytest.approx(1740.45, abs=0.01)
    client.write("WORLD:Fault", "clear:wrong_egu")
    while client.read("PC1:Units_RBV") != b"BAR":
        pace()
    assert client.read("PC1:Source_RBV") == pytest.approx(120.0)


def test_an_ioc_that_restarts_is_gone_and_comes_back(client):
    client.write("WORLD:Fault", "ioc_restart:1e6")
    with pytest.raises(CaprotoTimeoutError):
        read("PROC:PC1:Pressure_RBV", repeater=False, timeout=0.3)
    assert client.read("ET1:RBV_pvTemp") > 0.0
    client.write("WORLD:Fault", "ioc_restart:60")
    while client.read("WORLD:Fault"):
        pace()
    assert client.read("PC1:Pressure_RBV") == pytest.approx(0.0, abs=0.02)


def test_an_unknown_fault_on_the_command_line_is_usage_and_names_what_there_is(tmp_path, capsys):
    assert main(["--plates", str(tmp_path), "--fault", "coffee@10"]) == 2
    assert "no fault 'coffee'. Choose one of tc_open" in capsys.readouterr().err


def test_it_ends_on_sigterm_with_nothing_more_to_say(tmp_path):
    process = start(tmp_path)
    ready_port(process)
    process.send_signal(signal.SIGTERM)
    said, complained = process.communicate()
    assert (process.returncode, said, complained) == (0, "", "")


def test_it_ends_when_its_parent_is_killed(tmp_path):
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
                import os, subprocess
                command = {[*COMMAND, "--plates", str(tmp_path)]!r}
                child = subprocess.Popen([*command, "--parent-pid", str(os.getpid())])
                child.wait()
            """),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout.readline().startswith("ready")
    parent.kill()
    # The child inherited the pipe: it is at its end only when the child is gone as well.
    assert parent.stdout.read() == ""
    parent.communicate()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--speed", "301"], 2, "speed is 301.0 and must be 1 to 300"),
        (["--world", "mars"], 2, "no world 'mars'"),
    ],
)
def test_a_wrong_command_line_is_one_message_and_an_exit_code(tmp_path, capsys, arguments, code, message):
    assert main([*arguments, "--plates", str(tmp_path)]) == code
    assert message in capsys.readouterr().err


def test_list_prints_every_pv_with_unit_and_limits(capsys):
    assert main(["--list", "--prefix", "L:"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["PV", "type", "unit", "limits", "start"]
    setpoint = next(line for line in lines if line.startswith("L:PC1:Setpoint "))
    assert "bar" in setpoint
    assert "0 to 150" in setpoint


@contextlib.contextmanager
def serving(folder, *options):
    """A process on a world in a folder, and a client of it; killed as by a power cut unless it was ended before."""
    process = subprocess.Popen(
        [*COMMAND, "--plates", str(folder), "--parent-pid", str(os.getpid()), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("EPICS_CA_ADDR_LIST", "127.0.0.1")
            patch.setenv("EPICS_CA_AUTO_ADDR_LIST", "NO")
            patch.setenv("EPICS_CA_SERVER_PORT", str(ready_port(process)))
            yield process, Client()
    finally:
        process.kill()
        process.communicate()


def saved_later(folder):
    """Wait for a state that is written after this moment."""
    path = folder / "world.json"
    before = path.stat().st_mtime_ns if path.exists() else 0
    while not path.exists() or path.stat().st_mtime_ns == before:
        pace()


@pytest.mark.long
def test_a_process_that_is_killed_and_started_again_meets_the_same_cell_and_what_only_the_ioc_knew_is_lost(tmp_path):
    with serving(tmp_path, "--go-on", "killed") as (_, client):
        client.write("PC1:Slew", 0.05)
        client.write("PC1:Control", "On")
        client.write("PC1:Setpoint", 4.0)
        client.write("PC1:Lease", "somebody")
        client.write("ET1:OutputHigh", 40.0)
        client.write("ET1:Setpoint", 60.0)
        client.write("RUBY:Laser", "On")
        client.write("RUBY:cam1:Acquire", "Acquire")
        while client.read("PC1:Pressure_RBV") < 3.9 or client.read("TC:Ti1") < 35.0:
            pace()
        load_bar, gasket_c, time_s = (client.read(name) for name in ("PC1:Pressure_RBV", "TC:Ti1", "WORLD:Time_RBV"))
        saved_later(tmp_path)
    with serving(tmp_path, "--go-on", "killed") as (process, client):
        assert client.read("WORLD:Time_RBV") >= time_s
        assert client.read("PC1:Pressure_RBV") == pytest.approx(load_bar, abs=0.15)
        assert client.read("PC1:Setpoint") == pytest.approx(4.0)
        assert client.read("TC:Ti1") > gasket_c - 0.5, "the heater's controller has its own power"
        assert client.read("ET1:OutputHigh") == pytest.approx(40.0)
        assert client.read("RUBY:Laser") == b"On"
        assert client.read("PC1:Lease") == b""
        assert client.read("RUBY:image1:UniqueId_RBV") == 0
        process.terminate()
        process.wait()
    with serving(tmp_path, "--go-on", "killed") as (_, client):
        assert client.read("PC1:Pressure_RBV") == pytest.approx(0.0, abs=0.1), "ended, not killed: a new world"
