"""One door to images: an R-AXIS plate, or any other image that fabio reads. What a file is, its content says.

Another detector is another file and nothing else: TIFF, CBF, EDF, mar345, MarCCD and HDF5 all come out as the counts of
a `Recording`. HDF5 images are named ``file.h5::/path/to/data``, or ``file.h5`` alone where it holds one stack of
images; the first is taken. Rows are returned in the order of the file: how they lie in space is said by the orientation
in the geometry, never by the loader.
"""

from __future__ import annotations

import bz2
import gzip
import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.diffraction.image_header import check_header
from lics_beamline.diffraction.raxis import LARGEST_SIDE_PX, PlateHeader, is_plate, read_header, read_plate
from lics_beamline.errors import ProfileError, ReductionFailed
from lics_beamline.given_file import IMAGE_BYTES, READER_FAULTS, regular_size

Counts = npt.NDArray[np.int32] | npt.NDArray[np.float32]

HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"  # HDF5 file format specification, section II.A
ZIP_MAGIC: Final = b"PK\x03\x04"  # APPNOTE 6.3.10, section 4.3.7
CBF_MAGIC: Final = b"###CBF"  # imgCIF/CBF, International Tables G, chapter 5.6
CBF_SECTION: Final = b"--CIF-BINARY-FORMAT-SECTION--"
CBF_STARTER: Final = b"\x0c\x1a\x04\xd5"  # begins the pixels; fabio 2026.6 looks for it beyond the end of the file
PACKED: Final[dict[str, Callable[..., Any]]] = {".gz": gzip.open, ".bz2": bz2.open}
MOST_PIXELS: Final = 100_000_000  # of an image: 10 000 x 10 000, six times the largest detector; 400 MB of counts
MOST_UNPACKED_BYTES: Final = 8 * MOST_PIXELS + (1 << 20)
DEAD_PIXEL_COUNT: Final = -1  # count of a dead pixel
DEAD_NUMBERS: Final = (2**32 - 1, 2**63 - 1, 2**64 - 1)  # mark dead pixels in images of 32 and 64 bits (Dectris)
LEAST_FULL_COUNT: Final = 255  # 2^8 - 1: no detector has fewer bits
FEWEST_FULL: Final = 10  # pixels at the largest number of some bits that are no chance
JUST_BELOW_FULL: Final = 0.1  # of the largest number: where pixels would be that are bright and not full
_CHUNK_BYTES: Final = 1 << 20
CUTOFF: Final = re.compile(r"count_cutoff\D{0,3}(\d{1,18})", re.IGNORECASE)  # header of Dectris: SLS_1.0 conventions
EXPOSURE: Final = re.compile(r"exposure_time\D{0,3}([0-9.eE+-]+)", re.IGNORECASE)  # [s], the same conventions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """One image as its file tells it.

    Parameters
    ----------
    counts : ndarray of int32 or float32, shape (rows, columns)
        In the order of the file. A dead pixel is negative in whole numbers and NaN in others.
    saturation_counts : int or None
        Count from which a pixel is full or marked as no data: where the file says so, or pixels pile up at 2^n - 1.
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
    else:
        check_regular(Path(str(path).partition("::")[0]))


def check_regular(path: Path) -> None:
    """Refuse an image file that is missing, no regular file, or larger than any image.

    Raises
    ------
    ReductionFailed
        The message names the file and what is wrong.
    """
    try:
        regular_size(path, most_bytes=IMAGE_BYTES, what="an image")
    except ProfileError as error:
        raise ReductionFailed(str(error), **error.facts) from None


def check_pixels(shape: Sequence[int], path: Path) -> None:
    """Refuse an image by its shape, before its pixels are read: one of two sides, each above none, few enough pixels.

    Raises
    ------
    ReductionFailed
        The message names the file and its shape.
    """
    if len(shape) != 2:
        raise ReductionFailed(f"{path.name} holds no image of two dimensions.", path=str(path))
    if min(shape) < 1 or max(shape) > LARGEST_SIDE_PX or math.prod(shape) > MOST_PIXELS:
        raise ReductionFailed(
            f"{path.name} has {shape[0]} x {shape[1]} pixels, 1 to {MOST_PIXELS / 1e6:.0f} million are read, "
            f"{LARGEST_SIDE_PX} a side at most. Give one "
            "image of a detector.",
            path=str(path),
            shape=tuple(shape),
        )


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
    check_regular(file)
    if _is_hdf5(file):
        return _through_fabio(file, f"{name}::{_stack(file, inside)}")
    _check_packing(file)
    return _through_fabio(file, str(path), says_its_shape=True)


def _through_fabio(path: Path, address: str, *, says_its_shape: bool = False) -> Recording:
    import fabio

    try:
        shape = tuple(int(side) for side in fabio.openheader(address).shape or ()) if says_its_shape else ()
        if len(shape) == 2:  # some readers know it only with the pixels
            check_pixels(shape, path)
        image = fabio.open(address)
        data = image.data
    except ReductionFailed:
        raise
    except Exception as error:  # fabio's readers raise whatever they trip over, and bare Exception too
        raise _unreadable(path, error) from error
    check_pixels(() if data is None else data.shape, path)
    if data.dtype.kind not in "biuf":
        raise ReductionFailed(f"{path.name} holds no counts but {data.dtype}. Give an image.", path=str(path))
    counts = _counts(data)
    said = " ".join(f"{key} {value}" for key, value in _header(image).items())
    cutoff, exposure = CUTOFF.search(said), EXPOSURE.search(said)
    return Recording(
        counts=counts,
        saturation_counts=_full(data, counts, int(cutoff.group(1)) if cutoff else None),
        exposure_s=_number(exposure.group(1)) if exposure else math.nan,
    )


