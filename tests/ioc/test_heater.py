import bluesky.plan_stubs as bps
import bluesky.plans as bp
import pytest
from ophyd.status import SubscriptionStatus

from lics_beamline.errors import DidNotSettle, OutsideEnvelope

from .conftest import devices

SPEED = 120.0


@pytest.fixture
def heater(beamline_at):
    heater = beamline_at(SPEED).heater
    heater.arm().wait()
    return heater


def until(signal, condition):
    return SubscriptionStatus(signal, lambda value, **_: condition(value), run=True)


def test_a_ramp_ends_with_the_temperature_within_tolerance_for_the_dwell(heater, beamline_at, engine):
    clock = beamline_at(SPEED).clock
    start_k, start_s = heater.temperature_k.get(), clock.now_s()
    target_k = round(start_k) + 10.0

    engine(bps.abs_set(heater, target_k, ramp_rate_k_per_min=10.0, wait=True))

    assert heater.temperature_k.get() == pytest.approx(target_k, abs=heater.tolerance_k)
    assert clock.now_s() - start_s >= heater.dwell_s + 60.0 * (target_k - start_k - heater.tolerance_k) / 10.0 / 2.0


def test_ramp_and_setpoint_are_read_back_before_the_ramp_counts(heater):
    target_k = round(heater.temperature_k.get()) + 2.0

    heater.set(target_k, ramp_rate_k_per_min=7.0).wait()

    assert heater.ramp_rate_k_per_min.get() == pytest.approx(7.0)
    assert heater.setpoint_readback_k.get() == pytest.approx(target_k, abs=0.1)


def test_temperature_setpoint_and_ramp_are_described_in_kelvin(heater, engine, documents):
    engine(bp.count([heater]))

    keys = next(document for name, document in documents if name == "descriptor")["data_keys"]
    event = next(document for name, document in documents if name == "event")
    assert keys["heater_temperature_k"]["units"] == "K"
    assert keys["heater_setpoint_k"]["units"] == "K"
    assert keys["heater_setpoint_k"]["upper_ctrl_limit"] == pytest.approx(523.15)
    assert 280.0 < event["data"]["heater_temperature_k"] < 523.15
    assert not any(key.endswith("_c") for key in keys)


def test_stop_during_a_ramp_holds_the_temperature_of_that_moment(heater):
    start_k = heater.temperature_k.get()
    ramp = heater.set(min(start_k + 100.0, 500.0), ramp_rate_k_per_min=20.0)
    until(heater.temperature_k, lambda now_k: now_k > start_k + 3.0).wait()

    heater.stop()

    with pytest.raises(DidNotSettle, match="stopped"):
        ramp.wait()
    until(heater.setpoint_readback_k, lambda now_k: start_k + 2.0 < now_k < start_k + 60.0).wait()


def test_stop_after_make_safe_does_not_bring_the_setpoint_back_up(heater, engine):
    engine(bps.abs_set(heater, round(heater.temperature_k.get()) + 5.0, wait=True))
    heater.make_safe().wait()

    heater.stop(success=True)

    assert heater.setpoint_k.get(use_monitor=False) == pytest.approx(heater.ambient_k, abs=0.1)


def test_made_safe_the_output_is_none_and_the_setpoint_ambient(heater):
    heater.set(round(heater.temperature_k.get()) + 5.0).wait()

    heater.make_safe().wait()

    assert heater.output_percent.get(use_monitor=False) <= 0.5
    assert heater.setpoint_readback_k.get(use_monitor=False) == pytest.approx(heater.ambient_k, abs=0.1)


def test_a_heater_that_never_said_its_limits_is_made_safe_in_vain_and_in_words(tmp_path):
    away = devices("NO_ENGINE_BEAT:", tmp_path).heater
    try:
        with pytest.raises(DidNotSettle, match=r"heater could not be made safe in \d+ attempts"):
            away.make_safe().wait()
        with pytest.raises(TimeoutError):
            away.output_high_percent.put(0.0)
    finally:
        away.destroy()


def test_a_heater_made_safe_refuses_to_heat_and_says_to_arm_it(heater):
    heater.make_safe().wait()

    with pytest.raises(DidNotSettle, match=r"heater\.arm"):
        heater.set(320.0)


def test_an_open_contactor_is_refused_before_the_ramp(heater):
    heater.contactor.put("Open")
    until(heater.contactor_readback, lambda said: said == "Open").wait()
    try:
        with pytest.raises(DidNotSettle, match="contactor is open"):
            heater.set(320.0)
    finally:
        heater.contactor.put("Closed")
        until(heater.contactor_readback, lambda said: said == "Closed").wait()


def test_a_temperature_beyond_the_limits_is_refused_in_kelvin(heater):
    with pytest.raises(OutsideEnvelope, match=r"600 K; allowed is 273\.15 to 523\.15 K"):
        heater.set(600.0)


def test_a_ramp_of_nothing_is_refused_because_it_would_be_a_step(heater):
    with pytest.raises(OutsideEnvelope, match="ramp"):
        heater.set(320.0, ramp_rate_k_per_min=0.0)


@pytest.mark.parametrize("temperature_k", [float("nan"), float("inf")])
def test_a_temperature_that_is_no_number_is_refused_at_once(heater, temperature_k):
    with pytest.raises(ValueError, match="finite"):
        heater.set(temperature_k)
