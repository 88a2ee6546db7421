"""Names that documents bring and that become parts of paths: judged where documents enter, refused by name.

A journal may come from anywhere. A uid that is an absolute path, or climbs by ``..``, would have a follower write, or
delete, outside the data folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lics_beamline.data_folder import PLATES_NAME
from lics_beamline.errors import UnsafeName

MOST_NAME_BYTES: Final = 200  # file systems take 255; what is appended (.jsonl, .new) has room
SHOWN_CHARACTERS: Final = 60  # of a refused name, in a message
NAMES_OF_START: Final = (
    *("sweep_uid", "raw_uid", "resumes", "supersedes"),
    *("recipe_digest", "geometry_digest", "plate_folder"),
)


def safe_name(name: object, *, what: str, where: str) -> str:
    """Return a name that may be one part of a path.

    Parameters
    ----------
    name : object
        As the document has it.
    what : str
        What it names, for the message: ``uid``.
    where : str
        What it was found in, for the message: ``start document of sweep.jsonl``.

    Raises
    ------
    UnsafeName
        If it is no text, is empty or longer than `MOST_NAME_BYTES`, begins with a dot, begins or ends with a space, or
        has a slash, a backslash or a character that does not print.
    """
    fault = _fault(name)
    if fault:
        shown = repr(name)
        shown = shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[: SHOWN_CHARACTERS - 3]}..."
        raise UnsafeName(
            f"{where}: {what} {shown} {fault}; it would become part of a path, and might lead out of the data folder. "
            "Nothing was written or removed for it; look where this document came from, and take it out of the data "
            "folder.",
            what=what,
            where=where,
            name=name,
        )
    return str(name)


def check_start(start: Mapping[str, Any], *, where: str) -> str:
    """Judge all names of a start document that become parts of paths, and return its uid.

    Parameters
    ----------
    start : mapping
        The start document.
    where : str
        Where it was found, for the message.

    Raises
    ------
    UnsafeName
        If one of them is unsafe, or the uid is missing.
    """
    where = f"start document of {where}"
    for key in NAMES_OF_START:
        if key in start:
            safe_name(start[key], what=key, where=where)
    return safe_name(start.get("uid"), what="uid", where=where)


def _fault(name: object) -> str:
    """Return what is wrong with a name; empty where nothing is."""
    if not isinstance(name, str):
        return "is no text"
    if not name:
        return "is empty"
    if not name.isprintable():  # control characters, NUL and newline among them, and halves of surrogate pairs
        return "has a character that does not print"
    if len(name.encode()) > MOST_NAME_BYTES:
        return f"has {len(name.encode())} bytes, and {MOST_NAME_BYTES} are the most"
    if "/" in name or "\\" in name:
        return "has a slash or a backslash"
    if name.startswith("."):
        return "begins with a dot"
    if name != name.strip():
        return "begins or ends with a space"
    return ""


def inside(root: Path, path: str | Path, *, what: str) -> Path:
    """Return the full path of a file or folder that a document names relative to a folder, and that must lie in it.

    Parameters
    ----------
    root : Path
        The folder.
    path : str or Path
        As the document has it; absolute is right where it lies in `root`.
    what : str
        What it names, for the message: ``plate``.

    Returns
    -------
    Path
        Below `root`, without links but one: the folder of plates of a data folder may itself be a link, by which its
        owner keeps plates on a bigger disk. Then what is named below it has to lie there.

    Raises
    ------
    UnsafeName
        If it leads out of `root`, by ``..`` or by any other link, or is no path at all.
    """
    root = root.resolve()
    try:
        full = (root / path).resolve()
    except (ValueError, OSError, RuntimeError) as cause:  # a NUL in it; too long; links that go in circles
        raise UnsafeName(f"{what} {str(path)!r} is no path: {cause}. Mend what names it.", what=what) from cause
    plates = root / PLATES_NAME
    if plates.is_symlink() and Path(os.path.normpath(root / path)).is_relative_to(plates):
        if full.is_relative_to(plates.resolve()):
            return plates / full.relative_to(plates.resolve())
        root = plates.resolve()
    if not full.is_relative_to(root):
        raise UnsafeName(
            f"{what} {str(path)!r} leads out of {root}. Put it there, or look where the document came from that names "
            "it.",
            what=what,
            root=str(root),
        )
    return full
