"""An engine whose pauses and suspensions are holds while a sweep is at work, and bluesky's own otherwise."""

import asyncio
import contextlib
import itertools
import os
import threading
from types import MappingProxyType

import pytest
from looking import pace

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

import bluesky.plan_stubs as bps
from bluesky.suspenders import SuspendFloor
from bluesky.utils import (
    FailedStatus,
    Msg,
    RequestAbort,
    RequestStop,
    RunEngineControlException,
    RunEngineInterrupted,
)
from ophyd import Signal
from ophyd.status import Status

from lics_beamline.control.request import Request
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Stopped
from lics_beamline.plans.pausing import Pausing
from lics_beamline.session.engine import Engine
from lics_beamline.session.requests import RequestFiles
from lics_beamline.sweep_request import ask, sweep_status


class Value:
    """A read-back."""

    connected, metadata = True, MappingProxyType({})

    def __init__(self, value):
        self.value = value

    def get(self, **_):
        return self.value


class Part:
    """Whatever a beamline has: it does what it is told, and nothing comes of it."""

    def __init__(self):
        self.load_bar, self.gasket_k, self.state = Value(24.1), Value(298.2), Value("Closed")
        self.laser_readback = Value("Off")

    def stop(self):
        pass

    rest = go_on = stop

    def now_s(self):
        return 1000.0


class Bench:
    """A beamline of such parts."""

    def __init__(self):
        for name in ("membrane", "heater", "ruby", "plate", "thermocouples", "clock", "beam"):
            setattr(self, name, Part())
        self.beam.shutter = Part()


class Sweep:
    """What a sweep is to an engine: it cannot be rewound, hears what is asked, and counts its steps."""

    def __init__(self, engine, requests, step=lambda number: None, steps=range(4)):
        self.engine, self.requests, self.step, self.steps = engine, requests, step, steps
        self.done = []
        self.documents = []

    def plan(self):
        def steps():
            yield from bps.clear_checkpoint()
            for number in self.steps:
                self.step(number)
                yield from bps.sleep(0.01)
                yield Msg("wait", None, group="a")
                self.done.append(number)

        def whole():
            with self.requests.open():
                yield from bps.open_run()
                yield from Pausing(Bench(), self.requests).pausable(steps())
                yield from bps.close_run()

        return whole()

    def run(self):
        return self.engine(self.plan(), lambda name, document: self.documents.append((name, document)))

    def holds(self):
        return [doc["data"] for name, doc in self.documents if name == "event"]


@pytest.fixture
def requests(tmp_path):
    return RequestFiles(DataFolder(tmp_path).make())


@pytest.fixture
def engine(requests):
    engine = Engine({}, requests=requests, context_managers=[])
    yield engine
    if engine.state != "idle":
        engine.halt()
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join()
    engine.loop.close()


def as_a_queue_does(engine, *, defer):
    """Pause as the worker of bluesky-queueserver does: the coroutine itself, from another thread."""
    thread = threading.Thread(
        target=lambda: asyncio.run_coroutine_threadsafe(engine._request_pause_coro(defer), loop=engine.loop)
    )
    thread.start()
    thread.join()


def as_a_thread_does(engine, *, defer):
    thread = threading.Thread(target=engine.request_pause, args=(defer,))
    thread.start()
    thread.join()


class Time:
    """A clock somebody waits for, in the middle of which a sweep is paused."""

    name, parent = "clock", None

    def __init__(self):
        self.waited_for = Status()

    def set(self, _):
        return self.waited_for

    def stop(self, *, success=False):
        if not self.waited_for.done:
            self.waited_for.set_exception(InterruptedError("nobody waits any longer"))

    def on_tick(self, _):
        """A clock is what ticks: nobody listens to this one."""


def test_a_time_that_is_waited_for_when_a_sweep_is_paused_is_waited_for_after_it(engine, requests):
    clock = Time()

    def begin(number):
        if number == 0:
            as_a_thread_does(engine, defer=False)

    sweep = Sweep(engine, requests, begin)
    plan = sweep.plan()

    def waiting():
        yield from bps.abs_set(clock, 7.0, group="a")
        yield from plan

    with pytest.raises(RunEngineInterrupted, match="resume"):
        engine(waiting())
    assert engine.state == "paused"
    assert not clock.waited_for.done
    clock.waited_for.set_finished()
    engine.resume()
    assert sweep.done == [0, 1, 2, 3]


