"""The list of runs says when it is not whole."""

import json

import pytest

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal


@pytest.fixture
def data(tmp_path):
    made = DataFolder(tmp_path).make()
    with Journal(made.raw_journals) as journal:
        journal("start", {"uid": "aaaaaa", "time": 1.0, "purpose": "sweep"})
        journal("stop", {"uid": "s", "run_start": "aaaaaa", "time": 2.0, "exit_status": "success"})
    return made


def listed(data, capsys, *options):
    code = main(["runs", *options, "--data", str(data.root)])
    return code, *capsys.readouterr()


def test_a_whole_list_is_done(data, capsys):
    assert listed(data, capsys)[::2] == (0, "")


@pytest.mark.parametrize("folder", ["raw_journals", "derived_journals"])
def test_a_list_that_lacks_a_damaged_journal_says_so_also_to_a_script(data, capsys, folder):
    (getattr(data, folder) / "bbbbbb.jsonl").write_bytes(b'["start", {"uid": "bbb\n')
    code, printed, said = listed(data, capsys)
    assert (code, printed.count("\n")) == (4, 1)
    assert "a damaged journal is left out. lics verify says what is lost" in said
    code, printed, said = listed(data, capsys, "--json")
    assert code == 4
    assert [row["uid"] for row in json.loads(printed)] == ["aaaaaa"]
    assert "is left out" in said


def test_a_folder_of_damaged_journals_only_is_not_said_to_hold_no_runs(data, capsys):
    for path in data.raw_journals.glob("*.jsonl"):
        path.write_bytes(b'["start", {"uid": "bbb\n')
    code, printed, said = listed(data, capsys)
    assert (code, printed) == (4, "")
    assert "left out" in said
