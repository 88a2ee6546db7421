"""Which image was on which plate before: what a ghost comes from, known from the readouts of one run."""

from __future__ import annotations

import hashlib
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lics_beamline import schema
from lics_beamline.diffraction.frame import Recording, check_file, read_frame
from lics_beamline.diffraction.plate import Array, Fading, PlateState, Residue, residue
from lics_beamline.errors import LicsError, ReductionFailed
from lics_beamline.reduction.recipe import Plate

logger = logging.getLogger(__name__)

PREVIOUS: Final = "previous_exposure_uid"  # of a readout: what its plate held before, empty where nobody knows
ROWS_FOR_A_NUMBER: Final = 16  # one row in so many tells how much of a frame is ghost


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # eq False: known by identity
class Taken:
    """One image of the run, as its documents tell it.

    Parameters
    ----------
    path : Path
        Its file.
    sha256 : str
        Of the file; empty where it was not recorded.
    plate : int
        Number of the plate; 0 where nobody saw it.
    exposure_s, waited_s : float
        Exposure, and time from its end to the scan [s]; NaN where not recorded.
    """

    path: Path
    sha256: str
    plate: int
    exposure_s: float
    waited_s: float


class PlateHistory:
    """The images of a run: each verified when it is read, the last of each plate remembered.

    The last image of a plate is kept in memory where its ghost is wanted, so that it costs no second reading of a file.

    Parameters
    ----------
    root : Path
        The data folder: paths in documents are relative to it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._last: dict[int, Taken] = {}
        self._before: dict[Taken, Taken] = {}
        self._taken: dict[str, Taken] = {}  # by exposure_uid
        self._read: dict[int, tuple[Taken, Recording]] = {}

    def take(self, data: dict[str, Any], *, exposure_s: float) -> Taken:
        """Take note of an image as its readout announces it; NaN for an exposure nobody recorded."""
        taken = Taken(
            path=(self._root / str(data.get(schema.FRAME_PATH, ""))).resolve(),
            sha256=str(data.get(schema.FRAME_SHA256, "")),
            plate=int(data.get(schema.FRAME_PLATE, 0)),
            exposure_s=exposure_s,
            waited_s=float(data.get(schema.FRAME_WAITED_S, math.nan)),
        )
        self._before.clear()  # asked for the newest image only
        previous = data.get(PREVIOUS)  # the plan knows of lost and erased plates too; older runs do not say
        before = self._last.get(taken.plate) if previous is None else self._taken.get(previous)
        if before is not None:
            self._before[taken] = before
        self._taken[str(data.get(schema.EXPOSURE_UID.name, ""))] = taken
        if taken.plate:
            self._last[taken.plate] = taken
        return taken

    def look(self, data: dict[str, Any]) -> None:
        """Take note of a short look: its image, too, leaves a ghost on its plate."""
        self._taken[str(data[schema.EXPOSURE_UID.name])] = Taken(
            path=(self._root / str(data["look_path"])).resolve(),
            sha256="",
            plate=0,
            exposure_s=float(data.get(schema.EXPOSURE_S.name, math.nan)),
            waited_s=math.nan,
        )

    def forget(self) -> None:
        """Take note that a plate was lost: what the plates held since nobody knows."""
        self._last.clear()
        self._read.clear()

    def recording(self, taken: Taken) -> Recording:
        """Return an image, verified against what was recorded about it.

        Raises
        ------
        ReductionFailed
            If it is missing, torn, another one, or lies outside the data folder.
        """
        path = taken.path
        if path == self._root or not path.is_relative_to(self._root):
            raise ReductionFailed(
                f"the frame {path} lies outside the data folder, or was not recorded. Restore the run's own plates."
            )
        check_file(path)  # first, so that a torn file is called torn and not altered
        if taken.sha256:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != taken.sha256:
                raise ReductionFailed(
                    f"{path.name} has sha256 {found[:12]}... and was recorded with {taken.sha256[:12]}...: it is not "
                    "the plate that was measured. Restore it.",
                    path=str(path),
                    sha256=found,
                    recorded_sha256=taken.sha256,
                )
        return read_frame(path)

    def state(self, taken: Taken, recording: Recording, plate: Plate) -> PlateState:
        """Return fading and ghost of the newest image by a recipe.

        Parameters
        ----------
        taken, recording : Taken, Recording
            The image: what is known of it, and what its file says.
        plate : Plate
            The recipe's section.
        """
        remaining, sigma = None, 0.0
        if plate.fading is not None and math.isfinite(_waited_s(taken, recording)):
            remaining = _of_rows(taken, recording, plate.fading)
            age_s = _waited_s(taken, recording) + 0.5 * _scan_s(recording, plate.fading)
            sigma = plate.fading.relative_sigma(age_s, exposure_s=_exposure_s(taken, recording))
        ghost = self._residue(taken, plate, recording.counts.shape) if plate.ghosts else None
        if plate.ghosts:
            self._read[taken.plate] = (taken, recording)
        return PlateState(remaining=remaining, remaining_sigma=sigma, residue=ghost)

    def _residue(self, taken: Taken, plate: Plate, shape: tuple[int, ...]) -> Residue | None:
        ghost, before = plate.ghost(taken.plate), self._before.get(taken)
        image = self._image(before) if ghost is not None and before is not None else None
        if ghost is None or before is None or image is None or image.counts.shape != shape:
            return None
        faded = plate.fading is not None and math.isfinite(_waited_s(before, image))
        return residue(
            image.counts,
            ghost,
            remaining=_of_rows(before, image, plate.fading) if faded and plate.fading is not None else None,
            saturation_counts=image.saturation_counts,
        )

    def _image(self, taken: Taken) -> Recording | None:
        """Return an image of before; None where it is no longer what it was."""
        kept = self._read.get(taken.plate)
        if kept is not None and kept[0] is taken:
            return kept[1]
        try:
            return self.recording(taken)
        except (LicsError, OSError) as error:
            logger.warning("the ghost of %s is not removed: %s", taken.path.name, error)
            return None


def plate_data(state: PlateState, recording: Recording, plate: Plate) -> dict[str, float]:
    """Return what was undone of the plate as fields of an event; NaN where it was wanted and could not be."""
    in_vain = plate.fading is not None and state.remaining is None
    fraction = math.nan if plate.ghosts else 0.0
    if state.residue is not None:
        some = slice(None, None, ROWS_FOR_A_NUMBER)
        fraction = float(state.residue.counts[some].sum()) / max(float(recording.counts[some].sum()), 1.0)
    return {
        "fading_remaining": math.nan if in_vain else state.mean_remaining,
        "fading_sigma": math.nan if in_vain else state.remaining_sigma,
        "ghost_fraction": fraction,
    }


def _of_rows(taken: Taken, recording: Recording, fading: Fading) -> Array:
    return fading.of_rows(
        recording.counts.shape[0],
        waited_s=_waited_s(taken, recording),
        exposure_s=_exposure_s(taken, recording),
        scan_s=_scan_s(recording, fading),
    )


def _waited_s(taken: Taken, recording: Recording) -> float:
    """Return what the detector said while it read the plate, or else what the file says; NaN where neither does."""
    if math.isfinite(taken.waited_s):
        return taken.waited_s
    return recording.plate.waited_s if recording.plate is not None else math.nan


def _exposure_s(taken: Taken, recording: Recording) -> float:
    if math.isfinite(taken.exposure_s):
        return taken.exposure_s
    return recording.exposure_s if math.isfinite(recording.exposure_s) else 0.0


def _scan_s(recording: Recording, fading: Fading) -> float:
    said = recording.plate.scan_s if recording.plate is not None else math.nan
    return said if math.isfinite(said) else fading.scan_s
