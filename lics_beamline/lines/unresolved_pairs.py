"""Lines that may be two: wider than the lines beside them, by more than chance and their usual scatter.

Two lines closer than two thirds of their width have one maximum, and one wide line may fit them nearly well. Its place
lies between them, and its error knows nothing of that; what it misses of their flanks may pass for a dim line beside
it. Nothing in a single pattern tells a pair from a line broadened by strain or small grains: it is said of the line,
and its place is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from lics_beamline.lines.peaks import Peak
from lics_beamline.physics.line_shape import SIGMA_OF_FWHM
from lics_beamline.physics.robust_scatter import scatter_of

MOST_BESIDE: Final = 8  # lines by which the usual width at an angle is told: widths change with the angle
FEWEST_BESIDE: Final = 4  # fewer tell no scatter
LEAST_SIGNIFICANCE: Final = 10.0  # of a line that tells a width
BROADER_BY: Final = 1.08  # least ratio of widths: that of two equal lines 0.3 of a width apart
WIDTH_OVER_PLACE: Final = 1.67  # error of a width over that of the place of a Gaussian line, 2 sqrt(ln 2)
CHANCE_SIGMAS: Final = 6.0  # of that error; of a Lorentzian line it is larger
SCATTER_SIGMAS: Final = 5.0  # of the widths beside it
LEAST_OFF: Final = 0.02  # of the usual width: what is nearer weighs no more in its slope over the angle
FLANK_FWHM: Final = 3.0  # from a wide line, within which its flank may pass for a line
FLANK_HEIGHT: Final = 0.03  # of the height of the wide line, at most


def pair_reach_deg(peaks: Sequence[Peak]) -> tuple[float, ...]:
    """Return for each line how far from its place two equal lines would lie that look like it together [deg].

    Parameters
    ----------
    peaks : sequence of Peak
        The lines of a pattern.

    Returns
    -------
    tuple of float
        0 where a line is as wide as those beside it, or these are too few to tell.

    Notes
    -----
    The squares of widths add: of lines with the usual width F0, s apart, that seem one of width F,
    ``F^2 - F0^2 = 8 ln 2 (s / 2)^2``. Of unequal lines the stronger lies nearer.
    """
    telling = [peak for peak in peaks if peak.significance >= LEAST_SIGNIFICANCE]
    return tuple(_reach_deg(peak, telling) for peak in peaks)


def on_flanks(peaks: Sequence[Peak], reaches_deg: Sequence[float]) -> tuple[bool, ...]:
    """Tell of each line whether it may be no line, but what a pair beside it has more on its flank than one line.

    Parameters
    ----------
    peaks : sequence of Peak
        The lines of a pattern.
    reaches_deg : sequence of float
        What `pair_reach_deg` says of them.
    """
    wide = [peak for peak, reach in zip(peaks, reaches_deg, strict=True) if reach]
    return tuple(
        any(
            other is not peak
            and abs(other.two_theta_deg - peak.two_theta_deg) < FLANK_FWHM * other.fwhm_deg
            and peak.height < FLANK_HEIGHT * other.height
            for other in wide
        )
        for peak in peaks
    )


def _reach_deg(peak: Peak, telling: Sequence[Peak]) -> float:
    others = sorted(
        (other for other in telling if other is not peak),
        key=lambda other: abs(other.two_theta_deg - peak.two_theta_deg),
    )[:MOST_BESIDE]
    if len(others) < FEWEST_BESIDE or peak.significance < LEAST_SIGNIFICANCE:
        return 0.0
    widths = np.array([other.fwhm_deg for other in others])
    angles = np.array([other.two_theta_deg for other in others])
    usual = float(np.median(widths))
    if np.ptp(angles) > 0.0:
        rising = np.polyfit(
            angles - peak.two_theta_deg, widths, 1, w=1.0 / np.maximum(np.abs(widths - usual), LEAST_OFF * usual)
        )
        widths, usual = widths - rising[0] * (angles - peak.two_theta_deg), float(rising[1])
    scatter = scatter_of(widths - usual)
    chance = CHANCE_SIGMAS * WIDTH_OVER_PLACE * peak.two_theta_sigma_deg
    if peak.fwhm_deg <= BROADER_BY * usual or peak.fwhm_deg - usual <= max(chance, SCATTER_SIGMAS * scatter):
        return 0.0
    return math.sqrt(peak.fwhm_deg**2 - usual**2) * SIGMA_OF_FWHM
