"""The width that a refinement may start from: that of the lines of the pattern itself."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Final

from lics_beamline.lines.peaks import find_peaks
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.line_shape import SIGMA_OF_FWHM

LINELESS_BINS: Final = 5.0  # width assumed where a pattern has no line: a line must span a few bins to be one


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingWidth:
    """Width of the lines of a pattern.

    Parameters
    ----------
    fwhm_deg : float
        Median full width at half height [deg].
    lines : int
        Lines it is the median of; 0 where it was assumed.
    """

    fwhm_deg: float
    lines: int

    @property
    def caglioti_w_deg2(self) -> float:
        """W of FWHM^2 = U tan^2 + V tan + W with U = V = 0 [deg^2], as FullProf and TOPAS count."""
        return self.fwhm_deg**2

    @property
    def gsas_w_centideg2(self) -> float:
        """W as GSAS-II counts: a Gaussian's variance in centidegrees squared."""
        return (100.0 * self.fwhm_deg * SIGMA_OF_FWHM) ** 2


def starting_width(pattern: Pattern) -> StartingWidth:
    """Return the width to start a refinement of a pattern from."""
    widths = [peak.fwhm_deg for peak in find_peaks(pattern)]
    if not widths:
        return StartingWidth(fwhm_deg=LINELESS_BINS * pattern.step_deg, lines=0)
    return StartingWidth(fwhm_deg=median(widths), lines=len(widths))
