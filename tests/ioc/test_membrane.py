import bluesky.plan_stubs as bps
import bluesky.plans as bp
import pytest
from bluesky.utils import FailedStatus, RunEngineInterrupted
from ophyd.status import SubscriptionStatus

from lics_beamline.errors import ClockTooFast, DidNotSettle, OutsideEnvelope

SPEED = 60.0


@pytest.fixture
def membrane(beamline_at):
    membrane = beamline_at(SPEED).membrane
    membrane.arm().wait()
    membrane.set_slew(0.05).wait()
    return membrane


@pytest.fixture
def clock(beamline_at):
    return beamline_at(SPEED).clock


def until(signal, condition):
    return SubscriptionStatus(signal, lambda value, **_: condition(value), run=True)


def test_a_move_ends_with_the_load_within_tolerance_of_the_setpoint(membrane, engine):
    start_bar = membrane.load_bar.get()

    engine(bps.mv(membrane, start_bar + 1.0))

    assert membrane.load_bar.get() == pytest.approx(start_bar + 1.0, abs=membrane.tolerance_bar)
    assert membrane.setpoint_bar.get() == pytest.approx(start_bar + 1.0, abs=0.001)


def test_a_move_takes_at_least_the_time_of_the_slew_and_the_dwell(membrane, clock):
    start_s = clock.now_s()

    membrane.set(membrane.load_bar.get() + 1.0).wait()

    assert clock.now_s() - start_s >= (1.0 - membrane.tolerance_bar) / 0.05 + membrane.dwell_s


def test_a_load_above_the_supply_is_refused_with_both_numbers(membrane):
    before = membrane.setpoint_bar.get()

    with pytest.raises(OutsideEnvelope, match=r"130 bar.*120 bar") as refused:
        membrane.set(130.0)

    assert refused.value.facts["source_bar"] == pytest.approx(120.0)
    assert membrane.setpoint_bar.get() == before


def test_a_load_beyond_the_limits_of_the_controller_is_refused_with_both_limits(membrane):
    with pytest.raises(OutsideEnvelope, match="0 to 150 bar"):
        membrane.set(151.0)


def test_the_narrower_of_profile_and_controller_binds(membrane):
    membrane.limits_bar = (0.0, 10.0)
    try:
        with pytest.raises(OutsideEnvelope, match="0 to 10 bar"):
            membrane.set(11.0)
    finally:
        membrane.limits_bar = None


def test_a_load_that_is_no_number_is_refused_at_once(membrane):
    with pytest.raises(ValueError, match="finite"):
        membrane.set(float("nan"))


def test_a_dwell_too_short_for_the_speed_is_refused_with_the_shortest_that_is_not(membrane):
    dwell_s, membrane.dwell_s = membrane.dwell_s, 10.0
    try:
        with pytest.raises(ClockTooFast, match="15 s or more"):
            membrane.set(1.0)
    finally:
        membrane.dwell_s = dwell_s


def test_stop_during_a_move_holds_the_load_of_that_moment_and_fails_the_move(membrane):
    start_bar = membrane.load_bar.get()
    move = membrane.set(start_bar + 20.0)
    until(membrane.load_bar, lambda load_bar: load_bar > start_bar + 0.5).wait()

    membrane.stop()

    with pytest.raises(DidNotSettle, match="stopped"):
        move.wait()
    held_bar = membrane.setpoint_bar.get(use_monitor=False)
    assert start_bar + 0.4 < held_bar < start_bar + 19.0
    until(membrane.setpoint_readback_bar, lambda bar: abs(bar - held_bar) < 0.001).wait()


def test_stop_at_rest_changes_nothing(membrane, engine):
    target_bar = round(membrane.load_bar.get(), 2) + 0.3
    engine(bps.mv(membrane, target_bar))  # after which the engine has called stop(success=True)

    membrane.stop()

    assert membrane.setpoint_bar.get() == pytest.approx(target_bar, abs=1e-6)


def test_a_plan_that_ends_without_waiting_leaves_the_load_held(membrane, engine):
    start_bar = membrane.load_bar.get()

    engine(bps.abs_set(membrane, start_bar + 20.0, wait=False))

    assert membrane.setpoint_bar.get(use_monitor=False) < start_bar + 10.0
    held_bar = membrane.setpoint_bar.get(use_monitor=False)
    until(membrane.setpoint_readback_bar, lambda bar: bar == pytest.approx(held_bar, abs=0.01)).wait()


