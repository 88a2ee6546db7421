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
from lics_beamline.journal.reader import read
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


def leave_out_a_point(documents):
    return [*documents[:-2], documents[-1]]


def never_kept(documents):
    return documents[:-2]


def never_begun(documents):
    return documents[:0]


@pytest.mark.parametrize(
    ("left", "by"),
    [
        (leave_out_a_point, "replay"),
        (never_kept, "replay"),
        (never_kept, "follower"),
        (never_begun, "follower"),
    ],
)
def test_a_derived_run_that_a_disk_did_not_keep_whole_is_made_whole_as_verify_says(recorded, capsys, left, by):
    assert answer(capsys, recorded, "replay", "last", "--jobs", "1")[0] == 0
    path = journal_of(recorded.derived_journals)
    documents = list(read(path))
    path.write_bytes(b"")
    with Journal(recorded.derived_journals, resume=True) as journal:
        for name, doc in left(documents):
            journal(name, doc)
    code, differences, _ = verified(capsys, recorded)
    assert code == 4
    assert "lics replay" in differences[0]["remedy"]
    if by == "replay":
        assert answer(capsys, recorded, "replay", "last", "--jobs", "1")[0] == 0
    else:
        assert follower.main(["reduce", "--once", "--data", str(recorded.root)]) == 0
    assert verified(capsys, recorded)[:2] == (0, [])
    assert [name for name, _ in read(path)] == [name for name, _ in documents]


def test_a_follower_uses_the_rest_of_a_damaged_journal_and_says_what_was_wrong(recorded):
    rewrite(journal_of(recorded.raw_journals), lambda lines: lines[:3] + lines[2:3] + lines[3:])
    assert follower.main(["reduce", "--once", "--data", str(recorded.root)]) == follower.RUN_FAILED
    (trouble,) = status(recorded)[0].troubles.values()
    assert "is damaged in line 4" in trouble
    assert "The other documents were used" in trouble
    assert follower.main(["reduce", "--once", "--data", str(recorded.root)]) == 0


def verified(capsys, data, *runs):
    code, printed, _ = answer(capsys, data, "verify", "--json", *runs)
    found = json.loads(printed)
    assert found["well"] == (code == 0)
    assert all(each["remedy"] for each in found["differences"])
    return code, found["differences"], found


def all_files(data):
    return {path: path.read_bytes() for path in data.root.rglob("*") if path.is_file()}


@pytest.fixture
def reduced(recorded, capsys):
    """The same, reduced."""
    assert answer(capsys, recorded, "replay", "last", "--jobs", "1")[0] == 0
    return recorded


def test_what_is_as_it_was_recorded_is_said_to_be_so_and_nothing_is_written(reduced, capsys):
    before = all_files(reduced)
    code, differences, found = verified(capsys, reduced)
    assert (code, differences) == (0, [])
    assert (found["runs"], found["plates"]) == (2, 3)
    assert all_files(reduced) == before
    assert "all is as it was recorded" in answer(capsys, reduced, "verify", "last")[1]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "the plate is not there"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), ""),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x7f"), "was recorded with"),
    ],
)
def test_a_plate_that_is_gone_torn_or_another_one_is_named(reduced, raw_run, capsys, spoil, says):
    recorded_path = raw_run.points[1][1]["data"]["frame_path"]
    spoil(reduced.root / recorded_path)
    code, (difference,), _ = verified(capsys, reduced)
    assert code == 4
    assert difference["where"] == recorded_path
    assert says in difference["says"]


@pytest.mark.parametrize("kind", ["raw", "derived"])
def test_each_line_that_is_not_as_it_was_written_is_named(reduced, capsys, kind):
    path = journal_of(reduced.raw_journals if kind == "raw" else reduced.derived_journals)
    change_one_character(path, of=b'["event"')
    code, differences, _ = verified(capsys, reduced)
    assert code == 4
    assert f"{path} line" in differences[0]["where"]
    assert "its checksum is" in differences[0]["says"]
    assert ("from a copy" in differences[0]["remedy"]) == (kind == "raw")


def test_a_line_put_in_by_hand_without_a_checksum_is_named(reduced, capsys):
    path = journal_of(reduced.raw_journals)
    rewrite(path, lambda lines: [*lines[:-2], json.dumps(json.loads(lines[-2])[:2]).encode() + b"\n", lines[-1]])
    code, (difference,), _ = verified(capsys, reduced)
    assert code == 4
    assert "1 lines have no checksum" in difference["says"]


