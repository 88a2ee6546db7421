"""Heating at a held gas load: the decision as a pure step, and nothing else.

Nothing but the heater moves, so nothing but the heater can be held: a pressure that leaves its prediction, or a
prediction that leaves the envelope, stops the ramp while the limit is still ahead. What cannot be read again to be
better ends the leg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.command import AbortCause, Hold, Ramp
from lics_beamline.control.heating import Drift, Prediction
from lics_beamline.control.heating_leg import ONE_STATE_GPA, HeatingCourse
from lics_beamline.control.heating_state import HeatingDecision, HeatingGoal, HeatingPhase, HeatingState

MOST_LOOKS: Final = 2  # readings at a held ramp, after the one that held it, before the leg is given up
INTERVALS_AHEAD: Final = 2.0  # of reading that a ramp must be able to go on for without meeting the limit


@dataclass(frozen=True, slots=True, kw_only=True)
class RampState(HeatingState[Drift]):
    """A ramp at a held load under way; readings are held to what was known when the prediction was last said."""


RampDecision = HeatingDecision[RampState]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLoadCourse(HeatingCourse[RampState, Drift]):
    """Heating with the gas where it is: the load is never commanded."""

    lets_out_gas: ClassVar[bool] = False

    def _fresh(self, goal: HeatingGoal) -> RampState:
        return RampState(goal=goal)

    def _gas_trouble(self, state: RampState, reading: PressureReading) -> str:
        left_bar = state.estimate.readings[0].load_bar if state.estimate else math.nan
        band_bar = self.settings.approach.load_band_bar
        if abs(reading.load_bar - left_bar) > band_bar:
            return (
                f"the gas is at {reading.load_bar:.2f} bar and was left at {left_bar:.2f} bar "
                f"({band_bar:g} bar is the limit): it leaks, or somebody else moves it"
            )
        return ""

    def _rested(self, state: RampState, reading: PressureReading, now_s: float) -> RampDecision:
        first, *others = state.recent
        drift = Drift(prior=self.prior, readings=(first,))
        for one in others:
            drift = drift.after(one)
        return self._go_on(replace(state, estimate=drift, shown=drift), drift, now_s)

    def _agree(self, first: PressureReading, second: PressureReading, estimate: Drift) -> bool:
        """Whether two readings that surprise are of one state, seen against what is expected of each."""
        off_gpa = [reading.pressure_gpa - estimate.next(reading).gpa for reading in (first, second)]
        return abs(off_gpa[0] - off_gpa[1]) < ONE_STATE_GPA

    def _believe(self, state: RampState, estimate: Drift, now_s: float, *, jumped: bool) -> RampDecision:
        shown = estimate if jumped else (state.shown or state.estimate or estimate)
        if jumped:
            state = replace(state, shown=estimate)
        reading, heating = estimate.newest, self.settings.heating
        expected = shown.next(reading)
        left = not abs(reading.pressure_gpa - expected.gpa) <= heating.sigmas * expected.sigma_gpa
        if left and state.doubted is None:
            said = f"{reading.pressure_gpa:.3f} GPa has left the prediction of {expected}"
            return self._doubt(replace(state, estimate=estimate, doubted=reading), said, now_s)
        learned = shown.taught_k() < heating.teach_k <= estimate.taught_k()
        said_anew = estimate if left or learned else state.shown
        state = replace(state, estimate=estimate, shown=said_anew, doubted=None, doubts=0)
        return self._go_on(state, estimate, now_s)

    def _go_on(self, state: RampState, drift: Drift, now_s: float) -> RampDecision:
        """Decide with a reading that is believed."""
        goal, reading, heating = state.goal, drift.newest, self.settings.heating
        limit_gpa = self.settings.envelope.pressure_gpa[1]
        state = self._nearing(state, reading, now_s)
        if self._is_there(state, reading, now_s):
            state = replace(self._soaking(state, now_s), held_s=math.nan, reason="")
            if now_s - state.arrived_s >= goal.soak_s:
                return HeatingDecision(command=Hold(), state=replace(state, phase=HeatingPhase.DONE))
            return HeatingDecision(command=Ramp(on=True, after_s=min(heating.read_every_s, goal.soak_s)), state=state)
        final, soon = drift.at(goal.end_k), self._soon(drift, goal)
        if final.gpa > limit_gpa or soon.high_gpa(heating.sigmas) > limit_gpa:
            worst = final if final.gpa > limit_gpa else soon
            state = replace(state, looks=state.looks + 1)
            said = (
                f"heating on at {reading.load_bar:.1f} bar is predicted to make {worst}, the limit is "
                f"{limit_gpa:.2f} GPa; the ramp is held at {reading.temperature_k:.0f} K and "
                f"{reading.pressure_gpa:.2f} GPa"
            )
            if state.looks > MOST_LOOKS:
                return self._abort(state, AbortCause.UNREACHABLE, f"{said}. Heat less, or from a lower pressure.")
            return self._hold(state, said, now_s)
        state = replace(state, looks=0)
        if state.paused_by_request:
            return self._hold(state, "paused on request", now_s)
        return HeatingDecision(
            command=Ramp(on=True, after_s=heating.read_every_s),
            state=replace(state, phase=HeatingPhase.RAMP, held_s=math.nan, reason=""),
        )

    def _soon(self, drift: Drift, goal: HeatingGoal) -> Prediction:
        """Return what is expected to be read after the time that a ramp must be able to go on for."""
        ahead_s = INTERVALS_AHEAD * self.settings.heating.read_every_s
        now = drift.newest
        temperature_k = min(now.temperature_k + goal.ramp_k_per_min / 60.0 * ahead_s, goal.end_k)
        return drift.soon(temperature_k, now.time_s + ahead_s)
