"""The clock of the experiment: every dwell, deadline and time-out of devices and plans is judged by it.

In a simulated world it is the world's own time, which runs faster than the wall clock; on hardware, the wall clock. A
simulated world waits for whoever drives it: a computer that is busy makes it slower, and nothing late.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal, EpicsSignalRO, Kind
from ophyd.status import DeviceStatus, StatusBase
from ophyd.utils.errors import DisconnectedError

from lics_beamline.devices.clock_listeners import ClockListeners
from lics_beamline.errors import ClockTooFast, NotConnected

# Channel Access answers in 1-5 ms on loopback with tails of 50 ms (measured): five tails make a judgement.
SHORTEST_JUDGEMENT_WALL_S: Final = 0.25
SILENCE_CHECK_WALL_S: Final = 0.5  # how often a waiting status looks whether the clock still ticks; a choice
DRIVES_NO_MORE_S: Final = -1.0  # told to the world instead of a time of the experiment
WALL_TICK_S: Final = 0.05  # ticks of the wall clock while somebody waits: a fifth of the shortest judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """How long a simulated world stood still so far.

    Parameters
    ----------
    drawing_wall_s : float
        To draw plates [s of wall clock].
    waiting_wall_s : float
        Until those who drive it had dealt with its last step [s of wall clock].
    """

    drawing_wall_s: float
    waiting_wall_s: float


class ExperimentClock(Protocol):
    """What devices and plans need of a clock."""

    def now_s(self) -> float:
        """Experiment time [s]."""
        ...

    def speed(self) -> float:
        """Seconds of experiment in a second of wall clock; 1 on hardware."""
        ...

    def silent_s(self) -> float:
        """Wall-clock seconds since the clock last gave a sign of life."""
        ...

    @property
    def patience_s(self) -> float:
        """Wall-clock seconds of a lost connection after which waiting is given up."""
        ...

    @property
    def stall_s(self) -> float:
        """Wall-clock seconds of silence of the clock itself after which waiting is given up."""
        ...

    def require(self, duration_s: float, what: str) -> None:
        """Refuse a duration too short to be judged."""
        ...

    def drive(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Let a simulated world wait for this process, and for what runs in an event loop of it."""
        ...

    def release(self) -> None:
        """Let a simulated world go on without those who drive it and hang."""
        ...

    def standstill(self) -> Standstill:
        """How long a simulated world stood still so far."""
        ...

    def on_tick(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` whenever the clock advances; returns what ends it.

        It asks the clock what time it is: a thread that is held up would tell it of an earlier one after a later.
        """
        ...

    def set(self, deadline_s: float) -> StatusBase:
        """Wait until the experiment time has passed `deadline_s`."""
        ...


def _require(speed: float, duration_s: float, what: str) -> None:
    if not duration_s / speed >= SHORTEST_JUDGEMENT_WALL_S:
        shortest_s = SHORTEST_JUDGEMENT_WALL_S * speed
        raise ClockTooFast(
            f"{what} of {duration_s:g} s is {duration_s / speed:.3f} s of wall clock at speed {speed:g}; nothing "
            f"shorter than {SHORTEST_JUDGEMENT_WALL_S:g} s can be judged over the network. Ask for {shortest_s:g} s or "
            f"more, or run the simulated world at {duration_s / SHORTEST_JUDGEMENT_WALL_S:g} times the wall clock.",
            duration_s=duration_s,
            speed=speed,
            shortest_s=shortest_s,
        )


class Deadline(DeviceStatus):
    """Done when the experiment time has passed `deadline_s`; fails when the clock falls silent or goes back."""

    def __init__(self, device: Any, *, clock: ExperimentClock, deadline_s: float) -> None:
        super().__init__(device, call_stop_on_failure=False)
        self._clock = clock
        self._deadline_s = deadline_s
        self._last_s = clock.now_s()
        self._judging = threading.RLock()
        self._leave: Callable[[], None] = lambda: None
        with self._judging:
            self._leave = clock.on_tick(self._judge)
            self._judge()

    def end(self, error: Exception) -> None:
        """Fail with `error` unless already done."""
        with self._judging:
            if not self.done:
                self._leave()
                self.set_exception(error)

    def _judge(self) -> None:
        with self._judging:
            if self.done:
                return
            now_s = self._clock.now_s()
            trouble = clock_trouble(self._clock, now_s=now_s, last_s=self._last_s)
            self._last_s = now_s
            if now_s >= self._deadline_s:
                self._leave()
                self.set_finished()
            elif trouble is not None:
                self.end(trouble)


def clock_trouble(clock: ExperimentClock, *, now_s: float, last_s: float) -> NotConnected | None:
    """Return why nobody should wait for this clock any longer, or None.

    Parameters
    ----------
    clock : ExperimentClock
        The clock waited for.
    now_s, last_s : float
        Experiment time of this tick and of the one before [s].
    """
    silent_s = clock.silent_s()
    if silent_s > clock.stall_s:
        return NotConnected(
            f"the experiment clock stands at {now_s:.1f} s since {silent_s:.1f} s of wall clock (patience "
            f"{clock.stall_s:g} s). Look whether its IOC is alive.",
            now_s=now_s,
            silent_s=silent_s,
        )
    if now_s < last_s:
        return NotConnected(
            f"the experiment clock went back from {last_s:.1f} s to {now_s:.1f} s: its world was started again. "
            "Start the plan again.",
            now_s=now_s,
            last_s=last_s,
        )
    return None


class Clock(Device):
    """Time of a simulated world, moved on by its monitor.

    Parameters
    ----------
    prefix : str
        Prefix of the beamline (``SIM:LICS:``).
    name : str
        Name in documents.
    patience_s : float
        Wall-clock seconds for which waiting goes on while a connection is lost; an IOC may be restarted meanwhile.
    stall_s : float
        Wall-clock seconds for which waiting goes on while the clock is silent: a busy computer may keep its process
        from running for many. A world that stands still, because it draws a plate or waits for who drives it, says so
        and is not silent.
    """

    time_s = Cpt(EpicsSignalRO, "WORLD:Time_RBV", kind=Kind.normal, auto_monitor=True)
    rate = Cpt(EpicsSignal, "WORLD:Speed", kind=Kind.config, auto_monitor=True)
    seed = Cpt(EpicsSignalRO, "WORLD:Seed_RBV", kind=Kind.config)
    heard_s = Cpt(EpicsSignal, "WORLD:Heard", kind=Kind.omitted)
    release_drivers = Cpt(EpicsSignal, "WORLD:Release", kind=Kind.omitted, string=True)
    drivers = Cpt(EpicsSignalRO, "WORLD:Drivers_RBV", kind=Kind.omitted, auto_monitor=True)
    waited_wall_s = Cpt(EpicsSignalRO, "WORLD:Waited_RBV", kind=Kind.omitted, auto_monitor=True)
    held_wall_s = Cpt(EpicsSignalRO, "WORLD:Held_RBV", kind=Kind.omitted, auto_monitor=True)

    def __init__(
        self, prefix: str = "", *, name: str, patience_s: float = 30.0, stall_s: float = 30.0, **kwargs: Any
    ) -> None:
        super().__init__(prefix, name=name, **kwargs)
        self._patience_s, self._stall_s = patience_s, stall_s
        self._alive_at = time.monotonic()
        self._last_s = math.nan
        self._told_at = math.nan
        self._acknowledge: Callable[[float], None] = lambda _: None
        self._speaking = threading.Lock()  # or a tick that was dealt with before is told after the farewell
        self._deadlines: set[Deadline] = set()
        self._listeners = ClockListeners(beat_s=SILENCE_CHECK_WALL_S)
        self.time_s.subscribe(self._ticked, run=True)
        for stands in (self.waited_wall_s, self.held_wall_s):
            stands.subscribe(self._lives, run=False)

    def now_s(self) -> float:
        """Experiment time [s] of the newest tick; one tick of the world (20 ms of wall clock) old at most.

        Raises
        ------
        NotConnected
            If the clock was never heard of.
        """
        if math.isnan(self._last_s):
            raise NotConnected(f"{self.time_s.pvname} does not answer: there is no experiment time. Start the IOC.")
        return self._last_s

    def speed(self) -> float:
        """Seconds of experiment in a second of wall clock."""
        return float(self.rate.get())

    def silent_s(self) -> float:
        """Wall-clock seconds since the clock last advanced, or said that it stands still and why."""
        return time.monotonic() - self._alive_at

    @property
    def patience_s(self) -> float:
        """Wall-clock seconds of a lost connection after which waiting is given up."""
        return self._patience_s

    @property
    def stall_s(self) -> float:
        """Wall-clock seconds of silence of this clock after which waiting is given up."""
        return self._stall_s

    def require(self, duration_s: float, what: str) -> None:
        """Refuse a dwell or time-out that lasts less than 0.25 s of wall clock.

        Parameters
        ----------
        duration_s : float
            Seconds of experiment.
        what : str
            What the duration is, for the message.

        Raises
        ------
        ClockTooFast
            With the shortest duration that can be judged at this speed.
        """
        _require(self.speed(), duration_s, what)

    def on_tick(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` at each tick, and every half second when there is none; returns what ends it."""
        return self._listeners.add(callback)

    def set(self, deadline_s: float) -> StatusBase:
        """Wait until the experiment time has passed `deadline_s` [s]: ``bps.mv(clock, deadline_s)``."""
        if not math.isfinite(deadline_s):
            raise ValueError(f"the clock cannot wait for {deadline_s} s. Give a finite experiment time.")
        deadline = Deadline(self, clock=self, deadline_s=float(deadline_s))
        self._deadlines = {one for one in self._deadlines if not one.done} | {deadline}
        return deadline

    def stop(self, *, success: bool = False) -> None:
        """Time goes on: nothing is stopped, but nobody waits any longer."""
        end_deadlines(self._deadlines, now_s=self._last_s)

    def drive(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Let the world wait for this process: it goes on when a tick has been dealt with here.

        Dealt with means that every status has judged the tick and that the loop has come round since. So neither what a
        plan computes there nor a monitor that comes late costs more experiment time than a tick.

        Parameters
        ----------
        loop : asyncio.AbstractEventLoop, optional
            The loop of the engine; none for who only waits for statuses.
        """

        def say_heard(now_s: float) -> None:
            with self._speaking:
                if self._acknowledge is acknowledge:  # else it has retired since, and would be waited for again
                    self._say_heard(now_s)

        def acknowledge(now_s: float) -> None:
            if loop is None:
                say_heard(now_s)
                return
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing runs there any more
                loop.call_soon_threadsafe(say_heard, now_s)

        self._acknowledge = acknowledge
        if not math.isnan(self._last_s):
            acknowledge(self._last_s)

    def retire(self) -> None:
        """Drive the world no more."""
        with self._speaking:
            self._acknowledge = lambda _: None
            self._say_heard(DRIVES_NO_MORE_S)

    def release(self) -> None:
        """Let the world go on without those who drive it and hang; who speaks again is waited for again."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            if self.release_drivers.connected:
                self.release_drivers.put("Yes")

    def standstill(self) -> Standstill:
        """How long the world stood still so far, by its own account."""
        return Standstill(drawing_wall_s=float(self.held_wall_s.get()), waiting_wall_s=float(self.waited_wall_s.get()))

    def destroy(self) -> None:
        """Let all PVs go; the world does not wait for this process any more."""
        self.retire()
        super().destroy()

    def _ticked(self, value: float, timestamp: float = math.nan, **_: Any) -> None:
        now_s = float(value)
        if now_s < self._last_s and timestamp < self._told_at:
            return  # the answer to a question: its monitor has told more since, and a world started again tells later
        if now_s != self._last_s:
            self._lives()
        self._last_s, self._told_at = now_s, timestamp
        self._listeners.tell()
        self._acknowledge(now_s)

    def _lives(self, **_: Any) -> None:
        self._alive_at = time.monotonic()

    def _say_heard(self, now_s: float) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError, DisconnectedError):
            if self.heard_s.connected:  # where nobody answers there is nobody to tell
                self.heard_s.put(now_s)


class WallClock:
    """Time of hardware: seconds since 1970, steady, ticking only while somebody waits.

    Parameters
    ----------
    name : str
        Name in messages.
    """

    parent = None

    def __init__(self, *, name: str = "clock") -> None:
        self.name = name
        self._zero_s = time.time() - time.monotonic()  # steady: a step of the system clock moves no deadline
        self._deadlines: set[Deadline] = set()
        self._listeners = ClockListeners(beat_s=WALL_TICK_S)

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._zero_s + time.monotonic()

    def speed(self) -> float:
        """Return 1: the wall clock is the clock."""
        return 1.0

    def silent_s(self) -> float:
        """Return 0: this clock cannot fall silent."""
        return 0.0

    @property
    def patience_s(self) -> float:
        """Wall-clock seconds for which a lost connection is waited for."""
        return 30.0

    @property
    def stall_s(self) -> float:
        """Infinite: this clock cannot fall silent."""
        return math.inf

    def drive(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Do nothing: the world does not wait."""

    def release(self) -> None:
        """Do nothing: the world waits for nobody."""

    def standstill(self) -> Standstill:
        """Return nothing: the world never stands still."""
        return Standstill(drawing_wall_s=0.0, waiting_wall_s=0.0)

    def require(self, duration_s: float, what: str) -> None:
        """Refuse a duration under 0.25 s (`ClockTooFast`)."""
        _require(1.0, duration_s, what)

    def on_tick(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` every 0.05 s; returns what ends it."""
        return self._listeners.add(callback)

    def set(self, deadline_s: float) -> StatusBase:
        """Wait until `deadline_s` [s since 1970]."""
        if not math.isfinite(deadline_s):
            raise ValueError(f"the clock cannot wait for {deadline_s} s. Give a finite time.")
        deadline = Deadline(self, clock=self, deadline_s=float(deadline_s))
        self._deadlines = {one for one in self._deadlines if not one.done} | {deadline}
        return deadline

    def stop(self, *, success: bool = False) -> None:
        """Nobody waits any longer."""
        end_deadlines(self._deadlines, now_s=self.now_s())


def end_deadlines(deadlines: set[Deadline], *, now_s: float) -> None:
    """Fail every deadline still waited for, as nobody will wait for it again."""
    for deadline in list(deadlines):
        deadline.end(
            InterruptedError(f"waiting for an experiment time was interrupted at {now_s:.1f} s. Wait again if need be.")
        )
