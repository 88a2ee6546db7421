"""What a TIFF says of its own pages before their pixels are believed: kind of pixel, place in the file, packing.

fabio reads plain TIFF by itself and leaves packed ones to pillow, of whose faults it hears nothing: what is missing of
a packed image is then zero. It makes one grey of three colours, too. So pages that pillow reads are read here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ReductionFailed
from lics_beamline.files.given_file import READER_FAULTS
from lics_beamline.frames.image_file import check_pixels, cut_off

TIFF_MAGICS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # TIFF 6.0, section 2; the last two are BigTIFF
PLAIN_HEADER_BYTES: Final = 8
BIG_HEADER_BYTES: Final = 16
BITS, PACKING, COLOURS, SAMPLES, SAMPLE_FORMAT = 258, 259, 262, 277, 339  # tags (TIFF 6.0, appendix A)
PLACES_AND_LENGTHS: Final = ((273, 279), (324, 325))  # tags of strips and of tiles
PLAIN_PIXELS: Final = 1  # value of `PACKING`
PALETTE_COLOURS: Final = 3  # value of `COLOURS`: numbers of colours, no counts
UNSIGNED, SIGNED, REAL = 1, 2, 3  # values of `SAMPLE_FORMAT` (TIFF 6.0, section 19)
JPEG_PACKINGS: Final = (6, 7)  # values of `PACKING`, the old and the new one
LEAST_REAL_BITS: Final = 32


def is_tiff(path: Path) -> bool:
    """Tell whether a file is a TIFF, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) in TIFF_MAGICS


def check_tiff(path: Path) -> None:
    """Refuse a TIFF whose pixels are no counts, or lie beyond its end: by its first directory, before they are read.

    Raises
    ------
    ReductionFailed
        The message names the file and what is wrong.
    """
    with _quiet():
        tags = _first_directory(path)
    samples, kind = _first(tags, SAMPLES, 1), _first(tags, SAMPLE_FORMAT, UNSIGNED)
    bits = _first(tags, BITS, 1)
    if samples > 1 or _first(tags, COLOURS, 1) == PALETTE_COLOURS:
        what = "a palette of colours" if samples == 1 else f"{samples} colours a pixel"
        raise ReductionFailed(
            f"{path.name} has {what}, and counts have none. Give the image as the detector wrote it, or each frame as "
            "a page of its own.",
            path=str(path),
        )
    if _first(tags, PACKING, PLAIN_PIXELS) in JPEG_PACKINGS:
        raise ReductionFailed(
            f"{path.name} is compressed as a JPEG, which keeps no counts. Give the image as the detector wrote it.",
            path=str(path),
        )
    if kind not in (UNSIGNED, SIGNED, REAL) or (kind == REAL and bits < LEAST_REAL_BITS):
        numbers = f"real numbers of {bits} bits" if kind == REAL else "no numbers that counts can be"
        raise ReductionFailed(
            f"the pixels of {path.name} are {numbers}, which are not read from a TIFF. Save it with integers, or with "
            "real numbers of 32 bits.",
            path=str(path),
        )
    if _first(tags, PACKING, PLAIN_PIXELS) != PLAIN_PIXELS:  # of a plain one, its reader notices
        _check_length(tags, path)


def tiff_shape(path: Path) -> tuple[int, ...]:
    """Return the shape of a TIFF, wherever in the file its directory lies; none where pillow does not read it."""
    from PIL import Image, UnidentifiedImageError

    try:
        with _quiet(), Image.open(path) as file:
            return file.height, file.width
    except (UnidentifiedImageError, OSError, ValueError):
        return ()  # numbers of a type, or a packed file, that fabio reads by itself


def tiff_pages(path: Path) -> list[int]:
    """Return which pages of a packed TIFF are frames: those of the first one's size. Others are previews."""
    from PIL import Image

    sides = []
    with _quiet(), Image.open(path) as file:
        for number in range(getattr(file, "n_frames", 1)):
            file.seek(number)
            sides.append(file.size)
    return [number for number, size in enumerate(sides) if size == sides[0]]


def read_page(path: Path, number: int) -> npt.NDArray[Any]:
    """Return the pixels of a page of a packed TIFF.

    Parameters
    ----------
    path : Path
        The file.
    number : int
        From 0.

    Raises
    ------
    ReductionFailed
        If it is too large, or cannot be unpacked.
    """
    from PIL import Image

    with _quiet(), Image.open(path) as file:
        file.seek(number)
        check_pixels((file.height, file.width), path)
        tags: Any = getattr(file, "tag_v2", {})
        try:
            file.load()
        except OSError as error:
            raise ReductionFailed(
                f"the packed pixels of {path.name} cannot be unpacked ({error}): it is cut off or damaged. Copy it "
                "again, or wait until it is written.",
                path=str(path),
            ) from error
        pixels = np.asarray(file)
    # pillow knows no integers of 32 bits without a sign, and none of 8 bits with one.
    kind, bits = _first(tags, SAMPLE_FORMAT, UNSIGNED), _first(tags, BITS, 1)
    told = {(UNSIGNED, 32): np.uint32, (SIGNED, 8): np.int8}.get((kind, bits))
    return pixels if told is None or pixels.dtype.itemsize * 8 != bits else pixels.view(told)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what pillow warns of: large images, for which there is a bound of ours, and torn headers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _first_directory(path: Path) -> Any:
    """Return the tags of the first page; none where there is no such directory."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    with path.open("rb") as file:
        header = file.read(PLAIN_HEADER_BYTES)
        if header[:4] in TIFF_MAGICS[2:]:
            header += file.read(BIG_HEADER_BYTES - PLAIN_HEADER_BYTES)
        try:
            directory = ImageFileDirectory_v2(header)
            file.seek(directory.next)
            directory.load(file)
            return dict(directory)
        except READER_FAULTS:
            return {}  # its reader says what is wrong


def _first(tags: Any, tag: int, default: int) -> int:
    value = tags.get(tag, default)
    return int(value[0] if isinstance(value, tuple) else value)


def _check_length(tags: Any, path: Path) -> None:
    there = path.stat().st_size
    for place, length in PLACES_AND_LENGTHS:
        starts, lengths = (np.atleast_1d(np.asarray(tags.get(tag, ()), dtype=np.uint64)) for tag in (place, length))
        if starts.size and starts.size == lengths.size and (wanted := int((starts + lengths).max())) > there:
            raise cut_off(path, f"{there}", f"{wanted} bytes")
