"""What a call has acknowledged outlasts a power cut: looked at by what had been handed to the disk, and when."""

import errno
import os
import threading

import pytest

from lics_beamline.errors import JournalError
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import SYNC_AFTER_S, Journal
from lics_beamline.schema import FAILURE, PRIMARY, READOUT

UID = "aaaaaa"
LATE_S = 60.0  # for a background thread on a busy computer


class Disk:
    """Stands in for the disk behind `os.fsync`: knows what would outlast a power cut, or fails."""

    def __init__(self, sync):
        self._sync = sync
        self.changed = threading.Condition()
        self.bytes_kept = {}  # of files, by inode
        self.names_kept = {}  # of folders, by inode
        self.fails = False

    def fsync(self, descriptor):
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._sync(descriptor)
        found = os.fstat(descriptor)
        with self.changed:
            self.bytes_kept[found.st_ino] = found.st_size
            if os.path.isdir(f"/proc/self/fd/{descriptor}"):
                self.names_kept[found.st_ino] = set(os.listdir(descriptor))
            self.changed.notify_all()

    def holds(self, path):
        """Whether all of a file, as it is now, would be there after a power cut."""
        found = path.stat()
        named = path.name in self.names_kept.get(path.parent.stat().st_ino, set())
        return named and self.bytes_kept.get(found.st_ino) == found.st_size


@pytest.fixture
def disk(monkeypatch):
    disk = Disk(os.fsync)
    monkeypatch.setattr(os, "fsync", disk.fsync)
    return disk


def begin(journal, stream):
    journal("start", {"uid": UID, "time": 1.0})
    journal("descriptor", {"uid": "d", "run_start": UID, "name": stream, "time": 1.0})


def event(number):
    return "event", {"uid": f"e{number}", "descriptor": "d", "seq_num": number, "time": 2.0, "data": {"load_bar": 1.0}}


def write_all(journal, numbers):
    for number in numbers:
        journal(*event(number))


@pytest.mark.parametrize("stream", [PRIMARY, READOUT, FAILURE])
def test_a_start_a_point_a_plate_a_failure_and_a_stop_are_durable_when_the_call_returns(tmp_path, disk, stream):
    path = tmp_path / f"{UID}.jsonl"
    with Journal(tmp_path) as journal:
        journal("start", {"uid": UID, "time": 1.0})
        assert disk.holds(path)
        journal("descriptor", {"uid": "d", "run_start": UID, "name": stream, "time": 1.0})
        for number in (1, 2):
            journal(*event(number))
            assert disk.holds(path)
        journal("stop", {"uid": "s", "run_start": UID, "time": 3.0, "exit_status": "success"})
        assert disk.holds(path)


def test_any_other_document_is_durable_soon_though_no_other_comes(tmp_path, disk):
    assert SYNC_AFTER_S < 0.1, "a power cut may lose 100 ms at most"
    path = tmp_path / f"{UID}.jsonl"
    with Journal(tmp_path) as journal:
        begin(journal, "approach")
        for number in (1, 2):
            journal(*event(number))
            with disk.changed:
                assert disk.changed.wait_for(lambda: disk.holds(path), LATE_S)


def test_a_point_that_cannot_be_made_durable_is_not_acknowledged_nor_any_after_it(tmp_path, disk):
    with Journal(tmp_path) as journal:
        begin(journal, PRIMARY)
        disk.fails = True
        with pytest.raises(JournalError, match=r"could not be made durable: Input/output error\..*mend the disk"):
            journal(*event(1))
        disk.fails = False
        with pytest.raises(JournalError, match="could not be made durable"):
            journal(*event(2))
        journal("stop", {"uid": "s", "run_start": UID, "time": 3.0, "exit_status": "fail"})


def test_a_disk_that_fails_between_documents_stops_the_run_at_the_next(tmp_path, disk):
    with Journal(tmp_path) as journal:
        begin(journal, "approach")
        disk.fails = True
        journal(*event(1))  # in the file; the disk fails a moment later, in the background
        with pytest.raises(JournalError, match="could not be made durable"):
            write_all(journal, range(2, 100_000))
        disk.fails = False


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EIO, "Input/output error; [0-9]+ bytes needed in .*Mend the disk;"),
        (errno.EROFS, "Read-only file system; [0-9]+ bytes needed in .*Mend the disk;"),
        (errno.EDQUOT, "quota exceeded; [0-9]+ bytes needed in .*have the quota raised;"),
        (errno.ENOSPC, "No space left on device; [0-9]+ bytes needed, [0-9]+ bytes free in .*Free space"),
    ],
)
def test_a_line_that_a_failing_disk_tore_is_cut_off_before_the_stop_document(tmp_path, monkeypatch, number, said):
    write, failing = os.write, []

    def torn(descriptor, line):
        if failing:
            raise OSError(number, os.strerror(number))
        failing.append(descriptor)
        return write(descriptor, line[: len(line) // 2])

    def refused(descriptor, size):
        raise OSError(number, os.strerror(number))

    with Journal(tmp_path) as journal:
        begin(journal, PRIMARY)
        journal(*event(1))
        monkeypatch.setattr(os, "write", torn)
        monkeypatch.setattr(os, "ftruncate", refused)
        with pytest.raises(JournalError, match=said):
            journal(*event(2))
        monkeypatch.undo()
        journal("stop", {"uid": "s", "run_start": UID, "time": 3.0, "exit_status": "fail"})
    assert [name for name, _ in read(tmp_path / f"{UID}.jsonl")] == ["start", "descriptor", "event", "stop"]


def test_a_disk_that_fails_at_the_stop_and_at_closing_says_what_was_not_recorded(tmp_path, monkeypatch):
    close, failing = os.close, set()

    def failed(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def fails_and_closes(descriptor):
        close(descriptor)
        if descriptor in failing:
            failed()

    with Journal(tmp_path) as journal:
        begin(journal, PRIMARY)
        failing.update(int(name) for name in os.listdir("/proc/self/fd") if is_open(name, tmp_path / f"{UID}.jsonl"))
        monkeypatch.setattr(os, "write", failed)
        monkeypatch.setattr(os, "close", fails_and_closes)
        with pytest.raises(JournalError, match="stop document not recorded: Input/output error"):
            journal("stop", {"uid": "s", "run_start": UID, "time": 3.0, "exit_status": "fail"})
        monkeypatch.undo()


def is_open(number, path):
    try:
        return os.readlink(f"/proc/self/fd/{number}") == str(path)
    except OSError:
        return False
