"""How long to expose the next spectrum, from how bright the last one was."""

from __future__ import annotations

import math
from typing import Final

from lics_beamline.errors import BadReading

WANTED_SATURATION: Final = 0.6  # of saturation: a line that grows by half before the next spectrum is still read
KEPT_SATURATION: Final = (0.3, 0.8)  # of saturation: inside, the exposure stays as it is
SATURATED_STEP: Final = 0.25  # how far over a full pixel was is unknown: two of these cover sixteen times
LONGEST_STEP: Final = 10.0  # a nearly dark spectrum says little about how bright the next will be


def next_exposure_s(
    *,
    peak_counts: float,
    saturation_counts: float,
    exposure_s: float,
    shortest_s: float,
    longest_s: float,
    background_counts: float = 0.0,
) -> float:
    """Exposure of the next spectrum.

    Parameters
    ----------
    peak_counts : float
        Highest pixel of the last spectrum, background included [counts].
    saturation_counts : float
        Count at which a pixel is full; above zero.
    exposure_s : float
        Exposure of the last spectrum [s].
    shortest_s, longest_s : float
        Limits of the spectrometer and of patience [s].
    background_counts : float
        What the detector gives with no light, whatever the exposure (its bias) [counts].

    Returns
    -------
    float
        Next exposure [s], within the limits; the present one where the peak is at 0.3 to 0.8 of saturation.

    Raises
    ------
    BadReading
        If a number is not finite or not above zero, or the limits are the wrong way round.

    Notes
    -----
    Light adds up in proportion to time, so the signal is brought to 0.6 of what the detector can hold over its bias.
    A step is at most ten times up, and a quarter down after saturation.
    """
    facts = (peak_counts, saturation_counts, exposure_s, shortest_s, longest_s, background_counts)
    if not all(math.isfinite(fact) for fact in facts) or min(exposure_s, shortest_s) <= 0.0 or shortest_s > longest_s:
        raise BadReading(
            f"exposure {exposure_s} s in {shortest_s} to {longest_s} s with {peak_counts} counts of "
            f"{saturation_counts} cannot be adapted. Check the spectrometer's settings.",
            reason="exposure",
            exposure_s=exposure_s,
        )
    room = saturation_counts - background_counts
    if room <= 0.0:
        raise BadReading(
            f"a background of {background_counts:g} counts leaves no room below saturation at "
            f"{saturation_counts:g} counts. Shield the spectrometer.",
            reason="exposure",
            background_counts=background_counts,
        )
    filled = (peak_counts - background_counts) / room
    if peak_counts >= saturation_counts:
        step = SATURATED_STEP
    elif KEPT_SATURATION[0] <= filled <= KEPT_SATURATION[1]:
        step = 1.0
    else:
        step = min(WANTED_SATURATION / filled, LONGEST_STEP) if filled > 0.0 else LONGEST_STEP
    return min(max(exposure_s * step, shortest_s), longest_s)
