import os
import signal

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import RunEngine
from bluesky.utils import RunEngineInterrupted

from lics_beamline.session.interruption import Interruption

LONG_S = 30.0


class Watcher:
    """A plan that tells where it is, and a way to make safe that is counted."""

    def __init__(self, *, cleanup_s: float, number: int = signal.SIGINT):
        self.number = number
        self.cleanup_s = cleanup_s
        self.cleaned = False
        self.made_safe = []
        self.ended = []
        self.engine = RunEngine(
            {}, context_managers=[lambda engine: Interruption(engine, self.make_safe, ended=self.end)]
        )

    def end(self):
        self.ended.append((self.engine.state, self.cleaned))

    def make_safe(self):
        self.made_safe.append("after clean-up" if self.cleaned else "while cleaning up")

    def plan(self):
        def work():
            interrupt(self.number)
            yield from bps.sleep(LONG_S)

        def cleanup():
            if self.cleanup_s > 0.1:
                interrupt(self.number)
            yield from bps.sleep(self.cleanup_s)
            self.cleaned = True

        return bpp.finalize_wrapper(work(), cleanup)


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard():
    """Tests may run where Ctrl-C is ignored, in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt(number=signal.SIGINT):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_ctrl_c_or_its_like_ends_the_plan_through_its_own_clean_up(number):
    was = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests that nohup started ignore it
    try:
        _ends_the_plan(number)
    finally:
        signal.signal(signal.SIGHUP, was)


def _ends_the_plan(number):
    watcher = Watcher(cleanup_s=0.01, number=number)
    with pytest.raises(RunEngineInterrupted):
        watcher.engine(watcher.plan())
    assert watcher.cleaned
    assert watcher.engine.state == "idle"
    assert watcher.made_safe == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_ctrl_c_or_its_like_makes_safe_without_waiting_for_a_slow_clean_up(number):
    watcher = Watcher(cleanup_s=1.0, number=number)
    with pytest.raises(RunEngineInterrupted):
        watcher.engine(watcher.plan())
    assert watcher.made_safe == ["while cleaning up"]
    assert watcher.engine.state == "idle"


def test_what_a_plan_leaves_behind_is_seen_to_after_its_clean_up_when_ctrl_c_ended_it():
    watcher = Watcher(cleanup_s=0.01)
    watcher.engine(bps.null())
    assert watcher.ended == [], "a plan that runs to its end may leave on what it likes"
    with pytest.raises(RunEngineInterrupted):
        watcher.engine(watcher.plan())
    assert watcher.ended == [("idle", True)]


def test_after_the_plan_ctrl_c_is_python_s_own_again():
    watcher = Watcher(cleanup_s=0.01)
    watcher.engine(bps.null())
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_a_terminal_that_goes_away_means_nothing_to_a_plan_that_was_started_to_outlive_it():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:

        def outlives():
            interrupt(signal.SIGHUP)
            yield from bps.null()

        Watcher(cleanup_s=0.01).engine(outlives())
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
