"""What a path will do before it is walked: load, pressure and temperature against time, with what they may be off by.

On a pressure leg the loop closes on ruby, so the pressure is what is asked for and the load is the prediction. On a
heating leg the load is held, so the pressure is the prediction; on an isobar the gas that has to go out is. All rest on
the cell model of the profile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.cell_model import TERMS, CellModel, Grip
from lics_beamline.control.exposure import Exposure
from lics_beamline.control.ladder import DWELL_TIME_CONSTANTS
from lics_beamline.control.path import AnyLeg, HeatingLeg, HoldLeg, HuntLeg, Point
from lics_beamline.control.settings import ControlSettings

MOMENTS_OF_A_MOVE: Final = 12  # moments in which a move is followed: enough to see the dead band in a figure
MOMENTS_OF_A_CROSSING: Final = 4  # of them for the dead band before an isobar, all at one temperature
BELIEVED_GAIN_SHARE: Final = 0.75  # an approach believes this fraction of the gain when it steps; measured on dry runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The cell at one time of the forecast.

    Parameters
    ----------
    time_s : float
        Since the sweep began [s of experiment].
    load_bar, load_sigma_bar : float
        Gas and its standard deviation [bar].
    pressure_gpa, pressure_sigma_gpa : float
        Pressure and its standard deviation [GPa].
    temperature_k : float
        Temperature [K].
    """

    time_s: float
    load_bar: float
    load_sigma_bar: float
    pressure_gpa: float
    pressure_sigma_gpa: float
    temperature_k: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedArrival:
    """One point of the path, as it is expected.

    Parameters
    ----------
    point : Point
        What is asked for.
    before, at : Moment
        How the cell stood before, and where it is measured.
    duration_s : float
        Of the whole point, with exposure and swap of the plates [s of experiment].
    readings : int
        Ruby readings of the approach; 1 where nothing is approached.
    lost_bar : float
        Gas spent in the dead band [bar]; on an isobar before the ramp.
    passed_gpa : float
        How far the cell already is beyond what is asked for, in the direction of the stroke [GPa]; 0 where it is not.
    short_gpa : float
        How far the cell stays from what is asked for, because no load there is makes it [GPa]; 0 where it arrives.
    """

    point: Point
    before: Moment
    at: Moment
    duration_s: float
    readings: int
    lost_bar: float
    passed_gpa: float
    short_gpa: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A whole forecast.

    Parameters
    ----------
    moments : tuple of Moment
        For a figure, in the order of time.
    arrivals : tuple of ExpectedArrival
        One a point.
    """

    moments: tuple[Moment, ...]
    arrivals: tuple[ExpectedArrival, ...]

    @property
    def duration_s(self) -> float:
        """Expected duration [s of experiment]."""
        return math.fsum(arrival.duration_s for arrival in self.arrivals)

    def heating(self) -> tuple[ExpectedArrival, ...]:
        """Return the points of heating legs: their pressure is predicted."""
        return tuple(each for each in self.arrivals if isinstance(each.point.leg, HeatingLeg))


def forecast(
    points: Sequence[Point],
    *,
    settings: ControlSettings,
    exposure: Exposure,
    begins: PressureReading | None = None,
    ahead: Sequence[Sequence[Point]] = (),
) -> Track:
    """Walk a path in thought.

    Parameters
    ----------
    points : sequence of Point
        The path.
    settings : ControlSettings
        What the cell is expected to do, and how fast things go.
    exposure : Exposure
        How plates are exposed; where by dose, with the looks.
    begins : PressureReading, optional
        The cell as it was found; default as loaded, with no gas.
    ahead : sequence of sequences of Point
        Paths that are walked before, each of which ends as a sweep does: the gas is held, the heater goes down. One
        without points stands for a sweep that has ended already.
    """
    model = settings.cell_model

    def begun(cell: CellModel) -> _Walk:
        walk = _Walk(cell, settings=settings, exposure=exposure, begins=begins)
        for path in ahead:
            for point in path:
                walk.point(point)
            walk.end()
        return walk

    walk = begun(model)
    nominal = [walk.point(point) for point in points]
    other = []
    for term in TERMS:
        doubted = begun(model.doubted(term))
        for point in points:
            doubted.point(point)
        other.append(doubted.moments)
    moments = []
    for index, moment in enumerate(walk.moments):
        load = math.hypot(*(each[index].load_bar - moment.load_bar for each in other))
        pressure = math.hypot(*(each[index].pressure_gpa - moment.pressure_gpa for each in other))
        moments.append(replace(moment, load_sigma_bar=load, pressure_sigma_gpa=pressure))
    arrivals = tuple(
        replace(arrival, before=moments[index * walk.per_point], at=moments[index * walk.per_point + MOMENTS_OF_A_MOVE])
        for index, arrival in enumerate(nominal)
    )
    return Track(moments=tuple(moments), arrivals=arrivals)


class _Walk:
    """A walk in thought with one cell; every point leaves the same number of moments, so that walks can be compared."""

    per_point: Final = MOMENTS_OF_A_MOVE + 1  # the last is the end of the exposure, and the next point's beginning

    def __init__(
        self, model: CellModel, *, settings: ControlSettings, exposure: Exposure, begins: PressureReading | None
    ) -> None:
        self._model, self._settings, self._exposure = model, settings, exposure
        self._grip = Grip(gas_bar=0.0, transmitted_bar=0.0, temperature_k=settings.heater.ambient_k)
        if begins is not None:
            self._grip = Grip(
                gas_bar=begins.load_bar,
                transmitted_bar=model.transmitted_bar(begins.pressure_gpa, begins.temperature_k),
                temperature_k=begins.temperature_k,
            )
        self._time_s = 0.0
        self._swapped_s = -math.inf
        self._looked_at: AnyLeg | None = None
        self.moments = [self._moment()]

    def end(self) -> None:
        """End a sweep, with the gas held and the heater down; what comes then is the first of another."""
        ambient_k = self._settings.heater.ambient_k
        self._grip = self._model.moved(self._grip, gas_bar=self._grip.gas_bar, temperature_k=ambient_k)
        self._time_s, self._swapped_s, self._looked_at = 0.0, -math.inf, None
        self.moments = [self._moment()]

    def point(self, point: Point) -> ExpectedArrival:
        """Go to a point and measure it."""
        before, settings = self.moments[-1], self._settings
        slew_bar_per_s, tolerance_gpa = settings.membrane.slew_bar_per_s, settings.approach.tolerance_gpa
        to, readings, lost_bar, passed_gpa, short_gpa = self._grip, 1, 0.0, 0.0, 0.0
        going_s, crossing_s, strides, began = 0.0, 0.0, MOMENTS_OF_A_MOVE, len(self.moments)
        if isinstance(point.leg, HeatingLeg):
            rise_k = max(point.temperature_k - to.temperature_k, 0.0)
            going_s = 60.0 * rise_k / point.leg.ramp_rate_k_per_min + settings.heater.dwell_s + point.leg.soak_s
            hot = replace(to, temperature_k=max(point.temperature_k, to.temperature_k))
            to = hot
            if point.leg.hold == "pressure":
                across_bar, bled_bar = self._edge_bar(), self._isobar_bar(point.pressure_gpa, hot.temperature_k)
                to = replace(hot, gas_bar=max(min(bled_bar, across_bar), 0.0))
                lost_bar = self._grip.gas_bar - across_bar
                crossing_s = lost_bar / slew_bar_per_s
                if point.temperature_k == point.leg.temperatures_k[0]:
                    self._stride(replace(self._grip, gas_bar=across_bar), crossing_s, strides=MOMENTS_OF_A_CROSSING)
                strides = MOMENTS_OF_A_MOVE - (len(self.moments) - began)
                reached = self._model.moved(self._grip, gas_bar=to.gas_bar, temperature_k=to.temperature_k)
                reached_gpa = self._model.pressure_gpa(reached.transmitted_bar, to.temperature_k)
                short_gpa = abs(reached_gpa - point.pressure_gpa)
        elif isinstance(point.leg, HoldLeg):
            going_s = point.leg.wait_s
        else:
            sign = 1.0 if point.stroke == "upstroke" else -1.0
            way_gpa = sign * (point.pressure_gpa - before.pressure_gpa)
            passed_gpa = max(-way_gpa, 0.0)
            if way_gpa > tolerance_gpa:
                to = self._towards(point)
                way_bar = abs(to.gas_bar - self._grip.gas_bar)
                reached = self._model.moved(self._grip, gas_bar=to.gas_bar, temperature_k=to.temperature_k)
                reached_gpa = self._model.pressure_gpa(reached.transmitted_bar, to.temperature_k)
                short_gpa = max(sign * (point.pressure_gpa - reached_gpa), 0.0)
                lost_bar = max(way_bar - abs(reached.transmitted_bar - self._grip.transmitted_bar), 0.0)
                readings = 1 + math.ceil(self._steps(way_gpa, way_bar))
                wait_s = settings.approach.wait_s + settings.membrane.dwell_s
                going_s = way_bar / slew_bar_per_s + readings * settings.ruby.reading_s + (readings - 1) * wait_s
            if isinstance(point.leg, HuntLeg):
                going_s += DWELL_TIME_CONSTANTS * point.leg.tau_s
        self._stride(to, going_s, strides=strides)
        at = self.moments[-1]
        arrived_s = self._time_s
        self._look(point)
        self._swapped_s = settings.plate.swapped_s(
            self._time_s + settings.ruby.reading_s + self._exposure.expected_s, last_swap_s=self._swapped_s
        )
        self._time_s = settings.plate.free_s(self._swapped_s)
        measured_s = self._time_s - arrived_s
        self.moments.append(self._moment())
        return ExpectedArrival(
            point=point,
            before=before,
            at=at,
            duration_s=crossing_s + going_s + measured_s,
            readings=readings,
            lost_bar=lost_bar,
            passed_gpa=passed_gpa,
            short_gpa=short_gpa if short_gpa > tolerance_gpa else 0.0,
        )

    def _look(self, point: Point) -> None:
        """Take a look, where exposures are chosen by dose and this point begins what a look holds for."""
        dose = self._exposure.dose
        if dose is None or (dose.each == "leg" and point.leg is self._looked_at):
            return
        self._looked_at = point.leg
        plates = self._settings.plate
        self._swapped_s = plates.swapped_s(self._time_s + dose.look_s, last_swap_s=self._swapped_s)
        self._time_s = self._swapped_s + plates.read_s

    def _towards(self, point: Point) -> Grip:
        """Return gas and temperature that make the pressure of a point; no gas is below 0 bar."""
        transmitted_bar = self._model.transmitted_bar(point.pressure_gpa, self._grip.temperature_k)
        gas_bar = self._model.gas_bar(transmitted_bar, self._grip.temperature_k, rising=point.stroke == "upstroke")
        return replace(self._grip, gas_bar=max(gas_bar, 0.0))

    def _steps(self, way_gpa: float, way_bar: float) -> float:
        """Return how many load steps an approach takes: large ones on the way, then each a fraction of what is left."""
        approach = self._settings.approach
        shrink = -math.log(1.0 - min(BELIEVED_GAIN_SHARE * approach.step_fraction, 0.95))
        closing_bar = approach.largest_step_bar / max(approach.step_fraction, 0.05)
        far = max(way_bar - closing_bar, 0.0) / approach.largest_step_bar
        near_gpa = min(way_gpa, closing_bar * self._model.gain_at(0.0))
        return far + math.log(max(near_gpa / approach.tolerance_gpa, 1.0)) / shrink

    def _edge_bar(self) -> float:
        """Return the load, no higher than that of now, below which the cell answers to gas that is let out [bar]."""
        grip = self._grip
        edge_bar = self._model.gas_bar(grip.transmitted_bar, grip.temperature_k, rising=False)
        return max(min(edge_bar, grip.gas_bar), 0.0)

    def _isobar_bar(self, pressure_gpa: float, temperature_k: float) -> float:
        """Return the load that holds a pressure [GPa] on the way down at a temperature [K]; below 0 where none does."""
        transmitted_bar = self._model.transmitted_bar(pressure_gpa, temperature_k)
        return self._model.gas_bar(transmitted_bar, temperature_k, rising=False)

    def _stride(self, to: Grip, going_s: float, *, strides: int) -> None:
        start, begun_s = self._grip, self._time_s
        for stride in range(1, strides + 1):
            part = stride / strides
            self._grip = self._model.moved(
                self._grip,
                gas_bar=start.gas_bar + part * (to.gas_bar - start.gas_bar),
                temperature_k=start.temperature_k + part * (to.temperature_k - start.temperature_k),
            )
            self._time_s = begun_s + part * going_s
            self.moments.append(self._moment())

    def _moment(self) -> Moment:
        return Moment(
            time_s=self._time_s,
            load_bar=self._grip.gas_bar,
            load_sigma_bar=0.0,
            pressure_gpa=self._model.pressure_gpa(self._grip.transmitted_bar, self._grip.temperature_k),
            pressure_sigma_gpa=0.0,
            temperature_k=self._grip.temperature_k,
        )
