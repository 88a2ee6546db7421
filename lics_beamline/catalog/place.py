"""Where the runs of a data folder are catalogued: in files of its own, in PostgreSQL, or by a server of Tiled.

A profile says it in one line (`catalog = "https://..."`), the session writes it into the data folder, and whoever opens
the catalog of that folder goes there. Keys and passwords are in neither: a key lies in a file that only its owner can
read, a password of PostgreSQL in ``~/.pgpass``.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import read_text
from lics_beamline.files.whole_file import write_whole
from lics_beamline.profile import check_catalog_uri

PLACE_NAME: Final = "catalog-place.txt"  # one line: the URI
KEYS_VARIABLE: Final = "LICS_KEYS"  # names the folder of the keys of servers
MOST_PLACE_BYTES: Final = 4 << 10  # of a URI
MOST_KEY_BYTES: Final = 1 << 10  # Tiled's have 72
KEY_PATTERN: Final = re.compile(rb"[0-9a-f]+\s*")
_OTHERS_BITS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class CatalogPlace:
    """Where a catalog is.

    Parameters
    ----------
    uri : str
        ``http://...``, ``https://...`` or ``postgresql://...``; empty for files of the data folder.
    """

    uri: str = ""

    @property
    def is_server(self) -> bool:
        """Whether a server of Tiled has it."""
        return self.uri.startswith(("http://", "https://"))

    @property
    def is_embedded(self) -> bool:
        """Whether all of it lies in the data folder."""
        return not self.uri


def catalog_place(data: DataFolder) -> CatalogPlace:
    """Return where the runs of a data folder are catalogued.

    Parameters
    ----------
    data : DataFolder
        The data folder.

    Raises
    ------
    ProfileError
        If what the folder says of it is no place.
    """
    path = data.root / PLACE_NAME
    if not path.exists():
        return CatalogPlace()
    return CatalogPlace(_checked(read_text(path, most_bytes=MOST_PLACE_BYTES, what="place of a catalog").strip(), path))


def set_catalog_place(data: DataFolder, uri: str) -> None:
    """Let the runs of a data folder be catalogued at a place from now on; the journals fill it.

    Parameters
    ----------
    data : DataFolder
        The data folder, which is there.
    uri : str
        The place; empty for files of the data folder.
    """
    path = data.root / PLACE_NAME
    if uri:
        write_whole(path, _checked(uri, path) + "\n")
    else:
        path.unlink(missing_ok=True)


def key_path(uri: str) -> Path:
    """Return the file that holds the key for a server.

    Parameters
    ----------
    uri : str
        The server.
    """
    parts = urlsplit(uri)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    named = os.environ.get(KEYS_VARIABLE)
    folder = Path(named) if named else Path.home() / ".config" / "lics_beamline" / "keys"
    return folder / f"{parts.hostname}-{port}.key"


def read_key(uri: str) -> str | None:
    """Return the key for a server; None where this user has none, and Tiled looks for one itself (`TILED_API_KEY`).

    Parameters
    ----------
    uri : str
        The server.

    Raises
    ------
    ProfileError
        If others than its owner can read the file.
    """
    path = key_path(uri)
    if not path.exists():
        return None
    if mode := stat.S_IMODE(path.stat().st_mode) & _OTHERS_BITS:
        raise ProfileError(
            f"{path} can be read or written by others than its owner (mode bits {mode:03o}), and who has the key has "
            f"the catalog. chmod 600 {path}",
            path=str(path),
        )
    return read_text(path, most_bytes=MOST_KEY_BYTES, what="key").strip()


def write_key(path: Path, key: str) -> None:
    """Write a key into a file that only its owner can read.

    Parameters
    ----------
    path : Path
        The file; an older key there is replaced, and nothing else.
    key : str
        The key, in hexadecimal.

    Raises
    ------
    ProfileError
        If something else is there: a file that holds no key, a folder, a link, a device.
    """
    if os.path.lexists(path) and not _holds_key(path):
        raise ProfileError(
            f"{path} is there and holds no key: it is left as it is. Give another name for the key.", path=str(path)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key + "\n")


def _holds_key(path: Path) -> bool:
    state = path.lstat()
    return (
        stat.S_ISREG(state.st_mode)
        and state.st_size <= MOST_KEY_BYTES
        and KEY_PATTERN.fullmatch(path.read_bytes()) is not None
    )


def _checked(uri: str, path: Path) -> str:
    try:
        return check_catalog_uri(uri)
    except ValueError as cause:
        raise ProfileError(f"{path}: {cause}", path=str(path)) from cause
