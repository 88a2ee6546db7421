"""A disk that runs full while a sweep is recorded: a real small one, in a mount namespace of its own."""

import json
import os
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest
from looking import pace

from lics_beamline.data_folder import DataFolder
from lics_beamline.safety.guard import status as guard_status

from .test_guard import simulators
from .test_guard_lost import UP, rising

SMALL = "mount -t tmpfs -o size=24m tmpfs data && echo ready && exec sleep 600"


@pytest.fixture
def small_disk(tmp_path):
    """A folder ``data`` that is a disk of 24 MB to whoever enters the namespace of the process returned."""
    (tmp_path / "data").mkdir()
    keeper = subprocess.Popen(
        ["unshare", "-Urm", "sh", "-c", SMALL],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if keeper.stdout.readline() != "ready\n":
        keeper.wait()
        keeper.stdout.close()
        pytest.skip("this system lets nobody but root mount a small disk")
    yield keeper
    keeper.kill()
    keeper.wait()
    keeper.stdout.close()


def fill(folder):
    """Leave not a byte."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    filler.write(b"\0" * size)
            except OSError:
                continue


@pytest.mark.long
def test_a_disk_that_runs_full_ends_the_sweep_safely_and_says_what_is_free_and_needed(tmp_path, small_disk):
    (tmp_path / "up.toml").write_text(UP)
    inside = DataFolder(Path(f"/proc/{small_disk.pid}/root{tmp_path}/data"))
    enter = ["nsenter", "-t", str(small_disk.pid), "-U", "-m", "--preserve-credentials", f"--wd={tmp_path}"]
    outside = DataFolder(tmp_path / "simulated").make()
    with simulators(outside) as witness:
        sweep = subprocess.Popen(
            [*enter, sys.executable, "-m", "lics_beamline", "sweep", "up.toml", "--data", "data"],
            env={**os.environ, "TILED_PROFILES": str(tmp_path / "profiles")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            while not rising(witness):
                assert sweep.poll() is None, sweep.communicate()[0]
                pace()
            guard = os.pidfd_open(guard_status(inside).pid)
            fill(inside.root)
            while witness.get("PC1:Control_RBV") != "Off":
                assert sweep.poll() is None, sweep.communicate()[0]
                pace()
            (journal,) = inside.raw_journals.glob("*.jsonl")
            while '"exit_status"' not in journal.read_text():
                pace()
            record = [json.loads(line)[:2] for line in journal.read_text().splitlines()]
        finally:
            sweep.kill()  # what is left is to wait for followers, which wait for room
            sweep.communicate()
            (inside.root / "filler").unlink(missing_ok=True)
        assert select.select([guard], [], [], 300.0)[0], "the guard ends when it has found all safe"
        os.close(guard)
        assert witness.get("ET1:OutputHigh") == 0.0
    name, stop = record[-1]
    assert (name, stop["exit_status"]) == ("stop", "fail")
    assert re.search(r"\d+ bytes needed, \d+ bytes free", stop["reason"])
    assert "No space left on device" in stop["reason"]
    events = [doc for name, doc in record if name == "event"]
    assert sum(stop["num_events"].values()) == len(events), "nothing is claimed as recorded that is not"
