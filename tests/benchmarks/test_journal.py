"""What the journal costs a plan, against the work of turning the same documents into text at all."""

import itertools
import json
import time
import uuid

from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal

FIELDS = 8
EVENTS = 5_000
ROUNDS = 5
LARGEST_RATIO = 3.0  # against turning the same documents into text


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


def best_s(act, rounds=ROUNDS):
    """Shortest of some rounds [s]: what else the computer does only makes them longer."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return min(times)


def test_a_journal_costs_little_more_than_its_text(tmp_path, record):
    documents = list(events("d"))
    text_s = best_s(lambda: [json.dumps(["event", doc]) for doc in documents])
    numbers = itertools.count()

    def write():
        uid = f"run-{next(numbers)}"
        with begin(tmp_path, uid) as journal:
            for doc in documents:
                journal("event", doc | {"descriptor": f"{uid}-d"})

    write_s = best_s(write)
    count = []
    read_s = best_s(lambda: count.append(sum(1 for _ in read(tmp_path / "run-0.jsonl"))))
    record(events_per_s=round(EVENTS / write_s), written=round(write_s / text_s, 2), read=round(read_s / text_s, 2))
    assert set(count) == {EVENTS + 2}
    assert write_s / text_s < LARGEST_RATIO
    assert read_s / text_s < LARGEST_RATIO