@pytest.mark.parametrize("defer", [False, True])
@pytest.mark.parametrize("pause", [as_a_queue_does, as_a_thread_does])
def test_a_sweep_that_is_paused_from_outside_is_held_then_paused_and_resumed_where_it_was(
    engine, requests, pause, defer
):
    sweep = Sweep(engine, requests, lambda number: pause(engine, defer=defer) if number in (1, 2) else None)
    for done in ([0], [0, 1]):
        with pytest.raises(RunEngineInterrupted, match="resume"):
            sweep.run() if not sweep.done else engine.resume()
        assert engine.state == "paused"
        assert sweep_status(requests.data).state == "held"
        assert sweep.done == done
    engine.resume()
    assert engine.state == "idle"
    assert sweep.done == [0, 1, 2, 3], "no step twice, none lost"
    assert [one["hold_did"] for one in sweep.holds()] == ["held", "continued"] * 2
    assert sweep.documents[-1][1]["exit_status"] == "success"


@pytest.mark.parametrize(("how", "status"), [("stop", "success"), ("abort", "abort")])
def test_a_paused_sweep_can_be_stopped_and_aborted_as_any_plan(engine, requests, how, status):
    sweep = Sweep(engine, requests, lambda number: as_a_queue_does(engine, defer=False))
    with pytest.raises(RunEngineInterrupted):
        sweep.run()
    getattr(engine, how)()
    assert engine.state == "idle"
    assert sweep.done == []
    assert sweep.documents[-1][1]["exit_status"] == status
    assert sweep_status(requests.data).state == "ended"


def test_who_asks_a_paused_sweep_to_go_on_from_elsewhere_is_told_where_it_can(engine, requests):
    sweep = Sweep(engine, requests, lambda number: as_a_queue_does(engine, defer=False))
    with pytest.raises(RunEngineInterrupted):
        sweep.run()
    asked = ask(requests.data, Request.CONTINUE)
    while sweep_status(requests.data).answers != asked.uid:
        pace()
    assert "resume() there" in sweep_status(requests.data).says
    assert engine.state == "paused"


def test_a_paused_sweep_is_stopped_from_elsewhere(engine, requests):
    sweep = Sweep(engine, requests, lambda number: as_a_queue_does(engine, defer=False))
    with pytest.raises(RunEngineInterrupted):
        sweep.run()
    ask(requests.data, Request.STOP, who="Ada")
    while engine.state != "idle":
        pace()
    assert sweep_status(requests.data).state == "ended"
    assert [(one["hold_did"], one["hold_who"]) for one in sweep.holds()] == [("held", "engine"), ("stopped", "Ada")]


def test_where_a_queue_waits_at_a_paused_sweep_it_is_asked_to_resume_one_that_is_stopped_from_elsewhere(
    engine, requests
):
    asked = threading.Event()
    engine.resumed_by = lambda: asked.set() or True
    sweep = Sweep(engine, requests, lambda number: as_a_queue_does(engine, defer=False))
    with pytest.raises(RunEngineInterrupted):
        sweep.run()
    ask(requests.data, Request.STOP, who="Ada")
    asked.wait()
    assert engine.state == "paused", "whoever paused it resumes it"
    with pytest.raises(Stopped, match="Ada"):
        engine.resume()
    assert sweep_status(requests.data).state == "ended"
    assert [(one["hold_did"], one["hold_who"]) for one in sweep.holds()] == [("held", "engine"), ("stopped", "Ada")]


def test_a_stock_suspender_holds_a_sweep_with_its_own_plans_around_and_lets_it_go_on(engine, requests):
    ring_ma = Signal(name="ring_ma", value=100.0)
    told = []

    def before():
        told.append("before")
        ring_ma.put(100.0)
        yield from bps.null()

    def after():
        told.append(("after", list(sweep.done)))
        yield from bps.null()

    engine.install_suspender(SuspendFloor(ring_ma, 50.0, pre_plan=before, post_plan=after))
    steps = itertools.takewhile(lambda _: len(told) < 2, itertools.count())
    sweep = Sweep(engine, requests, lambda number: ring_ma.put(0.0) if number == 1 else None, steps)
    sweep.run()
    assert sweep.done == list(range(len(sweep.done))), "no step twice, none lost"
    assert told[0] == "before"
    assert told[1][0] == "after"
    held, continued = sweep.holds()
    assert (held["hold_did"], continued["hold_did"]) == ("held", "continued")
    assert "ring_ma" in held["hold_why"]
    assert sweep.documents[-1][1]["exit_status"] == "success"


