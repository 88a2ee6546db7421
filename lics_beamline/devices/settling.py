"""Arriving and staying: the statuses that moves return, judged on ticks of the experiment clock."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from ophyd import Signal
from ophyd.status import DeviceStatus

from lics_beamline.devices.alarm import asked_of, name_of, silence_of, value_of
from lics_beamline.devices.clock import ExperimentClock, clock_trouble
from lics_beamline.errors import DidNotSettle, NotConnected

logger = logging.getLogger(__name__)

PATIENCE_WALL_S: Final = 5.0  # least wall clock for a read-back: on a busy machine an IOC was silent for 1 s


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalCriteria:
    """The criteria by which a quantity has arrived, or never will.

    Parameters
    ----------
    tolerance : float
        Largest distance from the target, in the unit of the quantity.
    dwell_s : float
        Seconds of experiment for which it must stay there.
    stall_s : float
        Seconds of experiment without getting nearer by `tolerance` after which the move is called stalled.
    timeout_s : float
        Seconds of experiment after which waiting ends anyway.
    """

    tolerance: float
    dwell_s: float
    stall_s: float
    timeout_s: float

    def require(self, clock: ExperimentClock, what: str) -> None:
        """Refuse (`ClockTooFast`) durations that `clock` cannot judge."""
        clock.require(self.dwell_s, f"dwell of {what}")
        clock.require(self.stall_s, f"stall time of {what}")
        clock.require(self.timeout_s, f"time-out of {what}")


class Watched(DeviceStatus):
    """A status judged whenever the clock ticks: no thread of its own.

    Parameters
    ----------
    device : ophyd.Device
        The device it belongs to.
    clock : ExperimentClock
        Judges durations.
    signal : ophyd.Signal
        Monitored read-back. Never the signal that is written: ophyd tells its subscribers the value put before the
        instrument has seen it, so a command would confirm itself.
    what : str
        Name of what is waited for, in messages: ``membrane``.

    Attributes
    ----------
    rests : bool
        While true nothing is judged but clock and connection.
    silence_wall_s : float or None
        Seconds of wall clock for which a read-back without value is waited for; None for the patience of the clock.
    """

    silence_wall_s: ClassVar[float | None] = None

    def __init__(self, device: Any, *, clock: ExperimentClock, signal: Signal, what: str) -> None:
        super().__init__(device, call_stop_on_failure=False)
        self.what = what
        self.rests = False
        self._clock = clock
        self._signal = signal
        self._judging = threading.RLock()
        self._value: Any = None
        self._started_s = clock.now_s()
        self._last_s = self._started_s
        self._silent_at: float | None = None
        self._leave: Callable[[], None] = lambda: None

    def holds_afresh(self) -> bool:
        """Whether what was waited for holds after all, by a value read anew; only a read-back can be asked so."""
        return False

    def begin_anew(self) -> None:
        """Judge again after a rest, as if it had begun now."""
        with self._judging:
            self.rests = False
            self._started_s = self._clock.now_s()

    def begin(self) -> None:
        """Start judging."""
        with self._judging:
            if not self.done:
                self._leave = self._clock.on_tick(self._ticked)

    def end(self, error: Exception) -> None:
        """Fail with `error` unless already done."""
        with self._judging:
            if not self.done:
                self._detach()
                self.set_exception(error)

    def give_up(self, error: Exception) -> None:
        """Fail with `error`, after waiting in vain."""
        self.end(error)

    def succeed(self) -> None:
        """Finish unless already done."""
        with self._judging:
            if not self.done:
                self._detach()
                self.set_finished()

    def judge(self, value: Any, now_s: float) -> None:
        """Decide; called with the newest read-back at each tick."""
        raise NotImplementedError

    def whereabouts(self) -> str:
        """Return the newest read-back, for messages."""
        return f"{self._signal.name} {self._value}"

    def _detach(self) -> None:
        self._leave()

    def _look(self) -> bool:
        """Take the value that the signal's own monitor keeps; False while it has none, as `alarm.value_of` says.

        No subscription: with the caproto layer each one asks for control values anew, whose late answer overwrites what
        a monitor has told meanwhile (ophyd 1.11, caproto 1.3).
        """
        value = value_of(self._signal)
        if value is None:
            return False
        self._value = value
        return True

    def _ticked(self) -> None:
        with self._judging:
            if self.done:
                return
            now_s = self._clock.now_s()
            trouble = clock_trouble(self._clock, now_s=now_s, last_s=self._last_s)
            self._last_s = now_s
            if trouble is not None:
                self.end(trouble)
            elif self._look():
                self._silent_at = None
                try:
                    if not self.rests:
                        self.judge(self._value, now_s)
                except OSError as error:  # or nobody would be judged any more: one thread ticks for all
                    self.end(error)
            else:
                self._judge_silence()

    def _judge_silence(self) -> None:
        said = silence_of(self._signal) or f"{name_of(self._signal)} does not answer"
        if self._silent_at is None:
            self._silent_at = time.monotonic()
            logger.warning("%s lost its read-back while it was waited for: %s", self.what, said)
        silent_s, patience_s = time.monotonic() - self._silent_at, self.silence_wall_s or self._clock.patience_s
        if silent_s > patience_s:
            self.give_up(
                NotConnected(
                    f"{self.what}: {said}, since {silent_s:.1f} s of wall clock (patience {patience_s:g} s). Look at "
                    "its IOC and its line; the last setpoint stands.",
                    silent_s=silent_s,
                    pv=name_of(self._signal),
                )
            )


class Settling(Watched):
    """Done when a read-back has stayed near its target for a dwell of experiment time.

    Parameters
    ----------
    device : ophyd.Device
        The device moved.
    clock : ExperimentClock
        Judges the durations of `arrival`.
    signal : ophyd.Signal
        Monitored read-back.
    target : float
        Value asked for, in the unit of `signal`.
    arrival : ArrivalCriteria
        Tolerance and durations.
    what, unit : str
        For messages.
    look_at : callable
        Returns what to look at when it does not settle, with numbers where there are any.

    Notes
    -----
    A stall is judged against the nearest approach so far; passing through the target or leaving the tolerance starts a
    new approach, so an overshoot is no stall unless it does not come back.
    """

    def __init__(
        self,
        device: Any,
        *,
        clock: ExperimentClock,
        signal: Signal,
        target: float,
        arrival: ArrivalCriteria,
        what: str,
        unit: str,
        look_at: Callable[[], str],
    ) -> None:
        check_target(target, what=what, unit=unit)
        arrival.require(clock, what)
        super().__init__(device, clock=clock, signal=signal, what=what)
        self.target = target
        self.arrival = arrival
        self._unit = unit
        self._look_at = look_at
        self._inside_since_s: float | None = None
        self._nearest = math.inf
        self._nearest_side = 0.0
        self._nearest_at_s = self._started_s
        self.begin()

    def begin_anew(self) -> None:
        """Judge again after a rest: arrival, stall and time-out count from now."""
        with self._judging:
            super().begin_anew()
            self._inside_since_s = None
            self._nearest, self._nearest_side, self._nearest_at_s = math.inf, 0.0, self._started_s

    def judge(self, value: float, now_s: float) -> None:
        """Decide from the newest read-back."""
        error = value - self.target
        if abs(error) <= self.arrival.tolerance:
            self._nearest, self._nearest_at_s = self.arrival.tolerance, now_s
            if self._inside_since_s is None:
                self._inside_since_s = now_s
            if now_s - self._inside_since_s >= self.arrival.dwell_s:
                self.succeed()
                return
        else:
            self._inside_since_s = None
            side = math.copysign(1.0, error)
            if side != self._nearest_side or abs(error) <= self._nearest - self.arrival.tolerance:
                self._nearest, self._nearest_side, self._nearest_at_s = abs(error), side, now_s
            elif now_s - self._nearest_at_s > self.arrival.stall_s:
                self._fail(value, now_s, f"without getting nearer for {now_s - self._nearest_at_s:.0f} s")
                return
        if now_s - self._started_s > self.arrival.timeout_s:
            self._fail(value, now_s, f"time-out {self.arrival.timeout_s:.0f} s")

    def whereabouts(self) -> str:
        """Return the newest read-back and the target, for messages."""
        return f"{self.value():.2f} {self._unit} of {self.target:.2f} {self._unit}"

    def value(self) -> float:
        """Return the newest read-back; NaN when there was none."""
        return math.nan if self._value is None else float(self._value)

    def _fail(self, value: float, now_s: float, why: str) -> None:
        elapsed_s = now_s - self._started_s
        self.end(
            DidNotSettle(
                f"{self.what} stands at {value:.2f} {self._unit} of {self.target:.2f} {self._unit} (tolerance "
                f"{self.arrival.tolerance:g} {self._unit}) after {elapsed_s:.0f} s, {why}. {self._look_at()}",
                value=value,
                target=self.target,
                tolerance=self.arrival.tolerance,
                elapsed_s=elapsed_s,
            )
        )


class ReadBack(Watched):
    """Done as soon as a read-back agrees with what was commanded.

    Parameters
    ----------
    device : ophyd.Device
        The device commanded.
    clock : ExperimentClock
        Judges `patience_s`.
    signal : ophyd.Signal
        Monitored read-back.
    agrees : callable
        Whether a value of `signal` agrees.
    patience_s : float
        Seconds of experiment; lengthened to 5 s of wall clock at high speeds, which makes no verdict false.
    what, wanted : str
        For messages: ``membrane control``, ``On``.
    """

    def __init__(
        self,
        device: Any,
        *,
        clock: ExperimentClock,
        signal: Signal,
        agrees: Callable[[Any], bool],
        patience_s: float,
        what: str,
        wanted: str,
    ) -> None:
        super().__init__(device, clock=clock, signal=signal, what=what)
        self._agrees = agrees
        self._wanted = wanted
        self._patience_s = max(patience_s, PATIENCE_WALL_S * clock.speed())
        self.begin()

    def holds_afresh(self) -> bool:
        """Whether the read-back agrees when the instrument itself is asked; False while it does not answer."""
        value = asked_of(self._signal)
        return value is not None and bool(self._agrees(value))

    def judge(self, value: Any, now_s: float) -> None:
        """Decide from the newest read-back."""
        if self._agrees(value):
            self.succeed()
        elif now_s - self._started_s > self._patience_s:
            self.end(
                DidNotSettle(
                    f"{self.what} was asked for {self._wanted} and reads {value} after {now_s - self._started_s:.1f} s "
                    f"(patience {self._patience_s:g} s). Possibly issued, possibly lost: look at the instrument.",
                    value=value,
                    wanted=self._wanted,
                )
            )


def check_target(target: float, *, what: str, unit: str) -> None:
    """Refuse a target that is no number: comparing with it would wait for ever.

    Raises
    ------
    ValueError
        If `target` is NaN or infinite.
    """
    if not math.isfinite(target):
        raise ValueError(f"{what} cannot go to {target} {unit}. Give a finite number.")
