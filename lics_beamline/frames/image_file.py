"""What a file must be before its image is believed: there, bounded, whole, and what its own checksum says.

A reader that fills up what a torn file lacks returns zeros for pixels that were never written, and they look like an
exposure. So each kind of file is held against what it says of its own length.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import math
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ProfileError, ReductionFailed
from lics_beamline.files.given_file import IMAGE_BYTES, begins_with, regular_size
from lics_beamline.frames.image_header import check_header
from lics_beamline.frames.raxis import LARGEST_SIDE_PX

HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"  # HDF5 file format specification, section II.A
ZIP_MAGIC: Final = b"PK\x03\x04"  # APPNOTE 6.3.10, section 4.3.7
CBF_MAGIC: Final = b"###CBF"  # imgCIF/CBF, International Tables G, chapter 5.6
CBF_SECTION: Final = b"--CIF-BINARY-FORMAT-SECTION--"
CBF_STARTER: Final = b"\x0c\x1a\x04\xd5"  # begins the pixels; fabio 2026.6 looks for it beyond the end of the file
CBF_SIZE: Final = re.compile(rb"X-Binary-Size:\s*(\d{1,12})")  # [bytes] of the packed pixels
CBF_MD5: Final = re.compile(rb"Content-MD5:\s*([A-Za-z0-9+/=]{24})")  # of the packed pixels, in base 64
PICTURES: Final = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP"}  # first bytes of each
PACKED: Final[dict[str, Callable[..., Any]]] = {".gz": gzip.open, ".bz2": bz2.open}
MOST_PIXELS: Final = 100_000_000  # of an image: 10 000 x 10 000, six times the largest detector; 400 MB of counts
MOST_UNPACKED_BYTES: Final = 8 * MOST_PIXELS + (1 << 20)
STACK_BYTES: Final = 1 << 42  # of an HDF5 file, of which one frame at a time is read: 4 TiB, more than a night's frames
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawFrame:
    """One frame as a reader returns it.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Numbers of any type.
    masked : ndarray of bool or None, shape (rows, columns)
        True where the file says that a pixel is not to be used.
    saturation_counts : int or None
        Count from which a pixel is full, where the file says.
    exposure_s : float
        Exposure [s]; NaN where the file does not say.
    pixel_mm : tuple of float or None
        Height and width of a pixel [mm], where the file says.
    """

    pixels: npt.NDArray[Any]
    masked: npt.NDArray[np.bool_] | None = None
    saturation_counts: int | None = None
    exposure_s: float = math.nan
    pixel_mm: tuple[float, float] | None = None


def check_regular(path: Path) -> None:
    """Refuse an image file that is missing, no regular file, or larger than any image.

    Raises
    ------
    ReductionFailed
        The message names the file and what is wrong.
    """
    try:
        regular_size(path, most_bytes=STACK_BYTES if is_hdf5(path) else IMAGE_BYTES, what="an image")
    except ProfileError as error:
        raise ReductionFailed(str(error), **error.facts) from None


def is_hdf5(path: Path) -> bool:
    """Tell whether a file is HDF5, by its first bytes."""
    return begins_with(path, HDF5_MAGIC)


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


def unreadable(path: Path, error: Exception) -> ReductionFailed:
    """Return what is said of a file at which a reader tripped."""
    if isinstance(error, ReductionFailed):
        return error
    why = "it does not hold what its header promises" if isinstance(error, AssertionError) else str(error)
    if isinstance(error, KeyError):
        why = f"its header does not say {why}"
    return ReductionFailed(
        f"{path.name} cannot be read: {why or type(error).__name__}. Check the file.", path=str(path)
    )


def cut_off(path: Path, there: str, wanted: str) -> ReductionFailed:
    """Return what is said of a file that ends too early.

    Parameters
    ----------
    path : Path
        The file.
    there, wanted : str
        What it has and what its header promises, with their unit.
    """
    return ReductionFailed(
        f"{path.name} is cut off: it has {there} of the {wanted} its header promises. Copy it again, or wait until it "
        "is written.",
        path=str(path),
    )


def content_of(path: Path) -> bytes:
    """Return the bytes of a file, unpacked."""
    with PACKED.get(path.suffix.lower(), open)(path, "rb") as file:
        content: bytes = file.read(MOST_UNPACKED_BYTES)
    return content


def check_packing(path: Path) -> None:
    """Refuse an archive, a packed file that is torn or without end, and a CBF that is torn or altered.

    fabio does not come back from some of these, and takes others for whole.

    Raises
    ------
    ReductionFailed
        The message names the file and what is wrong.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(ZIP_MAGIC)) == ZIP_MAGIC:
                raise ReductionFailed(f"{path.name} is an archive. Unpack it and give the image.", path=str(path))
            file.seek(0)
            _check_no_picture(file.read(len(ZIP_MAGIC)), path)
        opener = PACKED.get(path.suffix.lower())
        if opener is not None:
            _unpack(path, opener)
        with (opener or open)(path, "rb") as file:
            check_header(file, path)
            file.seek(0)
            begin = file.read(len(CBF_MAGIC))
        if begin == CBF_MAGIC or ".cbf" in path.name.lower():
            _check_cbf(path, content_of(path))
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error


def _check_no_picture(begin: bytes, path: Path) -> None:
    for magic, kind in PICTURES.items():
        if begin.startswith(magic) and (kind != "BMP" or path.suffix.lower() == ".bmp"):  # two letters are few
            raise ReductionFailed(
                f"{path.name} is a picture ({kind}), in which counts are scaled for the eye. Give the image as the "
                "detector wrote it: TIFF, EDF, CBF, HDF5 and others.",
                path=str(path),
            )


def _unpack(path: Path, opener: Callable[..., Any]) -> None:
    """Read a packed file to its end, where its checksum is compared, and no further than an image goes."""
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


def _check_cbf(path: Path, content: bytes) -> None:
    section = content.find(CBF_SECTION)
    start = content.find(CBF_STARTER, section) if section >= 0 else -1
    if start < 0:
        raise ReductionFailed(f"{path.name} has no binary section of a CBF. Check the file.", path=str(path))
    header, begin = content[section:start], start + len(CBF_STARTER)
    said = CBF_SIZE.search(header)
    packed = content[begin : begin + int(said.group(1))] if said else content[begin:]
    if said and len(packed) < int(said.group(1)):
        raise cut_off(path, f"{len(packed)}", f"{int(said.group(1))} bytes of pixels")
    checksum = CBF_MD5.search(header)
    if checksum is None or said is None:
        return
    found = base64.b64encode(hashlib.md5(packed, usedforsecurity=False).digest())  # the format's own checksum
    if found != checksum.group(1):
        raise ReductionFailed(
            f"{path.name} is damaged: the checksum of its pixels is {found.decode()} and its header says "
            f"{checksum.group(1).decode()}. Copy it again.",
            path=str(path),
        )
