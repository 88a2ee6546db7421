"""Writes journals: record or stop. The only direct subscriber of a RunEngine.

A document is in the kernel's hands before the call returns, so a killed process loses nothing; what power cuts could
lose is at most 100 ms, and nothing of a start, a measured point, a read plate, a failure or a stop.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from lics_beamline.errors import Busy, JournalError
from lics_beamline.files.whole_file import set_aside, sync_folder
from lics_beamline.journal import lock
from lics_beamline.journal.codec import Encoder
from lics_beamline.journal.events import Streams
from lics_beamline.journal.order import identity
from lics_beamline.journal.reader import Tail
from lics_beamline.journal.safe_name import check_start
from lics_beamline.schema import FAILURE, PRIMARY, READOUT

SUFFIX: Final = ".jsonl"
RESERVE_NAME: Final = ".reserve"
RESERVE_BYTES: Final = 1 << 20  # room for hundreds of stop documents (about 1 kB each)
_COPIED_BYTES: Final = 1 << 20  # at a time, of a journal that is written anew
SYNC_AFTER_S: Final = 0.05  # pause before a background fsync; with the fsync itself it stays within 100 ms
_SYNCED_STREAMS: Final = frozenset({PRIMARY, READOUT, FAILURE})
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _OpenRun:
    """A journal being written."""

    uid: str
    path: Path
    descriptor: int
    size: int = 0
    synced_descriptors: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)  # uids already in the file, when resuming
    streams: Streams = field(default_factory=Streams)
    events: dict[str, int] = field(default_factory=dict)  # recorded, by stream
    finished: bool = False
    lost: JournalError | None = None  # why a document of this run was not recorded

    def is_there(self) -> bool:
        """Whether its name still leads to the file that is written."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self.descriptor))
        except (FileNotFoundError, NotADirectoryError):
            return False


