"""Image files: R-AXIS plates with their headers, and any other image that fabio reads.

A frame is always int32, whatever the file's own type: fabio returns big-endian 16-bit words for a dim plate and 32-bit
ones for a bright plate. fabio reads a plate backwards from its end, so a torn file would come out shifted without a
word: its size is compared with its header first.

HDF5 images are named ``file.h5::/path/to/data``, or ``file.h5`` alone where it holds one stack of images; the first is
taken. Rows are returned in the order of the file: how they lie in space is said by the orientation in the geometry.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ReductionFailed

Frame = npt.NDArray[np.int32]

MAGIC: Final = b"R-AXIS"
HEADER_BYTES: Final = 860  # the fields read here; the header itself is one record of at least this length
LARGEST_WORD: Final = 0x7FFF  # fifteen bits of a high pixel, times the ratio
HDF5_SUFFIXES: Final = (".h5", ".hdf5", ".hdf", ".nxs", ".hexrd")

# Offsets [bytes] of big-endian fields in the header: Rigaku's layout as fabio 2026.6 reads it (fabio.raxisimage).
WAVELENGTH, DISTANCE, EXPOSURE = 292, 344, 536
COLUMNS, ROWS, PIXEL_X, PIXEL_Y, RECORD = 768, 772, 776, 780, 784
PLATE, RATIO = 796, 800


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateHeader:
    """What the header of an R-AXIS file says.

    Parameters
    ----------
    wavelength_angstrom, distance_mm : float
        As set at the detector; a geometry is calibrated, this is a note.
    exposure_s : float
        Exposure [s]; the file counts minutes.
    columns, rows : int
        Pixels.
    pixel_mm : float
        Edge of a pixel [mm].
    plate : int
        Number of the plate, 1 or 2.
    ratio : float
        Photomultiplier ratio: what one step of a high pixel counts.
    """

    wavelength_angstrom: float
    distance_mm: float
    exposure_s: float
    columns: int
    rows: int
    pixel_mm: float
    plate: int
    ratio: float

    @property
    def saturation_counts(self) -> int:
        """Count of a full pixel: 262 136 at ratio 8."""
        return int(LARGEST_WORD * self.ratio)


def is_plate(path: Path) -> bool:
    """Tell whether a file is an R-AXIS plate, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_header(path: Path) -> PlateHeader:
    """Read the header of an R-AXIS file and check the file's size against it.

    Raises
    ------
    ReductionFailed
        If the file is missing, is no R-AXIS file, or is torn.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not head.startswith(MAGIC):
        raise ReductionFailed(f"{path.name} is no R-AXIS file: it begins with {head[:8]!r}.", path=str(path))
    if len(head) < HEADER_BYTES:
        raise _torn(path, size, HEADER_BYTES)

    def number(kind: str, offset: int) -> Any:
        return struct.unpack_from(">" + kind, head, offset)[0]

    header = PlateHeader(
        wavelength_angstrom=number("f", WAVELENGTH),
        distance_mm=number("f", DISTANCE),
        exposure_s=60.0 * number("f", EXPOSURE),
        columns=number("i", COLUMNS),
        rows=number("i", ROWS),
        pixel_mm=number("f", PIXEL_X),
        plate=number("i", PLATE),
        ratio=number("f", RATIO),
    )
    if header.columns <= 0 or header.rows <= 0:
        raise ReductionFailed(
            f"{path.name} claims {header.columns} x {header.rows} pixels: its header is damaged. Read the plate again.",
            path=str(path),
        )
    expected = max(number("i", RECORD), 2 * header.columns) + 2 * header.columns * header.rows
    if size != expected:
        raise _torn(path, size, expected)
    return header


def read_plate(path: Path) -> tuple[PlateHeader, Frame]:
    """Read an R-AXIS plate.

    Parameters
    ----------
    path : Path
        The ``.osc`` file.

    Returns
    -------
    tuple
        Header and frame, int32 counts of shape (rows, columns).

    Raises
    ------
    ReductionFailed
        If the file is missing, is no R-AXIS file, or is torn; the message names both sizes.
    """
    header = read_header(path)
    return header, _frame(path, str(path))


def read_frame(path: Path) -> Frame:
    """Read any image that fabio reads: R-AXIS, TIFF, CBF, EDF, HDF5.

    Parameters
    ----------
    path : Path
        The file; for HDF5 with ``::/path/to/data`` behind it where it holds more than one stack of images.

    Returns
    -------
    ndarray of int32, shape (rows, columns)
        Counts in the order of the file; negative where the detector says a pixel is dead.

    Raises
    ------
    ReductionFailed
        If the file is missing or cannot be read.
    """
    if is_plate(path):
        return read_plate(path)[1]
    file, _, inside = str(path).partition("::")
    if not Path(file).is_file():
        raise ReductionFailed(f"there is no image {file}. Check the path.", path=file)
    if Path(file).suffix.lower() in HDF5_SUFFIXES and not inside:
        return _frame(Path(file), f"{file}::{_only_stack(Path(file))}")
    return _frame(Path(file), str(path))


def _frame(path: Path, address: str) -> Frame:
    import fabio

    try:
        data = fabio.open(address).data
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise _unreadable(path, error) from error
    if data is None or data.ndim != 2:
        raise ReductionFailed(f"{path.name} holds no image of two dimensions.", path=str(path))
    if data.dtype.kind == "u" and data.dtype.itemsize == 4:
        data = np.where(data > np.iinfo(np.int32).max, -1, data)  # 2^32 - 1 marks dead pixels of Dectris detectors
    return np.ascontiguousarray(data, dtype=np.int32)


def _only_stack(path: Path) -> str:
    """Path of the one data set of images in an HDF5 file."""
    import h5py

    found: list[str] = []
    try:
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: (
                    found.append(name)
                    if isinstance(item, h5py.Dataset)
                    and item.ndim in (2, 3)
                    and item.dtype.kind in "iu"
                    and min(item.shape[-2:]) > 16
                    else None
                )
            )
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(found) != 1:
        raise ReductionFailed(
            f"{path.name} holds {len(found)} stacks of images ({', '.join(found) or 'none'}). "
            f"Name the one wanted: {path.name}::/path/to/data.",
            path=str(path),
        )
    return "/" + found[0]


def _torn(path: Path, size: int, expected: int) -> ReductionFailed:
    return ReductionFailed(
        f"{path.name} has {size} bytes of the {expected} its header promises: the file is torn. "
        "Replay the run once the file is whole.",
        path=str(path),
        size_bytes=size,
        expected_bytes=expected,
    )


def _unreadable(path: Path, error: Exception) -> ReductionFailed:
    return ReductionFailed(f"{path.name} cannot be read: {error}. Check the file.", path=str(path))
