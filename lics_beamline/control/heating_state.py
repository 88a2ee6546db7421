"""A heating leg as data: where it goes, where it stands, what is known of its cell, and what is decided."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, Self, TypeVar

from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.command import Abort, AbortCause, Hold, Ramp
from lics_beamline.control.gain import Gain
from lics_beamline.control.heating import Prediction, Slope


class HeatingPhase(StrEnum):
    """What a heating leg is doing."""

    READY = "ready"
    CROSS = "cross"
    RAMP = "ramp"
    HELD = "held"
    SOAK = "soak"
    DONE = "done"
    ABORT = "abort"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingGoal:
    """Where a ramp goes.

    Parameters
    ----------
    temperature_k : float
        Of the sample, when the ramp has ended [K].
    end_k : float
        Of the sample at the end of the whole leg, which is what is predicted [K].
    ramp_k_per_min : float
        Rate of the ramp [K/min].
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


class PressureEstimate(Protocol):
    """What is known of the pressure of a cell that is heated, and what to expect of it."""

    @property
    def newest(self) -> PressureReading:
        """The last reading believed."""
        ...

    @property
    def learned_gain(self) -> Gain | None:
        """What a bar does [GPa/bar], where gas is let out; None where the load is held."""
        ...

    def at(self, temperature_k: float) -> Prediction:
        """Return the pressure expected at a temperature [K], at the load of now."""
        ...

    def next(self, reading: PressureReading) -> Prediction:
        """Return what was to be expected of a reading; its own noise is part of the error."""
        ...

    def expects(self, reading: PressureReading) -> bool:
        """Whether a reading lies where it was to be expected."""
        ...

    def after(self, reading: PressureReading, *, jumped: bool = False) -> Self:
        """Return what is known after a reading that is believed; `jumped`: the pressure has left its way for good."""
        ...

    def slope(self) -> Slope:
        """Return how the pressure rises with temperature at a held load."""
        ...


AnyEstimate = TypeVar("AnyEstimate", bound=PressureEstimate)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingState(Generic[AnyEstimate]):
    """A ramp of a heating leg under way.

    Parameters
    ----------
    goal : HeatingGoal
        Temperature, rate and soak that are asked for.
    estimate : PressureEstimate or None
        What is known of the cell; None before the first readings agree, on an isobar until its dead band is crossed.
    shown : PressureEstimate or None
        What was known when the prediction was last said.
    recent : tuple of PressureReading
        Readings believed before there is an estimate.
    phase : HeatingPhase
        What the leg is doing.
    doubted : PressureReading or None
        A reading that surprised, until another one confirms or contradicts it.
    doubts : int
        Readings in a row that could not be believed or surprised.
    looks : int
        At a held load, readings in a row by which the leg cannot go on; on an isobar, readings of a suspected fall.
    held_s : float
        When the ramp was held [s]; NaN while it is not.
    near_s : float
        When the ramp, not held since, came near its temperature [s]; NaN before.
    arrived_s : float
        When the temperature was reached [s]; NaN before.
    cause : AbortCause
        Why it ended early; it means nothing before.
    reason : str
        Why it ended early, or why the ramp is held, for people.
    paused_by_request : bool
        True until a person continues.
    """

    goal: HeatingGoal
    estimate: AnyEstimate | None = None
    shown: AnyEstimate | None = None
    recent: tuple[PressureReading, ...] = ()
    phase: HeatingPhase = HeatingPhase.READY
    doubted: PressureReading | None = None
    doubts: int = 0
    looks: int = 0
    held_s: float = math.nan
    near_s: float = math.nan
    arrived_s: float = math.nan
    cause: AbortCause = AbortCause.STOPPED
    reason: str = ""
    paused_by_request: bool = False


AnyState = TypeVar("AnyState", bound=HeatingState[Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingDecision(Generic[AnyState]):
    """What to do now, what is expected, and the state to go on from."""

    command: Ramp | Hold | Abort
    state: AnyState
    outlook: Outlook = Outlook()
