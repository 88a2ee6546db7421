"""The one door to files that people give: a regular file of a bounded size, read whole, and text that is text.

A folder, a pipe nobody writes to, a device without end, or gigabytes under the name of a profile would otherwise end a
command in a hang, in all memory used, or in an error of Python's. Each kind of file has its bound, stated here once.
"""

from __future__ import annotations

import json
import os
import stat
import struct
import tokenize
import unicodedata
import zlib
from pathlib import Path
from typing import Any, Final

from lics_beamline.errors import ProfileError

# The most that a file may have [bytes], by what it is. All that ships is a hundredth of it or less.
SETTINGS_BYTES: Final = 2 << 20  # profile, experiment, recipe, phase: a path of a thousand legs is 200 kB
GEOMETRY_BYTES: Final = 1 << 20  # a PONI file is 500 bytes
STRUCTURE_BYTES: Final = 4 << 20  # a CIF of one structure, reflections of its refinement included
RECORD_BYTES: Final = 16 << 20  # a calibration as JSON: every ring of it
PATTERN_BYTES: Final = 256 << 20  # a pattern; as text 2 MB, a NeXus file holds thousands
SPECTRUM_BYTES: Final = 4 << 20  # two columns of text, 2048 pixels: 40 kB
SPE_BYTES: Final = 256 << 20  # frames of a whole CCD: 1340 x 400 pixels are 2 MB each
IMAGE_BYTES: Final = 2 << 30  # a frame of any detector; a plate is 18 MB, a stack of HDF5 frames is the largest

JOINERS: Final = "\u200c\u200d"  # by which scripts and pictures join letters; they move nothing else
MOST_NESTED: Final = 40  # tables and arrays within each other in TOML or JSON; the deepest of ours is 6

# What readers of formats that are not ours raise at a damaged file: whatever their parser trips over.
READER_FAULTS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
)


def one_line(text: str) -> str:
    r"""Return a text as people read it, on one line, whoever wrote it: what does not print is shown by its escape.

    A title from elsewhere may have escape sequences that empty a terminal, an end of line that begins a record of an
    exported file, or marks that turn the order of letters round.

    Parameters
    ----------
    text : str
        Any text; ``"a\nb"`` becomes ``"a\\nb"``. Spaces of any width and the joiners of letters stay.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in JOINERS or unicodedata.category(each) == "Zs" else _escape(each)
        for each in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def is_there(path: Path) -> bool:
    """Tell whether there is such a file; what no file can be called is not there."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name; a NUL in it
        return False


def begins_with(path: Path, signature: bytes) -> bool:
    """Tell whether a path is of a file that begins with these bytes, by which programs know their own."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return file.read(len(signature)) == signature
    except (OSError, ValueError):  # ValueError: a NUL in its name
        return False


def regular_size(path: Path, *, most_bytes: int, what: str) -> int:
    """Return the size of a file [bytes], or refuse it before it is opened.

    Parameters
    ----------
    path : Path
        The file.
    most_bytes : int
        The most that such a file may have [bytes].
    what : str
        What it should be, for the message: ``a TOML file``.

    Raises
    ------
    ProfileError
        If there is none, it is a folder, a pipe or a device, or it is larger.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        raise ProfileError(f"{path}: there is no such file. Give the path of {what}.", file=str(path)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        reason = getattr(error, "strerror", None) or error
        raise ProfileError(
            f"{_shown(path)}: cannot be read: {reason}. Give the path of {what}.", file=str(path)
        ) from None
    if not stat.S_ISREG(state.st_mode):
        kind = "a folder" if stat.S_ISDIR(state.st_mode) else "no regular file but a pipe or a device"
        raise ProfileError(f"{path}: is {kind}. Give the path of {what}.", file=str(path))
    if state.st_size > most_bytes:
        raise ProfileError(
            f"{path}: has {state.st_size / 1e6:.1f} MB, and {most_bytes / 1e6:.1f} MB are the most. "
            f"Give the path of {what}.",
            file=str(path),
            size_bytes=state.st_size,
            most_bytes=most_bytes,
        )
    return state.st_size


def read_bytes(path: Path, *, most_bytes: int, what: str) -> bytes:
    """Return the content of a file; parameters and errors as of `regular_size`."""
    regular_size(path, most_bytes=most_bytes, what=what)
    try:
        # Not blocking: should it have become a pipe meanwhile, it is empty instead of waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            content = file.read(most_bytes)
    except OSError as error:
        raise ProfileError(
            f"{path}: cannot be read: {error.strerror or error}. Give the path of {what}.", file=str(path)
        ) from None
    return content


def read_text(path: Path, *, most_bytes: int, what: str, or_latin_1: bool = False) -> str:
    """Return the text of a file in UTF-8; parameters as of `regular_size`.

    Other programs write Latin-1 where an author's name has an accent: `or_latin_1` reads that too.

    Raises
    ------
    ProfileError
        As of `regular_size`, and if it is no UTF-8 or has a NUL in it.
    """
    content = read_bytes(path, most_bytes=most_bytes, what=what)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if or_latin_1:
            return _without_nul(content.decode("latin-1"), path, what)
        line = content.count(b"\n", 0, error.start) + 1
        raise ProfileError(
            f"{path}, line {line}: byte {content[error.start]:#04x} is no UTF-8. Save it as UTF-8.",
            file=str(path),
            line=line,
        ) from None
    return _without_nul(text, path, what)


def _without_nul(text: str, path: Path, what: str) -> str:
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise ProfileError(
            f"{path}, line {line}: has a NUL in it, so it is no text. Give the path of {what}.",
            file=str(path),
            line=line,
        )
    return text


def parse_json(text: str, *, source: str, what: str) -> dict[str, Any]:
    """Return the object that JSON holds.

    Parameters
    ----------
    text : str
        The JSON.
    source : str
        Where it comes from, for the message.
    what : str
        What it should be, for the message: ``a calibration``.

    Raises
    ------
    ProfileError
        If it is no JSON or no object.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{source}: not readable as {what}: {_reason(error)}. Restore it.", file=source) from None
    if not isinstance(content, dict):
        raise ProfileError(f"{source}: is no {what.split(' ', 1)[-1]} but a single value. Restore it.", file=source)
    return content


def check_nesting(content: object, *, source: str) -> None:
    """Refuse values that are nested more than `MOST_NESTED` deep: nothing of ours is, and walking them ends badly.

    Raises
    ------
    ProfileError
        If they are.
    """
    level: list[object] = [content]
    for _ in range(MOST_NESTED):
        level = [
            item
            for value in level
            if isinstance(value, (dict, list, tuple))
            for item in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise ProfileError(
        f"{source}: has tables or arrays nested more than {MOST_NESTED} deep. Write them flat.",
        file=source,
        most_nested=MOST_NESTED,
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if not isinstance(error, json.JSONDecodeError):
        return "a number in it has too many digits"  # the only other thing that Python's reader refuses
    if not error.doc.strip():
        return "it is empty"
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
        return f"it breaks off in line {error.lineno}"
    return f"line {error.lineno} is damaged at character {error.colno}"


def _shown(path: Path) -> str:
    text = repr(str(path))
    return text if len(text) <= 120 else f"{text[:117]}..."
