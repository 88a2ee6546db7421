"""The logbook of a sweep: what was asked, done, decided and said, when and why; read from its record."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lics_beamline import schema
from lics_beamline.control.request import ENGINE
from lics_beamline.exports.reduced_run import ReducedRun
from lics_beamline.journal.events import StreamEvent, Streams

DOES_NOT_SAY: Final = "the record ends here: the sweep runs still, or was cut off"
KINDS: Final[Mapping[str, str]] = {"noted": "note", "held": "held", "continued": "went on", "stopped": "stopped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line of a logbook.

    Parameters
    ----------
    time_s : float
        When [s since 1970]; NaN where the record does not say.
    kind : str
        What it is about, in a word or two: leg, approach, point, decided, note, held, tripped ...
    who : str
        Who did or said it; empty for the sweep itself.
    text : str
        What happened and why, with numbers.
    """

    time_s: float
    kind: str
    who: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Logbook:
    """What a logbook tells of one sweep.

    Parameters
    ----------
    start : mapping
        Its start document.
    stop : mapping or None
        Its stop document; None where it has none (yet).
    entries : tuple of LogEntry
        What happened, in the order of time.
    reduced : ReducedRun or None
        What the points showed; None where they are not reduced.
    """

    start: Mapping[str, Any]
    stop: Mapping[str, Any] | None
    entries: tuple[LogEntry, ...]
    reduced: ReducedRun | None

    @classmethod
    def of(
        cls,
        documents: Iterable[tuple[str, Mapping[str, Any]]],
        *,
        reduced: ReducedRun | None = None,
        others: Iterable[LogEntry] = (),
    ) -> Logbook:
        """Read the logbook of a sweep.

        Parameters
        ----------
        documents : iterable of (str, mapping)
            Of the whole sweep, in order; `journal.whole_sweep.sweep_documents` gives them.
        reduced : ReducedRun, optional
            Its newest reduction.
        others : iterable of LogEntry
            What happened beside it and stands in no document: trips of the guard.

        Raises
        ------
        JournalError
            If a document is damaged.
        """
        start: Mapping[str, Any] = {}
        stop: Mapping[str, Any] | None = None
        streams, told = Streams(), _Telling()
        for name, doc in documents:
            if name == "start":
                start = doc
            elif name == "stop":
                stop = doc
            for event in streams.take(name, doc):
                told.take(event)
        told.end_approach()
        began_s = float(start.get("time", math.nan))
        last_s = float(stop["time"]) if stop else max((each.time_s for each in told.entries), default=began_s)
        ended = _end(stop, last_s)
        beside = [each for each in others if began_s <= each.time_s <= (last_s if stop else math.inf)]
        entries = [LogEntry(time_s=began_s, kind="began", who=str(start.get("operator", "")), text=_asked(start))]
        entries += sorted([*told.entries, *beside], key=lambda each: each.time_s)
        return cls(start=start, stop=stop, entries=(*entries, ended), reduced=reduced)


@dataclass(slots=True)
class _Telling:
    """What has been told so far of a sweep, event by event."""

    entries: list[LogEntry] = field(default_factory=list)
    leg: str = ""
    readings: list[StreamEvent] = field(default_factory=list)  # of the approach under way
    decided: str = ""
    alarms: str = ""

    def take(self, event: StreamEvent) -> None:
        data, stream = event.data, event.stream
        if stream in (schema.APPROACH, schema.HEATING, schema.PRIMARY, schema.REFERENCE, schema.RESUMED):
            goes_on = stream == schema.APPROACH and self.readings and _point(data) == _point(self.readings[-1].data)
            if not goes_on:  # a plate of the point before is read meanwhile
                self.end_approach()
        leg = str(data.get("leg", self.leg)) or self.leg
        if leg != self.leg:
            self.leg = leg
            self._say(event, "leg", leg)
        self._alarms(event)
        if stream == schema.APPROACH:
            self.readings.append(event)
        elif stream == schema.HEATING:
            self._heating(event)
        elif stream == schema.HOLDS:
            kind, who = str(data["hold_did"]), str(data["hold_who"])
            self._say(event, KINDS.get(kind, kind), _held(data), who="" if who == ENGINE else who)
        elif stream in TOLD:
            self._say(event, *TOLD[stream](data))

    def end_approach(self) -> None:
        """Tell of the readings on the way to a pressure in one line."""
        if not self.readings:
            return
        first, last = self.readings[0].data, self.readings[-1].data
        target_gpa = float(last["target_pressure_gpa"])
        count = len(self.readings)
        text = (
            f"to {_number(target_gpa, 3)} GPa in {count} reading{'' if count == 1 else 's'} of ruby: "
            f"{_number(first['pressure_gpa'], 3)} to {_number(last['pressure_gpa'], 3)} GPa, load "
            f"{_number(first.get(schema.LOAD), 2)} to {_number(last['next_load_bar'], 2)} bar"
        )
        event = self.readings[-1]
        self.readings = []
        self._say(event, "approach", f"{_of_point(last)}{text}")
        if str(last["phase_of_approach"]) in ("pause", "abort"):
            self._say(event, "approach", f"{_of_point(last)}ended by {last['phase_of_approach']}")

    def _heating(self, event: StreamEvent) -> None:
        decided = str(event.data["decided"])
        if decided and decided != self.decided:
            pressure = f"{_number(event.data['pressure_gpa'], 3)} GPa"
            self._say(
                event, "heating", f"{pressure}, {_number(event.data.get(schema.GASKET_TEMPERATURE), 1)} K: {decided}"
            )
        self.decided = decided

    def _alarms(self, event: StreamEvent) -> None:
        alarms = str(event.data.get(schema.ALARMS.name, self.alarms))
        if alarms != self.alarms:
            self._say(event, "alarms", alarms or "none any more")
            self.alarms = alarms

    def _say(self, event: StreamEvent, kind: str, text: str, *, who: str = "") -> None:
        self.entries.append(LogEntry(time_s=float(event.time_s), kind=kind, who=who, text=text))


