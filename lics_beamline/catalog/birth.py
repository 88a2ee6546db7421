"""Where a catalog was built, and what it then has: read without Tiled, which takes seconds to import."""

from __future__ import annotations

from typing import Final

from lics_beamline.catalog.place import catalog_place
from lics_beamline.catalog.soundness import INDEX_NAME, TABLES_NAME, opened
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import parse_json, read_text

BIRTH_NAME: Final = "built-for.json"  # where the data folder was when the catalog was built: the index holds full paths
MOST_BIRTH_BYTES: Final = 64 << 10  # of that file; a path has 4 kB at most
_WHOLE: Final = "SELECT key, json_extract(metadata, '$.stop.uid') FROM nodes WHERE parent = 0"


def database(data: DataFolder) -> str:
    """URI of the index, where no server has it."""
    return catalog_place(data).uri or f"sqlite:///{data.catalog.resolve() / INDEX_NAME}"


def tables(data: DataFolder) -> str:
    """URI of the tables, where no server has them."""
    return catalog_place(data).uri or f"sqlite:///{data.catalog / TABLES_NAME}"


def built_for(data: DataFolder) -> str:
    """Return the path that the data folder had when its catalog was built; empty where there is no whole catalog."""
    try:
        text = read_text(data.catalog / BIRTH_NAME, most_bytes=MOST_BIRTH_BYTES, what="the birth of a catalog")
        root = parse_json(text, source=BIRTH_NAME, what="the birth of a catalog").get("root", "")
    except ProfileError:
        return ""
    return root if isinstance(root, str) else ""


def is_built(data: DataFolder) -> bool:
    """Whether the data folder has a whole catalog that was built where the folder is now."""
    return built_for(data) == str(data.root.resolve())


def whole_runs(data: DataFolder) -> dict[str, str]:
    """Return the runs that an embedded catalog has with their stop documents, by uid of run: uids of the latter.

    Parameters
    ----------
    data : DataFolder
        The data folder. Its catalog is sound.
    """
    if not catalog_place(data).is_embedded or not is_built(data):
        return {}
    with opened(data.catalog / INDEX_NAME) as index:
        return {uid: stop for uid, stop in index.execute(_WHOLE) if stop}
