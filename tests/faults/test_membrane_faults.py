"""What the membrane does when its instruments fail: it holds, says why, and never chases."""

import logging
import re

import bluesky.plan_stubs as bps
import pytest
from bluesky.utils import FailedStatus
from looking import pace
from ophyd.status import SubscriptionStatus

from lics_beamline.devices.beamline import connect
from lics_beamline.errors import Busy, DidNotSettle, OutsideEnvelope, WrongUnit


def until(signal, condition):
    return SubscriptionStatus(signal, lambda value, **_: condition(value), run=True)


@pytest.fixture
def membrane(rig):
    """Armed, at a load of 2 bar or more."""
    membrane = rig.beamline.membrane
    membrane.arm().wait()
    membrane.set_slew(0.05).wait()
    if float(membrane.load_bar.get()) < 1.9:
        membrane.set(2.0).wait()
    return membrane


def test_a_supply_below_the_setpoint_is_refused_before_moving_with_both_numbers(rig, membrane):
    rig.fail("supply_low:8.5")
    until(membrane.source_bar, lambda source_bar: source_bar < 9.0).wait()
    before = rig.get("PC1:Setpoint_RBV")
    with pytest.raises(OutsideEnvelope, match=r"asked for 20 bar; the supply gives 8\.5 bar"):
        membrane.set(20.0)
    assert rig.get("PC1:Setpoint_RBV") == before


def test_gas_is_let_out_whatever_the_supply_is(rig, membrane):
    rig.fail("supply_low:0.5")
    until(membrane.source_bar, lambda source_bar: source_bar < 1.0).wait()
    lower_bar = float(membrane.load_bar.get()) - 0.5
    membrane.set(lower_bar).wait()
    assert float(membrane.load_bar.get()) == pytest.approx(lower_bar, abs=membrane.tolerance_bar)


def test_a_leak_is_warned_of_after_half_a_minute_and_stops_the_move_after_one_and_the_setpoint_is_never_raised(
    rig, membrane, caplog
):
    setpoints = []
    watching = membrane.setpoint_readback_bar.subscribe(lambda value, **_: setpoints.append(value), run=False)
    rig.fail("gas_leak:0.2")
    began_s = rig.beamline.clock.now_s()
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(DidNotSettle, match=r"100 % effort for \d+ s .* a leak\?") as ended,
    ):
        membrane.set(2.5).wait()
    membrane.setpoint_readback_bar.unsubscribe(watching)
    assert rig.beamline.clock.now_s() - began_s > 60.0
    assert 60.0 < ended.value.facts["high_s"] < 120.0
    (warned,) = (record for record in caplog.records if record.levelname == "WARNING" and "a leak?" in record.message)
    warned_s = float(re.search(r"effort for (\d+) s", warned.message)[1])  # by the clock of the experiment
    assert 30.0 <= warned_s < 45.0
    (shut,) = (record for record in caplog.records if "its valves are shut" in record.message)
    assert shut.created > warned.created
    assert max(setpoints) == pytest.approx(2.5)
    until(membrane.control_readback, lambda control: control == "Off").wait()
    assert any("a leak or an empty supply; its valves are shut" in record.message for record in caplog.records)
    with pytest.raises(DidNotSettle, match="membrane control is Off"):
        membrane.set(3.0)


def test_control_that_reads_back_late_is_waited_for_and_commanded_once(rig, membrane):
    membrane.make_safe().wait()
    rig.fail("readback_lag:120")
    at_s = {}
    watched = (membrane.control, membrane.control_readback)
    watching = [
        signal.subscribe(
            lambda value, obj, **_: at_s.update({(obj.name, value): rig.beamline.clock.now_s()}), run=False
        )
        for signal in watched
    ]
    armed = membrane.arm()
    until(membrane.control_readback, lambda control: control == "On").wait()
    armed.wait()
    for signal, watch in zip(watched, watching, strict=True):
        signal.unsubscribe(watch)
    lasted_s = at_s["membrane_control_readback", "On"] - at_s["membrane_control", "On"]
    assert lasted_s == pytest.approx(120.0, abs=30.0), "the command was not repeated meanwhile"


def test_another_unit_is_refused_at_connection(rig):
    rig.fail("wrong_egu")
    until(rig.beamline.membrane.source_bar, lambda source: source > 1000.0).wait()
    with pytest.raises(WrongUnit, match=r"PC1:Units_RBV says 'PSI'; declared is 'BAR'"):
        connect(rig.beamline)
    rig.fail("clear")
    until(rig.beamline.membrane.source_bar, lambda source: source < 150.0).wait()
    assert not connect(rig.beamline).findings


def test_a_slip_inside_the_tolerated_size_fails_no_move_and_the_load_arrives(rig, membrane):
    rig.fail("stick_slip:0.3")
    membrane.set(float(membrane.load_bar.get()) + 0.5).wait()


def test_an_ioc_that_restarts_during_a_move_is_waited_for_and_the_move_goes_on(rig, membrane, engine):
    target = float(membrane.load_bar.get()) + 3.0
    began = until(membrane.load_bar, lambda load_bar: load_bar > target - 2.5)
    began.add_callback(lambda _: rig.fail("ioc_restart:120"))  # 2 s of wall clock
    gone = SubscriptionStatus(membrane.load_bar, lambda connected, **_: not connected, event_type="meta", run=False)
    engine(bps.mv(membrane, target))
    assert gone.done, "it was gone"
    assert membrane.load_bar.get(use_monitor=False) == pytest.approx(target, abs=0.06)
    membrane.set(target + 0.3).wait()  # the lease is ours again, though the controller sees another connection


def test_another_client_cannot_move_the_gas_while_we_hold_the_lease_and_can_when_made_safe(rig, membrane):
    load_bar = float(membrane.load_bar.get())
    with pytest.raises(Exception, match="leased to"):
        rig.put("PC1:Setpoint", load_bar + 5.0)
    assert rig.get("PC1:Setpoint_RBV") == pytest.approx(load_bar, abs=0.6)
    rig.put("PC1:Control", "Off")  # shutting the valves is open to everybody
    membrane.make_safe().wait()
    while rig.get("PC1:Lease"):
        pace()
    rig.put("PC1:Setpoint", load_bar)


def test_a_membrane_leased_to_another_is_not_armed_and_says_to_whom(rig):
    membrane = rig.beamline.membrane
    membrane.make_safe().wait()
    rig.put("PC1:Lease", "somebody else")
    try:
        with pytest.raises(Busy, match="leased to 'somebody else'"):
            membrane.arm().wait()
    finally:
        rig.put("PC1:Lease", "")


def test_a_setpoint_of_another_client_where_nothing_refuses_it_is_noticed_at_once_and_the_load_held(
    rig, membrane, engine
):
    target = float(membrane.load_bar.get()) + 3.0

    def meddle(_):
        rig.put("PC1:Lease", "")  # a controller without leases
        rig.put("PC1:Setpoint", target + 20.0)

    began = until(membrane.load_bar, lambda load_bar: load_bar > target - 2.5)
    began.add_callback(meddle)
    with pytest.raises(FailedStatus) as failed:
        engine(bps.mv(membrane, target))
    assert "another client commands it" in str(failed.value.__cause__)
    until(membrane.setpoint_readback_bar, lambda setpoint_bar: setpoint_bar < target).wait()
