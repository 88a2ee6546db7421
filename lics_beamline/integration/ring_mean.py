"""The mean of every ring of a frame, with its error, without spots, in one pass over the pixels.

One compiled pass adds up, for each ring, what mean and scatter need, and its brightest and dimmest pixel. Only rings in
which one of these stands out are gone through pixel by pixel, and clipped in rounds. A pixel is a spot only if the
scatter of its ring *and* counting statistics speak against it: at one count in a hundred pixels a single count is ten
standard deviations from the mean, and is no spot.

Nothing here is interpreted, so this module takes a second to import: import it where it is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.frames.counts import Counts
from lics_beamline.frames.point_spread import MASKED_BELOW
from lics_beamline.integration.pixel_rows import in_rows
from lics_beamline.lines.compilation import compiled, compiled_part

Array = npt.NDArray[np.float64]

LARGEST_BIAS: Final = 1.0e-5  # of a ring's mean, by counts that are no spots: below the error of 1e10 counts
SCATTER_ROUNDING: Final = 1.0e-12  # part of the sum of squares below which a difference of sums is rounding
MOST_16_BITS: Final = 2**16 - 1  # rings that two bytes a pixel can tell apart; more take twice the memory
FEWEST_COUNTS: Final = 2.0  # variance of a ring without a count [counts^2]
SKEW_TERM: Final = (
    1.35  # chi2 of Poisson counts about their mean is 0.95 to 1.05 from 5 counts a ring up; 2 in the limit
)
FEWEST_OF_RING: Final = 20  # pixels that tell what of a ring is the same in each
PEDESTAL_SIGMAS: Final = 10.0  # by which the same counts in all pixels must stand out
PEDESTAL_OF_SCATTER: Final = 0.5  # of the squares about the means: less scatter is theirs than is not
OWN_SCATTER_WEIGHT: Final = 4.0  # pixels that the scatter of the rings beside a ring of few pixels counts for
LEAST_SKEW_SHARE: Final = 0.01  # part of the variance; a ring whose skewness matters less is left as it is

# What is added up for each ring: of pixels' counts s without offset, and of their weights w.
N, S, W, SS, SW, WW, SSS = range(7)
BRIGHTEST, DIMMEST = range(2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RingMeans:
    """Means of the rings of one frame.

    Parameters
    ----------
    mean : ndarray of float64, shape (rings,)
        Mean counts a pixel, corrected; NaN where no pixel was counted.
    sigma : ndarray of float64, shape (rings,)
        Standard error of the mean by the scatter in the ring; NaN where no pixel was counted, above 0 elsewhere.
    counted, rejected : ndarray of int64, shape (rings,)
        Pixels that make up the mean, and pixels left out as spots.
    pedestal_counts : float
        Counts that all pixels have alike, where they make most of the scatter along rings; 0 without any.
    """

    mean: Array
    sigma: Array
    counted: npt.NDArray[np.int64]
    rejected: npt.NDArray[np.int64]
    pedestal_counts: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RingTable:
    """Which pixel belongs to which ring, and what it weighs: made once for a geometry and a mask.

    Parameters
    ----------
    two_theta_deg : ndarray of float64, shape (rings,)
        Centres [deg].
    ring : ndarray of uint16 or uint32, shape (pixels,)
        Ring of each pixel of the frame, row by row; the number of rings where it is in none.
    weight : ndarray of float32, shape (pixels,)
        Solid angle times polarisation of each pixel.
    pixel : ndarray of int32, shape (pixels in a ring,)
        Places of the pixels, ring by ring.
    pixel_weight : ndarray of float32, shape (pixels in a ring,)
        Their weights, in the same order.
    starts : ndarray of int64, shape (rings + 1,)
        Where each ring begins in `pixel`.
    """

    two_theta_deg: Array
    ring: npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
    weight: npt.NDArray[np.float32]
    pixel: npt.NDArray[np.int32]
    pixel_weight: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls,
        two_theta_deg: Array,
        used: npt.NDArray[np.bool_],
        weight: npt.NDArray[np.float32],
        *,
        rings: int,
        range_deg: tuple[float, float],
    ) -> RingTable:
        """Sort the pixels into rings.

        Parameters
        ----------
        two_theta_deg : ndarray of float64
            Angle of each pixel [deg].
        used : ndarray of bool
            Pixels that belong to a ring.
        weight : ndarray of float32
            Solid angle times polarisation of each pixel.
        rings : int
            Number of rings.
        range_deg : tuple of float
            Where the first begins and the last ends [deg].
        """
        low, high = range_deg
        width = (high * (1.0 + float(np.finfo(np.float32).eps)) - low) / rings  # the last pixel is inside, as in pyFAI
        ring: Any = np.full(two_theta_deg.size, rings, dtype=np.uint16 if rings <= MOST_16_BITS else np.uint32)
        inside = np.flatnonzero(used).astype(np.int32)
        number = np.floor((two_theta_deg.ravel()[inside] - low) / max(width, 1e-12))
        ring[inside] = np.clip(number, 0, rings - 1)
        order = np.argsort(ring[inside], kind="stable")  # in a ring, pixels stay in the order of memory
        pixel = inside[order]
        weight = np.ascontiguousarray(weight.ravel(), dtype=np.float32)
        return cls(
            two_theta_deg=low + (np.arange(rings, dtype=np.float64) + 0.5) * width,
            ring=ring,
            weight=weight,
            pixel=pixel,
            pixel_weight=weight[pixel],
            starts=np.searchsorted(ring[pixel], np.arange(rings + 1)).astype(np.int64),
        )

    def means(
        self,
        frame: Counts,
        *,
        clip_sigma: float,
        clip_rounds: int,
        offset: npt.NDArray[np.float32] | None = None,
        response: npt.NDArray[np.float32] | None = None,
    ) -> RingMeans:
        """Return the mean of each ring of a frame.

        Parameters
        ----------
        frame : ndarray of int32 or float32
            Counts; NaN and what is below `MASKED_BELOW` are not counted.
        clip_sigma : float
            Least distance of a spot from the mean of its ring, in standard deviations of the pixels; 0 for no clipping.
        clip_rounds : int
            Most rounds of clipping.
        offset, response : ndarray of float32, optional
            Counts that are none of the sample, and counts read of each one exposed, of every pixel.

        Notes
        -----
        With counts s without offset and weights w, the mean is m = sum(s) / sum(w) and its variance
        sum((s - m w)^2) / sum(w)^2 (E. Schubert and M. Gertz, SSDBM 2018). The threshold is never below Chauvenet's,
        sqrt(2 ln(N / sqrt(2 pi))). For skewed pixels, mean and variance of a ring are correlated, and rings that came
        out low are given too small an error: the variance is enlarged by 1 + `SKEW_TERM` skewness^2 / N. Of a ring of c
        counts in all that makes c + `SKEW_TERM`.
        """
        flat, taken, answer = in_rows(frame, offset, response)
        rings = self.two_theta_deg.size
        sums = np.zeros((rings + 1, 8))  # of 7, for rows of one line of the processor's cache
        ends = np.empty((rings + 1, 2))
        ends[:, BRIGHTEST], ends[:, DIMMEST] = -np.inf, np.inf
        _add_up(flat, self.ring, self.weight, taken, answer, sums, ends)
        seen = sums[:rings, N].copy()
        pedestal_counts = _pedestal_counts(sums[:rings])
        quantum = _quantum(frame, sums[:rings], ends[:rings])
        if clip_sigma > 0.0 and clip_rounds > 0:
            spots = (self.pixel, self.pixel_weight, self.starts, quantum, float(clip_sigma), int(clip_rounds))
            _clip(flat, taken, answer, *spots, sums, ends)
        mean, sigma = _mean_and_sigma(sums[:rings], ends[:rings], quantum)
        counted = np.rint(sums[:rings, N]).astype(np.int64)
        return RingMeans(
            mean=mean,
            sigma=sigma,
            counted=counted,
            rejected=np.rint(seen).astype(np.int64) - counted,
            pedestal_counts=pedestal_counts,
        )


def _pedestal_counts(sums: Array) -> float:
    """Return the counts that all pixels have alike, and that make most of the scatter along rings; 0 without any.

    Scattered light follows solid angle and polarisation around a ring; a pedestal, or a dark image that was not taken
    off, does not. Where it is many times the light, correcting it makes rings uneven, errors large, and lines
    disappear.
    """
    part = sums[sums[:, N] >= FEWEST_OF_RING]
    number, weights = part[:, N], part[:, W]
    spread = part[:, WW] - weights**2 / number
    lit = spread > SCATTER_ROUNDING * part[:, WW]
    part, number, weights, spread = part[lit], number[lit], weights[lit], spread[lit]
    light = (part[:, SW] - part[:, S] * weights / number) / spread
    with_one = np.maximum(part[:, SS] - part[:, S] ** 2 / number - light**2 * spread, 0.0)
    without = part[:, SS] - part[:, SW] ** 2 / part[:, WW]
    if not with_one.sum() < PEDESTAL_OF_SCATTER * without.sum():
        return 0.0
    told = number * spread / (part[:, WW] * np.maximum(with_one / number, FEWEST_COUNTS))
    found = float(np.sum(told * (part[:, S] - light * weights) / number) / told.sum())
    return found if found * math.sqrt(told.sum()) > PEDESTAL_SIGMAS else 0.0


def _quantum(frame: Counts, sums: Array, ends: Array) -> float:
    """Return the value of one count: 1 in frames of whole numbers, else what the scatter of most rings says.

    Frames that were divided by a flat or a monitor count in other units. Where counting makes the scatter, variance
    over mean is that unit; the median over the rings does not see spots. Below zero there is noise that is no counting.
    """
    some = frame.ravel()[:: max(1, frame.size // 10_000)]
    if frame.dtype.kind != "f" or np.array_equal(some, np.rint(some), equal_nan=True):
        return 1.0
    if ends[:, DIMMEST].min(initial=np.inf) < 0.0:
        return 1.0
    lit = (sums[:, N] > 2.0) & (sums[:, S] > 0.0)
    found = float(np.median(_squares(sums[lit]) / sums[lit, S])) if lit.any() else 0.0
    return found if found > 0.0 else 1.0


def _squares(sums: Array) -> Array:
    """Return the sum of squares about the mean of each ring, 0 where it is no more than rounding."""
    mean = sums[:, S] / sums[:, W]
    squares = sums[:, SS] - 2.0 * mean * sums[:, SW] + mean**2 * sums[:, WW]
    return np.where(squares > SCATTER_ROUNDING * sums[:, SS], squares, 0.0)


def _mean_and_sigma(sums: Array, ends: Array, quantum: float) -> tuple[Array, Array]:
    mean = np.full(len(sums), np.nan)
    sigma = np.full(len(sums), np.nan)
    counted = np.flatnonzero(sums[:, W] > 0.0)
    part, number = sums[counted], sums[counted, N]
    centre = part[:, S] / part[:, W]
    squares = _squares(part)
    # Skewness by sums about zero, with one weight for the whole ring: good enough for a term that is small elsewhere.
    level = part[:, S] / number
    cubes = part[:, SSS] - 3.0 * level * part[:, SS] + 2.0 * number * level**3
    farthest = np.maximum(ends[counted, BRIGHTEST] - centre, centre - ends[counted, DIMMEST])
    scattered = np.where(squares > 0.0, squares, 1.0)
    most = farthest**2 * part[:, WW] / scattered  # skewness^2 of anything is less than this
    skew_squared = np.minimum(cubes**2 * number / scattered**3, most)
    variance = squares * (1.0 + np.where(most > LEAST_SKEW_SHARE * number, SKEW_TERM * skew_squared / number, 0.0))
    counting = np.maximum(np.abs(part[:, S]), FEWEST_COUNTS * quantum) * quantum
    variance = np.where(squares > 0.0, variance, counting)
    few = np.flatnonzero(number < FEWEST_OF_RING)
    variance[few] = np.maximum(variance[few], _squares_beside(few, number, squares, centre, part))
    mean[counted] = centre
    sigma[counted] = np.sqrt(variance) / part[:, W]
    return mean, sigma


def _squares_beside(few: npt.NDArray[np.intp], number: Array, squares: Array, centre: Array, part: Array) -> Array:
    """Return the sum of squares that rings of few pixels would have by their own scatter and that of rings beside them.

    Two pixels that happen to be alike have no scatter, and tell nothing of the error of their mean. For each, rings are
    added on both sides until there are pixels enough; counting scales their scatter by the light.
    """
    if not few.size:
        return np.empty(0)
    freedom, all_squares, light = (
        np.concatenate([[0.0], np.cumsum(values)])
        for values in (number - 1.0, squares, np.maximum(centre, 0.0) * number)
    )
    pixels = np.concatenate([[0.0], np.cumsum(number)])
    found = np.empty(few.size)
    for index, ring in enumerate(few):
        reach = 1
        while True:
            low, high = max(ring - reach, 0), min(ring + reach + 1, number.size)
            enough = freedom[high] - freedom[low]
            if enough >= FEWEST_OF_RING or (low == 0 and high == number.size):
                break
            reach *= 2
        beside = (all_squares[high] - all_squares[low]) / max(enough, 1.0)
        level = (light[high] - light[low]) / (pixels[high] - pixels[low])
        brighter = max(centre[ring] / level, 1.0) if level > 0.0 else 1.0
        share = number[ring] / (number[ring] - 1.0 + OWN_SCATTER_WEIGHT)
        found[index] = share * (squares[ring] + OWN_SCATTER_WEIGHT * beside * brighter)
    return found


@compiled
def _add_up(frame: Any, ring: Any, weight: Any, offset: Any, response: Any, sums: Any, ends: Any) -> None:
    # Two halves of the frame in turn: the next sum need not wait for the one before, which is often of the same ring.
    half = (frame.size + 1) // 2
    outside = sums.shape[0] - 1
    for i in range(half):
        for place in (i, half + i):
            if place >= frame.size or ring[place] >= outside:
                continue
            s = np.float64(frame[place])
            w = np.float64(weight[place])
            if response.size > 0:
                w *= response[place]
            if offset.size > 0:
                s -= offset[place]
            if not (s > MASKED_BELOW and w > 0.0):
                continue
            row, end = sums[ring[place]], ends[ring[place]]
            row[N] += 1.0
            row[S] += s
            row[W] += w
            row[SS] += s * s
            row[SW] += s * w
            row[WW] += w * w
            row[SSS] += s * s * s
            value = s / w
            end[BRIGHTEST] = max(end[BRIGHTEST], value)
            end[DIMMEST] = min(end[DIMMEST], value)


@compiled_part
def _add_up_anew(s: Any, w: Any, row: Any, end: Any) -> None:
    """Add up the pixels that are left of one ring: sums in registers, several pixels at a time."""
    all_s, all_w, all_ss, all_sw, all_ww, all_sss = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    brightest, dimmest = -np.inf, np.inf
    for i in range(s.size):
        all_s += s[i]
        all_w += w[i]
        all_ss += s[i] * s[i]
        all_sw += s[i] * w[i]
        all_ww += w[i] * w[i]
        all_sss += s[i] * s[i] * s[i]
        brightest = max(brightest, s[i] / w[i])
        dimmest = min(dimmest, s[i] / w[i])
    row[N], row[S], row[W], row[SS] = s.size, all_s, all_w, all_ss
    row[SW], row[WW], row[SSS] = all_sw, all_ww, all_sss
    end[BRIGHTEST], end[DIMMEST] = brightest, dimmest


@compiled
def _clip(
    frame: Any,
    offset: Any,
    response: Any,
    pixel: Any,
    pixel_weight: Any,
    starts: Any,
    quantum: float,
    clip_sigma: float,
    rounds: int,
    sums: Any,
    ends: Any,
) -> None:
    """Take the spots out of the rings in which a pixel stands out, and add up these rings anew."""
    longest = 0
    for number in range(starts.size - 1):
        longest = max(longest, starts[number + 1] - starts[number])
    s, w, taken = np.empty(longest), np.empty(longest), np.zeros(longest)
    for number in range(starts.size - 1):
        row, end = sums[number], ends[number]
        if not _stands_out(row, end, clip_sigma, quantum, offset.size > 0):
            continue
        left = 0
        for i in range(starts[number], starts[number + 1]):
            place = pixel[i]
            value, share, off = np.float64(frame[place]), np.float64(pixel_weight[i]), 0.0
            if response.size > 0:
                share *= response[place]
            if offset.size > 0:
                off = np.float64(offset[place])
                value -= off
            if value > MASKED_BELOW and share > 0.0:
                s[left], w[left], taken[left] = value, share, off
                left += 1
        for _ in range(rounds):
            mean, limit = row[S] / row[W], _limit(row, clip_sigma)
            kept = 0
            for i in range(left):
                distance = s[i] - mean * w[i]
                far = abs(distance) > limit * w[i]
                if far and not (distance > 0.0 and _is_counting(s[i] + taken[i], mean * w[i] + taken[i], quantum)):
                    continue
                if kept < i:
                    s[kept], w[kept], taken[kept] = s[i], w[i], taken[i]
                kept += 1
            if kept == left:
                break
            left = kept
            _add_up_anew(s[:left], w[:left], row, end)


@compiled_part
def _limit(row: Any, clip_sigma: float) -> float:
    """Return how far from the mean of its ring a pixel may be [counts]."""
    mean = row[S] / row[W]
    squares = max(row[SS] - 2.0 * mean * row[SW] + mean * mean * row[WW], 0.0)
    chauvenet = math.sqrt(2.0 * math.log(max(row[N], 3.0) / math.sqrt(2.0 * math.pi)))
    # Of a ring without scatter, sums leave rounding, which is no distance.
    return max(clip_sigma, chauvenet) * math.sqrt(max(squares, SCATTER_ROUNDING * row[SS]) / row[WW])


@compiled_part
def _stands_out(row: Any, end: Any, clip_sigma: float, quantum: float, offset: bool) -> bool:
    """Return whether the brightest or the dimmest pixel of a ring may be a spot."""
    if row[N] < 2.0:
        return False
    mean, limit = row[S] / row[W], _limit(row, clip_sigma)
    if mean - end[DIMMEST] > limit:
        return True
    if not end[BRIGHTEST] - mean > limit:
        return False
    share = row[W] / row[N]
    return offset or not _is_counting(end[BRIGHTEST] * share, mean * share, quantum)


@compiled_part
def _is_counting(counts: float, expected: float, quantum: float) -> bool:
    """Return whether counting explains a bright pixel: so many would be lost with it that the mean becomes too low.

    The counts above the expected ones that clipping here takes off all such pixels of a Poisson distribution,
    as a part of the expected ones, are held against `LARGEST_BIAS`.
    """
    if not (quantum > 0.0 and expected > 0.0):
        return False
    k, mu = counts / quantum, expected / quantum
    chance = math.exp(k * math.log(mu) - mu - math.lgamma(k + 1.0))
    return (k - mu) * chance > LARGEST_BIAS * mu * (1.0 - mu / (k + 1.0))
