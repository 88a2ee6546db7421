"""Record or stop: what the call accepted is in the file, whatever happens next."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from lics_beamline.errors import Busy, JournalError
from lics_beamline.journal.lock import is_held, sole
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import RESERVE_BYTES, RESERVE_NAME, Journal

POINTS = 5


def run_of(uid, points=POINTS, stream="primary"):
    """All documents of a small run with an image plate."""
    yield "start", {"uid": uid, "time": 1.0, "purpose": "sweep"}
    yield "descriptor", {"uid": f"{uid}-d", "run_start": uid, "name": stream, "data_keys": {}, "time": 1.0}
    yield "resource", {"uid": f"{uid}-r", "run_start": uid, "spec": "RAXIS_OSC_SEQ", "root": ""}
    for index in range(points):
        yield "datum", {"datum_id": f"{uid}-r/{index}", "resource": f"{uid}-r", "datum_kwargs": {"point_number": index}}
        yield (
            "event",
            {
                "uid": f"{uid}-e{index}",
                "descriptor": f"{uid}-d",
                "seq_num": index + 1,
                "data": {"load_bar": 0.1 * index},
            },
        )
    yield "stop", {"uid": f"{uid}-s", "run_start": uid, "time": 2.0, "exit_status": "success"}


def write_all(journal, documents):
    for name, doc in documents:
        journal(name, doc)


def test_a_run_comes_back_in_order(tmp_path):
    with Journal(tmp_path) as journal:
        write_all(journal, run_of("aaaaaa"))
    assert list(read(tmp_path / "aaaaaa.jsonl")) == list(run_of("aaaaaa"))


def test_who_may_write_a_journal_its_reserve_and_a_lock_is_said_by_the_umask(tmp_path):
    before = os.umask(0o002)  # of people who share a folder by their group
    try:
        with Journal(tmp_path) as journal, sole(tmp_path / "work.lock", what="work"):
            write_all(journal, run_of("aaaaaa"))
    finally:
        os.umask(before)
    files = ("aaaaaa.jsonl", RESERVE_NAME, "work.lock")
    assert {name: (tmp_path / name).stat().st_mode & 0o777 for name in files} == dict.fromkeys(files, 0o664)


def test_a_document_is_in_the_file_when_the_call_returns(tmp_path):
    with Journal(tmp_path) as journal:
        for count, (name, doc) in enumerate(run_of("aaaaaa"), start=1):
            journal(name, doc)
            assert len(list(read(tmp_path / "aaaaaa.jsonl"))) == count


def test_interleaved_runs_do_not_mix(tmp_path):
    with Journal(tmp_path) as journal:
        for pair in zip(run_of("aaaaaa"), run_of("bbbbbb"), strict=True):
            write_all(journal, pair)
    assert list(read(tmp_path / "aaaaaa.jsonl")) == list(run_of("aaaaaa"))
    assert list(read(tmp_path / "bbbbbb.jsonl")) == list(run_of("bbbbbb"))


def test_a_run_is_locked_from_start_to_stop(tmp_path):
    path = tmp_path / "aaaaaa.jsonl"
    with Journal(tmp_path) as journal:
        *most, last = run_of("aaaaaa")
        write_all(journal, most)
        assert is_held(path)
        with pytest.raises(Busy, match="another process"), Journal(tmp_path, resume=True) as second:
            second(*most[0])
        journal(*last)
        assert not is_held(path)


def test_closing_lets_go_of_a_run_without_stop(tmp_path):
    with Journal(tmp_path) as journal:
        write_all(journal, list(run_of("aaaaaa"))[:4])
        assert is_held(tmp_path / "aaaaaa.jsonl")
    assert not is_held(tmp_path / "aaaaaa.jsonl")


def test_a_second_run_with_the_same_uid_is_refused(tmp_path):
    with Journal(tmp_path) as journal:
        write_all(journal, run_of("aaaaaa"))
        with pytest.raises(JournalError, match="recorded before"):
            write_all(journal, run_of("aaaaaa"))
    assert list(read(tmp_path / "aaaaaa.jsonl")) == list(run_of("aaaaaa"))


def test_a_document_of_an_unknown_run_is_refused(tmp_path):
    with Journal(tmp_path) as journal, pytest.raises(JournalError, match="belongs to no run"):
        journal("event", {"uid": "e", "descriptor": "nobody", "data": {}})


@pytest.mark.parametrize("kept", range(1, 2 * POINTS + 5))
def test_resuming_after_any_document_writes_each_exactly_once(tmp_path, kept):
    with Journal(tmp_path) as journal:
        write_all(journal, list(run_of("aaaaaa"))[:kept])
    with Journal(tmp_path, resume=True) as journal:
        write_all(journal, run_of("aaaaaa"))
    assert list(read(tmp_path / "aaaaaa.jsonl")) == list(run_of("aaaaaa"))


@pytest.mark.parametrize("cut", [1, 20, 80, 100, 150, 350, 600])
def test_resuming_cuts_off_a_torn_line(tmp_path, cut):
    path = tmp_path / "aaaaaa.jsonl"
    with Journal(tmp_path) as journal:
        write_all(journal, run_of("aaaaaa"))
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(tmp_path, resume=True) as journal:
        write_all(journal, run_of("aaaaaa"))
    assert list(read(path)) == list(run_of("aaaaaa"))


def test_resuming_goes_over_zeros_left_by_a_power_cut(tmp_path):
    path = tmp_path / "aaaaaa.jsonl"
    with Journal(tmp_path) as journal:
        write_all(journal, list(run_of("aaaaaa"))[:6])
    with path.open("ab") as file:
        file.write(b"\0" * 300 + b"\n")
    with Journal(tmp_path, resume=True) as journal:
        write_all(journal, run_of("aaaaaa"))
    assert list(read(path)) == list(run_of("aaaaaa"))


def test_a_new_document_for_a_finished_run_is_refused(tmp_path):
    with Journal(tmp_path) as journal:
        write_all(journal, run_of("aaaaaa", points=2))
    with Journal(tmp_path, resume=True) as journal, pytest.raises(JournalError, match="ends with a stop"):
        write_all(journal, run_of("aaaaaa", points=3))


def test_an_unwritable_document_stops_the_run_but_not_its_stop_document(tmp_path):
    with Journal(tmp_path) as journal:
        documents = list(run_of("aaaaaa"))
        write_all(journal, documents[:3])
        with pytest.raises(JournalError, match="cannot be written"):
            journal("event", {"uid": "bad", "descriptor": "aaaaaa-d", "data": {"load_bar": threading.Lock()}})
        with pytest.raises(JournalError, match="cannot be written"):
            journal(*documents[4])
        journal(*documents[-1])
    assert list(read(tmp_path / "aaaaaa.jsonl")) == [*documents[:3], documents[-1]]


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path):
    """A process writes, says after each document that it is written, and is killed at once."""
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from lics_beamline.journal.writer import Journal
        journal = Journal(Path(sys.argv[1]))
        journal("start", {"uid": "aaaaaa", "time": 1.0})
        journal("descriptor", {"uid": "d", "run_start": "aaaaaa", "name": "approach"})
        index = 0
        while True:
            journal("event", {"uid": f"e{index}", "descriptor": "d", "data": {"index": index}})
            print(index, flush=True)
            index += 1
        """
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        for line in writer.stdout:
            if int(line) >= 500:
                break
        assert is_held(tmp_path / "aaaaaa.jsonl")
        writer.kill()
        acknowledged = int([line, *writer.stdout][-1])
        assert writer.wait() == -signal.SIGKILL
    events = [doc["data"]["index"] for name, doc in read(tmp_path / "aaaaaa.jsonl") if name == "event"]
    assert events == list(range(len(events)))
    assert events[-1] >= acknowledged >= 500
    assert not is_held(tmp_path / "aaaaaa.jsonl")


