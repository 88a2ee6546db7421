"""The Tiled tree of one data folder; a Tiled profile names `runs` by its import string."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tiled.catalog import from_uri

from lics_beamline.catalog.birth import built_for, database, is_built, tables
from lics_beamline.catalog.frame_adapter import FrameSequenceAdapter
from lics_beamline.catalog.plate_adapter import PlateSequenceAdapter
from lics_beamline.catalog.soundness import damage, require_nameable
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import RunNotFound
from lics_beamline.schema import FOREIGN_MIMETYPE, PLATE_MIMETYPE

_SPEC: Final = {"name": "CatalogOfBlueskyRuns", "version": "3.0"}


def runs(root: str, *, writable: bool = False) -> Any:
    """Return the tree of the data folder at `root`.

    Parameters
    ----------
    root : str
        The data folder.
    writable : bool
        Whether runs may be added; one process at a time.

    Raises
    ------
    RunNotFound
        If there is no catalog yet, it is damaged, the data folder was moved or copied after the catalog was built, or
        its path is one that Tiled cannot name.
    """
    data = DataFolder(Path(root).resolve())
    require_nameable(data)
    if not is_built(data):
        past = built_for(data)
        if not past and not any(any(folder.glob("*")) for folder in (data.raw_journals, data.derived_journals)):
            raise RunNotFound(
                f"no run of {data.root} can be looked up: none has been recorded yet. Open the catalog again after the "
                "first.",
                root=str(data.root),
            )
        reason = f"its catalog was built when it was {past}" if past else "it has no catalog yet"
        raise RunNotFound(
            f"no run of {data.root} can be looked up: {reason}. "
            f"`lics follow catalog --once --data {data.root}` builds it from the journals.",
            root=str(data.root),
        )
    if not writable and (problem := damage(data)):
        raise RunNotFound(
            f"no run of {data.root} can be looked up: {problem}. `lics rebuild-catalog --data {data.root}` makes the "
            "catalog anew from the journals.",
            root=str(data.root),
        )
    stored = [str(data.catalog / "arrays"), tables(data)]
    return _tree(database(data), stored if writable else None, [str(data.plates), *([] if writable else stored)])


def served(database: str, storage: list[str], readable: list[str]) -> Any:
    """Return the tree of a server, to which runs of any data folder may be added.

    Parameters
    ----------
    database : str
        URI of its index.
    storage : list of str
        Where arrays and tables are written.
    readable : list of str
        Folders of images that are read.
    """
    return _tree(database, storage, readable)


def _tree(database: str, writable: list[str] | None, readable: list[str]) -> Any:
    return from_uri(
        database,
        specs=[_SPEC],
        writable_storage=writable,
        readable_storage=readable,
        adapters_by_mimetype={PLATE_MIMETYPE: PlateSequenceAdapter, FOREIGN_MIMETYPE: FrameSequenceAdapter},
    )
