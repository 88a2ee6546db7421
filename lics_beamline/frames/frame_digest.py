"""What makes a file of frames the same file: its SHA-256, over the files too that a master file of HDF5 links to."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from lics_beamline.frames.hdf5_frames import linked_files
from lics_beamline.frames.image_file import is_hdf5

REMEMBERED_FILES: Final = 8  # a series of a thousand frames is one file, and is not read through for each of them
CHUNK_BYTES: Final = 1 << 20

_State = tuple[str, int, int, int]  # a file, its inode, when it was changed last, its length


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files that hold the frames of a file: itself, and those that a master file of HDF5 links to.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    OSError
        If it cannot be read.
    ReductionFailed
        If it is a damaged HDF5 file.
    """
    return (path, *linked_files(path)) if is_hdf5(path) else (path,)


def frame_digest(path: Path) -> str:
    """Return the SHA-256 of a file of frames, in hexadecimal; of a master file, of it and what it links to in turn.

    A file that has not changed since it was asked for last is not read again.

    Raises
    ------
    OSError
        If a file cannot be read.
    ReductionFailed
        If it is a damaged HDF5 file.
    """
    return _digest(tuple(_state(each) for each in files_of(path)))


def _state(path: Path) -> _State:
    about = path.stat()
    return str(path), about.st_ino, about.st_mtime_ns, about.st_size


@lru_cache(maxsize=REMEMBERED_FILES)
def _digest(states: tuple[_State, ...]) -> str:
    digest = hashlib.sha256()
    for name, *_ in states:
        with Path(name).open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
