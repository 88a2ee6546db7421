"""Files that are written anew: whole or as before, whoever writes, and nothing left behind."""

import multiprocessing
import os
import resource
import threading

import pytest

from lics_beamline.data_folder import DataFolder
from lics_beamline.files.whole_file import replacing, write_whole
from lics_beamline.safety.latch import latched, trip

TIMES = 300  # that each writes
LONG = 50_000  # characters: many pages of memory, so that a torn file would be met


def write_often(path, letter, begin):
    begin.wait()
    for _ in range(TIMES):
        write_whole(path, letter * LONG)


def test_two_processes_that_write_one_file_leave_it_whole_at_every_moment_and_nothing_beside_it(tmp_path):
    path = tmp_path / "status.json"
    write_whole(path, "x" * LONG)
    spawned = multiprocessing.get_context("spawn")
    begin = spawned.Barrier(3)
    writers = [spawned.Process(target=write_often, args=(path, letter, begin)) for letter in "ab"]
    for writer in writers:
        writer.start()
    begin.wait()
    met = set()
    while any(writer.is_alive() for writer in writers):
        text = path.read_text()
        assert len(text) == LONG
        met.add("".join(sorted(set(text))))
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert met <= {"x", "a", "b"}, "no file is of two writers"
    assert path.read_text() in ("a" * LONG, "b" * LONG)
    assert os.listdir(tmp_path) == ["status.json"]


def test_threads_of_one_process_do_not_meet_in_one_temporary_file(tmp_path):
    path = tmp_path / "status.json"
    begin = threading.Barrier(4)
    writers = [threading.Thread(target=write_often, args=(path, letter, begin)) for letter in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    text = path.read_text()
    assert text == text[0] * LONG
    assert os.listdir(tmp_path) == ["status.json"]


def fail_to_write(path, said):
    """Write more than this process may."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    for durable in (False, True):
        try:
            write_whole(path, "new" * LONG, durable=durable)
        except OSError as error:
            said.put(error.strerror)


def test_a_write_that_fails_leaves_what_was_there_and_no_temporary_file(tmp_path):
    path = tmp_path / "status.json"
    write_whole(path, "old")
    spawned = multiprocessing.get_context("spawn")
    said = spawned.Queue()
    writer = spawned.Process(target=fail_to_write, args=(path, said))
    writer.start()
    assert [said.get(), said.get()] == ["File too large"] * 2
    writer.join()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["status.json"]


def test_an_error_while_a_file_is_made_leaves_what_was_there(tmp_path):
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")

    def draw():
        with replacing(path) as unfinished:
            unfinished.write_bytes(b"half of")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["figure.png"]


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("content", ["λ = 0.4 Å\n", b"\x89PNG"])
def test_what_is_written_is_what_is_read_and_others_may_read_it(tmp_path, content, durable):
    path = tmp_path / "record"
    write_whole(path, content, durable=durable)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_a_link_leads_to_is_replaced_and_a_pipe_is_written_to(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", "through the link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "through the link"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="No such device"):  # nobody reads it: it would be waited for
        write_whole(tmp_path / "pipe", "to nobody")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_whole(tmp_path / "pipe", "through the pipe")
    assert os.read(reader, 100) == b"through the pipe"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_the_guard_and_the_engine_may_trip_at_the_same_moment(tmp_path):
    data = DataFolder(tmp_path)
    begin = threading.Barrier(8)

    def trip_now(number):
        begin.wait()
        trip(data, cause="leak", says=f"{number} " * LONG)

    trips = [threading.Thread(target=trip_now, args=(number,)) for number in range(8)]
    for each in trips:
        each.start()
    for each in trips:
        each.join()
    assert latched(data)["cause"] == "leak"
    assert len(set(latched(data)["says"].split())) == 1, "it is of one of them, and whole"
    assert os.listdir(tmp_path) == ["guard-tripped.json"]
