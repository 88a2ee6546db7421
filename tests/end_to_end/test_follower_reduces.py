"""Live reduction is a process that may die: each point is reduced once, whoever dies when."""

import importlib.util
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from child import child

from lics_beamline.data_folder import DataFolder
from lics_beamline.follower import process as follower
from lics_beamline.follower.status import status
from lics_beamline.journal.codec import Encoder
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal
from lics_beamline.reduction.reducer import Reducer

# The raw run made by hand for the reducer's own tests: three plates with rings, three ruby spectra.
_made = importlib.util.spec_from_file_location(
    "raw_run_made_by_hand", Path(__file__).parents[1] / "unit" / "reduction" / "conftest.py"
)
_by_hand = importlib.util.module_from_spec(_made)
sys.modules[_made.name] = _by_hand
_made.loader.exec_module(_by_hand)
raw_run, recipe = _by_hand.raw_run, _by_hand.recipe


@pytest.fixture
def recorded(raw_run):
    """The data folder of that run, with its journal."""
    data = DataFolder(raw_run.root).make()
    for descriptor in raw_run.descriptors.values():
        descriptor["run_start"] = raw_run.start["uid"]
    with Journal(data.raw_journals) as journal:
        for name, doc in raw_run.documents():
            journal(name, doc)
    return data


def command(data, *more):
    return [sys.executable, "-m", "lics_beamline.follower", "reduce", "--data", str(data.root), *more]


def timeless(documents):
    """Documents without the times at which they were made, in a form that can be compared."""

    def strip(value):
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key not in ("time", "timestamps")}
        return value.tolist() if isinstance(value, np.ndarray) else value

    return [json.dumps([name, strip(doc)]) for name, doc in documents]


def events_in(data):
    return sum(name == "event" for path in data.derived_journals.glob("*.jsonl") for name, _ in read(path))


@pytest.mark.long
def test_a_reducer_killed_midway_goes_on_where_it_was(recorded, raw_run):
    with child(command(recorded)) as first:
        pause = threading.Event()
        while not events_in(recorded):
            pause.wait(0.01)
        first.kill()
    assert subprocess.run(command(recorded, "--once"), check=False).returncode == 0
    (derived,) = heads(recorded.derived_journals)
    reducer = Reducer(None, data_root=recorded.root)
    undisturbed = [each for name, doc in raw_run.documents() for each in reducer(name, doc)]
    assert timeless(read(derived.path)) == timeless(undisturbed)
    assert derived.stop["phases_found"] == ["alloy"]

    whole = derived.path.read_bytes()
    assert subprocess.run(command(recorded, "--once"), check=False).returncode == 0
    assert derived.path.read_bytes() == whole


def test_an_abandoned_run_is_reduced_and_closed_and_a_bad_one_does_not_stop_it(recorded, raw_run):
    path = recorded.raw_journals / f"{raw_run.start['uid']}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
    with Journal(recorded.raw_journals) as journal:
        journal("start", {"uid": "0bad0bad", "time": 0.5, "purpose": "sweep", "recipe": {"geometry": 3}})
        journal("stop", {"uid": "0bad0bad-s", "run_start": "0bad0bad", "exit_status": "fail"})
        journal("start", {"uid": "0ther0", "time": 0.6, "purpose": "calibration"})
    done = subprocess.run(command(recorded, "--once"), check=False)
    assert done.returncode == follower.RUN_FAILED
    (derived,) = heads(recorded.derived_journals)
    assert derived.start["raw_uid"] == raw_run.start["uid"]
    assert derived.stop["exit_status"] == "abort"
    assert "ended without saying so" in derived.stop["reason"]
    assert derived.stop["num_events"] == {"primary": 3}
    said = status(recorded)[0]
    assert (said.name, said.state, list(said.troubles)) == ("reduce", "ended", ["0bad0bad"])
    assert "ProfileError" in said.troubles["0bad0bad"]


def recorded_by_an_engine_that_dies(raw_run):
    """The data folder of a run whose engine, with a reducer at work, was killed after its second plate."""
    data = DataFolder(raw_run.root).make()
    engine = """
import sys
from pathlib import Path
from lics_beamline.follower import process as follower
from lics_beamline.follower.status import status
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.codec import decode
from lics_beamline.journal.writer import Journal
data = DataFolder(Path(sys.argv[1]))
follower.start(data, "reduce")
journal = Journal(data.raw_journals)
for line in sys.stdin.buffer:
    journal(*decode(line))
    print("recorded", flush=True)
"""
    for descriptor in raw_run.descriptors.values():
        descriptor["run_start"] = raw_run.start["uid"]
    encoder = Encoder()
    pause = threading.Event()
    with child(
        [sys.executable, "-c", engine, str(data.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        for name, doc in list(raw_run.documents())[:-3]:
            process.stdin.write(encoder.line(name, doc))
            process.stdin.flush()
            assert process.stdout.readline() == b"recorded\n"
        while status(data)[0].pid == 0:
            pause.wait(0.01)
        process.kill()
    return data


def test_when_the_engine_dies_midway_what_it_recorded_is_reduced_and_the_derived_run_closed(raw_run):
    data = recorded_by_an_engine_that_dies(raw_run)
    pause = threading.Event()
    while status(data)[0].state != "ended":
        pause.wait(0.05)
    (derived,) = heads(data.derived_journals)
    assert derived.stop["exit_status"] == "abort"
    assert derived.stop["num_events"] == {"primary": 2}


def test_catching_up_right_after_the_engine_died_waits_for_the_follower_it_left(raw_run):
    data = recorded_by_an_engine_that_dies(raw_run)
    left = status(data)[0].pid
    assert subprocess.run(command(data, "--once"), check=False).returncode == 0
    assert status(data)[0].pid != left
    (derived,) = heads(data.derived_journals)
    assert derived.stop["num_events"] == {"primary": 2}
    assert f"waiting for process {left}" in (data.logs / "reduce.log").read_text()


@pytest.mark.long
def test_two_processes_catch_up_to_what_one_would_have_written(recorded, raw_run):
    assert subprocess.run(command(recorded, "--once", "--jobs", "2"), check=False).returncode == 0
    (derived,) = heads(recorded.derived_journals)
    reducer = Reducer(None, data_root=recorded.root)
    undisturbed = [each for name, doc in raw_run.documents() for each in reducer(name, doc)]
    assert timeless(read(derived.path)) == timeless(undisturbed)
