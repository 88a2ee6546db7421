"""One door to images: an R-AXIS plate, or any other image that fabio reads. What a file is, its content says.

Another detector is another file and nothing else: TIFF, CBF, EDF, mar345, MarCCD and HDF5 all come out as the counts of
a `Recording`. HDF5 images are named ``file.h5::/path/to/data``, or ``file.h5`` alone where it holds one stack of
images; the first is taken. Rows are returned in the order of the file: how they lie in space is said by the orientation
in the geometry, never by the loader.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.diffraction.raxis import PlateHeader, is_plate, read_header, read_plate
from lics_beamline.errors import ReductionFailed

Counts = npt.NDArray[np.int32] | npt.NDArray[np.float32]

HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"  # HDF5 file format specification, section II.A
DEAD_PIXEL_COUNT: Final = -1  # count of a dead pixel; 2^32 - 1 marks them in unsigned images (Dectris)
CUTOFF: Final = re.compile(r"count_cutoff\D{0,3}(\d+)", re.IGNORECASE)  # header of Dectris: SLS_1.0 conventions
EXPOSURE: Final = re.compile(r"exposure_time\D{0,3}([0-9.eE+-]+)", re.IGNORECASE)  # [s], the same conventions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """One image as its file tells it.

    Parameters
    ----------
    counts : ndarray of int32 or float32, shape (rows, columns)
        In the order of the file. A dead pixel is negative in whole numbers and NaN in others.
    saturation_counts : int or None
        Count from which a pixel is full, where the file says.
    exposure_s : float
        Exposure [s]; NaN where the file does not say.
    plate : PlateHeader or None
        Header of an R-AXIS plate; None for another detector.
    """

    counts: Counts
    saturation_counts: int | None = None
    exposure_s: float = math.nan
    plate: PlateHeader | None = None


def check_file(path: Path) -> None:
    """Refuse a file that is missing or, where its header says how long it must be, torn; nothing more is read.

    Raises
    ------
    ReductionFailed
        The message names the file and what is wrong.
    """
    if is_plate(path) or path.suffix.lower() == ".osc":
        read_header(path)
    elif not path.is_file():
        raise ReductionFailed(f"there is no image {path}. Check the path.", path=str(path))


def read_frame(path: Path) -> Recording:
    """Read one image of any detector.

    Parameters
    ----------
    path : Path
        The file; for HDF5 with ``::/path/to/data`` behind it where it holds more than one stack of images.

    Raises
    ------
    ReductionFailed
        If the file is missing, torn or cannot be read.
    """
    if is_plate(path):
        header, counts = read_plate(path)
        return Recording(
            counts=counts, saturation_counts=header.saturation_counts, exposure_s=header.exposure_s, plate=header
        )
    name, _, inside = str(path).partition("::")
    file = Path(name)
    if not file.is_file():
        raise ReductionFailed(f"there is no image {name}. Check the path.", path=name)
    address = f"{name}::{_only_stack(file)}" if not inside and _is_hdf5(file) else str(path)
    return _through_fabio(file, address)


def _through_fabio(path: Path, address: str) -> Recording:
    import fabio

    try:
        image = fabio.open(address)
        data = image.data
    except (OSError, ValueError, KeyError, IndexError, struct.error) as error:
        raise ReductionFailed(f"{path.name} cannot be read: {error}. Check the file.", path=str(path)) from error
    if data is None or data.ndim != 2:
        raise ReductionFailed(f"{path.name} holds no image of two dimensions.", path=str(path))
    said = " ".join(f"{key} {value}" for key, value in _header(image).items())
    cutoff, exposure = CUTOFF.search(said), EXPOSURE.search(said)
    return Recording(
        counts=_counts(data),
        saturation_counts=int(cutoff.group(1)) if cutoff else None,
        exposure_s=float(exposure.group(1)) if exposure else math.nan,
    )


def _header(image: Any) -> Mapping[str, Any]:
    header: Mapping[str, Any] = image.header or {}
    return header


def _counts(data: npt.NDArray[Any]) -> Counts:
    if data.dtype.kind == "f":
        return np.ascontiguousarray(data, dtype=np.float32)
    if data.dtype.kind == "u" and data.dtype.itemsize == 4:
        data = np.where(data > np.iinfo(np.int32).max, DEAD_PIXEL_COUNT, data)
    return np.ascontiguousarray(data, dtype=np.int32)


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(HDF5_MAGIC)) == HDF5_MAGIC


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
                    and item.dtype.kind in "iuf"
                    and min(item.shape[-2:]) > 16
                    else None
                )
            )
    except OSError as error:
        raise ReductionFailed(f"{path.name} cannot be read: {error}. Check the file.", path=str(path)) from error
    if len(found) != 1:
        raise ReductionFailed(
            f"{path.name} holds {len(found)} stacks of images ({', '.join(found) or 'none'}). "
            f"Name the one wanted: {path.name}::/path/to/data.",
            path=str(path),
        )
    return "/" + found[0]
