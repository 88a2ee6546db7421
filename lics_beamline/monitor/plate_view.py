"""A plate made small enough for a page: counts, what masks them, and where rings lie on it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.calibration.flat_detector import FlatDetector
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import LicsError, ProfileError
from lics_beamline.frames.frame import FrameSeries, Recording
from lics_beamline.frames.image_view import ImageView, block_means, view_of
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.geometry.poni import DEFAULT_ORIENTATION
from lics_beamline.integration.shadow import BlockRings, bad_pixels
from lics_beamline.journal.safe_name import inside
from lics_beamline.monitor.fold import text
from lics_beamline.monitor.view import ReadPlate
from lics_beamline.reduction.recipe import Recipe, recipe_of

MOST_KEPT: Final = 6  # plates kept as they are drawn, of 5 MB each
ANGLES_EVERY: Final = 8  # blocks: rings are smooth, and their lines need no more
DIMMEST_SHOWN, BRIGHTEST_SHOWN = 1.0, 99.9  # percent of the pixels, between which colours run
DRAWN_BY: Final = ("geometry", "frames", "plate")  # of a recipe: to check its scale of ruby takes a second of libraries
ROWS_AT_ONCE: Final = 250  # of angles that are worked out: more take memory for nothing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlateView:
    """A plate as it is drawn, in blocks of pixels, rows in the order of its file.

    Parameters
    ----------
    says : str
        What is drawn, in words of this program.
    trouble : str
        Why it cannot be read; empty where it can.
    counts : ndarray of float32, shape (rows, columns)
        Mean count of a pixel of each block; empty where the plate cannot be read.
    masked : ndarray of bool, shape (rows, columns)
        Blocks of which no pixel is used.
    angles_deg : ndarray of float32
        Scattering angle of every `ANGLES_EVERY`-th block [deg]; empty where it is not known.
    block_px : int
        Edge of a block [pixel].
    """

    says: str
    trouble: str = ""
    counts: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    masked: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty((0, 0), np.bool_))
    angles_deg: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    block_px: int = 1

    @property
    def brightness(self) -> tuple[float, float]:
        """Counts between which it is drawn on a logarithmic scale."""
        shown = self.counts[~self.masked & np.isfinite(self.counts) & (self.counts > 0.0)]
        if not shown.size:
            return 1.0, 10.0
        low, high = (float(each) for each in np.percentile(shown, (DIMMEST_SHOWN, BRIGHTEST_SHOWN)))
        return low, high if high > 1.05 * low else 10.0 * low


class PlateViews:
    """Plates that pages ask for, each read once.

    Parameters
    ----------
    data : DataFolder
        Where they lie.
    """

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int, str, int], PlateView] = OrderedDict()
        self._detector: DrawnDetector | None = None
        self._detector_of: object = None

    def view(self, plate: ReadPlate, recipe: dict[str, Any]) -> PlateView:
        """Return a plate as it is drawn; takes a second or two where nobody asked for it before.

        Parameters
        ----------
        plate : ReadPlate
            Which.
        recipe : dict
            Recipe of the reduction, as its start document has it; may be empty.
        """
        key = (plate.path, plate.number, plate.dataset, _what_draws(recipe))
        with self._lock:  # one at a time: each takes memory for a whole frame
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            made = self._read(plate, recipe)
            self._kept[key] = made
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return made

    def _read(self, plate: ReadPlate, recipe: dict[str, Any]) -> PlateView:
        try:
            path = inside(self._data.root, plate.path, what="plate")
            series = FrameSeries(Path(f"{path}::{plate.dataset}") if plate.dataset else path)
            recording = series.frame(plate.number) if plate.number else series.total()
        except (LicsError, OSError) as error:
            return PlateView(says="cannot be read", trouble=text(error))
        try:
            drawing = recipe_of({part: recipe[part] for part in DRAWN_BY if part in recipe})
            return self._whole(recording, drawing, _what_draws(recipe))
        except (LicsError, KeyError, TypeError, ValueError):
            shape = recording.counts.shape
            bare = view_of(recording.counts, np.ones(shape, bool), np.zeros(shape, np.float32))
            return _drawn(bare, says="without mask and rings, which its geometry does not give", has_angles=False)

    def _whole(self, recording: Recording, recipe: Recipe, drawn_by: int) -> PlateView:
        counts = recording.counts
        shape = (int(counts.shape[0]), int(counts.shape[1]))
        if self._detector is None or self._detector_of != (drawn_by, shape):
            self._detector = DrawnDetector.of(recipe, shape)
            self._detector_of = (drawn_by, shape)
        detector = self._detector
        bad = bad_pixels(
            counts,
            detector.rings,
            shadow_fraction=recipe.frames.shadow_fraction,
            saturation_counts=recording.saturation_counts if recipe.frames.mask_saturated else None,
            compiled=False,  # a page reads a plate in minutes, and would wait for the compiler
        )
        used = detector.used if bad is None else detector.used & ~bad
        return _drawn(view_of(counts, used, detector.block_angles_deg), says="log scale, blue masked", has_angles=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnDetector:
    """What all plates of one geometry and recipe have in common: it takes as long as the rest of a plate.

    Parameters
    ----------
    used : ndarray of bool, shape (rows, columns)
        Pixels that the recipe uses, of whatever plate.
    rings : BlockRings
        To see shadows by.
    block_angles_deg : ndarray of float64
        Scattering angle of each block that is drawn [deg].
    """

    used: npt.NDArray[np.bool_]
    rings: BlockRings
    block_angles_deg: npt.NDArray[np.float64]

    @classmethod
    def of(cls, recipe: Recipe, shape: tuple[int, int]) -> DrawnDetector:
        """Work it out for frames of a shape."""
        angles = _angles_deg(recipe.geometry, shape)
        low, high = recipe.frames.two_theta_deg
        used = (angles >= low) & (angles <= high)
        if recipe.plate.mask is not None:
            used &= ~recipe.plate.mask.array(shape)
        return cls(used=used, rings=BlockRings.of(angles), block_angles_deg=block_means(angles))


def _drawn(view: ImageView, *, says: str, has_angles: bool) -> PlateView:
    angles = view.two_theta_deg[::ANGLES_EVERY, ::ANGLES_EVERY].astype(np.float32)
    return PlateView(
        says=says,
        counts=view.counts.astype(np.float32),
        masked=view.masked,
        angles_deg=angles if has_angles else angles[:0],
        block_px=view.block_px,
    )


def _angles_deg(geometry: Geometry, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return the scattering angle of each pixel of a flat detector [deg]."""
    detector = FlatDetector.of(geometry, shape=shape)
    if detector.shape != shape:
        raise ProfileError(f"the geometry is of {detector.shape} pixels, and the plate has {shape}.")
    restated = detector.restated(DEFAULT_ORIENTATION)
    columns_mm = (np.arange(shape[1]) + 0.5) * restated.pixel_mm[1]
    angles = np.empty(shape, dtype=np.float32)
    for first in range(0, shape[0], ROWS_AT_ONCE):
        rows_mm = (np.arange(first, min(first + ROWS_AT_ONCE, shape[0])) + 0.5) * restated.pixel_mm[0]
        angles[first : first + ROWS_AT_ONCE] = np.degrees(
            restated.plane.two_theta_rad(rows_mm[:, None], columns_mm[None, :])
        )
    return angles


def _what_draws(recipe: dict[str, Any]) -> int:
    """Return a number that is the same for recipes by which a plate is drawn alike."""
    return hash(tuple(str(recipe.get(part)) for part in DRAWN_BY))
