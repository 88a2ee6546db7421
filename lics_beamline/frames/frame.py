"""One door to images: an R-AXIS plate, or any other image that fabio reads. What a file is, its content says.

Another detector is another file and nothing else: TIFF, CBF, EDF, mar345, MarCCD and HDF5 all come out as the counts of
a `Recording`. HDF5 images are named ``file.h5::/path/to/data``, or ``file.h5`` alone where it holds one stack of
images; the first is taken. Rows are returned in the order of the file: how they lie in space is said by the orientation
in the geometry, never by the loader.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.counts import Counts, dead
from lics_beamline.frames.fabio_frames import FabioFrames
from lics_beamline.frames.hdf5_frames import Hdf5Frames
from lics_beamline.frames.image_file import RawFrame, check_regular, is_hdf5
from lics_beamline.frames.lost_counts import check_undone, doubt_of_wrapping
from lics_beamline.frames.negative_pixels import NegativePixels
from lics_beamline.frames.pixel_size import believable
from lics_beamline.frames.raxis import PlateHeader, is_plate, read_header, read_plate

DEAD_PIXEL_COUNT: Final = -1  # count of a dead pixel
DEAD_NUMBERS: Final = (2**32 - 1, 2**63 - 1, 2**64 - 1)  # mark dead pixels in images of 32 and 64 bits (Dectris)
LEAST_FULL_COUNT: Final = 255  # 2^8 - 1: no detector has fewer bits
FEWEST_FULL: Final = 10  # pixels at the largest number of some bits that are no chance
JUST_BELOW_FULL: Final = 0.1  # of the largest number: where pixels would be that are bright and not full
FEWEST_LEVELS: Final = 50  # different numbers of an image whose largest is no step of a coarse scale
LEVELS_LOOKED_AT: Final = 100_000  # pixels that tell how many different numbers there are
WRAPPED_PART: Final = 0.01  # of the largest number: as far below it lies noise that lost its sign
WRAPPED_PIXELS: Final = 1.0e-3  # of an image, that far up, are noise about zero and no bright pixels
FEWEST_WRAPPED_VALUES: Final = 4  # fewer are marks of a detector: 2^32 - 1 and 2^32 - 2 (Dectris)


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
    is_mask : bool
        The file holds true and false: a mask, and no counts.
    pixel_mm : tuple of float or None
        Height and width of a pixel [mm], where the file says.
    doubts : tuple of str
        What a person should look at before the counts are believed.
    """

    counts: Counts
    saturation_counts: int | None = None
    exposure_s: float = math.nan
    plate: PlateHeader | None = None
    is_mask: bool = False
    pixel_mm: tuple[float, float] | None = None
    doubts: tuple[str, ...] = ()


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


class FrameSeries:
    """The frames of one file: one of most, many of an HDF5 file, an EDF or a TIFF.

    Parameters
    ----------
    path : Path
        The file; for HDF5 with ``::/path/to/data`` behind it where it holds more than one stack of images.

    Raises
    ------
    ReductionFailed
        If the file is missing, torn or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frames: FabioFrames | Hdf5Frames | None = None
        if is_plate(path):
            return
        name, _, inside = str(path).partition("::")
        file = Path(name)
        check_regular(file)
        self._frames = Hdf5Frames(file, inside) if is_hdf5(file) else FabioFrames(file)

    @property
    def count(self) -> int:
        """Number of frames, 1 or more."""
        return 1 if self._frames is None else self._frames.count

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken from the file beside its frames, in words for a person."""
        return () if self._frames is None else self._frames.notes

    def frame(self, number: int) -> Recording:
        """Return one frame.

        Parameters
        ----------
        number : int
            1 to `count`.

        Raises
        ------
        ReductionFailed
            If there is no such frame, or it cannot be read.
        """
        if not 1 <= number <= self.count:
            raise ReductionFailed(
                f"{self.path.name} has no frame {number}: it holds {self.count}, 1 to {self.count}.",
                path=str(self.path),
                frame=number,
                frames=self.count,
            )
        if self._frames is None:
            header, counts = read_plate(self.path)
            return Recording(
                counts=counts,
                saturation_counts=header.saturation_counts,
                exposure_s=header.exposure_s,
                plate=header,
                pixel_mm=believable(header.pixel_mm, header.pixel_mm),
            )
        raw = self._frames.read(number)
        _check_sign(raw.pixels, self.path)
        check_undone(raw.pixels, self.path)
        return _recording(raw)

    def total(self) -> Recording:
        """Return the sum of all frames, exposed as long as all of them; a pixel that is bad in one of them is dead.

        Raises
        ------
        ReductionFailed
            If one cannot be read, or has another shape.
        """
        first = self.frame(1)
        if self.count == 1:
            return first
        rows, columns = first.counts.shape
        sums = np.zeros((rows, columns), dtype=np.float64)
        bad = np.zeros((rows, columns), dtype=bool)
        exposure_s = 0.0
        doubts = first.doubts
        for number in range(1, self.count + 1):
            one = self.frame(number) if number > 1 else first
            if one.counts.shape != sums.shape:
                raise ReductionFailed(
                    f"frame {number} of {self.path.name} has {one.counts.shape[0]} x {one.counts.shape[1]} pixels and "
                    f"the first {rows} x {columns}: they cannot be added.",
                    path=str(self.path),
                )
            bad |= NegativePixels.of(one.counts).dead(one.counts)
            if one.saturation_counts is not None:
                bad |= one.counts >= one.saturation_counts
            sums += np.where(bad, 0, one.counts)
            exposure_s += one.exposure_s
            doubts = doubts or one.doubts  # of the first that has some: each says it in its own numbers
        whole = (
            first.counts.dtype.kind == "i" and float(np.max(sums, where=~bad, initial=0.0)) <= np.iinfo(np.int32).max
        )
        counts: Counts = sums.astype(np.int32) if whole else sums.astype(np.float32)
        return replace(first, counts=dead(counts, bad), saturation_counts=None, exposure_s=exposure_s, doubts=doubts)