@pytest.mark.parametrize("name", ["0-copy", "z-copy"])  # before the journal in the order of names, and after it
def test_a_copy_beside_its_journal_is_named_and_counts_for_nothing(reduced, capsys, name):
    path = journal_of(reduced.raw_journals)
    path.with_name(f"{name}.jsonl").write_bytes(path.read_bytes())
    code, (difference,), _ = verified(capsys, reduced)
    assert code == 4
    assert f"{name}.jsonl" in difference["where"]
    assert f"whose journal is called {path.name}" in difference["says"]
    assert answer(capsys, reduced, "runs")[1].count(path.stem[:8]) == 2  # the run, and what was reduced from it


def test_a_journal_among_those_of_the_other_kind_is_named(reduced, capsys):
    path = journal_of(reduced.derived_journals)
    path.rename(reduced.raw_journals / path.name)
    code, differences, _ = verified(capsys, reduced)
    assert code == 4
    assert any(f"Move it to {reduced.derived_journals}" in each["remedy"] for each in differences)


def test_an_empty_line_loses_nothing_and_is_told_as_one(recorded, capsys):
    rewrite(journal_of(recorded.raw_journals), lambda lines: [lines[0], b"\n", *lines[1:]])
    code, printed, said = answer(capsys, recorded, "show", "last")
    assert code == 4
    assert "line 2: it is empty" in said
    assert "Expecting" not in printed + said


def test_a_damaged_start_is_named_though_the_run_cannot_be_used(reduced, capsys):
    path = journal_of(reduced.raw_journals)
    rewrite(path, lambda lines: [lines[0].replace(b"sweep", b"swoop", 1), *lines[1:]])
    code, differences, _ = verified(capsys, reduced)
    assert code == 4
    assert {each["where"] for each in differences} >= {f"{path} line 1", str(journal_of(reduced.derived_journals))}
    assert any("that it was made of is not here, or cannot be used" in each["says"] for each in differences)
    assert verified(capsys, reduced, path.stem)[0] == 4


def test_points_that_were_not_reduced_and_a_recipe_that_is_another_one_are_named(reduced, capsys):
    path = journal_of(reduced.derived_journals)
    whole = list(read(path))
    start, stop = whole[0][1], whole[-1][1]
    start["recipe_digest"] = "0" * 64
    stop["num_events"]["primary"] = 2
    path.unlink()
    with Journal(reduced.derived_journals) as journal:
        for name, doc in (*whole[:-2], whole[-1]):
            journal(name, doc)
    code, differences, _ = verified(capsys, reduced)
    assert code == 4
    said = " ".join(each["says"] for each in differences)
    assert "1 of 3 points of its raw run are not in it" in said
    assert "its recipe has the digest" in said


def test_a_run_that_was_cut_off_is_a_note_and_no_difference(reduced, capsys):
    path = journal_of(reduced.raw_journals)
    path.write_bytes(path.read_bytes()[:-40])
    code, differences, found = verified(capsys, reduced)
    assert (code, differences) == (0, [])
    assert any("its last line is torn" in each["says"] for each in found["notes"])


def test_a_run_that_is_not_there_and_a_folder_without_journals_are_usage(reduced, tmp_path, capsys):
    code, _, said = answer(capsys, reduced, "verify", "zzzzzzzz")
    assert (code, "no run answers" in said) == (2, True)
    code, _, said = answer(capsys, DataFolder(tmp_path / "nowhere"), "verify")
    assert (code, "holds no journals" in said) == (2, True)


def test_plates_on_a_bigger_disk_are_reduced_and_verified(recorded, tmp_path, capsys):
    disk = tmp_path / "bigger disk"
    recorded.plates.rename(disk)
    recorded.plates.symlink_to(disk)
    code, printed, _ = answer(capsys, recorded, "replay", "last", "--jobs", "1")
    assert (code, "3 points, 0 failed" in printed) == (0, True)
    assert verified(capsys, recorded)[0] == 0


HOSTILE = "a\nFAKE  2026-01-01\x1b[2J\x9b31m\u202eb"


def test_no_name_in_a_journal_moves_the_cursor_or_adds_a_line_to_what_is_told(reduced, capsys):
    for folder in (reduced.raw_journals, reduced.derived_journals):
        path = journal_of(folder)
        documents = list(read(path))
        documents[0][1].update(title=HOSTILE, operator=HOSTILE, sample={"name": HOSTILE})
        documents[-1][1].update(reason=HOSTILE)
        path.unlink()
        with Journal(folder) as journal:
            for name, doc in documents:
                journal(name, doc)
    (reduced.root / "guard-tripped.json").write_text(json.dumps({"when": HOSTILE, "cause": HOSTILE, "says": HOSTILE}))
    for verb in (["runs"], ["show", "last"], ["guard"]):
        _, printed, said = answer(capsys, reduced, *verb)
        assert "FAKE" in printed
        assert not any(line.startswith("FAKE") for line in printed.splitlines())
        assert not any(each in printed + said for each in "\x1b\x9b\u202e")
