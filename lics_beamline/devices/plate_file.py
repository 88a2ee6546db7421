"""The file that an exposure becomes: named before the exposure, so that no other can be taken for it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from lics_beamline.schema import PLATE_SPEC, PLATE_TEMPLATE

PLATE_SHAPE: Final = (3000, 3000)  # (ny, nx) pixels: 300 mm at 100 um (R-AXIS IV++)
FILE_BYTES: Final = (
    2 * PLATE_SHAPE[1] * (1 + PLATE_SHAPE[0])
)  # 16-bit words: a header of one record, then one record a row (R-AXIS)
NO_PLATE: Final = 0  # plates are numbered from 1


@dataclass(slots=True, kw_only=True, eq=False)
class Folder:
    """A folder that the detector writes into, numbering from 0; one resource document announces all its files.

    Parameters
    ----------
    below : PurePosixPath
        Path below the data folder.
    order : int
        Number of folders that were opened before it.
    resource : dict
        Its resource document.
    announced : bool
        Whether that document has been given out.
    """

    below: PurePosixPath
    order: int
    resource: dict[str, Any]
    announced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The file that an exposure will become.

    Parameters
    ----------
    folder : Folder
        Folder that the detector will write it into.
    number : int
        Its number there.
    plate : int
        Plate exposed, 1 or 2; 0 where nobody knows.
    """

    folder: Folder = field(repr=False)
    number: int
    plate: int = NO_PLATE

    @property
    def position(self) -> tuple[int, int]:
        """Rises from file to file."""
        return self.folder.order, self.number

    @property
    def name(self) -> str:
        """Name of the file."""
        return PLATE_TEMPLATE.format(self.number)

    @property
    def below(self) -> PurePosixPath:
        """Path below the data folder."""
        return self.folder.below / self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateFileReading:
    """Facts about a plate file that is complete.

    Parameters
    ----------
    sha256 : str
        Of its bytes; empty where the file is torn: it is then not yet what it will be.
    waited_s : float
        From the end of the exposure to the scan [s of experiment]; NaN where nobody saw it.
    plate : int
        Plate it was read from; 0 where nobody saw it.
    """

    sha256: str
    waited_s: float
    plate: int


def resource_of(below: PurePosixPath) -> dict[str, Any]:
    """Return a resource document of a folder of plates, with a uid of its own."""
    return {
        "uid": str(uuid.uuid4()),
        "spec": PLATE_SPEC,
        "root": "",
        "resource_path": f"{below}/",
        "path_semantics": "posix",
        "resource_kwargs": {"template": PLATE_TEMPLATE, "chunk_shape": [1, *PLATE_SHAPE]},
    }


def size_bytes(file: Path) -> int:
    """Return how long a plate file is [bytes]; -1 where it is not there, or its disk does not say."""
    try:
        return file.stat().st_size if file.is_file() else -1
    except OSError:
        return -1


def is_whole(file: Path) -> bool:
    """Whether a plate file is there with all its bytes."""
    return size_bytes(file) >= FILE_BYTES
