"""The sample stage: three translations and the rotation that oscillates during an exposure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisParameters:
    """One motor.

    Parameters
    ----------
    unit : str
        mm or deg.
    low, high : float
        Limits in that unit.
    velocity : float
        Units per second of experiment.
    """

    unit: str
    low: float
    high: float
    velocity: float


TRANSLATION: Final = AxisParameters(unit="mm", low=-10.0, high=10.0, velocity=0.5)  # engineering values
ROTATION: Final = AxisParameters(unit="deg", low=-30.0, high=30.0, velocity=5.0)  # opening of the cell, engineering


class Axis:
    """A motor that moves at constant velocity towards its target.

    Parameters
    ----------
    parameters : AxisParameters
        Limits and velocity.
    """

    def __init__(self, parameters: AxisParameters) -> None:
        self.parameters = parameters
        self.position = 0.0
        self.target = 0.0
        self.velocity = parameters.velocity

    @property
    def is_moving(self) -> bool:
        """Whether the target is not reached yet."""
        return self.position != self.target

    def move(self, target: float) -> None:
        """Go to `target`, cut to the limits."""
        self.target = min(max(target, self.parameters.low), self.parameters.high)

    def stop(self) -> None:
        """Stay where the axis is now."""
        self.target = self.position

    def step(self, dt_s: float) -> None:
        """Advance by `dt_s` seconds."""
        if self.is_moving:
            reach = self.velocity * dt_s
            self.position += min(max(self.target - self.position, -reach), reach)


class Stage:
    """The four axes and the oscillation range.

    The optics of the ruby look along the same axis as the beam, so that the aligned position of both is 0.

    Attributes
    ----------
    axes : dict of str to Axis
        x, y across the beam, z along it towards the detector [mm], omega [deg].
    oscillation_deg : float
        Full range by which omega oscillates during an exposure [deg], 0 to 20.
    """

    MAX_OSCILLATION_DEG = 20.0
    HOLE_MM = 0.05  # distance from the axis at which little of the sample is left in the beam; engineering value

    def __init__(self) -> None:
        self.axes = {name: Axis(TRANSLATION) for name in ("x", "y", "z")}
        self.axes["omega"] = Axis(ROTATION)
        self.oscillation_deg = 0.0

    def overlap(self) -> float:
        """Share of the beam, or of the ruby's light, that meets the sample: 1 when x and y are at 0."""
        if not any(self.axes[name].position for name in ("x", "y")):
            return 1.0
        return math.exp(-0.5 * sum((self.axes[name].position / (0.5 * self.HOLE_MM)) ** 2 for name in ("x", "y")))

    def step(self, dt_s: float) -> None:
        """Advance every axis by `dt_s` seconds."""
        for axis in self.axes.values():
            axis.step(dt_s)
