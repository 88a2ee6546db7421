"""The simulated heater against the figures of its design, and its safety chain."""

import dataclasses

import pytest

from lics_simulators.heater import Heater
from lics_simulators.preset import read_preset

STEP_S = 0.5
ROOM_K, HOT_K = 298.0, 498.0


@pytest.fixture
def heater():
    return Heater(read_preset("volumetric").heater, ROOM_K)


def run(heater, seconds):
    for _ in range(round(seconds / STEP_S)):
        heater.step(STEP_S)


def test_a_ramp_of_5_k_per_min_lags_by_about_1_k(heater):
    heater.set_setpoint(HOT_K)
    run(heater, 1800.0)
    assert heater.working_setpoint_k == pytest.approx(ROOM_K + 150.0, abs=0.1)
    assert heater.working_setpoint_k - heater.seen_k == pytest.approx(0.8, abs=0.2)


def test_the_end_of_a_ramp_overshoots_by_0_27_k_and_settles_within_seconds(heater):
    heater.set_setpoint(HOT_K)
    while heater.working_setpoint_k < HOT_K:
        heater.step(STEP_S)
    run(heater, 8.0)
    highest = 0.0
    for _ in range(2400):
        heater.step(STEP_S)
        assert abs(heater.gasket_k - HOT_K) < 0.3
        highest = max(highest, heater.gasket_k - HOT_K)
    assert highest == pytest.approx(0.27, abs=0.03)


def test_498_k_needs_123_watts_and_leaves_the_sample_at_495_k(heater):
    heater.set_setpoint(HOT_K)
    run(heater, 3600.0)
    assert heater.output_percent * 1.5 == pytest.approx(123.0, abs=1.0)
    assert heater.gasket_k == pytest.approx(HOT_K, abs=0.01)
    assert heater.sample_k == pytest.approx(495.0, abs=0.05)


def test_full_power_alone_would_reach_537_k():
    parameters = dataclasses.replace(read_preset("volumetric").heater, trip_k=1.0e4)
    heater = Heater(parameters, ROOM_K)
    heater.is_auto, heater.output_percent = False, 100.0
    run(heater, 3600.0)
    assert heater.gasket_k == pytest.approx(537.0, abs=1.0)


def test_over_temperature_opens_the_contactor_and_latches_it(heater):
    heater.is_auto, heater.output_percent = False, 100.0
    run(heater, 3600.0)
    assert heater.is_tripped
    assert not heater.contactor_is_closed
    assert heater.gasket_k < heater.parameters.trip_k


def test_a_tripped_contactor_closes_only_when_the_cell_has_cooled(heater):
    heater.is_auto, heater.output_percent = False, 100.0
    while not heater.is_tripped:
        heater.step(STEP_S)
    assert not heater.set_contactor(closed=True)
    assert not heater.contactor_is_closed
    run(heater, 600.0)
    assert heater.set_contactor(closed=True)
    assert heater.contactor_is_closed
    assert not heater.is_tripped


def test_an_open_contactor_lets_the_cell_cool_whatever_the_output(heater):
    heater.set_setpoint(400.0)
    run(heater, 2400.0)
    heater.set_contactor(closed=False)
    run(heater, 600.0)
    assert heater.gasket_k < 305.0
    assert heater.output_percent == 100.0


def test_without_a_ramp_the_working_setpoint_jumps(heater):
    heater.ramp_k_per_min = 0.0
    heater.set_setpoint(310.0)
    heater.step(STEP_S)
    assert heater.working_setpoint_k == 310.0


def test_manual_keeps_the_output_and_auto_takes_over_without_a_bump(heater):
    heater.set_setpoint(350.0)
    run(heater, 1800.0)
    before = heater.output_percent
    heater.set_auto(auto=False)
    run(heater, 60.0)
    assert heater.output_percent == before
    heater.set_auto(auto=True)
    heater.step(STEP_S)
    assert heater.output_percent == pytest.approx(before, abs=1.0)


def test_lowering_the_highest_output_acts_at_once(heater):
    heater.is_auto, heater.output_percent = False, 80.0
    heater.set_output_high(20.0)
    assert heater.output_percent == 20.0


def test_the_controller_sees_the_temperature_of_4_s_ago(heater):
    heater.is_auto, heater.output_percent = False, 100.0
    seen = {}
    for step in range(1, 41):
        heater.step(STEP_S)
        seen[step] = heater.gasket_k
    assert heater.seen_k == seen[40 - 8]


def test_derivative_action_answers_a_fall_before_it_is_deep():
    answers = []
    for derivative_s in (0.0, 4.0):
        heater = Heater(read_preset("volumetric").heater, ROOM_K)
        heater.derivative_s = derivative_s
        heater.set_setpoint(400.0)
        run(heater, 2400.0)
        heater.gasket_k -= 1.0
        run(heater, 4.0 + STEP_S)  # the fall is seen after the dead time
        answers.append(heater.output_percent)
    assert answers[1] > answers[0] + 5.0
