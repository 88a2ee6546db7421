"""What a bar of gas does to a cell: learned in bins of pressure, each gain with how far it may be wrong, and guarded.

A gain learned from two readings that nearly agree, or across a stick-slip, makes the next step far too large or stops
the approach. So a lesson carries its own error, which grows as the answer shrinks, and is weighed against what is
believed already; and no lesson moves an estimate far at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

BIN_GPA = 0.5  # width of a bin; gains of cells change by some percent over it
DRIFT_PER_GPA = 0.1  # relative error of a gain carried over 1 GPa along the trend; a choice
LEAST_GAIN_ERROR = 0.05  # relative error below which no number of lessons is believed: curvature within a bin
LESSON_ERROR = 0.07  # relative error of a lesson from a large answer: creep not over, friction growing with load
UNLOADING_GAIN_RATIO = 1.12  # unloading answers more than loading, because friction grows with load ...
OTHER_STROKE_ERROR = 0.15  # ... and how far that may be wrong
USUAL_TREND_PER_GPA = 0.1  # per GPa: standard deviation of the trend of ln(gain) with pressure over cells; a choice
STEEPEST_TREND_PER_GPA = 0.4  # per GPa: no trend beyond this is believed
MOST_GAIN_FACTOR = 2.0  # one lesson changes a gain by this factor at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A gain and its error.

    Parameters
    ----------
    gpa_per_bar : float
        Change of the sample's pressure with the load [GPa/bar].
    error : float
        Relative standard deviation of it.
    """

    gpa_per_bar: float
    error: float

    def at_most(self) -> float:
        """Return the gain that is hardly exceeded [GPa/bar]: 1.5 standard deviations above."""
        return self.gpa_per_bar * (1.0 + 1.5 * self.error)

    def weighed(self, lesson: Gain) -> Gain:
        """Return this gain with a lesson weighed in by the inverse squares of the errors.

        What a lesson says beyond the factor that one may change a gain by is not believed, but it is doubt.
        """
        near = min(max(lesson.gpa_per_bar, self.gpa_per_bar / MOST_GAIN_FACTOR), self.gpa_per_bar * MOST_GAIN_FACTOR)
        weight = self.error**2 / (self.error**2 + lesson.error**2)
        gpa_per_bar = self.gpa_per_bar + weight * (near - self.gpa_per_bar)
        beyond = weight * abs(lesson.gpa_per_bar - near) / gpa_per_bar
        return Gain(gpa_per_bar=gpa_per_bar, error=max(self.error * math.sqrt(1.0 - weight), LEAST_GAIN_ERROR, beyond))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a bin of pressure has taught in one direction.

    Parameters
    ----------
    direction : int
        +1 on the upstroke, -1 on the downstroke.
    pressure_gpa : float
        Where it was taught last [GPa]; its bin is that of this pressure.
    gain : Gain
        Gain believed in this bin of pressure.
    """

    direction: int
    pressure_gpa: float
    gain: Gain

    def is_of(self, pressure_gpa: float, direction: int) -> bool:
        """Whether a pressure and direction fall into this bin."""
        same = math.floor(pressure_gpa / BIN_GPA) == math.floor(self.pressure_gpa / BIN_GPA)
        return same and direction == self.direction

    def carried(self, pressure_gpa: float, direction: int, trend_per_gpa: float) -> Gain:
        """Return the gain that this lesson suggests at another pressure [GPa] or for the other stroke."""
        away_gpa = pressure_gpa - self.pressure_gpa
        stroke = 0 if direction == self.direction else -direction
        error = math.hypot(DRIFT_PER_GPA * away_gpa, OTHER_STROKE_ERROR * stroke, self.gain.error)
        factor = math.exp(trend_per_gpa * away_gpa) * UNLOADING_GAIN_RATIO**stroke
        return Gain(gpa_per_bar=self.gain.gpa_per_bar * factor, error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedGain:
    """Gains of one cell by direction and pressure.

    Parameters
    ----------
    lessons : tuple of Lesson
        One a direction and bin.
    """

    lessons: tuple[Lesson, ...] = ()

    def at(self, pressure_gpa: float, direction: int) -> Gain | None:
        """Return the gain believed at a pressure [GPa], from the bin that knows best; None before any lesson.

        The error grows with the distance to the bin, and where it was the other stroke that taught.
        """
        trend = self._trend_per_gpa()
        carried = (lesson.carried(pressure_gpa, direction, trend) for lesson in self.lessons)
        return min(carried, key=lambda gain: gain.error, default=None)

    def most_between(self, from_gpa: float, to_gpa: float, direction: int) -> float:
        """Return the gain that is hardly exceeded anywhere between two pressures [GPa/bar]; infinite if none is known.

        A cell that stiffens with pressure answers more the further it is unloaded. Where the other stroke has taught a
        gain nearby, no less than that is allowed for: a hot cell's gain bends, and this stroke has not been there.
        """
        if not self.lessons:
            return math.inf
        steps = math.ceil(abs(to_gpa - from_gpa) / BIN_GPA) + 1
        places_gpa = [from_gpa + (to_gpa - from_gpa) * n / steps for n in range(steps + 1)]
        found = (self.at(place_gpa, direction) for place_gpa in places_gpa)
        most = max((gain.at_most() for gain in found if gain is not None), default=math.inf)
        return max([most, *(self._of_other_stroke(place_gpa, direction) for place_gpa in places_gpa)])

    def distance_gpa(self, pressure_gpa: float, direction: int) -> float:
        """Return how far the nearest lesson of this direction lies from a pressure [GPa]; infinite if there is none."""
        own = (abs(one.pressure_gpa - pressure_gpa) for one in self.lessons if one.direction == direction)
        return min(own, default=math.inf)

    def learn(
        self,
        pressure_gpa: float,
        direction: int,
        *,
        moved_bar: float,
        answer_gpa: float,
        error_gpa: float,
        limits_gpa_per_bar: tuple[float, float],
    ) -> LearnedGain:
        """Return these gains with one lesson more.

        Parameters
        ----------
        pressure_gpa : float
            Middle of the lesson [GPa].
        direction : int
            +1 or -1.
        moved_bar, answer_gpa : float
            How far load and pressure went, both positive in the direction [bar, GPa].
        error_gpa : float
            How far the answer may be wrong: noise, a stick-slip [GPa].
        limits_gpa_per_bar : tuple of float
            What may be believed at all [GPa/bar].
        """
        low, high = limits_gpa_per_bar
        lesson = Gain(
            gpa_per_bar=min(max(answer_gpa / moved_bar, low), high),
            error=math.hypot(LESSON_ERROR, error_gpa / answer_gpa),
        )
        before = self.at(pressure_gpa, direction)
        return self._with(pressure_gpa, direction, lesson if before is None else before.weighed(lesson))

    def doubted(self, pressure_gpa: float, direction: int, *, error: float) -> LearnedGain:
        """Return these gains with the one at a pressure [GPa] in doubt by a relative error at least."""
        gain = self.at(pressure_gpa, direction)
        if gain is None:
            return self
        return self._with(pressure_gpa, direction, replace(gain, error=max(gain.error, abs(error))))

    def _with(self, pressure_gpa: float, direction: int, gain: Gain) -> LearnedGain:
        kept = tuple(one for one in self.lessons if not one.is_of(pressure_gpa, direction))
        return replace(self, lessons=(*kept, Lesson(direction=direction, pressure_gpa=pressure_gpa, gain=gain)))

    def _of_other_stroke(self, pressure_gpa: float, direction: int) -> float:
        """Return the gain that the other stroke taught near a pressure [GPa], as of this one [GPa/bar]; 0 if none."""
        near = (one for one in self.lessons if one.direction != direction)
        lesson = min(near, key=lambda one: abs(one.pressure_gpa - pressure_gpa), default=None)
        if lesson is None or abs(lesson.pressure_gpa - pressure_gpa) > BIN_GPA:
            return 0.0
        return lesson.carried(lesson.pressure_gpa, direction, 0.0).gpa_per_bar

    def _trend_per_gpa(self) -> float:
        """Return how ln(gain) changes with pressure [1/GPa]: least squares over the bins, drawn towards no trend."""
        over, under = 0.0, 1.0 / USUAL_TREND_PER_GPA**2
        for direction in (1, -1):
            own = [one for one in self.lessons if one.direction == direction]
            weights = [1.0 / one.gain.error**2 for one in own]
            total = sum(weights)
            for weight, one in zip(weights, own, strict=True):
                away = one.pressure_gpa - sum(w * o.pressure_gpa for w, o in zip(weights, own, strict=True)) / total
                over += weight * away * math.log(one.gain.gpa_per_bar)
                under += weight * away**2
        return min(max(over / under, -STEEPEST_TREND_PER_GPA), STEEPEST_TREND_PER_GPA)
