"""The plan that heats, on devices made by hand around the simulators' world: real spectra, no network."""

import dataclasses
import itertools
import math
import os
import time
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

import bluesky.plan_stubs as bps
from bluesky import RunEngine
from ophyd.status import Status
from worlds.stepped_world import changed

from lics_beamline.control.gain import Gain
from lics_beamline.control.heating import prior_of
from lics_beamline.control.path import HeatingLeg, Point
from lics_beamline.errors import OutsideEnvelope
from lics_beamline.plans.approach import reading_of
from lics_beamline.plans.gauge import judge
from lics_beamline.plans.heating import heat
from lics_beamline.plans.measure import Notes
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe
from lics_beamline.schema import AMBIENT_TEMPERATURE, GASKET_TEMPERATURE, LOAD, RUBY_SPECTRUM, RUBY_WAVELENGTH
from lics_simulators.preset import read_preset
from lics_simulators.world import World

PROFILE = read_profile("simulated")
SETTINGS, GAUGE = PROFILE.values, read_recipe(PROFILE.recipe_file).ruby.gauge()
LOAD_BAR = 30.0
RUBY_S = 3.0


def done():
    status = Status()
    status.set_finished()
    return status


class Device:
    """A readable and movable whose values are functions of the world."""

    parent = None
    connected, metadata = True, MappingProxyType({})

    def __init__(self, name, values=None, move=None):
        self.name, self.values, self.move = name, values or {}, move
        self.limits = (0.0, 0.0)

    def get(self, use_monitor=True):
        (value,) = self.values.values()
        return value()

    def set(self, value, **how):
        self.move(value, **how)
        return done()

    def read(self):
        return {name: {"value": value(), "timestamp": time.time()} for name, value in self.values.items()}

    def describe(self):
        return {
            name: {
                "source": "hand",
                "dtype": "array" if np.ndim(value()) else "number",
                "shape": list(np.shape(value())),
            }
            for name, value in self.values.items()
        }

    def read_configuration(self):
        return {}

    def describe_configuration(self):
        return {}


class Bench:
    """A loaded cell with a narrow dead band, and what the plan needs of a beamline."""

    def __init__(self):
        preset = read_preset("volumetric")
        cell = dataclasses.replace(preset.cell, friction_bar=1.0, friction_per_bar=0.03)
        self.world = World(seed=5, preset=dataclasses.replace(preset, cell=cell))
        world, self.draw = self.world, np.random.default_rng(1)
        world.membrane.set_control(on=True)
        world.membrane.slew_bar_per_s, world.membrane.setpoint_bar = 0.05, LOAD_BAR
        world.advance(2400.0)
        self.loads, self.spectrum = [], np.zeros(2048)
        self.counts = itertools.count()
        heater, membrane, ruby = world.heater, world.membrane, world.ruby
        self.beamline = SimpleNamespace(
            clock=Device("clock", move=lambda until_s: world.advance(max(until_s - world.time_s, 0.01))),
            heater=Device("heater", move=self.ramp),
            membrane=Device("membrane", {LOAD: lambda: membrane.load_bar}, move=self.load),
            ruby=Device("ruby", {RUBY_SPECTRUM: lambda: self.spectrum, RUBY_WAVELENGTH: lambda: ruby.wavelength_nm}),
            thermocouples=Device(
                "thermocouples",
                {GASKET_TEMPERATURE: lambda: self.kelvin(0), AMBIENT_TEMPERATURE: lambda: self.kelvin(3)},
            ),
        )
        made = self.beamline
        made.devices = lambda: ()  # nothing here falls silent
        made.clock.now_s = lambda: world.time_s
        made.heater.hold = lambda: self.then(heater.set_setpoint, heater.seen_k)
        made.membrane.hold = lambda: self.then(self.load, membrane.load_bar)
        made.membrane.load_bar = Device("load", {"load": lambda: membrane.load_bar})
        made.membrane.slew_bar_per_s = Device("slew", {"slew": lambda: membrane.slew_bar_per_s})
        made.membrane.set_slew = lambda slew: self.then(setattr, membrane, "slew_bar_per_s", slew)
        made.thermocouples.ambient_k = Device("ambient", {"ambient": lambda: self.kelvin(3)})
        made.thermocouples.gasket_k = Device("gasket", {"gasket": lambda: self.kelvin(0)})
        made.ruby.trigger = lambda: self.then(self.acquire)
        made.ruby.accumulations = Device("accumulations", {"accumulations": lambda: 1})
        made.ruby.acquire_time_s = Device("exposure", {"exposure": lambda: 2.0}, move=lambda _: None)
        made.ruby.laser_on = lambda: self.then(self.shine, True)
        made.ruby.laser_off = lambda: self.then(self.shine, False)

    def then(self, act, *values):
        act(*values)
        return done()

    def kelvin(self, junction):
        return self.world.thermocouples.read_k(junction, self.draw)

    def shine(self, on):
        self.world.ruby.laser_is_on = self.world.ruby.shutter_is_open = on

    def acquire(self):
        world = self.world
        world.advance(RUBY_S)
        rate = world.ruby.rate_cps(
            sample_gpa=world.cell.pressure_gpa, sample_k=world.heater.sample_k, ambient_k=world.preset.ambient_k
        )
        self.spectrum = world.ruby.spectrum(rate, 2.0, 1, world.random("ruby", next(self.counts)))

    def ramp(self, temperature_k, *, ramp_rate_k_per_min, settle=True):
        self.world.heater.ramp_k_per_min = ramp_rate_k_per_min
        self.world.heater.set_setpoint(temperature_k)
        self.world.advance(120.0 if settle else 1.0)

    def load(self, load_bar, *, settle=False):
        self.loads.append((load_bar, self.world.membrane.load_bar))
        self.world.membrane.setpoint_bar = load_bar

    def heated(self, leg, *, settings=SETTINGS):
        """Heat along a leg inside a run; return its events."""
        prior = dataclasses.replace(prior_of(SETTINGS, None), gain=Gain(gpa_per_bar=0.19, error=0.1), edge=+1)
        events = []

        def plan():
            yield from bps.open_run({})
            heated, notes = None, Notes()
            for index, to_k in enumerate(leg.temperatures_k):
                heated = yield from heat(
                    self.beamline,
                    Point(index=index, leg=leg, pressure_gpa=leg.isobar_gpa, temperature_k=to_k),
                    leg,
                    gauge=GAUGE,
                    settings=settings,
                    prior=prior,
                    notes=notes,
                    after=heated,
                )
            yield from bps.close_run()

        engine = RunEngine({})
        engine.subscribe(lambda name, doc: events.append(doc["data"]) if name == "event" else None)
        engine(plan())
        return events


