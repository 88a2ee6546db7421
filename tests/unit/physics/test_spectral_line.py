import numpy as np
import pytest

from lics_beamline.errors import BadReading
from lics_beamline.physics.spectral_line import checked_spectrum, count_scale, fit_line, peaks_nm

AXIS_NM = 690.0 + 0.03 * np.arange(500)


def gauss(centre_nm, height, fwhm_nm=0.15):
    return height * np.exp(-4.0 * np.log(2.0) * ((AXIS_NM - centre_nm) / fwhm_nm) ** 2)


def test_a_line_on_a_slope_is_fitted_with_an_honest_error():
    truth = 100.0 + 8.0 * (AXIS_NM - 690.0) + gauss(697.013, 800.0)
    draw = np.random.default_rng(1)
    lines = [fit_line(AXIS_NM, draw.poisson(truth).astype(float), start_nm=697.06, fwhm_nm=0.2) for _ in range(100)]
    pulls = np.array([(line.centre_nm - 697.013) / line.centre_sigma_nm for line in lines])
    assert pulls.std() == pytest.approx(1.0, abs=0.22)
    assert abs(pulls.mean()) < 0.3
    assert np.mean([line.fwhm_nm for line in lines]) == pytest.approx(0.15, rel=0.03)
    assert np.mean([line.reduced_chi2 for line in lines]) == pytest.approx(1.0, abs=0.15)


def test_an_offset_detector_whose_noise_is_not_poisson_gives_no_overconfident_line():
    draw = np.random.default_rng(2)
    truth = gauss(697.0, 300.0)
    draws = [truth + draw.normal(0.0, 20.0, AXIS_NM.size) for _ in range(60)]
    lines = [fit_line(AXIS_NM, counts, start_nm=697.0, fwhm_nm=0.15) for counts in draws]
    pulls = np.array([(line.centre_nm - 697.0) / line.centre_sigma_nm for line in lines if line])
    assert pulls.size > 50
    assert 0.6 < pulls.std() < 1.35


def test_noise_is_no_line_and_two_lines_are_not_one():
    draw = np.random.default_rng(3)
    for level in np.geomspace(1.0, 1e4, 30):
        flat = draw.poisson(level, AXIS_NM.size).astype(float)
        assert fit_line(AXIS_NM, flat, start_nm=697.0, fwhm_nm=0.15) is None
        assert peaks_nm(AXIS_NM, flat, fwhm_nm=0.15) == []
    pair = draw.poisson(50.0 + gauss(696.75, 9000.0) + gauss(697.2, 9000.0)).astype(float)
    assert fit_line(AXIS_NM, pair, start_nm=697.0, fwhm_nm=0.15) is None


def test_peaks_come_strongest_first_and_where_they_are():
    counts = np.random.default_rng(4).poisson(50.0 + gauss(692.0, 900.0) + gauss(697.0, 5000.0)).astype(float)
    assert [nm for nm, _ in peaks_nm(AXIS_NM, counts, fwhm_nm=0.15)] == pytest.approx([697.0, 692.0], abs=0.04)


@pytest.mark.parametrize("axis_nm", [AXIS_NM[::-1], AXIS_NM[:10], np.full(500, np.nan), AXIS_NM[:499]])
def test_what_is_no_spectrum_is_refused(axis_nm):
    with pytest.raises(BadReading, match="corrupt"):
        checked_spectrum(axis_nm, np.ones(500))


@pytest.mark.parametrize("factor", [1e-300, 1e-170, 5e-324])
def test_counts_too_small_to_be_squared_are_left_as_they_are(factor):
    assert count_scale(factor * gauss(697.0, 800.0) + factor) == 1.0
