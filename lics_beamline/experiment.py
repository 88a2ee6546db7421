"""An experiment file: what is in the cell, how it is exposed, and the path that is walked. Read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from lics_beamline.control.condition import FIRST_STEP_TO_WITHIN
from lics_beamline.control.exposure import Exposure
from lics_beamline.control.path import (
    MOST_LEGS,
    MOST_POINTS,
    AnyLeg,
    HeatingLeg,
    HoldLeg,
    HuntLeg,
    Leg,
    Name,
    Point,
    PressureLeg,
    asked_points,
)
from lics_beamline.files.strict_toml import Positive, Strict, load, validate
from lics_beamline.physics.ruby_chip import RubyChip

MOST_TITLE_CHARACTERS: Final = 500  # it is one line in lists, figures and start documents
MOST_COMPOSITION_CHARACTERS: Final = 200  # a formula
MOST_PHASES: Final = 100


class Sample(Strict):
    """What is in the cell.

    Parameters
    ----------
    name : str
        By which its runs are found.
    composition : str
        Chemical formula: ``LiCs``.
    phases : tuple of str
        Phases expected of it, for people; what is sought stands in the recipe.
    """

    name: Name
    composition: Annotated[str, Field(max_length=MOST_COMPOSITION_CHARACTERS)]
    phases: Annotated[tuple[Name, ...], Field(max_length=MOST_PHASES)] = ()


class Cell(Strict):
    """The diamond-anvil cell.

    Parameters
    ----------
    kind : str
        What it is, for people.
    culet_um : float
        Diameter of the culets [um].
    """

    kind: Name
    culet_um: Positive


class Gasket(Strict):
    """The gasket between the anvils.

    Parameters
    ----------
    material : str
        Chemical symbol: ``Re``.
    """

    material: Name


class Experiment(Strict):
    """An experiment file: what is in the cell, how it is exposed, and the path.

    Parameters
    ----------
    title : str
        What the sweep is for, in a line.
    operator, proposal : str
        Who answers for it, and under which proposal; empty ones are warned of.
    sample : Sample
        What is in the cell.
    cell : Cell
        The diamond-anvil cell.
    gasket : Gasket
        Between the anvils.
    ruby_chip : RubyChip, optional
        The chip in this cell, where it was read at ambient before loading; the recipe has none for it.
    exposure : Exposure
        How a plate is exposed.
    legs : tuple of Leg
        The path, in its order.
    """

    title: Annotated[str, Field(max_length=MOST_TITLE_CHARACTERS)]
    operator: Name = ""
    proposal: Name = ""
    sample: Sample
    cell: Cell
    gasket: Gasket
    ruby_chip: RubyChip | None = None
    exposure: Exposure
    legs: Annotated[tuple[Leg, ...], Field(min_length=1, max_length=MOST_LEGS)]

    @model_validator(mode="after")
    def _can_be_walked(self) -> Experiment:
        if self.most_points > MOST_POINTS:
            raise ValueError(
                f"legs have {self.most_points} points together, and {MOST_POINTS} are the most of one path. "
                "Ask for fewer, or make several experiments"
            )
        return self

    def points(self) -> tuple[Point, ...]:
        """Return the points of the path in order; of a leg that ends by what is seen, those to reckon with."""
        return tuple(
            Point(index=index, leg=leg, pressure_gpa=pressure_gpa, temperature_k=temperature_k)
            for index, (leg, pressure_gpa, temperature_k) in enumerate(
                (leg, *asked) for leg in self.legs for asked in asked_points(leg)
            )
        )

    @property
    def looks(self) -> int:
        """How many looks the path takes, by which exposures are chosen; 0 where they last a fixed time."""
        if self.exposure.dose is None:
            return 0
        return len(self.points()) if self.exposure.dose.each == "point" else len(self.legs)

    @property
    def most_points(self) -> int:
        """The most points that the path may take: a hunt may need more than those reckoned with."""
        return sum(leg.most_points if isinstance(leg, HuntLeg) else len(tuple(asked_points(leg))) for leg in self.legs)

    @property
    def acts(self) -> bool:
        """Whether a leg acts on what reduced points show."""
        return any(isinstance(leg, HuntLeg) or getattr(leg, "until", None) is not None for leg in self.legs)

    def first(self, points: int) -> Experiment:
        """Return the same experiment with its first `points` points only."""
        legs: list[AnyLeg] = []
        for leg in self.legs:
            if points <= 0:
                break
            if isinstance(leg, PressureLeg):
                shorter: AnyLeg = leg.model_copy(update={"pressures_gpa": leg.pressures_gpa[:points]})
            elif isinstance(leg, HeatingLeg):
                shorter = leg.model_copy(update={"temperatures_k": leg.temperatures_k[:points]})
            elif isinstance(leg, HuntLeg):
                shorter = leg.model_copy(update={"most_points": min(leg.most_points, points)})
            else:
                shorter = leg.model_copy(update={"count": min(leg.count, points)})
            legs.append(shorter)
            points -= sum(1 for _ in asked_points(shorter))
        return self.model_copy(update={"legs": tuple(legs)})

    def rest(self, leg: int, points: int) -> Experiment | None:
        """Return what is left of the path: from one of its legs on, without the first `points` of it; None for nothing.

        Parameters
        ----------
        leg : int
            Index of the leg.
        points : int
            Points of it that are done. A hunt is left whole: how many points it takes nobody knows.
        """
        legs = list(self.legs[leg:])
        if legs and isinstance(legs[0], PressureLeg):
            legs[0] = legs[0].model_copy(update={"pressures_gpa": legs[0].pressures_gpa[points:]})
        elif legs and isinstance(legs[0], HeatingLeg):
            legs[0] = legs[0].model_copy(update={"temperatures_k": legs[0].temperatures_k[points:]})
        elif legs and isinstance(legs[0], HoldLeg):
            legs[0] = legs[0].model_copy(update={"count": legs[0].count - points})
        return self.model_copy(update={"legs": tuple(legs)}) if legs else None

    def ahead_of(self, pressure_gpa: float) -> Experiment | None:
        """Return the path without pressures at its beginning that the cell has reached already; None for nothing.

        Such a point is measured where the cell is: no load goes back for it.

        Parameters
        ----------
        pressure_gpa : float
            Where the cell is [GPa].
        """
        first, *others = self.legs
        if isinstance(first, HuntLeg) and first.sign * (pressure_gpa - first.start_gpa) > 0.0:
            begins_gpa = pressure_gpa + first.sign * FIRST_STEP_TO_WITHIN * first.within_gpa
            if first.sign * (first.last_gpa - begins_gpa) > 0.0:
                others = [first.model_copy(update={"start_gpa": begins_gpa}), *others]
        elif isinstance(first, PressureLeg):
            sign = 1.0 if first.stroke == "upstroke" else -1.0
            ahead = tuple(each for each in first.pressures_gpa if sign * (each - pressure_gpa) > 0.0)
            others = [first.model_copy(update={"pressures_gpa": ahead}), *others] if ahead else others
        else:
            others = [first, *others]
        return self.model_copy(update={"legs": tuple(others)}) if others else None


def read_experiment(path: str | Path) -> Experiment:
    """Read an experiment file.

    Raises
    ------
    ProfileError
        Naming file, key, value and what is allowed.
    """
    return load(Path(path), Experiment)


def experiment_of(start: Mapping[str, Any]) -> Experiment:
    """Return the experiment that the start document of a sweep carries; the ruby chip stands in its recipe.

    Raises
    ------
    ProfileError
        If it carries none.
    """
    kept = ("title", "operator", "proposal", "sample", "cell", "gasket", "exposure")
    values = {key: start[key] for key in kept if key in start} | {"legs": start.get("path", ())}
    return validate(values, Experiment, source=f"start document of {start.get('uid', '')}")
