import bluesky.plan_stubs as bps
import bluesky.plans as bp
import numpy as np
import pytest
from bluesky.utils import FailedStatus

from lics_beamline import schema
from lics_beamline.errors import BadReading

SPEED = 60.0


@pytest.fixture
def ruby(beamline_at):
    ruby = beamline_at(SPEED).ruby
    ruby.laser_on().wait()
    return ruby


def test_each_trigger_gives_a_spectrum_that_was_not_there_before(ruby):
    first = ruby.unique_id.get(use_monitor=False)

    ruby.trigger().wait()
    second = ruby.unique_id.get(use_monitor=False)
    ruby.trigger().wait()

    assert first < second < ruby.unique_id.get(use_monitor=False)


def test_a_detector_that_is_done_without_a_new_spectrum_is_a_bad_reading(ruby):
    ruby.enable_callbacks.set("Disable").wait()
    try:
        with pytest.raises(BadReading, match="no new spectrum") as refused:
            ruby.trigger().wait()
        assert refused.value.facts["reason"] == "old spectrum"
    finally:
        ruby.enable_callbacks.set("Enable").wait()


def test_staging_lets_spectra_through_whatever_somebody_switched_off(ruby, engine):
    ruby.enable_callbacks.set("Disable").wait()

    engine(bp.count([ruby]))

    assert ruby.enable_callbacks.get() == "Disable"  # put back as it was found
    ruby.enable_callbacks.set("Enable").wait()


def test_the_event_holds_the_spectrum_that_was_triggered(ruby, engine, documents):
    engine(bp.count([ruby], num=2))

    events = [document["data"] for name, document in documents if name == "event"]
    keys = next(document for name, document in documents if name == "descriptor")["data_keys"]
    assert keys[schema.RUBY_SPECTRUM]["shape"] == [2048]
    assert keys[schema.RUBY_WAVELENGTH]["units"] == "nm"
    assert not np.array_equal(events[0][schema.RUBY_SPECTRUM], events[1][schema.RUBY_SPECTRUM])
    assert events[1]["ruby_unique_id"] == events[0]["ruby_unique_id"] + 1


def test_lines_stand_where_ruby_has_them_only_with_laser_on_and_shutter_open(ruby):
    ruby.acquire_time_s.set(5.0).wait()
    ruby.trigger().wait()
    lit = np.asarray(ruby.spectrum.get())
    ruby.laser_off().wait()
    ruby.trigger().wait()

    wavelength_nm = np.asarray(ruby.wavelength_nm.get())
    assert 690.0 < wavelength_nm[lit.argmax()] < 720.0
    assert np.ptp(lit) > 5 * np.ptp(ruby.spectrum.get())


def test_made_safe_the_laser_is_off_and_its_shutter_closed(ruby):
    ruby.make_safe().wait()

    assert ruby.laser.get(use_monitor=False) == "Off"
    assert ruby.shutter.get(use_monitor=False) == "Closed"


def test_settings_are_moved_by_plans_within_the_limits_of_the_instrument(ruby, engine):
    engine(bps.mv(ruby.acquire_time_s, 2.0, ruby.accumulations, 2, ruby.laser_power_mw, 4.0))

    assert ruby.acquire_time_s.get() == pytest.approx(2.0)
    with pytest.raises(FailedStatus):
        engine(bps.mv(ruby.laser_power_mw, 500.0))
