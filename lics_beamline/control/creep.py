"""Creep of a loaded cell: how much of a rise is still to come, so that a step aims at where the pressure will end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Creep:
    """Pressure of which a fraction follows slowly: ``P = (1 - fraction) end + fraction crept``.

    Parameters
    ----------
    end_gpa : float
        Where the pressure ends at the present load [GPa].
    crept_gpa : float
        What the slow part has come to [GPa]; it follows `end_gpa` with a time constant.
    """

    end_gpa: float
    crept_gpa: float

    @classmethod
    def over(cls, pressure_gpa: float) -> Creep:
        """Return a cell in which nothing is still to come."""
        return cls(end_gpa=pressure_gpa, crept_gpa=pressure_gpa)

    def coming_gpa(self, fraction: float) -> float:
        """Return what is still to come [GPa], negative where the pressure still falls."""
        return fraction * (self.end_gpa - self.crept_gpa)

    def pressure_gpa(self, fraction: float) -> float:
        """Return the pressure now [GPa]."""
        return self.end_gpa - self.coming_gpa(fraction)

    def later(self, end_gpa: float, *, moving_s: float, elapsed_s: float, creep_s: float) -> Creep:
        """Return the state after `elapsed_s`, the first `moving_s` of which the end moved evenly to `end_gpa`.

        Parameters
        ----------
        end_gpa : float
            Where the pressure then ends [GPa].
        moving_s, elapsed_s : float
            How long the load moved, and how long it all took [s].
        creep_s : float
            Time constant [s].
        """
        moving_s = min(max(moving_s, 1e-6), max(elapsed_s, 1e-6))
        lag_gpa = (end_gpa - self.end_gpa) / moving_s * creep_s
        crept = end_gpa - lag_gpa + (self.crept_gpa - self.end_gpa + lag_gpa) * math.exp(-moving_s / creep_s)
        rest = math.exp(-max(elapsed_s - moving_s, 0.0) / creep_s)
        return replace(self, end_gpa=end_gpa, crept_gpa=end_gpa + (crept - end_gpa) * rest)

    def read(self, pressure_gpa: float, *, fraction: float, moving_s: float, elapsed_s: float, creep_s: float) -> Creep:
        """Return the state that gives `pressure_gpa` after `elapsed_s`: `later` is linear in the end, so solve it."""
        low, high = (self.later(end, moving_s=moving_s, elapsed_s=elapsed_s, creep_s=creep_s) for end in (0.0, 1.0))
        p_low, p_high = low.pressure_gpa(fraction), high.pressure_gpa(fraction)
        end_gpa = (pressure_gpa - p_low) / (p_high - p_low)
        return self.later(end_gpa, moving_s=moving_s, elapsed_s=elapsed_s, creep_s=creep_s)

    def seen(
        self, drift_gpa: float, pressure_gpa: float, *, fraction: float, elapsed_s: float, creep_s: float
    ) -> Creep:
        """Return the state after a drift at constant load, half believed from the drift and half as foreseen.

        Parameters
        ----------
        drift_gpa, pressure_gpa : float
            How far the pressure drifted, and where it is now [GPa].
        elapsed_s : float
            Over which time [s].
        """
        left = math.exp(-elapsed_s / creep_s)
        foreseen_gpa = self.coming_gpa(fraction) * left
        measured_gpa = drift_gpa * left / (1.0 - left)
        weight = 1.0 - left  # a drift watched for long says more
        coming_gpa = foreseen_gpa + weight * (measured_gpa - foreseen_gpa)
        end_gpa = pressure_gpa + coming_gpa
        return Creep(end_gpa=end_gpa, crept_gpa=end_gpa - coming_gpa / fraction)
