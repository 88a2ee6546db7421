"""Peaks of a powder pattern: a list of its lines, with errors of place and height."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from lics_beamline.lines.found_line import FoundLine
from lics_beamline.lines.line_search import LineSearch
from lics_beamline.patterns.even_steps import evenly_spaced
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.line_shape import area_of_unit_line

PEAK_SIGMAS: Final = 5.0  # noise passes 5 sigma once in some hundred patterns, with all the widths that are tried
FEWEST_BINS: Final = 32  # fewer show no background beside a line
BESIDE_OF_PATTERN: Final = 0.1  # as far beyond a range a line may still matter: the period of backgrounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One fitted peak.

    Parameters
    ----------
    two_theta_deg, two_theta_sigma_deg : float
        Position and its standard deviation from the fit [deg], enlarged by the pattern's correlation, and by the
        residuals where they are larger than the pattern's errors.
    d_angstrom, d_sigma_angstrom : float
        The same as a spacing [angstrom].
    height, height_sigma : float
        Above the background, in the unit of the pattern; and the standard error that background and neighbours, as
        counting has them, leave of a line of this width at this place.
    area : float
        Height integrated over two-theta [unit of the pattern x deg].
    fwhm_deg : float
        Full width at half height [deg], without that of a bin.
    mixing : float
        Lorentz fraction.
    background : float
        Under the peak.
    rejected_fraction : float or None
        Part of the unmasked pixels within a full width of its position that was rejected as spots; None where nobody
        told. Of a grainy ring, area goes with them.
    """

    two_theta_deg: float
    two_theta_sigma_deg: float
    d_angstrom: float
    d_sigma_angstrom: float
    height: float
    height_sigma: float
    area: float
    fwhm_deg: float
    mixing: float
    background: float
    rejected_fraction: float | None = None

    @property
    def significance(self) -> float:
        """Height over the error that it would have where there is no line."""
        return self.height / self.height_sigma


def find_peaks(
    pattern: Pattern,
    *,
    significance: float = PEAK_SIGMAS,
    two_theta_deg: tuple[float, float] | None = None,
    dim: bool = False,
) -> tuple[Peak, ...]:
    """Find and fit the peaks of a pattern.

    Parameters
    ----------
    pattern : Pattern
        The pattern; one of unequal steps is brought to equal ones.
    significance : float
        Least height of a peak over the error that background and neighbours leave at its place.
    two_theta_deg : tuple of float, optional
        Only peaks in this range [deg]; beyond it no line is looked for but a little way, for its wings.
    dim : bool
        List peaks from 0.85 of the significance on where they are as wide as the others. For people: beside known
        phases, such are taken for new ones too often.

    Returns
    -------
    tuple of Peak
        By rising angle; empty where there is none.
    """
    pattern = evenly_spaced(pattern)
    low, high = two_theta_deg or (-math.inf, math.inf)
    x = pattern.two_theta_deg
    beside = BESIDE_OF_PATTERN * (x[-1] - x[0])
    good = np.isfinite(pattern.intensity) & (pattern.sigma > 0.0) & (x > low - beside) & (x < high + beside)
    if np.count_nonzero(good) < FEWEST_BINS:
        return ()
    search = LineSearch(pattern, good, significance)
    return tuple(
        _peak(one, search, pattern)
        for one in sorted(search.found(dim=dim), key=lambda one: one.line.centre)
        if low <= one.line.centre <= high
    )


def _peak(one: FoundLine, search: LineSearch, pattern: Pattern) -> Peak:
    line = one.line
    theta = math.radians(line.centre) / 2.0
    d = pattern.wavelength_angstrom / (2.0 * math.sin(theta))
    return Peak(
        two_theta_deg=line.centre,
        two_theta_sigma_deg=one.centre_sigma,
        d_angstrom=d,
        d_sigma_angstrom=d / math.tan(theta) * math.radians(one.centre_sigma) / 2.0,
        height=line.height,
        height_sigma=one.height_sigma,
        area=line.height * area_of_unit_line(line.fwhm, line.mixing),
        fwhm_deg=line.fwhm,
        mixing=line.mixing,
        background=search.background_under(one),
        rejected_fraction=pattern.rejected_within(line.centre - line.fwhm, line.centre + line.fwhm),
    )
