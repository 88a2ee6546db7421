"""What the rules judge: an experiment, profile and recipe, the forecast, and where it is to be kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from lics_beamline.checks.place import Place
from lics_beamline.control.forecast import ExpectedArrival, Track
from lics_beamline.control.path import HeatingLeg, HuntLeg, Point, PressureLeg
from lics_beamline.experiment import Experiment
from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.profile import Profile, ProfileFile
from lics_beamline.reduction.recipe import Recipe

FORECAST_SIGMAS: Final = 2.0  # standard deviations of a forecast: beyond them a rule refuses, within them it warns


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One experiment to be judged.

    Parameters
    ----------
    experiment : Experiment
        What is to be done.
    profile : Profile
        The beamline as data: how sweeps are walked there.
    recipe : Recipe
        How its runs are reduced.
    track : Track
        What is expected to happen.
    place : Place or None
        Where it is to be recorded; None where nobody said.
    beam_time_h : float
        Hours there are; infinite where nobody said.
    speed : float
        Seconds of experiment in a second of wall clock.
    """

    experiment: Experiment
    profile: Profile
    recipe: Recipe
    track: Track
    place: Place | None = None
    beam_time_h: float = math.inf
    speed: float = 1.0

    @property
    def settings(self) -> ProfileFile:
        """What the profile's file says, table by table."""
        return self.profile.values

    @property
    def points(self) -> tuple[Point, ...]:
        """The path."""
        return self.experiment.points()

    @property
    def pressures_gpa(self) -> tuple[float, ...]:
        """Pressures asked for [GPa]."""
        return tuple(point.pressure_gpa for point in self.points if not math.isnan(point.pressure_gpa))

    @property
    def temperatures_k(self) -> tuple[float, ...]:
        """Temperatures asked for at the gasket [K]."""
        return tuple(point.temperature_k for point in self.points)

    @property
    def heating_legs(self) -> tuple[HeatingLeg, ...]:
        """The legs that heat."""
        return tuple(leg for leg in self.experiment.legs if isinstance(leg, HeatingLeg))

    @property
    def isobars(self) -> tuple[tuple[ExpectedArrival, ...], ...]:
        """The points of each leg that heats at a held pressure, as they are expected."""
        legs = groupby(self.track.heating(), key=lambda arrival: id(arrival.point.leg))
        of_legs = (tuple(arrivals) for _, arrivals in legs)
        return tuple(arrivals for arrivals in of_legs if not math.isnan(arrivals[0].point.pressure_gpa))

    @property
    def pressure_legs(self) -> tuple[PressureLeg, ...]:
        """The legs that go to pressures."""
        return tuple(leg for leg in self.experiment.legs if isinstance(leg, PressureLeg))

    @property
    def hunts(self) -> tuple[HuntLeg, ...]:
        """The legs that hunt a transition."""
        return tuple(leg for leg in self.experiment.legs if isinstance(leg, HuntLeg))

    @property
    def most_loaded(self) -> ExpectedArrival:
        """The point that needs the most gas."""
        return max(self.track.arrivals, key=lambda arrival: arrival.at.load_bar)

    @property
    def most_pressed(self) -> ExpectedArrival:
        """The point of the highest pressure."""
        return max(self.track.arrivals, key=lambda arrival: arrival.at.pressure_gpa)

    @property
    def ruler(self) -> RubyRuler:
        """How pressure will be read."""
        return self.recipe.ruby.ruler()

    def sample_k(self, gasket_k: float) -> float:
        """Temperature of the sample [K] when the gasket's thermocouple reads `gasket_k`."""
        ambient_k = self.settings.heater.ambient_k
        return ambient_k + self.recipe.ruby.gasket_to_sample * (gasket_k - ambient_k)


def named(arrival: ExpectedArrival) -> str:
    """Return how a person finds a point: its number and leg."""
    return f"point {arrival.point.index + 1} of {arrival.point.leg.name!r}"
