"""Heater, thermocouples, ruby and beam when their instruments fail: what the devices and the readings say of it."""

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky.utils import FailedStatus
from caproto import AlarmSeverity
from looking import pace
from ophyd.status import SubscriptionStatus

from lics_beamline.control.path import HoldLeg, Point
from lics_beamline.devices.alarm import is_believable
from lics_beamline.errors import BadReading, DidNotSettle, NotConnected
from lics_beamline.plans.gauge import laser_on, prepare, read_ruby
from lics_beamline.plans.measure import Notes
from lics_beamline.plans.reference import leg_reference
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe
from lics_beamline.reduction.reference import reading_of, refer


def until(signal, condition):
    return SubscriptionStatus(signal, lambda value, **_: condition(value), run=True)


def point(leg):
    """The first point of a leg of this name."""
    hold = HoldLeg(kind="hold", name=leg, temperature_k=298.0)
    return Point(index=0, leg=hold, pressure_gpa=float("nan"), temperature_k=298.0)


def events(documents, stream):
    """Events of a stream of the only run."""
    of_stream = {doc["uid"] for name, doc in documents if name == "descriptor" and doc["name"] == stream}
    return [doc for name, doc in documents if name == "event" and doc["descriptor"] in of_stream]


@pytest.fixture
def gauge():
    return read_recipe(read_profile("simulated").recipe_file).ruby.gauge()


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
    until(rig.beamline.thermocouples.gasket_c, lambda celsius: celsius == -9999.0).wait()
    with pytest.raises(BadReading, match="thermocouple gasket reads"):
        rig.beamline.thermocouples.believed()
    with pytest.raises(BadReading, match="open circuit"):
        read_once(engine, rig.beamline, gauge)


def test_the_controllers_own_trip_opens_the_contactor_on_a_broken_sensor_and_stays_so(rig):
    heater = rig.beamline.heater
    until(heater.temperature_k, lambda _: is_believable(heater.temperature_k)).wait()  # whatever was tried before
    heater.arm().wait()
    heating = heater.set(320.0, ramp_rate_k_per_min=20.0)
    until(heater.output_percent, lambda percent: percent > 5.0).wait()
    rig.fail("tc_open")
    until(heater.contactor_readback, lambda said: said == "Open").wait()
    while rig.get("ET1:RBV_pvTemp", "time").metadata.severity != AlarmSeverity.INVALID_ALARM:
        pace()
    until(heater.temperature_k, lambda _: not is_believable(heater.temperature_k)).wait()
    assert is_believable(heater.contactor_readback), "an alarm about what it says is no doubt that it says so"
    heater.stop()
    with pytest.raises((DidNotSettle, NotConnected)):  # stopped, or told that its sensor has no value
        heating.wait()
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
    ruby.acquire_time_s.set(2.0).wait()
    sound = read_once(engine, rig.beamline, gauge)
    rig.fail(fault)
    adapted = read_once(engine, rig.beamline, gauge)
    assert adapted.pressure.gpa == pytest.approx(sound.pressure.gpa, abs=0.2)
    assert ruby.acquire_time_s.get(use_monitor=False) != 2.0


@pytest.mark.parametrize("way", ["neon", "ambient"])
def test_a_drift_of_the_calibration_is_seen_corrected_and_noted(rig, engine, documents, caplog, way):
    recipe = read_recipe(read_profile("simulated").recipe_file)
    ruby = recipe.ruby.model_copy(update={"axis": way})
    notes, settings = Notes(), read_profile("simulated").values.ruby
    gpa = {}

    def reading(name, gauge):
        yield from laser_on(rig.beamline)
        read = yield from read_ruby(rig.beamline, gauge, stream="primary")
        yield from bps.save()
        gpa[name] = read.pressure.gpa

    def legs():
        yield from prepare(rig.beamline, settings)
        asked = {"ruby": ruby, "notes": notes.reference, "settings": settings}
        first = yield from leg_reference(rig.beamline, point("up"), first=None, **asked)
        yield from reading("sound", first.gauge(ruby))
        rig.fail("wavelength_drift")
        yield from reading("drifted", first.gauge(ruby))
        today = yield from leg_reference(rig.beamline, point("down"), first=first, **asked)
        yield from reading("corrected", today.gauge(ruby))

    engine(bpp.run_wrapper(legs()))
    assert gpa["drifted"] - gpa["sound"] == pytest.approx(0.14, abs=0.02)
    assert gpa["corrected"] == pytest.approx(gpa["sound"], abs=0.02)
    noted = [event["data"] for event in events(documents, "reference")]
    assert [event["leg"] for event in noted] == ["up", "down"]
    assert noted[1]["axis_drift_nm"] == pytest.approx(0.05, abs=0.004)
    assert "the wavelength axis has moved by +0.0" in caplog.text

    # What the record says is what was seen: the reduction's own fold over the same events.
    first = refer(reading_of(noted[0]), ruby)
    today = refer(reading_of(noted[1]), ruby, first=first)
    last = events(documents, "primary")[-1]["data"]
    again = today.gauge(ruby).read(
        last["ruby_wavelength_nm"],
        last["ruby_spectrum"],
        gasket_k=last["thermocouples_gasket_k"],
        ambient_k=last["thermocouples_ambient_k"],
    )
    assert again.pressure.gpa == gpa["corrected"]


def test_an_axis_that_has_moved_farther_than_any_drift_stops_with_a_remedy(rig, engine):
    ruby = read_recipe(read_profile("simulated").recipe_file).ruby
    settings = read_profile("simulated").values.ruby
    asked = {"ruby": ruby, "notes": Notes().reference, "settings": settings}

    def legs():
        first = yield from leg_reference(rig.beamline, point("up"), first=None, **asked)
        rig.fail("wavelength_drift:0.8")
        yield from leg_reference(rig.beamline, point("down"), first=first, **asked)

    with pytest.raises(BadReading, match=r"moved by \+0\.80\d nm .* more than 0\.5 nm.*Calibrate the spectrometer"):
        engine(bpp.run_wrapper(legs()))


def test_a_stuck_shutter_fails_with_what_it_was_asked_for_and_where_it_is(rig):
    rig.fail("shutter_stuck")
    with pytest.raises(DidNotSettle, match="beam shutter was asked for Open and reads Closed"):
        rig.beamline.beam.shutter.set("Open").wait()


def test_a_dump_of_the_beam_is_shown_and_over_after_its_time(rig):
    rig.fail("beam_dump:60")
    until(rig.beamline.beam.ring_current_ma, lambda current: current == 0.0).wait()
    until(rig.beamline.beam.ring_current_ma, lambda current: current > 90.0).wait()


def test_a_heater_that_runs_away_is_cut_off_by_its_contactor_and_alarmed(rig):
    heater = rig.beamline.heater
    heater.arm().wait()
    rig.fail("heater_runaway")
    until(heater.contactor_readback, lambda said: said == "Open").wait()
    while rig.get("ET1:Contactor_RBV", "time").metadata.severity != AlarmSeverity.MAJOR_ALARM:
        pace()
    assert float(heater.temperature_k.get()) < 540.0
    while float(heater.temperature_k.get()) > 480.0:
        pace()
    assert rig.get("ET1:Contactor_RBV") == "Open", "latched: it stays open when the cell has cooled"
    with pytest.raises(DidNotSettle, match="contactor is open"):
        heater.set(400.0)