def test_a_suspender_that_trips_while_a_sweep_is_paused_holds_it_when_it_is_resumed(engine, requests):
    ring_ma = Signal(name="ring_ma", value=100.0)
    engine.install_suspender(SuspendFloor(ring_ma, 50.0))
    sweep = Sweep(engine, requests, lambda number: as_a_queue_does(engine, defer=False) if number == 1 else None)
    with pytest.raises(RunEngineInterrupted):
        sweep.run()
    ring_ma.put(0.0)

    def recover():
        while "ring_ma" not in sweep_status(requests.data).says:
            pace()
        ring_ma.put(100.0)

    thread = threading.Thread(target=recover)
    thread.start()
    engine.resume()
    thread.join()
    assert sweep.done == [0, 1, 2, 3]


def test_resuming_a_sweep_that_a_person_holds_lets_it_go_on(engine, requests):
    asked = []

    def step(number):
        if number == 1:
            ask(requests.data, Request.PAUSE, who="Ada")
            thread.start()

    def resume():
        while sweep_status(requests.data).state != "held":
            pace()
        asked.append(engine.state)
        engine.resume()

    thread = threading.Thread(target=resume)
    sweep = Sweep(engine, requests, step)
    sweep.run()
    thread.join()
    assert asked == ["running"], "the engine is not paused where nobody paused it"
    assert [(one["hold_did"], one["hold_who"]) for one in sweep.holds()] == [("held", "Ada"), ("continued", "engine")]


def test_a_plan_that_cannot_be_repeated_is_not_ended_by_a_pause(engine):
    def plan():
        yield from bps.clear_checkpoint()
        as_a_queue_does(engine, defer=False)
        yield from bps.sleep(0.05)

    engine(plan())
    assert engine.state == "idle"


def test_a_plan_that_is_no_sweep_is_paused_as_ever(engine):
    def plan():
        yield from bps.checkpoint()
        yield from bps.pause()
        yield from bps.null()

    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    assert engine.state == "paused"
    engine.resume()
    assert engine.state == "idle"


@pytest.mark.parametrize("how", ["abort", "stop"])
def test_a_plan_hears_once_that_it_is_to_end_although_a_motion_fails_at_that_moment(engine, how):
    motion, heard = Status(), []

    async def fail_when_ended(_):
        ended = threading.Thread(target=getattr(engine, how))
        ended.start()
        try:
            await asyncio.sleep(3600.0)
        except asyncio.CancelledError:
            motion.set_exception(RuntimeError("it lost its read-back"))
            while engine._exception is None:  # what the engine tells the plan of next
                await asyncio.sleep(0.0)
            raise

    def plan():
        try:
            yield from bps.trigger(Moved(motion), group="a")
            yield Msg("fail_when_ended")
        except FailedStatus:
            heard.append("failed")
        except RunEngineControlException as asked:
            heard.append(type(asked))
            yield from bps.null()
            heard.append("cleaned up")
            raise

    engine.register_command("fail_when_ended", fail_when_ended)
    with contextlib.suppress(RunEngineInterrupted):
        engine(plan())
    assert heard == [{"abort": RequestAbort, "stop": RequestStop}[how], "cleaned up"]


class Moved:
    """Something whose motion ends as a test says."""

    name, parent = "moved", None

    def __init__(self, motion):
        self.motion = motion

    def trigger(self):
        return self.motion


def test_a_stock_plan_keeps_its_name(engine):
    names = []
    engine.subscribe(lambda name, doc: names.append(doc.get("plan_name")) if name == "start" else None)

    def mine():
        yield from bps.open_run()
        yield from bps.close_run()

    engine(mine())
    assert names == ["mine"]


def test_nobody_is_offered_to_resume_a_plan_that_has_ended(engine):
    def plan():
        threading.Thread(target=engine.abort, args=("enough",)).start()
        yield from bps.sleep(30.0)

    with pytest.raises(RunEngineInterrupted, match=r"ended \(enough\).*nothing to resume"):
        engine(plan())
    assert engine.state == "idle"
