"""Many runs on a cluster: the bits of one process, whoever dies and however often it is begun."""

import collections
import copy
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from command_line import typed
from dask_cluster import dask_cluster

from lics_beamline.campaign import reduce_campaign, reduce_run, versions_here
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import NotConnected
from lics_beamline.journal.lock import claim, release
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal
from lics_beamline.replay import prepare, replay_all

WORKERS = 4
RUNS = 12


@pytest.fixture
def record(raw_run):
    """Return what records so many runs, whose points are the same but for their uids, in the folder of the first."""

    def written(count):
        data = DataFolder(raw_run.root).make()
        with Journal(data.raw_journals) as journal:
            for number in range(count):
                run = copy.deepcopy(raw_run)
                uid = f"run-{number:04d}"
                run.start["uid"] = run.stop["run_start"] = uid
                run.stop["uid"] = f"{uid}-stop"
                for descriptor in run.descriptors.values():
                    descriptor["uid"] += f"-{number}"
                    descriptor["run_start"] = uid
                for event in (each for point in run.points for each in point):
                    event["uid"] += f"-{number}"
                    event["descriptor"] += f"-{number}"
                for name, doc in run.documents():
                    journal(name, doc)
        return data, [f"run-{number:04d}" for number in range(count)]

    return written


def other_folder(data, folder):
    """Return a data folder with the same runs and plates, in which nothing has been reduced."""
    other = DataFolder(folder)
    other.derived_journals.mkdir(parents=True)
    other.raw_journals.symlink_to(data.raw_journals)
    for found in data.root.iterdir():
        if found.name != "journals":
            (folder / found.name).symlink_to(found)
    return other


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in ("time", "timestamps")}
    return value.tolist() if isinstance(value, np.ndarray) else value


def reduced(data):
    """Return the documents of each derived run by the run it is of, to the last bit but for when they were made."""
    found = {}
    for path in data.derived_journals.glob("*.jsonl"):
        documents = [json.dumps([name, plain(doc)]) for name, doc in read(path)]
        found[json.loads(documents[0])[1]["raw_uid"]] = documents
    return found


def twice(data):
    uids = collections.Counter(
        doc["uid"] for path in data.derived_journals.glob("*.jsonl") for name, doc in read(path) if name == "event"
    )
    return [uid for uid, count in uids.items() if count > 1]


def by_one_process(data, uids):
    replay_all(data, [prepare(data, uid) for uid in uids])
    return reduced(data)


def test_a_run_is_reduced_by_a_worker_as_by_anybody(record, tmp_path):
    data, (uid,) = record(1)
    other = other_folder(data, tmp_path / "other")
    outcome = reduce_run(other, uid, recipe=None, versions=versions_here())
    assert (outcome.replayed.points, outcome.exposures, outcome.plates, outcome.error) == (3, 3, 3, "")
    assert reduced(other) == by_one_process(data, [uid])
    again = reduce_run(other, uid, recipe=None, versions=versions_here())
    assert again.replayed.already
    assert not twice(other)


def test_what_a_worker_cannot_do_is_said_and_raises_nothing(record, tmp_path):
    data, (uid,) = record(1)
    here = versions_here()
    says = reduce_run(data, uid, recipe=None, versions=here | {"numpy": "0.1"}).error
    assert f"has numpy {here['numpy']} instead of 0.1, which may give other numbers" in says
    assert "is not seen by a worker" in reduce_run(DataFolder(tmp_path / "no"), uid, recipe=None, versions=here).error
    assert "no run" in reduce_run(data, "another", recipe=None, versions=here).error
    path = data.derived_journals / f"{prepare(data, uid).uid}.jsonl"
    with path.open("ab") as file:  # by a worker of a campaign that was cut off
        claim(file.fileno(), path)
        outcome = reduce_run(data, uid, recipe=None, versions=here)
        release(file.fileno())
    assert outcome.is_busy
    assert not list(data.derived_journals.glob("*.damaged*"))


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and workers of one thread each on the loopback, with nannies that replace who dies."""
    options = ["--host", "127.0.0.1", "--nworkers", str(WORKERS), "--nthreads", "1"]
    options += ["--local-directory", str(tmp_path / "dask")]
    with dask_cluster(tmp_path, *options, workers=WORKERS) as made:
        yield made


@pytest.mark.nightly
def test_a_campaign_whose_workers_are_killed_loses_nothing_and_does_nothing_twice(record, cluster, tmp_path):
    data, uids = record(RUNS)
    address, client = cluster
    other = other_folder(data, tmp_path / "other")
    going = reduce_campaign(other, uids, dask=address)
    outcomes = [next(going)]
    killed = list(client.run(os.getpid).values())[:2]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    outcomes += going
    assert sorted(each.name for each in outcomes) == uids
    assert [each.error for each in outcomes] == [""] * RUNS
    assert not twice(other)
    assert reduced(other) == by_one_process(data, uids)
    assert len(killed) == 2


@pytest.mark.nightly
def test_a_campaign_that_was_cut_off_goes_on_and_names_what_failed(record, cluster, tmp_path):
    data, uids = record(RUNS)
    address, _ = cluster
    other = other_folder(data, tmp_path / "other")
    going = reduce_campaign(other, uids, dask=address)
    first = next(going)
    going.close()
    outcomes = list(reduce_campaign(other, [*uids, "no-such-run"], dask=address))
    by_name = {each.name: each for each in outcomes}
    assert sorted(by_name) == sorted([*uids, "no-such-run"])
    assert by_name[first.name].replayed.already
    assert [each.name for each in outcomes if each.replayed is None] == ["no-such-run"]
    assert "no run" in by_name["no-such-run"].error
    assert not twice(other)
    assert reduced(other) == by_one_process(data, uids)
    done = typed("replay", *uids, "no-such-run", "--dask", address, "--data", str(other.root), folder=tmp_path)
    assert done.returncode == 4
    assert (
        f"{RUNS} of {RUNS + 1} runs, {RUNS} of them before; 36 points, 0 failed in 0 runs; 1 runs left out"
        in done.stderr
    )
    assert "run no-such- is left out: no run answers" in done.stderr.splitlines()[-1]
    with pytest.raises(NotConnected, match="is not seen by a worker"):
        next(reduce_campaign(DataFolder(Path("/no/such/folder")), uids, dask=address))
