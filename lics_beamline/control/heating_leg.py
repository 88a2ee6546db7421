"""What heating at a held load and along an isobar share: goal, phases, and whether a reading may be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from lics_beamline.control.approach_settings import ApproachSettings
from lics_beamline.control.cell_estimate import Reading
from lics_beamline.control.command import Abort, Hold, Ramp
from lics_beamline.control.gain import Gain
from lics_beamline.control.heating import Prediction, Slope

NEAR_K = 5.0  # thermocouple and heater, each of class 1, may disagree by so much about a temperature (IEC 60584-1)
SPARE_S = 90.0  # after the time that a ramp needs for the last of it: its lag
WILDLY_GPA = 0.05  # readings of the cell at rest that differ by more are not of one state

Course = TypeVar("Course")


class Phase(StrEnum):
    """Where a heating leg stands."""

    READY = "ready"
    CROSS = "cross"
    RAMP = "ramp"
    HELD = "held"
    SOAK = "soak"
    DONE = "done"
    ABORT = "abort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Where a ramp goes.

    Parameters
    ----------
    temperature_k : float
        Of the sample, when the ramp has ended [K].
    end_k : float
        Of the sample at the end of the whole leg, which is what is predicted [K].
    ramp_k_per_min : float
        How fast [K/min].
    soak_s : float
        How long to stay there [s].
    pressure_gpa : float
        Pressure that is held on an isobar; NaN at a held load [GPa].
    """

    temperature_k: float
    end_k: float
    ramp_k_per_min: float
    soak_s: float
    pressure_gpa: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is expected, for documents and people; None where nothing can be said yet.

    Parameters
    ----------
    reading : Prediction or None
        What was to be expected of the reading just taken.
    final : Prediction or None
        The end of the leg, at the load of now.
    slope : Slope or None
        How the pressure rises with temperature at a held load.
    gain : Gain or None
        What a bar does, where gas is let out [GPa/bar].
    """

    reading: Prediction | None = None
    final: Prediction | None = None
    slope: Slope | None = None
    gain: Gain | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[Course]):
    """What to do now, what is expected, and the state to go on from."""

    command: Ramp | Hold | Abort
    state: Course
    outlook: Outlook = Outlook()


def trouble_with(
    reading: Reading | None, now_s: float, *, last: Reading | None, load_bar: float, approach: ApproachSettings
) -> str:
    """Return why nothing may rest on a reading, or nothing.

    Parameters
    ----------
    reading, last : Reading or None
        The reading, and the one believed before it.
    now_s : float
        Experiment time now [s].
    load_bar : float
        Where the gas was left [bar]; NaN where it is not known or moves.
    approach : ApproachSettings
        How old a reading may be, and how far the gas may be off.
    """
    if reading is None:
        return "there is no reading of ruby and temperature"
    if not reading.is_finite():
        return f"{reading} is not finite"
    age_s = now_s - reading.time_s
    if not 0.0 <= age_s <= approach.stale_s:
        return f"the reading is {age_s:.0f} s old, {approach.stale_s:g} s is the limit"
    if last is not None and reading.time_s <= last.time_s:
        return f"the reading of {reading.time_s:.0f} s is not newer than the last, of {last.time_s:.0f} s"
    if abs(reading.load_bar - load_bar) > approach.load_band_bar:
        return (
            f"the gas is at {reading.load_bar:.2f} bar and was left at {load_bar:.2f} bar "
            f"({approach.load_band_bar:g} bar is the limit): it leaks, or somebody else moves it"
        )
    return ""


def is_there(goal: Goal, temperature_k: float, *, near_for_s: float, tolerance_k: float) -> bool:
    """Whether a ramp has ended: the temperature is read, or near, and there was time for the rest.

    Parameters
    ----------
    goal : Goal
        Where the ramp goes.
    temperature_k : float
        Of the sample, as read; its thermocouple is not the heater's own [K].
    near_for_s : float
        How long the ramp has been near and not held [s]; NaN where it is not.
    tolerance_k : float
        How near counts as there [K].
    """
    time_s = 60.0 * NEAR_K / goal.ramp_k_per_min + SPARE_S
    return temperature_k >= goal.temperature_k - tolerance_k or near_for_s >= time_s


def at_rest(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Return the readings that agree with most of the others: a wild one is left out."""
    return tuple(
        one
        for one in readings
        if 2 * sum(abs(one.pressure_gpa - other.pressure_gpa) < WILDLY_GPA for other in readings) > len(readings)
    )
