"""A log file that may be deleted, or whose disk may be full, without harm to whoever logs."""

from __future__ import annotations

import logging
import sys
from pathlib import Path


class LogFile(logging.FileHandler):
    """Writes a log to a file, and where that cannot be written says so once, on standard error.

    Python's own opens the file in the thread that logs, and lets the error out there: in one of a library of Channel
    Access that thread ends, and with it everything that hangs on it. Where writing fails it prints a traceback a line.

    Parameters
    ----------
    path : Path
        The file; made when the first line comes.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, delay=True, encoding="utf-8")
        self._failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or none."""
        try:
            super().emit(record)
        except OSError as error:
            self._say(error)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - Python's name
        """Say what keeps lines from being written."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            self._say(error)
        else:
            super().handleError(record)

    def close(self) -> None:
        """Close the file; lines that were held for it and cannot be written are lost."""
        try:
            super().close()
        except OSError as error:
            self._say(error)

    def _say(self, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            sys.stderr.write(f"the log {self.baseFilename} cannot be written: {error.strerror}\n")
