"""Neighbouring lines fitted together: pseudo-Voigts, averaged over bins, on a straight background."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STRAY_FWHM: Final = 1.0  # from where it was begun a line may move
FAR_HALF_WIDTHS: Final = 20.0  # from a line; there it is a Lorentzian alone, and straight within a bin
LOG_WIDTH_RANGE: Final = 1.0  # a factor of e either way: a width that runs farther takes up background


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
    """Return what each line adds to the background at rising angles, averaged over bins; shape (lines, places)."""
    added = np.zeros((len(lines), x.size))
    _add(lines, x, step, np.arange(len(lines)), added)
    return added


def light_of_all(lines: Sequence[ProfileLine], x: Array, step: float) -> Array:
    """Return what lines add together, as `light` for each; shape (places,)."""
    added = np.zeros((1, x.size))
    _add(lines, x, step, np.zeros(len(lines), dtype=np.int64), added)
    return np.asarray(added[0])


def _add(lines: Sequence[ProfileLine], x: Array, step: float, row: npt.NDArray[np.int64], added: Array) -> None:
    from lics_beamline.lines.line_equations import add_light

    if not lines:
        return
    values = np.array([(line.centre, 0.5 * line.fwhm, line.height, line.mixing) for line in lines])
    centre, half, height, mixing = np.ascontiguousarray(values.T)
    reach = FAR_HALF_WIDTHS * half + step
    near = x.searchsorted((centre - reach, centre + reach))
    # Angles that cannot be written to would have the loop compiled once more.
    add_light(np.require(x, requirements="W"), centre, half, height, mixing, near, step, row, added)


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
    from lics_beamline.lines.line_equations import solve_lines

    count = len(start)
    size = 3 * count + 3
    if x.size < 2 * count + 4:
        return None
    middle, half_range = 0.5 * (x[0] + x[-1]), 0.5 * (x[-1] - x[0])
    centre = np.array([line.centre for line in start])
    fwhm = np.array([line.fwhm for line in start])
    log_half = np.log(0.5 * fwhm)
    leaning = log_half if usual_fwhm is None else np.full(count, math.log(0.5 * usual_fwhm))
    # A line that leaves its place or its width is another.
    near = STRAY_FWHM * np.maximum(fwhm, step)
    least = np.concatenate([centre - near, np.maximum(log_half - LOG_WIDTH_RANGE, math.log(0.2 * step))])
    most = np.concatenate([centre + near, log_half + LOG_WIDTH_RANGE])
    p = np.concatenate([centre, log_half, np.zeros(count + 2), [math.fsum(line.mixing for line in start) / count]])
    error = np.empty(size)
    counted = solve_lines(x, (x - middle) / half_range, y, 1.0 / sigma, leaning, least, most, step, p, error)
    if counted < 0.0:
        return None
    mixing = float(p[-1])
    return LineFit(
        lines=tuple(
            ProfileLine(centre=c, fwhm=2.0 * math.exp(w), height=h, mixing=mixing)
            for c, w, h in p[: 3 * count].reshape(3, count).T.tolist()
        ),
        centre_sigma=error[:count],
        height_sigma=error[2 * count : 3 * count],
        chi2=counted / max(x.size - size + count + 1, 1),
        level=float(p[-3]),
        slope=float(p[-2]) / half_range,
        middle=middle,
    )
