"""The two-plate cycle in experiment time: one plate is exposed while the other is scanned and erased.

Two machines share the plates. The exposing side erases if need be, exposes, waits until the reader is free, and swaps
the plates. The reading side scans the plate it was given and erases it. Pure: stepped by the world, told what to do by
the IOC.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lics_simulators.plate.exposure import LatentImage, Order, SampleAverage, Scan
from lics_simulators.plate.settings import ReaderSettings
from lics_simulators.plate.states import DetectorState, EraseMode, PlateState
from lics_simulators.sample import SampleState

SAMPLING_S: Final = 2.0  # the sample is looked at this often during an exposure [s]
NEVER: Final = math.inf


@dataclass(slots=True, kw_only=True)
class Plate:
    """One plate: its state, when it was erased, what is left on it of its last image."""

    number: int
    state: PlateState = PlateState.READY
    erased_s: float = 0.0
    ghost_share: float = 0.0


@dataclass(slots=True, kw_only=True)
class _Exposure:
    order: Order
    latent: LatentImage
    average: SampleAverage
    began_s: float = 0.0
    ended_s: float = 0.0
    unseen_counts: float = 0.0
    unseen_s: float = 0.0


class PlateReader:
    """The machine.

    Parameters
    ----------
    settings : ReaderSettings
        Times, fading, erasure.
    flux : callable
        Monitor counts a second now, 0 when the shutter is closed.
    sample : callable
        State of the sample now.
    on_scanned : callable
        Called with each `Scan` at the moment it is complete.

    Attributes
    ----------
    plates : tuple of Plate
        Plates 1 and 2.
    message : str
        The last event, in words.
    is_jammed : bool
        While true, a swap of the plates ends in the state Error.
    has_delivered : bool
        Whether the plate of the newest order has been moved into the reader.
    """

    def __init__(
        self,
        settings: ReaderSettings,
        *,
        flux: Callable[[], float],
        sample: Callable[[], SampleState],
        on_scanned: Callable[[Scan], None],
    ) -> None:
        self.settings = settings
        self.plates = (Plate(number=1), Plate(number=2))
        self.message = "ready"
        self.is_jammed = False
        self._flux, self._sample, self._on_scanned = flux, sample, on_scanned
        self._now_s = 0.0
        self._in_use = 0
        self._side = DetectorState.IDLE  # of the exposing side
        self._side_left_s = NEVER
        self._read_left_s = NEVER
        self._exposure: _Exposure | None = None
        self._being_read: tuple[_Exposure, float] | None = None  # and when its scan began
        self._erases_only = False
        self._reading_failed = False
        self.has_delivered = False

    @property
    def plate_in_use(self) -> int:
        """Number of the plate in the beam, 1 or 2."""
        return self.plates[self._in_use].number

    @property
    def state(self) -> DetectorState:
        """State of the detector: what the exposing side does, or else what the reader does."""
        if self._side is not DetectorState.IDLE:
            return self._side
        if self._reading_failed:
            return DetectorState.ERROR
        reading = self._other.state
        if reading is PlateState.SCANNING:
            return DetectorState.SCANNING
        return DetectorState.ERASING if reading is PlateState.ERASING else DetectorState.IDLE

    @property
    def is_taking(self) -> bool:
        """Whether an order is under way, from its start to the swap of the plates."""
        return self._side not in (DetectorState.IDLE, DetectorState.ERROR)

    @property
    def time_remaining_s(self) -> float:
        """What is left of the exposure [s]; 0 when none is under way."""
        return self._side_left_s if self._side is DetectorState.EXPOSING else 0.0

    def expose(self, order: Order) -> None:
        """Begin an exposure; an error before is forgotten.

        Raises
        ------
        ValueError
            If an exposure or erasure is under way.
        """
        self._refuse_if_busy("expose")
        self.has_delivered = False
        self._exposure = _Exposure(order=order, latent=LatentImage(self.settings), average=SampleAverage())
        plate = self.plates[self._in_use]
        if plate.state is PlateState.EXPOSED or order.erase_mode is EraseMode.BEFORE_EXPOSE:
            self._begin_erasing(order.erasures)
        else:
            self._begin_exposing()

    def erase(self, erasures: int) -> None:
        """Erase the plate in use.

        Raises
        ------
        ValueError
            If an exposure or erasure is under way.
        """
        self._refuse_if_busy("erase")
        self._erases_only = True
        self._begin_erasing(erasures)

    def abort(self) -> None:
        """Give up the exposure under way; its plate is erased before the next one. A scan under way goes on."""
        if not self.is_taking:
            self.message = "nothing to abort"
            return
        if self._side is not DetectorState.ERASING:
            self.plates[self._in_use].state = PlateState.EXPOSED
        self._exposure, self._erases_only = None, False
        self.message = "aborted: the exposure is lost"
        self._enter(DetectorState.ABORTING, self.settings.abort_s)

    def power_up(self) -> None:
        """Begin as after a power cut: what was exposed is lost, and a plate left in the reader is erased."""
        self._exposure, self._being_read, self._erases_only = None, None, False
        for plate in self.plates:
            if plate.state is not PlateState.READY:
                plate.state = PlateState.EXPOSED
        self.message = "powered up: what was exposed is lost"
        self._read_left_s = NEVER
        if self._other.state is PlateState.EXPOSED:
            self._other.state, self._read_left_s = PlateState.ERASING, self.settings.erase_s
        self._enter(DetectorState.IDLE, NEVER)

    def fail(self, message: str) -> None:
        """Enter the state Error for a reason from outside; an exposure under way is lost."""
        self._exposure, self._erases_only = None, False
        self.message = message
        self._enter(DetectorState.ERROR, NEVER)

    def fail_reading(self, message: str) -> None:
        """Note that a scanned image could not be kept: shown as the state Error when no exposure is under way."""
        self.message, self._reading_failed = message, True

    def step(self, now_s: float, dt_s: float) -> None:
        """Advance by `dt_s` seconds to the time `now_s` of the experiment; ends of phases inside are met exactly."""
        self._now_s = now_s - dt_s
        left_s = dt_s
        while left_s > 0.0:
            chunk_s = min(left_s, self._side_left_s, self._read_left_s)
            self._integrate(chunk_s)
            self._now_s += chunk_s
            self._side_left_s -= chunk_s
            self._read_left_s -= chunk_s
            left_s -= chunk_s
            if self._read_left_s <= 0.0:
                self._advance_reader()
            if self._side_left_s <= 0.0:
                self._advance_side()

    @property
    def _other(self) -> Plate:
        return self.plates[1 - self._in_use]

    def _refuse_if_busy(self, verb: str) -> None:
        if self.is_taking:
            raise ValueError(
                f"cannot {verb}: the detector is {self._side.name.lower()}. Wait until it is done, or abort."
            )
        self.message, self._reading_failed = "ready", False

    def _enter(self, side: DetectorState, for_s: float) -> None:
        self._side, self._side_left_s = side, for_s

    def _begin_erasing(self, erasures: int) -> None:
        plate = self.plates[self._in_use]
        plate.state = PlateState.ERASING
        plate.ghost_share *= self._left_by_erasing**erasures
        self._enter(DetectorState.ERASING, self.settings.erase_s * erasures)

    def _begin_exposing(self) -> None:
        exposure = self._exposure
        if exposure is None:
            raise RuntimeError("no exposure was ordered")
        exposure.began_s = self._now_s
        self._enter(DetectorState.EXPOSING, exposure.order.exposure_s)
        self.message = f"exposing plate {self.plate_in_use}"

    @property
    def _left_by_erasing(self) -> float:
        return self.settings.left_by_erasing / self.settings.left_by_scan

    def _integrate(self, dt_s: float) -> None:
        if self._exposure is not None and self._side is not DetectorState.ERASING:
            is_exposing = self._side is DetectorState.EXPOSING
            flux_cps = self._flux() if is_exposing else 0.0
            self._exposure.latent.step(flux_cps, dt_s)
            if is_exposing:
                self._exposure.unseen_counts += flux_cps * dt_s
                self._exposure.unseen_s += dt_s
                if self._exposure.unseen_s >= SAMPLING_S:
                    self._look_at_sample(self._exposure)

    def _look_at_sample(self, exposure: _Exposure) -> None:
        if exposure.unseen_s > 0.0:
            exposure.average.add(self._sample(), counts=exposure.unseen_counts, dt_s=exposure.unseen_s)
            exposure.unseen_counts = exposure.unseen_s = 0.0

    def _advance_side(self) -> None:
        """Do what comes after the phase that has just ended on the exposing side."""
        plate = self.plates[self._in_use]
        if self._side is DetectorState.ERASING:
            plate.state, plate.erased_s = PlateState.READY, self._now_s
            if self._erases_only:
                self._erases_only = False
                self._enter(DetectorState.IDLE, NEVER)
            else:
                self._begin_exposing()
        elif self._side is DetectorState.EXPOSING and self._exposure is not None:
            self._look_at_sample(self._exposure)
            self._exposure.ended_s = self._now_s
            plate.state = PlateState.EXPOSED
            self._enter(DetectorState.WAITING, NEVER)
            self._swap_when_possible()
        elif self._side is DetectorState.CHANGING_MODE:
            self._finish_swap()
        else:
            self._enter(DetectorState.IDLE, NEVER)

    def _swap_when_possible(self) -> None:
        if self._side is DetectorState.WAITING and self._other.state is PlateState.READY:
            self.message = "changing plates"
            self._enter(DetectorState.CHANGING_MODE, self.settings.swap_s)

    def _finish_swap(self) -> None:
        if self.is_jammed:
            self.fail(f"plate {self.plate_in_use} is jammed in the changer: no file. Free it, then expose again.")
            return
        exposure, self._exposure = self._exposure, None
        if exposure is None:
            raise RuntimeError("plates were swapped without an exposure")
        self.plates[self._in_use].state = PlateState.SCANNING
        self._being_read = (exposure, self._now_s)
        self._read_left_s = self.settings.scan_s
        self._in_use = 1 - self._in_use
        self.has_delivered = True
        self.message = f"scanning plate {self._other.number}"
        self._enter(DetectorState.IDLE, NEVER)

    def _advance_reader(self) -> None:
        """Do what comes after the phase that has just ended in the reader."""
        plate = self._other
        self._read_left_s = NEVER
        if plate.state is PlateState.SCANNING and self._being_read is not None:
            exposure, scan_began_s = self._being_read
            self._being_read = None
            if not self.is_taking:
                self.message = f"plate {plate.number} is scanned"
            self._on_scanned(self._scan(exposure, plate, scan_began_s))
            plate.ghost_share = self.settings.left_by_scan
            if exposure.order.erase_mode is EraseMode.AFTER_SCAN:
                plate.state = PlateState.ERASING
                plate.ghost_share *= self._left_by_erasing**exposure.order.erasures
                self._read_left_s = self.settings.erase_s * exposure.order.erasures
                return
        elif plate.state is PlateState.ERASING:
            plate.erased_s = self._now_s
        plate.state = PlateState.READY
        self._swap_when_possible()

    def _scan(self, exposure: _Exposure, plate: Plate, scan_began_s: float) -> Scan:
        return Scan(
            order=exposure.order,
            plate=plate.number,
            began_s=exposure.began_s,
            ended_s=exposure.ended_s,
            scan_began_s=scan_began_s,
            scan_ended_s=self._now_s,
            dose_counts=exposure.latent.dose_counts,
            sample=exposure.average.mean(),
            dark_s=scan_began_s - plate.erased_s,
            latent=exposure.latent,
            ghost_share=plate.ghost_share,
        )
