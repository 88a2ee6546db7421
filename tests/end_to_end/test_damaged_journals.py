"""A journal that somebody mended, merged or damaged: what can be used is used and said, and the exit code tells."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.follower import process as follower
from lics_beamline.follower.status import status
from lics_beamline.journal.writer import Journal

_made = importlib.util.spec_from_file_location(
    "raw_run_made_by_hand", Path(__file__).parents[1] / "unit" / "reduction" / "conftest.py"
)
_by_hand = importlib.util.module_from_spec(_made)
sys.modules[_made.name] = _by_hand
_made.loader.exec_module(_by_hand)
raw_run, recipe = _by_hand.raw_run, _by_hand.recipe


@pytest.fixture
def recorded(raw_run):
    """A data folder with one sweep of three points."""
    data = DataFolder(raw_run.root).make()
    for descriptor in raw_run.descriptors.values():
        descriptor["run_start"] = raw_run.start["uid"]
    with Journal(data.raw_journals) as journal:
        for name, doc in raw_run.documents():
            journal(name, doc)
    return data


def journal_of(folder):
    (path,) = folder.glob("*.jsonl")
    return path


def rewrite(path, change):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


def change_one_character(path, *, of):
    content = path.read_bytes()
    place = content.index(b"AAAA", content.index(of))
    path.write_bytes(content[:place] + b"B" + content[place + 1 :])


def answer(capsys, data, *arguments):
    capsys.readouterr()
    code = main([*arguments, "--data", str(data.root)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda lines: lines + lines, id="twice"),
        pytest.param(lambda lines: [lines[-1], *lines[:-1]], id="stop first"),
        pytest.param(lambda lines: [*lines[1:-1], lines[0], lines[-1]], id="start late"),
    ],
)
def test_a_run_whose_lines_are_twice_or_elsewhere_is_reduced_once_and_the_exit_code_tells(recorded, capsys, change):
    whole = json.loads(answer(capsys, recorded, "show", "last", "--json")[1])
    rewrite(journal_of(recorded.raw_journals), change)
    code, printed, said = answer(capsys, recorded, "replay", "last", "--jobs", "1")
    assert code == 4
    assert "3 points, 0 failed" in printed
    assert f"{journal_of(recorded.raw_journals)} is damaged in line 1" in said or "there a second time" in said
    assert "lics verify" in said
    code, printed, _ = answer(capsys, recorded, "show", "last", "--json")
    assert code == 4
    assert json.loads(printed)["duty"] == whole["duty"]
    assert json.loads(printed)["events"] == whole["events"]


def test_a_changed_character_costs_its_document_and_is_named(recorded, capsys):
    change_one_character(journal_of(recorded.raw_journals), of=b'["event"')
    code, printed, said = answer(capsys, recorded, "replay", "last", "--jobs", "1")
    assert code == 4
    assert "is damaged in line" in said
    assert "its checksum is" in said
    assert "3 points, 1 failed" in printed


def test_a_replay_that_finds_nothing_of_what_was_exposed_is_no_success(recorded, capsys):
    path = journal_of(recorded.raw_journals)
    rewrite(path, lambda lines: [line for line in lines if b"readout" not in line and b"frame_path" not in line])
    code, printed, said = answer(capsys, recorded, "replay", "last")
    assert code == 4
    assert "0 points" in printed or "holds nothing" in said
    assert "3 plates were exposed" in said


@pytest.mark.parametrize("by", ["replay", "follower"])
def test_a_damaged_derived_run_is_kept_aside_and_made_anew(recorded, capsys, by):
    assert answer(capsys, recorded, "replay", "last", "--jobs", "1")[0] == 0
    path = journal_of(recorded.derived_journals)
    change_one_character(path, of=b'"event"')
    damaged = path.read_bytes()
    assert answer(capsys, recorded, "show", "last")[0] == 4
    if by == "replay":
        code, _, said = answer(capsys, recorded, "replay", "last", "--jobs", "1")
        assert code == 0
        assert f"is kept as {path.name}.damaged-1 and made anew" in said
    else:
        assert follower.main(["reduce", "--once", "--data", str(recorded.root)]) == 0
    assert path.with_name(f"{path.name}.damaged-1").read_bytes() == damaged
    code, printed, _ = answer(capsys, recorded, "show", "last", "--json")
    assert code == 0
    assert len(json.loads(printed)["points"]) == 3


def test_a_follower_uses_the_rest_of_a_damaged_journal_and_says_what_was_wrong(recorded):
    rewrite(journal_of(recorded.raw_journals), lambda lines: lines[:3] + lines[2:3] + lines[3:])
    assert follower.main(["reduce", "--once", "--data", str(recorded.root)]) == follower.RUN_FAILED
    (trouble,) = status(recorded)[0].troubles.values()
    assert "is damaged in line 4" in trouble
    assert "The other documents were used" in trouble
    assert follower.main(["reduce", "--once", "--data", str(recorded.root)]) == 0
