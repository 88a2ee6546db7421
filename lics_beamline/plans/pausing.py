"""Holding a sweep at any time, continuing and stopping it: a preprocessor, so that plans read as the experiment."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import bluesky.plan_stubs as bps
from bluesky.utils import FailedStatus, Msg, MsgGenerator, ensure_generator
from ophyd.status import StatusBase

from lics_beamline import schema
from lics_beamline.control.request import ENGINE, Request, SubmittedRequest, SweepNote
from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.alarm import asked_of, is_believable, value_of
from lics_beamline.devices.beamline import Beamline
from lics_beamline.devices.motion import STOPPED
from lics_beamline.errors import DidNotSettle, Stopped
from lics_beamline.plans.action import do, why
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.silence import NO_READING, named

log = logging.getLogger(__name__)

LOOK_S: Final = 0.2  # between two looks at what is asked [s of wall clock]: nobody notices that he waits
ENDED_S: Final = 60.0  # for a stopped load to say so [s of wall clock]; it holds already, so only a hang is caught
SHORT: Final = {"timeout": LOOK_S, "error_on_timeout": False}  # a piece of a wait


class Suspension(Protocol):
    """Something outside that forbids a sweep to go on: why, and the plans to carry out before and after the hold."""

    @property
    def why(self) -> str:
        """Say what it is."""

    @property
    def before(self) -> Any:
        """Plan to carry out once the sweep is held, or what returns one; None for none."""

    @property
    def after(self) -> Any:
        """Plan to carry out before the sweep goes on, or what returns one; None for none."""


class Requests(Protocol):
    """What people ask of a sweep, and where they are answered; a session keeps it in files of the data folder."""

    data: DataFolder
    hindrance: Callable[[], str]

    @property
    def suspensions(self) -> Sequence[Suspension]:
        """What forbids the sweep to go on now, by suspenders of the engine."""

    def open(self) -> AbstractContextManager[None]:
        """Be the only sweep of the data folder while the context lasts."""

    def asked(self) -> SubmittedRequest | None:
        """Return the newest request that has not been answered; None when there is none. Never fails."""

    def answer(self, asked: SubmittedRequest, state: str, says: str) -> None:
        """Say what was done about a request; it is not asked any more."""

    def say(self, state: str, says: str, *, heard: SubmittedRequest | None = None) -> None:
        """Say how the sweep stands; with `heard` also that a request was heard and is not answered yet."""

    def note(self, says: str, *, asked: SubmittedRequest | None = None) -> None:
        """Leave something for the record of the sweep; what became of a request, by who made it."""

    def notes(self) -> Iterator[SweepNote]:
        """Take what people and other threads left for the record of the sweep; one is gone once the next is asked."""


class Held(DidNotSettle):
    """A load step was held. Read the pressure afresh before another one."""


class Pausing:
    """Lets a plan be held, continued and stopped.

    Held means: the load and the temperature stay where they are, on their way or not; the shutter is closed and the
    ruby's laser off; the engine lives, and its sign of life with it. A heating ramp goes on from there when the plan
    continues. A load step does not: it ends as `Held`, and so does each further one until ruby was read afresh. An open
    event, and with it an exposure, is finished first. Each hold and its end are events of the `holds` stream.

    A pause of the engine and a suspender's suspension are holds too. Whoever paused the engine gets it paused, once the
    sweep is held, and resumes it there; nothing is rewound.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    requests : Requests
        Where people ask, and where they are answered.
    meanwhile : callable
        Plan carried out again and again while the sweep is held: what comes by itself is still recorded.
    hinders : callable
        Says what of the sweep itself forbids to go on now, besides people and the session; empty for nothing. What it
        raises ends the sweep.
    """

    def __init__(
        self,
        beamline: Beamline,
        requests: Requests,
        *,
        meanwhile: Callable[[], MsgGenerator[None]] = bps.null,
        hinders: Callable[[], str] = lambda: "",
    ) -> None:
        self._beamline = beamline
        self._requests = requests
        self._meanwhile = meanwhile
        self._hinders = hinders
        self._note = Noted("hold", schema.HOLDS_FIELDS)
        self._bundled = False
        self._exposing = False
        self._acquiring: tuple[StatusBase, ...] = ()
        self._loading: StatusBase | None = None
        self._stale = False
        self._went_on = False
        self._over = False
        self._suspended: list[Suspension] = []
        self._heard = ""
        self._lit = False  # whether the ruby's laser was on when it answered last
        self._unheld = False  # whether the membrane could not be told to hold
        self._pressure_gpa = math.nan

    def request(self) -> Request | None:
        """Return what is asked of an approach now: `PAUSE` and `STOP` until obeyed, `CONTINUE` once after."""
        asked = self._requests.asked()
        request = asked.request if asked is not None else None
        if request in (None, Request.CONTINUE):
            request = Request.PAUSE if self._hindrance() else None
        if self._over or (request is None and not self._went_on):
            return None
        if request is None:
            self._went_on = False
            return Request.CONTINUE
        self._went_on = True  # once nobody asks any more, held meanwhile or not
        return request

    def pausable(self, plan: MsgGenerator[Any]) -> Generator[Msg, Any, Any]:
        """Carry out a plan, and look at what is asked whenever it waits and before each load step.

        Raises
        ------
        Stopped
            At the message the plan is at, when somebody asks to stop; its clean-up is carried out.
        """
        result: Any = None
        error: BaseException | None = None
        while True:
            try:
                message = plan.send(result) if error is None else plan.throw(error)
            except StopIteration as end:
                return end.value
            except NO_READING as caught:
                raise named(caught) from caught
            result = error = None
            try:
                result = yield from self._carry_out(message)
            except GeneratorExit:
                plan.close()
                raise
            except Exception as caught:  # handed to the plan, not swallowed: it may clean up, or know what to do
                error = named(caught)

    def _carry_out(self, message: Msg) -> Generator[Msg, Any, Any]:
        """Carry out one message of the plan."""
        is_load = message.command == "set" and message.obj is self._beamline.membrane
        if message.command == "wait":
            return (yield from self._wait(message))
        if is_load:
            yield from self._look()
            if self._stale:
                raise Held("a load step was held before it began. Read the pressure afresh, then move again.")
        result = yield message
        if is_load:
            self._loading = result
        else:
            self._learn(message, result)
        return result

    def _learn(self, message: Msg, result: Any) -> None:
        """Learn from a message whether this is a moment to hold, and how the sample is."""
        beamline = self._beamline
        if message.command in ("create", "save", "drop"):
            self._bundled = message.command == "create"
        elif message.command == "set" and message.obj is beamline.beam.shutter:
            self._exposing = message.args[0] == "Open"
        elif message.command == "trigger" and message.obj in (beamline.ruby, beamline.plate):
            self._acquiring = (*(one for one in self._acquiring if not one.done), result)
            if message.obj is beamline.ruby:
                self._stale = False
        elif message.command == "read" and isinstance(result, dict) and "pressure_gpa" in result:
            self._pressure_gpa = float(result["pressure_gpa"]["value"])

    def _busy(self) -> bool:
        """Whether a spectrum or an exposure is under way, or an event open: that is finished first."""
        return self._bundled or self._exposing or any(not one.done for one in self._acquiring)

    def _wait(self, message: Msg) -> Generator[Msg, Any, Any]:
        """Wait in short pieces, with a look at what is asked between them."""
        limited = message.kwargs.get("timeout") is not None
        short = message if limited else message._replace(kwargs={**message.kwargs, **SHORT})
        while True:
            yield from self._look()
            done = yield short
            if done or limited:
                return done

    def _look(self) -> MsgGenerator[None]:
        """Do what is asked, as soon as it can be done."""
        if self._over:
            return
        if not self._busy():
            yield from self._write_down()
        asked, hindrance = self._requests.asked(), self._hindrance()
        if is_believable(self._beamline.ruby.laser_readback):
            self._lit = bool(value_of(self._beamline.ruby.laser_readback) == "On")
        if asked is None and not hindrance:
            return
        if asked is not None and asked.request is Request.CONTINUE:
            self._requests.answer(asked, "running", "nothing was held; the sweep goes on")
            self._requests.note("asked to continue; nothing was held", asked=asked)
        elif self._busy():
            self._hear(asked)
        elif asked is not None and asked.request is Request.STOP:
            yield from self._rest()
            yield from self._stop(asked)
        else:
            yield from self._hold(asked, hindrance)

    def _write_down(self) -> MsgGenerator[None]:
        for note in self._requests.notes():
            yield from self._record("noted", None, note.text, who=note.who, when=note.when)

    def _hindrance(self) -> str:
        """Return what forbids to go on now, besides people."""
        return self._requests.hindrance() or self._hinders() or "; ".join(one.why for one in self._requests.suspensions)

    def _hear(self, asked: SubmittedRequest | None) -> None:
        if asked is not None and asked.uid != self._heard:
            self._heard = asked.uid
            what = "stopped" if asked.request is Request.STOP else "held"
            says = f"what is being measured is finished first, then the sweep is {what}"
            self._requests.say("running", says, heard=asked)

    def _hold(self, asked: SubmittedRequest | None, hindrance: str) -> MsgGenerator[None]:
        """Hold everything until somebody continues, or nothing hinders any more."""
        beamline = self._beamline
        stopped = yield from self._rest()
        answer = asked_of(beamline.ruby.laser_readback)
        lit = self._lit if answer is None else bool(answer == "On")
        yield from self._darken()
        held_s = beamline.clock.now_s()
        yield from self._record("held", asked, hindrance)
        self._tell(asked, hindrance)
        yield from self._pause_engine(asked)
        continued = yield from self._stay(by_person=asked is not None, held_s=held_s)
        while self._suspended:
            yield from _plan_of(self._suspended.pop().after)
        if lit:
            yield from do("ruby laser on", beamline.ruby.laser_on)
        beamline.heater.go_on()
        yield from self._record("continued", continued, "nothing hinders any more", held_s=held_s)
        self._stale = self._went_on = True
        says = f"goes on after {beamline.clock.now_s() - held_s:.0f} s of experiment"
        log.warning("the sweep %s", says)
        if continued is not None:
            self._requests.answer(continued, "running", says)
        else:
            self._requests.say("running", says)
        if stopped is not None:
            raise Held(why(stopped)) from stopped

    def _darken(self) -> MsgGenerator[None]:
        """Switch the laser off and close the shutter, those that answer."""
        beamline = self._beamline
        if asked_of(beamline.ruby.laser_readback) == "On":
            yield from do("ruby laser off", beamline.ruby.laser_off)
        if asked_of(beamline.beam.shutter.state) not in ("Closed", None):
            yield from bps.mv(beamline.beam.shutter, "Closed")

    def _rest(self) -> MsgGenerator[FailedStatus | None]:
        """Let load and temperature stay where they are; returns how a load that was under way ended."""
        moving = self._loading is not None and not self._loading.done
        self._unheld = moving and not is_believable(self._beamline.membrane.load_bar)
        self._beamline.membrane.stop()
        self._beamline.heater.rest()
        if self._loading is None or not moving:
            return None
        until_s = time.monotonic() + ENDED_S
        try:
            while time.monotonic() < until_s and not (self._loading.done and self._loading.success):
                yield from bps.sleep(LOOK_S / 4)
        except FailedStatus as error:
            if error.args[0] is not self._loading:
                raise
            return error
        if self._loading.done:
            return None
        raise DidNotSettle(
            f"the load was stopped and does not say so within {ENDED_S:g} s. Look at the membrane.", ended=STOPPED
        )

    def _stay(self, *, by_person: bool, held_s: float) -> MsgGenerator[SubmittedRequest | None]:
        """Stay held; returns who continues, None where what hindered is over and nobody held."""
        while True:
            for suspension in tuple(self._requests.suspensions):
                if suspension not in self._suspended:
                    self._suspended.append(suspension)
                    yield from _plan_of(suspension.before)
            yield from bps.sleep(LOOK_S)
            yield from self._meanwhile()
            yield from self._write_down()
            yield from self._darken()  # what did not answer when it was told
            if self._unheld and is_believable(self._beamline.membrane.load_bar):
                self._unheld = False
                yield from do("holding the membrane", self._beamline.membrane.hold)
            asked, hindrance = self._requests.asked(), self._hindrance()
            if asked is None:
                if not by_person and not hindrance:
                    return None
            elif asked.request is Request.STOP:
                yield from self._stop(asked, held_s=held_s)
            elif asked.request is Request.PAUSE:
                by_person = True
                yield from self._record("held", asked, hindrance, held_s=held_s)
                self._tell(asked, hindrance)
                yield from self._pause_engine(asked)
            elif hindrance:
                by_person = False
                self._tell(asked, hindrance)
            else:
                return asked

    def _pause_engine(self, asked: SubmittedRequest | None) -> MsgGenerator[None]:
        """Pause the engine, if it was the engine that was paused; goes on when it is resumed."""
        if asked is not None and asked.who == ENGINE:
            yield Msg("pause")
            yield from bps.clear_checkpoint()  # as a sweep does at its start: nothing of it is ever rewound

    def _stop(self, asked: SubmittedRequest, *, held_s: float = math.nan) -> MsgGenerator[None]:
        """End the plan, as somebody asks."""
        self._over = True
        yield from self._record("stopped", asked, "", held_s=held_s)
        self._requests.answer(asked, "stopping", f"stopped {self._where()}; going to the safe state")
        because = f": {asked.why}" if asked.why else ""
        raise Stopped(f"stopped by {asked.who} {self._where()}{because}. Begin again when it may go on.", who=asked.who)

    def _where(self) -> str:
        beamline = self._beamline
        read = "before any pressure was read" if math.isnan(self._pressure_gpa) else f"at {self._pressure_gpa:.3f} GPa"
        load_bar, gasket_k = _number(beamline.membrane.load_bar), _number(beamline.thermocouples.gasket_k)
        return f"{read}, load {load_bar:.2f} bar, gasket {gasket_k:.1f} K"

    def _tell(self, asked: SubmittedRequest | None, hindrance: str) -> None:
        by = f" by {asked.who}" if asked else ""
        because = [asked.why] if asked and asked.why else []
        says = f"held{by} {self._where()}" + "".join(f"; {one}" for one in (*because, hindrance) if one)
        log.warning("the sweep is %s", says)
        if asked is None:
            self._requests.say("held", says)
        else:
            self._requests.answer(asked, "held", says)

    def _record(
        self,
        did: str,
        asked: SubmittedRequest | None,
        otherwise: str,
        *,
        held_s: float = math.nan,
        who: str = ENGINE,
        when: str = "",
    ) -> MsgGenerator[None]:
        now_s = self._beamline.clock.now_s()
        self._note.note(
            experiment_time_s=now_s,
            hold_did=did,
            hold_who=asked.who if asked else who,
            hold_asked_at=asked.when if asked else when,
            hold_why=asked.why if asked else otherwise,
            hold_lasted_s=0.0 if math.isnan(held_s) else now_s - held_s,
            hold_pressure_gpa=self._pressure_gpa,
            hold_load_bar=_number(self._beamline.membrane.load_bar),
            hold_gasket_k=_number(self._beamline.thermocouples.gasket_k),
        )
        yield from bps.create(schema.HOLDS)
        yield from bps.read(self._note)
        yield from bps.save()


def _number(signal: Any) -> float:
    """Return what a signal says now; NaN where it has no value."""
    value = value_of(signal)
    return math.nan if value is None else float(value)


def _plan_of(plan: Any) -> MsgGenerator[None]:
    """Carry out the plan that comes with a suspender: messages, or what returns them; None for none."""
    if plan is not None:
        yield from ensure_generator(plan() if callable(plan) else plan)
