"""Which runs there are, and the one a person means."""

import gzip
import json
import os

import pytest

from lics_beamline.errors import RunNotFound, UnsafeName
from lics_beamline.journal.codec import Encoder
from lics_beamline.journal.head import find, heads, listing
from lics_beamline.journal.known_heads import FEWEST_NEW
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import RESERVE_NAME, Journal


def record(folder, uid, time, *, stop=True):
    with Journal(folder) as journal:
        journal("start", {"uid": uid, "time": time, "sample": {"name": "Li-Cs"}})
        if stop:
            journal("stop", {"uid": f"{uid}-s", "run_start": uid, "exit_status": "success"})


def test_heads_are_oldest_first_with_what_became_of_each(tmp_path):
    record(tmp_path, "bbbbbb-2", 20.0, stop=False)
    record(tmp_path, "aaaaaa-1", 10.0)
    with Journal(tmp_path) as journal:
        journal("start", {"uid": "cccccc-3", "time": 30.0})
        found = heads(tmp_path)
    assert [each.uid for each in found] == ["aaaaaa-1", "bbbbbb-2", "cccccc-3"]
    assert [each.finished for each in found] == [True, False, False]
    assert [each.being_written for each in found] == [False, False, True]
    assert found[0].stop["exit_status"] == "success"
    assert found[0].start["sample"] == {"name": "Li-Cs"}


def test_a_file_without_a_whole_start_is_no_run_yet(tmp_path):
    (tmp_path / "dddddd.jsonl").write_bytes(b"")
    (tmp_path / "eeeeee.jsonl").write_bytes(b'["start",{"uid":"eee')
    (tmp_path / "ffffff.jsonl").write_bytes(b"\0\0\0\n")
    assert heads(tmp_path) == []


def test_a_stop_behind_a_long_line_is_found(tmp_path):
    with Journal(tmp_path) as journal:
        journal("start", {"uid": "aaaaaa", "time": 1.0, "mask": "x" * 200_000})
        journal("stop", {"uid": "s", "run_start": "aaaaaa", "reason": "y" * 100_000})
    (head,) = heads(tmp_path)
    assert head.finished
    assert len(head.stop["reason"]) == 100_000


def test_a_torn_stop_is_no_stop(tmp_path):
    record(tmp_path, "aaaaaa", 1.0)
    path = tmp_path / "aaaaaa.jsonl"
    path.write_bytes(path.read_bytes()[:-3])
    assert not heads(tmp_path)[0].finished


def test_a_run_is_found_as_last_by_uid_and_by_prefix(tmp_path):
    record(tmp_path, "abcdef01", 10.0)
    record(tmp_path, "abcdef02", 30.0)
    record(tmp_path, "fedcba03", 20.0)
    assert find(tmp_path, "last").uid == "abcdef02"
    assert find(tmp_path, "abcdef01").uid == "abcdef01"
    assert find(tmp_path, "fedcba").uid == "fedcba03"


@pytest.mark.parametrize(
    ("name", "candidates", "says"),
    [
        ("abcdef", ["abcdef01", "abcdef02"], "2 runs begin with"),
        ("fedcb", ["abcdef01", "fedcba03", "abcdef02"], "needs 6 characters"),
        ("000000", ["abcdef01", "fedcba03", "abcdef02"], "no run answers"),
    ],
)
def test_a_name_that_is_nobodys_or_several_lists_candidates(tmp_path, name, candidates, says):
    record(tmp_path, "abcdef01", 10.0)
    record(tmp_path, "abcdef02", 30.0)
    record(tmp_path, "fedcba03", 20.0)
    with pytest.raises(RunNotFound, match=says) as error:
        find(tmp_path, name)
    assert error.value.facts["candidates"] == candidates


def test_an_empty_folder_says_so(tmp_path):
    with pytest.raises(RunNotFound, match="holds none"):
        find(tmp_path / "nothing", "last")


def write_start(folder, file_name, start):
    (folder / f"{file_name}.jsonl").write_bytes(Encoder().line("start", start))


@pytest.mark.parametrize(
    "start", [{"uid": "/etc", "time": 1.0}, {"time": 1.0}, {"uid": "zzzzzz"}, {"uid": "z", "time": "now"}]
)
def test_a_journal_that_cannot_be_used_is_left_out_with_a_warning_and_the_others_are_found(tmp_path, caplog, start):
    record(tmp_path, "aaaaaa", 1.0)
    write_start(tmp_path, "hostile", start)
    assert [each.uid for each in heads(tmp_path)] == ["aaaaaa"]
    assert find(tmp_path, "last").uid == "aaaaaa"
    assert "hostile.jsonl" in caplog.text


