"""How a pressure is approached: the table ``[approach]`` of a profile, by which the pure step decides."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from lics_beamline.files.strict_toml import Fraction, NotNegative, Positive, Strict


class ApproachSettings(Strict):
    """How a pressure is approached: one side only, by steps that shrink with the distance.

    Parameters
    ----------
    tolerance_gpa, overshoot_gpa, reapproach_gpa : float
        Reached when short of the target by no more than the first; passed when beyond it by more than the second; a
        held pressure is approached again when it falls short by more than the third [GPa].
    step_fraction : float
        Fraction of a large remaining distance that a step may take, 0 to 1.
    gain_gpa_per_bar : float
        Gain usual for this kind of cell [GPa/bar].
    gain_range : tuple of float
        The least and the most that may be true, in units of `gain_gpa_per_bar`. The most is assumed until a lesson.
    smallest_step_bar, largest_step_bar : float
        Bounds of a step [bar].
    silent_below_bar : float
        No cell of this kind answers below this load [bar]: an unloaded one is brought there in one step; 0 if unknown.
    wait_s : float
        Wait after the membrane's own dwell before the next ruby reading [s of experiment].
    most_readings : int
        Readings after which the approach gives up.
    dead_time_s, settle_s : float
        Time after a step before a reading counts, and wait between two readings at one load [s].
    slope_gpa_per_min : float
        A pressure that may drift faster is not settled [GPa/min].
    creep_fraction, creep_s : float
        Creep usual for this kind of cell: part of a rise, 0 to 1, and time constant [s].
    slip_gpa : float
        Largest jump of an ordinary stick-slip [GPa].
    collapse_gpa : float
        A fall on the upstroke at unchanged temperature, confirmed by a second reading, that means a blow-out [GPa].
    stale_s : float
        Age at which a reading is refused, on a heating leg too [s of experiment].
    most_doubts : int
        Unbelievable readings in a row after which the approach aborts, and a heating leg too.
    temperature_band_k : float
        The cell may be this far from the temperature of the point [K]; beyond it no load is moved.
    temperature_jump_k : float
        Change between two readings beyond which the pressure must be read again before it is believed [K].
    load_band_bar : float
        The gas may be this far from the load commanded [bar]; beyond it leaks or somebody else moves it.
    most_gpa_per_min : float
        The slew of the membrane is lowered where the gain would make the pressure change faster [GPa/min].
    budget_bar, budget_s : float
        Gas that may be moved within a time [bar, s].
    """

    tolerance_gpa: Positive = 0.03
    overshoot_gpa: Positive = 0.05
    reapproach_gpa: Positive = 0.15
    step_fraction: Fraction = 0.9
    gain_gpa_per_bar: Positive = 0.22
    gain_range: tuple[Positive, Positive] = (0.1, 3.3)
    smallest_step_bar: Positive = 0.02
    largest_step_bar: Positive = 6.0
    silent_below_bar: NotNegative = 0.0
    wait_s: NotNegative = 0.0
    most_readings: Annotated[int, Field(ge=1)] = 60
    dead_time_s: NotNegative = 60.0
    settle_s: Positive = 75.0
    slope_gpa_per_min: Positive = 0.01
    creep_fraction: Fraction = 0.12
    creep_s: Positive = 240.0
    slip_gpa: Positive = 0.04
    collapse_gpa: Positive = 0.5
    stale_s: Positive = 150.0
    most_doubts: Annotated[int, Field(ge=1)] = 4
    temperature_band_k: Positive = 5.0
    temperature_jump_k: Positive = 5.0
    load_band_bar: Positive = 0.3
    most_gpa_per_min: Positive = 0.5
    budget_bar: Positive = 12.0
    budget_s: Positive = 600.0

    @model_validator(mode="after")
    def _limits_rise(self) -> ApproachSettings:
        if self.gain_range[0] >= self.gain_range[1]:
            raise ValueError(f"gain_range = {list(self.gain_range)}: the lower limit must be below the upper one")
        if self.smallest_step_bar > self.largest_step_bar:
            raise ValueError(
                f"smallest_step_bar = {self.smallest_step_bar} is above largest_step_bar = {self.largest_step_bar}"
            )
        return self

    @property
    def gain_limits_gpa_per_bar(self) -> tuple[float, float]:
        """The least and the most that a bar may do to this kind of cell [GPa/bar]."""
        least, most = self.gain_range
        return least * self.gain_gpa_per_bar, most * self.gain_gpa_per_bar

    @property
    def steepest_gain_gpa_per_bar(self) -> float:
        """The most that a bar may ever change the pressure of this kind of cell [GPa/bar]."""
        return self.gain_limits_gpa_per_bar[1]
