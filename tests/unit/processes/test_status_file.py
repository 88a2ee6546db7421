"""What processes say of themselves in small files is held to its fields; anything else was not said."""

import os
from dataclasses import dataclass

import pytest

from lics_beamline.processes.status_file import MOST_STATUS_BYTES, read_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Fares:
    """How something fares."""

    state: str
    pid: int
    warnings: tuple[str, ...] = ()
    time: float = 0.0


def test_what_was_said_is_read_back(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"state": "well", "pid": 7, "warnings": ["a", "b"], "time": 3}')
    assert read_status(path, Fares) == Fares(state="well", pid=7, warnings=("a", "b"), time=3.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "{}",
        '{"state": "well"}',
        '{"state": null, "pid": 7}',
        '{"state": "well", "pid": "7"}',
        '{"state": "well", "pid": 7, "warnings": "a"}',
        '{"state": "well", "pid": 7, "time": "now"}',
        '{"state": "well", "pid": 7, "warnings": ' + "[" * 100_000,
        '{"state": "' + "x" * MOST_STATUS_BYTES + '", "pid": 7}',
    ],
)
def test_what_is_no_such_status_is_none(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    assert read_status(path, Fares) is None


def test_a_pipe_a_folder_and_bytes_that_are_no_text_are_none_and_not_waited_for(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bytes").write_bytes(b"\xff\0")
    assert [read_status(tmp_path / name, Fares) for name in ("none", "folder", "pipe", "bytes")] == [None] * 4
