"""Two dry runs at once on one machine, in any time zone, by clocks that are set; a second session is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import lics
from looking import pace

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.head import heads
from lics_beamline.session.session import LOCK_NAME

from .conftest import EXPERIMENT

pytestmark = pytest.mark.nightly

SET_BY_S = 3600.0

# What Python does first in each process: the time of day is what the file says it was set by.
CLOCK = """
import os, time
_real, _file = time.time, os.environ["CLOCK_SET_BY"]
def _set():
    with open(_file) as said:
        return _real() + float(said.read() or 0.0)
time.time = _set
"""


class DryRun:
    """A dry run of two points under way."""

    def __init__(self, folder, data, **environment):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "short.toml").write_text(EXPERIMENT)
        self.data = DataFolder(folder / data)
        self.arguments = ("dry-run", "short.toml", "--points", "2", "--data", str(data))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lics_beamline", *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**os.environ, "TILED_PROFILES": str(folder / "profiles"), **environment},
        )

    def wait_for(self, what):
        while not what():
            assert self.process.poll() is None, self.process.stdout.read()
            pace()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate()

    def has_begun(self):
        return bool(heads(self.data.raw_journals))

    def whole(self):
        said, _ = self.process.communicate()
        assert self.process.returncode == 0, said
        (head,) = heads(self.data.raw_journals)
        assert head.stop["exit_status"] == "success"
        assert head.stop["num_events"]["readout"] == 2
        return said


@pytest.fixture(scope="module")
def two_at_once(tmp_path_factory):
    """Two dry runs on one machine: one where a second session is asked for, one whose clock is set."""
    folder = tmp_path_factory.mktemp("two at once")
    (folder / "sitecustomize.py").write_text(CLOCK)
    (folder / "set-by").write_text("0")
    first = DryRun(folder / "first", Path("Jörg's data"), TZ="Asia/Tokyo")
    other = DryRun(
        folder / "other",
        Path("data"),
        TZ="America/St_Johns",
        PYTHONPATH=str(folder),
        CLOCK_SET_BY=str(folder / "set-by"),
    )
    try:
        first.wait_for(first.has_begun)
        guard = json.loads((first.data.logs / "guard.json").read_text())["pid"]
        second = lics(*first.arguments, folder=folder / "first")
        guards = guard, json.loads((first.data.logs / "guard.json").read_text())["pid"]
        other.wait_for(other.has_begun)
        for set_by_s in (SET_BY_S, -SET_BY_S):
            (folder / "new").write_text(f"{set_by_s}")
            os.replace(folder / "new", folder / "set-by")
            asked = lics(
                "guard",
                "--data",
                str(other.data.root),
                folder=folder,
                PYTHONPATH=str(folder),
                CLOCK_SET_BY=str(folder / "set-by"),
            )
            assert "nothing has tripped" in asked.stdout, asked.stdout + asked.stderr
        yield first, other, second, guards
    finally:
        for run in (first, other):
            run.end()


def test_two_dry_runs_at_once_on_one_machine_measure_every_point_in_any_time_zone_by_any_clock(two_at_once):
    first, other, *_ = two_at_once
    first.whole()
    other.whole()


def test_a_second_session_in_a_data_folder_is_refused_and_touches_nothing_of_the_first(two_at_once):
    first, _, second, (guard, guard_after) = two_at_once
    assert second.returncode == 3
    assert f"is done by process {first.process.pid} already" in second.stderr
    assert guard == guard_after
    assert len(heads(first.data.raw_journals)) == 1
    assert (first.data.logs / LOCK_NAME).is_file()
