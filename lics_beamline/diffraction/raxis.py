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
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ReductionFailed

Frame = npt.NDArray[np.int32]
ByteOrder = Literal[">", "<"]

MAGIC: Final = b"R-AXIS"
HEADER_BYTES: Final = 860  # the fields read here; the header itself is one record of at least this length
LARGEST_WORD: Final = 0x7FFF  # fifteen bits of a high pixel, times the ratio
HIGH_PIXEL_BIT: Final = 0x8000  # marks a high pixel
LARGEST_SIDE_PX: Final = 20_000  # no plate has more: 1 m at 50 um
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
        Exposure [s]; the file counts minutes.
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
        return max(0.0, self.fading_start_s - 0.5 * self.exposure_s) if self.fading_start_s > 0.0 else math.nan

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
    big, little = _header(head, ">"), _header(head, "<")
    header = little if _is_sane(little) and not _is_sane(big) else big
    if header.columns <= 0 or header.rows <= 0:
        raise ReductionFailed(
            f"{path.name} claims {header.columns} x {header.rows} pixels: its header is damaged. Read the plate again.",
            path=str(path),
        )
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
        words = np.fromfile(path, dtype=f"{header.byte_order}u2", offset=header.data_offset)
    except OSError as error:
        raise _unreadable(path, error) from error
    words = words.reshape(header.rows, header.columns)
    frame = np.empty(words.shape, dtype=np.int32)
    for start in range(0, header.rows, BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        block = frame[rows]
        block[...] = words[rows]
        high = np.flatnonzero(block >= HIGH_PIXEL_BIT)
        if high.size:
            counts = (block.reshape(-1)[high] & LARGEST_WORD) * header.ratio
            block.reshape(-1)[high] = np.rint(counts).astype(np.int32)
    return header, frame


def _header(head: bytes, order: ByteOrder) -> PlateHeader:
    """Return the header read in one byte order."""

    def real(offset: int) -> float:
        return float(struct.unpack_from(f"{order}f", head, offset)[0])

    def whole(offset: int) -> int:
        return int(struct.unpack_from(f"{order}i", head, offset)[0])

    return PlateHeader(
        wavelength_angstrom=real(WAVELENGTH),
        distance_mm=real(DISTANCE),
        exposure_s=60.0 * real(EXPOSURE),
        columns=whole(COLUMNS),
        rows=whole(ROWS),
        pixel_mm=real(PIXEL_X),
        plate=whole(PLATE),
        ratio=real(RATIO),
        fading_start_s=60.0 * real(FADING_START),
        fading_end_s=60.0 * real(FADING_END),
        record_bytes=whole(RECORD),
        byte_order=order,
    )


def _is_sane(header: PlateHeader) -> bool:
    return 0 < header.columns <= LARGEST_SIDE_PX and 0 < header.rows <= LARGEST_SIDE_PX


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
