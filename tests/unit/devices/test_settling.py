import errno
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ophyd import Device, Signal

from lics_beamline.devices.motion import Motion
from lics_beamline.devices.settling import ArrivalCriteria, ReadBack, Settling
from lics_beamline.errors import ClockTooFast, DidNotSettle, NotConnected

from .conftest import HandClock

ARRIVAL = ArrivalCriteria(tolerance=0.5, dwell_s=10.0, stall_s=60.0, timeout_s=1000.0)


def settle(device, clock, signal, *, target=10.0, arrival=ARRIVAL):
    return Settling(
        device,
        clock=clock,
        signal=signal,
        target=target,
        arrival=arrival,
        what="oven",
        unit="K",
        look_at=lambda: "Look at the oven.",
    )


def follow(clock, signal, course):
    """Show the read-back of each (time, value)."""
    for time_s, value in course:
        signal.put(value)
        clock.tick_to(time_s)


def test_it_settles_when_the_dwell_within_tolerance_is_over(device, clock, readback):
    status = settle(device, clock, readback)

    follow(clock, readback, [(5.0, 8.0), (10.0, 9.6), (19.9, 10.4)])
    assert not status.done
    follow(clock, readback, [(20.0, 10.0)])

    assert status.success


class OnAFailingDisk(Settling):
    """Is judged by a file that its disk does not give."""

    def judge(self, value, now_s):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


def test_one_that_cannot_be_judged_ends_with_the_reason_and_the_others_are_judged_on(device, clock, readback):
    asked = {"target": 10.0, "arrival": ARRIVAL, "what": "plate", "unit": "K", "look_at": lambda: ""}
    failing = OnAFailingDisk(device, clock=clock, signal=readback, **asked)
    status = settle(device, clock, readback)

    follow(clock, readback, [(1.0, 10.0), (11.0, 10.0)])

    assert "Stale file handle" in str(failing.exception())
    assert status.success


def test_leaving_the_tolerance_starts_the_dwell_anew(device, clock, readback):
    status = settle(device, clock, readback)

    follow(clock, readback, [(1.0, 10.0), (9.0, 10.6), (11.0, 10.0), (20.0, 10.0)])
    assert not status.done
    follow(clock, readback, [(21.0, 10.0)])

    assert status.success


def test_standing_still_off_the_target_is_a_stall_with_number_unit_limit_and_advice(device, clock, readback):
    status = settle(device, clock, readback)

    follow(clock, readback, [(1.0, 6.0), (30.0, 6.1), (61.0, 6.2)])
    assert not status.done
    follow(clock, readback, [(62.0, 6.2)])

    error = status.exception(0)
    assert isinstance(error, DidNotSettle)
    assert str(error) == (
        "oven stands at 6.20 K of 10.00 K (tolerance 0.5 K) after 62 s, "
        "without getting nearer for 61 s. Look at the oven."
    )
    assert error.facts["target"] == 10.0


def test_creeping_nearer_is_no_stall(device, clock, readback):
    status = settle(device, clock, readback)

    follow(clock, readback, [(50.0 * step, 0.55 * step) for step in range(1, 18)])

    assert not status.done


def test_an_overshoot_that_comes_back_is_no_stall(device, clock, readback):
    status = settle(device, clock, readback)

    follow(clock, readback, [(1.0, 9.0), (5.0, 10.0), (20.0, 12.0), (40.0, 13.0), (64.0, 12.0), (110.0, 10.2)])
    assert not status.done
    follow(clock, readback, [(120.0, 10.0)])

    assert status.success


def test_the_time_out_ends_an_oscillation_that_never_stays(device, clock, readback):
    status = settle(device, clock, readback)

    follow(clock, readback, [(time_s, 10.0 + (3.0 if time_s % 10 else -3.0)) for time_s in range(5, 1010, 5)])

    assert "time-out 1000 s" in str(status.exception(0))


@pytest.mark.parametrize("target", [float("nan"), float("inf"), float("-inf")])
def test_a_target_that_is_no_number_is_refused_at_once(device, clock, readback, target):
    with pytest.raises(ValueError, match="finite"):
        settle(device, clock, readback, target=target)
    assert clock.listeners == []


def test_a_readback_that_is_no_number_never_counts_as_arrived(device, clock, readback):
    status = settle(device, clock, readback)

    follow(clock, readback, [(1.0, 10.0), (5.0, float("nan")), (12.0, 10.0)])

    assert not status.done


@pytest.mark.parametrize("short", ["dwell_s", "stall_s", "timeout_s"])
def test_durations_that_the_speed_makes_too_short_are_refused(device, readback, short):
    durations = {"dwell_s": 100.0, "stall_s": 100.0, "timeout_s": 100.0, short: 74.0}

    with pytest.raises(ClockTooFast):
        settle(device, HandClock(speed=300.0), readback, arrival=ArrivalCriteria(tolerance=0.5, **durations))


def test_a_clock_that_falls_silent_ends_the_waiting_after_its_patience(device, clock, readback):
    status = settle(device, clock, readback)
    clock.silence_s = 29.0
    clock.beat()
    assert not status.done
    clock.silence_s = 31.0
    clock.beat()

    assert isinstance(status.exception(0), NotConnected)


def test_a_clock_that_goes_back_ends_the_waiting(device, clock, readback):
    clock.time_s = 500.0
    status = settle(device, clock, readback)

    clock.tick_to(3.0)

    assert "went back from 500.0 s to 3.0 s" in str(status.exception(0))


