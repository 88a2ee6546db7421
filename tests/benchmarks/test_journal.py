"""What the journal costs a plan, against the work of turning the same documents into text at all."""

import itertools
import json
import uuid

from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal

FIELDS = 8
EVENTS = 5_000


def events(descriptor):
    for index in range(EVENTS):
        data = {f"field_{k}": index * 1.1 + k for k in range(FIELDS)}
        times = {f"field_{k}": 1.7e9 + index + k / 10 for k in range(FIELDS)}
        yield {
            "uid": str(uuid.uuid4()),
            "descriptor": descriptor,
            "seq_num": index + 1,
            "time": 1.7e9 + index,
            "data": data,
            "timestamps": times,
            "filled": {},
        }


def begin(folder, uid):
    journal = Journal(folder)
    journal("start", {"uid": uid, "time": 1.0})
    journal("descriptor", {"uid": f"{uid}-d", "run_start": uid, "name": "approach", "data_keys": {}})
    return journal


def test_baseline_events_to_text(benchmark):
    documents = list(events("d"))
    benchmark(lambda: [json.dumps(["event", doc]) for doc in documents])
    benchmark.extra_info["events"] = EVENTS


def test_events_to_journal(benchmark, tmp_path):
    numbers = itertools.count()

    def setup():
        uid = f"run-{next(numbers)}"
        return (begin(tmp_path, uid), list(events(f"{uid}-d"))), {}

    def write(journal, documents):
        for doc in documents:
            journal("event", doc)

    benchmark.pedantic(write, setup=setup, rounds=10)
    benchmark.extra_info["events"] = EVENTS


def test_journal_to_events(benchmark, tmp_path):
    journal = begin(tmp_path, "run")
    for doc in events("run-d"):
        journal("event", doc)
    journal.close()
    assert benchmark(lambda: sum(1 for _ in read(tmp_path / "run.jsonl"))) == EVENTS + 2