class Journal:
    """Writes each run it is given to ``<folder>/<uid>.jsonl``; callable with ``(name, document)``.

    Runs may be interleaved. While a run is written its file carries an exclusive lock, so that readers can tell a live
    run from an abandoned one. Calls come from one thread at a time.

    Parameters
    ----------
    folder : Path
        Where the journals lie; it is made if absent, and keeps `RESERVE_BYTES` aside for stop documents.
    resume : bool
        Continue runs whose file exists: a torn last line is cut off, and documents whose uid is in the file already
        are dropped without a word. So a writer that begins again from the start, with the same uids, writes every
        document exactly once.

    Raises
    ------
    JournalError
        From a call: the document is not recorded, and what happens must stop. From then on that run only accepts its
        stop document, whose ``num_events`` becomes what was recorded. ``facts`` carry ``free_bytes`` and
        ``needed_bytes`` when the disk is full.
    Busy
        From a call: another process writes this run.
    UnsafeName
        From a call: the start document gives a name that might lead out of the folder.
    """

    def __init__(self, folder: Path, *, resume: bool = False) -> None:
        self.folder = Path(folder)
        self._resume = resume
        self._encoder = Encoder()
        self._runs: dict[str, _OpenRun] = {}
        self._run_of: dict[str, _OpenRun] = {}  # by uid of descriptor, resource or stream resource
        self._dirty: set[int] = set()
        self._sync_failure: OSError | None = None
        self._work = threading.Condition()
        self._closing = False
        self._syncer: threading.Thread | None = None
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keep_reserve()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Record one document; it is in the file when this returns."""
        name = str(getattr(name, "value", name))
        if name == "start":
            run = self._open(check_start(doc, where="a run about to be recorded"))
        else:
            run = self._find(name, doc)
            self._refuse_after_loss(run, name)
        this = identity(name, doc) if self._resume else ""
        if this in run.known:
            if name == "stop":
                self._close(run)
            return
        if run.finished:
            raise JournalError(
                f"{name} document for run {run.uid}, whose journal {run.path} ends with a stop document already. "
                "Reduce it as the next attempt.",
                path=str(run.path),
            )
        if name == "stop" and run.lost is not None and "num_events" in doc:
            doc = {**doc, "num_events": dict(run.events)}  # the engine counts what it sent, not what was recorded
        self._write(run, name, doc)
        if self._resume:
            run.known.add(this)
        self._learn(run, name, doc)
        try:
            self._make_durable(run, name, doc)
        finally:
            if name == "stop":
                self._close(run)

    def close(self) -> None:
        """Make all durable and let go of every run, also of those without a stop document."""
        try:
            for run in tuple(self._runs.values()):
                try:
                    self._sync_now(run)
                finally:
                    self._close(run)
        finally:
            with self._work:
                self._closing = True
                self._work.notify()
            if self._syncer is not None:
                self._syncer.join()
                self._syncer = None

    def _open(self, uid: str) -> _OpenRun:
        if uid in self._runs:
            raise JournalError(f"run {uid} has started already. Give each run its own uid.", run=uid)
        self._keep_reserve()
        path = self.folder / f"{uid}{SUFFIX}"
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | (0 if self._resume else os.O_EXCL)
        try:
            descriptor = os.open(path, flags, lock.BY_UMASK)
        except FileExistsError as cause:
            raise JournalError(
                f"{path} exists: run {uid} has been recorded before. Give each run its own uid.", path=str(path)
            ) from cause
        run = _OpenRun(uid=uid, path=path, descriptor=descriptor)
        try:
            lock.claim(descriptor, path)
            if self._resume:
                self._recall(run)
        except BaseException:
            os.close(descriptor)
            raise
        self._runs[uid] = run
        return run

    def _recall(self, run: _OpenRun) -> None:
        with Tail(run.path) as tail:
            for name, doc in tail.documents():
                run.known.add(identity(name, doc))
                self._learn(run, name, doc)
            run.size = tail.offset
            run.finished = tail.finished
        os.ftruncate(run.descriptor, run.size)

    def _find(self, name: str, doc: Mapping[str, Any]) -> _OpenRun:
        run = self._runs.get(doc.get("run_start", ""))
        for key in ("descriptor", "resource", "stream_resource"):
            run = run or self._run_of.get(doc.get(key, ""))
        if run is None:
            raise JournalError(
                f"{name} document belongs to no run that this journal has open. Send its start document first.",
                document=name,
            )
        return run

    def _refuse_after_loss(self, run: _OpenRun, name: str) -> None:
        with self._work:
            failure, self._sync_failure = self._sync_failure, None
        if failure is not None:
            for each in self._runs.values():
                each.lost = self._not_durable(failure)
        if run.lost is not None and name != "stop":
            raise run.lost

    def _write(self, run: _OpenRun, name: str, doc: Mapping[str, Any]) -> None:
        try:
            line = self._encoder.line(name, doc)
            try:
                is_there = run.lost is not None or run.is_there()
                if is_there:
                    _append(run, line)
            except OSError as cause:
                if name != "stop" or cause.errno not in _NO_SPACE:
                    raise self._loss(name, line, cause) from cause
                (self.folder / RESERVE_NAME).unlink(missing_ok=True)
                try:
                    _append(run, line)
                except OSError as again:
                    raise self._loss(name, line, again) from again
            if not is_there:
                raise self._gone(run, name)
        except JournalError as error:
            run.lost = error
            if name in ("start", "stop"):
                self._close(run)
            if name == "start" and run.size == 0:
                run.path.unlink()
            raise

    def _gone(self, run: _OpenRun, name: str) -> JournalError:
        """Return the error of a journal whose name leads to it no more; one that was deleted is first written anew."""
        if os.fstat(run.descriptor).st_nlink:
            return JournalError(
                f"{name} document not recorded: {run.path} was moved, or another file is in its place. What has "
                "happened until now is recorded where the folder is now. Put the folder back, and lics resume goes on.",
                path=str(run.path),
            )
        deleted = f"{name} document not recorded: {run.path} was deleted while it was written"
        try:
            self._bring_back(run)
        except (OSError, Busy) as error:
            return JournalError(
                f"{deleted}, and cannot be written anew: {error}. As long as process {os.getpid()} lives its content "
                f"is /proc/{os.getpid()}/fd/{run.descriptor}: copy that.",
                path=str(run.path),
            )
        return JournalError(
            f"{deleted}. All that has happened until now was written anew there; plates and reductions that were "
            "deleted too are not. Bring those back from a copy; lics verify names them.",
            path=str(run.path),
        )

    def _bring_back(self, run: _OpenRun) -> None:
        """Write the content of a file that was deleted once more, under its name: it lasts as long as it is open."""
        run.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(run.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, lock.BY_UMASK)
        try:
            lock.claim(descriptor, run.path)
            done = 0
            while part := os.pread(run.descriptor, _COPIED_BYTES, done):
                done += os.write(descriptor, part)
            os.fsync(descriptor)
            sync_folder(run.path.parent)
        except BaseException:
            os.close(descriptor)
            raise
        with self._work:
            self._dirty.discard(run.descriptor)
            os.close(run.descriptor)
            run.descriptor = descriptor

    def _not_durable(self, cause: OSError) -> JournalError:
        error = JournalError(
            f"{self.folder} could not be made durable: {os.strerror(cause.errno or 0)}. A power cut now may lose what "
            "was recorded last; mend the disk before measuring.",
            errno=cause.errno,
        )
        error.__cause__ = cause
        return error

    def _loss(self, name: str, line: bytes, cause: OSError) -> JournalError:
        room = _Room(self.folder, len(line), cause)
        says = f"{name} document not recorded: {room.says}. {room.advice}; what has happened until now is recorded."
        return JournalError(says, **room.facts)

    def _learn(self, run: _OpenRun, name: str, doc: Mapping[str, Any]) -> None:
        if name in ("descriptor", "resource", "stream_resource"):
            self._run_of[doc["uid"]] = run
        if name == "descriptor" and doc.get("name") in _SYNCED_STREAMS:
            run.synced_descriptors.add(doc["uid"])
        for event in run.streams.take(name, doc):
            run.events[event.stream] += 1
        if name == "descriptor":
            run.events = dict.fromkeys(run.streams.names, 0) | run.events  # also of a stream without events

    def _make_durable(self, run: _OpenRun, name: str, doc: Mapping[str, Any]) -> None:
        if name in ("start", "stop") or doc.get("descriptor") in run.synced_descriptors:
            self._sync_now(run)
            if name == "start":
                sync_folder(self.folder)
            return
        with self._work:
            if not self._dirty:
                self._work.notify()
            self._dirty.add(run.descriptor)
        if self._syncer is None:
            self._closing = False
            self._syncer = threading.Thread(target=self._sync, name="journal-sync", daemon=True)
            self._syncer.start()

    def _sync_now(self, run: _OpenRun) -> None:
        try:
            os.fsync(run.descriptor)
        except OSError as cause:
            run.lost = self._not_durable(cause)
            raise run.lost from cause

    def _sync(self) -> None:
        while True:
            with self._work:
                self._work.wait_for(lambda: self._dirty or self._closing)
                if self._closing:
                    return
                self._work.wait_for(lambda: self._closing, timeout=SYNC_AFTER_S)
                duplicates = [os.dup(descriptor) for descriptor in self._dirty]
                self._dirty.clear()
            for duplicate in duplicates:
                try:
                    os.fsync(duplicate)
                except OSError as cause:
                    self._sync_failure = cause
                finally:
                    os.close(duplicate)

    def _close(self, run: _OpenRun) -> None:
        with self._work:
            self._dirty.discard(run.descriptor)
            with contextlib.suppress(OSError):  # a disk that failed says so once more; the descriptor is gone
                lock.release(run.descriptor)
            with contextlib.suppress(OSError):
                os.close(run.descriptor)
        del self._runs[run.uid]
        self._run_of = {uid: other for uid, other in self._run_of.items() if other is not run}

    def _keep_reserve(self) -> None:
        descriptor = os.open(self.folder / RESERVE_NAME, os.O_RDWR | os.O_CREAT, lock.BY_UMASK)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        except OSError as cause:
            room = _Room(self.folder, RESERVE_BYTES, cause)
            raise JournalError(
                f"no room is kept in reserve for stop documents: {room.says}. {room.advice} before measuring.",
                **room.facts,
            ) from cause
        finally:
            os.close(descriptor)


def close_cut_off(path: Path, *, reason: str) -> None:
    """Give the journal of a run that was cut off its stop document; one that has it is left as it is.

    Parameters
    ----------
    path : Path
        The journal. A torn last line is cut off.
    reason : str
        Why the run ended, for people.

    Raises
    ------
    Busy
        If a living process writes it.
    JournalError
        If it is damaged, or cannot be written.
    """
    start: Mapping[str, Any] = {}
    streams, counted, last_s = Streams(), dict[str, int](), 0.0
    with Tail(path) as tail:
        for name, doc in tail.documents():
            start = doc if name == "start" else start
            for event in streams.take(name, doc):
                counted[event.stream] = counted.get(event.stream, 0) + 1
            said_s = doc.get("time")
            last_s = max(last_s, said_s) if isinstance(said_s, (int, float)) else last_s
    if not start or tail.finished:
        return
    with Journal(path.parent, resume=True) as journal:
        journal("start", start)
        journal(
            "stop",
            {
                "uid": str(uuid.uuid4()),
                "run_start": start["uid"],
                "time": last_s,
                "exit_status": "abort",
                "reason": reason,
                "num_events": dict.fromkeys(streams.names, 0) | counted,
            },
        )


def make_anew(path: Path) -> None:
    """Set the damaged journal of a derived run aside, so that it is made again from what it was derived from.

    Parameters
    ----------
    path : Path
        The journal. One that is being written is left where it is.
    """
    if not lock.is_held(path):
        aside = set_aside(path)
        logger.warning("%s is damaged; it is kept as %s and made anew from the raw run", path, aside.name)


def _append(run: _OpenRun, line: bytes) -> None:
    """Append all of `line` or nothing; what a disk that failed would not let be cut off is cut off first."""
    written = 0
    if os.fstat(run.descriptor).st_size > run.size:
        os.ftruncate(run.descriptor, run.size)
    try:
        while written < len(line):
            written += os.write(run.descriptor, line[written:] if written else line)
    except OSError:
        if written:
            os.ftruncate(run.descriptor, run.size)
        raise
    run.size += written


class _Room:
    """What a disk lacked when it refused to take something; how much is free it may not even say."""

    def __init__(self, folder: Path, needed_bytes: int, cause: OSError) -> None:
        free_bytes: int | None = None
        with contextlib.suppress(OSError):
            disk = os.statvfs(folder)
            free_bytes = disk.f_bavail * disk.f_frsize
        self.facts = {"free_bytes": free_bytes, "needed_bytes": needed_bytes, "errno": cause.errno}
        is_full = cause.errno == errno.ENOSPC  # under a quota, what is free is free for others
        free = f", {'an unknown number of' if free_bytes is None else free_bytes} bytes free" if is_full else ""
        self.says = f"{os.strerror(cause.errno or 0)}; {needed_bytes} bytes needed{free} in {folder}"
        self.advice = "Free space or have the quota raised" if cause.errno in _NO_SPACE else "Mend the disk"
