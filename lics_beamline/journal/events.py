"""Joins events to the streams they belong to: the one place that knows how, for all who read documents.

An event says only the uid of its descriptor, and the descriptor what the stream is called. Events come one by one or
packed in pages; both are the same events. `events` takes the documents of a run, `Streams` takes them as they come.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lics_beamline.errors import JournalError

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event and its stream.

    Parameters
    ----------
    stream : str
        Name of the stream.
    descriptor : mapping
        The descriptor that describes it; events of several runs are told apart by its ``run_start``.
    data : mapping
        Values by field.
    timestamps : mapping
        When each was read, by field [s since 1970].
    time_s : float
        When it was saved [s since 1970]; NaN where it does not say.
    """

    stream: str
    descriptor: Mapping[str, Any]
    data: Mapping[str, Any]
    timestamps: Mapping[str, Any]
    time_s: float

    def without_arrays(self) -> dict[str, Any]:
        """Return its numbers and words: a long sweep would keep thousands of patterns."""
        return {key: value for key, value in self.data.items() if not isinstance(value, np.ndarray)}


class _Values(dict[str, Any]):
    """Values by field, which tell what they lack instead of raising a bare `KeyError`."""

    def __init__(self, values: Mapping[str, Any], *, of: str) -> None:
        super().__init__(values)
        self._of = of

    def __missing__(self, field: str) -> Any:
        raise JournalError(
            f"the record lacks {field!r} in {self._of}. Take the journal from a copy.", field=field, event=self._of
        )


class Streams:
    """The streams described so far: takes documents one by one, in order, and gives the events in them."""

    def __init__(self) -> None:
        self._descriptors: dict[str, Mapping[str, Any]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the streams described so far, each once, in order."""
        return tuple(dict.fromkeys(_name(descriptor) for descriptor in self._descriptors.values()))

    def take(self, name: str, doc: Mapping[str, Any]) -> tuple[StreamEvent, ...]:
        """Take the next document.

        Parameters
        ----------
        name : str
            Kind of document: ``descriptor``, ``event`` and ``event_page`` count, others hold no event.
        doc : mapping
            The document.

        Returns
        -------
        tuple of StreamEvent
            The events in it, in order.

        Raises
        ------
        JournalError
            If no document before it described its stream.
        """
        if name == "descriptor":
            self._descriptors[doc["uid"]] = doc
        elif name == "event":
            return (
                self._event(doc, doc.get("data", _NOTHING), doc.get("timestamps", _NOTHING), doc.get("time", math.nan)),
            )
        elif name == "event_page":
            count = len(doc["seq_num"])
            times = doc.get("time", [math.nan] * count)
            return tuple(
                self._event(
                    doc,
                    _row(doc.get("data", _NOTHING), index),
                    _row(doc.get("timestamps", _NOTHING), index),
                    times[index],
                )
                for index in range(count)
            )
        return ()

    def _event(
        self, doc: Mapping[str, Any], data: Mapping[str, Any], timestamps: Mapping[str, Any], time_s: float
    ) -> StreamEvent:
        descriptor = self._descriptors.get(doc["descriptor"])
        if descriptor is None:
            raise JournalError(
                f"event {doc.get('seq_num', '')} belongs to descriptor {doc['descriptor']}, which no document before "
                f"it gives; described are: {', '.join(self.names) or 'no streams'}. Take the journal from a copy.",
                descriptor=doc["descriptor"],
            )
        stream = _name(descriptor)
        told = f"event {doc.get('seq_num', '')} of stream {stream!r} of run {descriptor.get('run_start', '')}"
        return StreamEvent(
            stream=stream,
            descriptor=descriptor,
            data=_Values(data, of=told),
            timestamps=_Values(timestamps, of=told),
            time_s=time_s,
        )


def events(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[StreamEvent]:
    """Yield the events of a run, each with its stream.

    Parameters
    ----------
    documents : iterable of (str, mapping)
        The run's documents, in order.

    Raises
    ------
    JournalError
        At an event whose stream no document before it described.
    """
    streams = Streams()
    for name, doc in documents:
        yield from streams.take(name, doc)


def _name(descriptor: Mapping[str, Any]) -> str:
    return str(descriptor.get("name", ""))


def _row(columns: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Return the values of one event of a page."""
    return {field: column[index] for field, column in columns.items()}
