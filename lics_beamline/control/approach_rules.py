"""How a pressure is approached: the numbers of a profile by which the pure step decides."""

from __future__ import annotations

from dataclasses import dataclass

from lics_beamline.control.cell_estimate import Nature


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How an approach goes.

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
        Age at which a reading is refused [s of experiment].
    most_doubts : int
        Unbelievable readings in a row after which the approach aborts.
    temperature_band_k : float
        The cell may be this far from the temperature of the point [K]; beyond it no load is moved.
    temperature_jump_k : float
        Change between two readings beyond which the pressure must be read again before it is believed [K].
    load_band_bar : float
        The gas may be this far from the load commanded [bar]; beyond it leaks or somebody else moves it.
    slew_bar_per_s, most_gpa_per_min : float
        Slew of the membrane [bar/s], lowered where the gain would make the pressure change faster than the second.
    budget_bar, budget_s : float
        Gas that may be moved within a time [bar, s].
    """

    tolerance_gpa: float
    overshoot_gpa: float
    reapproach_gpa: float
    step_fraction: float
    gain_gpa_per_bar: float
    gain_range: tuple[float, float]
    smallest_step_bar: float
    largest_step_bar: float
    silent_below_bar: float
    most_readings: int
    dead_time_s: float
    settle_s: float
    slope_gpa_per_min: float
    creep_fraction: float
    creep_s: float
    slip_gpa: float
    collapse_gpa: float
    stale_s: float
    most_doubts: int
    temperature_band_k: float
    temperature_jump_k: float
    load_band_bar: float
    slew_bar_per_s: float
    most_gpa_per_min: float
    budget_bar: float
    budget_s: float

    def nature(self) -> Nature:
        """Return what is known of the cell before anything is learned."""
        least, most = (factor * self.gain_gpa_per_bar for factor in self.gain_range)
        return Nature(
            gain_gpa_per_bar=(least, most),
            creep_fraction=self.creep_fraction,
            creep_s=self.creep_s,
            slip_gpa=self.slip_gpa,
            slew_bar_per_s=self.slew_bar_per_s,
            temperature_jump_k=self.temperature_jump_k,
        )
