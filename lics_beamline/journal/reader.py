"""Reads journals, finished or growing: a live run is a recorded run that has not ended yet."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from lics_beamline.errors import JournalError
from lics_beamline.journal import lock
from lics_beamline.journal.codec import MOST_LINE_BYTES, decode
from lics_beamline.journal.safe_name import check_start
from lics_beamline.journal.shape import Shapes

LOOKED_EVERY_S: Final = 0.1  # between two looks of a follower [s]; twice this is the delay a reader adds
_CHUNK_BYTES: Final = 1 << 20


class Tail:
    """A journal read as far as it goes, and again later from there.

    Parameters
    ----------
    path : Path
        The journal.

    Attributes
    ----------
    offset : int
        Bytes of whole documents read so far.
    line : int
        Number of documents read so far.
    finished : bool
        Whether the stop document has been read.

    Raises
    ------
    JournalError
        If there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        try:
            if self.path.exists() and not self.path.is_file():
                raise OSError(errno.EINVAL, "it is no regular file")
            self._file = self.path.open("rb")
        except (OSError, ValueError) as cause:
            said = getattr(cause, "strerror", None) or cause
            raise JournalError(f"{path} cannot be opened: {said}.", path=str(path)) from cause
        self._shapes = Shapes()
        self.offset = 0
        self.line = 0
        self.finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the documents that are complete now and not yet read.

        A last line that is torn or damaged is left for the next call: it may be a document half written, or the scar of
        a power cut.

        Raises
        ------
        JournalError
            If a line is damaged and others follow it, or a document is none: it lacks a field, or has another thing in
            its place.
        UnsafeName
            If the start document gives a name that might lead out of the data folder.
        """
        self._file.seek(self.offset)
        damage: ValueError | None = None
        while line := self._file.readline(MOST_LINE_BYTES):
            if len(line) == MOST_LINE_BYTES:
                damage = ValueError(f"it is longer than {MOST_LINE_BYTES / 1e6:.0f} MB")
                break
            if not line.endswith(b"\n"):
                if damage is None:
                    return
                break
            if damage is not None:
                break
            try:
                name, doc = decode(line)
            except ValueError as cause:
                damage = cause
                continue
            self._shapes.check(name, doc, where=f"{self.path}, line {self.line + 1}")
            if name == "start":
                check_start(doc, where=str(self.path))
            self.offset += len(line)
            self.line += 1
            self.finished = self.finished or name == "stop"
            yield name, doc
        else:
            return
        raise JournalError(
            f"{self.path} is damaged in line {self.line + 1}: {damage}. The documents before it can be read; "
            "take the file from a copy.",
            path=str(self.path),
            line=self.line + 1,
        )

    def behind(self) -> int:
        """Return the number of documents that are complete now and not yet read; asked at any moment."""
        count, position = 0, self.offset
        while chunk := os.pread(self._file.fileno(), _CHUNK_BYTES, position):  # leaves alone who is reading
            count += chunk.count(b"\n")
            position += len(chunk)
        return count

    def being_written(self) -> bool:
        """Whether a living process has the journal open for writing."""
        return lock.is_held(self.path)


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the documents of a journal as they are now, in order; a torn last line is left out.

    Parameters
    ----------
    path : Path
        The journal.

    Yields
    ------
    (str, dict)
        Name and document, equal to what was recorded.

    Raises
    ------
    JournalError
        If the file is not there, or a line other than the last is damaged; names file and line.
    UnsafeName
        If the start document gives a name that might lead out of the data folder.
    """
    with Tail(path) as tail:
        yield from tail.documents()


def follow(
    path: Path,
    *,
    stop: Callable[[], bool] | None = None,
    until_writer_gone: bool = False,
    poll_s: float = LOOKED_EVERY_S,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the documents of a journal as they are completed, to the stop document.

    Parameters
    ----------
    path : Path
        The journal; it must exist.
    stop : callable, optional
        Asked when all there is has been read; True ends the iteration.
    until_writer_gone : bool
        Also end when no process writes the journal any more and all of it has been read.
    poll_s : float
        Time between two looks [s], at least 0.05.

    Yields
    ------
    (str, dict)
        Name and document.

    Raises
    ------
    JournalError, UnsafeName
        The same as of `read`.
    """
    with Tail(path) as tail:
        while True:
            written = tail.being_written()  # asked before reading: what it wrote until it went is then read
            yield from tail.documents()
            if tail.finished or (stop is not None and stop()) or (until_writer_gone and not written):
                return
            time.sleep(max(poll_s, 0.05))
