"""Neighbouring lines fitted together: pseudo-Voigts, averaged over bins, on a straight background."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.line_shape import pseudo_voigt

Array = npt.NDArray[np.float64]

MOST_STEPS: Final = 40  # of a fit; one that begins at the right lines takes five to ten
CHI2_STEP: Final = 1e-3  # change of chi2 at which a fit ends: places are then within a thirtieth of their errors
STRAY_FWHM: Final = 1.0  # from where it was begun a line may move
LOG_WIDTH_RANGE: Final = 1.4  # a factor of four either way
LOG_WIDTH_DOUBT: Final = 0.7  # of the widths of a pattern's lines about the usual one: a factor of two
MIXING_DOUBT: Final = 0.5  # of the mixing about the middle of its range: a dim line says nothing of its wings
# Where bins are wide beside a line, it is averaged over three places in a bin (Gauss-Legendre), exact to u^5.
FAR_HALF_WIDTHS: Final = 20.0  # from a line; there it is a Lorentzian alone, and straight within a bin
BIN_PLACES: Final = np.array([-0.5 * math.sqrt(0.6), 0.0, 0.5 * math.sqrt(0.6)])
BIN_SHARES: Final = np.array([5.0, 8.0, 5.0]) / 18.0
COARSE_FWHM_BINS: Final = 6.0  # lines narrower than this are averaged: at 6 bins the middle is 1 % off the mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfileLine:
    """A line.

    Parameters
    ----------
    centre, fwhm : float
        Place and full width at half height [deg].
    height : float
        Above the background [unit of the pattern].
    mixing : float
        Lorentz fraction.
    """

    centre: float
    fwhm: float
    height: float = 0.0
    mixing: float = 0.5


def light(lines: Sequence[ProfileLine], x: Array, step: float) -> Array:
    """Return what each line adds to the background, averaged over bins; shape (lines, places). `x` rises."""
    added = np.zeros((len(lines), x.size))
    for row, line in zip(added, lines, strict=True):
        half = 0.5 * line.fwhm
        row[:] = line.height * line.mixing / (1.0 + ((x - line.centre) / half) ** 2)
        reach = FAR_HALF_WIDTHS * half + step
        near = slice(*np.searchsorted(x, (line.centre - reach, line.centre + reach)))
        if near.stop > near.start:
            shape = _shapes(x[near], np.array([line.centre]), np.array([half]), line.mixing, step)[0]
            row[near] = line.height * shape[0]
    return added


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineFit:
    """Fitted lines.

    Parameters
    ----------
    lines : tuple of ProfileLine
        The lines, in the order of those begun with.
    centre_sigma, height_sigma : ndarray, shape (lines,)
        Standard errors by the errors of the pattern alone.
    chi2 : float
        Of the fit, over its degrees of freedom.
    level, slope : float
        Background at `middle` and its slope.
    middle : float
        Middle of what was fitted [deg].
    """

    lines: tuple[ProfileLine, ...]
    centre_sigma: Array
    height_sigma: Array
    chi2: float
    level: float
    slope: float
    middle: float

    def background(self, x: float) -> float:
        """Return the straight background at an angle [deg]."""
        return self.level + self.slope * (x - self.middle)


def fit_lines(
    x: Array, y: Array, sigma: Array, start: Sequence[ProfileLine], *, step: float, usual_fwhm: float | None = None
) -> LineFit | None:
    """Fit lines and a straight background.

    Parameters
    ----------
    x, y, sigma : ndarray, shape (places,)
        Angle [deg], intensity and its standard error.
    start : sequence of ProfileLine
        Lines to begin with; their heights are not used.
    step : float
        Width of a bin [deg].
    usual_fwhm : float, optional
        Width of the pattern's lines [deg], which dim lines lean on; default each its own.

    Returns
    -------
    LineFit or None
        None where there are too few places or the fit did not end.
    """
    count = len(start)
    size = 3 * count + 3
    if x.size < 2 * count + 4:
        return None
    middle, half_range = 0.5 * (x[0] + x[-1]), 0.5 * (x[-1] - x[0])
    t = (x - middle) / half_range
    weight = 1.0 / sigma
    log_half = np.log([0.5 * line.fwhm for line in start])
    leaning = log_half if usual_fwhm is None else np.full(count, math.log(0.5 * usual_fwhm))
    # A line that leaves its place or its width is another.
    near = np.array([STRAY_FWHM * max(line.fwhm, step) for line in start])
    least = np.concatenate(
        [[line.centre for line in start] - near, np.maximum(log_half - LOG_WIDTH_RANGE, math.log(0.2 * step))]
    )
    most = np.concatenate([[line.centre for line in start] + near, log_half + LOG_WIDTH_RANGE])

    def model(p: Array) -> tuple[Array, Array, float]:
        """Return misfit, slopes and chi2, with what the lines lean on."""
        centre, log_half, height = p[:count], p[count : 2 * count], p[2 * count : 3 * count]
        value, by_centre, by_log_half, by_mixing = _shapes(x, centre, np.exp(log_half), float(p[-1]), step)
        slope = np.empty((size, x.size + count + 1))
        slope[:count, : x.size] = height[:, None] * by_centre
        slope[count : 2 * count, : x.size] = height[:, None] * by_log_half
        slope[2 * count : 3 * count, : x.size] = value
        slope[-3, : x.size], slope[-2, : x.size] = 1.0, t
        slope[-1, : x.size] = height @ by_mixing
        slope[:, : x.size] *= weight
        slope[:, x.size :] = 0.0
        slope[range(count, 2 * count), range(x.size, x.size + count)] = 1.0 / LOG_WIDTH_DOUBT
        slope[-1, -1] = 1.0 / MIXING_DOUBT
        misfit = np.empty(x.size + count + 1)
        misfit[: x.size] = weight * (y - height @ value - p[-3] - p[-2] * t)
        misfit[x.size : -1] = (leaning - log_half) / LOG_WIDTH_DOUBT
        misfit[-1] = (0.5 - p[-1]) / MIXING_DOUBT
        return misfit, slope, float(misfit @ misfit)

    p = np.concatenate(
        [
            [line.centre for line in start],
            log_half,
            np.zeros(count + 2),
            [float(np.mean([line.mixing for line in start]))],
        ]
    )
    linear = np.r_[2 * count : 3 * count + 2]
    misfit, slope, chi2 = model(p)
    p[linear] += _solved(slope[linear], misfit, 1e-8)
    misfit, slope, chi2 = model(p)
    damping = 1e-3
    for _ in range(MOST_STEPS):
        free = np.ones(size, dtype=bool)
        pull = float(slope[-1] @ misfit)
        free[-1] = not ((p[-1] <= 0.0 and pull < 0.0) or (p[-1] >= 1.0 and pull > 0.0))
        change = np.zeros(size)
        change[free] = _solved(slope[free], misfit, damping)
        half = np.exp(p[count : 2 * count])
        change[:count] = np.clip(change[:count], -half, half)
        change[count : 2 * count] = np.clip(change[count : 2 * count], -0.7, 0.7)
        tried = p + change
        tried[: 2 * count] = np.clip(tried[: 2 * count], least, np.maximum(most, least))
        tried[-1] = min(max(tried[-1], 0.0), 1.0)
        there = model(tried)
        if there[2] <= chi2:
            gain = chi2 - there[2]
            p, (misfit, slope, chi2) = tried, there
            damping = max(0.1 * damping, 1e-8)
            if gain < CHI2_STEP * max(1.0, chi2 / x.size):
                break
        else:
            damping *= 10.0
            if damping > 1e6:
                break
    if not np.all(np.isfinite(p)):
        return None
    free = np.ones(size, dtype=bool)
    free[-1] = 0.0 < p[-1] < 1.0
    square = slope[free] @ slope[free].T
    try:
        scale = 1.0 / np.sqrt(np.maximum(np.diag(square), 1e-300))
        covariance = np.linalg.inv(square * scale * scale[:, None]) * scale * scale[:, None]
    except np.linalg.LinAlgError:
        return None
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    counted = misfit[: x.size]
    return LineFit(
        lines=tuple(
            ProfileLine(centre=float(c), fwhm=2.0 * math.exp(w), height=float(h), mixing=float(p[-1]))
            for c, w, h in zip(p[:count], p[count : 2 * count], p[2 * count : 3 * count], strict=True)
        ),
        centre_sigma=errors[:count],
        height_sigma=errors[2 * count : 3 * count],
        chi2=float(counted @ counted) / max(x.size - size + count + 1, 1),
        level=float(p[-3]),
        slope=float(p[-2]) / half_range,
        middle=middle,
    )


def _solved(slope: Array, misfit: Array, damping: float) -> Array:
    square = slope @ slope.T
    scale = 1.0 / np.sqrt(np.maximum(np.diag(square), 1e-300))
    square = square * scale * scale[:, None]
    square[np.diag_indices_from(square)] += damping
    return np.asarray(np.linalg.solve(square, scale * (slope @ misfit)) * scale)


def _shapes(
    x: Array, centre: Array, half: Array, mixing: float | Array, step: float
) -> tuple[Array, Array, Array, Array]:
    """Lines of height 1 and their slopes by centre, log of half width and mixing, each of shape (lines, places)."""
    coarse = float(half.min(initial=math.inf)) < 0.5 * COARSE_FWHM_BINS * step
    places = (x[:, None] + step * BIN_PLACES).ravel() if coarse else x
    u = (places - centre[:, None]) / half[:, None]
    shape = pseudo_voigt(u, mixing)
    four = (shape.value, shape.by_u / -half[:, None], -u * shape.by_u, shape.by_mixing)
    if not coarse:
        return four
    value, by_centre, by_log_half, by_mixing = (part.reshape(-1, x.size, 3) @ BIN_SHARES for part in four)
    return value, by_centre, by_log_half, by_mixing