def test_a_pause_holds_the_load_and_the_interrupted_move_never_counts_as_arrived(membrane, engine):
    start_bar = membrane.load_bar.get()
    under_way = until(membrane.load_bar, lambda load_bar: load_bar > start_bar + 0.5)
    under_way.add_callback(lambda _: engine.request_pause())

    def plan():
        yield from bps.checkpoint()
        yield from bps.abs_set(membrane, start_bar + 20.0, wait=True)

    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    held_bar = membrane.setpoint_bar.get(use_monitor=False)
    assert start_bar + 0.4 < held_bar < start_bar + 19.0
    with pytest.raises(FailedStatus):
        engine.resume()


def test_a_second_setpoint_supersedes_the_first(membrane):
    start_bar = membrane.load_bar.get()
    first = membrane.set(start_bar + 20.0)

    second = membrane.set(start_bar + 0.2)

    with pytest.raises(DidNotSettle, match="superseded"):
        first.wait()
    second.wait()
    assert membrane.load_bar.get() == pytest.approx(start_bar + 0.2, abs=membrane.tolerance_bar)


def test_made_safe_the_valves_are_shut_and_the_gas_stays(membrane):
    membrane.set(membrane.load_bar.get() + 0.5).wait()
    load_bar = membrane.load_bar.get()

    membrane.make_safe().wait()

    assert membrane.control_readback.get(use_monitor=False) == "Off"
    assert membrane.load_bar.get() == pytest.approx(load_bar, abs=0.1)


def test_a_membrane_made_safe_refuses_to_move_and_says_to_arm_it(membrane):
    membrane.make_safe().wait()

    with pytest.raises(DidNotSettle, match=r"membrane\.arm"):
        membrane.set(1.0)


def test_arming_sets_the_setpoint_to_the_load_of_the_moment_before_control_goes_on(membrane):
    membrane.set(3.0).wait()
    membrane.make_safe().wait()
    membrane.setpoint_bar.put(50.0)  # a setpoint left by somebody else
    until(membrane.setpoint_readback_bar, lambda bar: bar == 50.0).wait()
    seen = []
    membrane.control_readback.subscribe(
        lambda value, **_: seen.append((value, membrane.setpoint_readback_bar.get())), run=False
    )

    membrane.arm().wait()
    until(membrane.control_readback, lambda said: said == "On").wait()

    assert next(bar for said, bar in seen if said == "On") == pytest.approx(3.0, abs=0.1)


def test_make_safe_beats_a_move_under_way(membrane):
    start_bar = membrane.load_bar.get()
    move = membrane.set(start_bar + 20.0)
    until(membrane.load_bar, lambda load_bar: load_bar > start_bar + 0.5).wait()

    membrane.make_safe().wait()

    with pytest.raises(DidNotSettle, match="made safe"):
        move.wait()
    assert membrane.control_readback.get(use_monitor=False) == "Off"


def test_a_load_that_does_not_move_is_a_stall_with_effort_and_supply(membrane, clock):
    start_bar = membrane.load_bar.get()
    membrane.stall_s = 30.0
    try:
        move = membrane.set(start_bar + 5.0)
        until(membrane.load_bar, lambda load_bar: load_bar > start_bar + 0.5).wait()
        membrane.control.put("Off")  # somebody at the panel shuts the valves
        with pytest.raises(DidNotSettle, match=r"without getting nearer.*Effort"):
            move.wait()
    finally:
        membrane.stall_s = 300.0


def test_documents_name_load_and_unit(membrane, engine, documents):
    engine(bp.count([membrane]))

    descriptor = next(document for name, document in documents if name == "descriptor")
    assert descriptor["data_keys"]["membrane_load_bar"]["units"] == "bar"
    assert {"membrane_load_bar", "membrane_setpoint_bar", "membrane_effort_percent"} <= set(descriptor["data_keys"])
    assert descriptor["hints"]["membrane"]["fields"] == ["membrane_load_bar"]
