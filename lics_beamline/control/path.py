"""A path through pressure and temperature, as data: legs of points."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from lics_beamline.control.condition import FIRST_STEP_TO_WITHIN, Hunted, condition, hunted
from lics_beamline.files.strict_toml import Strict

# What a path may ask for: beyond it a file is mistaken, and would be reckoned with for hours before a rule says so.
MOST_LEGS: Final = 1000
MOST_POINTS: Final = 10_000  # of a path; at five minutes a point that is five weeks
MOST_GPA: Final = 1000.0  # no diamond has held more
MOST_KELVIN: Final = 5000.0  # no cell is heated further
LEAST_WITHIN_GPA: Final = 1e-4  # ruby reads to a hundred times that at best
LONGEST_WAIT_S: Final = 1e6  # of experiment: twelve days
NAME_CHARACTERS: Final = 200  # of a leg's, a sample's; it is printed in lines and tables

GigaPascal = Annotated[float, Field(ge=0.0, le=MOST_GPA)]
Kelvin = Annotated[float, Field(gt=0.0, le=MOST_KELVIN)]
Wait = Annotated[float, Field(ge=0.0, le=LONGEST_WAIT_S)]
Name = Annotated[str, Field(max_length=NAME_CHARACTERS)]


def _is_condition(text: str) -> str:
    condition(text)
    return text


def _is_hunted(text: str) -> str:
    hunted(text)
    return text


Until = Annotated[str, AfterValidator(_is_condition)]


class PressureLeg(Strict):
    """Points at rising or falling pressure and one temperature; the loop is closed on ruby.

    With `until` the leg ends at the first point that meets the condition, or at its last.

    Parameters
    ----------
    kind : {"pressure"}
        Which leg this is.
    name : str
        Its name in documents and figures.
    stroke : {"upstroke", "downstroke"}
        Loading or unloading.
    temperature_k : float
        Temperature of the cell, at the gasket [K].
    pressures_gpa : tuple of float
        Pressures of the sample, one way only [GPa].
    until : str, optional
        What ends the leg early: ``alloy > 0.95`` (of the crystalline sample, in which what no phase explains counts by
        the light of its lines), ``alloy scale < 0.1``, ``alloy lost``, ``new phase``.
    """

    kind: Literal["pressure"]
    name: Name
    stroke: Literal["upstroke", "downstroke"]
    temperature_k: Kelvin
    pressures_gpa: Annotated[tuple[GigaPascal, ...], Field(min_length=1, max_length=MOST_POINTS)]
    until: Until | None = None

    @model_validator(mode="after")
    def _one_sided(self) -> PressureLeg:
        sign = 1 if self.stroke == "upstroke" else -1
        for before, after in pairwise(self.pressures_gpa):
            if sign * (after - before) <= 0:
                raise ValueError(
                    f"pressures_gpa goes from {before} to {after} GPa on the {self.stroke}: a leg goes one way only, "
                    "because the cell has hysteresis. Order the pressures or start another leg"
                )
        return self


class HeatingLeg(Strict):
    """Points at rising temperature: at a held load, where the pressure is what comes, or at a held pressure.

    Parameters
    ----------
    kind : {"heating"}
        Which leg this is.
    name : str
        Its name in documents and figures.
    hold : {"load", "pressure"}
        What is held.
    pressure_gpa : float, optional
        Pressure held by letting gas out [GPa]; only with ``hold = "pressure"``.
    temperatures_k : tuple of float
        Temperatures of the points, rising, at the gasket [K].
    ramp_rate_k_per_min : float
        Ramp between them [K/min].
    soak_s : float
        Wait at a temperature before its point is measured [s of experiment].
    """

    kind: Literal["heating"]
    name: Name
    hold: Literal["load", "pressure"] = "load"
    pressure_gpa: Annotated[float, Field(gt=0.0, le=MOST_GPA)] | None = None
    temperatures_k: Annotated[tuple[Kelvin, ...], Field(min_length=1, max_length=MOST_POINTS)]
    ramp_rate_k_per_min: Annotated[float, Field(gt=0, le=20)]
    soak_s: Wait = 0.0

    @model_validator(mode="after")
    def _rises(self) -> HeatingLeg:
        for before, after in pairwise(self.temperatures_k):
            if after <= before:
                raise ValueError(
                    f"temperatures_k goes from {before} to {after} K: a heating leg only rises. Order the temperatures"
                )
        return self

    @model_validator(mode="after")
    def _holds_one_thing(self) -> HeatingLeg:
        if self.hold == "pressure" and self.pressure_gpa is None:
            raise ValueError(
                'hold = "pressure" needs pressure_gpa, the pressure in GPa to be held by letting gas out. '
                'Give it, or hold = "load"'
            )
        if self.hold == "load" and self.pressure_gpa is not None:
            raise ValueError(
                f"pressure_gpa = {self.pressure_gpa} is held by nothing: at a held load the pressure is what comes. "
                'Leave it out, or say hold = "pressure"'
            )
        return self

    @property
    def isobar_gpa(self) -> float:
        """Pressure that is held [GPa]; NaN where the load is."""
        return math.nan if self.pressure_gpa is None else self.pressure_gpa


class HoldLeg(Strict):
    """Points where the cell is: nothing is moved. The cell as loaded, or the same state watched for a while.

    With `until` it is watched until a point meets the condition, `count` times at most.

    Parameters
    ----------
    kind : {"hold"}
        Which leg this is.
    name : str
        Its name in documents and figures.
    temperature_k : float
        Temperature of the cell, at the gasket [K].
    count : int
        Points to measure, at most.
    wait_s : float
        Time between two of them [s of experiment].
    until : str, optional
        What ends the leg early; as on a leg of pressures.
    """

    kind: Literal["hold"]
    name: Name
    temperature_k: Kelvin
    count: Annotated[int, Field(ge=1, le=MOST_POINTS)] = 1
    wait_s: Wait = 0.0
    until: Until | None = None


class HuntLeg(Strict):
    """A transition looked for on a one-sided ladder of pressures: the median threshold of the sample's grains.

    How many points that takes is not known beforehand.

    Parameters
    ----------
    kind : {"hunt"}
        Which leg this is.
    name : str
        Its name in documents and figures.
    hunt : str
        What is hunted: ``onset of alloy``, ``dissociation of alloy``, ``onset of new phase``.
    stroke : {"upstroke", "downstroke"}
        Loading or unloading.
    temperature_k : float
        Temperature of the cell, at the gasket [K].
    start_gpa : float
        First rung, where nothing has reacted yet [GPa].
    last_gpa : float
        Where the hunt is given up [GPa].
    within_gpa : float
        How well the median threshold is to be known [GPa]; the first steps are twice as large.
    tau_s : float
        Time constant that is expected of the reaction [s of experiment]; it is estimated on the way. 5 to 10 min are
        usual at 298 K.
    most_points : int
        Points after which the hunt is given up.
    """

    kind: Literal["hunt"]
    name: Name
    hunt: Annotated[str, AfterValidator(_is_hunted)]
    stroke: Literal["upstroke", "downstroke"]
    temperature_k: Kelvin
    start_gpa: GigaPascal
    last_gpa: GigaPascal
    within_gpa: Annotated[float, Field(ge=LEAST_WITHIN_GPA, le=MOST_GPA)] = 0.05
    tau_s: Annotated[float, Field(gt=0.0, le=LONGEST_WAIT_S)] = 400.0
    most_points: Annotated[int, Field(ge=1, le=MOST_POINTS)] = 60

    @model_validator(mode="after")
    def _one_sided(self) -> HuntLeg:
        if self.sign * (self.last_gpa - self.start_gpa) <= 0:
            raise ValueError(
                f"last_gpa = {self.last_gpa} does not lie beyond start_gpa = {self.start_gpa} on the {self.stroke}: a "
                "hunt goes one way only, because what has reacted does not go back. Exchange them, or the stroke"
            )
        return self

    @property
    def sign(self) -> int:
        """+1 on the upstroke, -1 on the downstroke."""
        return 1 if self.stroke == "upstroke" else -1

    @property
    def transition(self) -> Hunted:
        """The transition that is hunted."""
        return hunted(self.hunt)

    def rungs_gpa(self) -> tuple[float, ...]:
        """Return a ladder to reckon with [GPa]: rungs as far apart as the first ones, to the last pressure."""
        rungs = max(math.ceil(abs(self.last_gpa - self.start_gpa) / (FIRST_STEP_TO_WITHIN * self.within_gpa) - 1e-9), 1)
        way_gpa = (self.last_gpa - self.start_gpa) / rungs
        return tuple(self.start_gpa + index * way_gpa for index in range(min(rungs + 1, self.most_points)))


AnyLeg = PressureLeg | HeatingLeg | HoldLeg | HuntLeg
Leg = Annotated[AnyLeg, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One (P, T) to be measured.

    Parameters
    ----------
    index : int
        From 0 along the path.
    leg : PressureLeg, HeatingLeg, HoldLeg or HuntLeg
        The leg it belongs to.
    pressure_gpa : float
        Pressure asked for; NaN where the leg holds the load instead.
    temperature_k : float
        Temperature asked for, at the gasket.
    """

    index: int
    leg: AnyLeg
    pressure_gpa: float
    temperature_k: float

    @property
    def stroke(self) -> str:
        """``upstroke``, ``downstroke``, ``heating`` or ``held``."""
        if isinstance(self.leg, PressureLeg | HuntLeg):
            return self.leg.stroke
        return "heating" if isinstance(self.leg, HeatingLeg) else "held"


def asked_points(leg: AnyLeg) -> Iterator[tuple[float, float]]:
    """Yield pressure [GPa] and temperature [K] asked for at each point of a leg."""
    if isinstance(leg, PressureLeg):
        yield from ((pressure_gpa, leg.temperature_k) for pressure_gpa in leg.pressures_gpa)
    elif isinstance(leg, HeatingLeg):
        yield from ((leg.isobar_gpa, temperature_k) for temperature_k in leg.temperatures_k)
    elif isinstance(leg, HuntLeg):
        yield from ((pressure_gpa, leg.temperature_k) for pressure_gpa in leg.rungs_gpa())
    else:
        yield from ((math.nan, leg.temperature_k) for _ in range(leg.count))
