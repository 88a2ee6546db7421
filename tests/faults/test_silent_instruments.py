"""A plan meets an instrument without value: it is held, goes on when there is one again, and records no old one."""

import threading

import bluesky.preprocessors as bpp
import pytest

from lics_beamline import schema
from lics_beamline.control.path import Point, PressureLeg
from lics_beamline.data_folder import DataFolder
from lics_beamline.plans.approach import approach
from lics_beamline.plans.measure import Notes
from lics_beamline.plans.pausing import Pausing
from lics_beamline.plans.silence import Silence
from lics_beamline.plans.sweep import arm
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe
from lics_beamline.session.requests import RequestFiles

from .test_heater_and_ruby_faults import events

PROFILE = read_profile("simulated")
INSTRUMENTS = ("membrane", "heater", "thermocouples", "ruby", "plate", "beam")


@pytest.fixture
def gauge():
    return read_recipe(PROFILE.recipe_file).ruby.gauge()


@pytest.fixture
def held(rig, engine, tmp_path):
    """Carries out a plan that is held while an instrument gives no value, and ends after a patience."""

    def carry_out(plan, *, patience_s=60.0):
        requests = RequestFiles(DataFolder(tmp_path).make())
        silence = Silence(rig.beamline, patience_s=patience_s)
        try:
            with requests.open():
                pausing = Pausing(rig.beamline, requests, hinders=silence)
                engine(bpp.run_wrapper(pausing.pausable(plan)))
        finally:
            silence.close()

    return carry_out


def fails_when(rig, signal, holds, fault):
    """Begin a fault once a monitored value says so."""
    begun = threading.Event()

    def look(value, **_):
        if holds(value) and not begun.is_set():
            begun.set()
            threading.Thread(target=rig.fail, args=(fault,)).start()

    signal.subscribe(look, run=False)
    return begun


def upward(gpa):
    leg = PressureLeg(kind="pressure", name="up", stroke="upstroke", temperature_k=298.0, pressures_gpa=(gpa,))
    return Point(index=0, leg=leg, pressure_gpa=gpa, temperature_k=298.0)


def to_pressure(rig, gauge, gpa, notes):
    yield from arm(rig.beamline, PROFILE.values.membrane)
    yield from approach(rig.beamline, upward(gpa), gauge=gauge, settings=PROFILE.values, notes=notes)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_on_a_leg_the_sweep_is_held_while_an_instrument_gives_no_value_and_goes_on_after(
    rig, engine, documents, held, gauge, name
):
    load_bar = rig.beamline.membrane.load_bar
    before_bar = float(load_bar.get(use_monitor=False))
    begun = fails_when(rig, load_bar, lambda bar: bar > before_bar + 0.3, f"{name}_line_lost:120")
    held(to_pressure(rig, gauge, 1.0 + 0.3 * INSTRUMENTS.index(name), Notes()))
    assert begun.is_set()
    holds = [event["data"] for event in events(documents, schema.HOLDS)]
    assert [hold["hold_did"] for hold in holds] == ["held", "continued"]
    assert "is INVALID" in holds[0]["hold_why"]
