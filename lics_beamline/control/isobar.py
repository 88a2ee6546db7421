"""Heating at a held pressure: the decision as a pure step, and nothing else.

Gas is let out against what heat adds. After loading, friction holds the cell: the first bars let out do nothing, and
whoever lets out more because nothing happens finds the pressure far below when it lets go. So that dead band is crossed
first, at rest and in steps no larger than one may be wrong by. Then gas goes out ahead of the heat by what slope and
gain are believed to be, and where the gas cannot follow it is the ramp that waits. The load never rises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.cell_model import Grip
from lics_beamline.control.command import AbortCause, Hold, Ramp
from lics_beamline.control.gain import OTHER_STROKE_ERROR, UNLOADING_GAIN_RATIO, Gain
from lics_beamline.control.heating import Prior
from lics_beamline.control.heating_leg import ONE_STATE_GPA, HeatingCourse
from lics_beamline.control.heating_state import HeatingDecision, HeatingGoal, HeatingPhase, HeatingState
from lics_beamline.control.isobar_estimate import IsobarEstimate

SURE_BAND_SHARE: Final = (
    0.3  # fraction of the expected dead band that every cell of this kind has: friction 0.5 times the usual
)
STRIDE_GPA: Final = 0.03  # a step across the dead band changes the pressure by no more, should the cell let go in it
LEAST_FALL_GPA: Final = 0.02  # a fall of so much, besides noise, means that the dead band is crossed
SUSPECTED_FALL_SHARE: Final = 0.6  # of it in a single reading: stop and look again
MOST_LOOKS_AT_A_FALL: Final = 3  # looks at a fall that is suspected
TAUGHT_K: Final = 20.0  # heat after which the need of gas is believed
MOST_TAKEN_BACK_GPA: Final = 0.1  # most that one step of gas may take back, by what is believed
LEAST_BLEED_BAR: Final = 0.02  # gas that is not worth a command: twice the resolution of the controller


@dataclass(frozen=True, slots=True, kw_only=True)
class IsobarState(HeatingState[IsobarEstimate]):
    """An isobar under way.

    Parameters
    ----------
    rest_gpa : float
        Pressure before gas was let out; creep may raise it [GPa].
    commanded_bar : float
        Load commanded last [bar]; NaN before any.
    begun_bar : float
        Load at which gas began to be let out [bar]; NaN before.
    begun_k : float
        Temperature at which the ramp began [K]; NaN before.
    """

    rest_gpa: float = math.nan
    commanded_bar: float = math.nan
    begun_bar: float = math.nan
    begun_k: float = math.nan


IsobarDecision = HeatingDecision[IsobarState]


@dataclass(frozen=True, slots=True, kw_only=True)
class IsobarCourse(HeatingCourse[IsobarState, IsobarEstimate]):
    """Heating at a held pressure: the dead band is crossed at rest, then gas goes out against what heat adds."""

    lets_out_gas: ClassVar[bool] = True

    def prior_after(self, state: IsobarState) -> Prior:
        """Return what is believed of the cell after the leg, which has left it at the edge of unloading."""
        rested = replace(self.prior, coming_gpa=0.0)
        return rested if state.estimate is None else replace(rested, edge=-1, gain=state.estimate.gain)

    @property
    def unloading(self) -> Prior:
        """The prior for letting gas out: the other edge of the dead band, and the gain of the other stroke."""
        prior = self.prior
        if prior.edge < 0:
            return prior
        gain = Gain(
            gpa_per_bar=prior.gain.gpa_per_bar * UNLOADING_GAIN_RATIO,
            error=math.hypot(prior.gain.error, OTHER_STROKE_ERROR),
        )
        return replace(prior, gain=gain, edge=-1)

    def _fresh(self, goal: HeatingGoal) -> IsobarState:
        return IsobarState(goal=goal)

    def _gas_trouble(self, state: IsobarState, reading: PressureReading) -> str:
        band_bar = self.settings.approach.load_band_bar
        if reading.load_bar < state.commanded_bar - band_bar:
            return (
                f"the gas is at {reading.load_bar:.2f} bar, below the {state.commanded_bar:.2f} bar commanded "
                f"({band_bar:g} bar is the limit): it leaks, or somebody else moves it"
            )
        last = state.estimate.newest if state.estimate else (state.recent[-1] if state.recent else None)
        if last and reading.load_bar > last.load_bar + band_bar:
            return (
                f"the gas has risen from {last.load_bar:.2f} to {reading.load_bar:.2f} bar ({band_bar:g} bar is "
                "the limit): somebody else moves it"
            )
        return ""

    def _before(self, state: IsobarState, reading: PressureReading, now_s: float) -> IsobarDecision:
        """Look at the cell at rest, then cross the dead band."""
        if state.phase is HeatingPhase.READY:
            return self._look_at_rest(state, reading, now_s)
        surprises = abs(reading.pressure_gpa - _mean_gpa(state.recent[-2:])) > ONE_STATE_GPA
        if surprises and (
            state.doubted is None or abs(state.doubted.pressure_gpa - reading.pressure_gpa) > ONE_STATE_GPA
        ):
            said = f"{reading.pressure_gpa:.3f} GPa surprises after {state.recent[-1].pressure_gpa:.3f} GPa"
            return self._doubt(replace(state, doubted=reading), said, now_s)
        recent = (*state.recent, reading)[-self.settings.heating.first_readings :]
        rest_gpa = max(state.rest_gpa, _mean_gpa(recent))  # creep of the loading before
        state = replace(state, recent=recent, rest_gpa=rest_gpa, doubted=None, doubts=0)
        fell_gpa = rest_gpa - reading.pressure_gpa
        if state.looks == 0 and fell_gpa > SUSPECTED_FALL_SHARE * LEAST_FALL_GPA + 2.0 * reading.sigma_gpa:
            return self._look(replace(state, looks=1), reading)
        if state.looks > 0:
            seen = state.recent[-(state.looks + 1) :]
            fell_gpa = rest_gpa - _mean_gpa(seen)
            if fell_gpa > LEAST_FALL_GPA and state.looks > 1:
                return self._crossed(replace(state, recent=seen, looks=0), now_s)
            if state.looks < MOST_LOOKS_AT_A_FALL and fell_gpa > 0.5 * LEAST_FALL_GPA:
                return self._look(replace(state, looks=state.looks + 1), reading)
        return self._across(replace(state, looks=0), reading, now_s)

    def _rested(self, state: IsobarState, reading: PressureReading, now_s: float) -> IsobarDecision:
        state = replace(state, rest_gpa=_mean_gpa(state.recent), phase=HeatingPhase.CROSS)
        return self._crossed(state, now_s) if self.prior.edge < 0 else self._across(state, reading, now_s)

    def _agree(self, first: PressureReading, second: PressureReading, estimate: IsobarEstimate) -> bool:
        return abs(first.pressure_gpa - second.pressure_gpa) < ONE_STATE_GPA

    def _believe(self, state: IsobarState, estimate: IsobarEstimate, now_s: float, *, jumped: bool) -> IsobarDecision:
        return self._steer(replace(state, estimate=estimate, doubted=None, doubts=0), estimate, now_s)

    def _look(self, state: IsobarState, reading: PressureReading) -> IsobarDecision:
        """Leave the gas where it is and read again."""
        state = replace(state, commanded_bar=reading.load_bar, reason="the pressure may have begun to fall")
        return HeatingDecision(command=self._bleeding(reading.load_bar), state=state)

    def _bleeding(self, to_bar: float) -> Ramp:
        """Return the command to let out gas at rest, and to read again as soon as it is out."""
        slew_bar_per_s = self.settings.membrane.slew_bar_per_s
        return Ramp(on=False, after_s=0.0, bleed_to_bar=to_bar, slew_bar_per_s=slew_bar_per_s)

    def _across(self, state: IsobarState, reading: PressureReading, now_s: float) -> IsobarDecision:
        """Let out the next gas in the dead band: at once what every cell has of it, then a stride at a time."""
        if state.paused_by_request:
            return self._hold(state, "paused on request", now_s)
        began_bar = reading.load_bar if math.isnan(state.begun_bar) else state.begun_bar
        stride_bar = STRIDE_GPA / self.unloading.gain.at_most()
        grip = Grip(gas_bar=began_bar, transmitted_bar=began_bar, temperature_k=reading.temperature_k)
        surely_bar = began_bar - (SURE_BAND_SHARE * self.prior.cell.dead_band_bar(grip) if self.prior.edge > 0 else 0.0)
        to_bar = min(reading.load_bar - stride_bar, max(surely_bar, 0.0))
        floor_bar = self.settings.envelope.load_bar[0]
        if reading.load_bar - floor_bar < LEAST_BLEED_BAR:
            return self._abort(
                state,
                AbortCause.UNREACHABLE,
                f"the gas is at {reading.load_bar:.2f} bar, the lowest that may be, and {reading.pressure_gpa:.3f} GPa "
                "has not answered: nothing is left to let out while heating. Heat at a held load, or from a higher "
                "pressure.",
            )
        to_bar = max(to_bar, floor_bar)
        state = replace(
            state,
            phase=HeatingPhase.CROSS,
            commanded_bar=to_bar,
            begun_bar=began_bar,
            reason="crossing the dead band",
        )
        return HeatingDecision(command=self._bleeding(to_bar), state=state)

    def _crossed(self, state: IsobarState, now_s: float) -> IsobarDecision:
        """Begin to balance heat and gas."""
        reading = state.recent[-1]
        estimate = IsobarEstimate.begin(
            reading,
            self.unloading,
            pressure_gpa=_mean_gpa(state.recent),
            sigma_gpa=math.hypot(reading.sigma_gpa, 0.5 * LEAST_FALL_GPA),
        )
        state = replace(state, estimate=estimate, shown=estimate, begun_k=reading.temperature_k)
        return self._steer(state, estimate, now_s)

    def _steer(self, state: IsobarState, estimate: IsobarEstimate, now_s: float) -> IsobarDecision:
        """Decide with a reading that is believed, the gas at the edge from which it answers."""
        goal, reading, pressure, heating = state.goal, estimate.newest, estimate.pressure, self.settings.heating
        state = self._nearing(state, reading, now_s)
        arrived = self._is_there(state, reading, now_s)
        stops = self._stops(state, estimate, arrived=arrived)
        if stops:
            return self._abort(state, AbortCause.UNREACHABLE, stops)
        above_gpa = pressure.gpa - goal.pressure_gpa
        yields = above_gpa > (heating.band_gpa if math.isnan(state.held_s) else 0.5 * heating.band_gpa)
        on = not yields and not state.paused_by_request
        ahead_s = max(heating.read_every_s, estimate.interval_s)
        heated_k = min(goal.ramp_k_per_min / 60.0 * ahead_s, max(goal.temperature_k - reading.temperature_k, 0.0))
        excess_gpa = above_gpa + (estimate.slope().gpa_per_k * heated_k if on and not arrived else 0.0)
        to_bar = self._bled_bar(state, estimate, excess_gpa, ahead_s)
        if to_bar is not None:
            state = replace(state, commanded_bar=to_bar)
        if arrived:
            state = self._soaking(state, now_s)
            if now_s - state.arrived_s >= goal.soak_s and not yields:
                done = replace(state, phase=HeatingPhase.DONE, held_s=math.nan, reason="")
                return HeatingDecision(command=Hold(), state=done)
        if on:
            phase = state.phase if arrived else HeatingPhase.RAMP
            state = replace(state, held_s=math.nan, reason="", phase=phase)
        else:
            held_s = now_s if math.isnan(state.held_s) else state.held_s
            said = (
                "paused on request"
                if state.paused_by_request
                else f"{pressure.gpa:.3f} GPa is {above_gpa:.3f} GPa above {goal.pressure_gpa:g} GPa, "
                "gas goes out first"
            )
            phase = state.phase if arrived else HeatingPhase.HELD
            state = replace(state, held_s=held_s, near_s=math.nan, reason=said, phase=phase)
            if now_s - held_s > heating.most_held_s and not state.paused_by_request:
                gave_up = f"the ramp was held for {now_s - held_s:.0f} s: {said}. Look at the gas."
                return self._abort(state, AbortCause.GAVE_UP, gave_up)
        command = Ramp(
            on=on or arrived,
            after_s=heating.read_every_s,
            bleed_to_bar=to_bar,
            slew_bar_per_s=self.settings.membrane.slew_bar_per_s,
        )
        return HeatingDecision(command=command, state=state)

    def _bled_bar(
        self, state: IsobarState, estimate: IsobarEstimate, excess_gpa: float, ahead_s: float
    ) -> float | None:
        """Return the load to go down to [bar], None where the gas stays."""
        now_bar = estimate.newest.load_bar
        if excess_gpa <= 0.0:
            # Gas still on its way is stopped here: it was meant for a pressure that is no longer there.
            return now_bar if state.commanded_bar < now_bar - LEAST_BLEED_BAR else None
        bar = min(excess_gpa, MOST_TAKEN_BACK_GPA) / estimate.gain.gpa_per_bar
        bar = min(bar, self.settings.membrane.slew_bar_per_s * ahead_s, MOST_TAKEN_BACK_GPA / estimate.gain.at_most())
        to_bar = max(now_bar - bar, self.settings.envelope.load_bar[0])
        return to_bar if to_bar < now_bar - LEAST_BLEED_BAR else None

    def _stops(self, state: IsobarState, estimate: IsobarEstimate, *, arrived: bool) -> str:
        """Return why the isobar cannot go on, or nothing."""
        goal, pressure, reading, heating = state.goal, estimate.pressure, estimate.newest, self.settings.heating
        limit_gpa, floor_bar = self.settings.envelope.pressure_gpa[1], self.settings.envelope.load_bar[0]
        if pressure.high_gpa(heating.sigmas) > limit_gpa:
            return f"{pressure} has come to the limit of {limit_gpa:g} GPa. Heat from a lower pressure."
        slope, asked = 1e3 * estimate.slope().gpa_per_k, f"{goal.pressure_gpa:g} GPa"
        if pressure.high_gpa(1.0) < goal.pressure_gpa - heating.lost_gpa and (arrived or slope <= 0.0):
            return (
                f"{pressure} is {goal.pressure_gpa - pressure.gpa:.2f} GPa below {asked} (limit {heating.lost_gpa:g} "
                f"GPa), and heat does not bring it back: {slope:.1f} MPa/K at a held load, which never rises while "
                "heating. Heat at a held load, or approach the pressure again."
            )
        needed_bar, final = estimate.needed_bar(goal.end_k, goal.pressure_gpa), estimate.at(goal.end_k)
        taught = reading.temperature_k - state.begun_k >= TAUGHT_K
        if taught and needed_bar + final.sigma_gpa / estimate.gain.gpa_per_bar < floor_bar:
            return (
                f"{asked} at {goal.end_k:.0f} K would need {needed_bar:.1f} bar and {floor_bar:g} bar is the lowest "
                f"there is: {final} is predicted at the {reading.load_bar:.1f} bar of now. Heat less, or hold a higher "
                "pressure."
            )
        return ""


def _mean_gpa(readings: tuple[PressureReading, ...]) -> float:
    return sum(reading.pressure_gpa for reading in readings) / len(readings)
