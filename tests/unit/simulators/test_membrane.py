"""The simulated gas controller: slew, lag of its mode, supply, vent, leak."""

import dataclasses

import pytest

from lics_simulators.membrane import Membrane, Vent
from lics_simulators.preset import read_preset

STEP_S = 0.5


@pytest.fixture
def membrane():
    return Membrane(read_preset("volumetric").membrane)


def run(membrane, seconds):
    for _ in range(round(seconds / STEP_S)):
        membrane.step(STEP_S)


def drive(membrane, setpoint_bar, slew_bar_per_s=0.01):
    membrane.setpoint_bar, membrane.slew_bar_per_s = setpoint_bar, slew_bar_per_s
    membrane.set_control(on=True)


def test_the_load_follows_the_slew_and_arrives_without_overshoot(membrane):
    drive(membrane, 5.0)
    highest = 0.0
    run(membrane, 250.0)
    assert membrane.load_bar == pytest.approx(2.5, abs=0.03)
    for _ in range(1200):
        membrane.step(STEP_S)
        highest = max(highest, membrane.load_bar)
    assert highest <= 5.0 + 1e-9
    assert membrane.load_bar == pytest.approx(5.0, abs=1e-3)
    assert membrane.is_in_limits


def test_control_mode_is_read_back_2_s_late(membrane):
    membrane.set_control(on=True)
    run(membrane, 1.5)
    assert not membrane.control_read_back
    run(membrane, 0.5)
    assert membrane.control_read_back


def test_control_off_shuts_the_valves_and_the_gas_stays(membrane):
    drive(membrane, 5.0)
    run(membrane, 300.0)
    held = membrane.load_bar
    membrane.set_control(on=False)
    run(membrane, 3600.0)
    assert membrane.load_bar == held
    assert membrane.effort_percent == 0.0


def test_control_on_again_ramps_from_the_actual_load(membrane):
    drive(membrane, 5.0)
    run(membrane, 1000.0)
    membrane.set_control(on=False)
    membrane.load_bar = 2.0  # lost while nobody controlled
    drive(membrane, 6.0)
    run(membrane, 10.0)
    assert 2.0 < membrane.load_bar < 2.11


def test_a_setpoint_above_the_supply_never_arrives_and_effort_is_full(membrane):
    drive(membrane, 140.0, slew_bar_per_s=0.05)
    run(membrane, 4000.0)
    assert membrane.load_bar < membrane.parameters.supply_bar
    assert membrane.effort_percent == 100.0
    assert not membrane.is_in_limits


def test_a_leak_costs_effort_and_overcomes_the_controller_when_it_is_large(membrane):
    drive(membrane, 20.0, slew_bar_per_s=0.05)
    run(membrane, 600.0)
    assert membrane.effort_percent < 1.0
    membrane.parameters = dataclasses.replace(membrane.parameters, leak_per_s=0.004)
    run(membrane, 60.0)
    assert 70.0 < membrane.effort_percent < 90.0
    membrane.parameters = dataclasses.replace(membrane.parameters, leak_per_s=0.01)
    run(membrane, 600.0)
    assert membrane.effort_percent == 100.0
    assert membrane.load_bar < 15.0


def test_venting_ends_control_and_completes_at_no_load(membrane):
    drive(membrane, 5.0)
    run(membrane, 600.0)
    membrane.set_vent(on=True)
    membrane.step(STEP_S)
    assert membrane.vent is Vent.IN_PROGRESS
    assert not membrane.control_on
    run(membrane, 300.0)
    assert membrane.vent is Vent.COMPLETE
    assert membrane.load_bar == 0.0
