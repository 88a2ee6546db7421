import math

import numpy as np
import pytest

from lics_beamline.errors import BadReading, OutsideCalibration
from lics_beamline.physics.thermocouple import (
    GradientCalibration,
    calibrate_gradient,
    check_thermocouple,
    check_type_k,
    class_1_tolerance_k,
    sample_temperature_k,
)
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


@pytest.mark.parametrize(("letter", "inside_c", "outside_c"), [("K", 1372, 1373), ("N", 1300, 1301), ("R", -50, -51)])
def test_each_type_ends_where_its_tables_end(letter, inside_c, outside_c):
    inside_k = kelvin_from_celsius(inside_c)
    assert check_thermocouple(inside_k, where="gasket", letter=letter) == inside_k
    for reading_c in (outside_c, -9999.0, float("nan")):
        with pytest.raises(BadReading, match=f"type {letter}: open circuit"):
            check_thermocouple(kelvin_from_celsius(reading_c), where="gasket", letter=letter)


def test_class_1_tolerances_are_those_of_the_standard():
    assert class_1_tolerance_k("K", kelvin_from_celsius(225.0)) == 1.5
    assert class_1_tolerance_k("N", kelvin_from_celsius(1000.0)) == pytest.approx(4.0)
    assert class_1_tolerance_k("S", kelvin_from_celsius(600.0)) == 1.0
    assert class_1_tolerance_k("R", kelvin_from_celsius(1500.0)) == pytest.approx(2.2)
    with pytest.raises(OutsideCalibration, match="does not reach"):
        class_1_tolerance_k("K", 100.0)


def test_the_error_of_the_gradient_grows_with_the_rise():
    cell = GradientCalibration(gasket_to_sample=0.985, sigma=0.005)
    hot = cell.sample(498.0, 298.0, gasket_sigma_k=1.5, ambient_sigma_k=0.5)
    assert hot.kelvin == pytest.approx(495.0)
    assert hot.sigma_k == pytest.approx(math.hypot(0.005 * 200.0, 0.985 * 1.5, 0.015 * 0.5), rel=1e-9)
    cold = cell.sample(298.0, 298.0, gasket_sigma_k=1.5)
    assert cold.sigma_k == pytest.approx(0.985 * 1.5)
    with pytest.raises(BadReading, match="open circuit"):
        cell.sample(-9999.0, 298.0, gasket_sigma_k=1.5)


def test_a_cell_is_calibrated_by_samples_of_known_temperature():
    draw = np.random.default_rng(3)
    gasket = np.array([50.0, 100.0, 150.0, 200.0])
    slopes = []
    for _ in range(200):
        cell = calibrate_gradient(gasket, 0.97 * gasket + draw.normal(0.0, 0.4, 4), 0.4)
        slopes.append((cell.gasket_to_sample - 0.97) / (0.4 / math.sqrt((gasket**2).sum())))
    assert np.std(slopes) == pytest.approx(1.0, abs=0.16)
    assert calibrate_gradient([100.0, 200.0], [97.0, 200.0], 0.1).sigma > 0.009  # scatter counts where it is larger
    with pytest.raises(BadReading, match="pairs"):
        calibrate_gradient([], [], 0.4)
    with pytest.raises(BadReading, match="which column"):
        calibrate_gradient([100.0], [473.0], 0.4)
