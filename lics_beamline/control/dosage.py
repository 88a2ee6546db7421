"""How long to expose for an asked count in the strongest ring, from a short look: by dose, for the beam may vary."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from lics_beamline.control.exposure import DoseExposure
from lics_beamline.lines.brightness import Brightness

MOST_SATURATION_SHARE: Final = (
    0.5  # of saturation, for the mean of a ring: grains make single pixels twice as bright; a choice
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dosage:
    """A dose chosen.

    Parameters
    ----------
    dose_counts : float
        Monitor counts of the exposures to come.
    rate_cps : float
        Monitor rate that the look saw [counts/s].
    ring_ma : float
        Stored current at that time [mA].
    limit : str
        What kept the dose from giving what was asked; empty where nothing did.
    shortest_s, longest_s : float
        What an exposure may be [s].
    """

    dose_counts: float
    rate_cps: float
    ring_ma: float
    limit: str
    shortest_s: float
    longest_s: float

    def exposure_s(self, ring_ma: float) -> float:
        """Return the time that gives the dose at a stored current [mA], within the limits [s]."""
        rate_cps = self.rate_cps * ring_ma / self.ring_ma
        return min(max(self.dose_counts / rate_cps, self.shortest_s), self.longest_s)


def dosage(
    asked: DoseExposure, seen: Brightness, *, dose_counts: float, ring_ma: float, saturation_counts: float
) -> Dosage:
    """Choose a dose.

    Parameters
    ----------
    asked : DoseExposure
        Count asked for in the strongest ring, and limits.
    seen : Brightness
        The strongest ring of the look.
    dose_counts : float
        Monitor counts of the look; above zero.
    ring_ma : float
        Stored current during the look [mA].
    saturation_counts : float
        Count of a full pixel of this plate.

    Notes
    -----
    Light adds up in proportion to dose, ring and background alike. Where no ring stands out, the longest exposure is
    taken. Where ring and background together would come above half of saturation, that half is taken.
    """
    rate_cps = dose_counts / asked.look_s
    longest = rate_cps * asked.longest_s
    if not seen.counts > 0.0:
        wanted, limit = longest, "no ring in the look"
    else:
        wanted, limit = dose_counts * asked.strongest_counts / seen.counts, ""
        full = dose_counts * MOST_SATURATION_SHARE * saturation_counts / (seen.counts + seen.background_counts)
        if wanted > full:
            wanted, limit = full, "saturation"
        if wanted > longest:
            wanted, limit = longest, "longest_s"
    shortest = rate_cps * asked.shortest_s
    if wanted < shortest:
        wanted, limit = shortest, "shortest_s"
    if not math.isfinite(wanted):
        raise ValueError(f"a dose of {wanted} counts cannot be given: the look saw {dose_counts} counts.")
    return Dosage(
        dose_counts=wanted,
        rate_cps=rate_cps,
        ring_ma=ring_ma,
        limit=limit,
        shortest_s=asked.shortest_s,
        longest_s=asked.longest_s,
    )
