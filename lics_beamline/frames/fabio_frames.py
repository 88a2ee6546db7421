"""Frames in files that fabio reads: TIFF, CBF, EDF, mar345, MarCCD and many more. The only door to fabio's readers."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.image_file import (
    RawFrame,
    check_packing,
    check_pixels,
    content_of,
    cut_off,
    unreadable,
)
from lics_beamline.frames.pixel_size import pixel_size_in
from lics_beamline.frames.stack_axes import frames_lie_last, refused_stack
from lics_beamline.frames.tiff_pages import check_tiff, is_tiff, read_page, tiff_pages, tiff_shape

CUTOFF: Final = re.compile(r"count_cutoff\D{0,3}(\d{1,18})", re.IGNORECASE)  # header of Dectris: SLS_1.0 conventions
EXPOSURE: Final = re.compile(r"exposure_time\D{0,3}([0-9.eE+-]+)", re.IGNORECASE)  # [s], the same conventions
SHORT_ARRAY: Final = re.compile(r"cannot reshape array of size (\d+) into shape \((\d[\d, ]*)\)")  # numpy's words
PCK_START: Final = re.compile(rb"CCP4 packed image( V2)?, X: *(\d{1,5}), Y: *(\d{1,5})\s")  # CCP4's pack_c.c
PCK_BITS: Final = (0, 4, 5, 6, 7, 8, 16, 32)  # of a pixel in a block, by the three bits that say so
PCK_BITS_V2: Final = (0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 32)  # by four bits


class FabioFrames:
    """Frames of one file, in its order.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ReductionFailed
        If it is torn, altered, or no image.
    """

    def __init__(self, path: Path) -> None:
        check_packing(path)
        self._path = path
        with _reading(path):
            if is_tiff(path):
                check_tiff(path)
            self._image = _opened(path)
            self._pages = tiff_pages(path) if getattr(self._image, "lib", None) == "PIL" else []
        if getattr(self._image, "incomplete_file", False):  # of an EDF, in its last frame or the header of one
            raise ReductionFailed(
                f"{path.name} is cut off: it ends within the last of its {self._image.nframes} frames. Copy it "
                "again, or wait until it is written.",
                path=str(path),
            )
        self.count = max(len(self._pages), int(self._image.nframes), 1)
        stack = (self.count, *self._image.shape)
        if self.count > 1 and frames_lie_last(stack, path):
            raise refused_stack(stack, path)

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing that a person should know."""
        return ()

    def read(self, number: int) -> RawFrame:
        """Return a frame.

        Parameters
        ----------
        number : int
            1 to `count`.

        Raises
        ------
        ReductionFailed
            If it cannot be read, or is cut off.
        """
        with _reading(self._path):
            pixels, header = self._pixels(number)
        check_pixels(() if pixels is None else pixels.shape, self._path)
        if pixels.dtype.kind not in "biuf":
            raise ReductionFailed(
                f"{self._path.name} holds no counts but {pixels.dtype}. Give an image.", path=str(self._path)
            )
        said = " ".join(f"{key} {value}" for key, value in header.items())
        cutoff, exposure = CUTOFF.search(said), EXPOSURE.search(said)
        return RawFrame(
            pixels=pixels,
            saturation_counts=int(cutoff.group(1)) if cutoff else None,
            exposure_s=_number(exposure.group(1)) if exposure else math.nan,
            pixel_mm=pixel_size_in(said),
        )

    def _pixels(self, number: int) -> tuple[Any, dict[str, Any]]:
        if self._pages:
            return read_page(self._path, self._pages[number - 1]), dict(self._image.header or {})
        # Of a file with one frame fabio takes another number for that of the next file of a series.
        image = self._image if number == 1 else self._image.getframe(number - 1)
        return image.data, dict(image.header or {})


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn into words what fabio raises and what it only logs: that a file is incomplete, and it went on with zeros."""
    heard = _Complaints()
    log = logging.getLogger("fabio")
    level, passes_on = log.level, log.propagate
    log.setLevel(logging.ERROR)
    log.propagate = False
    log.addHandler(heard)
    try:
        yield
    except ReductionFailed:
        raise
    except Exception as error:  # fabio's readers raise whatever they trip over, and bare Exception too
        short = SHORT_ARRAY.search(str(error))
        if short:
            raise cut_off(path, short.group(1), f"{' x '.join(short.group(2).split(', '))} pixels") from error
        raise unreadable(path, error) from error
    finally:
        log.removeHandler(heard)
        log.setLevel(level)
        log.propagate = passes_on
    if heard.said:
        raise ReductionFailed(
            f"{path.name} cannot be read whole: {heard.said[0]}. It is cut off or damaged: copy it again, or wait "
            "until it is written.",
            path=str(path),
        )


class _Complaints(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def _opened(path: Path) -> Any:
    import fabio

    header = fabio.openheader(str(path))
    kind = type(header).__name__
    # Those of a Pilatus and a MarCCD are TIFF too; of the first, fabio's fixed place holds the date.
    announced = tiff_shape(path) if isinstance(header, fabio.tifimage.TifImage) else _announced(header)
    if len(announced) == 2:
        check_pixels(announced, path)
    if kind == "Mar345Image":
        _check_mar345(path)
    return fabio.open(str(path))


def _announced(header: Any) -> tuple[int, ...]:
    """Return the shape in a header; none from readers that know it only with the pixels."""
    try:
        return tuple(int(side) for side in header.shape or ())
    except (AttributeError, TypeError):
        return ()


def _check_mar345(path: Path) -> None:
    """Refuse a packed image of a mar345 that ends early, which fabio fills up: walk over its blocks to the last pixel.

    A block begins with how many pixels it has, a power of two, and how many bits each takes.
    """
    content = content_of(path)
    start = PCK_START.search(content)
    if start is None:
        raise ReductionFailed(f"{path.name} holds no packed image of a mar345. Check the file.", path=str(path))
    half = 4 if start.group(1) else 3  # bits of each half of a block's header
    bits_of = PCK_BITS_V2 if start.group(1) else PCK_BITS
    pixels_of = [1 << (header & ((1 << half) - 1)) for header in range(1 << 2 * half)]
    length_of = [2 * half + pixels_of[header] * bits_of[header >> half] for header in range(1 << 2 * half)]
    everything = (1 << 2 * half) - 1
    wanted = left = int(start.group(2)) * int(start.group(3))
    bit, end = 0, 8 * (len(content) - start.end())
    packed = memoryview(content[start.end() :] + bytes(2))
    while left > 0 and bit < end:
        byte = bit >> 3
        header = (packed[byte] | packed[byte + 1] << 8) >> (bit & 7) & everything
        left -= pixels_of[header]
        bit += length_of[header]
    if left > 0 or bit > end:
        raise cut_off(path, f"less than {wanted}", f"{wanted} pixels")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
