"""R-AXIS plate files, header and counts, in either byte order.

The readers wrote big-endian words, as the workstations that drove them did; files that were converted on a PC, or
written by a later control program, are little-endian throughout. Nothing in the file says which: the number of pixels
does, for read the wrong way round it is absurd and does not fit the size of the file.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ProfileError, ReductionFailed
from lics_beamline.files.given_file import IMAGE_BYTES, begins_with, regular_size

Frame = npt.NDArray[np.int32]
ByteOrder = Literal[">", "<"]

MAGIC: Final = b"R-AXIS"
HEADER_BYTES: Final = 860  # the fields read here; the header itself is one record of at least this length
LARGEST_WORD: Final = 0x7FFF  # fifteen bits of a high pixel, times the ratio
HIGH_PIXEL_BIT: Final = 0x8000  # marks a high pixel
LARGEST_SIDE_PX: Final = 20_000  # no plate has more: 1 m at 50 um
LEAST_RATIO: Final = 1.0
MOST_RATIO: Final = 1024.0  # 8 and 32 were built; at 65 536 a count would leave 32 bits
LONGEST_MINUTES: Final = 1e5  # of exposure or fading, ten weeks; what is no such time is taken for not noted
MOST_RECORD_BYTES: Final = 1 << 20  # 6000 in those that were seen
BLOCK_ROWS: Final = 128  # decoded at a time: they stay in the processor's cache

# Offsets [bytes] of the fields in the header: Rigaku's layout as fabio 2026.6 reads it (fabio.raxisimage).
WAVELENGTH, DISTANCE, EXPOSURE = 292, 344, 536
COLUMNS, ROWS, PIXEL_X, PIXEL_Y, RECORD = 768, 772, 776, 780, 784
PLATE, RATIO, FADING_START, FADING_END = 796, 800, 804, 808


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateHeader:
    """Header of an R-AXIS file.

    Parameters
    ----------
    wavelength_angstrom, distance_mm : float
        As set at the detector; a geometry is calibrated, this is a note.
    exposure_s : float
        Exposure [s]; the file counts minutes. NaN where it is none.
    columns, rows : int
        Pixels.
    pixel_mm : float
        Edge of a pixel [mm].
    plate : int
        Number of the plate, 1 or 2.
    ratio : float
        Photomultiplier ratio: what one step of a high pixel counts.
    fading_start_s, fading_end_s : float
        From the middle of the exposure to the start and the end of the scan [s]; both 0 where the reader notes neither.
    record_bytes : int
        Length of the header record; 0 where it is that of a row.
    byte_order : {">", "<"}
        Of every number in the file: big or little end first.
    """

    wavelength_angstrom: float
    distance_mm: float
    exposure_s: float
    columns: int
    rows: int
    pixel_mm: float
    plate: int
    ratio: float
    fading_start_s: float = 0.0
    fading_end_s: float = 0.0
    record_bytes: int = 0
    byte_order: ByteOrder = ">"

    @property
    def saturation_counts(self) -> int:
        """Count of a full pixel: 262 136 at ratio 8."""
        return int(LARGEST_WORD * self.ratio)

    @property
    def scan_s(self) -> float:
        """Duration of the scan [s]; NaN where the reader does not note it."""
        return self.fading_end_s - self.fading_start_s if self.fading_end_s > self.fading_start_s else math.nan

    @property
    def waited_s(self) -> float:
        """From the end of the exposure to the start of the scan [s]; NaN where the reader does not note it."""
        if not self.fading_start_s > 0.0 or math.isnan(self.exposure_s):
            return math.nan
        return max(0.0, self.fading_start_s - 0.5 * self.exposure_s)

    @property
    def data_offset(self) -> int:
        """Offset of the counts [bytes]."""
        return max(self.record_bytes, 2 * self.columns)

    @property
    def file_bytes(self) -> int:
        """Length of a whole file [bytes]."""
        return self.data_offset + 2 * self.columns * self.rows


def is_plate(path: Path) -> bool:
    """Tell whether a file is an R-AXIS plate, by its first bytes."""
    return begins_with(path, MAGIC)


def read_header(path: Path) -> PlateHeader:
    """Read the header of an R-AXIS file and check the file's size against it.

    Raises
    ------
    ReductionFailed
        If the file is missing, is no R-AXIS file, or is torn.
    """
    try:
        size = regular_size(path, most_bytes=IMAGE_BYTES, what="a plate")
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
    except ProfileError as error:
        raise ReductionFailed(f"{path.name} cannot be read: {error}", path=str(path)) from None
    except OSError as error:
        raise _unreadable(path, error) from error
    if not head.startswith(MAGIC):
        raise ReductionFailed(f"{path.name} is no R-AXIS file: it begins with {head[:8]!r}.", path=str(path))
    if len(head) < HEADER_BYTES:
        raise _torn(path, size, HEADER_BYTES)
    big, little = _header(head, ">"), _header(head, "<")
    header = little if _is_sane(little) and not _is_sane(big) else big
    if not _is_sane(header):
        raise _damaged(path, f"claims {header.columns} x {header.rows} pixels, {LARGEST_SIDE_PX} a side are the most")
    if not LEAST_RATIO <= header.ratio <= MOST_RATIO:  # NaN is not
        raise _damaged(path, f"has a photomultiplier ratio of {header.ratio:g}, not {LEAST_RATIO:g} to {MOST_RATIO:g}")
    if not 0 <= header.record_bytes <= MOST_RECORD_BYTES:
        raise _damaged(path, f"has a header record of {header.record_bytes} bytes, {MOST_RECORD_BYTES} are the most")
    if size != header.file_bytes:
        raise _torn(path, size, header.file_bytes)
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
    try:
        with path.open("rb") as file:
            file.seek(header.data_offset)
            return header, _counts(file, header, path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _counts(file: BinaryIO, header: PlateHeader, path: Path) -> Frame:
    """Return the counts, decoded by blocks of rows: the words of the whole file never lie in memory beside them."""
    frame = np.empty((header.rows, header.columns), dtype=np.int32)
    for start in range(0, header.rows, BLOCK_ROWS):
        block = frame[start : start + BLOCK_ROWS]
        words = file.read(2 * block.size)
        if len(words) < 2 * block.size:
            raise _torn(path, file.tell(), header.file_bytes)
        block[...] = np.frombuffer(words, dtype=f"{header.byte_order}u2").reshape(block.shape)
        if block.max() >= HIGH_PIXEL_BIT:
            high = np.flatnonzero(block >= HIGH_PIXEL_BIT)
            counts = (block.reshape(-1)[high] & LARGEST_WORD) * header.ratio
            block.reshape(-1)[high] = np.rint(counts).astype(np.int32)
    return frame


def _header(head: bytes, order: ByteOrder) -> PlateHeader:
    """Return the header read in one byte order."""

    def real(offset: int) -> float:
        return float(struct.unpack_from(f"{order}f", head, offset)[0])

    def noted_s(offset: int) -> float:
        minutes = real(offset)
        return 60.0 * minutes if 0.0 <= minutes <= LONGEST_MINUTES else math.nan

    def whole(offset: int) -> int:
        return int(struct.unpack_from(f"{order}i", head, offset)[0])

    return PlateHeader(
        wavelength_angstrom=real(WAVELENGTH),
        distance_mm=real(DISTANCE),
        exposure_s=noted_s(EXPOSURE),
        columns=whole(COLUMNS),
        rows=whole(ROWS),
        pixel_mm=real(PIXEL_X),
        plate=whole(PLATE),
        ratio=real(RATIO),
        fading_start_s=noted_s(FADING_START),
        fading_end_s=noted_s(FADING_END),
        record_bytes=whole(RECORD),
        byte_order=order,
    )


def _is_sane(header: PlateHeader) -> bool:
    return 0 < header.columns <= LARGEST_SIDE_PX and 0 < header.rows <= LARGEST_SIDE_PX


def _damaged(path: Path, what: str) -> ReductionFailed:
    return ReductionFailed(f"{path.name} {what}: its header is damaged. Read the plate again.", path=str(path))


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