def _primary(data: Mapping[str, Any]) -> tuple[str, str]:
    return "point", (
        f"{_of_point(data)}exposed {_number(data.get('exposure_s'), 0)} s at {_number(data['pressure_gpa'], 3)} +- "
        f"{_number(data.get('pressure_sigma_gpa'), 3)} GPa, gasket "
        f"{_number(data.get(schema.GASKET_TEMPERATURE), 1)} K, load {_number(data.get(schema.LOAD), 2)} bar"
    )


def _reference(data: Mapping[str, Any]) -> tuple[str, str]:
    return "reference", (
        f"unshifted ruby line {_number(data.get('reference_r1_nm'), 4)} nm at "
        f"{_number(data.get('reference_temperature_k'), 1)} K, axis checked by {data.get('axis_checked_by', '')}, "
        f"drift {_number(data.get('axis_drift_nm'), 4)} nm"
    )


def _look(data: Mapping[str, Any]) -> tuple[str, str]:
    limit = f"; limited by {data['limit']}" if data.get("limit") else ""
    return "look", (
        f"{_of_point(data)}strongest ring {_number(data.get('ring_counts'), 0)} counts, so exposures of "
        f"{_number(data.get('chosen_exposure_s'), 1)} s{limit}"
    )


def _failure(data: Mapping[str, Any]) -> tuple[str, str]:
    return "failed", f"{_of_point(data)}{data['reason']}"


def _decision(data: Mapping[str, Any]) -> tuple[str, str]:
    return "decided", f"{_of_point(data)}{data['choice']}"


def _resumed(data: Mapping[str, Any]) -> tuple[str, str]:
    return "resumed", str(data["does"])


TOLD: Final = {
    schema.PRIMARY: _primary,
    schema.REFERENCE: _reference,
    schema.LOOK: _look,
    schema.FAILURE: _failure,
    schema.DECISIONS: _decision,
    schema.RESUMED: _resumed,
}


def _held(data: Mapping[str, Any]) -> str:
    if data["hold_did"] == "noted":
        return str(data["hold_why"])
    at = (
        f"at {_number(data.get('hold_pressure_gpa'), 3)} GPa, {_number(data.get('hold_load_bar'), 2)} bar, gasket "
        f"{_number(data.get('hold_gasket_k'), 1)} K"
    )
    lasted_s = data.get("hold_lasted_s")
    after = f", after {_number(lasted_s, 0)} s of experiment" if lasted_s else ""
    why = f": {data['hold_why']}" if data["hold_why"] else ""
    return f"{at}{after}{why}"


def _asked(start: Mapping[str, Any]) -> str:
    points, speed = start.get("points"), float(start.get("speed", 1.0))
    said = [str(start.get("title", "")) or str(start.get("plan_name", "a run"))]
    said += [f"{points} point{'' if points == 1 else 's'} asked"] if points is not None else []
    said += [f"simulated, at {speed:g} times the speed of time"] if speed != 1.0 else []
    return ", ".join(said)


def _end(stop: Mapping[str, Any] | None, last_s: float) -> LogEntry:
    if stop is None:
        return LogEntry(time_s=last_s, kind="open", who="", text=DOES_NOT_SAY)
    status, reason = str(stop.get("exit_status", "")) or "does not say how", str(stop.get("reason", ""))
    return LogEntry(time_s=float(stop["time"]), kind="ended", who="", text=f"{status}{f': {reason}' if reason else ''}")


def _of_point(data: Mapping[str, Any]) -> str:
    index = _point(data)
    return f"point {index + 1}: " if index is not None else ""


def _point(data: Mapping[str, Any]) -> int | None:
    index = data.get(schema.POINT_INDEX.name)
    return None if index is None else int(index)


def _number(value: Any, digits: int) -> str:
    """Return a number for people; a dash where there is none."""
    if value is None or not math.isfinite(float(value)):
        return "-"
    return f"{round(float(value), digits) + 0.0:.{digits}f}"  # and never -0.00


def path_lines(start: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was asked of the cell, a line a leg, as the experiment file names it."""
    for leg in start.get("path") or ():
        said = ", ".join(f"{key} {plain(value)}" for key, value in dict(leg).items() if value not in (None, "", [], {}))
        yield said


def plain(value: Any) -> str:
    """Return a value of a start document in words."""
    if isinstance(value, list | tuple):
        return " ".join(plain(each) for each in value)
    if isinstance(value, Mapping):
        return " ".join(f"{key} {plain(each)}" for key, each in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
