"""Where everything a command writes is kept: one folder, which can be moved or copied whole."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lics_beamline.errors import JournalError

PLATES_NAME: Final = "plates"
CACHE_VARIABLE: Final = "LICS_CACHE"  # names the folder of what can be made anew; empty: nothing is kept
CACHE_NAME: Final = "lics_beamline"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The layout of one data folder. Paths only: nothing is opened, nothing is made until ``make`` is called.

    Parameters
    ----------
    root : Path
        The folder given as ``--data``; default ``./lics-data``. A path in words is taken too.
    """

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))

    @property
    def raw_journals(self) -> Path:
        """Journals of sweeps as they were recorded, one ``<uid>.jsonl`` a run."""
        return self.root / "journals" / "raw"

    @property
    def derived_journals(self) -> Path:
        """Journals of reduced runs, one ``<uid>.jsonl`` a (raw run, recipe)."""
        return self.root / "journals" / "derived"

    @property
    def plates(self) -> Path:
        """Plate files as the detector wrote them; the owner may make it a link to a folder on a bigger disk."""
        return self.root / PLATES_NAME

    @property
    def catalog(self) -> Path:
        """The databroker/Tiled index of all journals; may be deleted, it is rebuilt from them."""
        return self.root / "catalog"

    @property
    def logbooks(self) -> Path:
        """Logbooks of sweeps, a page and a Markdown file each."""
        return self.root / "logbooks"

    @property
    def calibrations(self) -> Path:
        """Geometries found with a calibrant, a dated record and a PONI file each."""
        return self.root / "calibrations"

    @property
    def figures(self) -> Path:
        """Figures drawn from runs."""
        return self.root / "figures"

    @property
    def exports(self) -> Path:
        """Files for other programs."""
        return self.root / "exports"

    @property
    def session_metadata(self) -> Path:
        """What every run of a session says of itself, ``RE.md``, kept from session to session."""
        return self.root / "metadata"

    @property
    def logs(self) -> Path:
        """What the processes said."""
        return self.root / "logs"

    def make(self) -> DataFolder:
        """Create the folders that are not there yet and return self.

        Raises
        ------
        JournalError
            If the folder, or that of plates, is a link to a folder that is not there.
        """
        for link in (self.root, self.plates):
            if link.is_symlink() and not link.is_dir():
                raise JournalError(
                    f"{link} is a link to {link.readlink()}, where there is no folder. Mount that disk, or make the "
                    "folder.",
                    path=str(link),
                )
        for folder in (self.raw_journals, self.derived_journals, self.plates, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    def relative(self, path: Path) -> str:
        """Path below the data folder as a posix string, the form in which documents carry it.

        Raises
        ------
        ValueError
            If `path` is not below the data folder.
        """
        resolved, plates = path.resolve(), self.plates.resolve()
        if resolved.is_relative_to(plates):
            return (PLATES_NAME / resolved.relative_to(plates)).as_posix()
        return resolved.relative_to(self.root.resolve()).as_posix()


def cache_folder() -> Path | None:
    """Return the folder of what any process may make anew, and may remove; it need not be there.

    The one that `CACHE_VARIABLE` names, or else one in the user's own folder of caches.

    Returns
    -------
    Path or None
        None where nothing is to be kept, or the user has no folder.
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named is not None:
        return Path(named).expanduser().absolute() if named else None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / CACHE_NAME
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / CACHE_NAME / "Cache"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if os.path.isabs(given) else home / ".cache") / CACHE_NAME  # XDG: relative paths do not count


def require_there(data: DataFolder, known: os.stat_result) -> None:
    """Refuse to go on in a data folder that was moved or deleted: what is written there would be found by nobody.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    known : os.stat_result
        What its root was when the work began.

    Raises
    ------
    JournalError
        If there is no such folder any more, or another one.
    """
    try:
        is_same = os.path.samestat(os.stat(data.root), known)
    except OSError:
        is_same = False
    if not is_same:
        raise JournalError(
            f"{data.root} was moved or deleted, or its disk taken away. Begin again where it is now: what was not "
            "dealt with is in its journals.",
            path=str(data.root),
        )
