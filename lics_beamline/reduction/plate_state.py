"""What the plate did to one image: the fading since its exposure, the ghost of the image before."""

from __future__ import annotations

import logging
import math
from typing import Final

from lics_beamline.errors import LicsError
from lics_beamline.frames.frame import Recording
from lics_beamline.frames.plate import Array, Fading, PlateState, Residue, residue
from lics_beamline.reduction.image_record import ImageRecord, remembered
from lics_beamline.reduction.recipe import PlateCorrections

logger = logging.getLogger(__name__)

ROWS_FOR_A_NUMBER: Final = 16  # one row in so many tells how much of a frame is ghost
# Fields of a point of which no plate is known: the program that integrated it has undone what it has undone.
NOTHING_UNDONE: Final = {"fading_remaining": 1.0, "fading_sigma": 0.0, "ghost_fraction": 0.0}


def plate_state(
    taken: ImageRecord, recording: Recording, plate: PlateCorrections, *, before: ImageRecord | None = None
) -> PlateState:
    """Return fading and ghost of an image by a recipe.

    Parameters
    ----------
    taken, recording : ImageRecord, Recording
        The image: what is known of it, and what its file says.
    plate : PlateCorrections
        The recipe's section.
    before : ImageRecord, optional
        The image before on the same plate.
    """
    remaining, sigma = None, 0.0
    if plate.fading is not None and math.isfinite(_waited_s(taken, recording)):
        remaining = _of_rows(taken, recording, plate.fading)
        age_s = _waited_s(taken, recording) + 0.5 * _scan_s(recording, plate.fading)
        sigma = plate.fading.relative_sigma(age_s, exposure_s=_exposure_s(taken, recording))
    ghost = _residue(taken, plate, recording.counts.shape, before) if before is not None else None
    return PlateState(remaining=remaining, remaining_sigma=sigma, residue=ghost)


def _residue(
    taken: ImageRecord, plate: PlateCorrections, shape: tuple[int, ...], before: ImageRecord
) -> Residue | None:
    ghost = plate.ghost(taken.plate)
    if ghost is None:
        return None
    try:
        image = remembered(before)
    except (LicsError, OSError) as error:  # it is no longer what it was
        logger.warning("the ghost of %s is not removed: %s", before.path.name, error)
        return None
    if image.counts.shape != shape:
        return None
    faded = plate.fading is not None and math.isfinite(_waited_s(before, image))
    return residue(
        image.counts,
        ghost,
        remaining=_of_rows(before, image, plate.fading) if faded and plate.fading is not None else None,
        saturation_counts=image.saturation_counts,
    )


def plate_data(state: PlateState, recording: Recording, plate: PlateCorrections) -> dict[str, float]:
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


def _of_rows(taken: ImageRecord, recording: Recording, fading: Fading) -> Array:
    return fading.of_rows(
        recording.counts.shape[0],
        waited_s=_waited_s(taken, recording),
        exposure_s=_exposure_s(taken, recording),
        scan_s=_scan_s(recording, fading),
    )


def _waited_s(taken: ImageRecord, recording: Recording) -> float:
    """Return what the detector said while it read the plate, or else what the file says; NaN where neither does."""
    if math.isfinite(taken.waited_s):
        return taken.waited_s
    return recording.plate.waited_s if recording.plate is not None else math.nan


def _exposure_s(taken: ImageRecord, recording: Recording) -> float:
    if math.isfinite(taken.exposure_s):
        return taken.exposure_s
    return recording.exposure_s if math.isfinite(recording.exposure_s) else 0.0


def _scan_s(recording: Recording, fading: Fading) -> float:
    said = recording.plate.scan_s if recording.plate is not None else math.nan
    return said if math.isfinite(said) else fading.scan_s
