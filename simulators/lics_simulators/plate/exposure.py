"""One exposure: what was asked for, the dose, the sample the plate saw, how the image fades until it is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_simulators.plate.settings import ReaderSettings
from lics_simulators.plate.states import EraseMode
from lics_simulators.sample import PhaseState, SampleState

DARK_WEIGHT: Final = 1.0e-12  # weight of a second without beam [counts]: a plate that saw none still has a mean sample


@dataclass(slots=True)
class _PhaseSum:
    amount: float = 0.0
    edges: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    occupancy: float | None = None


class SampleAverage:
    """Mean state of the sample over an exposure, weighted by the light."""

    def __init__(self) -> None:
        self._weight = 0.0
        self._sums = {"time": 0.0, "pressure": 0.0, "temperature": 0.0, "shift": 0.0}
        self._phases: dict[str, _PhaseSum] = {}

    def add(self, sample: SampleState, *, counts: float, dt_s: float) -> None:
        """Add a span of time [s] in which so many monitor counts arrived."""
        weight = counts + DARK_WEIGHT * dt_s
        self._weight += weight
        self._sums["time"] += weight * sample.time_s
        self._sums["pressure"] += weight * sample.pressure_gpa
        self._sums["temperature"] += weight * sample.temperature_k
        self._sums["shift"] += weight * sample.shift_along_beam_mm
        for phase in sample.phases:
            sums = self._phases.setdefault(phase.phase, _PhaseSum())
            sums.amount += weight * phase.cells
            sums.occupancy = phase.occupancy
            for axis, edge in enumerate(phase.cell_angstrom):
                sums.edges[axis] += weight * phase.cells * edge

    def mean(self) -> SampleState:
        """Return the mean; each phase's cell is weighted by how much of it there was."""
        phases = tuple(
            PhaseState(
                phase=name,
                cell_angstrom=(
                    sums.edges[0] / sums.amount,
                    sums.edges[1] / sums.amount,
                    sums.edges[2] / sums.amount,
                ),
                cells=sums.amount / self._weight,
                occupancy=sums.occupancy,
            )
            for name, sums in self._phases.items()
            if sums.amount > 0.0
        )
        return SampleState(
            time_s=self._sums["time"] / self._weight,
            pressure_gpa=self._sums["pressure"] / self._weight,
            temperature_k=self._sums["temperature"] / self._weight,
            phases=phases,
            shift_along_beam_mm=self._sums["shift"] / self._weight,
        )


class LatentImage:
    """Dose on a plate and how it fades: two kinds of stored electrons, each with its own life.

    Parameters
    ----------
    settings : ReaderSettings
        Fraction and times of fading.
    """

    def __init__(self, settings: ReaderSettings) -> None:
        self._settings = settings
        self.dose_counts = 0.0
        self._fast = 0.0
        self._slow = 0.0

    def step(self, flux_cps: float, dt_s: float) -> None:
        """Let the image fade for `dt_s` seconds while `flux_cps` monitor counts a second add to it."""
        counts, share = flux_cps * dt_s, self._settings.fast_fading
        self.dose_counts += counts
        self._fast = self._fast * math.exp(-dt_s / self._settings.fast_s) + share * counts
        self._slow = self._slow * math.exp(-dt_s / self._settings.slow_s) + (1 - share) * counts

    def remaining(self, after_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the fraction of the dose left after further times [s], 0 to 1; 1 where there was no dose."""
        if self.dose_counts == 0.0:
            return np.ones_like(after_s)
        left = self._fast * np.exp(-after_s / self._settings.fast_s)
        left += self._slow * np.exp(-after_s / self._settings.slow_s)
        fraction: npt.NDArray[np.float64] = left / self.dose_counts
        return fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the operator asked for.

    Parameters
    ----------
    exposure_s : float
        Length of the exposure [s].
    path : str
        File to write.
    frame : int
        Its number.
    oscillation_deg, omega_deg : float
        Range of oscillation and rotation of the cell [deg].
    erase_mode : EraseMode
        Moment at which a plate is erased.
    erasures : int
        Number of erasures, each time.
    """

    exposure_s: float
    path: str
    frame: int = 0
    oscillation_deg: float = 0.0
    omega_deg: float = 0.0
    erase_mode: EraseMode = EraseMode.AFTER_SCAN
    erasures: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A plate that has been scanned: everything its image follows from.

    Parameters
    ----------
    order : Order
        The exposure asked for.
    plate : int
        1 or 2.
    began_s, ended_s, scan_began_s, scan_ended_s : float
        Times of the experiment [s].
    dose_counts : float
        Monitor counts while the plate was exposed.
    sample : SampleState
        Mean over the exposure.
    dark_s : float
        From the last erasure to the scan [s].
    latent : LatentImage
        The image as it was when the scan began.
    ghost_share : float
        Share left of the image before, 0 to 1.
    """

    order: Order
    plate: int
    began_s: float
    ended_s: float
    scan_began_s: float
    scan_ended_s: float
    dose_counts: float
    sample: SampleState
    dark_s: float
    latent: LatentImage
    ghost_share: float

    @property
    def waited_s(self) -> float:
        """Time between the end of the exposure and the start of the scan [s]."""
        return self.scan_began_s - self.ended_s

    def remaining(self, lines: int) -> npt.NDArray[np.float64]:
        """Fraction of the image left when each line was scanned, (lines,)."""
        after_s = (np.arange(lines) + 0.5) / lines * (self.scan_ended_s - self.scan_began_s)
        return self.latent.remaining(after_s)
