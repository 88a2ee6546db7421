"""What a document must be before anybody reads it: the fields that readers rest on, and what kind each is.

Judged where documents come out of a journal, with file and line. A journal may come from anywhere; a field that is
missing or another thing than it should be would else come up as an error of Python's in whoever needs it first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, Final

import numpy as np

from lics_beamline import schema
from lics_beamline.errors import JournalError

EARLIEST_S: Final = 0.0  # s since 1970
LATEST_S: Final = 4102444800.0  # s since 1970: the year 2100; milliseconds lie beyond
MOST_SHOWN_CHARACTERS: Final = 60  # of a refused value, in a message
OURS: Final = (schema.SWEEP, schema.REDUCTION, schema.PLATE_CALIBRATION, schema.CALIBRATION)

# Which fields each kind of document needs, what they are, and what others are where they are there.
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "start": {"uid": "text", "time": "time"},
    "descriptor": {"uid": "text", "name": "text"},
    "event": {"descriptor": "text"},
    "event_page": {"descriptor": "text", "seq_num": "list"},
}
_IF_THERE: Final[Mapping[str, Mapping[str, str]]] = {
    "descriptor": {"data_keys": "tables"},
    "event": {"data": "table", "timestamps": "table", "uid": "text", "seq_num": "number"},
    "event_page": {"data": "table", "timestamps": "table"},
    "stop": {"uid": "text", "exit_status": "text", "reason": "text"},
    "resource": {
        "uid": "text",
        "spec": "text",
        "resource_path": "text",
        "resource_kwargs": "table",
        "root": "text",
    },
    "datum": {"datum_id": "text", "resource": "text", "datum_kwargs": "table"},
}
_OF_OUR_START: Final = {
    "title": "text",
    "operator": "text",
    "proposal": "text",
    "sample": "table",
    "cell": "table",
    "gasket": "table",
    "recipe": "table",
    "profile": "table",
    "versions": "table",
    "plate_folder": "text",
    "path": "list",
    "wavelength_angstrom": "number",
    "attempt": "whole number",
    "reduction_revision": "whole number",
    schema.IMPORTED: "table",
}
_OF_OUR_EVENTS: Final = {
    field.name: {"string": "text", "integer": "whole number"}.get(field.dtype, field.dtype)
    for fields in (
        schema.REFERENCE_FIELDS,
        schema.APPROACH_FIELDS,
        schema.HEATING_FIELDS,
        schema.PRIMARY_FIELDS,
        schema.CALIBRANT_FIELDS,
        schema.PLATE_READ_FIELDS,
        schema.IMPORTED_FIELDS,
        schema.READOUT_FIELDS,
        schema.LOOK_FIELDS,
        schema.FAILURE_FIELDS,
        schema.DECISIONS_FIELDS,
        schema.HOLDS_FIELDS,
        schema.reduced_fields(0),
    )
    for field in fields
} | {
    schema.EXPOSURE_S.name: "duration",
    schema.FRAME_PATH: "text",
    schema.FRAME_SHA256: "text",
    schema.FRAME_WAITED_S: "number",
    schema.FRAME_PLATE: "whole number",
    schema.FRAME_NUMBER: "whole number",
    schema.FRAME_DATASET: "text",
    schema.LOAD: "number",
    schema.GASKET_TEMPERATURE: "number",
    schema.AMBIENT_TEMPERATURE: "number",
    schema.CELL_TEMPERATURE: "number",
    schema.RUBY_SPECTRUM: "array",
    schema.RUBY_WAVELENGTH: "array",
}
_NEEDED: Final[Mapping[str, Mapping[str, str]]] = {  # without which nothing can be told of an event of a sweep
    schema.FAILURE: {"point_index": "whole number", "reason": "text"},
    schema.DECISIONS: {"point_index": "whole number", "choice": "text"},
}


def check_alone(name: str, doc: Mapping[str, Any], *, where: str) -> None:
    """Refuse a document that cannot be what it says, whatever came before it.

    Parameters
    ----------
    name : str
        Kind of document; one that is not known is let through.
    doc : mapping
        The document.
    where : str
        File and line, for the message.

    Raises
    ------
    JournalError
        Naming file, line, field, what it is and what it should be.
    """
    where = f"{where}: {name} document"
    check_shape(doc, _FIELDS.get(name, {}), _IF_THERE.get(name, {}), where=where)
    if name == "event_page":
        count = len(doc["seq_num"])
        for table in ("data", "timestamps"):
            for field, column in doc.get(table, {}).items():
                if not isinstance(column, (list, np.ndarray)) or len(column) != count:
                    raise _wrong(f"{table}.{field}", column, f"a list of {count}, one an event", where)


class DocumentShapes:
    """Judges the documents of one run that pass `check_alone`, each after those that it needs."""

    def __init__(self) -> None:
        self._ours = ""  # `purpose`, where the run is one of ours
        self._streams: dict[str, str] = {}

    def check(self, name: str, doc: Mapping[str, Any], *, where: str) -> None:
        """Refuse a document of one of our runs that cannot be what it says; parameters and errors of `check_alone`."""
        where = f"{where}: {name} document"
        if name == "start":
            purpose = doc.get("purpose")
            self._ours = purpose if isinstance(purpose, str) and purpose in OURS else ""
            if self._ours:
                check_shape(doc, {}, _OF_OUR_START, where=where)
        elif name == "descriptor":
            self._streams[doc["uid"]] = doc["name"]
        elif name == "event" and self._ours:
            stream = self._streams.get(doc["descriptor"], "")
            check_shape(doc.get("data", {}), self._needed(stream), _OF_OUR_EVENTS, where=f"{where}, stream {stream!r}")

    def _needed(self, stream: str) -> Mapping[str, str]:
        """Return the fields without which nothing can be told of an event."""
        return _NEEDED.get(stream, {}) if self._ours == schema.SWEEP else {}


def check_shape(
    values: Mapping[str, Any], needed: Mapping[str, str], if_there: Mapping[str, str], *, where: str
) -> None:
    """Refuse values of which one is missing or another thing than it should be.

    Parameters
    ----------
    values : mapping
        As a document has them.
    needed, if_there : mapping of str to str
        What each field must be; those of `if_there` may be missing.
    where : str
        For the message.

    Raises
    ------
    JournalError
        Naming the first field that is wrong.
    """
    for field, kind in needed.items():
        if field not in values:
            raise JournalError(f"{where} lacks {field!r}, {_A[kind]}. Take the file from a copy.", field=field)
    for field, value in values.items():
        wanted = needed.get(field) or if_there.get(field)
        if wanted is not None and not _is(value, wanted):
            raise _wrong(field, value, _A[wanted], where)


_A: Final = {
    "text": "a text",
    "number": "a number",
    "duration": "a time: 0 s or more",
    "whole number": "a whole number",
    "boolean": "true or false",
    "array": "an array of numbers",
    "list": "a list",
    "table": "a table",
    "tables": "a table of tables",
    "time": "seconds since 1970 and before 2100",
}


def _is(value: object, kind: str) -> bool:
    """Tell whether a value is of a kind."""
    match kind:
        case "text":
            return isinstance(value, str)
        case "number":
            return isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and _fits(value)
        case "duration":
            return _is(value, "number") and not (value < 0.0 or value == math.inf)  # type: ignore[operator]
        case "whole number":
            return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and _fits(value)
        case "boolean":
            return isinstance(value, (bool, np.bool_))
        case "array":
            array = value if isinstance(value, np.ndarray) else None
            if isinstance(value, (list, tuple)):
                return all(_is(item, "number") for item in value)
            return array is not None and array.ndim == 1 and array.dtype.kind in "biuf"
        case "list":
            return isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim > 0)
        case "tables":
            return isinstance(value, Mapping) and all(
                isinstance(item, Mapping) and isinstance(item.get("dtype"), str) for item in value.values()
            )
        case "time":
            return isinstance(value, (int, float)) and not isinstance(value, bool) and EARLIEST_S <= value < LATEST_S
        case _:
            return isinstance(value, Mapping)


def _fits(value: Any) -> bool:
    """Tell whether a number can be reckoned with: an integer of a thousand digits is no float."""
    return not isinstance(value, int) or abs(value) < 2**63


def _wrong(field: str, value: object, wanted: str, where: str) -> JournalError:
    shown = f"of {value.bit_length()} bits" if isinstance(value, int) and not _fits(value) else repr(value)
    shown = shown if len(shown) <= MOST_SHOWN_CHARACTERS else f"{shown[: MOST_SHOWN_CHARACTERS - 3]}..."
    return JournalError(
        f"{where} has {field} = {shown}, which is not {wanted}. Take the file from a copy.", field=field
    )
