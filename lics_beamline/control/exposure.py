"""How a plate is to be exposed: for a time, or by dose."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lics_beamline.files.strict_toml import Positive, Strict

ExposureTime = Annotated[float, Field(ge=1, le=36000)]


class DoseExposure(Strict):
    """Exposures chosen by a short look: its plate is read, its strongest ring scaled to what is asked, by dose.

    Parameters
    ----------
    strongest_counts : float
        Mean counts a pixel asked for at the top of the strongest ring, above the background.
    look_s : float
        Length of the look [s].
    shortest_s, longest_s : float
        Limits of what is chosen [s]; 7 % of the image have faded after half an hour.
    each : {"leg", "point"}
        Whether a look is taken once a leg or at each point.
    """

    strongest_counts: Positive
    look_s: ExposureTime = 20.0
    shortest_s: ExposureTime = 30.0
    longest_s: ExposureTime = 1800.0
    each: Literal["leg", "point"] = "leg"

    @model_validator(mode="after")
    def _limits_rise(self) -> DoseExposure:
        if self.shortest_s >= self.longest_s:
            raise ValueError(f"shortest_s = {self.shortest_s} must be below longest_s = {self.longest_s}")
        return self


class Exposure(Strict):
    """How a plate is exposed: for a fixed time, or by dose.

    Parameters
    ----------
    time_s : float, optional
        The same time for all points [s]; either this or a dose.
    dose : DoseExposure, optional
        Exposures chosen by a look.
    oscillation_deg : float
        How far the cell is turned during an exposure [deg].
    """

    time_s: ExposureTime | None = None
    dose: DoseExposure | None = None
    oscillation_deg: Annotated[float, Field(ge=0, le=20)] = 0.0

    @model_validator(mode="after")
    def _one_of_both(self) -> Exposure:
        if (self.time_s is None) == (self.dose is None):
            raise ValueError("give either time_s, the same for all points, or a table dose, and not both")
        return self

    @property
    def longest_s(self) -> float:
        """The longest an exposure may become [s]."""
        return self.dose.longest_s if self.dose else float(self.time_s or 0.0)

    @property
    def shortest_s(self) -> float:
        """The shortest an exposure may become [s]: a look, where there are looks."""
        return min(self.dose.look_s, self.dose.shortest_s) if self.dose else float(self.time_s or 0.0)

    @property
    def expected_s(self) -> float:
        """What to reckon with before anything was measured [s]: by dose, the geometric mean of the limits."""
        return math.sqrt(self.dose.shortest_s * self.dose.longest_s) if self.dose else float(self.time_s or 0.0)
