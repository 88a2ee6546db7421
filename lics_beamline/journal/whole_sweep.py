"""A sweep that was cut off and resumed is several runs: here it is read as one.

Each run has a journal of its own, and the start document of one that goes on says which run it `resumes`. To whoever
reads a run its documents are those of the whole sweep up to its end: the earlier runs' events, each once, then its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from lics_beamline.errors import RunNotFound
from lics_beamline.journal.events import Streams
from lics_beamline.journal.head import Head, head
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import SUFFIX

RESUMES: Final = "resumes"  # of a start document: uid of the run that this one goes on with

Document = tuple[str, dict[str, Any]]


def runs_of(last: Head) -> tuple[Head, ...]:
    """Return the runs of a sweep up to one of them, oldest first.

    Parameters
    ----------
    last : Head
        The newest that is asked for; alone where it resumes none.

    Raises
    ------
    RunNotFound
        If an earlier run of the sweep has no journal beside it, or runs resume one another in a circle.
    """
    found = [last]
    while RESUMES in found[0].start:
        uid = str(found[0].start[RESUMES])
        path = last.path.with_name(f"{uid}{SUFFIX}")
        earlier = head(path) if path.is_file() else None
        if earlier is None or any(earlier.uid == one.uid for one in found):
            raise RunNotFound(
                f"run {found[0].uid} resumes run {uid}, "
                + ("which resumes it in turn" if earlier else f"and {path} is not there")
                + ". Bring the journals of all runs of a sweep into one folder.",
                uid=uid,
            )
        found.insert(0, earlier)
    return tuple(found)


def earlier_documents(last: Head) -> Iterator[Document]:
    """Yield descriptors, events and resources of the runs that a run resumes, as if they were its own.

    Parameters
    ----------
    last : Head
        The run.

    Raises
    ------
    RunNotFound, JournalError
        If an earlier run is not there, or damaged.
    """
    for earlier in runs_of(last)[:-1]:
        for name, doc in read(earlier.path):
            if name not in ("start", "stop"):
                yield name, doc | {"run_start": last.uid} if "run_start" in doc else doc


def sweep_documents(last: Head) -> Iterator[Document]:
    """Yield the documents of a run; of one that resumes another, those of the whole sweep up to its end.

    Start and stop are the run's own. Events of a stream are numbered through, and the stop document counts them all.

    Parameters
    ----------
    last : Head
        The run.

    Raises
    ------
    RunNotFound, JournalError
        If an earlier run is not there, or one is damaged.
    """
    own = read(last.path)
    if RESUMES not in last.start:
        yield from own
        return
    yield next(own)
    streams, counted = Streams(), dict[str, int]()
    for name, doc in chain(earlier_documents(last), own):
        described = streams.take(name, doc)
        if name == "descriptor":
            counted.setdefault(str(doc["name"]), 0)
        elif described:
            first = counted[described[0].stream] + 1
            counted[described[0].stream] += len(described)
            numbers = list(range(first, first + len(described)))
            doc = doc | {"seq_num": numbers if name == "event_page" else first}
        elif name == "stop":
            doc = doc | {"num_events": counted}
        yield name, doc
