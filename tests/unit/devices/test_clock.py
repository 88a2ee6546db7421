import threading
import time

import pytest
from ophyd.sim import make_fake_device

from lics_beamline.devices.clock import Clock, Deadline, WallClock
from lics_beamline.errors import ClockTooFast, NotConnected


def threads():
    return {thread for thread in threading.enumerate() if thread.name == "experiment-clock"}


def test_the_wall_clock_is_seconds_since_1970():
    clock = WallClock()
    earlier_s, now_s, later_s = time.time(), clock.now_s(), time.time()

    assert earlier_s - 1.0 <= now_s <= later_s + 1.0


def test_a_deadline_is_done_when_its_time_has_passed():
    clock = WallClock()
    start_s = clock.now_s()

    clock.set(start_s + 0.2).wait()

    assert clock.now_s() >= start_s + 0.2


def test_a_deadline_in_the_past_is_done_at_once():
    clock = WallClock()

    assert clock.set(clock.now_s() - 1.0).done


def test_the_wall_clock_ticks_only_while_somebody_waits():
    clock = WallClock()
    before = threads()
    waiting = clock.set(clock.now_s() + 0.2)
    (thread,) = threads() - before

    waiting.wait()
    thread.join()

    assert not thread.is_alive()


def test_a_deadline_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="finite"):
        WallClock().set(float("nan"))


def test_stop_ends_the_waiting():
    clock = WallClock()
    waiting = clock.set(clock.now_s() + 3600.0)

    clock.stop()

    with pytest.raises(InterruptedError):
        waiting.wait()


def test_less_than_a_quarter_of_a_second_of_wall_clock_is_refused_with_the_shortest_that_is_not():
    clock = WallClock()
    clock.require(0.25, "dwell")

    with pytest.raises(ClockTooFast, match=r"Ask for 0\.25 s or more") as refused:
        clock.require(0.2, "dwell")

    assert refused.value.facts["shortest_s"] == pytest.approx(0.25)


def test_a_duration_that_is_no_number_is_refused():
    with pytest.raises(ClockTooFast):
        WallClock().require(float("nan"), "dwell")


def test_a_deadline_fails_when_the_world_is_started_again(device, clock):
    clock.time_s = 100.0
    waiting = Deadline(device, clock=clock, deadline_s=200.0)

    clock.tick_to(1.0)

    assert isinstance(waiting.exception(0), NotConnected)


@pytest.fixture
def told_clock():
    """A clock, and what tells it the time as a monitor does, or as an answer that comes late."""
    clock = make_fake_device(Clock)("SIM:", name="clock")

    def tell(time_s, at):
        clock.time_s._run_subs(sub_type="value", old_value=None, value=time_s, timestamp=at)

    return clock, tell


def test_an_answer_that_is_older_than_what_the_monitor_told_turns_no_clock_back(told_clock):
    clock, tell = told_clock
    tell(500.0, at=10.0)
    tell(506.0, at=10.02)
    waiting = clock.set(600.0)
    tell(500.0, at=10.0)

    assert clock.now_s() == 506.0
    assert not waiting.done
    tell(601.0, at=11.0)
    waiting.wait()


def test_a_world_that_was_started_again_turns_the_clock_back_and_ends_the_waiting(told_clock):
    clock, tell = told_clock
    tell(500.0, at=10.0)
    waiting = clock.set(600.0)
    tell(3.0, at=12.0)

    with pytest.raises(NotConnected, match=r"went back from 500\.0 s to 3\.0 s"):
        waiting.wait()


def test_a_clock_that_stays_silent_for_longer_than_its_stall_ends_the_waiting_and_says_so(device, clock):
    waiting = Deadline(device, clock=clock, deadline_s=200.0)
    clock.silence_s = clock.stall_s
    clock.beat()
    assert not waiting.done, "as long as that is waited for"

    clock.silence_s = clock.stall_s + 0.1
    clock.beat()

    with pytest.raises(NotConnected, match=r"stands at 0\.0 s since 30\.1 s of wall clock \(patience 30 s\)"):
        waiting.wait()


def test_patience_with_a_connection_is_none_with_a_clock_that_hangs(device, clock):
    clock.stall_s, clock.patience_s = 5.0, 3600.0
    waiting = Deadline(device, clock=clock, deadline_s=200.0)
    clock.silence_s = 6.0
    clock.beat()
    assert isinstance(waiting.exception(0), NotConnected)


def test_a_clock_of_the_simulated_world_has_the_stall_it_was_given():
    clock = make_fake_device(Clock)("SIM:", name="clock", stall_s=7.0, patience_s=60.0)
    assert (clock.stall_s, clock.patience_s) == (7.0, 60.0)


@pytest.mark.parametrize("stands", ["waited_wall_s", "held_wall_s"])
def test_a_world_that_says_that_it_stands_still_is_not_silent(told_clock, stands):
    clock, tell = told_clock
    tell(500.0, at=10.0)
    ended = time.monotonic() + 0.02
    while time.monotonic() < ended:
        pass
    tell(500.0, at=10.5)
    before_s = clock.silent_s()
    assert before_s >= 0.02, "the same time again is no life"

    getattr(clock, stands).sim_put(1.0)

    assert clock.silent_s() < before_s
