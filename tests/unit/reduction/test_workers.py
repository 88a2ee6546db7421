import copy
import importlib.util
import json
import math
import os
import shutil
from concurrent.futures import Executor, Future

import numpy as np
import pytest
from dask_cluster import dask_cluster

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import NotConnected, ReductionFailed
from lics_beamline.frames.plate import Fading, Ghost
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal
from lics_beamline.reduction.recipe import PlateCorrections
from lics_beamline.reduction.work import WorkOutcome
from lics_beamline.reduction.workers import Crew, crew, jobs_for
from lics_beamline.replay import prepare, replay, replay_all

PLATE = PlateCorrections(
    fading=Fading(fast_share=0.3, fast_s=900.0, slow_s=2e5, scan_s=75.0), ghosts=(Ghost(plate=1, share=0.01),)
)


@pytest.fixture
def recorded(raw_run, tmp_path):
    """Two runs on plates with ghosts: in one a plate is torn, in the other a thermocouple is open."""
    data = DataFolder(raw_run.root).make()
    first = copy.deepcopy(raw_run)
    second = copy.deepcopy(raw_run)
    second.start["uid"] = second.stop["run_start"] = "second-run"
    second.points[1][0]["data"]["thermocouples_gasket_k"] = -9999.0 + 273.15
    for descriptor in second.descriptors.values():
        descriptor["uid"] += "-2"
    for primary, readout in second.points:
        for event in (primary, readout):
            event["uid"] += "-2"
            event["descriptor"] += "-2"
    with Journal(data.raw_journals) as journal:
        for run in (first, second):
            run.start["recipe"]["plate"] = PLATE.model_dump(mode="json")
            for descriptor in run.descriptors.values():
                descriptor["run_start"] = run.start["uid"]
            for name, doc in run.documents():
                journal(name, doc)
    torn = raw_run.root / raw_run.points[0][1]["data"]["frame_path"]
    torn.write_bytes(torn.read_bytes()[:-1000])
    return data, (first.start["uid"], second.start["uid"])


def elsewhere(data, folder):
    """A copy of a data folder."""
    shutil.copytree(data.root, folder)
    return DataFolder(folder)


def timeless(value):
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in ("time", "timestamps")}
    return value.tolist() if isinstance(value, np.ndarray) else value


def documents(data, results):
    return [json.dumps([name, timeless(doc)]) for run in results for name, doc in read(run.journal)]


def reduce_all(data, uids, **options):
    told = []
    runs = [prepare(data, uid) for uid in uids]
    assert [run.points for run in runs] == [3, 3]
    results = replay_all(
        data, runs, told=lambda run, point: told.append((run.raw_uid, point["point_index"])), **options
    )
    assert told == [(uid, index) for uid in uids for index in range(3)]
    assert [(run.points, run.failed, run.already) for run in results] == [(3, 1, False), (3, 2, False)]
    return documents(data, results)


def test_two_processes_give_the_documents_that_one_gives(recorded, tmp_path):
    data, uids = recorded
    other = elsewhere(data, tmp_path / "other")
    alone = reduce_all(data, uids)
    assert reduce_all(other, uids, jobs=2) == alone
    events = [doc["data"] for name, doc in map(json.loads, alone) if name == "event"]
    assert [event["reduced"] for event in events] == [False, True, True, False, False, True]
    assert "the file is torn" in events[0]["note"]
    assert "open circuit" in events[4]["note"]
    assert math.isnan(events[1]["ghost_fraction"])
    assert events[2]["ghost_fraction"] == events[5]["ghost_fraction"] > 0.0


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and a worker with two threads, on the loopback: its address."""
    with dask_cluster(tmp_path, "--nthreads", "2", "--no-nanny") as (address, _):
        yield address


@pytest.mark.long
def test_a_dask_cluster_gives_the_documents_that_one_process_gives(recorded, cluster, tmp_path):
    data, uids = recorded
    other = elsewhere(data, tmp_path / "other")
    assert reduce_all(other, uids, dask=cluster) == reduce_all(data, uids)


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="lics_beamline[dask] is not installed")
def test_a_cluster_that_is_not_there_is_named():
    called = crew(dask="tcp://127.0.0.1:9", dask_timeout_s=0.5)
    with pytest.raises(NotConnected, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        called.__enter__()


class ByHand(Executor):
    """Futures that are fulfilled by the test."""

    def __init__(self):
        self.futures = []

    def submit(self, function, work):
        self.futures.append(Future())
        return self.futures[-1]


def test_points_are_taken_back_in_their_order_whoever_is_done_first():
    hands = ByHand()
    queue = Crew(hands, 2).queue()
    taken = []
    for number in range(3):
        queue.put(number, lambda came, number=number: taken.append((number, came.note)))
    queue.put(None, lambda came: taken.append(("end", came)))
    for number in (2, 1):
        hands.futures[number].set_result(WorkOutcome(note=str(number)))
    queue.put(None, lambda came: taken.append(("after", came)))
    assert taken == []
    hands.futures[0].set_result(WorkOutcome(note="0"))
    queue.rest()
    assert taken == [(0, "0"), (1, "1"), (2, "2"), ("end", None), ("after", None)]


def test_only_a_few_points_are_out_at_a_time():
    class Counting(ByHand):
        most = 0

        def submit(self, function, work):
            future = super().submit(function, work)
            self.most = max(self.most, len(self.futures) - len(back))
            future.set_result(WorkOutcome())
            return future

    back = []
    hands = Counting()
    queue = Crew(hands, 2).queue()
    for _ in range(100):
        queue.put(object(), back.append)
    queue.rest()
    assert len(back) == 100
    assert hands.most <= 7


class Deadly:
    """Work that ends the process that unpacks it."""

    def __reduce__(self):
        return os._exit, (9,)


def test_a_process_that_dies_is_told_with_a_way_out():
    with crew(2) as found:
        queue = found.queue()
        queue.put(Deadly(), lambda came: None)
        with pytest.raises(ReductionFailed, match=r"has died .* fewer --jobs"):
            queue.rest()


def test_a_replay_that_was_cut_off_goes_on_where_it_was(recorded):
    data, (uid, _) = recorded
    whole = documents(data, [replay(data, uid)])
    (derived,) = data.derived_journals.glob("*.jsonl")
    lines = derived.read_bytes().splitlines(keepends=True)
    derived.write_bytes(b"".join(lines[:3]))  # start, descriptor, one point
    run = prepare(data, uid)
    assert (run.points, run.already, run.attempt) == (2, False, 1)
    (result,) = replay_all(data, [run])
    assert documents(data, [result]) == whole
    assert prepare(data, uid).attempt == 2  # for a point of it failed


def test_few_points_are_not_worth_more_processes():
    assert [jobs_for(points, cores=8) for points in (0, 1, 5, 6, 12, 1000)] == [1, 1, 1, 2, 4, 8]
    assert jobs_for(1000, cores=1) == 1
