"""One process at a time, and the next when it is gone."""

import os
import subprocess
import sys

import pytest
from child import child

from lics_beamline.errors import Busy
from lics_beamline.journal.lock import is_held, sole

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
