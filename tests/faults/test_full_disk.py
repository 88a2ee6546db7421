"""A disk that runs full, or fails, while a sweep is recorded: a real small one, in a mount namespace of its own."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from looking import pace

from lics_beamline.data_folder import DataFolder
from lics_beamline.follower.status import status
from lics_beamline.journal.events import events
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.safety.guard import status as guard_status
from lics_beamline.schema import PRIMARY, READOUT

from .test_guard import simulators
from .test_guard_lost import UP, rising

SMALL = "mount -t tmpfs -o size=24m tmpfs data && ln -s ../simulated/plates data/plates && echo ready && exec sleep 600"
FAILING = (
    "truncate -s 64M disk && mkfs.ext4 -q disk && mount -o loop,errors=remount-ro disk data && "
    "ln -s ../simulated/plates data/plates && echo ready && exec sleep 600"
)


@contextlib.contextmanager
def disk(folder, script, *namespaces):
    """A folder ``data`` that is a disk of its own to whoever enters the namespace of the process returned."""
    (folder / "data").mkdir()
    keeper = subprocess.Popen(
        ["unshare", *namespaces, "sh", "-c", script],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        if keeper.stdout.readline() != "ready\n":
            pytest.skip("this system lets nobody, or nobody but root, mount a disk")
        yield keeper
    finally:
        keeper.kill()
        keeper.wait()
        keeper.stdout.close()


def inside(folder, keeper, *namespaces):
    """What begins a command line that runs where the disk is mounted."""
    enter = ["nsenter", "-t", str(keeper.pid), *namespaces, f"--wd={folder}"]
    return [*enter, sys.executable, "-m", "lics_beamline"]


@contextlib.contextmanager
def rising_sweep(folder, keeper, witness, *namespaces):
    """A sweep into ``data`` of that namespace whose load rises, and its data folder as seen from here."""
    (folder / "up.toml").write_text(UP)
    sweep = subprocess.Popen(
        [*inside(folder, keeper, *namespaces), "sweep", "up.toml", "--data", "data"],
        env={**os.environ, "TILED_PROFILES": str(folder / "profiles")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        while not rising(witness):
            assert sweep.poll() is None, sweep.communicate()[0]
            pace()
        yield sweep, DataFolder(Path(f"/proc/{keeper.pid}/root{folder}/data"))
    finally:
        sweep.kill()
        sweep.wait()
        sweep.stdout.close()


def fill(folder):
    """Leave not a byte."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    filler.write(b"\0" * size)
            except OSError:
                continue


def fail(data):
    """Let the disk be read-only from now on."""
    loop = f"loop{os.minor(data.root.stat().st_dev)}"
    Path(f"/sys/fs/ext4/{loop}/trigger_fs_error").write_text("as a bad block would")


@pytest.mark.nightly
def test_a_disk_that_runs_full_ends_the_sweep_safely_and_once_it_has_room_the_sweep_is_resumed(tmp_path):
    outside = DataFolder(tmp_path / "simulated").make()
    there = ("-U", "-m", "--preserve-credentials")
    with (
        disk(tmp_path, SMALL, "-Urm") as keeper,
        simulators(outside) as witness,
        rising_sweep(tmp_path, keeper, witness, *there) as (sweep, data),
    ):
        (tmp_path / "data" / "plates").symlink_to(outside.plates)  # where the detector, which is outside, finds it
        guard = os.pidfd_open(guard_status(data).pid)
        fill(data.root)
        while witness.get("PC1:Control_RBV") != "Off":
            assert sweep.poll() is None, sweep.communicate()[0]
            pace()
        (journal,) = data.raw_journals.glob("*.jsonl")
        while '"exit_status"' not in journal.read_text():
            pace()
        record = [json.loads(line)[:2] for line in journal.read_text().splitlines()]
        said, _ = sweep.communicate()
        assert sweep.returncode == 4
        (data.root / "filler").unlink()
        assert select.select([guard], [], [], 300.0)[0], "the guard ends when it has found all safe"
        os.close(guard)
        assert witness.get("ET1:OutputHigh") == 0.0
        lics = inside(tmp_path, keeper, *there)
        subprocess.run([*lics, "guard", "--acknowledge", "--data", "data"], capture_output=True, check=True)
        for command in (["resume", "--yes"], ["follow", "--once"], ["verify"]):
            told = subprocess.run([*lics, *command, "--data", "data"], capture_output=True, text=True, check=False)
            assert told.returncode == 0, told.stdout + told.stderr
        done = [event.stream for each in heads(data.raw_journals) for event in events(read(each.path))]
        assert (done.count(PRIMARY), done.count(READOUT)) == (1, 1)
    name, stop = record[-1]
    assert (name, stop["exit_status"]) == ("stop", "fail")
    assert re.search(r"\d+ bytes needed, \d+ bytes free", stop["reason"])
    assert "No space left on device" in stop["reason"]
    assert "lics follow --once goes on with it" in said or "lics follow --once reduces" in said
    recorded = sum(name == "event" for name, _ in record)
    assert sum(stop["num_events"].values()) == recorded, "nothing is claimed as recorded that is not"


@pytest.mark.long
def test_a_disk_that_turns_read_only_after_the_sweep_is_not_waited_for(tmp_path):
    outside = DataFolder(tmp_path / "simulated").make()
    with (
        disk(tmp_path, FAILING, "-m") as keeper,
        simulators(outside) as witness,
        rising_sweep(tmp_path, keeper, witness, "-m") as (sweep, data),
    ):
        (tmp_path / "data" / "plates").symlink_to(outside.plates)  # where the detector, which is outside, finds it
        (journal,) = data.raw_journals.glob("*.jsonl")
        followers = [each.pid for each in status(data)]
        for pid in followers:
            os.kill(pid, signal.SIGSTOP)  # nothing is reduced, and nothing said, before the disk fails
        while '"exit_status"' not in journal.read_text():
            assert sweep.poll() is None, sweep.communicate()[0]
            pace()
        fail(data)
        for pid in followers:
            os.kill(pid, signal.SIGCONT)
        said, _ = sweep.communicate(timeout=300.0)  # followers are waited for for 600 s where nothing else tells
    assert sweep.returncode == 0, "the sweep itself is whole"
    assert "lics follow --once" in said
    assert "lics follow catalog --once fills it" in said


@pytest.mark.long
def test_a_disk_that_turns_read_only_ends_the_sweep_safely_and_at_once_and_says_so(tmp_path):
    outside = DataFolder(tmp_path / "simulated").make()
    with (
        disk(tmp_path, FAILING, "-m") as keeper,
        simulators(outside) as witness,
        rising_sweep(tmp_path, keeper, witness, "-m") as (sweep, data),
    ):
        guard = os.pidfd_open(guard_status(data).pid)
        fail(data)
        said, _ = sweep.communicate()
        assert sweep.returncode == 4
        assert witness.get("PC1:Control_RBV") == "Off"
        assert witness.get("ET1:OutputHigh") == 0.0
        assert select.select([guard], [], [], 300.0)[0], "the guard ends when it has found all safe"
        os.close(guard)
        command = [*inside(tmp_path, keeper, "-m"), "guard", "--data", "data"]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "document not recorded: Read-only file system" in said
    assert "Mend the disk" in said
    assert "unexpected" not in said
    assert told.returncode == 4, "whether it watched to the end could not be kept"
    assert "Nothing can be written to" in told.stdout
