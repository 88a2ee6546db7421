"""Processes that a test begins."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def child(arguments: list[str], **options: Any) -> Iterator["subprocess.Popen[Any]"]:
    """Begin a process; it is killed when the context ends, so that a test that fails does not wait for it."""
    with subprocess.Popen(arguments, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def end_guards(folder: Path) -> None:
    """Kill guards that a failing test has left below a folder: they stay until their instruments answer as safe."""
    for said in folder.rglob("guard.json"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            pid = int(json.loads(said.read_text())["pid"])
            if b"safety.guard" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
