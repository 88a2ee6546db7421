"""One process at a time, and the next when it is gone."""

import os
import subprocess
import sys

import pytest
from child import child

from lics_beamline.errors import Busy
from lics_beamline.journal.lock import claim, holder, is_held, sole

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
            assert path.read_text() == str(os.getpid())
    assert not is_held(path)


@pytest.mark.parametrize("said", [b"", b"-1", b"nobody", b"\0" * 40, b"9" * 5000, "\u0663".encode()])
def test_a_lock_whose_file_says_something_else_is_held_by_nobody_known(tmp_path, said):
    path = tmp_path / "x.lock"
    path.write_bytes(said)
    with path.open("ab") as file:
        claim(file.fileno(), path)
        assert holder(path) in (0, int("9" * 32))
        with pytest.raises(Busy, match="is done by process"), sole(path, what="cataloguing"):
            pass
    assert holder(path) == 0


def test_a_pipe_in_place_of_a_lock_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.lock")
    assert not is_held(tmp_path / "x.lock")