def test_nobody_listens_to_the_clock_once_it_is_over(device, clock, readback):
    status = settle(device, clock, readback)

    follow(clock, readback, [(1.0, 10.0), (20.0, 10.0)])

    assert status.success
    assert clock.listeners == []


@given(
    course=st.lists(
        st.tuples(st.floats(min_value=0.1, max_value=20.0), st.floats(min_value=-20.0, max_value=40.0)), max_size=40
    )
)
def test_success_means_that_it_stayed_for_the_dwell_whatever_the_course(course):
    clock, readback = HandClock(), Signal(name="readback", value=0.0)
    status = settle(Device("", name="device"), clock, readback)
    stayed_since, time_s = None, 0.0
    for wait_s, value in course:
        if status.done:
            break
        time_s += wait_s
        follow(clock, readback, [(time_s, value)])
        inside = abs(value - 10.0) <= ARRIVAL.tolerance
        stayed_since = (time_s if stayed_since is None else stayed_since) if inside else None
        assert (status.done and status.success) == (inside and time_s - stayed_since >= ARRIVAL.dwell_s)


def test_a_readback_that_lags_is_waited_for_and_one_that_never_agrees_is_not(device, clock, readback):
    def agree():
        return ReadBack(
            device,
            clock=clock,
            signal=readback,
            agrees=lambda value: value == 7.0,
            patience_s=8.0,
            what="oven setpoint [K]",
            wanted="7",
        )

    lagging = agree()
    follow(clock, readback, [(7.9, 0.0), (8.0, 7.0)])
    assert lagging.success

    readback.put(0.0)
    lost = agree()
    follow(clock, readback, [(15.0, 0.0), (17.0, 0.0)])
    assert "asked for 7 and reads 0.0" in str(lost.exception(0))


def test_nothing_is_written_once_a_motion_has_ended(device, clock, readback):
    first_written, ended = threading.Event(), threading.Event()
    setpoint = Signal(name="setpoint", value=0.0)
    held = []

    def steps(motion):
        motion.write(setpoint, 1.0)
        first_written.set()
        ended.wait()
        motion.write(setpoint, 2.0)

    motion = Motion(device, steps, what="oven", hold=lambda: held.append(setpoint.get()))
    first_written.wait()
    motion.end("stopped")
    ended.set()

    with pytest.raises(DidNotSettle, match="oven was stopped"):
        motion.wait()
    assert setpoint.get() == 1.0
    assert held == [1.0]


def test_a_step_that_fails_holds_the_device_once(device, clock, readback):
    held = threading.Event()

    def steps(motion):
        raise DidNotSettle("no")

    motion = Motion(device, steps, what="oven", hold=held.set)

    with pytest.raises(DidNotSettle, match="no"):
        motion.wait()
    assert held.is_set()


def test_ending_a_motion_that_is_over_does_nothing(device):
    held = []
    motion = Motion(device, lambda motion: None, what="oven", hold=lambda: held.append(1))
    motion.wait()

    motion.end("stopped")

    assert motion.success
    assert held == []


def test_a_motion_that_rests_stays_where_it_is_is_not_judged_and_commands_again_when_it_goes_on(
    device, clock, readback
):
    setpoint, settling = Signal(name="setpoint", value=0.0), threading.Event()
    waited = []

    def steps(motion):
        motion.write(setpoint, 10.0)
        waited.append(settle(device, clock, readback))
        settling.set()
        motion.await_step(waited[0])

    motion = Motion(device, steps, what="oven", hold=lambda: setpoint.put(readback.get()))
    settling.wait()
    follow(clock, readback, [(5.0, 4.0)])
    motion.rest()
    assert setpoint.get() == 4.0
    follow(clock, readback, [(100.0, 4.0), (2000.0, 4.0)])  # longer than stall and time-out
    assert not motion.done
    motion.go_on()
    assert setpoint.get() == 10.0
    follow(clock, readback, [(2001.0, 10.0), (2010.9, 10.0)])
    assert not motion.done, "the dwell counts from when it goes on"
    follow(clock, readback, [(2011.0, 10.0)])
    motion.wait()


def test_a_command_that_falls_into_a_rest_is_written_when_the_rest_is_over(device):
    setpoint, about_to, resting = Signal(name="setpoint", value=0.0), threading.Event(), threading.Event()

    def steps(motion):
        about_to.set()
        resting.wait()
        motion.write(setpoint, 10.0)

    motion = Motion(device, steps, what="oven", hold=lambda: None)
    about_to.wait()
    motion.rest()
    resting.set()
    motion.go_on()
    motion.wait()
    assert setpoint.get() == 10.0


def test_a_motion_can_be_ended_while_it_rests_and_nothing_is_written_any_more(device):
    setpoint, about_to, resting = Signal(name="setpoint", value=0.0), threading.Event(), threading.Event()

    def steps(motion):
        about_to.set()
        resting.wait()
        motion.write(setpoint, 10.0)

    motion = Motion(device, steps, what="oven", hold=lambda: None)
    about_to.wait()
    motion.rest()
    resting.set()
    motion.end("stopped")
    with pytest.raises(DidNotSettle, match="stopped"):
        motion.wait()
    motion.go_on()
    assert setpoint.get() == 0.0
