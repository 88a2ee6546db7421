"""A pressure is that of the ruby in the cell, whatever the spectrometer was left looking at."""

import bluesky.plan_stubs as bps
import pytest

from lics_beamline.errors import BadReading
from lics_beamline.plans.gauge import judge, laser_off, laser_on
from lics_beamline.plans.resumption import glance
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe

SPEED = 60.0
LOADED_BAR = 12.0


@pytest.fixture
def loaded(beamline_at, engine):
    """A cell under pressure, and a spectrometer that looks at the ruby outside: its session was killed meanwhile."""
    beamline = beamline_at(SPEED)
    beamline.membrane.arm().wait()
    engine(bps.mv(beamline.membrane, LOADED_BAR))
    engine(bps.mv(beamline.ruby.ambient_ruby, "On"))
    yield beamline
    engine(bps.mv(beamline.ruby.ambient_ruby, "Off", beamline.ruby.lamp, "Off"))


def gauge():
    profile = read_profile("simulated")
    return read_recipe(profile.recipe_file, geometry=profile.geometry).ruby.gauge()


def test_a_cell_that_is_found_under_pressure_is_read_as_such(loaded, engine):
    def plan():
        seen.append((yield from glance(loaded, gauge=gauge(), ruby=read_profile("simulated").values.ruby)))

    seen = []
    engine(plan())
    assert seen[0].pressure_gpa > 0.3
    assert loaded.ruby.ambient_ruby.get(use_monitor=False) == "Off"


@pytest.mark.parametrize(("left_on", "what"), [("ambient_ruby", "the ruby outside"), ("lamp", "the neon lamp")])
def test_a_spectrum_of_something_else_than_the_ruby_in_the_cell_is_no_pressure(loaded, engine, left_on, what):
    def plan():
        yield from bps.mv(loaded.ruby.ambient_ruby, "Off", loaded.ruby.lamp, "Off")
        yield from bps.mv(getattr(loaded.ruby, left_on), "On")
        yield from laser_on(loaded)
        yield from bps.trigger(loaded.ruby, wait=True)
        yield from laser_off(loaded)

    engine(plan())
    devices = (loaded.thermocouples, loaded.ruby, loaded.membrane)
    data = {name: one["value"] for device in devices for name, one in device.read().items()}
    with pytest.raises(BadReading, match=what):
        judge(data, gauge())
