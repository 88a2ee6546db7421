"""Where each pixel of a detector looks and what it weighs: computed once for a geometry, and kept on disk.

To compute a table of nine million pixels takes three seconds, and one more to load pyFAI; to read it takes a quarter of
one. Each process that reduces needs it. A table that is damaged, or of another geometry or another version of pyFAI, is
made anew; where none can be kept, each process makes its own.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.data_folder import cache_folder
from lics_beamline.files.given_file import READER_FAULTS
from lics_beamline.files.whole_file import replacing
from lics_beamline.geometry.geometry import Geometry

logger = logging.getLogger(__name__)

TABLE_REVISION: Final = 1  # of the files; raised whenever they would hold other numbers
FOLDER: Final = "pixels"
SUFFIX: Final = ".npz"
LEAST_PIXELS: Final = 1_000_000  # a smaller detector is computed in less than half a second
MOST_BYTES: Final = 1_000_000_000  # of all tables kept: eight of nine million pixels
ABANDONED_S: Final = 3600.0  # after which a file that is not finished was left by a process that died
TABLE_FAULTS: Final = (*READER_FAULTS, zipfile.BadZipFile, zlib.error)
DTYPES: Final = {"two_theta_deg": np.float64, "weight": np.float32, "sector": np.uint8, "masked": np.bool_}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelTable:
    """The pixels of a detector, as a geometry places them.

    Parameters
    ----------
    two_theta_deg : ndarray of float64, shape (rows, columns)
        Scattering angle [deg].
    weight : ndarray of float32, shape (rows, columns)
        Solid angle times polarisation.
    sector : ndarray of uint8, shape (rows, columns)
        Sector of the azimuth, from 0.
    masked : ndarray of bool, shape (rows, columns)
        Pixels that the detector does not have: its gaps.
    """

    two_theta_deg: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float32]
    sector: npt.NDArray[np.uint8]
    masked: npt.NDArray[np.bool_]


def pixel_table(
    geometry: Geometry,
    shape: tuple[int, int],
    *,
    polarisation: float,
    sectors: int,
    make: Callable[[], PixelTable],
) -> PixelTable:
    """Return the table of a geometry: the one that was kept, or a new one, which is kept.

    Parameters
    ----------
    geometry : Geometry
        The geometry.
    shape : tuple of int
        Rows and columns.
    polarisation : float
        Degree of linear polarisation.
    sectors : int
        Number of sectors around the beam.
    make : callable
        Makes a new one.
    """
    folder = cache_folder()
    if folder is None or shape[0] * shape[1] < LEAST_PIXELS:
        return make()
    made_of = json.dumps(
        {
            "format": TABLE_REVISION,
            "pyFAI": importlib.metadata.version("pyFAI"),
            "poni": geometry.poni,
            "shape": shape,
            "polarisation": polarisation,
            "sectors": sectors,
        },
        sort_keys=True,
    )
    path = folder / FOLDER / f"{hashlib.sha256(made_of.encode()).hexdigest()}{SUFFIX}"
    kept = _read(path, made_of, shape)
    if kept is not None:
        return kept
    made = make()
    try:
        _keep(path, made_of, made)
    except OSError as error:  # a folder that cannot be written, a full disk: then the next process makes its own
        logger.info("the table of this geometry is not kept for other processes: %s", error)
    return made


def _read(path: Path, made_of: str, shape: tuple[int, int]) -> PixelTable | None:
    """Return the table of a file, whose checksums are held against its content; None without one, or a damaged one."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if str(file["made_of"]) != made_of:
                raise ValueError("it is of another geometry")
            found = {name: file[name] for name in DTYPES}
        if any(found[name].shape != shape or found[name].dtype != dtype for name, dtype in DTYPES.items()):
            raise ValueError("it has another shape")
    except FileNotFoundError:
        return None
    except TABLE_FAULTS as error:
        logger.warning("%s is no table of this geometry (%s); it is made anew", path, error)
        return None
    with suppress(OSError):  # of another user's
        path.touch()  # what is used is kept longest
    return PixelTable(**found)


def _keep(path: Path, made_of: str, table: PixelTable) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: getattr(table, name) for name in DTYPES}
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, made_of=np.array(made_of), **arrays)
    _make_room(path.parent)


def _make_room(folder: Path) -> None:
    """Remove the tables that were not used for longest, and what dead processes left."""
    now = time.time()  # the files' own clock
    room = MOST_BYTES
    found = [(file.stat(), file) for file in folder.iterdir() if file.is_file()]
    for state, file in sorted(found, key=lambda pair: pair[0].st_mtime, reverse=True):
        if file.suffix == SUFFIX:
            room -= state.st_size
        if (file.suffix == SUFFIX and room < 0) or (file.suffix != SUFFIX and now - state.st_mtime > ABANDONED_S):
            file.unlink(missing_ok=True)
