"""In which order the documents of a run come, and what is wrong where they do not.

The writer keeps the order. Whoever copied, merged, sorted or mended a journal by hand may not have: a document may be
there twice, come before the one it rests on, or belong to another run. All that can be used is given, each document
once and never before what it needs; what was wrong is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

START: Final = "start"
LATEST_S: Final = 1e15  # since 1970; what is beyond is no time, and may be no float either


@dataclass(frozen=True, slots=True)
class Numbered:
    """A document and the number of its line.

    Parameters
    ----------
    line : int
        From 1.
    name : str
        Kind of document.
    doc : dict
        The document.
    """

    line: int
    name: str
    doc: dict[str, Any]


@dataclass(slots=True)
class _Stream:
    """What has come of one stream."""

    name: str
    events: int = 0
    last_number: int = 0
    last_time: float = 0.0


class Order:
    """Takes the documents of one journal as they stand in it and gives them so that each can be used.

    Parameters
    ----------
    fault : callable
        Told the line and what is wrong with it.
    earlier : callable
        Gives line and identity of all documents before; asked for once, when the first event comes whose number is not
        the next. So a whole journal costs no memory.
    """

    def __init__(self, fault: Callable[[int, str], None], earlier: Callable[[], Iterator[tuple[int, str]]]) -> None:
        self._fault = fault
        self._earlier = earlier
        self._uid = ""
        self._streams: dict[str, _Stream] = {}  # by name
        self._described: dict[str, _Stream] = {}  # by uid of the descriptor
        self._known: set[str] = set()  # what others need, by what they call it
        self._waiting: dict[str, list[Numbered]] = {}
        self._lines: dict[str, int] | None = None  # where each identity stood first
        self._unnumbered: set[str] = set()
        self._stop: Numbered | None = None
        self._stopped = False
        self._is_disordered = False

    @property
    def is_holding(self) -> bool:
        """Whether documents came that wait for others."""
        return bool(self._waiting) or self._stop is not None

    def is_next(self, name: str, doc: Mapping[str, Any]) -> bool:
        """Take a document if it is an event that simply comes next, as nearly all do; False leaves it to `take`."""
        descriptor, number, time = doc.get("descriptor"), doc.get("seq_num"), doc.get("time")
        if name != "event" or doc.get("filled") or self._stop is not None or self._stopped or self._lines is not None:
            return False
        stream = self._described.get(descriptor) if isinstance(descriptor, str) else None
        if stream is None or number != stream.last_number + 1 or not isinstance(time, float):
            return False
        stream.last_number, stream.last_time = number, time
        stream.events += 1
        return True

    def take(self, came: Numbered) -> Iterator[Numbered]:
        """Take the next document and yield those that can be used now."""
        missing = next((need for need in _needs(came) if need not in self._known), None)
        if missing is not None:
            self._waiting.setdefault(missing, []).append(came)
            self._is_disordered = True
            self._fault(came.line, f"{came.name} document comes before the {_what(missing)} that it needs")
            return
        if not self._is_new(came) or self._is_foreign(came):
            return
        if came.name == "stop":
            self._stop = came
            yield from self._end(at_rest=False)
            return
        if self._stopped:
            self._fault(came.line, f"{came.name} document comes after the stop document")
        yield came
        for given in self._provide(came):
            self._known.add(given)
            for held in self._waiting.pop(given, ()):
                yield from self._retake(held)
        yield from self._end(at_rest=False)

    def rest(self) -> Iterator[Numbered]:
        """Yield what can be used though what it waited for never came: nothing more comes."""
        held = sorted((each for waiting in self._waiting.values() for each in waiting), key=lambda each: each.line)
        lacking = {each.line: need for need, waiting in self._waiting.items() for each in waiting}
        self._waiting.clear()
        for each in held:
            need = lacking[each.line]
            if need.startswith("datum "):  # the picture is named in the event too
                self._known.add(need)
                self._fault(
                    each.line, f"{each.name} document needs a {_what(need)} that is not there; it is used without"
                )
                yield from self._retake(each)
            else:
                self._fault(
                    each.line, f"{each.name} document is of no use without its {_what(need)}, which is not there"
                )
        yield from self._end(at_rest=True)

    def _retake(self, held: Numbered) -> Iterator[Numbered]:
        missing = next((need for need in _needs(held) if need not in self._known), None)
        if missing is not None:
            self._waiting.setdefault(missing, []).append(held)
            return
        yield from self.take(held)

    def _end(self, *, at_rest: bool) -> Iterator[Numbered]:
        """Yield the stop document once all it counts are there, or nothing more comes."""
        stop = self._stop
        if stop is None or (self._is_disordered and not at_rest):
            return
        counted = stop.doc.get("num_events")
        short = {
            name: (self._streams[name].events if name in self._streams else 0, number)
            for name, number in (counted.items() if isinstance(counted, Mapping) else ())
            if isinstance(number, int) and (self._streams[name].events if name in self._streams else 0) < number
        }
        if short and not at_rest:
            return
        for name, (found, number) in short.items():
            self._fault(stop.line, f"the stop document counts {number} events of stream {name}, and {found} are there")
        self._stop, self._stopped = None, True
        yield stop

    def _is_new(self, came: Numbered) -> bool:
        """Whether a document was not there before; says so where it was, and where an event comes too late or early."""
        stream = self._described.get(str(came.doc.get("descriptor"))) if came.name in ("event", "event_page") else None
        numbers = came.doc.get("seq_num")
        number = numbers[0] if isinstance(numbers, list) and numbers else numbers
        if stream is not None and isinstance(number, int):
            return self._is_new_event(came, stream, number)
        this = identity(came.name, came.doc)
        if this in self._unnumbered and has_identity(came.doc):
            self._fault(came.line, f"{came.name} document is there a second time; it is used once")
            return False
        self._unnumbered.add(this)
        if stream is not None:
            stream.events += 1
        return True

    def _is_new_event(self, came: Numbered, stream: _Stream, number: int) -> bool:
        numbers = came.doc["seq_num"]
        count = len(numbers) if isinstance(numbers, list) else 1
        times = came.doc.get("time", 0.0)
        time = times[-1] if isinstance(times, list) and times else times
        time = float(time) if isinstance(time, (int, float)) and abs(time) < LATEST_S else 0.0
        this = identity(came.name, came.doc)
        if number <= stream.last_number:
            if self._lines is None:
                self._lines = {}
                for line, known in self._earlier():
                    self._lines.setdefault(known, line)
            if self._lines.get(this, came.line) < came.line and has_identity(came.doc):
                self._fault(
                    came.line, f"event {number} of stream {stream.name} is there a second time; it is used once"
                )
                return False
            if time < stream.last_time:  # one that was measured again, after a rewind, is younger
                self._fault(came.line, f"event {number} of stream {stream.name} comes after event {stream.last_number}")
        elif number > stream.last_number + 1:
            lost = f"{stream.last_number + 1}" + (f" to {number - 1}" if number > stream.last_number + 2 else "")
            self._fault(came.line, f"event {lost} of stream {stream.name} is not before event {number}")
        if self._lines is not None:
            self._lines.setdefault(this, came.line)
        stream.events += count
        if number > stream.last_number or time >= stream.last_time:
            stream.last_number, stream.last_time = number + count - 1, time
        return True

    def _is_foreign(self, came: Numbered) -> bool:
        """Whether a document belongs to another run; says so."""
        if came.name == START:
            if self._uid:
                self._fault(came.line, f"a second start document, of run {came.doc.get('uid')}; it is not used")
                return True
            self._uid = str(came.doc.get("uid"))
        of = came.doc.get("run_start")
        if of is not None and of != self._uid:
            self._fault(came.line, f"{came.name} document belongs to run {of}; it is not used")
            return True
        return False

    def _provide(self, came: Numbered) -> tuple[str, ...]:
        """Return what others need of a document, as they call it."""
        doc = came.doc
        match came.name:
            case "start":
                return (START,)
            case "descriptor":
                name = str(doc.get("name", ""))
                self._described[str(doc.get("uid"))] = self._streams.setdefault(name, _Stream(name=name))
                return (f"descriptor {doc.get('uid')}",)
            case "resource":
                return (f"resource {doc.get('uid')}",)
            case "datum":
                return (f"datum {doc.get('datum_id')}",)
            case "datum_page":
                identities = doc.get("datum_id")
                return tuple(f"datum {each}" for each in identities) if isinstance(identities, list) else ()
            case _:
                return ()


def identity(name: str, doc: Mapping[str, Any]) -> str:
    """Return what makes a document the same document when it is written again."""
    return f"{name} {doc.get('uid', doc.get('datum_id'))}"


def has_identity(doc: Mapping[str, Any]) -> bool:
    """Whether a document says which one it is; one that does not is never taken for another."""
    return bool(doc.get("uid", doc.get("datum_id")))


def _needs(came: Numbered) -> Iterator[str]:
    """Yield what has to be there before a document can be used."""
    if came.name == START:
        return
    yield START
    if came.name in ("event", "event_page"):
        yield _descriptor(came)
    if came.name == "event":
        filled, data = came.doc.get("filled"), came.doc.get("data")
        for key, whether in filled.items() if isinstance(filled, Mapping) else ():
            if whether is False and isinstance(data, Mapping) and isinstance(data.get(key), str):
                yield f"datum {data[key]}"
    if came.name in ("datum", "datum_page"):
        yield f"resource {came.doc.get('resource')}"


def _descriptor(came: Numbered) -> str:
    return f"descriptor {came.doc.get('descriptor')}"


def _what(need: str) -> str:
    kind, _, uid = need.partition(" ")
    return f"{kind} document {uid}".rstrip()