def in_subprocess(program, *arguments, wrapper=(), limit=None):
    """Run a program of its own with this test's documents at hand; return its standard output."""
    prelude = "import sys\nsys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\nfrom test_writer import *\n"
    here = __file__.rpartition("/")[0]
    done = subprocess.run(
        [*wrapper, sys.executable, "-c", prelude + textwrap.dedent(program), here, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FILL_A_RUN = """
import contextlib
folder = Path(sys.argv[2])
*most, (_, stop) = run_of("aaaaaa", points=0)
big = {"uid": "big", "descriptor": "aaaaaa-d", "data": {"spectrum": np.zeros(30_000)}}
journal = Journal(folder)
write_all(journal, most)
try:
    for index in range(1000):
        journal("event", big | {"uid": f"big-{index}"})
except JournalError as error:
    print(error)
    print(sorted(error.facts))
try:
    journal("event", {"uid": "small", "descriptor": "aaaaaa-d", "data": {}})
except JournalError:
    print("refused")
"""
STOP_WITH_NO_SPACE_LEFT = """
with contextlib.suppress(OSError), (folder / "somebody-else").open("wb", buffering=0) as file:
    while True:
        file.write(bytes(512))
stop["reason"] = "x" * 10_000  # more than may be left in the last block of the journal
stop["num_events"] = {"primary": 10_000}  # what the engine sent
journal("stop", stop)
found = list(read(folder / "aaaaaa.jsonl"))
assert found[-1] == ("stop", stop | {"num_events": {"primary": len(found) - 4}})
assert [doc["uid"] for name, doc in found if name == "event"] == [f"big-{i}" for i in range(len(found) - 4)]
print(len(found) > 5, (folder / RESERVE_NAME).exists())
"""


def test_on_a_full_disk_the_run_stops_and_its_stop_document_fits(tmp_path):
    mounted = (
        *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
        f'mount -t tmpfs -o size=4m tmpfs "{tmp_path}" && exec "$@"',
        "sh",
    )
    possible = subprocess.run([*mounted, "true"], capture_output=True, check=False)
    if possible.returncode:
        pytest.skip("this system lets nobody but root mount a small disk")
    said = in_subprocess(FILL_A_RUN + STOP_WITH_NO_SPACE_LEFT, tmp_path, wrapper=mounted).splitlines()
    assert "event document not recorded: No space left on device; " in said[0]
    assert "bytes needed" in said[0]
    assert said[1:] == ["['errno', 'free_bytes', 'needed_bytes']", "refused", "True False"]


def test_a_file_that_may_not_grow_keeps_whole_documents_only(tmp_path):
    limit = 2_000_000

    def keep_files_small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    said = in_subprocess(FILL_A_RUN, tmp_path, limit=keep_files_small).splitlines()
    assert "event document not recorded: File too large; " in said[0]
    path = tmp_path / "aaaaaa.jsonl"
    assert path.read_bytes().endswith(b'"]\n')
    assert path.stat().st_size < limit
    uids = [doc["uid"] for name, doc in read(path) if name == "event"]
    assert uids == [f"big-{index}" for index in range(len(uids))]
    assert len(uids) > 3


def test_a_disk_too_full_for_the_reserve_is_refused_before_measuring(tmp_path):
    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (RESERVE_BYTES // 2, RESERVE_BYTES // 2))

    program = """
    try:
        Journal(Path(sys.argv[2]))
    except JournalError as error:
        print(error)
    """
    assert "in reserve for stop documents" in in_subprocess(program, tmp_path, limit=no_room)


def test_reserve_is_there_again_for_the_next_run(tmp_path):
    with Journal(tmp_path) as journal:
        (tmp_path / RESERVE_NAME).unlink()
        write_all(journal, run_of("aaaaaa"))
    assert (tmp_path / RESERVE_NAME).stat().st_size == RESERVE_BYTES
    assert np.all(np.fromfile(tmp_path / RESERVE_NAME, dtype="u1") == 0)


MADE_ELSEWHERE = {
    "deleted": lambda folder: shutil.rmtree(folder),
    "moved": lambda folder: folder.rename(folder.with_name("elsewhere")),
    "replaced": lambda folder: (folder.rename(folder.with_name("elsewhere")), folder.mkdir()),
    "another file": lambda folder: (
        shutil.copytree(folder, folder.with_name("elsewhere"), copy_function=shutil.move),
        (folder / "aaaaaa.jsonl").write_text(""),
    ),
}


@pytest.mark.parametrize("what", MADE_ELSEWHERE)
def test_a_journal_whose_folder_goes_away_stops_its_run_and_loses_nothing(tmp_path, what):
    folder = tmp_path / "raw"
    *most, last, stop = run_of("aaaaaa")
    with Journal(folder) as journal:
        write_all(journal, most)
        MADE_ELSEWHERE[what](folder)
        with pytest.raises(JournalError, match="was deleted" if what == "deleted" else "was moved") as told:
            journal(*last)
        assert str(folder / "aaaaaa.jsonl") in str(told.value)
        with pytest.raises(JournalError):
            journal(*last)
        journal(*stop)
    path = (folder if what == "deleted" else tmp_path / "elsewhere") / "aaaaaa.jsonl"
    assert list(read(path)) == [*most, stop]
    assert not is_held(path)
