"""Writes R-AXIS IV++ plate files, byte for byte as the instrument does.

Big-endian throughout. A header record as long as one line of the image, then the lines: 16-bit words, in which a set
top bit says that the rest is to be multiplied by the ratio of the two photomultipliers.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

HIGH_PIXEL_BIT: Final = 0x8000  # top bit of a word: read through the less sensitive photomultiplier
LARGEST_WORD: Final = 0x7FFF


@dataclass(frozen=True, slots=True, kw_only=True)
class OscHeader:
    """What the header of a plate file says.

    Parameters
    ----------
    date : str
        Day of the exposure, at most 12 characters.
    wavelength_angstrom, distance_mm : float
        As the control program believes them [A], [mm].
    frame : int
        Frame number.
    exposure_minutes : float
        Exposure [min].
    beam_column_px, beam_row_px : float
        Direct beam, as the control program believes it [pixels].
    oscillation_deg : float
        Range of oscillation [deg].
    pixel_mm : float
        Side of a pixel [mm].
    plate : int
        Plate number, 1 or 2.
    ratio : int
        Ratio of the photomultipliers.
    fading_start_minutes, fading_end_minutes : float
        From the middle of the exposure to start and end of the scan [min].
    memo : str
        At most 80 characters.
    """

    date: str
    wavelength_angstrom: float
    distance_mm: float
    frame: int
    exposure_minutes: float
    beam_column_px: float
    beam_row_px: float
    oscillation_deg: float
    pixel_mm: float
    plate: int
    ratio: int
    fading_start_minutes: float
    fading_end_minutes: float
    memo: str = ""


def largest(ratio: int) -> int:
    """Largest count a file can carry."""
    return LARGEST_WORD * ratio


def encode(counts: npt.NDArray[np.int32], ratio: int) -> npt.NDArray[np.uint16]:
    """Words of the file for counts; above 32767 rounded to a multiple of the ratio and clipped at `largest`."""
    words = counts.astype(np.uint16)
    high = counts > LARGEST_WORD
    if high.any():
        reduced = np.minimum((counts[high] + ratio // 2) // ratio, LARGEST_WORD)
        words[high] = HIGH_PIXEL_BIT | reduced.astype(np.uint16)
    return words


def header_bytes(header: OscHeader, shape: tuple[int, int]) -> bytes:
    """Return the header record, 2 x columns bytes long."""
    rows, columns = shape
    record = bytearray(2 * columns)

    def text(offset: int, value: str, length: int) -> None:
        record[offset : offset + length] = value.encode("ascii", "replace")[:length].ljust(length, b"\0")

    def real(offset: int, *values: float) -> None:
        struct.pack_into(f">{len(values)}f", record, offset, *values)

    def whole(offset: int, *values: int) -> None:
        struct.pack_into(f">{len(values)}i", record, offset, *values)

    text(0, "R-AXIS4", 10)
    text(10, "R-AXIS IV++", 10)
    text(92, header.memo, 80)
    text(172, header.date, 12)
    text(288, "SR", 4)
    real(292, header.wavelength_angstrom)
    text(296, "Si 111", 20)
    real(344, header.distance_mm)
    real(524, 0.0, header.oscillation_deg)
    whole(532, header.frame)
    real(536, header.exposure_minutes, header.beam_column_px, header.beam_row_px)
    whole(768, columns, rows)
    real(776, header.pixel_mm, header.pixel_mm)
    whole(784, 2 * columns, rows, 0, header.plate)
    real(800, float(header.ratio), header.fading_start_minutes, header.fading_end_minutes)
    text(812, "SGI", 10)
    text(822, "IP", 10)
    whole(852, 1)
    return bytes(record)


def write(path: Path, counts: npt.NDArray[np.int32], header: OscHeader) -> None:
    """Write a plate file so that its name appears only when all of it is on the disk.

    Parameters
    ----------
    path : Path
        Final name; its folder must be there.
    counts : ndarray of int32
        Image (rows, columns), not negative.
    header : OscHeader
        Its header.

    Raises
    ------
    OSError
        The folder is missing or read-only, the disk is full. Nothing is left under `path`.
    """
    unfinished = path.with_name(f".{path.name}.part")
    record = header_bytes(header, (counts.shape[0], counts.shape[1]))
    words = encode(counts, header.ratio)
    try:
        with unfinished.open("wb") as file:
            file.write(record)
            file.write(words.astype(">u2").data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
