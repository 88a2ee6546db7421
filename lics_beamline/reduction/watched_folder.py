"""Files that appear in a folder, each told when it is complete: while its size changes, it is being written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lics_beamline.frames.image_file import PACKED

ENDINGS: Final = (  # of images; others are told of by a pattern
    ".tif .tiff .cbf .edf .h5 .hdf5 .nxs .osc .stl .img .mccd .mar2300 .mar3450 .mar1200 .mar1600 .mar2000 .mar1800 "
    ".mar2400 .mar3000 .npy .sfrm .gfrm .spe .ge .ge1 .ge2 .ge3 .ge4 .ge5"
).split()
PART_OF_MASTER: Final = re.compile(r"(.*_)?data_\d{6}\.h5")  # of an Eiger: its frames are read through the master file


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """A file as it was at the last look."""

    size_bytes: int
    changed_ns: int
    tries: int = 0
    done: bool = False


class WatchedFolder:
    """Looks into a folder again and again.

    Parameters
    ----------
    folder : Path
        The folder.
    pattern : str
        Names that are meant, as ``*.cbf``; empty for whatever ends as images do.
    most_tries : int
        A file that cannot be read is tried at so many looks, for it may be written on, or lack a part that comes later.
    """

    def __init__(self, folder: Path, pattern: str = "", *, most_tries: int = 60) -> None:
        self._folder = folder
        self._pattern = pattern
        self._most_tries = most_tries
        self._known: dict[Path, _State] = {}

    def look(self) -> list[Path]:
        """Return the files that have not changed since the last look, and with which nobody is done."""
        ready = []
        for path in sorted(self._folder.glob(self._pattern or "*")):
            if path.name.startswith(".") or not (self._pattern or _is_image(path)):
                continue
            try:
                state = path.stat()
                if not path.is_file() or not state.st_size:
                    continue
            except OSError:  # it was taken away, or renamed, meanwhile
                continue
            before = self._known.get(path)
            if before is None or (before.size_bytes, before.changed_ns) != (state.st_size, state.st_mtime_ns):
                self._known[path] = _State(size_bytes=state.st_size, changed_ns=state.st_mtime_ns)
            elif not before.done:
                ready.append(path)
        return ready

    def done(self, path: Path) -> None:
        """Take a file for done, until it changes."""
        self._set(path, done=True)

    def failed(self, path: Path) -> bool:
        """Note that a file cannot be read; returns whether it was given up."""
        tries = self._known[path].tries + 1
        self._set(path, tries=tries, done=tries >= self._most_tries)
        return tries >= self._most_tries

    def _set(self, path: Path, *, done: bool, tries: int = 0) -> None:
        before = self._known[path]
        self._known[path] = _State(size_bytes=before.size_bytes, changed_ns=before.changed_ns, tries=tries, done=done)


def _is_image(path: Path) -> bool:
    name = Path(path.stem) if path.suffix.lower() in PACKED else path
    return name.suffix.lower() in ENDINGS and not PART_OF_MASTER.fullmatch(path.name)
