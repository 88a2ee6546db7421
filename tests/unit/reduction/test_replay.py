import json

import pytest

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.exports.recorded_run import read_run
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal
from lics_beamline.reduction.recipe import REDUCTION_REVISION


@pytest.fixture
def recorded(raw_run):
    """Two sweeps, the second without a recipe and without a plate."""
    data = DataFolder(raw_run.root).make()
    for descriptor in raw_run.descriptors.values():
        descriptor["run_start"] = raw_run.start["uid"]
    with Journal(data.raw_journals) as journal:
        for name, doc in raw_run.documents():
            journal(name, doc)
        journal("start", {"uid": "bare-sweep", "time": 2.0, "purpose": "sweep"})
        journal("stop", {"uid": "s", "run_start": "bare-sweep", "time": 2.0, "exit_status": "success"})
    return data


def lics(*arguments, data):
    return main([*arguments, "--data", str(data.root)])


def test_a_run_is_replayed_once_and_then_said_to_be_reduced_already(recorded, raw_run, capsys):
    uid = raw_run.start["uid"]
    assert lics("replay", uid, "--jobs", "1", data=recorded) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 5  # heading, three points, a summary
    assert said[-1].startswith("3 points, 0 failed: ")
    (derived,) = heads(recorded.derived_journals)
    before = derived.path.read_bytes()
    assert lics("replay", uid, "--jobs", "1", data=recorded) == 0
    assert capsys.readouterr().out.startswith("already reduced by this recipe: 3 points")
    assert derived.path.read_bytes() == before


def test_a_reduction_is_told_from_the_run_it_was_made_of(recorded, raw_run, capsys):
    uid = raw_run.start["uid"]
    assert lics("replay", uid, "--jobs", "1", data=recorded) == 0
    (derived,) = heads(recorded.derived_journals)
    capsys.readouterr()
    assert lics("replay", derived.uid[:8], data=recorded) == 2
    assert f"run {derived.uid} is a reduction of run {uid}: name that one" in capsys.readouterr().err


def test_a_run_that_is_nowhere_is_said_to_be_so_before_a_catalog_that_cannot_be_asked(recorded, capsys):
    (recorded.catalog).mkdir(exist_ok=True)
    (recorded.catalog / "catalog.db").write_bytes(b"no database" * 1000)
    assert lics("replay", "0abc1234", data=recorded) == 2
    said = capsys.readouterr().err
    assert said.startswith("lics replay: no run answers to '0abc1234' among 2 in ")
    assert "Perhaps the catalog has it: no run of " in said


def test_plates_that_were_lost_after_a_run_was_reduced_are_named_with_what_to_do(recorded, raw_run, capsys):
    uid = raw_run.start["uid"]
    assert lics("replay", uid, "--jobs", "1", data=recorded) == 0
    capsys.readouterr()
    lost = sorted((recorded.root / "plates").rglob("*.osc"))[1:]
    for plate in lost:
        plate.unlink()
    assert lics("replay", uid, "--jobs", "1", data=recorded) == 4
    printed, said = capsys.readouterr()
    assert printed.startswith("already reduced by this recipe: 3 points")
    assert f"{len(lost)} of {len(lost) + 1} plates are not there any more" in said
    assert all(str(plate.relative_to(recorded.root)) in said for plate in lost)
    assert "Restore them from a copy" in said


def test_a_reduction_of_an_earlier_revision_opens_and_is_made_anew_beside_it(recorded, raw_run, capsys):
    uid, earlier_uid = raw_run.start["uid"], "88888888-1111-5222-8333-444444444444"
    assert lics("replay", uid, "--jobs", "1", data=recorded) == 0
    (made,) = heads(recorded.derived_journals)
    documents = list(read(made.path))
    made.path.unlink()
    changed = {"start": {"uid": earlier_uid, "reduction_revision": 8}, "descriptor": {"run_start": earlier_uid}}
    changed["stop"] = changed["descriptor"]
    with Journal(recorded.derived_journals) as journal:
        for name, doc in documents:
            journal(name, {**doc, **changed.get(name, {})})
    (earlier,) = heads(recorded.derived_journals)
    before = earlier.path.read_bytes()
    assert read_run(earlier.uid, recorded).derived.start["reduction_revision"] == 8
    assert len(reduced_run(read(earlier.path)).points) == 3
    assert lics("replay", uid, "--jobs", "1", data=recorded) == 0
    assert earlier.path.read_bytes() == before
    assert {head.start["reduction_revision"] for head in heads(recorded.derived_journals)} == {8, REDUCTION_REVISION}
    capsys.readouterr()
    assert lics("show", uid, data=recorded) == 0
    said = capsys.readouterr().out
    assert "revision 8" in said
    assert f"revision {REDUCTION_REVISION}" in said


def test_all_sweeps_are_replayed_and_one_that_cannot_be_is_named(recorded, raw_run, capsys):
    assert lics("replay", "all", "--jobs", "1", "--json", data=recorded) == 4
    said = capsys.readouterr()
    assert [run["raw_uid"] for run in json.loads(said.out)] == [raw_run.start["uid"]]
    assert "run bare-swe is left out: the raw run carries no recipe" in said.err


def test_jobs_and_a_cluster_are_not_asked_for_together(recorded, capsys):
    with pytest.raises(SystemExit):
        lics("replay", "last", "--jobs", "2", "--dask", "tcp://127.0.0.1:8786", data=recorded)
    assert "not allowed with argument --jobs" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        lics("replay", "last", "--jobs", "0", data=recorded)
    assert "0 is not within 1 and 1024" in capsys.readouterr().err
