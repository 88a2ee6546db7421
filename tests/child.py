"""A process that a test begins."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def child(arguments: list[str], **options: Any) -> Iterator["subprocess.Popen[Any]"]:
    """Begin a process; it is killed when the context ends, so that a test that fails does not wait for it."""
    with subprocess.Popen(arguments, **options) as process:
        try:
            yield process
        finally:
            process.kill()
