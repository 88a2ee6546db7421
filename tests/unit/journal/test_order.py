"""Lines that are there twice, in another order, or of another run: what can be used is given, the rest is named."""

import random

import pytest

from lics_beamline.journal.duty import duty
from lics_beamline.journal.head import head
from lics_beamline.journal.reader import Tail
from lics_beamline.journal.writer import Journal

UID = "aaaaaa"


def documents(points=4):
    yield "start", {"uid": UID, "time": 1.0}
    for stream in ("primary", "readout"):
        yield "descriptor", {"uid": f"d-{stream}", "run_start": UID, "name": stream}
    yield "resource", {"uid": "r", "run_start": UID}
    for index in range(points):
        times = {"time": 2.0 + index, "seq_num": index + 1, "timestamps": {}}
        data = {"experiment_time_s": 1000.0 * (index + 1), "exposure_s": 100.0}
        yield "event", {"uid": f"p{index}", "descriptor": "d-primary", "data": data, "filled": {}, **times}
        yield "datum", {"datum_id": f"r/{index}", "resource": "r", "datum_kwargs": {}}
        data = {"image": f"r/{index}", "experiment_time_s": 1000.0 * (index + 1)}
        yield (
            "event",
            {"uid": f"o{index}", "descriptor": "d-readout", "data": data, "filled": {"image": False}, **times},
        )
    counted = {"primary": points, "readout": points}
    yield "stop", {"uid": "s", "run_start": UID, "time": 99.0, "exit_status": "success", "num_events": counted}


WHOLE = list(documents())
FIRST_EVENT, STOP = 4, len(WHOLE)


@pytest.fixture
def path(tmp_path):
    with Journal(tmp_path) as journal:
        for name, doc in WHOLE:
            journal(name, doc)
    return tmp_path / f"{UID}.jsonl"


def rewrite(path, change):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


def read_with_faults(path):
    with Tail(path) as tail:
        return list(tail.documents()), [(fault.line, fault.says) for fault in tail.faults]


def test_a_whole_journal_has_no_fault(path):
    assert read_with_faults(path) == (WHOLE, [])


@pytest.mark.parametrize(
    "change", [lambda lines: lines + lines, lambda lines: [each for each in lines for _ in (1, 2)]]
)
def test_lines_that_are_there_twice_are_used_once_and_each_is_named(path, change):
    rewrite(path, change)
    found, faults = read_with_faults(path)
    assert found == WHOLE
    assert len(faults) == len(WHOLE)
    assert all("there a second time; it is used once" in says for _, says in faults)
    assert duty(found).exposing_s == 400.0


def test_a_stop_that_stands_first_is_given_last(path):
    rewrite(path, lambda lines: [lines[-1], *lines[:-1]])
    found, faults = read_with_faults(path)
    assert found == WHOLE
    assert faults == [(1, "stop document comes before the start document that it needs")]
    known = head(path)
    assert (known.uid, known.stop) == (UID, WHOLE[-1][1])


def test_a_stop_that_stands_first_and_counts_nothing_is_given_last_too(tmp_path):
    stop = {key: value for key, value in WHOLE[-1][1].items() if key != "num_events"}
    with Journal(tmp_path) as journal:
        for name, doc in (*WHOLE[:-1], ("stop", stop)):
            journal(name, doc)
    path = tmp_path / f"{UID}.jsonl"
    rewrite(path, lambda lines: [lines[-1], *lines[:-1]])
    assert read_with_faults(path)[0] == [*WHOLE[:-1], ("stop", stop)]


@pytest.mark.parametrize("seed", range(20))
def test_in_whatever_order_lines_stand_each_document_is_given_once_after_what_it_needs(path, seed):
    rewrite(path, lambda lines: random.Random(seed).sample(lines, len(lines)))
    found, faults = read_with_faults(path)
    assert found[0] == WHOLE[0]
    assert found[-1] == WHOLE[-1]
    assert sorted(map(repr, found)) == sorted(map(repr, WHOLE))
    described, announced = set(), set()
    for name, doc in found:
        described |= {doc["uid"]} if name == "descriptor" else set()
        announced |= {doc["datum_id"]} if name == "datum" else set()
        if name == "event":
            assert doc["descriptor"] in described
            assert {key for key, whether in doc["filled"].items() if not whether} <= {"image"}
            assert doc["data"].get("image") in announced | {None}
    assert faults


