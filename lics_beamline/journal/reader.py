"""Reads journals, finished or growing: a live run is a recorded run that has not ended yet.

A journal that is damaged, or whose lines are there twice or in another order, gives what can be used of it, and says by
line what cannot and what was wrong.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from lics_beamline.errors import JournalError
from lics_beamline.journal import lock
from lics_beamline.journal.codec import MOST_LINE_BYTES, decode, has_checksum
from lics_beamline.journal.order import Numbered, Order, identity
from lics_beamline.journal.safe_name import check_start
from lics_beamline.journal.shape import DocumentShapes, check_alone

LOOKED_EVERY_S: Final = 0.1  # between two looks of a follower [s]; twice this is the delay a reader adds
MOST_FAULTS_SAID: Final = 10  # lines of one journal, one by one; then only how many more
_CHUNK_BYTES: Final = 1 << 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a journal.

    Parameters
    ----------
    path : Path
        The journal.
    line : int
        From 1.
    says : str
        What is wrong.
    """

    path: Path
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.path} is damaged in line {self.line}: {self.says}."


class Tail:
    """A journal read as far as it goes, and again later from there.

    Parameters
    ----------
    path : Path
        The journal.

    Attributes
    ----------
    offset : int
        Bytes read so far, to the end of a line.
    line : int
        Number of lines read so far.
    finished : bool
        Whether the stop document has been read.
    faults : list of Fault
        What was wrong with the lines read so far.

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
        self._shapes = DocumentShapes()
        self.offset = 0
        self.line = 0
        self.finished = False
        self.faults: list[Fault] = []
        self._order = Order(self._fault, self._identities)
        self._ready: deque[Numbered] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def documents(self, *, spectra_from: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the documents that are complete now and not yet read, each once and none before what it needs.

        A damaged line is left out and noted in `faults`. A last line that is torn or damaged is left for the next call:
        it may be a document half written, or the scar of a power cut.

        Parameters
        ----------
        spectra_from : int
            Offset of the file from which on spectra, patterns and images are read; those of events before it are
            empty [bytes].

        Raises
        ------
        JournalError
            If a line is longer than any document, or the start document has another thing in place of a field.
        UnsafeName
            If the start document gives a name that might lead out of the data folder.
        """
        yield from self._given()
        self._file.seek(self.offset)
        damaged, damage = b"", ValueError()
        while line := self._file.readline(MOST_LINE_BYTES):
            if len(line) == MOST_LINE_BYTES:
                raise JournalError(
                    f"{self.path} is damaged in line {self.line + 1}: it is longer than {MOST_LINE_BYTES / 1e6:.0f} "
                    "MB. Take the file from a copy.",
                    path=str(self.path),
                    line=self.line + 1,
                )
            if damaged:
                self._pass_over(damaged, damage)
                damaged = b""
            if not line.endswith(b"\n"):
                break
            try:
                name, doc = decode(line, spectra=self.offset >= spectra_from)
            except ValueError as cause:
                damaged, damage = line, cause
                continue
            self.offset += len(line)
            self.line += 1
            came = Numbered(self.line, name, doc)
            if not self._passes(check_alone, came):
                continue
            if name == "start":
                check_start(doc, where=str(self.path))
            self._ready.extend((came,) if self._order.is_next(name, doc) else self._order.take(came))
            yield from self._given()
        if damaged or self._order.is_holding:
            yield from self._rest(damaged, damage)

    def _given(self) -> Iterator[tuple[str, dict[str, Any]]]:
        while self._ready:
            ready = self._ready.popleft()
            self.finished = self.finished or ready.name == "stop"
            if self._passes(self._shapes.check, ready):
                yield ready.name, ready.doc

    def _passes(self, check: Callable[..., None], came: Numbered) -> bool:
        """Whether a document is what it says; notes what it is not."""
        where = f"{self.path}, line {came.line}"
        try:
            check(came.name, came.doc, where=where)
        except JournalError as cause:
            if came.name == "start":
                raise
            self._lost(came.line, str(cause).removeprefix(f"{where}: ").split(". Take the file")[0])
            return False
        return True

    def _rest(self, damaged: bytes, damage: ValueError) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what can be used though something is missing, once nobody writes any more."""
        end = self._file.tell()
        if self.being_written() or self._file.seek(0, os.SEEK_END) != end:
            return
        if has_checksum(damaged):  # a line that was torn has none
            self._pass_over(damaged, damage)
        self._ready.extend(self._order.rest())
        yield from self._given()

    def _pass_over(self, line: bytes, cause: ValueError) -> None:
        self.offset += len(line)
        self.line += 1
        self._lost(self.line, cause)

    def _lost(self, line: int, cause: object) -> None:
        self._fault(line, f"{cause}; this document is lost here, take the file from a copy")

    def _fault(self, line: int, says: str) -> None:
        self.faults.append(Fault(self.path, line, says))

    def _identities(self) -> Iterator[tuple[int, str]]:
        """Yield line and identity of all documents before the line read last."""
        with self.path.open("rb") as file:
            for line in range(1, self.line):
                try:
                    yield line, identity(*decode(file.readline()))
                except ValueError:
                    continue

    def size(self) -> int:
        """Return how long the journal is now [bytes]."""
        return os.fstat(self._file.fileno()).st_size

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

    What is wrong with a line is logged, and the others are given: see `Tail.documents`.

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
        If the file is not there.
    UnsafeName
        If the start document gives a name that might lead out of the data folder.
    """
    with Tail(path) as tail:
        yield from tail.documents()
        say(tail.faults)


def say(faults: list[Fault]) -> None:
    """Log what is wrong with a journal, a line each, as far as a person reads; a front door knows them by ``fault``."""
    for fault in faults[:MOST_FAULTS_SAID]:
        logger.warning("%s", fault, extra={"fault": fault})
    if len(faults) > MOST_FAULTS_SAID:
        more = len(faults) - MOST_FAULTS_SAID
        logger.warning("%s: %d more; lics verify names them all", faults[0].path, more, extra={"fault": faults[-1]})


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
            said = len(tail.faults)
            written = tail.being_written()  # asked before reading: what it wrote until it went is then read
            yield from tail.documents()
            say(tail.faults[said:])
            if tail.finished or (stop is not None and stop()) or (until_writer_gone and not written):
                return
            time.sleep(max(poll_s, 0.05))
