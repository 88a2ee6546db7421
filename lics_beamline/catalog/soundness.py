"""Whether the files of a catalog can be used at all: looked at before Tiled is, which would end in its own words."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lics_beamline.catalog.place import catalog_place
from lics_beamline.data_folder import DataFolder, set_aside
from lics_beamline.errors import RunNotFound

INDEX_NAME: Final = "catalog.db"
TABLES_NAME: Final = "tables.db"

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


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Give an SQLite database of the catalog, to be read only; also on a disk that cannot be written."""
    how = "mode=ro" if os.access(path.parent, os.W_OK) else "immutable=1"
    database = sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True)
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
