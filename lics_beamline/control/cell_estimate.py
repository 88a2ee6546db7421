"""What is believed about a cell from its readings: gains, creep, whether it answers, and what it owes from sticking."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from lics_beamline.control.approach_settings import ApproachSettings
from lics_beamline.control.creep import Creep
from lics_beamline.control.gain import BIN_GPA, Gain, LearnedGain
from lics_beamline.control.settings import ControlSettings

STILL_BAR = 0.015  # a load that moved less has not moved: the controller resolves 0.01 bar
ANSWERED_GPA = 0.03  # a change smaller than this is no answer: creep and fit noise reach it
TAUGHT_GPA = 0.025  # a gain from a smaller answer is noise divided by nearly nothing
TAUGHT_BAR = 0.1  # nor from a smaller step: ten times the resolution of the controller
SAME_STATE_SIGMAS = 4.0  # standard deviations which two readings of one state differ by, hardly ever


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureReading:
    """What one ruby reading said.

    Parameters
    ----------
    time_s : float
        When the spectrum was begun [s of experiment].
    load_bar : float
        Gas pressure in the membrane [bar].
    pressure_gpa, sigma_gpa : float
        Pressure of the sample and its statistical standard deviation [GPa].
    temperature_k : float
        Temperature that the pressure was corrected at [K].
    supply_bar : float
        Gas supply [bar]; NaN where the controller does not tell.
    """

    time_s: float
    load_bar: float
    pressure_gpa: float
    sigma_gpa: float
    temperature_k: float
    supply_bar: float = math.nan

    def is_finite(self) -> bool:
        """Whether everything a load may rest on is a number."""
        return all(
            map(
                math.isfinite,
                (self.time_s, self.load_bar, self.pressure_gpa, self.sigma_gpa, self.temperature_k),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEstimate:
    """What is believed about the cell after a reading.

    Parameters
    ----------
    direction : int
        +1 on the upstroke, -1 on the downstroke.
    gains : LearnedGain
        Gains learned on both strokes.
    last : PressureReading or None
        The newest reading believed.
    before_gpa : float
        Pressure of the reading believed before it; NaN where there is none of the same temperature [GPa].
    creep : Creep
        Where the pressure will end at the present load.
    moving : bool
        True once the pressure has answered in this direction: the dead band of friction is crossed.
    rest_gpa : float
        Pressure before the dead band, which an answer must exceed [GPa].
    teacher : PressureReading or None
        The reading from which the next lesson counts.
    taught_from_gpa : float
        Where the pressure would have ended at the teacher's load [GPa].
    owed_gpa : float
        What the cell lags behind as if it stuck; it may come with the next step [GPa, positive in the direction].
    skipped : int
        Sense of the surprise for which the last lesson was skipped, +1 or -1; 0 when it was not.
    looks : int
        How many readings have been taken at this load.
    slipped : bool
        Whether this reading surprised by more than gain and noise explain.
    """

    direction: int
    gains: LearnedGain = field(default_factory=LearnedGain)
    last: PressureReading | None = None
    before_gpa: float = math.nan
    creep: Creep = field(default_factory=lambda: Creep.over(math.nan))
    moving: bool = False
    rest_gpa: float = math.nan
    teacher: PressureReading | None = None
    taught_from_gpa: float = math.nan
    owed_gpa: float = 0.0
    skipped: int = 0
    looks: int = 0
    slipped: bool = False

    def turned(self, direction: int) -> CellEstimate:
        """Return the estimate for going on in a direction: after a reversal the dead band lies ahead again."""
        if direction == self.direction:
            return self
        resting_gpa = math.nan
        if self.last is not None:  # what still creeps is no answer to the load
            resting_gpa = direction * max(direction * self.last.pressure_gpa, direction * self.creep.end_gpa)
        return replace(
            self, direction=direction, moving=False, rest_gpa=resting_gpa, teacher=None, owed_gpa=0.0, skipped=0
        )

    def gain(self, pressure_gpa: float) -> Gain | None:
        """Return the gain believed halfway from here to a pressure [GPa], None before any lesson."""
        return self.gains.at(0.5 * (self.creep.end_gpa + pressure_gpa), self.direction)

    def most_gpa_per_bar(self, pressure_gpa: float, approach: ApproachSettings) -> float:
        """Return the gain that a step from here towards a pressure [GPa] must allow for [GPa/bar]."""
        most = self.gains.most_between(self.creep.end_gpa, pressure_gpa, self.direction)
        return min(most, approach.steepest_gain_gpa_per_bar)

    def knows(self, pressure_gpa: float) -> bool:
        """Whether this stroke has taught a gain near a pressure [GPa]."""
        return self.gains.distance_gpa(pressure_gpa, self.direction) <= BIN_GPA

    def follows(self, reading: PressureReading, approach: ApproachSettings) -> bool:
        """Whether a reading is of the same cell at the same temperature as the last one."""
        return self.last is not None and abs(reading.temperature_k - self.last.temperature_k) <= (
            approach.temperature_jump_k
        )

    def expects(self, reading: PressureReading, settings: ControlSettings) -> bool:
        """Whether a reading's pressure lies where load, gain, creep and noise can have brought the last one."""
        approach = settings.approach
        if self.last is None or not self.follows(reading, approach):
            return False
        moved_bar = max(self.direction * (reading.load_bar - self.last.load_bar), 0.0)
        if self.moving and moved_bar >= STILL_BAR and self.gain(reading.pressure_gpa) is None:
            return False  # what first teaches a gain is looked at twice: nothing else checks it
        low_gpa, high_gpa = (
            self._later(rise_gpa, self.last, reading, settings).pressure_gpa(approach.creep_fraction)
            for rise_gpa in self._rises(moved_bar, reading.pressure_gpa, approach)
        )
        margin_gpa = SAME_STATE_SIGMAS * math.hypot(reading.sigma_gpa, self.last.sigma_gpa) + 0.01
        margin_gpa += 0.7 * abs(self.creep.coming_gpa(approach.creep_fraction))  # creep of another fraction or time
        low_gpa, high_gpa = min(low_gpa, high_gpa) - margin_gpa, max(low_gpa, high_gpa) + margin_gpa
        return low_gpa <= reading.pressure_gpa <= high_gpa

    def after(self, reading: PressureReading, settings: ControlSettings) -> CellEstimate:
        """Return the estimate after a reading that is believed."""
        if self.last is None or not self.follows(reading, settings.approach):
            return replace(
                self,
                last=reading,
                before_gpa=math.nan,
                creep=Creep.over(reading.pressure_gpa),
                moving=False,
                rest_gpa=reading.pressure_gpa,
                teacher=None,
                owed_gpa=0.0,
                skipped=0,
                looks=1,
                slipped=False,
            )
        moved_bar = self.direction * (reading.load_bar - self.last.load_bar)
        if moved_bar < STILL_BAR:
            watched = self._watched(self.last, reading, settings)
            return replace(watched, before_gpa=self.last.pressure_gpa, looks=self.looks + 1)
        answer_gpa = self.direction * (reading.pressure_gpa - self.rest_gpa)
        noise_gpa = 3.0 * math.hypot(reading.sigma_gpa, self.last.sigma_gpa)
        if not self.moving and answer_gpa < ANSWERED_GPA + noise_gpa:
            return replace(self._watched(self.last, reading, settings), before_gpa=self.last.pressure_gpa, looks=1)
        return replace(self._answered(self.last, reading, settings), before_gpa=self.last.pressure_gpa, looks=1)

    def _rises(self, moved_bar: float, pressure_gpa: float, approach: ApproachSettings) -> tuple[float, float]:
        """Return the least and the most that the pressure may have risen in the direction [GPa]."""
        gain = self.gain(pressure_gpa)
        most_gpa = moved_bar * self.most_gpa_per_bar(pressure_gpa, approach) + self.owed_gpa
        if not self.moving or gain is None:
            return 0.0, 0.0  # any answer that ends the dead band is worth a second look
        # A reading that falls short would make the next step larger: it is looked at again sooner than one beyond.
        expected_gpa = moved_bar * gain.gpa_per_bar
        slip_gpa = approach.slip_gpa if moved_bar >= STILL_BAR else 0.0
        least_gpa = expected_gpa - slip_gpa - min(2.0 * gain.error * expected_gpa, slip_gpa)
        return least_gpa, most_gpa + slip_gpa

    def _later(
        self, rise_gpa: float, last: PressureReading, reading: PressureReading, settings: ControlSettings
    ) -> Creep:
        return self.creep.later(
            self.creep.end_gpa + self.direction * rise_gpa,
            moving_s=abs(reading.load_bar - last.load_bar) / settings.membrane.slew_bar_per_s,
            elapsed_s=reading.time_s - last.time_s,
            creep_s=settings.approach.creep_s,
        )

    def _watched(self, last: PressureReading, reading: PressureReading, settings: ControlSettings) -> CellEstimate:
        """Return the estimate after a reading of a pressure that no load has moved since the last one."""
        elapsed_s = reading.time_s - last.time_s
        foreseen = self._later(0.0, last, reading, settings)
        foreseen_gpa = foreseen.pressure_gpa(settings.approach.creep_fraction)
        off_gpa = reading.pressure_gpa - foreseen_gpa
        if self.moving and abs(off_gpa) > SAME_STATE_SIGMAS * math.hypot(reading.sigma_gpa, last.sigma_gpa) + 0.01:
            creep = Creep.over(reading.pressure_gpa)  # something else moved it
            return replace(self, last=reading, creep=creep, teacher=None, owed_gpa=0.0, slipped=True, skipped=1)
        creep = self.creep.seen(
            reading.pressure_gpa - last.pressure_gpa,
            foreseen_gpa + 0.5 * off_gpa,  # two readings of one state: their noise averages
            fraction=settings.approach.creep_fraction,
            elapsed_s=elapsed_s,
            creep_s=settings.approach.creep_s,
        )
        return replace(self, last=reading, creep=creep, slipped=False)

    def _answered(self, last: PressureReading, reading: PressureReading, settings: ControlSettings) -> CellEstimate:
        """Return the estimate after a load step that the pressure answered."""
        moved_bar = self.direction * (reading.load_bar - last.load_bar)
        creep = self.creep.read(
            reading.pressure_gpa,
            fraction=settings.approach.creep_fraction,
            moving_s=abs(moved_bar) / settings.membrane.slew_bar_per_s,
            elapsed_s=reading.time_s - last.time_s,
            creep_s=settings.approach.creep_s,
        )
        after = replace(self, last=reading, creep=creep, slipped=False, moving=True)
        gain = self.gain(creep.end_gpa)
        if not self.moving or self.teacher is None or gain is None:
            # The first answer may belong to the last part of a step that crossed the dead band: no gain in it.
            return _taught(after, reading, settings) if self.moving else _teaching(after, reading)
        expected_gpa = moved_bar * gain.gpa_per_bar
        surprise_gpa = self.direction * (creep.end_gpa - self.creep.end_gpa) - expected_gpa
        noise_gpa = 3.0 * math.hypot(reading.sigma_gpa, last.sigma_gpa)
        explained_gpa = 0.3 * settings.approach.slip_gpa + noise_gpa + 1.5 * gain.error * expected_gpa
        paid = surprise_gpa > 0.5 * self.owed_gpa > 0.0
        owed_gpa = 0.0 if paid else 0.5 * self.owed_gpa
        if abs(surprise_gpa) <= explained_gpa:
            after = replace(after, skipped=0, owed_gpa=owed_gpa)
            return _teaching(after, reading) if self.skipped else _taught(after, reading, settings)
        if surprise_gpa < 0.0:
            owed_gpa = min(owed_gpa - surprise_gpa, settings.approach.slip_gpa)
        sense = 1 if surprise_gpa > 0.0 else -1
        after = replace(after, owed_gpa=owed_gpa, slipped=True, skipped=sense)
        doubted = replace(
            after, gains=self.gains.doubted(creep.end_gpa, self.direction, error=surprise_gpa / expected_gpa)
        )
        if self.skipped == sense:  # what goes on surprising in one sense is the cell, not a slip
            return _taught(replace(doubted, skipped=0), reading, settings)
        return _teaching(doubted if sense > 0 else after, reading)


