import pytest
from fake_device import make_fake_device

from lics_beamline.devices.thermocouples import Thermocouples
from lics_beamline.errors import BadReading


@pytest.fixture
def thermocouples():
    thermocouples = make_fake_device(Thermocouples)("", name="thermocouples")
    for channel, celsius in (("gasket_c", 225.0), ("cell_c", 90.0), ("membrane_c", 40.0), ("ambient_c", 25.0)):
        getattr(thermocouples, channel).sim_put(celsius)
    return thermocouples


def test_believed_temperatures_are_in_kelvin(thermocouples):
    assert thermocouples.believed().gasket_k == pytest.approx(498.15)
    assert thermocouples.believed().ambient_k == pytest.approx(298.15)


@pytest.mark.parametrize("celsius", [-9999.0, -4800.0, 1500.0, float("nan")])
@pytest.mark.parametrize("where", ["gasket", "cell", "membrane", "ambient"])
def test_a_value_that_no_type_k_can_give_is_an_open_circuit_and_names_the_place(thermocouples, where, celsius):
    getattr(thermocouples, f"{where}_c").sim_put(celsius)

    with pytest.raises(BadReading, match=where):
        thermocouples.believed()


def test_a_record_shows_what_the_instrument_said_even_with_an_open_circuit(thermocouples):
    thermocouples.gasket_c.sim_put(-9999.0)

    assert thermocouples.read()["thermocouples_gasket_k"]["value"] == pytest.approx(-9725.85)
