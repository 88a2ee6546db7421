"""One document as one line of JSON, and back, without losing a bit.

JSON already keeps Python floats (shortest repr), NaN, infinities, integers of any size and the order of keys. What it
does not know (arrays, bytes, exotic NumPy scalars) travels as ``{"__npy__": <base64>, "kind": ...}``, where the base64
text of an array is a complete ``.npy`` file: any program that reads NumPy's format can read it.

A line is ``["event",{...},"5f3a9c01"]``: what the document is, the document, and the CRC-32 of all that stands before
the comma behind the document, in eight hexadecimal digits. Journals of before there were checksums have pairs; they are
read as they are.

What changes on the way, on purpose: tuples and sets come back as lists, paths as strings, NumPy scalars that Python can
hold exactly as Python numbers. Keys are strings, as event-model requires.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Final

import numpy as np

from lics_beamline.errors import JournalError
from lics_beamline.files.given_file import READER_FAULTS, check_nesting

TAG: Final = "__npy__"
_TAG_AS_KEY: Final = f'"{TAG}":'
MOST_LINE_BYTES: Final = 64 << 20  # of a document: the largest of ours, a pattern of 20 000 bins, has 1 MB
_PYTHON_HOLDS: Final = "biuf"  # kinds of NumPy scalars that are Python numbers, up to 64 bits
_WORD_BYTES: Final = 8  # 64 bits: a Python float holds every smaller one exactly (IEEE 754)
_NPY_VERSION: Final = (3, 0)  # field names may be any Unicode; NumPy 1.17 and later read it
SMALL_ARRAY_CHARACTERS: Final = 1000  # of base64, about 90 numbers: no spectrum is as short
_LEFT_OUT: Final = b'{"__npy__":"","kind":"left out"}'
_EVENT: Final = b'["event",'
_SPECTRUM: Final = re.compile(rb'\{"__npy__":"[A-Za-z0-9+/=]{%d,}","kind":"array"\}' % SMALL_ARRAY_CHARACTERS)
_CHECKSUM_BYTES: Final = len(b',"5f3a9c01"]\n')  # what stands behind the document in a line
_NOT_OURS: Final = {  # how files begin that somebody has made of a journal
    b"\x1f\x8b": "compressed by gzip; gunzip it",
    b"BZh": "compressed by bzip2; bunzip2 it",
    b"\xfd7zXZ": "compressed by xz; unxz it",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unzstd it",
    b"PK\x03\x04": "a zip archive; unzip it",
    b"\xef\xbb\xbf": "text that an editor has put a byte-order mark before; save it as plain UTF-8",
    b"\xff\xfe": "text in UTF-16; save it as plain UTF-8",
    b"\xfe\xff": "text in UTF-16; save it as plain UTF-8",
}
_NOT_IN_NPY: Final = "OT"  # kinds of arrays that .npy would have to pickle: objects, variable-width strings


class Encoder(json.JSONEncoder):
    """Writes documents as lines; one for each thread that writes, because it counts what it has wrapped."""

    def __init__(self) -> None:
        super().__init__(separators=(",", ":"))
        self._wrapped = 0

    def line(self, name: str, doc: Mapping[str, Any]) -> bytes:
        r"""Return one document as a line.

        Parameters
        ----------
        name : str
            Kind of document: ``start``, ``descriptor``, ``event`` ...
        doc : mapping
            The document.

        Returns
        -------
        bytes
            ASCII, ends with a newline, has none inside.

        Raises
        ------
        JournalError
            If something in the document cannot be written so that it comes back.
        """
        self._wrapped = 0
        try:
            text = self.encode((name, doc))
        except (TypeError, ValueError) as cause:
            raise JournalError(
                f"{name} document cannot be written: {cause}. Put numbers, strings, arrays, lists or dicts into it.",
                document=name,
            ) from cause
        if _TAG_AS_KEY in text and text.count(_TAG_AS_KEY) != self._wrapped:
            raise JournalError(
                f"{name} document has a key {TAG!r}, which marks arrays in a journal. Rename that key.", document=name
            )
        body = text[:-1].encode("ascii")
        return b'%b,"%08x"]\n' % (body, zlib.crc32(body))

    def default(self, o: Any) -> Any:
        """Return something JSON knows for `o`; called by the base class for all it does not know."""
        match o:
            case np.ndarray():
                wrapped = _array(o)
            case np.generic() if o.dtype.kind in _PYTHON_HOLDS and o.dtype.itemsize <= _WORD_BYTES:
                return o.item()
            case bytes():
                wrapped = {TAG: base64.b64encode(o).decode("ascii"), "kind": "bytes"}
            case np.generic() | complex():
                wrapped = {TAG: _npy(np.asarray(o)), "kind": "scalar"}
            case set() | frozenset():
                return list(o)
            case PurePath():
                return str(o)
            case Mapping():
                return dict(o)
            case _:
                raise TypeError(f"no way to write a {type(o).__name__}")
        self._wrapped += 1
        return wrapped


def decode(line: bytes, *, spectra: bool = True) -> tuple[str, dict[str, Any]]:
    """Return name and document of one line.

    Parameters
    ----------
    line : bytes
        The line, with its end.
    spectra : bool
        Whether spectra, patterns and images of an event are wanted; else each array of more than
        `SMALL_ARRAY_CHARACTERS` is an empty one, which takes a third of the time.

    Raises
    ------
    ValueError
        If the line is not a document, or not the one that was written; the caller knows file and number.
    """
    checked = has_checksum(line)
    if checked:
        body, said = line[:-_CHECKSUM_BYTES], line[-_CHECKSUM_BYTES + 2 : -3]
        found = b"%08x" % zlib.crc32(body)
        if found != said:
            if line.startswith(tuple(_NOT_OURS)):
                raise ValueError(_what_else(line))
            raise ValueError(
                f"its checksum is {found.decode()}, and it was written with {said.decode('ascii', 'replace')}"
            )
    if not spectra and line.startswith(_EVENT):
        line = _SPECTRUM.sub(_LEFT_OUT, line)
    hook = (_unwrap if spectra else _unwrap_short) if TAG.encode("ascii") in line else None
    try:
        parts = json.loads(line.decode(), object_hook=hook)  # by itself it would guess UTF-16 and UTF-32
        if b"\\ud" in line.lower():
            _refuse_halves(json.loads(line))
    except RecursionError:
        raise ValueError("it is nested too deeply to be a document") from None
    except (json.JSONDecodeError, UnicodeError):
        raise ValueError(_what_else(line)) from None
    match parts:
        case [str() as name, dict() as doc, *rest] if len(rest) == checked:
            check_nesting(doc, source=f"{name} document")
            return name, doc
    if line.endswith(b"\r\n"):
        raise ValueError("its lines end as those of Windows; save it with ends of lines of Unix")
    raise ValueError("not name, document and checksum")


def has_checksum(line: bytes) -> bool:
    """Whether a line carries the checksum of its document; those of older journals do not."""
    return line.endswith(b'"]\n') and line[-_CHECKSUM_BYTES : -_CHECKSUM_BYTES + 2] == b',"'


def _what_else(line: bytes) -> str:
    """Say what a line is that is no JSON, for who has to find out what became of a journal."""
    if not line.strip():
        return "it is empty"
    for begins, says in _NOT_OURS.items():
        if line.startswith(begins):
            return f"it is {says}"
    if b"\0" in line:
        return "it has NUL bytes in it, as a file that was not written to its end has after a power cut"
    if b"\\ud" in line.lower():
        return "it has half of a surrogate pair in it, which no text has"
    return "it is no JSON, as each line of a journal is"


def _refuse_halves(pair: Any) -> None:
    """Refuse text with half of a surrogate pair: it could be printed nowhere and written to no file.

    Raises
    ------
    ValueError
        If there is some.
    """
    json.dumps(pair, ensure_ascii=False).encode()


def _npy(array: np.ndarray[Any, Any]) -> str:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=_NPY_VERSION, allow_pickle=False)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _array(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    if array.dtype.kind in _NOT_IN_NPY:
        items = array.ravel().tolist()
        return {TAG: "", "kind": "items", "dtype": array.dtype.kind, "shape": array.shape, "items": items}
    return {TAG: _npy(array), "kind": "array"}


def _unwrap(value: dict[str, Any]) -> Any:
    if TAG not in value:
        return value
    match value:
        case {"kind": "items", "items": list() as given, "dtype": ("O" | "T") as dtype, "shape": list() as shape}:
            items = np.empty(len(given), dtype=dtype)
            for index, item in enumerate(given):  # one by one: an item may itself be a list or an array
                items[index] = item
            return _guarded(lambda: items.reshape(shape))
        case {"kind": "bytes" | "scalar" | "array" as kind, "__npy__": str() as text}:
            binary = base64.b64decode(text, validate=True)
            if kind == "bytes":
                return binary
            array = _guarded(lambda: np.lib.format.read_array(io.BytesIO(binary), allow_pickle=False))
            if array.size > len(binary):  # elements of no size, of which a few bytes promise any number
                raise ValueError(f"an array of {array.size} elements in {len(binary)} bytes")
            return array[()] if kind == "scalar" else array
    raise ValueError(f"what is marked by {TAG!r} is no array")


def _unwrap_short(value: dict[str, Any]) -> Any:
    return np.empty(0) if value.get("kind") == "left out" and TAG in value else _unwrap(value)


def _guarded(make: Callable[[], Any]) -> Any:
    """Return what NumPy makes of numbers that may be anything.

    Raises
    ------
    ValueError
        Whatever it raises.
    """
    try:
        return make()
    except READER_FAULTS as error:
        raise ValueError(f"no array: {error}") from None
