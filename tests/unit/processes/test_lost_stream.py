"""A plan that is to end does so, although nobody can read any more what the engine prints before."""

import os
import subprocess
import sys

import pytest
from child import child

PROGRAM = """
import pathlib, sys, threading
import bluesky.plan_stubs as bps
from bluesky.utils import RunEngineInterrupted
from lics_beamline.data_folder import DataFolder
from lics_beamline.session.engine import Engine
from lics_beamline.session.requests import RequestFiles

how, folder = sys.argv[1:]
data = DataFolder(pathlib.Path(folder)).make()
engine = Engine(requests=RequestFiles(data))
sys.stderr.write("ready")
sys.stderr.flush()
sys.stdin.read()

def plan():
    threading.Thread(target=getattr(engine, how), daemon=True).start()
    yield from bps.sleep(3600.0)

try:
    engine(plan())
except RunEngineInterrupted:
    pathlib.Path(folder, "ended").write_text(str(engine.state))
"""


@pytest.mark.parametrize("how", ["abort", *(pytest.param(how, marks=pytest.mark.long) for how in ("stop", "halt"))])
@pytest.mark.parametrize("stream", [os.openpty, os.pipe])
def test_a_plan_ends_though_its_terminal_was_closed_or_whom_it_was_piped_to_has_ended(tmp_path, how, stream):
    here, there = stream()
    command = [sys.executable, "-u", "-c", PROGRAM, how, str(tmp_path)]
    with child(command, stdin=subprocess.PIPE, stdout=there, stderr=subprocess.PIPE) as process:
        os.close(there)
        assert process.stderr.read(5) == b"ready"
        os.close(here)
        process.stdin.close()
        assert process.wait() == 0, process.stderr.read().decode()
    assert (tmp_path / "ended").read_text() == "idle"
