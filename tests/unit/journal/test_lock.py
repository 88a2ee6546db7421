"""One process at a time, and the next when it is gone."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from child import child
from elsewhere import elsewhere, there_is_no_elsewhere

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy
from lics_beamline.journal.computer import KnownProcess
from lics_beamline.journal.lock import claim, holder, is_held, require_all_seen, sole
from lics_beamline.journal.mounted import Mounted

HOLD = """
import sys
from pathlib import Path
from lics_beamline.journal.lock import sole
with sole(Path(sys.argv[1]), what="cataloguing"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_told_who_is_first_and_may_when_the_first_was_killed(tmp_path):
    path = tmp_path / "logs" / "catalog.lock"
    with child(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "held\n"
        assert is_held(path)
        with (
            pytest.raises(Busy, match=f"cataloguing is done by process {first.pid}") as error,
            sole(path, what="cataloguing"),
        ):
            pass
        assert error.value.facts["pid"] == first.pid
        first.kill()
        first.wait()
        with sole(path, what="cataloguing"):
            assert path.read_text().startswith(f"{os.getpid()} {socket.gethostname()} ")
            assert holder(path) == KnownProcess.this()
    assert not is_held(path)
    assert path.read_bytes() == b""  # who ended by himself is no trace of one who was killed


@pytest.mark.parametrize("said", [b"", b"-1", b"nobody", b"\0" * 40, b"9" * 5000, "\u0663".encode()])
def test_a_lock_whose_file_says_something_else_is_held_by_nobody_known(tmp_path, said):
    path = tmp_path / "x.lock"
    path.write_bytes(said)
    with path.open("ab") as file:
        claim(file.fileno(), path)
        assert holder(path).pid == 0
        with pytest.raises(Busy, match="is done by process"), sole(path, what="cataloguing"):
            pass
    assert holder(path).pid == 0


def test_a_pipe_in_place_of_a_lock_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.lock")
    assert not is_held(tmp_path / "x.lock")


SSHFS = Mounted(point="/far", kind="fuse.sshfs", options=frozenset())
NFS = Mounted(point="/far", kind="nfs4", options=frozenset())


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)])
def test_who_cannot_have_a_lock_for_what_is_in_its_place_is_told_so(tmp_path, make):
    path = tmp_path / "catalog.lock"
    make(path)
    with pytest.raises(OSError, match=r"catalog\.lock"):
        with sole(path, what="cataloguing"):
            pass


def test_where_locks_of_others_are_hidden_a_computer_that_has_not_said_its_end_is_not_passed_over(tmp_path):
    data = DataFolder(tmp_path).make()
    (data.logs / "session.lock").write_bytes(KnownProcess(pid=4711, host="elsewhere", boot="a-b").said)
    require_all_seen(data, on=NFS)
    with pytest.raises(
        Busy, match=r"process 4711 on elsewhere was at work here.*fuse.sshfs at /far, may keep"
    ) as error:
        require_all_seen(data, on=SSHFS)
    assert error.value.facts["host"] == "elsewhere"


@pytest.mark.parametrize(
    "said",
    [b"", b"4711", b"nobody knows this", KnownProcess(pid=4711, host=socket.gethostname(), boot="another-start").said],
)
def test_a_trace_of_this_computer_or_of_nobody_stops_nobody(tmp_path, said):
    data = DataFolder(tmp_path).make()
    (data.logs / "session.lock").write_bytes(said)
    require_all_seen(data, on=SSHFS)


def test_a_number_of_an_earlier_start_of_this_computer_is_not_looked_for():
    before = KnownProcess(pid=os.getpid(), host=socket.gethostname(), boot="another-start")
    assert not before.is_here
    assert KnownProcess.read(KnownProcess.this().said).is_here
    assert KnownProcess.read(b"%d" % os.getpid()).is_here  # of a version that named no computer


OTHER_COMPUTERS = pytest.mark.skipif(there_is_no_elsewhere(), reason="this user may make no namespaces")


@OTHER_COMPUTERS
def test_a_process_of_another_computer_is_named_with_it_and_not_looked_for_here(tmp_path):
    data = DataFolder(tmp_path).make()
    path = data.logs / "catalog.lock"
    with child(
        elsewhere(sys.executable, "-c", HOLD, str(path)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "held\n"
        found = holder(path)
        assert (found.pid, found.host) == (first.pid, "elsewhere")
        assert found.is_elsewhere
        assert not found.is_here
        with (
            pytest.raises(Busy, match=f"is done by process {first.pid} on elsewhere already") as error,
            sole(path, what="cataloguing"),
        ):
            pass
        assert error.value.facts["host"] == "elsewhere"
        first.kill()
        first.wait()
    require_all_seen(data)  # on a disk of this computer, whoever held it is seen to be gone
    with sole(path, what="cataloguing"):
        assert holder(path) == KnownProcess.this()


@contextlib.contextmanager
def seen_through_fuse(folder: Path, point: Path) -> Iterator[Path]:
    point.mkdir()
    if shutil.which("bindfs") is None or subprocess.run(["bindfs", folder, point], check=False).returncode:
        pytest.skip("no FUSE here, or no bindfs: apt-get install bindfs")
    try:
        yield point
    finally:
        subprocess.run(["fusermount", "-u", "-z", point], check=True)


@OTHER_COMPUTERS
def test_two_computers_whose_file_system_hides_their_locks_do_not_do_the_same_at_once(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    with seen_through_fuse(shared, tmp_path / "here") as here, seen_through_fuse(shared, tmp_path / "there") as there:
        with child(
            elsewhere(sys.executable, "-c", HOLD, str(there / "x.lock")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as first:
            assert first.stdout.readline() == "held\n"
            assert not is_held(here / "x.lock")  # which is why the kernel's word is not enough
            with pytest.raises(Busy, match="on elsewhere was at work here"), sole(here / "x.lock", what="cataloguing"):
                pass
            first.communicate("")
        with sole(here / "x.lock", what="cataloguing"):
            assert holder(here / "x.lock").pid == os.getpid()
