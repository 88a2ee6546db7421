"""A heating leg: entry, pause, stop, doubt, hold and abort, whatever is held meanwhile; the decision as a pure step.

Two kinds supply what differs: at a held load (``ramp``) the pressure is what comes, at a held pressure (``isobar``) gas
is let out against what heat adds. Both begin with readings of the cell at rest, both hold the ramp over what cannot be
believed, and neither lets a load rise.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Generic

from lics_beamline.control.cell_estimate import PressureReading, trouble_with
from lics_beamline.control.command import Abort, AbortCause, Ramp
from lics_beamline.control.heating import Prior
from lics_beamline.control.heating_state import (
    AnyEstimate,
    AnyState,
    HeatingDecision,
    HeatingGoal,
    HeatingPhase,
    Outlook,
)
from lics_beamline.control.request import Request
from lics_beamline.control.settings import ControlSettings

NEAR_K = 5.0  # thermocouple and heater, each of class 1, may disagree by so much about a temperature (IEC 60584-1)
LAG_TO_SPARE_S = 90.0  # after the time that a ramp needs for the last of it: its lag
ONE_STATE_GPA = 0.05  # readings of the cell at rest that differ by more are not of one state


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingCourse(ABC, Generic[AnyState, AnyEstimate]):
    """How a cell is heated along one leg.

    Parameters
    ----------
    prior : Prior
        What is believed of the cell before the leg.
    settings : ControlSettings
        How a cell is heated, and where it may go.

    Attributes
    ----------
    lets_out_gas : bool
        Whether gas may be on its way out when the leg ends early.
    """

    lets_out_gas: ClassVar[bool]

    prior: Prior
    settings: ControlSettings

    def begin(self, goal: HeatingGoal, *, after: AnyState | None = None) -> AnyState:
        """Return the state of a new ramp; what the ramp before it on this leg has taught is believed.

        Parameters
        ----------
        goal : HeatingGoal
            Temperature, rate and soak that are asked for.
        after : HeatingState, optional
            Where the ramp before ended. An abort stays an abort.
        """
        if after is None:
            return self._fresh(goal)
        if after.phase is HeatingPhase.ABORT:
            return replace(after, goal=goal)
        return replace(
            after,
            goal=goal,
            phase=HeatingPhase.READY,
            doubted=None,
            doubts=0,
            looks=0,
            held_s=math.nan,
            near_s=math.nan,
            arrived_s=math.nan,
            reason="",
        )

    def step(
        self, state: AnyState, reading: PressureReading | None, now_s: float, *, request: Request | None = None
    ) -> HeatingDecision[AnyState]:
        """Decide what to do after one reading.

        Parameters
        ----------
        state : HeatingState
            The ramp so far.
        reading : PressureReading or None
            A pressure, the load and temperature it was read at, and when; None where there was none to be believed.
        now_s : float
            Experiment time now [s].
        request : Request, optional
            What a person asks; a stop is obeyed from every state and is sticky.

        Returns
        -------
        HeatingDecision
            `Ramp` with the ramp on, or with gas to be let out, only after a fresh reading that is believed; a load that
            is commanded is never above the load of now, and at a held load none is.
        """
        decision = self._decide(state, reading, now_s, request=request)
        before, estimate = state.estimate, decision.state.estimate
        outlook = Outlook(
            reading=before.next(reading) if before and reading and reading.is_finite() else None,
            final=estimate.at(state.goal.end_k) if estimate else None,
            slope=estimate.slope() if estimate else None,
            gain=estimate.learned_gain if estimate else None,
        )
        return replace(decision, outlook=outlook)

    def prior_after(self, state: AnyState) -> Prior:
        """Return what is believed of the cell after a leg that ended so, before the next one."""
        return replace(self.prior, coming_gpa=0.0)

    @abstractmethod
    def _fresh(self, goal: HeatingGoal) -> AnyState:
        """Return the state of the first ramp of a leg."""

    @abstractmethod
    def _gas_trouble(self, state: AnyState, reading: PressureReading) -> str:
        """Return why the gas forbids to believe a reading, or nothing."""

    @abstractmethod
    def _rested(self, state: AnyState, reading: PressureReading, now_s: float) -> HeatingDecision[AnyState]:
        """Decide when the readings at rest agree."""

    @abstractmethod
    def _agree(self, first: PressureReading, second: PressureReading, estimate: AnyEstimate) -> bool:
        """Whether two readings that surprise are of one state."""

    @abstractmethod
    def _believe(
        self, state: AnyState, estimate: AnyEstimate, now_s: float, *, jumped: bool
    ) -> HeatingDecision[AnyState]:
        """Decide with a reading that is believed, the newest of an estimate."""

    def _decide(
        self, state: AnyState, reading: PressureReading | None, now_s: float, *, request: Request | None
    ) -> HeatingDecision[AnyState]:
        if state.phase is HeatingPhase.ABORT:
            return HeatingDecision(command=Abort(cause=state.cause, reason=state.reason), state=state)
        if request is Request.STOP:
            said = f"stopped on request at {now_s:.0f} s. Acknowledge, then begin again."
            return self._abort(state, AbortCause.STOPPED, said)
        paused = request is Request.PAUSE or (state.paused_by_request and request is not Request.CONTINUE)
        state = replace(state, paused_by_request=paused)
        estimate: AnyEstimate | None = state.estimate
        last = estimate.newest if estimate else (state.recent[-1] if state.recent else None)
        trouble = trouble_with(reading, now_s, last=last, stale_s=self.settings.approach.stale_s)
        if reading is None or trouble:
            return self._doubt(state, trouble, now_s)
        trouble = self._gas_trouble(state, reading)
        if trouble:
            return self._doubt(state, trouble, now_s)
        if estimate is None:
            return self._before(state, reading, now_s)
        jumped = not estimate.expects(reading)
        if jumped and (state.doubted is None or not self._agree(state.doubted, reading, estimate)):
            said = f"{reading.pressure_gpa:.3f} GPa surprises where {estimate.next(reading)} was expected"
            return self._doubt(replace(state, doubted=reading), said, now_s)
        return self._believe(state, estimate.after(reading, jumped=jumped), now_s, jumped=jumped)

    def _before(self, state: AnyState, reading: PressureReading, now_s: float) -> HeatingDecision[AnyState]:
        """Decide with a reading that is believed, before there is an estimate."""
        return self._look_at_rest(state, reading, now_s)

    def _look_at_rest(self, state: AnyState, reading: PressureReading, now_s: float) -> HeatingDecision[AnyState]:
        """Look at the cell before anything moves until enough readings agree."""
        heating, recent = self.settings.heating, (*state.recent, reading)
        agreed = at_rest(recent)
        if len(agreed) >= heating.first_readings:
            return self._rested(replace(state, recent=agreed), reading, now_s)
        if len(recent) > heating.first_readings + self.settings.approach.most_doubts:
            said = f"{len(recent)} readings at rest do not agree. Look at the ruby."
            return self._abort(state, AbortCause.UNREADABLE, said)
        command = Ramp(on=False, after_s=heating.read_every_s)
        return HeatingDecision(command=command, state=replace(state, recent=recent))

    def _nearing(self, state: AnyState, reading: PressureReading, now_s: float) -> AnyState:
        """Return the state with the time from which the ramp has been near its temperature."""
        if math.isnan(state.near_s) and reading.temperature_k >= state.goal.temperature_k - NEAR_K:
            return replace(state, near_s=now_s)
        return state

    def _is_there(self, state: AnyState, reading: PressureReading, now_s: float) -> bool:
        """Whether a ramp has ended: the temperature is read, or near, and there was time for the rest.

        The thermocouple of the sample is not the heater's own: it may never read the target.
        """
        if state.phase is HeatingPhase.SOAK:
            return True
        reached_k = state.goal.temperature_k - self.settings.heater.tolerance_k
        time_s = 60.0 * NEAR_K / state.goal.ramp_k_per_min + LAG_TO_SPARE_S
        return reading.temperature_k >= reached_k or now_s - state.near_s >= time_s

    def _soaking(self, state: AnyState, now_s: float) -> AnyState:
        """Return the state of a ramp that has ended."""
        arrived_s = now_s if math.isnan(state.arrived_s) else state.arrived_s
        return replace(state, arrived_s=arrived_s, phase=HeatingPhase.SOAK)

    def _doubt(self, state: AnyState, said: str, now_s: float) -> HeatingDecision[AnyState]:
        """Hold ramp and gas, and read again, but not for ever."""
        state = replace(state, doubts=state.doubts + 1)
        if state.doubts > self.settings.approach.most_doubts:
            return self._abort(
                state,
                AbortCause.UNREADABLE,
                f"{said}; {state.doubts} readings in a row. Look at ruby, thermocouple and membrane.",
            )
        return self._hold(state, said, now_s, after_s=0.0 if state.doubts == 1 else None)

    def _hold(
        self, state: AnyState, said: str, now_s: float, *, after_s: float | None = None
    ) -> HeatingDecision[AnyState]:
        """Hold the ramp, for a reason, and read again after a time [s]; after the usual one where none is given."""
        held_s = now_s if math.isnan(state.held_s) else state.held_s
        phase = HeatingPhase.HELD if state.phase is HeatingPhase.RAMP else state.phase
        wait_s = self.settings.heating.read_every_s if after_s is None else after_s
        return HeatingDecision(
            command=Ramp(on=False, after_s=wait_s),
            state=replace(state, phase=phase, held_s=held_s, near_s=math.nan, reason=said),
        )

    def _abort(self, state: AnyState, cause: AbortCause, reason: str) -> HeatingDecision[AnyState]:
        aborted = replace(state, phase=HeatingPhase.ABORT, cause=cause, reason=reason)
        return HeatingDecision(command=Abort(cause=cause, reason=reason), state=aborted)


def at_rest(readings: tuple[PressureReading, ...]) -> tuple[PressureReading, ...]:
    """Return the readings that agree with most of the others: a wild one is left out."""
    return tuple(
        one
        for one in readings
        if 2 * sum(abs(one.pressure_gpa - other.pressure_gpa) < ONE_STATE_GPA for other in readings) > len(readings)
    )