def _recording(raw: RawFrame) -> Recording:
    counts = _counts(raw.pixels)
    full = _full(raw.pixels, counts, raw.saturation_counts)
    if full is not None and (not float(full).is_integer() or full > np.iinfo(np.int32).max):  # no count, but a mark
        counts, full = dead(counts, np.asarray(counts >= full)), raw.saturation_counts
    return Recording(
        counts=counts if raw.masked is None else dead(counts, raw.masked),
        saturation_counts=None if full is None else int(full),
        exposure_s=raw.exposure_s,
        is_mask=raw.pixels.dtype.kind == "b",
        pixel_mm=raw.pixel_mm,
        doubts=doubt_of_wrapping(raw.pixels),
    )


def _check_sign(pixels: npt.NDArray[Any], path: Path) -> None:
    """Refuse noise about zero that was kept without a sign: what was below zero has become the largest counts."""
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize < 2 or not pixels.size:
        return
    largest = int(np.iinfo(pixels.dtype).max)
    if int(pixels.max()) < (1.0 - WRAPPED_PART) * largest:
        return
    high = pixels[pixels > int((1.0 - WRAPPED_PART) * largest)]
    between = np.count_nonzero(pixels > largest // 2) - high.size
    if high.size < WRAPPED_PIXELS * pixels.size or between > JUST_BELOW_FULL * high.size:
        return
    if np.unique(high[:LEVELS_LOOKED_AT]).size < FEWEST_WRAPPED_VALUES:
        return
    raise ReductionFailed(
        f"{high.size} pixels of {path.name} hold {high.min()} to {high.max()}, and hardly any the numbers below: they "
        f"were below zero, and lost their sign, as where a dark image is taken off in integers of "
        f"{8 * pixels.dtype.itemsize} bits. Save it with signed integers or real numbers, or give the image as it was "
        "and --dark.",
        path=str(path),
        pixels=int(high.size),
    )


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


def _full(data: npt.NDArray[Any], counts: Counts, said: float | None) -> float | None:
    """Return the count from which a pixel is full, or holds the mark of no data, by the file or by the pixels.

    The largest number of an integer type is no count. The largest number of an image is none where pixels pile up at
    it: more hold it than all numbers just below. In an image of few different numbers only 2^n - 1 is judged so.
    """
    top = float(np.nanmax(counts)) if np.any(np.isfinite(counts)) else 0.0
    if top <= 0.0 or (said is not None and said <= top):
        return said
    if data.dtype.kind in "iu" and top == np.iinfo(data.dtype).max:
        return top
    at_top = np.count_nonzero(counts == top)
    if at_top < FEWEST_FULL or np.count_nonzero(counts >= (1.0 - JUST_BELOW_FULL) * top) >= 2 * at_top:
        return said
    if top >= LEAST_FULL_COUNT and math.log2(top + 1.0).is_integer():
        return top
    some = counts.ravel()[:: max(1, counts.size // LEVELS_LOOKED_AT)]
    return top if np.unique(some).size >= FEWEST_LEVELS else said
