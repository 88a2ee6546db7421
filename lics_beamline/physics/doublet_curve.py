"""The curve of a doublet: two pseudo-Voigts of one mixing, that may lean, on a background that may be wavy."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.line_shape import pseudo_voigt

Array = npt.NDArray[np.float64]

# Order of the fitted parameters: r1, r1 - r2, log of two widths, mixing, two heights, three of the background; in the
# second pass the asymmetry, and in the third the next powers of the background.
R1, SPLIT, LOG_FWHM_1, LOG_FWHM_2, MIXING, HEIGHT_1, HEIGHT_2, FLAT, TILT, BEND, LEAN = range(11)
BACKGROUND_TERMS: Final = 5  # at most: three, and those of the third pass

PARTS_OF_PIXEL: Final = 5  # to average a line over a pixel that is not small beside it
WITHIN_PIXEL: Final = (np.arange(PARTS_OF_PIXEL) + 0.5) / PARTS_OF_PIXEL - 0.5  # middles of the parts, in pixels


def doublet(p: Array, x: Array, *, ends: tuple[float, float] | None = None) -> tuple[Array, Array]:
    """Return the curve of a doublet and its derivatives by each parameter.

    Parameters
    ----------
    p : ndarray, shape (10,), (11,) or more
        Numbers in the order above: wavelengths, distances and widths (as logarithms) in nm, heights in counts.
    x : ndarray, shape (pixels,)
        Rising wavelengths [nm].
    ends : tuple of float, optional
        First and last wavelength that were fitted [nm], -1 and 1 to the powers of the background; those of `x` else.

    Returns
    -------
    tuple of ndarray
        Curve [counts], shape (pixels,), and derivatives, shape (parameters, pixels).

    Notes
    -----
    The width of a leaning line changes along it as ``2 w / (1 + exp(a (x - x0)))`` (Stancik and Brauns, Vib. Spectrosc.
    47, 66 (2008), doi 10.1016/j.vibspec.2008.02.009), which leaves the maximum at x0.
    """
    t = within(x, ends or (x[0], x[-1]))
    curve = p[FLAT] + p[TILT] * t + p[BEND] * t * t
    slope = np.zeros((p.size, x.size))
    slope[FLAT], slope[TILT], slope[BEND] = 1.0, t, t * t
    for place in range(LEAN + 1, p.size):
        slope[place] = t ** (place - LEAN + 2)
        curve = curve + p[place] * slope[place]
    lines = ((p[R1], LOG_FWHM_1, HEIGHT_1), (p[R1] - p[SPLIT], LOG_FWHM_2, HEIGHT_2))
    for centre, log_fwhm, height in lines:
        d = x - centre
        half = 0.5 * math.exp(min(max(p[log_fwhm], -20.0), 20.0))
        narrowing, narrowing_slope = 1.0, 0.0
        if p.size > LEAN:
            growth = np.exp(np.clip(p[LEAN] * d, -30.0, 30.0))
            narrowing, narrowing_slope = 0.5 * (1.0 + growth), 0.5 * growth
        u = d / half * narrowing
        shape = pseudo_voigt(u, p[MIXING])
        curve = curve + p[height] * shape.value
        by_u = p[height] * shape.by_u
        by_d = by_u / half * (narrowing + (d * p[LEAN] * narrowing_slope if p.size > LEAN else 0.0))
        slope[height] = shape.value
        slope[MIXING] += p[height] * shape.by_mixing
        slope[log_fwhm] = -by_u * u
        slope[R1] -= by_d
        if log_fwhm == LOG_FWHM_2:
            slope[SPLIT] = by_d
        if p.size > LEAN:
            slope[LEAN] += by_u * d * d / half * narrowing_slope
    return curve, slope


def within(x: Array, ends: tuple[float, float]) -> Array:
    """Return wavelengths as the background counts them: -1 at the first that was fitted, 1 at the last."""
    return np.asarray((x - 0.5 * (ends[0] + ends[1])) / (0.5 * (ends[1] - ends[0])))
