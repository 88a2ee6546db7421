"""K-alpha doublets of X-ray tubes: every line of a pattern comes twice, and one wavelength does not describe it.

The second line is half as strong, and away from the first by a constant part of the wavelength: by an angle that grows
as the tangent of theta. Where it is resolved, peaks tell; a fit by one wavelength draws each line to its companion,
and the cell with it.

References
----------
Wavelengths: Cu, Co, Fe, Cr by G. Hölzer et al., Phys. Rev. A 56, 4554 (1997); Mo, Ag by R. D. Deslattes et al., Rev.
Mod. Phys. 75, 35 (2003).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lics_beamline.lines.peaks import Peak

AREA_RATIO: Final = (0.3, 0.75)  # of the areas of the two; 0.5 by theory, and peaks that overlap are shared out badly
RESOLVED_FWHM: Final = 0.9  # nearer companions are one peak
NEAR_FWHM: Final = 0.3  # how far a companion may be from its place
STRONG_SIGMAS: Final = 20.0  # a companion of half the height, beside its line, is then seen
FEWEST_PAIRS: Final = 3  # of a pattern: one or two may be chance
LEAST_SHARE: Final = 0.5  # of the lines that should have a companion
NEAR_WAVELENGTH: Final = 2e-4  # relative, about the two: wavelengths are written with four digits


@dataclass(frozen=True, slots=True, kw_only=True)
class EmissionDoublet:
    """The K-alpha lines of an element.

    Parameters
    ----------
    element : str
        Its symbol.
    alpha1_angstrom, alpha2_angstrom : float
        Wavelengths [angstrom]; the second is half as strong.
    """

    element: str
    alpha1_angstrom: float
    alpha2_angstrom: float


TUBES: Final = (
    EmissionDoublet(element="Cu", alpha1_angstrom=1.5405929, alpha2_angstrom=1.5444274),
    EmissionDoublet(element="Mo", alpha1_angstrom=0.70931715, alpha2_angstrom=0.713607),
    EmissionDoublet(element="Co", alpha1_angstrom=1.7889960, alpha2_angstrom=1.7928350),
    EmissionDoublet(element="Ag", alpha1_angstrom=0.5594218, alpha2_angstrom=0.5638131),
    EmissionDoublet(element="Cr", alpha1_angstrom=2.2897260, alpha2_angstrom=2.2936510),
    EmissionDoublet(element="Fe", alpha1_angstrom=1.9360410, alpha2_angstrom=1.9399730),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubledLines:
    """Lines of a pattern that come twice.

    Parameters
    ----------
    doublet : EmissionDoublet
        What doubles them.
    companions : tuple of Peak
        The second of each pair.
    resolved : int
        Lines whose companion could be seen by itself.
    """

    doublet: EmissionDoublet
    companions: tuple[Peak, ...]
    resolved: int

    def said(self, wavelength_angstrom: float) -> str:
        """Return what is to be said where a pattern of one wavelength [angstrom] turns out to have two."""
        tube = self.doublet
        return (
            f"{len(self.companions)} of {self.resolved} lines come twice, as {tube.element} K-alpha1 and K-alpha2 make "
            f"them: both are fitted, {tube.alpha1_angstrom:.5f} and {tube.alpha2_angstrom:.5f} angstrom, instead of "
            f"{wavelength_angstrom:g} alone."
        )


def tube_named(name: str) -> EmissionDoublet | None:
    """Return the K-alpha lines of a name such as ``CuKa``; None where there is none."""
    return next((tube for tube in TUBES if name.strip().lower() == f"{tube.element}ka".lower()), None)


def doubled_lines(peaks: Sequence[Peak], wavelength_angstrom: float) -> DoubledLines | None:
    """Tell whether the lines of a pattern come twice, as those of an X-ray tube do; None where they do not.

    Parameters
    ----------
    peaks : sequence of Peak
        The peaks of the pattern.
    wavelength_angstrom : float
        The one wavelength that it is taken for [angstrom]: of one of the two, or their mean.
    """
    doublet = _tube_of(wavelength_angstrom)
    return None if doublet is None else _doubled(peaks, doublet)


def hidden_doublet(peaks: Sequence[Peak], wavelength_angstrom: float) -> str:
    """Return what to say where lines at a tube's wavelength may come twice and are too broad to show it; else empty."""
    doublet = _tube_of(wavelength_angstrom)
    if doublet is None or companions_of(peaks, doublet)[1] >= FEWEST_PAIRS:
        return ""
    return (
        f"lines are too broad to show whether they come twice, as those of a {doublet.element} tube do: if K-alpha 2 "
        f"was not removed, cells are wrong by up to 0.1 %, and --wavelength {doublet.element}Ka is right."
    )


def _tube_of(wavelength_angstrom: float) -> EmissionDoublet | None:
    for doublet in TUBES:
        low, high = doublet.alpha1_angstrom, doublet.alpha2_angstrom
        if low * (1.0 - NEAR_WAVELENGTH) <= wavelength_angstrom <= high * (1.0 + NEAR_WAVELENGTH):
            return doublet
    return None


def _doubled(peaks: Sequence[Peak], doublet: EmissionDoublet) -> DoubledLines | None:
    companions, resolved = companions_of(peaks, doublet)
    if len(companions) < FEWEST_PAIRS or len(companions) < LEAST_SHARE * resolved:
        return None
    return DoubledLines(doublet=doublet, companions=companions, resolved=resolved)


def as_of_alpha1(peaks: Sequence[Peak], doublet: EmissionDoublet) -> tuple[Peak, ...]:
    """Return the peaks as K-alpha 1 alone would have them: without companions, and moved where the two are one peak."""
    companions, _ = companions_of(peaks, doublet)
    mean = (doublet.alpha1_angstrom + 0.5 * doublet.alpha2_angstrom) / 1.5
    moved = []
    for peak in peaks:
        if peak in companions:
            continue
        theta = math.radians(peak.two_theta_deg) / 2.0
        apart_deg = 2.0 * math.degrees(math.tan(theta)) * (doublet.alpha2_angstrom / doublet.alpha1_angstrom - 1.0)
        if apart_deg < RESOLVED_FWHM * peak.fwhm_deg:
            sine = math.sin(theta) * doublet.alpha1_angstrom / mean
            d = doublet.alpha1_angstrom / (2.0 * sine)
            moved.append(replace(peak, two_theta_deg=2.0 * math.degrees(math.asin(sine)), d_angstrom=d))
        else:
            moved.append(peak)
    return tuple(moved)


def companions_of(peaks: Sequence[Peak], doublet: EmissionDoublet) -> tuple[tuple[Peak, ...], int]:
    """Return the peaks that are the second line of another, and how many lines are apart from theirs."""
    companions: list[Peak] = []
    resolved = 0
    for peak in peaks:
        if peak in companions or peak.significance < STRONG_SIGMAS:
            continue
        sine = math.sin(math.radians(peak.two_theta_deg) / 2.0) * doublet.alpha2_angstrom / doublet.alpha1_angstrom
        if sine >= 1.0:
            continue
        place = 2.0 * math.degrees(math.asin(sine))
        if place - peak.two_theta_deg < RESOLVED_FWHM * peak.fwhm_deg:
            continue
        resolved += 1
        companions += [
            other
            for other in peaks
            if abs(other.two_theta_deg - place) < NEAR_FWHM * peak.fwhm_deg
            and AREA_RATIO[0] * peak.area < other.area < AREA_RATIO[1] * peak.area
        ][:1]
    return tuple(companions), resolved
