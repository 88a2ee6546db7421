"""What the world knows and nobody else may read: one JSON line an entry, for scoring by tests."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO


class Truth:
    """Writer of ``truth.jsonl``; without a folder, or where its disk fails, it forgets: instruments end for neither.

    Parameters
    ----------
    folder : Path or None
        Where the file is written; None for a world that keeps no record.
    clock : callable
        Gives the time of the experiment [s].
    """

    FILE_NAME = "truth.jsonl"

    def __init__(self, folder: Path | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._failed = False
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / self.FILE_NAME).open("ab", buffering=0)

    @property
    def is_kept(self) -> bool:
        """Whether entries are written anywhere."""
        return self._file is not None

    def record(self, kind: str, **values: Any) -> None:
        """Append one entry.

        Parameters
        ----------
        kind : str
            What sort of entry: seed, world, or one an instrument invents.
        **values
            Anything JSON can say; ``time_s`` is added where it is not given.
        """
        with self._lock:
            if self._file is None:
                return
            entry = {"kind": kind, "time_s": values.pop("time_s", self._clock()), **values}
            try:
                self._file.write((json.dumps(entry) + "\n").encode())
                self._failed = False
            except OSError as error:
                with contextlib.suppress(OSError):  # the log may be on the same disk
                    if not self._failed:
                        sys.stderr.write(f"the truth of the world cannot be kept: {error.strerror}\n")
                self._failed = True

    def close(self) -> None:
        """Close the file; later entries are forgotten."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
