"""Reading what is there, following what comes."""

import json
import subprocess
import sys
import textwrap
import threading

import pytest
from child import child

from lics_beamline.errors import JournalError
from lics_beamline.journal.reader import Tail, follow, read
from lics_beamline.journal.writer import Journal

DOCUMENTS = [
    ("start", {"uid": "aaaaaa", "time": 1.0}),
    ("descriptor", {"uid": "d", "run_start": "aaaaaa", "name": "approach"}),
    *[("event", {"uid": f"e{index}", "descriptor": "d", "data": {"index": index}}) for index in range(4)],
    ("stop", {"uid": "s", "run_start": "aaaaaa"}),
]


@pytest.fixture
def path(tmp_path):
    with Journal(tmp_path) as journal:
        for name, doc in DOCUMENTS:
            journal(name, doc)
    return tmp_path / "aaaaaa.jsonl"


@pytest.mark.parametrize("torn", [1, 2, 30])
def test_a_torn_last_line_is_left_out(path, torn):
    path.write_bytes(path.read_bytes()[:-torn])
    assert list(read(path)) == DOCUMENTS[:-1]


def test_a_damaged_last_line_is_left_out(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + b"\0\0\0\n")
    assert list(read(path)) == DOCUMENTS[:-1]


@pytest.mark.parametrize("after", [b"", b'["event",{"uid'])
def test_a_damaged_line_in_the_middle_names_file_and_line_and_the_others_are_given(path, after, caplog):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = b"\0" * 20 + lines[2][20:]
    path.write_bytes(b"".join(lines[:4]) + after)
    assert list(read(path)) == [*DOCUMENTS[:2], DOCUMENTS[3]]
    assert f"{path} is damaged in line 3: its checksum is" in caplog.text
    with Tail(path) as tail:
        assert len(list(tail.documents())) == 3
        assert [(fault.path, fault.line) for fault in tail.faults] == [(path, 3)]


def old(line):
    """Return a line as it was written before there were checksums."""
    return json.dumps(json.loads(line)[:2], separators=(",", ":")).encode() + b"\n"


def test_a_journal_of_before_there_were_checksums_is_read_as_it_is(path, caplog):
    path.write_bytes(b"".join(old(line) for line in path.read_bytes().splitlines()))
    assert list(read(path)) == DOCUMENTS
    assert caplog.text == ""


def test_whichever_character_of_a_line_is_changed_it_is_noticed(path, caplog):
    lines = path.read_bytes().splitlines(keepends=True)
    for place in range(len(lines[3]) - 1):
        for bit in (1, 32):
            changed = bytearray(lines[3])
            changed[place] ^= bit
            path.write_bytes(b"".join([*lines[:3], changed, *lines[4:]]))
            caplog.clear()
            assert list(read(path)) == [*DOCUMENTS[:3], *DOCUMENTS[4:]]
            assert "is damaged in line 4" in caplog.text


def test_a_last_line_that_was_changed_is_named_though_one_that_was_torn_is_not(path, caplog):
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    assert list(read(path)) == DOCUMENTS[:-1]
    assert caplog.text == ""
    path.write_bytes(whole.replace(b'"run_start":"aaaaaa"},', b'"run_start":"aaaaab"},'))
    list(read(path))
    assert "is damaged in line 7" in caplog.text


def test_a_journal_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(JournalError, match="cannot be opened"):
        list(read(tmp_path / "none.jsonl"))


def test_a_tail_goes_on_where_it_was_even_within_a_line(path):
    whole = path.read_bytes()
    path.write_bytes(b"")
    seen = []
    with Tail(path) as tail, path.open("ab", buffering=0) as file:
        for start in range(0, len(whole), 7):
            file.write(whole[start : start + 7])
            assert tail.behind() == whole[: start + 7].count(b"\n") - tail.line
            seen.extend(tail.documents())
            assert len(seen) == tail.line == whole[: start + 7].count(b"\n")
        assert tail.finished
    assert seen == DOCUMENTS


def test_a_tail_can_be_left_after_any_document(path):
    with Tail(path) as tail:
        seen = [next(tail.documents()) for _ in DOCUMENTS]
    assert seen == DOCUMENTS


def test_following_sees_documents_while_another_process_writes_them(tmp_path):
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from lics_beamline.journal.writer import Journal
        journal = Journal(Path(sys.argv[1]))
        for line in sys.stdin:
            journal(*eval(line))
            print("written", flush=True)
        """
    )
    with child(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:

        def write(pair):
            writer.stdin.write(f"{pair!r}\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "written\n"

        write(DOCUMENTS[0])
        following = follow(tmp_path / "aaaaaa.jsonl", until_writer_gone=True)
        assert next(following) == DOCUMENTS[0]
        for pair in DOCUMENTS[1:-1]:
            write(pair)
            assert next(following) == pair
        writer.stdin.close()  # ends without a stop document
        assert list(following) == []


def test_following_ends_at_the_stop_document_though_nobody_says_so(path):
    assert list(follow(path)) == DOCUMENTS


def test_following_ends_when_told_to_after_reading_what_is_there(path):
    path.write_bytes(path.read_bytes()[:-1])
    told = threading.Event()
    following = follow(path, stop=told.is_set)
    seen = [next(following)]
    told.set()
    assert seen + list(following) == DOCUMENTS[:-1]
