"""Reductions are held against the whole sweep that they were made of, in however many runs it was recorded."""

import pytest

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal
from lics_beamline.verification.whole import verify


def a_run(uid, exposures, *, resumes="", **more):
    """A run that exposes and reads plates; a reduced one where it says of which raw run."""
    start = {"uid": uid, "time": 1000.0, "purpose": "reduction" if "raw_uid" in more else "sweep", **more}
    yield "start", start | ({"resumes": resumes} if resumes else {})
    for stream in ("primary",) if "raw_uid" in more else ("primary", "readout"):
        yield (
            "descriptor",
            {"uid": f"{uid}-{stream}", "run_start": uid, "name": stream, "data_keys": {}, "time": 1000.0},
        )
        for number, exposure in enumerate(exposures, start=1):
            event = {"uid": f"{uid}-{stream}-{number}", "descriptor": f"{uid}-{stream}", "seq_num": number}
            yield "event", event | {"time": 1000.0 + number, "data": {"exposure_uid": exposure}, "timestamps": {}}
    yield "stop", {"uid": f"{uid}-stop", "run_start": uid, "exit_status": "success", "time": 2000.0}


@pytest.fixture
def data(tmp_path):
    data = DataFolder(tmp_path).make()
    record(data.raw_journals, a_run("one", ["a", "b"]), a_run("two", ["c"], resumes="one"))
    return data


def record(folder, *runs):
    with Journal(folder) as journal:
        for run in runs:
            for name, doc in run:
                journal(name, doc)


def told_of(data, uid):
    return [each.says for each in verify(data).differences if each.is_wrong and each.run == uid]


def of_points(said):
    return [says for says in said if "points" in says]


def test_a_reduction_of_a_resumed_run_has_the_points_of_the_runs_before_it(data):
    record(data.derived_journals, a_run("whole", ["a", "b", "c"], raw_uid="two"))
    assert of_points(told_of(data, "whole")) == []
    assert not any("not been reduced" in each.says for each in verify(data).differences)


def test_a_point_of_a_run_before_it_that_is_not_reduced_is_told(data):
    record(data.derived_journals, a_run("part", ["b", "c"], raw_uid="two"))
    assert of_points(told_of(data, "part")) == ["1 of 3 points of its raw run are not in it"]


SHORT = "1 of 3 points of its raw run are not in it"


@pytest.mark.parametrize(
    ("later", "takes_its_place"),
    [
        ({"reduction_revision": 3}, True),
        ({"reduction_revision": 2, "attempt": 2}, True),
        ({"reduction_revision": 1}, False),
        ({"reduction_revision": 3, "recipe_digest": "another"}, False),
    ],
)
def test_a_reduction_that_was_cut_off_is_no_fault_once_a_later_one_by_the_same_recipe_is_whole(
    data, later, takes_its_place
):
    by = {"raw_uid": "two", "recipe_digest": "d"}
    cut_off = list(a_run("part", ["b", "c"], reduction_revision=2, **by))[:-1]
    record(data.derived_journals, cut_off, a_run("whole", ["a", "b", "c"], **{**by, **later}))
    assert of_points(told_of(data, "part")) == ([] if takes_its_place else [SHORT])
    (note,) = [each for each in verify(data).differences if SHORT in each.says]
    assert ("run whole" in note.says) == takes_its_place


@pytest.mark.parametrize("ended", [True, False])
def test_a_later_reduction_that_was_cut_off_itself_takes_no_place(data, ended):
    by = {"raw_uid": "two", "recipe_digest": "d"}
    cut_off = list(a_run("part", ["b", "c"], reduction_revision=2, **by))[:-1]
    later = list(a_run("later", ["a", "b", "c"], reduction_revision=3, **by))
    record(data.derived_journals, cut_off, later if ended else later[:-1])
    assert of_points(told_of(data, "part")) == ([] if ended else [SHORT])


def test_a_point_of_a_run_after_it_is_none_of_its_own(data):
    record(data.derived_journals, a_run("first", ["a", "b", "c"], raw_uid="one"))
    assert of_points(told_of(data, "first")) == ["1 points are of exposures that its raw run does not have"]


def test_a_run_whose_earlier_part_is_not_there_is_told(data):
    (data.raw_journals / "one.jsonl").unlink()
    assert any("resumes run one, whose journal is not here" in says for says in told_of(data, "two"))


def test_runs_that_resume_one_another_in_a_circle_end_somewhere(data):
    (data.raw_journals / "one.jsonl").unlink()
    record(data.raw_journals, a_run("one", ["a", "b"], resumes="two"))
    record(data.derived_journals, a_run("whole", ["a", "b", "c"], raw_uid="two"))
    assert of_points(told_of(data, "whole")) == []


@pytest.mark.parametrize("left", ["", "{", '["stop", {"uid": "x"}]\n'], ids=["nothing", "half a line", "a stop alone"])
def test_a_derived_journal_without_its_beginning_is_told_and_hides_no_other(data, left):
    record(data.derived_journals, a_run("part", ["b", "c"], raw_uid="two"))
    (data.derived_journals / "torn.jsonl").write_text(left)
    assert "it has no start document: which run it was made of is not known" in told_of(data, "torn")
    assert of_points(told_of(data, "part"))


def test_nothing_is_said_of_exposures_of_a_plan_that_exposes_no_plate(data):
    documents = [(name, dict(doc)) for name, doc in a_run("count", ["x", "y"]) if "readout" not in doc["uid"]]
    for _, doc in documents:
        doc.pop("purpose", None)
        if "data" in doc:
            doc["data"] = {"det": 1.0}
    record(data.raw_journals, documents)
    assert not any(each.run == "count" and "exposures" in each.says for each in verify(data).differences)
