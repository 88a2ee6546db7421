import pytest
from ophyd import Component as Cpt
from ophyd import Device, Signal

from lics_beamline.devices.quantity import Bounds, QuantitySignal, has_limits
from lics_beamline.errors import OutsideEnvelope


class Oven(Device):
    celsius = Cpt(Signal, value=25.0, kind="omitted")
    kelvin = Cpt(QuantitySignal, derived_from="celsius", unit="K", offset=273.15)
    seen = Cpt(QuantitySignal, derived_from="celsius", unit="K", offset=273.15, write_access=False)


@pytest.fixture
def oven():
    return Oven("", name="oven")


def test_a_quantity_reads_and_writes_in_its_own_unit(oven):
    assert oven.kelvin.get() == pytest.approx(298.15)

    oven.kelvin.put(373.15)

    assert oven.celsius.get() == pytest.approx(100.0)


def test_a_quantity_describes_itself_in_its_own_unit(oven):
    key = oven.kelvin.describe()["oven_kelvin"]

    assert (key["units"], key["dtype"], key["derived_from"]) == ("K", "number", "oven_celsius")


def test_a_quantity_that_may_only_be_read_refuses_to_be_written(oven):
    with pytest.raises(Exception, match="read-only"):
        oven.seen.put(300.0)


def test_subscribers_hear_of_a_quantity_in_its_own_unit(oven):
    heard = []
    oven.kelvin.subscribe(lambda value, **_: heard.append(value), run=False)

    oven.celsius.put(0.0)

    assert heard[-1] == pytest.approx(273.15)


@pytest.mark.parametrize(
    ("of_pv", "of_profile", "low", "high"),
    [
        ((0.0, 150.0), None, 0.0, 150.0),
        ((0.0, 150.0), (5.0, 200.0), 5.0, 150.0),
        ((0.0, 0.0), (0.0, 60.0), 0.0, 60.0),
        ((None, None), (0.0, 60.0), 0.0, 60.0),
    ],
)
def test_the_narrower_limits_bind(of_pv, of_profile, low, high):
    bounds = Bounds.narrower(of_pv, of_profile, what="load", unit="bar")

    assert (bounds.low, bounds.high) == (low, high)


def test_a_quantity_without_limits_anywhere_is_refused():
    with pytest.raises(OutsideEnvelope, match=r"no limits.*profile\.toml"):
        Bounds.narrower((0.0, 0.0), None, what="load", unit="bar")


def test_limits_that_exclude_each_other_are_refused():
    with pytest.raises(OutsideEnvelope, match="leave nothing"):
        Bounds.narrower((0.0, 10.0), (20.0, 30.0), what="load", unit="bar")


@pytest.mark.parametrize("value", [-0.1, 60.1, float("nan")])
def test_a_value_outside_is_refused_with_both_limits(value):
    with pytest.raises(OutsideEnvelope, match="0 to 60 bar"):
        Bounds(low=0.0, high=60.0, unit="bar").check(value, "load")


def test_zero_and_zero_are_no_limits():
    assert not has_limits(0.0, 0.0)
    assert has_limits(-1.0, 0.0)
