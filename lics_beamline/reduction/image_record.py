"""One image of a run, as its documents tell it, and read from its file: verified before it is believed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.frame import FrameSeries, Recording, check_file
from lics_beamline.frames.frame_digest import frame_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """One image of the run, as its documents tell it.

    Parameters
    ----------
    root, path : Path
        The data folder, and the image's file, which must lie in it.
    sha256 : str
        Of the file; empty where it was not recorded.
    plate : int
        Number of the plate; 0 where nobody saw it.
    exposure_s, waited_s : float
        Exposure, and time from its end to the scan [s]; NaN where not recorded.
    number : int
        Of the frame in its file, from 1; 0 for the sum of all.
    dataset : str
        Of an HDF5 file; empty for the only stack of images.
    """

    root: Path
    path: Path
    sha256: str
    plate: int
    exposure_s: float
    waited_s: float
    number: int = 1
    dataset: str = ""

    @property
    def series(self) -> Path:
        """What its frames are read from: the file, with the data set inside it where one was recorded."""
        return Path(f"{self.path}::{self.dataset}") if self.dataset else self.path


def recording(taken: ImageRecord) -> Recording:
    """Return an image, verified against what was recorded about it.

    Raises
    ------
    ReductionFailed
        If it is missing, torn, another one, or lies outside the data folder.
    """
    return _verified(taken)


def _verified(taken: ImageRecord) -> Recording:
    root, path, sha256 = taken.root, taken.path, taken.sha256
    if path == root or not path.is_relative_to(root):
        raise ReductionFailed(
            f"the frame {path} lies outside the data folder, or was not recorded. Restore the run's own plates."
        )
    check_file(path)  # first, so that a torn file is called torn and not altered
    if sha256:
        found = frame_digest(path)
        if found != sha256:
            raise ReductionFailed(
                f"{path.name} has sha256 {found[:12]}... and was recorded with {sha256[:12]}...: it is not "
                "the plate that was measured. Restore it.",
                path=str(path),
                sha256=found,
                recorded_sha256=sha256,
            )
    series = FrameSeries(taken.series)
    return series.frame(taken.number) if taken.number else series.total()


def remembered(taken: ImageRecord) -> Recording:
    """Return an image as `recording` does, and keep it: the next image of its plate asks for it again.

    It is read anew where its file has changed since.

    Raises
    ------
    ReductionFailed
        The same as of `recording`.
    OSError
        If the file is not there.
    """
    state = taken.path.stat()
    return _remembered(taken, (state.st_ino, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=3)  # the last image of each of two plates, and the one in hand
def _remembered(taken: ImageRecord, _state: tuple[int, ...]) -> Recording:
    return _verified(taken)
