import pytest

from lics_beamline.errors import BadReading
from lics_beamline.physics.thermocouple import check_type_k, sample_temperature_k
from lics_beamline.units import kelvin_from_celsius


def test_the_sample_is_at_495_k_when_the_gasket_says_498():
    assert sample_temperature_k(498.0, 298.0, gasket_to_sample=0.985) == pytest.approx(495.0)


def test_at_ambient_the_sample_is_at_ambient():
    assert sample_temperature_k(297.3, 297.3, gasket_to_sample=0.985) == pytest.approx(297.3)


@pytest.mark.parametrize("reading_c", [-9999.0, -4987.0, -300.0, 1400.0, float("nan"), float("inf")])
def test_an_open_thermocouple_is_no_temperature(reading_c):
    with pytest.raises(BadReading, match="open circuit"):
        check_type_k(kelvin_from_celsius(reading_c), where="gasket")
    with pytest.raises(BadReading, match="ambient"):
        sample_temperature_k(498.0, kelvin_from_celsius(reading_c), gasket_to_sample=0.985)
