"""A sweep of several runs is read as one."""

import pytest

from lics_beamline.errors import RunNotFound, UnsafeName
from lics_beamline.journal.events import events
from lics_beamline.journal.head import head
from lics_beamline.journal.reader import read
from lics_beamline.journal.whole_sweep import runs_of, sweep_documents
from lics_beamline.journal.writer import Journal, close_cut_off


def a_run(uid, *, points, first=0, resumes=None, stopped=True, **more):
    start = {"uid": uid, "time": 1000.0 + first, "purpose": "sweep", "sweep_uid": "s", **more}
    yield "start", start | ({"resumes": resumes} if resumes else {})
    yield "descriptor", {"uid": f"{uid}-d", "run_start": uid, "name": "primary", "data_keys": {}}
    for number in range(1, points + 1):
        yield (
            "event",
            {
                "uid": f"{uid}-{number}",
                "descriptor": f"{uid}-d",
                "seq_num": number,
                "time": 1000.0 + first + number,
                "data": {"point_index": first + number - 1},
                "timestamps": {},
            },
        )
    if stopped:
        yield "stop", {"uid": f"{uid}-s", "run_start": uid, "exit_status": "success", "num_events": {"primary": points}}


def recorded(folder, *runs):
    with Journal(folder) as journal:
        for run in runs:
            for name, doc in run:
                journal(name, doc)
    return folder


def test_a_run_that_resumes_none_is_its_own_documents(tmp_path):
    recorded(tmp_path, a_run("one", points=2))
    assert list(sweep_documents(head(tmp_path / "one.jsonl"))) == list(read(tmp_path / "one.jsonl"))


def test_a_sweep_of_three_runs_reads_as_one_run(tmp_path):
    recorded(
        tmp_path,
        a_run("one", points=2, stopped=False),
        a_run("two", points=1, first=2, resumes="one", stopped=False),
        a_run("three", points=3, first=3, resumes="two"),
    )
    documents = list(sweep_documents(head(tmp_path / "three.jsonl")))
    assert [name for name, _ in documents].count("start") == 1
    assert documents[0][1]["uid"] == "three"
    assert [event.data["point_index"] for event in events(documents)] == [0, 1, 2, 3, 4, 5]
    assert [doc["seq_num"] for name, doc in documents if name == "event"] == [1, 2, 3, 4, 5, 6]
    assert {doc["run_start"] for name, doc in documents if name == "descriptor"} == {"three"}
    assert documents[-1][0] == "stop"
    assert documents[-1][1]["num_events"] == {"primary": 6}


def test_an_earlier_run_reads_as_far_as_it_went(tmp_path):
    recorded(tmp_path, a_run("one", points=2, stopped=False), a_run("two", points=1, first=2, resumes="one"))
    assert [run.uid for run in runs_of(head(tmp_path / "one.jsonl"))] == ["one"]
    assert len(list(events(sweep_documents(head(tmp_path / "one.jsonl"))))) == 2


def test_a_missing_earlier_run_is_named(tmp_path):
    recorded(tmp_path, a_run("two", points=1, resumes="one"))
    with pytest.raises(RunNotFound, match=r"resumes run one, and .*one\.jsonl is not there"):
        list(sweep_documents(head(tmp_path / "two.jsonl")))


def test_runs_that_resume_one_another_in_a_circle_are_refused(tmp_path):
    recorded(tmp_path, a_run("one", points=1, resumes="two"), a_run("two", points=1, resumes="one"))
    with pytest.raises(RunNotFound, match="in turn"):
        runs_of(head(tmp_path / "two.jsonl"))


def test_a_resumed_uid_that_leads_out_of_the_folder_is_refused(tmp_path):
    with pytest.raises(UnsafeName, match="resumes"):
        recorded(tmp_path, a_run("two", points=1, resumes="../one"))


def test_a_run_that_was_cut_off_gets_a_stop_document_that_says_so(tmp_path):
    recorded(tmp_path, a_run("one", points=2, stopped=False))
    path = tmp_path / "one.jsonl"
    with path.open("ab") as file:
        file.write(b'["event",{"uid":"torn')
    close_cut_off(path, reason="cut off")
    name, stop = list(read(path))[-1]
    assert (name, stop["exit_status"], stop["reason"]) == ("stop", "abort", "cut off")
    assert stop["num_events"] == {"primary": 2}
    assert stop["time"] == 1002.0  # when it was cut off, not when somebody looked
    assert head(path).finished


def test_a_run_that_ended_is_left_as_it_is(tmp_path):
    recorded(tmp_path, a_run("one", points=2))
    before = (tmp_path / "one.jsonl").read_bytes()
    close_cut_off(tmp_path / "one.jsonl", reason="cut off")
    assert (tmp_path / "one.jsonl").read_bytes() == before
