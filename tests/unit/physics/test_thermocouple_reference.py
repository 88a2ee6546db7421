from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import BadReading, OutsideCalibration
from lics_beamline.physics.thermocouple_reference import TYPES, celsius, millivolt

# Printed tables of NIST Monograph 175 / IEC 60584-1, cold junction at 0 C [C, mV].
PRINTED = [
    ("K", -270.0, -6.458),
    ("K", -200.0, -5.891),
    ("K", -100.0, -3.554),
    ("K", 0.0, 0.000),
    ("K", 25.0, 1.000),
    ("K", 100.0, 4.096),
    ("K", 500.0, 20.644),
    ("K", 1000.0, 41.276),
    ("K", 1372.0, 54.886),
    ("N", -270.0, -4.345),
    ("N", -200.0, -3.990),
    ("N", 100.0, 2.774),
    ("N", 500.0, 16.748),
    ("N", 1000.0, 36.256),
    ("N", 1300.0, 47.513),
    ("R", -50.0, -0.226),
    ("R", 100.0, 0.647),
    ("R", 500.0, 4.471),
    ("R", 1000.0, 10.506),
    ("R", 1600.0, 18.849),
    ("R", 1768.0, 21.101),
    ("S", -50.0, -0.236),
    ("S", 100.0, 0.646),
    ("S", 500.0, 4.233),
    ("S", 1000.0, 9.587),
    ("S", 1600.0, 16.777),
    ("S", 1768.0, 18.693),
]


@pytest.mark.parametrize(("letter", "temperature_c", "voltage_mv"), PRINTED)
def test_the_printed_tables_are_met_to_their_last_digit(letter, temperature_c, voltage_mv):
    assert millivolt(letter, temperature_c) == pytest.approx(voltage_mv, abs=5.1e-4)


@pytest.mark.parametrize(("letter", "temperature_c", "voltage_mv"), PRINTED)
def test_a_printed_voltage_gives_its_temperature_back(letter, temperature_c, voltage_mv):
    if temperature_c == -270.0:
        with pytest.raises(BadReading, match="open circuit"):
            celsius(letter, voltage_mv)
        return
    inward = 0.1 if temperature_c < 0.0 else -0.1
    slope = (millivolt(letter, temperature_c + inward) - millivolt(letter, temperature_c)) / inward
    digit_c = 5.1e-4 / slope  # what the last printed digit leaves open
    assert celsius(letter, voltage_mv) == pytest.approx(temperature_c, abs=digit_c)
    assert digit_c < 0.06 or letter in "RS"  # R and S give 7-11 uV/C: their tables say no more than 0.1 C


@pytest.mark.parametrize("letter", sorted(TYPES))
@given(fraction=st.floats(0.0, 1.0))
def test_there_and_back_is_the_same_temperature_far_below_0_06_c(letter, fraction):
    kind = TYPES[letter]
    temperature_c = kind.lowest_invertible_c + fraction * (kind.highest_c - kind.lowest_invertible_c)
    assert celsius(letter, millivolt(letter, temperature_c)) == pytest.approx(temperature_c, abs=0.03)


@pytest.mark.parametrize("letter", sorted(TYPES))
def test_the_pieces_of_a_function_meet_and_rise(letter):
    pieces = TYPES[letter].pieces
    for below, above in pairwise(pieces):
        assert below.highest_c == above.lowest_c
        edge = below.highest_c
        assert millivolt(letter, edge + 1e-6) == pytest.approx(millivolt(letter, edge - 1e-6), abs=1e-5)
    low, high = TYPES[letter].lowest_invertible_c, TYPES[letter].highest_c
    voltages = [millivolt(letter, low + (high - low) * i / 2000.0) for i in range(2001)]
    assert all(b > a for a, b in pairwise(voltages))


def test_the_cold_junction_is_added_as_a_voltage_and_not_as_a_temperature():
    assert celsius("K", 20.644 - 1.000, cold_junction_c=25.0) == pytest.approx(500.0, abs=0.02)
    assert celsius("S", 0.0, cold_junction_c=23.0) == pytest.approx(23.0, abs=1e-6)


@pytest.mark.parametrize("letter", sorted(TYPES))
@pytest.mark.parametrize("voltage_mv", [-10.0, 80.0, float("nan"), float("inf")])
def test_a_voltage_no_temperature_gives_is_an_open_circuit(letter, voltage_mv):
    with pytest.raises(BadReading) as caught:
        celsius(letter, voltage_mv)
    assert caught.value.facts["reason"] == "open circuit"


def test_outside_its_range_a_type_says_so():
    with pytest.raises(OutsideCalibration, match=r"-50 to 1768\.1 C of type S"):
        millivolt("S", -51.0)
    with pytest.raises(OutsideCalibration, match="Choose one of K, N, R, S"):
        millivolt("Q", 20.0)
