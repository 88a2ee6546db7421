"""How bright the strongest ring of a frame is: what an exposure is chosen by."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lics_beamline.lines.peaks import find_peaks
from lics_beamline.patterns.pattern import Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Brightness:
    """The strongest ring of a pattern.

    Parameters
    ----------
    two_theta_deg : float
        Where it is [deg]; NaN where no ring stands out.
    counts : float
        Mean counts a pixel at its top, above the background; 0 where no ring stands out.
    background_counts : float
        Mean counts a pixel under it.
    """

    two_theta_deg: float
    counts: float
    background_counts: float


def strongest_ring(pattern: Pattern) -> Brightness:
    """Return the strongest ring of a pattern. Spots of the anvils are none: integration has rejected them."""
    peaks = find_peaks(pattern)
    if not peaks:
        return Brightness(two_theta_deg=math.nan, counts=0.0, background_counts=0.0)
    strongest = max(peaks, key=lambda peak: peak.height)
    return Brightness(
        two_theta_deg=strongest.two_theta_deg,
        counts=strongest.height,
        background_counts=max(strongest.background, 0.0),
    )
