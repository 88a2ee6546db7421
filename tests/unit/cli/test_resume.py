"""What `lics resume` goes on with, and what it refuses before anything is started or moved."""

import json

import pytest
from faults.states import RAW, SWEEP, sweep_documents

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.head import head
from lics_beamline.journal.writer import Journal
from lics_beamline.schema import APPROACH

OLD, NEW = "aaaaaaaa-1111-4111-8111-111111111111", "bbbbbbbb-2222-4222-8222-222222222222"


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data").make()


def recorded(data, uid, *, time=1.7e9, moved=True, ended="", profile="simulated", **start):
    """Record a sweep of its own that was cut off, or has ended somehow, before or after it moved the cell."""
    said = json.loads(json.dumps(list(sweep_documents())).replace(RAW, uid).replace(SWEEP, f"s{uid[1:]}"))
    with Journal(data.raw_journals) as journal:
        for name, doc in said:
            if name == "start":
                doc |= {"time": time, "profile": {"name": profile, "digest": "0"}} | start
            elif not moved and APPROACH in (doc.get("name"), doc["uid"].partition("-")[2]):
                continue
            journal(name, doc)
        if ended:
            journal("stop", {"uid": f"{uid}-s", "run_start": uid, "time": time + 9.0, "exit_status": ended})
    return data.raw_journals / f"{uid}.jsonl"


def resume(data, *arguments):
    return main(["resume", *arguments, "--yes", "--followers", "none", "--data", str(data.root)])


@pytest.mark.parametrize(
    ("ended", "later_s"),
    [("", 3600.0), ("success", 3600.0), pytest.param("", -3600.0, id="the clock was set back in between")],
)
def test_a_sweep_after_which_another_one_has_moved_the_cell_is_not_gone_on_with(data, capsys, ended, later_s):
    path = recorded(data, OLD, scan_id=1)
    recorded(data, NEW, time=1.7e9 + later_s, ended=ended, scan_id=2)
    before = path.read_bytes()
    assert resume(data, OLD[:8]) == 2
    said = capsys.readouterr().err
    assert "bbbbbbbb" in said
    assert "has moved the cell since" in said
    assert "a sweep of its own" in said
    assert path.read_bytes() == before
    assert not (data.logs / "session.lock").exists(), "nothing was started"


def test_a_sweep_that_moved_nothing_is_no_reason_against_going_on_with_an_earlier_one(data, capsys):
    recorded(data, OLD)
    recorded(data, NEW, time=1.7e9 + 3600.0, moved=False)
    assert resume(data, OLD[:8], "--profile", "bl10xu") == 2  # the profile is what it is refused for
    assert "moved the cell" not in capsys.readouterr().err


def test_a_sweep_goes_on_at_the_beamline_where_it_was_begun(data, capsys):
    recorded(data, OLD)
    assert resume(data, "--profile", "bl10xu") == 2
    said = capsys.readouterr().err
    assert "'simulated'" in said
    assert "of another beamline" in said


def test_a_profile_that_is_not_found_by_its_name_is_asked_for_by_its_folder(data, capsys):
    recorded(data, OLD, profile="gone")
    assert resume(data) == 2
    assert "--profile FOLDER" in capsys.readouterr().err


def test_a_sweep_that_ended_well_needs_neither_its_profile_nor_its_beamline(data, capsys):
    path = recorded(data, OLD, ended="success", profile="gone")
    assert resume(data) == 0
    assert "nothing to go on with" in capsys.readouterr().out
    assert head(path).exit_status == "success"
    assert not (data.logs / "session.lock").exists(), "nothing was started"


def test_a_sweep_is_gone_on_with_where_it_was_though_the_clock_was_set_back_in_between(data, capsys):
    recorded(data, OLD, ended="abort", profile="gone")
    recorded(data, NEW, time=1.7e9 - 3600.0, ended="success", profile="gone", sweep_uid=f"s{OLD[1:]}", resumes=OLD)
    for name in ("last", OLD[:8], NEW[:8]):
        assert resume(data, name) == 0
        assert f"run {NEW[:8]} has ended well" in capsys.readouterr().out


def test_a_sweep_of_another_data_folder_is_not_found(data, tmp_path, capsys):
    recorded(DataFolder(tmp_path / "other").make(), OLD)
    assert resume(data, OLD) == 2
    assert "no run answers" in capsys.readouterr().err
