"""The dose of an exposure: what the beam monitor counted while the plate was exposed, and whether it suffices."""

from __future__ import annotations

import math
from typing import Any, Final

from ophyd.status import DeviceStatus, StatusBase

from lics_beamline.devices.beamline import Beamline
from lics_beamline.devices.settling import Watched
from lics_beamline.errors import BadReading

MOST_MISSING_SHARE: Final = (
    0.05  # share of the dose that may be missing: as much as a top-up ring and a monitor drift; a choice
)


class Dose(Watched):
    """Done when a plate has been exposed; fails as soon as too much of its dose is missing.

    Judged at each tick of the clock, while the detector says that it exposes. An image of half a dose looks like any
    other, so what was not given is noticed here or never.

    Parameters
    ----------
    beamline : Beamline
        Its beam is measured while its plate is exposed.
    exposure_s : float
        Exposure asked for [s of experiment].
    i0_cps : float
        Monitor rate when the exposure began [counts/s]; above zero.
    acquiring : StatusBase
        The exposure.
    missing : float
        Share of the dose that may be missing, 0 to 1.

    Attributes
    ----------
    half : StatusBase
        Done at half time; fails as the whole does.
    is_short : bool
        Whether it failed because the beam did not last.
    """

    def __init__(
        self,
        beamline: Beamline,
        *,
        exposure_s: float,
        i0_cps: float,
        acquiring: StatusBase,
        missing: float = MOST_MISSING_SHARE,
    ) -> None:
        super().__init__(beamline.beam, clock=beamline.clock, signal=beamline.beam.i0_cps, what="dose of an exposure")
        self.half = DeviceStatus(beamline.beam, call_stop_on_failure=False)
        self.is_short = False
        self._plate = beamline.plate
        self._exposure_s = exposure_s
        self._i0_cps = i0_cps
        self._acquiring = acquiring
        self._missing = missing
        self._rate_cps = math.nan  # of the newest reading; NaN until the exposure and its light have been seen
        self._counted_s = 0.0
        self._counts = 0.0
        self._lacking_s = 0.0
        self._told_s = math.nan
        self.add_callback(self._end_half)
        self.begin()

    @property
    def counts(self) -> float:
        """Monitor counts of the whole exposure: the mean rate seen, times the time asked for."""
        mean_cps = self._counts / self._counted_s if self._counted_s > 0.0 else self._i0_cps
        return mean_cps * self._exposure_s

    def judge(self, value: float, now_s: float) -> None:
        """Decide from the newest monitor rate and the state of the detector."""
        if self._acquiring.done:
            error = self._acquiring.exception(0)
            if error is None:
                self.succeed()
            else:
                self.end(error)
        elif self._plate.state.get() == "Exposing":
            self._count(float(value), now_s)
        elif not math.isnan(self._told_s):
            self.succeed()

    def _count(self, rate_cps: float, now_s: float) -> None:
        if not math.isnan(self._rate_cps):
            span_s = now_s - self._told_s
            self._counted_s += span_s
            self._counts += self._rate_cps * span_s
            self._lacking_s += max(1.0 - self._rate_cps / self._i0_cps, 0.0) * span_s
        if rate_cps > 0.0 or not math.isnan(self._rate_cps):  # a monitor may tell of the light a little late
            self._rate_cps = rate_cps
        self._told_s = now_s
        if self._lacking_s > self._missing * self._exposure_s:
            self.is_short = True
            self.end(
                BadReading(
                    f"the beam did not last: {self._lacking_s:.0f} s of an exposure of {self._exposure_s:.0f} s are "
                    f"missing ({self._missing:.0%} may be), the monitor reads {rate_cps:.3g} of {self._i0_cps:.3g} "
                    "counts/s. The exposure is given up, to be repeated.",
                    lacking_s=self._lacking_s,
                    exposure_s=self._exposure_s,
                )
            )
        elif self._counted_s >= 0.5 * self._exposure_s and not self.half.done:
            self.half.set_finished()

    def _end_half(self, _: Any) -> None:
        error = self.exception(0)
        if self.half.done:
            return
        if error is None:
            self.half.set_finished()
        else:
            self.half.set_exception(error)
