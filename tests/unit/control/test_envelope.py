import math

import pytest

from lics_beamline.control.envelope import Envelope
from lics_beamline.errors import OutsideEnvelope

ENVELOPE = Envelope(
    pressure_gpa=(0.0, 12.0),
    temperature_k=(288.0, 510.0),
    load_bar=(0.0, 100.0),
    supply_fraction=0.8,
)


def test_a_load_beyond_the_supply_is_refused_with_both_numbers():
    with pytest.raises(OutsideEnvelope, match=r"50\.00 bar .* supply of 60\.0 bar"):
        ENVELOPE.check_load(50.0, now_bar=49.0, pressure_gpa=5.0, supply_bar=60.0, steepest_gain_gpa_per_bar=0.6)


def test_a_step_that_could_break_through_the_pressure_limit_is_refused_before_it_is_taken():
    ENVELOPE.check_load(51.0, now_bar=50.0, pressure_gpa=11.3, supply_bar=120.0, steepest_gain_gpa_per_bar=0.6)
    with pytest.raises(OutsideEnvelope, match=r"12\.000 GPa"):
        ENVELOPE.check_load(51.3, now_bar=50.0, pressure_gpa=11.3, supply_bar=120.0, steepest_gain_gpa_per_bar=0.6)


def test_letting_gas_out_is_allowed_at_any_pressure():
    ENVELOPE.check_load(10.0, now_bar=50.0, pressure_gpa=13.0, supply_bar=120.0, steepest_gain_gpa_per_bar=0.6)


def test_letting_gas_out_needs_no_supply():
    ENVELOPE.check_load(49.0, now_bar=50.0, pressure_gpa=5.0, supply_bar=0.0, steepest_gain_gpa_per_bar=0.6)


@pytest.mark.parametrize("value", [-1.0, 100.5, math.nan])
def test_a_load_outside_its_limits_is_refused(value):
    with pytest.raises(OutsideEnvelope):
        ENVELOPE.check_load(value, now_bar=50.0, pressure_gpa=5.0, supply_bar=120.0, steepest_gain_gpa_per_bar=0.6)


@pytest.mark.parametrize("value", [-0.1, 12.1, math.nan])
def test_a_pressure_outside_its_limits_is_refused(value):
    with pytest.raises(OutsideEnvelope):
        ENVELOPE.check_pressure(value)


def test_a_controller_that_does_not_tell_its_supply_does_not_stop_a_move():
    ENVELOPE.check_load(50.0, now_bar=49.0, pressure_gpa=5.0, supply_bar=math.nan, steepest_gain_gpa_per_bar=0.6)
