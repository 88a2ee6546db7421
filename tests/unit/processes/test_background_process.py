"""A process beside the session: started for its parent, told to end, left alone, refused, and asked how it fares."""

import json
import logging
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass

import pytest
from child import child
from looking import pace

from lics_beamline.data_folder import DataFolder
from lics_beamline.processes.background_process import NOT_READY, log_path, parser_of, run, watch
from lics_beamline.processes.status_file import StatusFile, status_path

WORKER = """
import os, sys, time
from dataclasses import dataclass
from lics_beamline.errors import Busy
from lics_beamline.processes.background_process import parser_of, run

@dataclass(frozen=True)
class Fares:
    state: str
    pid: int

def work(process):
    if asked.refuse:
        raise Busy("another one does this already. Wait for it.")
    process.status.say(Fares("working", os.getpid()))
    while not process.told_to_end.wait(0.02) and not process.parent_gone():
        pass
    process.status.say(Fares("told" if process.told_to_end.is_set() else "left alone", os.getpid()))
    return 7

parser = parser_of("worker", "It works.", parent="works for it")
parser.add_argument("--refuse", action="store_true")
asked = parser.parse_args()
sys.exit(run("worker", asked, work))
"""


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data").make()


def command(data, *more):
    return [sys.executable, "-c", WORKER, "--data", str(data.root), *more]


def fares(data, state):
    """What the process says as soon as it is in a state; the test's time-out is the limit."""
    while True:
        try:
            said = json.loads(status_path(data, "worker").read_text())
        except FileNotFoundError:
            said = {"state": "not yet"}
        if said["state"] == state:
            return said
        pace()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_end_ends_its_work_first(data, number):
    with child(command(data)) as process:
        assert fares(data, "working")["pid"] == process.pid
        process.send_signal(number)
        assert process.wait() == 7
    assert fares(data, "told")


def test_a_process_whose_parent_is_killed_knows_it(data):
    with child([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent:
        with child(command(data, "--parent-pid", str(parent.pid))) as process:
            fares(data, "working")
            parent.kill()
            assert process.wait() == 7
    assert fares(data, "left alone")


def test_a_process_that_cannot_begin_says_why_in_its_log_and_to_who_asked(data):
    done = subprocess.run(command(data, "--refuse"), capture_output=True, text=True, check=False)
    assert done.returncode == NOT_READY
    assert done.stderr == "another one does this already. Wait for it.\n"
    assert "ERROR" in (data.logs / "worker.log").read_text()
    assert "another one does this already" in (data.logs / "worker.log").read_text()


def test_a_process_that_has_ended_before_is_gone_and_one_that_lives_is_not():
    with child([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        gone = watch(process.pid)
        assert not gone()
        process.kill()
    assert gone()
    assert watch(process.pid)(), "nobody has its number"


@dataclass(frozen=True)
class Fares:
    """How a process fares."""

    state: str


def test_a_status_is_due_when_the_state_changes_and_again_after_a_while(data):
    file = StatusFile(status_path(data, "worker"))
    assert file.is_due()
    file.say(Fares("working"))
    assert not file.is_due("working")
    assert not file.is_due()
    assert file.is_due("ended")
    pause = threading.Event()
    while not file.is_due("working"):
        pause.wait(0.05)
    assert json.loads(status_path(data, "worker").read_text()) == {"state": "working"}


def test_a_status_that_cannot_be_written_is_logged_and_keeps_nobody_from_working(data, caplog):
    file = StatusFile(status_path(data, "worker"))
    data.logs.rename(data.root / "elsewhere")
    file.say(Fares("working"))
    file.say(Fares("working"))
    assert caplog.text.count("worker.json cannot be written") == 1
    assert not file.is_due("working"), "it is not tried at every moment"


def test_a_process_run_inside_another_leaves_the_logging_of_that_one_as_it_was(data):
    loggers = [logging.getLogger(name) for name in ("", "lics_beamline")]
    before = [(each.level, list(each.handlers)) for each in loggers]
    asked = parser_of("inside", "It works inside.", parent="works for it").parse_args(["--data", str(data.root)])

    def work(process):
        logging.getLogger("lics_beamline.anything").info("said by %s", "it")
        return 0

    assert run("inside", asked, work) == 0
    assert "said by it" in log_path(data, "inside").read_text()
    assert [(each.level, list(each.handlers)) for each in loggers] == before
