import math

import numpy as np
import pytest

from lics_beamline.errors import BadReading
from lics_beamline.physics.thermocouple import (
    GradientCalibration,
    ThermocoupleComparison,
    calibrate_gradient,
    check_type_k,
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


@pytest.mark.parametrize(("inside_c", "outside_c"), [(1372, 1373), (-270, -271)])
def test_type_k_ends_where_its_tables_end(inside_c, outside_c):
    inside_k = kelvin_from_celsius(inside_c)
    assert check_type_k(inside_k, where="gasket") == inside_k
    with pytest.raises(BadReading, match=r"3\.15-1645\.15 K of type K: open circuit"):
        check_type_k(kelvin_from_celsius(outside_c), where="gasket")


def test_the_error_of_the_gradient_grows_with_the_rise():
    cell = GradientCalibration(gasket_to_sample=0.985, sigma=0.005)
    hot = cell.sample(498.0, 298.0, thermocouple_sigma_k=1.5)
    assert hot.kelvin == pytest.approx(495.0)
    assert hot.sigma_k == pytest.approx(math.hypot(0.005 * 200.0, 0.985 * 1.5, 0.015 * 1.5), rel=1e-9)
    cold = cell.sample(298.0, 298.0, thermocouple_sigma_k=1.5)
    assert cold.sigma_k == pytest.approx(1.5 * math.hypot(0.985, 0.015))
    with pytest.raises(BadReading, match="open circuit"):
        cell.sample(-9999.0, 298.0, thermocouple_sigma_k=1.5)


@pytest.mark.parametrize("rise_k", [0.0, 40.0, 200.0])
@pytest.mark.parametrize("at_rest", [False, True])
def test_the_errors_of_a_temperature_are_the_scatter_of_drawn_thermocouples(rise_k, at_rest):
    draw, g, s = np.random.default_rng(5), 0.985, 1.5
    cell = GradientCalibration(gasket_to_sample=g, sigma=0.005)
    off, off_the_room, said = [], [], None
    for _ in range(4000):
        gasket_error, room_error = s * draw.standard_normal(2)
        hot_error = s * min(rise_k / 100.0, 1.0) * draw.standard_normal() if at_rest else 0.0
        apart = ThermocoupleComparison(
            gasket_above_ambient_k=gasket_error - room_error + 0.3 * draw.standard_normal(), sigma_k=0.3
        )
        true_k = 298.0 + (g + 0.005 * draw.standard_normal()) * rise_k
        said = cell.sample(
            298.0 + rise_k + gasket_error + hot_error,
            298.0 + room_error,
            thermocouple_sigma_k=s,
            compared=apart if at_rest else None,
        )
        off.append(said.kelvin - true_k)
        off_the_room.append(said.kelvin - true_k - room_error)
    assert np.std(off) == pytest.approx(said.sigma_k, rel=0.05)
    assert np.std(off_the_room) == pytest.approx(said.above_room_sigma_k, rel=0.05)
    assert abs(np.mean(off)) < 4.0 * np.std(off) / math.sqrt(4000)


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
