"""How two plates take turns, in numbers: when an exposed plate is in the reader, and when the plan may go on.

For forecasts; during a sweep the detector says so itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateCycle:
    """Times of a detector with two plates.

    Parameters
    ----------
    read_s, erase_s, swap_s : float
        Reading a plate, erasing it, and swapping both [s].
    overlapped : bool
        Whether the plan goes on when the plates have been swapped; else when the plate has been read.
    """

    read_s: float
    erase_s: float
    swap_s: float
    overlapped: bool = True

    def swapped_s(self, exposed_s: float, *, last_swap_s: float = -math.inf) -> float:
        """Return when the plates have been swapped after an exposure that ended at `exposed_s` [s].

        Parameters
        ----------
        exposed_s : float
            End of the exposure [s].
        last_swap_s : float
            End of the swap before [s]: the other plate must have been read and erased since.
        """
        return max(exposed_s, last_swap_s + self.read_s + self.erase_s) + self.swap_s

    def free_s(self, swapped_s: float) -> float:
        """Return when the plan may go on after a swap that ended at `swapped_s` [s]."""
        return swapped_s if self.overlapped else swapped_s + self.read_s