def _unreadable(path: Path, error: Exception) -> ReductionFailed:
    if isinstance(error, ReductionFailed):
        return error
    return ReductionFailed(
        f"{path.name} cannot be read: {error or type(error).__name__}. Check the file.", path=str(path)
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _check_packing(path: Path) -> None:
    """Refuse what fabio does not come back from: an archive, a packed file without end, a CBF without its section."""
    try:
        with path.open("rb") as file:
            if file.read(len(ZIP_MAGIC)) == ZIP_MAGIC:
                raise ReductionFailed(f"{path.name} is an archive. Unpack it and give the image.", path=str(path))
        opener = PACKED.get(path.suffix.lower())
        with (opener or open)(path, "rb") as file:
            begin = file.read(_CHUNK_BYTES)
        section = begin.find(CBF_SECTION)
        is_cbf = begin.startswith(CBF_MAGIC) or ".cbf" in path.name.lower()
        if is_cbf and (section < 0 or begin.find(CBF_STARTER, section) < 0):
            raise ReductionFailed(f"{path.name} has no binary section of a CBF. Check the file.", path=str(path))
        with (opener or open)(path, "rb") as file:
            check_header(file, path)
        if opener is None:
            return
        left = MOST_UNPACKED_BYTES
        with opener(path, "rb") as packed:
            while chunk := packed.read(_CHUNK_BYTES):
                left -= len(chunk)
                if left < 0:
                    raise ReductionFailed(
                        f"{path.name} is more than {MOST_UNPACKED_BYTES / 1e6:.0f} MB unpacked, which no image is. "
                        "Check the file.",
                        path=str(path),
                    )
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def _header(image: Any) -> Mapping[str, Any]:
    header: Mapping[str, Any] = image.header or {}
    return header


def _counts(data: npt.NDArray[Any]) -> Counts:
    if data.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):  # beyond 32 bits it becomes infinite, and is no count
            counts = np.ascontiguousarray(data, dtype=np.float32)
        return np.where(np.isinf(counts), np.float32(np.nan), counts)
    if data.dtype.kind in "iu" and data.dtype.itemsize >= 4:
        numbers = np.iinfo(np.int32)
        dead = np.isin(data, DEAD_NUMBERS) if data.max() > numbers.max else None
        kept = data if dead is None else np.where(dead, data.dtype.type(0), data)
        if kept.max() > numbers.max or kept.min() < numbers.min:
            # A quarter of the precision of counting, at the most counts that 32 bits hold.
            return np.where(
                kept < 0 if dead is None else dead | (kept < 0), np.float32(np.nan), kept.astype(np.float32)
            )
        if dead is not None:
            return np.where(dead, np.int32(DEAD_PIXEL_COUNT), kept.astype(np.int32))
    return np.ascontiguousarray(data, dtype=np.int32)


def _full(data: npt.NDArray[Any], counts: Counts, said: int | None) -> int | None:
    """Return the count from which a pixel is full, or holds the mark of no data, by the file or by the pixels.

    The largest number of an unsigned type is no count. The largest of fewer bits, 2^n - 1, is none where pixels pile up
    at it: more hold it than all numbers just below.
    """
    top = float(np.nanmax(counts)) if np.any(np.isfinite(counts)) else 0.0
    if top < LEAST_FULL_COUNT or (said is not None and said <= top) or not math.log2(top + 1.0).is_integer():
        return said
    unsigned = data.dtype.kind == "u" and top == np.iinfo(data.dtype).max
    at_top = np.count_nonzero(counts == top)
    below = np.count_nonzero(counts >= (1.0 - JUST_BELOW_FULL) * top) - at_top
    piled = at_top >= FEWEST_FULL and at_top > below
    return int(top) if unsigned or piled else said


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(HDF5_MAGIC)) == HDF5_MAGIC


def _stack(path: Path, inside: str) -> str:
    """Path of the data set in an HDF5 file: the one that is named, or the only one of images; its shape is judged."""
    import h5py

    found: list[str] = []
    try:
        with h5py.File(path) as file:
            if inside:
                named = file[inside]
                check_pixels(named.shape[-2:] if isinstance(named, h5py.Dataset) else (), path)
                return inside
            file.visititems(
                lambda name, item: (
                    found.append(name)
                    if isinstance(name, str)  # one that is no UTF-8 comes as bytes
                    and isinstance(item, h5py.Dataset)
                    and item.ndim in (2, 3)
                    and item.dtype.kind in "iuf"
                    and min(item.shape[-2:]) > 16
                    else None
                )
            )
            if len(found) == 1:
                check_pixels(file[found[0]].shape[-2:], path)
    except ReductionFailed:
        raise
    except READER_FAULTS as error:
        raise _unreadable(path, error) from error
    if len(found) != 1:
        raise ReductionFailed(
            f"{path.name} holds {len(found)} stacks of images ({', '.join(found) or 'none'}). "
            f"Name the one wanted: {path.name}::/path/to/data.",
            path=str(path),
        )
    return "/" + found[0]
