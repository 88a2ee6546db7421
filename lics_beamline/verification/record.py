"""One journal, read to its end and judged: lines, checksums, order, and what the others are held against."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lics_beamline import schema
from lics_beamline.errors import LicsError
from lics_beamline.journal.codec import has_checksum
from lics_beamline.journal.events import StreamEvent, Streams
from lics_beamline.journal.reader import Tail
from lics_beamline.journal.writer import SUFFIX
from lics_beamline.verification.difference import Difference

logger = logging.getLogger(__name__)

FROM_A_COPY: Final = "Take the file from a copy; what can be used of it is used until then."
_LOOK_PATH: Final = "look_path"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFrame:
    """A plate file that a run names.

    Parameters
    ----------
    path, sha256 : str
        As recorded: relative to the data folder; of the file, empty where it was not recorded.
    """

    path: str
    sha256: str


@dataclass(slots=True, kw_only=True)
class Record:
    """What a journal holds.

    Parameters
    ----------
    path : Path
        The journal.
    start, stop : mapping
        Its documents; empty where it has none.
    documents : int
        How many can be used.
    events : Counter
        How many, by stream.
    frames : list of RecordedFrame
        Plates it names.
    exposed, read, reduced : list of str
        Exposures of points; of those that were read or lost; of those that were reduced.
    being_written : bool
        Whether a process writes it now.
    differences : list of Difference
        What is wrong with it.
    """

    path: Path
    start: Mapping[str, Any] = field(default_factory=dict)
    stop: Mapping[str, Any] = field(default_factory=dict)
    documents: int = 0
    events: Counter[str] = field(default_factory=Counter)
    frames: list[RecordedFrame] = field(default_factory=list)
    exposed: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    reduced: list[str] = field(default_factory=list)
    being_written: bool = False
    differences: list[Difference] = field(default_factory=list)

    @property
    def uid(self) -> str:
        """Uid of the run; the name of the file where it has no start document."""
        return str(self.start.get("uid", self.path.stem))

    @property
    def is_derived(self) -> bool:
        """Whether it is a run reduced from another."""
        return self.start.get("purpose") == schema.REDUCTION

    def note(self, says: str, remedy: str = "", *, line: int = 0) -> None:
        """Note what is wrong, or what a person may want to know."""
        where = f"{self.path} line {line}" if line else str(self.path)
        self.differences.append(Difference(run=self.uid, where=where, says=says, remedy=remedy))


def read_record(path: Path) -> Record:
    """Read and judge one journal.

    Parameters
    ----------
    path : Path
        The journal.
    """
    record = Record(path=path)
    streams = Streams()
    try:
        with Tail(path) as tail:
            record.being_written = tail.being_written()
            for name, doc in tail.documents():
                record.documents += 1
                if name == "start":
                    record.start = doc
                elif name == "stop":
                    record.stop = doc
                for event in streams.take(name, doc):
                    _take(record, event)
            for fault in tail.faults:
                record.note(fault.says, _remedy(record), line=fault.line)
            _judge_place(record)
            _judge_end(record, tail)
    except (LicsError, OSError) as error:
        record.note(f"it cannot be read: {error}", _remedy(record))
    except (KeyError, TypeError, ValueError, AttributeError):
        logger.debug("journal %s cannot be read", path, exc_info=True)
        record.note(
            "its documents are not those of a run: a key is missing, or a value of another kind", _remedy(record)
        )
    return record


def _take(record: Record, event: StreamEvent) -> None:
    record.events[event.stream] += 1
    exposure = str(event.data.get(schema.EXPOSURE_UID.name, ""))
    if record.is_derived:
        record.reduced.append(exposure)
        return
    if not exposure:
        pass  # of a plan that exposes no plate
    elif event.stream == schema.PRIMARY:
        record.exposed.append(exposure)
    elif event.stream in (schema.READOUT, schema.FAILURE):
        record.read.append(exposure)
    if event.data.get(schema.FRAME_PATH):
        sha256 = str(event.data.get(schema.FRAME_SHA256, ""))
        record.frames.append(RecordedFrame(path=str(event.data[schema.FRAME_PATH]), sha256=sha256))
    elif event.data.get(_LOOK_PATH):
        record.frames.append(RecordedFrame(path=str(event.data[_LOOK_PATH]), sha256=""))


def _judge_place(record: Record) -> None:
    """Judge whether the journal lies where its run is looked for: a copy beside it would be taken for another run."""
    name, folder = f"{record.start.get('uid', '')}{SUFFIX}", "derived" if record.is_derived else "raw"
    if record.start and record.path.name != name:
        record.note(
            f"its run is {record.uid}, whose journal is called {name}",
            "Take it out of the folder where that one is there too, else give it that name.",
        )
    if record.start and record.path.parent.name != folder and record.path.parent.name in ("raw", "derived"):
        record.note(
            f"it lies among the {record.path.parent.name} journals, and its run is "
            f"{'a reduced one' if record.is_derived else 'no reduced one'}",
            f"Move it to {record.path.parent.with_name(folder)}.",
        )


def _judge_end(record: Record, tail: Tail) -> None:
    """Judge the last line, whether all lines have checksums, and whether the run was ended."""
    without, checked = [], 0
    with record.path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if has_checksum(line):
                checked += 1
            elif number <= tail.line:
                without.append(number)
        size = file.tell()
    if checked and without:
        record.note(
            f"{len(without)} lines have no checksum, and {checked} have", _remedy(record), line=without[0]
        )  # who mended a line by hand left it so
    elif without:
        record.note("it is of before there were checksums: a changed value would not be noticed")
    if record.being_written:
        record.note("it is being written: it is judged as far as it goes")
    elif record.stop and size > tail.offset:
        record.note("something stands after the stop document that is no document", _remedy(record), line=tail.line + 1)
    elif not record.stop:
        torn = "; its last line is torn, which loses what had not been acknowledged" if size > tail.offset else ""
        record.note(f"it has no stop document: who recorded it was ended before{torn}. What is there can be used")


def _remedy(record: Record) -> str:
    if record.is_derived or record.path.parent.name == "derived":
        return "It is made anew by lics replay of its raw run, or by lics follow reduce --once."
    return FROM_A_COPY
