"""A shift of all lines of a pattern: of the zero of its angles, or of a sample beside the axis of a diffractometer.

Phases are looked for where their lines should be; those of a tube's diffractometer often lie some hundredths of a
degree off, and a cell that is fitted to them as they stand is wrong by far more than its error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.lines.peaks import Peak
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.refinement.pattern_fit import PatternFit

Array = npt.NDArray[np.float64]
Kind = Literal["none", "zero", "off-axis"]

ENOUGH_EXPLAINED: Final = 0.95  # of the area of all peaks: no shift is looked for where this much is explained as it is
# 0.2 deg is a sample 0.3 mm beside the axis of 185 mm; a step is half of what peaks at 25 deg let through.
TRIED_DEG: Final = (-0.05, 0.05, -0.10, 0.10, -0.15, 0.15, -0.20, 0.20)
SEEN_SIGMAS: Final = 5.0  # of its error that a shift must be, to be kept
SEEN_CHI2_SHARE: Final = 0.05  # of chi^2 that it, or one of the two kinds, must take away


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShift:
    """How far all lines of a pattern are from where their spacings have them.

    Parameters
    ----------
    kind : {"none", "zero", "off-axis"}
        By one angle, or by one angle times the cosine of theta.
    value_deg, sigma_deg : float
        The angle and its standard error [deg].
    """

    kind: Kind = "none"
    value_deg: float = 0.0
    sigma_deg: float = 0.0

    @classmethod
    def of(cls, fit: PatternFit, kind: Kind) -> LineShift:
        """Return the shift that a fit has found."""
        if kind == "none":
            return cls()
        number = fit.number("shift")
        return cls(kind=kind, value_deg=number.value, sigma_deg=number.sigma)

    def at(self, bragg_deg: Array) -> Array:
        """Return the shift of lines at some angles [deg]."""
        if self.kind == "off-axis":
            return np.asarray(self.value_deg * np.cos(np.radians(bragg_deg) / 2.0))
        return np.full(np.shape(bragg_deg), self.value_deg)

    def undone(self, pattern: Pattern) -> Pattern:
        """Return a pattern with its lines where their spacings have them."""
        return replace(pattern, two_theta_deg=pattern.two_theta_deg - self.at(pattern.two_theta_deg))

    def undone_peaks(self, peaks: Sequence[Peak], wavelength_angstrom: float) -> tuple[Peak, ...]:
        """Return peaks where their spacings have them; those that would come to lie at no positive angle are left out.

        Parameters
        ----------
        peaks : sequence of Peak
            Peaks of the pattern.
        wavelength_angstrom : float
            X-ray wavelength [angstrom].
        """
        if self.kind == "none":
            return tuple(peaks)
        angles = np.array([peak.two_theta_deg for peak in peaks])
        places = angles - self.at(angles)
        return tuple(
            replace(peak, two_theta_deg=place, d_angstrom=wavelength_angstrom / 2.0 / np.sin(np.radians(place) / 2.0))
            for peak, place in zip(peaks, places.tolist(), strict=True)
            if place > 0.0
        )

    def is_seen(self, fit: PatternFit) -> bool:
        """Tell whether a fit with this shift is so much better than one without that the shift is there.

        Notes
        -----
        Without it chi^2 is larger by the square of the shift over its error, that of independent bins, over the bins.
        """
        if self.kind == "none" or not self.sigma_deg > 0.0:
            return False
        alone = self.value_deg / self.sigma_deg * fit.error_factor
        gain = alone**2 / fit.two_theta_deg.size / fit.agreement.chi_squared
        return abs(self.value_deg) > SEEN_SIGMAS * self.sigma_deg and gain > SEEN_CHI2_SHARE

    def __str__(self) -> str:
        """Return it as people say it."""
        from lics_beamline.analysis.quantity import written

        told = written(self.value_deg, self.sigma_deg) if self.sigma_deg > 0.0 else f"{self.value_deg:g}"
        where = (
            " times the cosine of theta, as of a sample beside the axis"
            if self.kind == "off-axis"
            else ", as of the zero"
        )
        return f"{'+' if self.value_deg > 0.0 else ''}{told} deg{where}"


def start_of_shift(kind: Kind, explained: Callable[[LineShift], float]) -> LineShift:
    """Return the shift under which known phases explain most, in steps that a fit can start from.

    Parameters
    ----------
    kind : {"none", "zero", "off-axis"}
        The kind of shift that may be there.
    explained : callable
        The part of the area of all peaks that the phases explain under a shift.
    """
    start = LineShift(kind=kind)
    best = explained(start)
    if kind == "none" or best > ENOUGH_EXPLAINED:
        return start
    for value in TRIED_DEG:
        tried = LineShift(kind=kind, value_deg=value)
        here = explained(tried)
        if here > best:
            start, best = tried, here
    return start
