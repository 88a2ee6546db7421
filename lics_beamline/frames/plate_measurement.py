"""Measuring a plate by itself: its fading from images that waited, its ghost from a blank read after a strong exposure.

Nothing is assumed about the sample but that it stays the same. The images are compared block by block, so that spots
that moved and pixels that are full fall out; the contrast of an image relative to another is all that is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading
from lics_beamline.frames.counts import Counts
from lics_beamline.frames.frame import Recording
from lics_beamline.frames.plate import Fading, Ghost, Triple
from lics_beamline.physics.robust_scatter import SIGMA_OVER_MAD, scatter_of

Array = npt.NDArray[np.float64]
Role = Literal["strong", "blank", "delayed"]

BLOCK_PX: Final = 10  # images are compared on blocks of 10 x 10 pixels
CLIP_SIGMA: Final = 5.0  # blocks and pixels farther off are spots
CLIPPING_PASSES: Final = 4  # of clipping; it is stable after three
FEWEST_READS: Final = 5  # brightness, share and life of the fast traps, one to spare, and the slow life's own pull
LEAST_WAIT_RATIO: Final = 10.0  # the longest wait must be this many times the shortest, or the curve has no shape
SLOW_LIFE_S: Final = (
    4.0e5  # where delays of hours do not show it: some days, within a factor of ten (engineering value)
)
SLOW_LIFE_LOG_SIGMA: Final = math.log(10.0)
FEWEST_BLOCKS: Final = 100  # that all reads have in common
DIM_SHARE: Final = 0.3  # of the blocks: what they have in common with the others is no contrast
LEAST_GHOST_COUNTS: Final = 2.0  # below, the reader's rounding to whole counts is not averaged out
FEWEST_GHOST_PIXELS: Final = 2000
FADING_AND_GHOST_TURNS: Final = 2  # fading and ghosts are found in turns; the second moves them by less than 1e-5
ROW_BANDS: Final = 10  # of rows, by whose differences the error of a ghost is told


NO_IMAGE: Final = Recording(counts=np.zeros((0, 0), dtype=np.int32))  # of a read whose image was let go


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DelayedRead:
    """An image that waited a known time before it was read.

    Parameters
    ----------
    blocks : ndarray, shape (rows of blocks, columns of blocks)
        Counts in blocks; NaN where a pixel is dead or full. From `blocks`.
    plate : int
        Number of the plate: plates differ in sensitivity.
    exposure_s, exposure_sigma_s : float
        How long the shutter was open, and how well that is known [s].
    waited_s : float
        From closing the shutter to the start of the scan [s].
    scan_s : float
        Length of the scan [s].
    i0 : float
        Monitor during the exposure, in any unit common to the reads.
    i0_relative_sigma : float
        Its relative standard deviation.
    """

    blocks: Array
    plate: int
    exposure_s: float
    exposure_sigma_s: float
    waited_s: float
    scan_s: float
    i0: float
    i0_relative_sigma: float = 0.001

    @property
    def age_s(self) -> float:
        """From closing the shutter to the middle of the scan [s]: fading is straight enough over one scan."""
        return self.waited_s + 0.5 * self.scan_s


def blocks(frame: Counts, *, saturation_counts: int | None = None) -> Array:
    """Return the counts of a frame in blocks; NaN where a pixel is dead or full."""
    rows, columns = (size // BLOCK_PX for size in frame.shape)
    cut = frame[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float64)
    bad = ~(cut >= 0.0)
    if saturation_counts is not None:
        bad |= cut >= saturation_counts
    cut[bad] = np.nan
    return np.asarray(cut.reshape(rows, BLOCK_PX, columns, BLOCK_PX).sum(axis=(1, 3)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlateRead:
    """One read of a calibration of the plates.

    Parameters
    ----------
    role : {"strong", "blank", "delayed"}
        A strong exposure, a read without light, or an image that waited.
    recording : Recording
        The image.
    plate : int
        Number of the plate.
    exposure_s, exposure_sigma_s : float
        How long the shutter was open, and how well that is known [s].
    waited_s, scan_s : float
        From closing the shutter to the start of the scan, and length of the scan [s].
    i0 : float
        Monitor during the exposure, in any unit common to the reads.
    """

    role: Role
    recording: Recording
    plate: int
    exposure_s: float
    exposure_sigma_s: float
    waited_s: float
    scan_s: float
    i0: float

    def without_image(self) -> PlateRead:
        """Return the same read, its image let go."""
        return replace(self, recording=NO_IMAGE)

    def remaining(self, fading: Fading) -> Array:
        """Return what fading had left of each row of the image."""
        rows = self.recording.counts.shape[0]
        return fading.of_rows(rows, waited_s=self.waited_s, exposure_s=self.exposure_s, scan_s=self.scan_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateValues:
    """Result of a series of reads.

    Parameters
    ----------
    fading : Fading
        Of all plates.
    ghosts : tuple of Ghost
        Of each plate that had a strong exposure and a blank read after it.
    """

    fading: Fading
    ghosts: tuple[Ghost, ...]


def measure_plates(reads: Iterable[PlateRead]) -> PlateValues:
    """Measure fading and ghosts of a set of plates together: each needs the other, so they are found in turns.

    Parameters
    ----------
    reads : iterable of PlateRead
        In the order in which they were taken. Each is looked at once and let go, but for strong and blank ones.

    Raises
    ------
    BadReading
        If the reads cannot tell fading or ghosts.
    """
    delayed: list[_Delayed] = []
    pairs: list[tuple[PlateRead, PlateRead]] = []
    before: dict[int, PlateRead] = {}
    blocks_before: dict[int, Array] = {}
    for read in reads:
        here = blocks(read.recording.counts, saturation_counts=read.recording.saturation_counts)
        last = before.get(read.plate)
        if read.role == "blank" and last is not None and last.role == "strong":
            pairs.append((last, read))
        if read.role == "delayed":
            delayed.append(
                _Delayed(
                    read=read.without_image(),
                    blocks=here,
                    last=last.without_image() if last is not None else None,
                    last_blocks=blocks_before.get(read.plate),
                )
            )
        before[read.plate] = read if read.role == "strong" else read.without_image()
        blocks_before[read.plate] = here
    if not pairs:
        raise BadReading("no blank read follows a strong exposure of the same plate: the ghosts cannot be told.")
    ghosts = tuple(_ghost(strong, blank, None) for strong, blank in pairs)
    fading = measure_fading([one.corrected(ghosts, None) for one in delayed])
    for _ in range(FADING_AND_GHOST_TURNS):
        ghosts = tuple(_ghost(strong, blank, fading) for strong, blank in pairs)
        fading = measure_fading([one.corrected(ghosts, fading) for one in delayed])
    return PlateValues(fading=fading, ghosts=tuple(sorted(ghosts, key=lambda ghost: ghost.plate)))


def measure_fading(reads: Sequence[DelayedRead]) -> Fading:
    """Fit how an image fades to reads of equal images after different waits.

    Parameters
    ----------
    reads : sequence of DelayedRead
        At least five, the longest wait ten times the shortest.

    Returns
    -------
    Fading
        With the covariance of its parameters, enlarged where the reads scatter more than they should.

    Raises
    ------
    BadReading
        If the reads cannot tell the fading.
    """
    from scipy.optimize import least_squares

    ages = np.array([read.age_s for read in reads])
    if len(reads) < FEWEST_READS or ages.max() < LEAST_WAIT_RATIO * ages.min():
        raise BadReading(
            f"{len(reads)} reads that waited {ages.min() if len(reads) else 0.0:.0f} to "
            f"{ages.max() if len(reads) else 0.0:.0f} s cannot tell the fading: at least {FEWEST_READS} reads are "
            f"needed, the longest wait {LEAST_WAIT_RATIO:g} times the shortest. Take more reads.",
            reads=len(reads),
        )
    plates = sorted({read.plate for read in reads})
    brightness, sigma = _brightness(reads)
    offset = np.array([plates.index(read.plate) for read in reads])

    def residuals(at: Array) -> Array:
        model = np.array(
            [
                math.log(
                    float(
                        Fading(fast_share=at[0], fast_s=math.exp(at[1]), slow_s=math.exp(at[2])).remaining(
                            read.age_s, exposure_s=read.exposure_s
                        )
                    )
                )
                for read in reads
            ]
        )
        pull = (at[2] - math.log(SLOW_LIFE_S)) / SLOW_LIFE_LOG_SIGMA
        return np.append((brightness - model - at[3:][offset]) / sigma, pull)

    longest = math.log(float(ages.max()))
    low = [0.0, math.log(30.0), longest + math.log(3.0)] + [-np.inf] * len(plates)
    high = [0.9, longest + math.log(1.5), math.log(1e9)] + [np.inf] * len(plates)
    dimmest = 1.0 - math.exp(float(brightness.min() - brightness.max()))
    fits = [
        least_squares(
            residuals,
            np.clip(
                [min(max(dimmest, 0.02), 0.8), life, math.log(SLOW_LIFE_S), *[float(brightness.max())] * len(plates)],
                np.array(low) + 1e-6,
                np.array(high) - 1e-6,
            ),
            bounds=(low, high),
            x_scale=[0.1, 1.0, 1.0, *[0.1] * len(plates)],
        )
        for life in (longest - 3.0, longest - 2.0, longest - 1.0)
    ]
    best = min(fits, key=lambda fit: float(fit.cost))
    freedom = len(reads) + 1 - best.x.size
    scatter = max(1.0, 2.0 * float(best.cost) / freedom) if freedom > 0 else 1.0
    if not best.success or not np.all(np.isfinite(best.x)):
        raise BadReading(f"the fading could not be fitted: {best.message}. Look at the delayed reads.")
    covariance = scatter * np.linalg.pinv(best.jac.T @ best.jac)[:3, :3]
    return Fading(
        fast_share=float(best.x[0]),
        fast_s=math.exp(float(best.x[1])),
        slow_s=math.exp(float(best.x[2])),
        covariance=(_triple(covariance[0]), _triple(covariance[1]), _triple(covariance[2])),
        longest_s=max(read.waited_s for read in reads),
        scan_s=float(np.median([read.scan_s for read in reads])),
    )


def measure_ghost(
    strong: Counts,
    blank: Counts,
    *,
    plate: int,
    remaining: Array | None = None,
    saturation_counts: int | None = None,
) -> Ghost:
    """Fit how much of a strong image is left in a blank one read next on the same plate.

    Parameters
    ----------
    strong, blank : ndarray of int32, shape (rows, columns)
        The strong image, and the next image of that plate, which saw no light.
    plate : int
        Number of the plate.
    remaining : ndarray, shape (rows,), optional
        What fading had left of the strong image when each row was read.
    saturation_counts : int, optional
        Count of a full pixel.

    Returns
    -------
    Ghost
        With its standard deviation from the differences between ten bands of rows.

    Raises
    ------
    BadReading
        If the strong image is too weak for a ghost to be seen above the rounding to whole counts.
    """
    image = strong.astype(np.float32)
    good = (image > 0.0) & (blank >= 0)
    if saturation_counts is not None:
        good &= image < saturation_counts
    if remaining is not None:
        image /= remaining.astype(np.float32)[:, None]
    bright = good & (image >= np.percentile(image[good], 99.0)) if good.any() else good
    guess = float(blank[bright].sum()) / float(image[bright].sum()) if bright.any() else 0.0
    used = good & (guess * image >= LEAST_GHOST_COUNTS)
    if np.count_nonzero(used) < FEWEST_GHOST_PIXELS:
        brightest = guess * float(image[good].max()) if good.any() else 0.0
        raise BadReading(
            f"the ghost of the strong image reaches {LEAST_GHOST_COUNTS:g} counts in {np.count_nonzero(used)} pixels "
            f"(brightest {brightest:.1f}), {FEWEST_GHOST_PIXELS} are needed. Expose longer.",
            pixels=int(np.count_nonzero(used)),
            needed=FEWEST_GHOST_PIXELS,
        )
    row = np.nonzero(used)[0]
    x, y = image[used].astype(np.float64), blank[used].astype(np.float64)
    keep = np.ones(x.size, dtype=bool)
    slope, level = guess, 0.0
    for _ in range(CLIPPING_PASSES):
        slope, level = _line(x[keep], y[keep])
        left = y - slope * x - level
        keep = np.abs(left) < CLIP_SIGMA * max(scatter_of(left), 0.6)
    band = np.searchsorted(np.quantile(row[keep], np.linspace(0.0, 1.0, ROW_BANDS + 1)[1:-1]), row[keep])
    slopes = np.array([_line(x[keep][band == index], y[keep][band == index])[0] for index in np.unique(band)])
    if not 0.0 < slope < 1.0:
        raise BadReading(f"the ghost fits as {slope:.2g} of the image before, outside 0 to 1. Look at the blank read.")
    return Ghost(plate=plate, share=slope, sigma=float(slopes.std(ddof=1)) / math.sqrt(slopes.size))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Delayed:
    """A delayed read and the one before it on its plate, in blocks."""

    read: PlateRead
    blocks: Array
    last: PlateRead | None
    last_blocks: Array | None

    def corrected(self, ghosts: Sequence[Ghost], fading: Fading | None) -> DelayedRead:
        """Return the read without the ghost of the one before."""
        read, last, image = self.read, self.last, self.blocks
        share = next((ghost.share for ghost in ghosts if ghost.plate == read.plate), 0.0)
        if last is not None and self.last_blocks is not None:
            left = 1.0
            if fading is not None:
                left = float(fading.remaining(last.waited_s + 0.5 * last.scan_s, exposure_s=last.exposure_s))
            image = image - share / left * self.last_blocks
        return DelayedRead(
            blocks=image,
            plate=read.plate,
            exposure_s=read.exposure_s,
            exposure_sigma_s=read.exposure_sigma_s,
            waited_s=read.waited_s,
            scan_s=read.scan_s,
            i0=read.i0,
        )


def _ghost(strong: PlateRead, blank: PlateRead, fading: Fading | None) -> Ghost:
    return measure_ghost(
        strong.recording.counts,
        blank.recording.counts,
        plate=strong.plate,
        remaining=None if fading is None else strong.remaining(fading),
        saturation_counts=strong.recording.saturation_counts,
    )


def _brightness(reads: Sequence[DelayedRead]) -> tuple[Array, Array]:
    """Logarithm of each image's contrast for its dose, and its standard deviation.

    What lies evenly on a plate - natural radiation, which grows while it waits - is no image: the light of all blocks
    is compared above that of the dimmest. Rings are not favoured, so that grains matter little.
    """
    every = np.stack([read.blocks.ravel() for read in reads])
    every = every[:, np.isfinite(every).all(axis=0) & (every > 0.0).all(axis=0)]
    if every.shape[1] < FEWEST_BLOCKS:
        raise BadReading(
            f"the reads have {every.shape[1]} blocks of pixels in common that are neither dead nor full, "
            f"{FEWEST_BLOCKS} are needed. Expose for a shorter time.",
            blocks=every.shape[1],
        )
    for _ in range(CLIPPING_PASSES):
        mean = (every / every.mean(axis=1, keepdims=True)).mean(axis=0)
        is_dim = mean <= np.quantile(mean, DIM_SHARE)
        weight = np.where(is_dim, -1.0 / np.count_nonzero(is_dim), 1.0 / np.count_nonzero(~is_dim))
        contrast = every @ weight / float(weight @ mean)
        level = every.mean(axis=1) - contrast * mean.mean()
        left = every - contrast[:, None] * mean - level[:, None]
        scaled = np.abs(left) / np.sqrt(np.maximum(every.mean(axis=1, keepdims=True) * mean, 1.0))
        width = SIGMA_OVER_MAD * np.median(scaled, axis=1, keepdims=True)
        keep = (scaled < CLIP_SIGMA * np.maximum(width, 1e-9)).all(axis=0)
        if keep.all():
            break
        every = every[:, keep]
    if not (contrast > 0.0).all():
        raise BadReading("one of the delayed reads shows nothing of the image of the others. Look at its frame.")
    error = np.sqrt(((left * weight) ** 2).sum(axis=1)) / float(weight @ mean)
    dose = np.array([read.exposure_s * read.i0 for read in reads])
    others = np.array([math.hypot(read.exposure_sigma_s / read.exposure_s, read.i0_relative_sigma) for read in reads])
    return np.log(contrast / dose), np.hypot(error / contrast, others)


def _line(x: Array, y: Array) -> tuple[float, float]:
    """Slope and level of a straight line by least squares."""
    from_mean = x - x.mean()
    slope = float((from_mean * (y - y.mean())).sum() / (from_mean**2).sum())
    return slope, float(y.mean() - slope * x.mean())


def _triple(row: Array) -> Triple:
    return float(row[0]), float(row[1]), float(row[2])
