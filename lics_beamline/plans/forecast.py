"""How long each point of a path will take, in experiment time: for the progress bar and for the check before a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lics_beamline.plans.approach import Rules
from lics_beamline.plans.path import HeatingLeg, HoldLeg, Point

DEAD_BAND_BAR = 12.0  # lost motion at the start and at each reversal of a membrane cell; 9 to 15 bar is usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast things go at a beamline.

    Parameters
    ----------
    slew_bar_per_s : float
        Slew of the membrane [bar/s].
    wait_s : float
        Wait between a load step and its ruby reading [s].
    ruby_s : float
        One ruby reading [s].
    ramp_dwell_s : float
        Dwell of the heater at the end of a ramp [s].
    plate_s : float
        Swap and read of a plate [s].
    ambient_k : float
        Temperature the cell starts from [K].
    """

    slew_bar_per_s: float
    wait_s: float
    ruby_s: float
    ramp_dwell_s: float
    plate_s: float
    ambient_k: float


def forecast(points: Sequence[Point], *, rules: Rules, pace: Pace, exposure_s: float) -> tuple[float, ...]:
    """Return the expected duration of each point [s of experiment].

    Parameters
    ----------
    points : sequence of Point
        The path.
    rules : Rules
        How a pressure is approached.
    pace : Pace
        How fast things go.
    exposure_s : float
        Exposure of a plate [s].
    """
    pressure_gpa, temperature_k, stroke = 0.0, pace.ambient_k, ""
    durations = []
    for point in points:
        if isinstance(point.leg, HeatingLeg):
            rise_k = max(point.temperature_k - temperature_k, 0.0)
            going_s = 60.0 * rise_k / point.leg.ramp_rate_k_per_min + pace.ramp_dwell_s + point.leg.soak_s
            temperature_k = point.temperature_k
        elif isinstance(point.leg, HoldLeg):
            going_s = point.leg.wait_s
        else:
            way_gpa = abs(point.pressure_gpa - pressure_gpa)
            lost_bar = DEAD_BAND_BAR if point.stroke != stroke else 0.0
            going_s = _approach_s(way_gpa, lost_bar, rules=rules, pace=pace)
            pressure_gpa, stroke = point.pressure_gpa, point.stroke
        durations.append(going_s + pace.ruby_s + exposure_s + pace.plate_s)
    return tuple(durations)


def _approach_s(way_gpa: float, lost_bar: float, *, rules: Rules, pace: Pace) -> float:
    """Return the expected duration of one approach [s]: slewing, and waits that grow with the logarithm of the way."""
    typical_gain = 0.75 * rules.gain_gpa_per_bar
    way_bar = way_gpa / typical_gain + lost_bar
    shrink = -math.log(1.0 - min(0.8 * rules.step_fraction, 0.9))
    steps = math.log(max(way_gpa / rules.tolerance_gpa, 1.0)) / shrink + lost_bar / rules.largest_step_bar
    return way_bar / pace.slew_bar_per_s + (1.0 + steps) * pace.ruby_s + math.ceil(steps) * pace.wait_s
