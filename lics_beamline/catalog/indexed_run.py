"""What the index of a catalog says of its runs, read from its file alone: on a disk that cannot be written, too."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lics_beamline.catalog.birth import is_built
from lics_beamline.catalog.place import catalog_place
from lics_beamline.catalog.reach import reaching
from lics_beamline.catalog.soundness import INDEX_NAME, TABLES_NAME, opened
from lics_beamline.data_folder import DataFolder

_TABLE_NAME: Final = re.compile(r"\w+")
_RUNS: Final = "SELECT id, key, metadata FROM nodes WHERE parent = 0"
_STREAMS: Final = "SELECT id, key FROM nodes WHERE parent = ?"
_TABLES: Final = (
    "SELECT parameters FROM data_sources JOIN nodes ON nodes.id = node_id WHERE nodes.parent = ? AND "
    "nodes.structure_family = 'table'"
)
_FILES: Final = (
    "SELECT DISTINCT data_uri FROM assets JOIN data_source_asset_association ON asset_id = assets.id "
    "JOIN data_sources ON data_sources.id = data_source_id JOIN nodes ON nodes.id = node_id "
    "WHERE nodes.parent = ? AND data_uri LIKE 'file:%'"
)


@dataclass(slots=True, kw_only=True)
class IndexedRun:
    """One run as the catalog has it.

    Parameters
    ----------
    stop_uid : str
        Uid of its stop document; empty where it has none.
    rows : dict of str to int
        Events by stream.
    missing : list of Path
        Files and folders that it names and that are not there.
    """

    stop_uid: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    missing: list[Path] = field(default_factory=list)


def asked_runs(data: DataFolder, uids: Iterable[str]) -> dict[str, IndexedRun]:
    """Return those runs that a server or PostgreSQL has, by uid, without what is missing of their files.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    uids : iterable of str
        Its runs; others may have theirs there too.

    Raises
    ------
    NotConnected
        If the server does not answer.
    """
    from tiled.queries import Key

    from lics_beamline.catalog.store import open_catalog

    found: dict[str, IndexedRun] = {}
    with reaching(catalog_place(data)), open_catalog(data) as catalog:
        for uid in uids:
            for run in catalog.client.v3.search(Key("uid") == uid).values():
                stop = run.metadata.get("stop") or {}
                rows = {stream: len(run[stream].read(["seq_num"]).get("seq_num", ())) for stream in run}  # or none yet
                found[uid] = IndexedRun(stop_uid=str(stop.get("uid", "")), rows=rows)
    return found


def indexed_runs(data: DataFolder) -> dict[str, IndexedRun] | None:
    """Return the runs of a sound embedded catalog by uid; None where it was built for another place.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    """
    if not is_built(data):
        return None
    found: dict[str, IndexedRun] = {}
    with opened(data.catalog / INDEX_NAME) as index:
        tables_file = data.catalog / TABLES_NAME
        with opened(tables_file if tables_file.exists() else data.catalog / INDEX_NAME) as tables:
            for node, uid, metadata in index.execute(_RUNS).fetchall():
                stop = json.loads(metadata).get("stop") or {}
                run = found[uid] = IndexedRun(stop_uid=str(stop.get("uid", "")))
                for stream, name in index.execute(_STREAMS, (node,)).fetchall():
                    run.rows[name] = sum(
                        _count(tables, json.loads(about)) for (about,) in index.execute(_TABLES, (stream,))
                    )
                    files = (Path(urlsplit(uri).path) for (uri,) in index.execute(_FILES, (stream,)))
                    run.missing += [file for file in files if not file.exists()]
    return found


def _count(tables: sqlite3.Connection, about: dict[str, object]) -> int:
    """Return the rows of one stream in the table that it shares with others of its form."""
    name = str(about.get("table_name", ""))
    if not _TABLE_NAME.fullmatch(name):
        return 0
    question = f'SELECT count(*) FROM "{name}" WHERE _dataset_id = ?'
    try:
        (count,) = tables.execute(question, (about.get("dataset_id"),)).fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        return 0
    return int(count)
