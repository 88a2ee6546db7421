"""What a guard sees: the instruments, the sign of life of who runs plans, and who holds the beamline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from lics_beamline.devices.alarm import asked_of, value_of
from lics_beamline.devices.lease import LeaseHolder, foreign
from lics_beamline.devices.safe_state import places, rest_of, unsafe
from lics_beamline.errors import NotConnected
from lics_beamline.safety.feeding import NO_ENGINE_BEAT
from lics_beamline.safety.interlock import InterlockReading
from lics_beamline.safety.lifeline import Lifeline

if TYPE_CHECKING:
    from lics_beamline.devices.beamline import Beamline
    from lics_beamline.devices.watchdog import Watchdog

ASKED_EVERY_S: Final = 0.3  # thermocouples are asked too [s]: a monitor may fail to tell of a value that changes once


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife:
    """The newest sign of life of who runs plans; a number that rises by itself where nobody is to be missed."""

    beat: int
    farewell: bool = False
    gone: bool = False


class WatchedEngine(Protocol):
    """Who runs plans, as a guard hears of it."""

    def sign(self) -> SignOfLife:
        """Return its newest sign of life."""
        ...

    def foreign(self, lease: str) -> str:
        """Return who else holds a lease, for people; empty where that is nobody else."""
        ...

    def holds(self, lease: str) -> bool:
        """Whether it holds a lease."""
        ...


class EngineProcess:
    """A process of this computer, by what it says on its line.

    Parameters
    ----------
    pid : int
        Its number; 0 where there is none to watch.
    gone : callable
        Tells whether it has ended.
    lifeline : Lifeline or None
        Our end of that line; None where no word of it is to be missed.
    """

    def __init__(self, pid: int, gone: Callable[[], bool], lifeline: Lifeline | None) -> None:
        self._holder = LeaseHolder.of_process(pid) if pid else None  # while it lives: its number may be given again
        self._gone = gone
        self._lifeline = lifeline

    def sign(self) -> SignOfLife:
        """Return its newest sign of life."""
        if self._lifeline is None:
            return SignOfLife(beat=time.monotonic_ns(), gone=self._gone())
        gone = self._gone()  # first: what it said before it ended is heard after
        beats, farewell = self._lifeline.beats(), self._lifeline.farewell
        return SignOfLife(beat=beats, farewell=farewell, gone=gone and not farewell)

    def foreign(self, lease: str) -> str:
        """Return who else holds a lease."""
        return "" if self._holder is None or self.holds(lease) else foreign(lease, self._holder.pid)

    def holds(self, lease: str) -> bool:
        """Whether it holds a lease."""
        holder = LeaseHolder.read(lease)
        return holder is not None and self._holder is not None and holder.is_same(self._holder)


class AnyEngine:
    """Whoever runs plans on any computer, by the watchdog of the instruments.

    Parameters
    ----------
    watchdog : Watchdog or None
        What it feeds; None where there is none, and nobody is missed.
    """

    def __init__(self, watchdog: Watchdog | None) -> None:
        self._watchdog = watchdog

    def sign(self) -> SignOfLife:
        """Return its newest sign of life; where there is no engine, or no answer, nobody is missed."""
        beat = value_of(self._watchdog.engine_beat) if self._watchdog is not None else None
        return SignOfLife(beat=int(beat) if beat not in (None, NO_ENGINE_BEAT) else time.monotonic_ns())

    def foreign(self, lease: str) -> str:
        """Return nobody: the beamline is guarded, whoever holds it."""
        return ""

    def holds(self, lease: str) -> bool:
        """Whether anybody holds a lease."""
        return bool(lease.strip())


class Observation:
    """Looks at a beamline for a guard.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    engine : WatchedEngine
        Who runs plans.
    changed : Event
        Set whenever there may be something new to look at.
    """

    def __init__(self, beamline: Beamline, engine: WatchedEngine, changed: threading.Event) -> None:
        self._beamline = beamline
        self._engine = engine
        self._changed = changed
        self._couples = places(beamline)
        self._asked_k: dict[str, float] = {}
        self._asker: threading.Thread | None = None

    def begin(self, over: threading.Event) -> None:
        """Listen to the thermocouples, and ask them again and again until it is over."""
        for couple in self._couples.values():
            couple.subscribe(lambda **_: self._changed.set(), run=False)
        self._asker = threading.Thread(target=self._ask, args=(over,), name="asking", daemon=True)
        self._asker.start()

    def end(self) -> None:
        """Wait until nobody asks any more."""
        if self._asker is not None:
            self._asker.join()

    def look(self, *, acknowledged: bool, known_trip: str) -> InterlockReading:
        """Return what is seen now.

        Parameters
        ----------
        acknowledged : bool
            Whether a person has taken note of the trip.
        known_trip : str
            When the watchdog tripped that a person has taken note of.
        """
        beamline, membrane, sign = self._beamline, self._beamline.membrane, self._engine.sign()
        watchdog = beamline.watchdog
        lease = str(value_of(membrane.lease) or "")
        tripped_at = watchdog.trip_at() if watchdog is not None else ""
        control, rest = value_of(membrane.control_readback), rest_of(beamline)
        return InterlockReading(
            wall_s=time.monotonic(),
            experiment_s=_or_none(beamline.clock.now_s),
            thermocouples_k={place: self._worse(place, signal) for place, signal in self._couples.items()},
            beat=sign.beat,
            farewell=sign.farewell,
            engine_gone=sign.gone,
            spectrum=value_of(beamline.ruby.unique_id),
            load_bar=value_of(membrane.load_bar),
            setpoint_bar=value_of(membrane.setpoint_readback_bar) if control == "On" else None,
            controls=None if control is None else control == "On",
            effort_percent=value_of(membrane.effort_percent),
            unsafe=unsafe(beamline),
            at_work=rest.at_work,
            silent=rest.silent,
            holds=self._engine.holds(lease),
            foreign=self._engine.foreign(lease),
            watchdog=watchdog.says() if watchdog is not None and tripped_at not in ("", known_trip) else "",
            contactor_closed=value_of(beamline.heater.contactor_readback) == "Closed",
            acknowledged=acknowledged,
        )

    def _worse(self, place: str, couple: Any) -> float | None:
        """Return the worse of the monitor's reading and the answer to the last question; None for no value."""
        told = value_of(couple)
        if told is None:
            return None
        told_k = float(told)
        asked_k = self._asked_k.get(place, told_k)
        return min(told_k, asked_k) if min(told_k, asked_k) < 0.0 else max(told_k, asked_k)

    def _ask(self, over: threading.Event) -> None:
        """Ask the thermocouples, in a thread of its own: an answer may be long in coming."""
        while not over.wait(ASKED_EVERY_S):
            for place, couple in self._couples.items():
                answer = asked_of(couple)
                if answer is None:
                    self._asked_k.pop(place, None)
                else:
                    self._asked_k[place] = float(answer)
            self._changed.set()


def _or_none(ask: Callable[[], float]) -> float | None:
    try:
        return ask()
    except NotConnected:
        return None
