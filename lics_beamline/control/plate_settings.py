"""The image plates as a profile states them: when plates take turns, and how much of an image is lost meanwhile.

For forecasts; during a sweep the detector says itself when an exposed plate is in the reader.
"""

from __future__ import annotations

import math

from lics_beamline.files.strict_toml import Fraction, Positive, PvPrefix, Strict
from lics_beamline.frames.plate import Fading


class PlateSettings(Strict):
    """The image plate: its times are engineering values of this instrument.

    Parameters
    ----------
    prefix : str
        Prefix of its PVs.
    read_s, erase_s, swap_s : float
        Reading a plate, erasing it, and swapping both [s].
    overlapped : bool
        Whether one plate is exposed while the other is read; else each is waited for.
    most_fading : float
        Share of an image that may be lost before it is read, 0 to 1.
    fading : Fading
        How images fade.
    """

    prefix: PvPrefix
    read_s: Positive
    erase_s: Positive
    swap_s: Positive
    overlapped: bool = True
    most_fading: Fraction = 0.08  # half an hour of exposure at the usual fading
    fading: Fading = Fading(fast_share=0.15, fast_s=1200.0, slow_s=4.1e5)  # engineering values: 15 % in an hour

    def measured(self, fading: Fading | None) -> PlateSettings:
        """Return these settings with the fading that a plate calibration has measured, where there is one."""
        return self if fading is None else self.model_copy(update={"fading": fading})

    def loss(self, *, exposure_s: float, waited_s: float) -> float:
        """Return the share lost of an exposure [s] whose scan began so much later [s]; NaN where nobody knows."""
        return 1.0 - float(self.fading.remaining(waited_s, exposure_s=exposure_s))

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
