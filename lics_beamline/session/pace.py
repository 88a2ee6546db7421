"""How fast a simulated world went: its speed is the most, what was reached is said."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # ophyd is imported only when a control layer and addresses have been chosen
    from lics_beamline.devices.clock import ExperimentClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a simulated world went over a stretch of wall clock.

    Parameters
    ----------
    experiment_s, wall_s : float
        How far the clock of the experiment and the wall clock went [s].
    most : float
        Seconds of experiment in a second of wall clock that were asked for.
    drawing_wall_s : float
        Wall clock for which the world stood still while plates were drawn [s].
    waiting_wall_s : float
        Wall clock for which it stood still until those who drive it had dealt with its last step [s].
    """

    experiment_s: float
    wall_s: float
    most: float
    drawing_wall_s: float
    waiting_wall_s: float

    def says(self) -> str:
        """Return one line for people."""
        wall_s = max(self.wall_s, 1e-3)
        return (
            f"reached {self.experiment_s / wall_s:.0f} of {self.most:g} times the wall clock; the world stood still "
            f"{self.drawing_wall_s / wall_s:.0%} of the time to draw plates and {self.waiting_wall_s / wall_s:.0%} to "
            "wait for this computer"
        )


class Stopwatch:
    """Measures the pace of a simulated world from its making on.

    Parameters
    ----------
    clock : ExperimentClock
        The clock of that world, connected.
    """

    def __init__(self, clock: ExperimentClock) -> None:
        self._clock = clock
        self._began_s, self._began_wall_s = clock.now_s(), time.monotonic()
        self._stood_before = clock.standstill()

    def pace(self) -> Pace:
        """Return how fast the world has gone since."""
        stood, before = self._clock.standstill(), self._stood_before
        return Pace(
            experiment_s=self._clock.now_s() - self._began_s,
            wall_s=time.monotonic() - self._began_wall_s,
            most=self._clock.speed(),
            drawing_wall_s=stood.drawing_wall_s - before.drawing_wall_s,
            waiting_wall_s=stood.waiting_wall_s - before.waiting_wall_s,
        )
