"""What the header of an image promises that its reader would never come to the end of: refused before it is read."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import BinaryIO, Final

from lics_beamline.errors import ReductionFailed

EDF_BEGINS: Final = re.compile(rb"\s*\{")
EDF_DIMENSION: Final = re.compile(rb"dim_(\d+)", re.IGNORECASE)
MOST_DIMENSIONS: Final = 9  # of an EDF image; fabio 2026.6 counts up to whatever number a key has
TIFF_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}  # TIFF 6.0, section 2
TIFF_ENTRY_BYTES: Final = 12
_CHUNK_BYTES: Final = 1 << 20
_OVERLAP_BYTES: Final = 64  # so that no key is cut in two


def check_header(file: BinaryIO, path: Path) -> None:
    """Refuse an image whose header leads its reader in a circle, or counts without end.

    Parameters
    ----------
    file : binary file
        The image, unpacked.
    path : Path
        What it is called, for the message.

    Raises
    ------
    ReductionFailed
        If it is an EDF of too many dimensions, or a TIFF whose directories come round to one another.
    """
    file.seek(0)
    begin = file.read(_CHUNK_BYTES)
    if begin[:4] in TIFF_ORDERS:
        _check_directories(file, path, TIFF_ORDERS[begin[:4]])
    elif EDF_BEGINS.match(begin) or ".edf" in path.name.lower():
        _check_dimensions(file, path, begin)


def _check_dimensions(file: BinaryIO, path: Path, begin: bytes) -> None:
    before = b""
    while begin:
        for found in EDF_DIMENSION.finditer(before + begin):
            digits = found[1].lstrip(b"0")
            if len(digits) > 1 or int(digits or b"0") > MOST_DIMENSIONS:
                raise ReductionFailed(
                    f"{path.name} has a dimension {found[1].decode()[:20]}, {MOST_DIMENSIONS} are the most. Its "
                    "header is damaged; take the file from a copy.",
                    path=str(path),
                )
        before, begin = begin[-_OVERLAP_BYTES:], file.read(_CHUNK_BYTES)


def _check_directories(file: BinaryIO, path: Path, order: str) -> None:
    seen: set[int] = set()
    place = 4
    while True:
        file.seek(place)
        said = file.read(4)
        offset = struct.unpack(f"{order}I", said)[0] if len(said) == 4 else 0
        if offset == 0:
            return
        if offset in seen:
            raise ReductionFailed(
                f"{path.name} has directories of images that lead to one another in a circle. Its header is damaged; "
                "take the file from a copy.",
                path=str(path),
            )
        seen.add(offset)
        file.seek(offset)
        said = file.read(2)
        if len(said) < 2:
            return
        place = offset + 2 + TIFF_ENTRY_BYTES * struct.unpack(f"{order}H", said)[0]
