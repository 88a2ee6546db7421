import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import BadReading, OutsideCalibration
from lics_beamline.physics.air import vacuum_from_air_nm
from lics_beamline.physics.samarium import SAMARIUM_SCALES, SamariumRuler, fit_samarium, temperature_shift_nm

AXIS_NM = 680.0 + 0.03 * np.arange(2048)


def spectrum(centre_nm, *, height=20_000.0, fwhm_nm=0.22, background=60.0, seed=1):
    u = 2.0 * (AXIS_NM - centre_nm) / fwhm_nm
    shape = 0.4 / (1.0 + u**2) + 0.6 * np.exp(-np.log(2.0) * u**2)
    return np.random.default_rng(seed).poisson(background + height * shape).astype(float)


@pytest.mark.parametrize("shift_nm", [1.0, 2.0, 5.0, 10.0, 17.0])
def test_the_power_law_agrees_with_the_rational_form_of_the_same_paper(shift_nm):
    """Rashchenko et al. 2015 also give 4.20 s (1 + 0.020 s) / (1 + 0.036 s), fitted with points to 120 GPa."""
    rational = 4.20 * shift_nm * (1.0 + 0.020 * shift_nm) / (1.0 + 0.036 * shift_nm)
    assert SAMARIUM_SCALES["samarium_rashchenko_2015"].gpa(shift_nm) == pytest.approx(rational, rel=0.015)


def test_b_of_rashchenko_is_minus_14_3():
    """With +14.3 the line would move ever slower: 8.44 instead of 8.09 GPa at 2 nm, 45.9 instead of 37.1 at 10."""
    scale = SAMARIUM_SCALES["samarium_rashchenko_2015"]
    assert scale.gpa(2.0) == pytest.approx(8.092, abs=1e-3)
    assert scale.gpa(10.0) == pytest.approx(37.10, abs=0.01)
    assert scale.gpa(10.0) < 10.0 * scale.gpa(1.0)


def test_two_hundred_kelvin_move_this_line_by_nothing_and_ruby_by_4_gpa():
    assert temperature_shift_nm(498.0) == 0.0
    assert temperature_shift_nm(900.0) == pytest.approx(0.0664, abs=1e-4)  # Datchi et al. 1997
    with pytest.raises(OutsideCalibration, match="296-900 K"):
        temperature_shift_nm(901.0)
    with pytest.raises(OutsideCalibration, match="296-900 K"):
        SamariumRuler(reference_temperature_k=280.0)


@given(gpa=st.floats(0.0, 59.9), temperature_k=st.floats(297.0, 900.0), medium=st.sampled_from(["air", "vacuum"]))
def test_a_pressure_becomes_a_line_and_the_line_the_same_pressure(gpa, temperature_k, medium):
    ruler = SamariumRuler(medium=medium)
    assert ruler.gpa(ruler.wavelength_nm(gpa, temperature_k), temperature_k) == pytest.approx(gpa, abs=1e-6)


def test_pressures_beyond_the_calibration_are_refused():
    ruler = SamariumRuler()
    with pytest.raises(OutsideCalibration, match="60 GPa"):
        ruler.gpa(704.0, 298.0)
    with pytest.raises(OutsideCalibration, match="60 GPa"):
        ruler.wavelength_nm(61.0, 298.0)
    with pytest.raises(OutsideCalibration, match="there is no samarium scale"):
        SamariumRuler(scale="ruby_shen_2020")


def test_the_budget_names_what_it_is_made_of():
    ruler = SamariumRuler()
    pressure = ruler.pressure(ruler.wavelength_nm(8.0, 498.0), 0.002, 498.0, 1.5)
    assert (pressure.gauge, pressure.scale, pressure.correction) == (
        "samarium",
        "samarium_rashchenko_2015",
        "datchi-1997",
    )
    assert pressure.correction_choice_gpa == pytest.approx(0.0174 * 3.96, abs=0.002)  # 200 K of -8.7e-5 nm/K
    assert pressure.thermocouple_gpa < 0.001
    assert "samarium to sample" in pressure.budget()
    low, high = pressure.interval_gpa()
    assert low < 7.7604 < 8.0 < high  # Datchi 1997 reads 7.76
    assert ruler.gpa(vacuum_from_air_nm(687.5), 298.0) - ruler.gpa(687.5, 298.0) > 0.7


def test_the_line_is_found_at_any_pressure_and_its_error_is_its_scatter():
    draws = [fit_samarium(AXIS_NM, spectrum(687.4867, height=2000.0, seed=seed)) for seed in range(100)]
    pulls = np.array([(line.centre_nm - 687.4867) / line.centre_sigma_nm for line in draws])
    assert pulls.std() == pytest.approx(1.0, abs=0.22)
    assert abs(pulls.mean()) < 0.3
    for gpa in (0.0, 1.0, 12.0, 29.0):
        centre_nm = SamariumRuler().wavelength_nm(gpa, 298.0)
        line = fit_samarium(AXIS_NM, spectrum(centre_nm))
        assert line.centre_nm == pytest.approx(centre_nm, abs=5.0 * line.centre_sigma_nm)
        assert line.fwhm_nm == pytest.approx(0.22, rel=0.05)


@pytest.mark.parametrize(
    ("reason", "counts"),
    [
        ("dark", np.random.default_rng(1).poisson(200.0, AXIS_NM.size)),
        ("dark", np.zeros(AXIS_NM.size)),
        ("saturated", np.minimum(spectrum(687.0, height=90_000.0), 65_535.0)),
        ("more than one line", spectrum(687.0) + spectrum(689.0)),
        ("not converged", 100.0 + 5000.0 * np.exp(-(((AXIS_NM - 689.0) / 1.2) ** 2))),
        ("corrupt", np.full(AXIS_NM.size, np.nan)),
    ],
)
def test_a_spectrum_without_the_line_says_why(reason, counts):
    with pytest.raises(BadReading) as caught:
        fit_samarium(AXIS_NM, counts)
    assert caught.value.facts["reason"] == reason


@pytest.mark.parametrize("r1_nm", [694.2, 695.0, 696.0, 697.5])
def test_a_ruby_of_which_one_line_lies_where_samarium_may_is_no_samarium(r1_nm):
    ruby = spectrum(r1_nm, fwhm_nm=0.6) + spectrum(r1_nm - 1.4, height=12_000.0, fwhm_nm=0.6, seed=2)
    with pytest.raises(BadReading, match="no reading"):
        fit_samarium(AXIS_NM, ruby)
