"""What effort of the membrane's controller means a leak, and after how long: known once, and without ophyd."""

from __future__ import annotations

from typing import Final

LEAK_EFFORT_PERCENT: Final = 90.0  # effort that holds a load only against a leak or a missing supply (PACE5000) [%]
LEAK_WARNING_S: Final = 30.0  # of such effort mean a leak: it is warned of [s of experiment]
LEAK_STOP_S: Final = 60.0  # of such effort end a move, or a sweep [s of experiment]; a choice, twice the warning


def struggles(effort_percent: float) -> bool:
    """Whether a controller works as it does only against a leak or a missing supply; so does one whose effort is NaN.

    Parameters
    ----------
    effort_percent : float
        Opening of its valves [%].
    """
    return not effort_percent < LEAK_EFFORT_PERCENT
