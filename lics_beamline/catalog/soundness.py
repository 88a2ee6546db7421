"""Whether the files of a catalog can be used at all: looked at before Tiled is, which would end in its own words."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lics_beamline.catalog.place import catalog_place
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy, RunNotFound
from lics_beamline.files.whole_file import set_aside

INDEX_NAME: Final = "catalog.db"
TABLES_NAME: Final = "tables.db"

SAID_AFTER_S: Final = 5.0  # of a lock; a writer keeps it for milliseconds, on a slow disk for a second
READER_PATIENCE_S: Final = 60.0  # of who reads; no writer of ours keeps a lock for a second
PROBED_EVERY_S: Final = 0.5  # while it is waited for: so long an end that is asked for takes at most
LOCKS: Final = Path("/proc/locks")
UNNAMEABLE: Final = "#?;"  # in a URI they end a path, and Tiled escapes none

logger = logging.getLogger(__name__)


def require_nameable(data: DataFolder) -> None:
    """Refuse a data folder whose files the catalog could not name: Tiled ends a path at the first such character.

    Parameters
    ----------
    data : DataFolder
        The data folder.

    Raises
    ------
    RunNotFound
        If its path has one.
    """
    root = str(data.root.resolve())
    if found := [letter for letter in UNNAMEABLE if letter in root]:
        raise RunNotFound(
            f"{root} has {' and '.join(map(repr, found))} in its path, behind which Tiled finds no file: it can have "
            "no catalog there. Everything but the catalog works; for that, give the folder another name.",
            root=root,
        )


def damage(data: DataFolder, *, thoroughly: bool = False) -> str:
    """Return what is wrong with the files of a catalog; empty where nothing is, or where there is none.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    thoroughly : bool
        Also read every page of the databases.
    """
    if not catalog_place(data).is_embedded:
        return ""  # its own administrator's
    if not data.catalog.is_dir():
        return f"{data.catalog} is no folder" if os.path.lexists(data.catalog) else ""
    if not any(data.catalog.iterdir()):
        return ""
    index, tables = data.catalog / INDEX_NAME, data.catalog / TABLES_NAME
    for path in (index, tables):  # a pipe would be waited for without end
        if os.path.lexists(path) and not path.is_file():
            return f"{path} is no regular file"
    if not index.exists():
        return f"{index} is not there, and the rest of the catalog is"
    if problem := _fault(index, "SELECT count(*) FROM (SELECT 1 FROM nodes LIMIT 1)", thoroughly=thoroughly):
        return problem
    if tables.exists():
        return _fault(tables, "SELECT count(*) FROM sqlite_master", thoroughly=thoroughly)
    with contextlib.suppress(sqlite3.Error), opened(index) as database:
        if database.execute("SELECT 1 FROM assets WHERE data_uri LIKE '%/tables.db' LIMIT 1").fetchone():
            return f"{tables} is not there, and the rest of the catalog is"
    return ""


def set_damaged_aside(data: DataFolder) -> None:
    """Give a damaged catalog another name, so that it is made anew, and say so.

    Parameters
    ----------
    data : DataFolder
        The data folder. The caller is the only one that writes its catalog.

    Raises
    ------
    RunNotFound
        If the path is one that Tiled cannot name: nothing is set aside where none can be made anew.
    """
    require_nameable(data)
    problem = damage(data, thoroughly=True)
    if problem:
        aside = set_aside(data.catalog)
        logger.warning("the catalog is damaged: %s; it is kept as %s and made anew from the journals", problem, aside)


def wait_until_free(
    data: DataFolder, *, patience_s: float = READER_PATIENCE_S, given_up: Callable[[], bool] = lambda: False
) -> None:
    """Wait while another process keeps the catalog for itself; after a few seconds, say which file and who.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    patience_s : float
        How long is waited [s of wall clock].
    given_up : callable
        Says that nobody wants it any more.

    Raises
    ------
    Busy
        If it is not free in time, or nobody wants it any more.
    """
    index = data.catalog / INDEX_NAME
    began, patient_s, is_said = time.monotonic(), min(SAID_AFTER_S, patience_s), False
    while index.is_file() and _is_locked(index, patient_s):
        held_s, patient_s = time.monotonic() - began, PROBED_EVERY_S
        if held_s >= patience_s or given_up():
            raise Busy(
                f"{index} is locked by {who_locks(index)} since {held_s:.0f} s and more. End that, or wait for it, "
                "and try again.",
                file=str(index),
            )
        if not is_said:
            logger.warning("%s is locked by %s; it is waited for", index, who_locks(index))
            is_said = True


def _is_locked(path: Path, patience_s: float) -> bool:
    """Whether a database cannot be read for `patience_s` because another process has locked it."""
    try:
        with opened(path, patience_s=patience_s) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        return "locked" in str(error)  # what else is wrong with it, others say
    return False


def lockers(path: Path, *, but: int = 0) -> list[int]:
    """Return the processes of this computer that hold a lock on a file, `but` apart; none where no system tells."""
    found = set[int]()
    with contextlib.suppress(OSError):  # only Linux tells
        wanted = str(path.stat().st_ino)
        for line in LOCKS.read_text(encoding="utf-8").splitlines():
            words = line.split()  # 1: POSIX ADVISORY WRITE 4711 08:01:123456 1073741824 1073742335
            if len(words) > 5 and words[5].split(":")[-1] == wanted and words[4].isdigit():
                found.add(int(words[4]))
    return sorted(found - {0, but})


def who_locks(path: Path, *, but: int = 0) -> str:
    """Return the processes of this computer that hold a lock on a file, `but` apart, for people."""
    return " and ".join(f"process {pid}" for pid in lockers(path, but=but)) or "another process"


@contextmanager
def opened(path: Path, *, patience_s: float = SAID_AFTER_S) -> Iterator[sqlite3.Connection]:
    """Give an SQLite database of the catalog, to be read only; also on a disk that cannot be written.

    Parameters
    ----------
    path : Path
        Its file.
    patience_s : float
        How long a question waits for who has locked it [s of wall clock].
    """
    how = "mode=ro" if os.access(path.parent, os.W_OK) else "immutable=1"
    database = sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, timeout=patience_s)
    try:
        yield database
    finally:
        database.close()


def _fault(path: Path, question: str, *, thoroughly: bool) -> str:
    """Return what is wrong with a database; empty where nothing is."""
    try:
        with opened(path) as database:
            database.execute(question).fetchone()
            (answer,) = database.execute("PRAGMA quick_check(1)").fetchone() if thoroughly else ("ok",)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return ""  # by who writes it, and so can use it
        return f"{path} cannot be used, {error}"
    except sqlite3.DatabaseError as error:
        return f"{path} cannot be used, {error}"
    return "" if answer == "ok" else f"{path} is damaged inside, {answer}"