def leg_to(*temperatures_k, **held):
    return HeatingLeg(
        kind="heating", name="heat", temperatures_k=temperatures_k, ramp_rate_k_per_min=8.0, soak_s=40.0, **held
    )


def test_along_an_isobar_gas_only_goes_out_and_every_reading_says_what_was_expected_and_decided():
    bench = Bench()
    before_gpa = bench.world.cell.pressure_gpa
    events = bench.heated(leg_to(308.0, 318.0, hold="pressure", pressure_gpa=round(before_gpa, 2)))
    assert abs(bench.world.cell.pressure_gpa - before_gpa) < 0.1
    assert bench.world.heater.sample_k > 316.0
    assert bench.world.membrane.load_bar < LOAD_BAR - 3.0, "its dead band is 3.7 bar"
    assert all(to_bar <= now_bar + 1e-9 for to_bar, now_bar in bench.loads)
    ramped = [event for event in events if event["phase_of_heating"] in ("ramp", "soak")]
    assert all(abs(e["pressure_gpa"] - e["predicted_pressure_gpa"]) < 0.03 for e in ramped[2:])
    assert {event["hold"] for event in events} == {"pressure"}
    assert {event["point_index"] for event in events} == {0, 1}
    assert all(event["decided"] for event in events)


def test_a_leg_that_cannot_go_on_ends_with_the_prediction_the_limit_and_the_temperature():
    bench = Bench()
    tight = changed(SETTINGS, envelope={"pressure_gpa": (0.0, 5.0)})
    with pytest.raises(OutsideEnvelope, match=r"predicted to make .* GPa at .* K, the limit is 5\.00 GPa") as raised:
        bench.heated(leg_to(498.0), settings=tight)
    assert raised.value.facts["predicted_gpa"] > raised.value.facts["limit_gpa"] == 5.0
    assert raised.value.facts["temperature_k"] == 498.0
    assert bench.world.heater.setpoint_k < 300.0, "the ramp never began"
    assert not bench.world.ruby.laser_is_on
    assert not bench.loads


@pytest.mark.parametrize(("moved_k", "gpa"), [(0.0, 0.0), (8.0, 0.095), (-8.0, 0.095)])
def test_a_temperature_that_moves_while_a_spectrum_is_taken_is_an_error_of_its_pressure(moved_k, gpa):
    bench = Bench()
    bench.shine(True)
    bench.acquire()
    made = bench.beamline
    readings = made.ruby.read() | made.membrane.read() | made.thermocouples.read()
    data = {name: reading["value"] for name, reading in readings.items()}
    reading = judge(data, GAUGE, before_k=data[GASKET_TEMPERATURE] - moved_k)
    assert reading.haste_gpa == pytest.approx(gpa, abs=0.001)  # 0.0205 GPa/K, spread evenly over the way
    assert reading_of(reading, 0.0).sigma_gpa == pytest.approx(math.hypot(gpa, reading.pressure.sigma_gpa), abs=0.001)