def _teaching(estimate: CellEstimate, reading: PressureReading) -> CellEstimate:
    """Return the estimate whose next lesson counts from a reading."""
    return replace(estimate, teacher=reading, taught_from_gpa=estimate.creep.end_gpa)


def _taught(estimate: CellEstimate, reading: PressureReading, settings: ControlSettings) -> CellEstimate:
    """Return the estimate with the gain between teacher and reading learned, where there is a lesson in it."""
    if estimate.teacher is None:
        return _teaching(estimate, reading)
    answer_gpa = estimate.direction * (estimate.creep.end_gpa - estimate.taught_from_gpa)
    moved_bar = estimate.direction * (reading.load_bar - estimate.teacher.load_bar)
    noise_gpa = math.hypot(reading.sigma_gpa, estimate.teacher.sigma_gpa)
    if answer_gpa < max(TAUGHT_GPA, 3.0 * noise_gpa) or moved_bar < TAUGHT_BAR:
        return estimate
    gains = estimate.gains.learn(
        0.5 * (estimate.taught_from_gpa + estimate.creep.end_gpa),
        estimate.direction,
        moved_bar=moved_bar,
        answer_gpa=answer_gpa,
        error_gpa=math.hypot(noise_gpa, 0.5 * settings.approach.slip_gpa),
        limits_gpa_per_bar=settings.approach.gain_limits_gpa_per_bar,
    )
    return _teaching(replace(estimate, gains=gains), reading)


def trouble_with(reading: PressureReading | None, now_s: float, *, last: PressureReading | None, stale_s: float) -> str:
    """Return why nothing may rest on a reading, or nothing.

    Parameters
    ----------
    reading, last : PressureReading or None
        The reading, and the one believed before it.
    now_s : float
        Experiment time now [s].
    stale_s : float
        How old a reading may be [s of experiment].
    """
    if reading is None:
        return "there is no reading of ruby and temperature"
    if not reading.is_finite():
        return f"{reading} is not finite"
    age_s = now_s - reading.time_s
    if not 0.0 <= age_s <= stale_s:
        return f"the reading is {age_s:.0f} s old, {stale_s:g} s is the limit"
    if last is not None and reading.time_s <= last.time_s:
        return f"the reading of {reading.time_s:.0f} s is not newer than the last, of {last.time_s:.0f} s"
    return ""