def test_an_event_that_stands_after_a_later_one_is_named(path):
    def swap(lines):
        lines[FIRST_EVENT], lines[FIRST_EVENT + 3] = lines[FIRST_EVENT + 3], lines[FIRST_EVENT]
        return lines

    rewrite(path, swap)
    found, faults = read_with_faults(path)
    assert len(found) == len(WHOLE)
    assert faults == [
        (FIRST_EVENT + 1, "event 1 of stream primary is not before event 2"),
        (FIRST_EVENT + 4, "event 1 of stream primary comes after event 2"),
    ]


def test_an_event_measured_again_after_a_rewind_is_no_fault(tmp_path):
    again = {"uid": "again", "descriptor": "d-primary", "time": 50.0, "seq_num": 4, "data": {}, "filled": {}}
    with Journal(tmp_path) as journal:
        for name, doc in (*WHOLE[:-1], ("event", again), WHOLE[-1]):
            journal(name, doc)
    found, faults = read_with_faults(tmp_path / f"{UID}.jsonl")
    assert faults == []
    assert len(found) == len(WHOLE) + 1


def test_lines_that_are_not_there_are_named_by_stream_and_number(path):
    rewrite(path, lambda lines: [line for line in lines if b'"uid":"p1"' not in line and b'"uid":"p2"' not in line])
    found, faults = read_with_faults(path)
    assert len(found) == len(WHOLE) - 2
    (_, first), (line, last) = faults
    assert first == "event 2 to 3 of stream primary is not before event 4"
    assert (line, last) == (STOP - 2, "the stop document counts 4 events of stream primary, and 2 are there")


def test_a_descriptor_that_is_not_there_costs_its_own_events_only(path):
    rewrite(path, lambda lines: [line for line in lines if b'"uid":"d-readout"' not in line])
    found, faults = read_with_faults(path)
    assert [name for name, _ in found].count("event") == 4
    assert found[-1][0] == "stop"
    assert any("is of no use without its descriptor document d-readout" in says for _, says in faults)


def test_documents_without_a_start_are_of_no_use_and_named(path):
    rewrite(path, lambda lines: lines[1:])
    found, faults = read_with_faults(path)
    assert found == []
    assert (1, "descriptor document is of no use without its start document, which is not there") in faults


def test_documents_of_another_run_are_named_and_not_used(path, tmp_path):
    other = tmp_path / "other"
    with Journal(other) as journal:
        journal("start", {"uid": "bbbbbb", "time": 1.0})
        journal("descriptor", {"uid": "d", "run_start": "bbbbbb", "name": "primary"})
    rewrite(
        path, lambda lines: lines[:-1] + (other / "bbbbbb.jsonl").read_bytes().splitlines(keepends=True) + lines[-1:]
    )
    found, faults = read_with_faults(path)
    assert found == WHOLE
    assert [says for _, says in faults] == [
        "a second start document, of run bbbbbb; it is not used",
        "descriptor document belongs to run bbbbbb; it is not used",
    ]


def test_a_run_still_being_written_waits_for_what_is_to_come(tmp_path):
    with Journal(tmp_path) as journal:
        for name, doc in WHOLE[:6]:
            journal(name, doc)
        with Tail(tmp_path / f"{UID}.jsonl") as tail:
            assert list(tail.documents()) == WHOLE[:6]
            for name, doc in WHOLE[6:]:
                journal(name, doc)
            assert list(tail.documents()) == WHOLE[6:]
            assert tail.faults == []


def test_an_event_whose_time_no_number_holds_is_given_as_any_other(tmp_path):
    path = tmp_path / "aaaaaa.jsonl"
    with Journal(tmp_path) as journal:
        journal("start", {"uid": "aaaaaa", "time": 1.0})
        journal("descriptor", {"uid": "d", "run_start": "aaaaaa", "name": "primary", "time": 1.0})
        for number in (1, 2):
            journal("event", {"uid": f"e{number}", "descriptor": "d", "seq_num": number, "time": 10**400, "data": {}})
    with Tail(path) as tail:
        assert [name for name, _ in tail.documents()] == ["start", "descriptor", "event", "event"]
