"""A line that is cut and an IOC that is started again: what is shown then is an old value, and taken for none."""

import threading

import pytest
from ophyd.status import SubscriptionStatus

from lics_beamline.devices.alarm import Severity, alarms_of, asked_of, severity_of, silences, value_of, vital_signals
from lics_beamline.errors import BadReading, DidNotSettle, NotConnected

from .conftest import rig_at

INSTRUMENTS = ("membrane", "heater", "thermocouples", "ruby", "plate", "beam")
PATIENCE_S = 3.0  # for a read-back without value, in these tests [s of wall clock]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with rig_at(tmp_path_factory.mktemp("data"), 60.0, dwell_s=30.0, stall_s=900.0, patience_s=PATIENCE_S) as rig:
        yield rig


def becomes(signal, holds):
    """Wait until a claim about a monitored signal holds; the test's time-out is the limit."""
    changed = threading.Event()
    watching = [signal.subscribe(lambda **_: changed.set(), event_type=kind, run=False) for kind in ("value", "meta")]
    while not holds():
        changed.wait(0.05)
        changed.clear()
    for watch in watching:
        signal.unsubscribe(watch)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_an_instrument_whose_line_is_cut_keeps_its_last_values_and_has_none(rig, name):
    device = getattr(rig.beamline, name)
    vital = list(vital_signals([device]))
    assert vital
    assert not silences([device])
    rig.fail(f"{name}_line_lost:1e6")
    for signal in vital:
        becomes(signal, lambda signal=signal: severity_of(signal) is Severity.INVALID)
        assert value_of(signal) is None
        assert asked_of(signal) is None
        assert signal.get() is not None, "the IOC still shows its last value"
    said = "; ".join(silences([device]))
    assert all(signal.pvname in said for signal in vital)
    rig.fail("clear")
    for signal in vital:
        becomes(signal, lambda signal=signal: value_of(signal) is not None)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_an_instrument_whose_ioc_is_gone_has_no_value_and_the_pv_is_named(rig, name):
    device = getattr(rig.beamline, name)
    rig.fail(f"{name}_ioc_restart:1e6")
    for signal in vital_signals([device]):
        becomes(signal, lambda signal=signal: value_of(signal) is None)
        assert f"{signal.pvname} is disconnected" in silences([device])
    rig.fail("clear")
    for signal in vital_signals([device]):
        becomes(signal, lambda signal=signal: value_of(signal) is not None)


def test_an_answer_is_judged_by_its_own_severity_where_a_monitor_has_fallen_silent(rig):
    membrane = rig.beamline.membrane
    pv = membrane.load_bar._read_pv
    pv.clear_auto_monitor()
    try:
        rig.fail("membrane_line_lost:1e6")
        becomes(membrane.effort_percent, lambda: value_of(membrane.effort_percent) is None)
        assert severity_of(membrane.load_bar) is Severity.NO_ALARM
        assert asked_of(membrane.load_bar) is None
        rig.fail("clear")
        becomes(membrane.effort_percent, lambda: value_of(membrane.effort_percent) is not None)
        assert asked_of(membrane.load_bar) is not None
    finally:
        pv.auto_monitor = True
        pv._check_auto_monitor_sub()


def test_no_command_reaches_an_instrument_whose_line_is_cut(rig):
    before = rig.get("PC1:Setpoint_RBV")
    load_bar = rig.beamline.membrane.load_bar
    rig.fail("membrane_line_lost:1e6")
    becomes(load_bar, lambda: value_of(load_bar) is None)
    rig.put("PC1:Setpoint", before + 7.0)
    rig.fail("clear")
    becomes(load_bar, lambda: value_of(load_bar) is not None)
    assert rig.get("PC1:Setpoint_RBV") == pytest.approx(before)


def test_a_move_whose_line_stays_cut_ends_after_its_patience_and_names_the_pv(rig):
    membrane = rig.beamline.membrane
    membrane.arm().wait()
    membrane.set_slew(0.05).wait()
    target = float(membrane.load_bar.get()) + 3.0
    moving = membrane.set(target)
    SubscriptionStatus(membrane.load_bar, lambda value, **_: value > target - 2.7, run=True).wait()
    rig.fail("membrane_line_lost:1e6")
    with pytest.raises(NotConnected, match=rf"PC1:Pressure_RBV is INVALID.*since 3\.\d s .*patience {PATIENCE_S:g} s"):
        moving.wait()
    with pytest.raises(NotConnected, match=r"membrane: .*PC1:Pressure_RBV is INVALID.*The last setpoint stands"):
        membrane.hold().wait()


def test_a_move_whose_line_comes_back_goes_on(rig):
    membrane = rig.beamline.membrane
    membrane.arm().wait()
    membrane.set_slew(0.05).wait()
    target = float(membrane.load_bar.get()) + 2.0
    moving = membrane.set(target)
    SubscriptionStatus(membrane.load_bar, lambda value, **_: value > target - 1.7, run=True).wait()
    rig.fail("membrane_line_lost:60")  # 1 s of wall clock
    moving.wait()
    assert membrane.load_bar.get(use_monitor=False) == pytest.approx(target, abs=0.06)


def test_temperatures_without_value_are_not_believed(rig):
    couples = rig.beamline.thermocouples
    rig.fail("thermocouples_line_lost:1e6")
    becomes(couples.gasket_c, lambda: value_of(couples.gasket_k) is None)
    with pytest.raises(BadReading, match=r"thermocouple gasket has no value: .*TC:Ti1 is INVALID"):
        couples.believed()


def test_a_spectrometer_that_is_started_again_while_it_acquires_gives_no_new_spectrum(rig):
    ruby = rig.beamline.ruby
    ruby.trigger().wait()
    ruby.acquire_time_s.set(30.0).wait()
    acquiring = ruby.trigger()
    SubscriptionStatus(ruby.state, lambda value, **_: value == "Acquire", run=True).wait()
    rig.fail("ruby_ioc_restart:60")  # 1 s of wall clock: it is back before anybody gives up
    with pytest.raises((BadReading, DidNotSettle, NotConnected), match="ruby"):
        acquiring.wait()
    becomes(ruby.unique_id, lambda: asked_of(ruby.unique_id) == 0)
    ruby.acquire_time_s.set(1.0).wait()
    ruby.trigger().wait()
    assert int(ruby.unique_id.get(use_monitor=False)) == 1


def test_a_minor_alarm_leaves_the_value_and_is_named_with_its_pv(rig):
    beam = rig.beamline.beam
    rig.fail("beam_dump:1e6")
    becomes(beam.ring_current_ma, lambda: severity_of(beam.ring_current_ma) is Severity.MINOR)
    assert value_of(beam.ring_current_ma) == 0.0
    assert alarms_of([beam]) == f"{rig.prefix}BEAM:RingCurrent_RBV MINOR"
