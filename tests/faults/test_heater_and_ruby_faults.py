"""Heater, thermocouples, ruby and beam when their instruments fail: what the devices and the readings say of it."""

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky.utils import FailedStatus
from caproto import AlarmSeverity
from ophyd.status import SubscriptionStatus

from lics_beamline.errors import BadReading, DidNotSettle
from lics_beamline.plans.gauge import Gauge, laser_on, read_ruby
from lics_beamline.plans.reference import reference_line
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe


def until(signal, condition):
    return SubscriptionStatus(signal, lambda value, **_: condition(value), run=True)


@pytest.fixture
def gauge():
    recipe = read_recipe(read_profile("simulated").recipe_file)
    return Gauge(
        ruler=recipe.ruby.ruler(),
        gasket_to_sample=recipe.ruby.gasket_to_sample,
        thermocouple_sigma_k=recipe.ruby.thermocouple_sigma_k,
    )


def read_once(engine, beamline, gauge):
    """One reading of the pressure in a run of its own."""

    def plan():
        yield from laser_on(beamline)
        reading = yield from read_ruby(beamline, gauge, stream="approach")
        yield from bps.save()
        return reading

    kept = []

    def keeping():
        kept.append((yield from plan()))

    engine(bpp.run_wrapper(keeping()))
    return kept[0]


def test_the_pressure_is_not_read_with_an_open_thermocouple(rig, engine, gauge):
    rig.fail("tc_open")
    until(rig.beamline.thermocouples.gasket_c, lambda celsius: celsius == -9999.0).wait(10)
    with pytest.raises(BadReading, match="thermocouple gasket reads"):
        rig.beamline.thermocouples.believed()
    with pytest.raises(BadReading, match="open circuit"):
        read_once(engine, rig.beamline, gauge)


@pytest.mark.timeout(90)
def test_the_controllers_own_trip_opens_the_contactor_on_a_broken_sensor_and_stays_so(rig):
    heater = rig.beamline.heater
    heater.arm().wait(20)
    heating = heater.set(320.0, ramp_rate_k_per_min=20.0)
    until(heater.output_percent, lambda percent: percent > 5.0).wait(20)
    rig.fail("tc_open")
    until(heater.contactor_readback, lambda said: said == "Open").wait(10)
    while rig.get("ET1:RBV_pvTemp", "time").metadata.severity != AlarmSeverity.INVALID_ALARM:
        pass
    heater.stop()
    with pytest.raises(DidNotSettle):
        heating.wait(10)
    with pytest.raises(Exception, match="mend the sensor"):
        rig.put("ET1:Contactor", "Closed")
    with pytest.raises(DidNotSettle, match="contactor is open"):
        heater.set(320.0)
    rig.fail("clear")
    rig.put("ET1:Contactor", "Closed")


@pytest.mark.parametrize(
    ("fault", "reason"), [("ruby_dark", "dark"), ("ruby_saturated", "saturated"), ("ruby_lost", "laser")]
)
def test_a_ruby_that_cannot_be_read_is_no_pressure_and_the_reason_is_named(rig, engine, gauge, fault, reason):
    rig.fail(fault)
    with pytest.raises((BadReading, FailedStatus)) as refused:
        read_once(engine, rig.beamline, gauge)
    error = refused.value if isinstance(refused.value, BadReading) else refused.value.__cause__
    assert reason in f"{error} {error.facts}"


@pytest.mark.parametrize("fault", ["ruby_dark:0.001", "ruby_saturated:20"])
def test_a_ruby_that_is_too_dim_or_too_bright_is_read_with_an_adapted_exposure(rig, engine, gauge, fault):
    ruby = rig.beamline.ruby
    ruby.acquire_time_s.set(2.0).wait(10)
    sound = read_once(engine, rig.beamline, gauge)
    rig.fail(fault)
    adapted = read_once(engine, rig.beamline, gauge)
    assert adapted.pressure.gpa == pytest.approx(sound.pressure.gpa, abs=0.2)
    assert ruby.acquire_time_s.get(use_monitor=False) != 2.0


def test_a_drift_of_the_calibration_is_seen_by_the_ambient_ruby(rig, engine):
    lines = []

    def plan():
        lines.append((yield from reference_line(rig.beamline)))
        rig.fail("wavelength_drift")
        lines.append((yield from reference_line(rig.beamline)))

    engine(plan())
    assert lines[1].r1_nm - lines[0].r1_nm == pytest.approx(0.05, abs=0.01)


def test_a_stuck_shutter_fails_with_what_it_was_asked_for_and_where_it_is(rig):
    rig.fail("shutter_stuck")
    with pytest.raises(DidNotSettle, match="beam shutter was asked for Open and reads Closed"):
        rig.beamline.beam.shutter.set("Open").wait(30)


def test_a_dump_of_the_beam_is_shown_and_over_after_its_time(rig):
    rig.fail("beam_dump:60")
    until(rig.beamline.beam.ring_current_ma, lambda current: current == 0.0).wait(10)
    until(rig.beamline.beam.ring_current_ma, lambda current: current > 90.0).wait(10)


@pytest.mark.timeout(120)
def test_a_heater_that_runs_away_is_cut_off_by_its_contactor_and_alarmed(rig):
    heater = rig.beamline.heater
    heater.arm().wait(20)
    rig.fail("heater_runaway")
    until(heater.contactor_readback, lambda said: said == "Open").wait(60)
    while rig.get("ET1:Contactor_RBV", "time").metadata.severity != AlarmSeverity.MAJOR_ALARM:
        pass
    assert float(heater.temperature_k.get()) < 540.0
    while float(heater.temperature_k.get()) > 480.0:
        pass
    assert rig.get("ET1:Contactor_RBV") == "Open", "latched: it stays open when the cell has cooled"
    with pytest.raises(DidNotSettle, match="contactor is open"):
        heater.set(400.0)
