"""A name for the catalog of a data folder, by which every Python of this user opens it: a profile of Tiled.

The first data folder of a user is ``lics``; another gets a name of its own, and none takes the name of one that
is still there.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

from lics_beamline.catalog.application import EXPORTER
from lics_beamline.catalog.birth import is_built
from lics_beamline.catalog.place import catalog_place
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import read_text
from lics_beamline.files.whole_file import write_whole

FIRST_NAME: Final = "lics"
MOST_PROFILE_BYTES: Final = 64 << 10  # of a file of ours; it has a path of 4 kB at most
_TREE: Final = "lics_beamline.catalog.tree:runs"
_ABOUT: Final = re.compile(r"# Catalog of (?P<root>.*), for databroker\.from_profile\('(?P<name>.*)'\)\.")

logger = logging.getLogger(__name__)


def write_profile(data: DataFolder, *, name: str = "", folder: Path | None = None) -> Path:
    """Tell every Python of this user where the catalog is: ``tiled.client.from_profile(name)`` opens it.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    name : str
        Name of the profile; default the one that it has, or else the first that no other folder has.
    folder : Path, optional
        Where Tiled looks for profiles; default the first it prefers (``TILED_PROFILES``, else the user's).

    Returns
    -------
    Path
        The file written; `stem` of it is the name. What it showed before, of another folder, is told by a warning.
    """
    folder = folder or _folder()
    folder.mkdir(parents=True, exist_ok=True)
    name = name or _free_name(data, folder)
    path = folder / f"{name}.yml"
    root = data.root.resolve()
    before = _root_of(path)
    if path.exists() and before != str(root):
        logger.warning("profile %s showed the catalog of %s; from now on it shows that of %s", name, before, root)
    place = catalog_place(data)
    about = f"# Catalog of {root}, for databroker.from_profile({name!r}).\n"
    shown: dict[str, Any] = {"uri": place.uri} if place.is_server else {"direct": _service(root)}
    write_whole(path, about + json.dumps({name: shown}, indent=2) + "\n")  # JSON is YAML
    return path


def profile_name(data: DataFolder, folder: Path | None = None) -> str:
    """Return the name by which this user opens the catalog of a data folder; empty where it has none yet.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    folder : Path, optional
        As of `write_profile`.
    """
    folder = folder or _folder()
    root = str(data.root.resolve())
    names = sorted(path.stem for path in folder.glob("*.yml") if _root_of(path) == root)
    return FIRST_NAME if FIRST_NAME in names else next(iter(names), "")


def _free_name(data: DataFolder, folder: Path) -> str:
    if has := profile_name(data, folder):
        return has
    return next(name for name in _names(data) if _is_free(folder / f"{name}.yml"))


def _names(data: DataFolder) -> Iterator[str]:
    yield FIRST_NAME
    own = f"{FIRST_NAME}-{re.sub(r'[^A-Za-z0-9_]+', '-', data.root.resolve().name).strip('-') or 'data'}"
    yield own
    yield from (f"{own}-{number}" for number in count(2))


def _is_free(path: Path) -> bool:
    """Whether a profile may be written: there is none, or one of ours whose catalog is there no more."""
    if not path.exists():
        return True
    root = _root_of(path)
    if not root:
        return False  # somebody else's
    before = DataFolder(Path(root))
    return not (before.root.is_dir() and (is_built(before) or catalog_place(before).is_server))


def _root_of(path: Path) -> str:
    """Return the data folder of a profile of ours; empty where it is somebody else's, or there is none."""
    try:
        first = read_text(path, most_bytes=MOST_PROFILE_BYTES, what="profile of Tiled").partition("\n")[0]
    except (ProfileError, OSError):
        return ""
    found = _ABOUT.fullmatch(first)
    return found["root"] if found else ""


def _service(root: Path) -> dict[str, Any]:
    """Return the configuration of a service of Tiled inside the process that asks for it, which only reads."""
    tree = {"path": "/", "tree": _TREE, "args": {"root": str(root), "writable": False}}
    return {"trees": [tree], "media_types": {"BlueskyRun": {"application/json-seq": EXPORTER}}}


def _folder() -> Path:
    from tiled.profiles import paths

    return Path(paths[-1])
