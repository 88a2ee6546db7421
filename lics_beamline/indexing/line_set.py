"""The lines of one unknown phase at one point of a sweep: what a lattice must explain."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from lics_beamline.lines.peaks import Peak
from lics_beamline.phases.identification import EXPLAINED_FWHM


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSet:
    """Lines of one phase at one pressure and temperature.

    Parameters
    ----------
    lines : tuple of Peak
        At least one, by rising angle, all measured with the same wavelength.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    pressure_gpa, temperature_k : float
        Where the sample was; NaN where nobody measured it.
    lit_deg : tuple of tuple of float, optional
        Ranges of angle in which a line of the phase would be seen, by rising angle [deg]: what was measured, without
        what lies under lines of other phases. Default: from half the angle of the first line to the last one.
    """

    lines: tuple[Peak, ...]
    wavelength_angstrom: float
    pressure_gpa: float = math.nan
    temperature_k: float = math.nan
    lit_deg: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if not self.lines:
            raise ValueError("a phase is made of at least one line, not of none")
        angles = [line.two_theta_deg for line in self.lines]
        if angles != sorted(angles):
            raise ValueError("the lines of a phase must be given by rising angle")

    @property
    def seen_deg(self) -> tuple[tuple[float, float], ...]:
        """Ranges in which a line would be seen [deg], the default where nobody said."""
        first, last = self.lines[0].two_theta_deg, self.lines[-1].two_theta_deg
        return self.lit_deg or ((0.5 * first, last + 1e-6),)


def lit_ranges(range_deg: tuple[float, float], others: Iterable[Peak]) -> tuple[tuple[float, float], ...]:
    """Return the parts of a range of angle in which a line of a phase would be seen: not under those of others.

    Parameters
    ----------
    range_deg : tuple of float
        First and last angle [deg].
    others : iterable of Peak
        Lines of other phases.
    """
    lit = [range_deg]
    for peak in sorted(others, key=lambda peak: peak.two_theta_deg):
        reach = EXPLAINED_FWHM * peak.fwhm_deg
        first, last = lit.pop()
        lit += [(first, peak.two_theta_deg - reach), (max(first, peak.two_theta_deg + reach), last)]
    return tuple((first, last) for first, last in lit if last > first)
