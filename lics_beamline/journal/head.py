"""What a folder of journals holds: one head a run, and finding a run by the name a person gives it."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from lics_beamline.errors import JournalError, LicsError, RunNotFound
from lics_beamline.journal import lock
from lics_beamline.journal.codec import MOST_LINE_BYTES, decode
from lics_beamline.journal.known_heads import FEWEST_NEW, KnownHead, keep_heads, known_heads
from lics_beamline.journal.safe_name import check_start
from lics_beamline.journal.shape import DocumentShapes, check_alone
from lics_beamline.journal.writer import SUFFIX

SHORTEST_PREFIX: Final = 6  # hexadecimal digits, as many as people remember of a uid
_START: Final = b'["start",'
_STOP: Final = b'["stop",'
_TAIL_BYTES: Final = 1 << 16  # a stop document is about 1 kB

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """First and last of a run.

    Parameters
    ----------
    uid : str
        Uid of the run.
    path : Path
        Its journal.
    start : dict
        Its start document.
    stop : dict or None
        Its stop document; None when it has none (yet).
    being_written : bool
        Whether a living process writes it. A run without stop that is not being written was abandoned.
    """

    uid: str
    path: Path
    start: dict[str, Any]
    stop: dict[str, Any] | None
    being_written: bool

    @property
    def finished(self) -> bool:
        """Whether the run has its stop document."""
        return self.stop is not None

    @property
    def exit_status(self) -> str:
        """How the run ended: ``success``, ``abort``, ``fail``; ``unknown`` where its stop document does not say."""
        return str(self.stop.get("exit_status", "unknown")) if self.stop is not None else ""

    @property
    def time(self) -> float:
        """When the run began [s since 1970]."""
        return float(self.start["time"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run in a list of them.

    Parameters
    ----------
    uid : str
        Uid of the run.
    path : Path
        Its journal.
    time : float
        When the run began [s since 1970].
    """

    uid: str
    path: Path
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a folder of journals holds.

    Parameters
    ----------
    entries : tuple of Entry
        Its runs, oldest first.
    damaged : tuple of Path
        Journals that cannot be used, so that nobody knows of which runs they are.
    """

    entries: tuple[Entry, ...]
    damaged: tuple[Path, ...]


def heads(folder: Path) -> list[Head]:
    """Heads of all runs in a folder, oldest first; files without a whole start document are left out.

    A journal that cannot be used is left out too, with a warning: the other runs go on.

    Parameters
    ----------
    folder : Path
        A folder of journals; it need not exist.
    """
    damaged: list[Path] = []
    found = (_usable(path, damaged) for path in sorted(Path(folder).glob(f"*{SUFFIX}")))
    return _one_a_run([each for each in found if each is not None])


def listing(folder: Path) -> Listing:
    """List all runs as `heads` does, but read no journal again that is as it was at the last look.

    Parameters
    ----------
    folder : Path
        A folder of journals; it need not exist.
    """
    folder = Path(folder)
    known = known_heads(folder)
    found: dict[str, KnownHead] = {}
    listed: list[Entry] = []
    damaged: list[Path] = []
    read = 0
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        stat = path.stat() if path.is_file() else None
        was = known.get(path.name)
        if was is None or stat is None or not was.is_of(stat):
            is_of = _usable(path, damaged)
            if is_of is None or stat is None:
                continue
            read += 1
            was = KnownHead(stat.st_size, stat.st_mtime_ns, is_of.uid, is_of.time)
        found[path.name] = was
        listed.append(Entry(uid=was.uid, path=path, time=was.time))
    if read >= FEWEST_NEW:
        keep_heads(folder, found)
    return Listing(entries=tuple(_one_a_run(listed)), damaged=tuple(damaged))


_Listed = TypeVar("_Listed", Head, Entry)


def _usable(path: Path, damaged: list[Path]) -> Head | None:
    try:
        return head(path)
    except (LicsError, OSError) as error:
        logger.warning("%s is left out: %s", path, error)
        damaged.append(path)
        return None


def _one_a_run(listed: list[_Listed]) -> list[_Listed]:
    found: dict[str, _Listed] = {}
    for known in listed:
        other = found.setdefault(known.uid, known)
        if other is not known:  # somebody has copied it; the one that bears the name of its run counts
            kept, left = (known, other) if known.path.stem == known.uid else (other, known)
            found[known.uid] = kept
            logger.warning("%s is left out: it is of the same run as %s. Take one of them away.", left.path, kept.path)
    return sorted(found.values(), key=lambda each: (each.time, each.uid))


def head(path: Path) -> Head | None:
    """Head of one journal, or None where it has no whole start document (yet).

    Parameters
    ----------
    path : Path
        The journal.

    Raises
    ------
    UnsafeName
        If it gives a name that might lead out of the data folder.
    JournalError
        If its start document is damaged or not there, does not say when the run began, or has another thing in place of
        a field.
    OSError
        If it cannot be read.
    """
    if not path.is_file():
        raise JournalError(f"{path} is no regular file. Take it out of the folder of journals.", path=str(path))
    being_written = lock.is_held(path)  # asked first: what was written by then is then seen
    lines: list[bytes] = []
    with path.open("rb") as file:
        first = file.readline(MOST_LINE_BYTES)
        last = _last_line(file)
        if not first.endswith(b"\n"):
            return None
        if not first.startswith(_START):  # somebody has put the lines into another order
            file.seek(0)
            lines = file.readlines()
            first = next((line for line in lines if line.startswith(_START)), b"")
            last = next((line for line in lines if line.startswith(_STOP)), b"")
            if not first and len(lines) < 2:
                return None  # the scar of a power cut
    try:
        if not first:
            decode(lines[0])  # says what became of it
            raise ValueError("it has no start document")
        start = decode(first)[1]
    except ValueError as cause:
        raise JournalError(
            f"{path}: its start document cannot be read, and without it nothing of the run can be used: {cause}. Take "
            "the file from a copy.",
            path=str(path),
        ) from cause
    try:
        stop = decode(last)[1] if last.startswith(_STOP) else None
    except ValueError:
        stop = None  # who reads the run tells of the line
    uid = check_start(start, where=str(path))
    check_alone("start", start, where=f"{path}, line 1")
    DocumentShapes().check("start", start, where=f"{path}, line 1")
    if stop is not None and stop.get("run_start", uid) != uid:
        logger.warning("%s, last line: stop document belongs to run %r; it is not used.", path, stop["run_start"])
        stop = None
    try:
        if stop is not None:
            check_alone("stop", stop, where=f"{path}, last line")
    except JournalError as error:
        logger.warning("%s It is taken for a run without end.", error)
        stop = None
    return Head(uid=uid, path=path, start=start, stop=stop, being_written=being_written)


def _last_line(file: BinaryIO) -> bytes:
    """Return the last line that ends with a newline, without reading what lies before it."""
    size = file.seek(0, os.SEEK_END)
    length = _TAIL_BYTES
    while True:
        file.seek(max(0, size - length))
        lines = file.read(length).split(b"\n")
        if len(lines) > 2 or length >= size:
            return lines[-2] + b"\n" if len(lines) > 1 else b""
        if length > MOST_LINE_BYTES:
            return b""
        length *= 8


def find(folder: Path, name: str) -> Head:
    """Find the one run that a person means.

    Parameters
    ----------
    folder : Path
        A folder of journals.
    name : str
        ``last``, a full uid, or its first `SHORTEST_PREFIX` characters or more.

    Raises
    ------
    RunNotFound
        If none or several answer; ``facts["candidates"]`` lists uids.
    """
    known = listing(folder).entries
    matching = known[-1:] if name == "last" else [each for each in known if each.uid == name]
    if not matching and len(name) >= SHORTEST_PREFIX:
        matching = [each for each in known if each.uid.startswith(name)]
    if len(matching) == 1:
        found = head(matching[0].path)
        if found is not None and found.uid == matching[0].uid:
            return found
        matching = []  # since the last look somebody has put another file in its place
    candidates = [each.uid for each in matching or known]
    if matching:
        problem = f"{len(matching)} runs begin with {name!r}: {', '.join(candidates)}. Give more of the uid."
    elif known:
        problem = (
            f"no run answers to {name!r} among {len(known)} in {folder}; a uid needs {SHORTEST_PREFIX} characters or "
            f"more. The newest is {known[-1].uid}."
        )
    else:
        problem = f"no run answers to {name!r}: {folder} holds none."
    raise RunNotFound(problem, name=name, candidates=candidates)