def test_reading_a_journal_whose_names_lead_out_is_refused(tmp_path):
    write_start(tmp_path, "hostile", {"uid": "abc", "time": 1.0, "raw_uid": "../../etc"})
    with pytest.raises(UnsafeName, match=r"hostile\.jsonl: raw_uid"):
        list(read(tmp_path / "hostile.jsonl"))


@pytest.mark.parametrize("uid", ["/tmp/elsewhere", "../elsewhere", "a/b", "", "a\0b", "x" * 300, "a\nb"])
def test_a_run_whose_uid_leads_out_is_not_recorded_anywhere(tmp_path, uid):
    folder = tmp_path / "raw"
    with Journal(folder) as journal, pytest.raises(UnsafeName):
        journal("start", {"uid": uid, "time": 1.0})
    assert [path.name for path in folder.iterdir()] == [RESERVE_NAME]
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_stop_of_another_run_ends_none(tmp_path, caplog):
    with Journal(tmp_path) as journal:
        journal("start", {"uid": "aaaaaa", "time": 1.0})
    with (tmp_path / "aaaaaa.jsonl").open("ab") as file:
        file.write(Encoder().line("stop", {"uid": "s", "run_start": "bbbbbb", "exit_status": "success"}))
    (head,) = heads(tmp_path)
    assert not head.finished
    assert "stop document belongs to run 'bbbbbb'; it is not used" in caplog.text


@pytest.mark.parametrize("copy", ["0-copy.jsonl", "zz-copy.jsonl"])
def test_a_copy_beside_its_journal_is_no_second_run(tmp_path, caplog, copy):
    record(tmp_path, "aaaaaa", 1.0)
    (tmp_path / copy).write_bytes((tmp_path / "aaaaaa.jsonl").read_bytes())
    (head,) = heads(tmp_path)
    assert head.path == tmp_path / "aaaaaa.jsonl"
    assert f"{copy} is left out: it is of the same run as {tmp_path / 'aaaaaa.jsonl'}" in caplog.text


@pytest.mark.parametrize(
    ("remake", "says"),
    [
        (gzip.compress, "compressed by gzip; gunzip it"),
        (lambda content: b"\xef\xbb\xbf" + content, "byte-order mark"),
        (lambda content: content.decode().encode("utf-16"), "text in UTF-16"),
        (lambda content: content.replace(b"\n", b"\r\n"), "end as those of Windows"),
        (lambda content: json.dumps([json.loads(line) for line in content.splitlines()], indent=1).encode(), "no JSON"),
        (lambda content: content.replace(b'"Li-Cs"', b'"\\ud800"').replace(b',"', b', "'), "half of a surrogate pair"),
    ],
    ids=["gzip", "BOM", "UTF-16", "CRLF", "pretty", "surrogate"],
)
def test_a_journal_that_somebody_made_something_else_of_is_told_by_what_it_is(tmp_path, caplog, remake, says):
    record(tmp_path, "aaaaaa", 1.0)
    path = tmp_path / "aaaaaa.jsonl"
    path.write_bytes(remake(path.read_bytes()))
    assert heads(tmp_path) == []
    assert says in caplog.text
    assert not any(words in caplog.text for words in ("codec", "Expecting", "char 0"))


def test_a_journal_that_is_as_it_was_at_the_last_look_is_not_read_again_and_one_that_changed_is(tmp_path, monkeypatch):
    monkeypatch.setenv("LICS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "raw"
    for number in range(FEWEST_NEW):
        record(folder, f"aaaa{number:04d}", float(number))
    first = listing(folder).entries
    assert [(each.uid, each.path, each.time) for each in first] == [
        (each.uid, each.path, each.time) for each in heads(folder)
    ]
    spoilt = folder / "aaaa0003.jsonl"
    when = spoilt.stat()
    spoilt.write_bytes(b"x" * when.st_size)
    os.utime(spoilt, ns=(when.st_atime_ns, when.st_mtime_ns))
    assert listing(folder).entries == first
    with pytest.raises(RunNotFound):  # what is given out is read
        find(folder, "aaaa0003")
    os.utime(spoilt, ns=(when.st_atime_ns, when.st_mtime_ns + 1))
    record(folder, "bbbb0000", 3.5)
    assert [each.uid for each in listing(folder).entries][2:5] == ["aaaa0002", "bbbb0000", "aaaa0004"]
    for kept in (tmp_path / "cache").rglob("*.json"):
        kept.write_text("[]")
    assert len(listing(folder).entries) == FEWEST_NEW


def test_a_folder_that_is_a_link_to_itself_has_no_journals(tmp_path):
    (tmp_path / "raw").symlink_to("raw")
    assert heads(tmp_path / "raw") == []
