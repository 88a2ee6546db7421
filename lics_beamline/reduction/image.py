"""One image of any detector, reduced alone: pattern and peaks, no pressure, no run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.counts import dead
from lics_beamline.frames.frame import FrameSeries
from lics_beamline.frames.image_view import ImageView, view_of
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.integration.cake import Cake
from lics_beamline.integration.integration import MASKED_COUNTS, Integration
from lics_beamline.lines.peaks import Peak, find_peaks
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.reduction.image_doubts import (
    doubt_of_dark,
    doubt_of_full_rings,
    doubt_of_logarithms,
    doubt_of_mask,
    doubt_of_pedestal,
    doubt_of_size,
    doubts_of_rings,
    pixels_across,
    worst_rings,
)
from lics_beamline.reduction.point import integrator

Choice = int | Literal["first", "sum"]

WORTH_TELLING: Final = 1.0e-3  # of the pixels, masked: a few dead ones are as good as none
RING_WORTH_TELLING: Final = 0.02  # of the pixels of a ring, rejected: more than the spots of diamonds take from most


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReducedImage:
    """A reduced image.

    Parameters
    ----------
    pattern : Pattern
        The integrated image.
    peaks : tuple of Peak
        Its peaks, by rising angle.
    frame : int
        Number of the frame in its file, from 1; 0 for the sum of all.
    frames : int
        Frames in the file.
    pixels_across : float
        Pixels side by side from the least to the largest angle: more bins than these say nothing of their own.
    notes : tuple of str
        What was chosen where the file left a choice, and what of the file was used beside its counts.
    warnings : tuple of str
        What a person should look at before the numbers are believed.
    full_counts : int or None
        Count from which pixels were taken for full or marked as no data, and masked; None where there are none.
    cake : Cake or None
        The frame over angle and azimuth, where the recipe asks for it.
    view : ImageView or None
        The frame as it is drawn, where the recipe asks for it.
    """

    pattern: Pattern
    peaks: tuple[Peak, ...]
    frame: int = 1
    frames: int = 1
    pixels_across: float = 0.0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    full_counts: int | None = None
    cake: Cake | None = None
    view: ImageView | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What of the image is not in the pattern, for people; nothing where that is as good as none."""
        said = []
        if self.pattern.masked_fraction >= WORTH_TELLING:
            full = "" if self.full_counts is None else f", those from {self.full_counts} counts as full or no data"
            masked = f"{100.0 * self.pattern.masked_fraction:.1f} % of the pixels are masked{full}"
            said.append(f"{masked}: dead, full or in shadow.")
        share = self.pattern.rejected_share
        if np.any(share >= RING_WORTH_TELLING):
            where = " and ".join(
                f"{100.0 * share[ring]:.0f} % of those at {self.pattern.two_theta_deg[ring]:.3f} deg"
                for ring in worst_rings(share, least=RING_WORTH_TELLING)
            )
            said.append(
                f"{100.0 * self.pattern.rejected_fraction:.2f} % of the pixels are rejected as spots, {where}. "
                "Where these are grains of the powder, --no-clip keeps them."
            )
        return tuple(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecipe:
    """How images are reduced.

    Parameters
    ----------
    geometry : Geometry
        Calibrated geometry. Its orientation says how the rows of the file lie in space.
    integration : Integration
        Settings of the integration.
    significance : float
        Least height of a peak over its error.
    left_out_deg : tuple of (float, float)
        Ranges of 2theta that are masked [deg].
    mask_saturated : bool
        Mask pixels from the count at which the file says they are full.
    azimuths : int
        Rows of the cake, over a whole turn; 0 makes none.
    with_view : bool
        Keep the frame as it is drawn.
    """

    geometry: Geometry
    integration: Integration
    significance: float = 5.0
    left_out_deg: tuple[tuple[float, float], ...] = ()
    mask_saturated: bool = True
    azimuths: int = 0
    with_view: bool = False


def reduce_image(
    path: str | Path,
    geometry: Geometry,
    *,
    bins: int = 2500,
    two_theta_deg: tuple[float, float] | None = None,
    polarisation: float = 0.99,
    significance: float = 5.0,
    clip: bool = True,
) -> ReducedImage:
    """Integrate one image and find its peaks.

    Parameters
    ----------
    path : str or Path
        Image that fabio reads; HDF5 as ``file.h5`` or ``file.h5::/path/to/data``. Of several frames the first.
    geometry : Geometry
        Calibrated geometry. Its orientation says how the rows of the file lie in space: where rings do not index, the
        image is usually flipped against the calibration, which ``geometry.oriented(2)`` or another of 1 to 4 mends.
    bins : int
        Number of bins.
    two_theta_deg : tuple of float, optional
        Range [deg]; default what the detector sees.
    polarisation : float
        Degree of horizontal linear polarisation.
    significance : float
        Least height of a peak over its error.
    clip : bool
        Reject spots: pixels that stand out of their ring.

    Raises
    ------
    ReductionFailed
        If the image cannot be read or does not fit the geometry.
    """
    choice = Integration(bins=bins, two_theta_deg=two_theta_deg, polarisation=polarisation)
    if not clip:
        choice = replace(choice, clip_sigma=0.0)
    return reduce_frame(Path(path), ImageRecipe(geometry=geometry, integration=choice, significance=significance))


def reduce_frame(path: Path, recipe: ImageRecipe, *, frame: Choice = "first") -> ReducedImage:
    """Integrate a frame of a file, or the sum of all, and find its peaks.

    Parameters
    ----------
    path : Path
        As of `reduce_image`.
    recipe : ImageRecipe
        How it is reduced.
    frame : int or {"first", "sum"}
        Number of the frame, from 1; the first, which is said where there are others; or the sum of all.

    Raises
    ------
    ReductionFailed
        If the image cannot be read or does not fit the geometry.
    """
    series = FrameSeries(path)
    recording = series.total() if frame == "sum" else series.frame(1 if frame == "first" else frame)
    if recording.is_mask:
        raise ReductionFailed(
            f"{path.name} holds true and false: a mask, and no counts. Give the image, and this with --mask.",
            path=str(path),
        )
    notes = list(series.notes)
    if frame == "first" and series.count > 1:
        notes.append(
            f"frame 1 of {series.count} taken: --frame N takes another, --sum all together, --each every one by itself"
        )
    if frame == "sum":
        notes.append(f"sum of {series.count} frame{'s' if series.count > 1 else ''}")
    shape = (int(recording.counts.shape[0]), int(recording.counts.shape[1]))
    static = recipe.integration.mask.array(shape) if recipe.integration.mask is not None else np.zeros(shape, bool)
    if static.all():
        raise ReductionFailed(doubt_of_mask("the mask", 1.0)[0])
    engine = integrator(recipe.geometry, recipe.integration, shape)
    left_out = _left_out(engine.two_theta_deg, recipe)
    if (static | left_out).all():
        seen = engine.two_theta_deg
        raise ReductionFailed(
            f"nothing is left of {path.name}: it sees 2theta from {seen.min():.2f} to {seen.max():.2f} deg, and range "
            "and masks leave none of it. Choose others.",
            path=str(path),
        )
    full = recording.saturation_counts if recipe.mask_saturated else None
    counts = dead(recording.counts, left_out) if recipe.left_out_deg else recording.counts
    prepared = engine.prepare(counts, saturation_counts=full)
    pattern = engine.pattern(prepared)
    peaks = find_peaks(pattern, significance=recipe.significance, dim=True)
    good = (prepared.frame != MASKED_COUNTS) & ~static & ~left_out
    warnings = doubt_of_mask("the mask", float(static.mean()))
    warnings = warnings or doubt_of_mask("what is dead, full, in shadow or left out", pattern.masked_fraction)
    warnings += doubts_of_rings(prepared.frame, engine.two_theta_deg, good, geometry=recipe.geometry, lines=len(peaks))
    warnings += doubt_of_size(recording.pixel_mm, recipe.geometry, shape)
    warnings += recording.doubts + doubt_of_full_rings(recording.counts, full, engine.two_theta_deg, pattern)
    warnings += doubt_of_pedestal(pattern.pedestal_counts) + doubt_of_logarithms(pattern)
    if recipe.integration.dark is not None:
        warnings += doubt_of_dark(pattern.intensity, pattern.sigma)
    across = pixels_across(engine.two_theta_deg, good)
    columns = max(1, min(recipe.integration.bins, round(across)))  # finer ones would be empty in stripes
    return ReducedImage(
        pattern=pattern,
        peaks=peaks,
        frame=0 if frame == "sum" else 1 if frame == "first" else frame,
        frames=series.count,
        pixels_across=across,
        notes=tuple(notes),
        warnings=warnings,
        full_counts=full if full is not None and bool(np.any(counts >= full)) else None,
        cake=engine.cake(prepared, (columns, recipe.azimuths)) if recipe.azimuths else None,
        view=view_of(recording.counts, engine.used(prepared) & ~left_out, engine.two_theta_deg)
        if recipe.with_view
        else None,
    )


def _left_out(two_theta_deg: npt.NDArray[np.float32], recipe: ImageRecipe) -> npt.NDArray[np.bool_]:
    """Return the pixels that lie outside the range, or in one that is masked."""
    low, high = recipe.integration.two_theta_deg or (0.0, 180.0)
    out = (two_theta_deg < low) | (two_theta_deg > high)
    for begin, end in recipe.left_out_deg:
        out |= (two_theta_deg >= begin) & (two_theta_deg <= end)
    return out
