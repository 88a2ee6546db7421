import math

import numpy as np
import pytest
from scipy.special import voigt_profile

from lics_beamline.errors import BadReading
from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.physics.ruby_spectrum import fit_doublet
from lics_beamline.physics.ruby_temperature import CORRECTIONS

AXIS_NM = 680.0 + 0.03 * np.arange(2048)


def pseudo_voigt(offset_nm, fwhm_nm, mixing):
    u = 2.0 * offset_nm / fwhm_nm
    return mixing / (1.0 + u**2) + (1.0 - mixing) * np.exp(-math.log(2.0) * u**2)


def doublet(r1_nm, *, fwhm_nm=0.39, height=20_000.0, ratio=0.62, splitting_nm=1.43, mixing=0.3, background=50.0):
    lines = pseudo_voigt(AXIS_NM - r1_nm, fwhm_nm, mixing)
    lines = lines + ratio * pseudo_voigt(AXIS_NM - r1_nm + splitting_nm, fwhm_nm, mixing)
    return background + height * lines


def read_two_columns(path):
    rows = []
    for line in path.read_text(encoding="latin-1").splitlines():
        words = line.split()
        if len(words) == 2 and words[0].replace(".", "").isdigit():
            rows.append([float(word) for word in words])
    return np.array(rows).T


@pytest.mark.parametrize(
    ("name", "readings_nm"),
    [
        ("ruby_a.txt", (694.814, 694.823)),  # pRuby: double Gaussian, double Voigt
        ("ruby_b.txt", (695.376, 695.362)),
    ],
)
def test_a_real_spectrum_reads_within_5_pm_of_the_published_fits(measured_data, name, readings_nm):
    wavelength_nm, counts = read_two_columns(measured_data / "ruby" / name)
    line = fit_doublet(wavelength_nm, counts, temperature_k=298.0)
    assert min(readings_nm) - 0.005 < line.r1_nm < max(readings_nm) + 0.005
    assert line.r1_sigma_nm < 0.004
    assert line.r1_nm - line.r2_nm == pytest.approx(1.43, abs=0.05)


@pytest.mark.parametrize("gpa", [0.0, 0.12, 3.0, 8.0, 15.0])
@pytest.mark.parametrize("temperature_k", [290.0, 400.0, 520.0])
def test_a_doublet_is_found_at_any_pressure_and_temperature(gpa, temperature_k):
    r1_nm = RubyRuler().wavelength_nm(gpa, temperature_k)
    fwhm_nm = 0.39 + 1.85e-3 * max(0.0, temperature_k - 298.0)
    counts = np.random.default_rng(int(gpa * 100 + temperature_k)).poisson(doublet(r1_nm, fwhm_nm=fwhm_nm))
    line = fit_doublet(AXIS_NM, counts, temperature_k=temperature_k)
    assert line.r1_nm == pytest.approx(r1_nm, abs=5 * line.r1_sigma_nm)
    assert line.r1_sigma_nm / 0.365 < 0.004  # GPa
    assert line.fwhm_nm == pytest.approx(fwhm_nm, rel=0.02)
    assert line.ratio == pytest.approx(0.62, abs=0.02)


def test_the_error_of_r1_is_the_scatter_of_r1():
    draw = np.random.default_rng(5)
    lines = [fit_doublet(AXIS_NM, draw.poisson(doublet(697.0, height=2000.0)), temperature_k=298.0) for _ in range(150)]
    pulls = np.array([(line.r1_nm - 697.0) / line.r1_sigma_nm for line in lines])
    assert pulls.std() == pytest.approx(1.0, abs=0.18)  # 3 sigma of 150 draws
    assert abs(pulls.mean()) < 0.25
    r2_pulls = np.array([(line.r2_nm - 695.57) / line.r2_sigma_nm for line in lines])
    assert r2_pulls.std() == pytest.approx(1.0, abs=0.18)
    assert np.mean([line.reduced_chi2 for line in lines]) == pytest.approx(1.0, abs=0.05)


def test_a_red_tail_is_noticed_and_biases_less_than_a_symmetric_fit_would():
    offset = np.clip(AXIS_NM - 697.0, 0.0, None)
    tail = 0.06 * np.exp(-offset / 0.4) * (1.0 - np.exp(-offset / 0.1))
    r2_offset = np.clip(AXIS_NM - 695.57, 0.0, None)
    tail = tail + 0.62 * 0.06 * np.exp(-r2_offset / 0.4) * (1.0 - np.exp(-r2_offset / 0.1))
    counts = np.random.default_rng(2).poisson(doublet(697.0) + 20_000.0 * tail)
    line = fit_doublet(AXIS_NM, counts, temperature_k=298.0)
    assert line.asymmetry_per_nm < -0.05
    assert 0.0 < (line.r1_nm - 697.0) / 0.365 < 0.014  # a symmetric fit is 0.0195 GPa off


def test_a_symmetric_line_is_not_made_to_lean():
    draw = np.random.default_rng(8)
    lines = [fit_doublet(AXIS_NM, draw.poisson(doublet(696.0)), temperature_k=298.0) for _ in range(20)]
    assert [line.asymmetry_per_nm for line in lines] == [0.0] * 20


def test_cosmic_rays_do_not_move_the_line():
    draw = np.random.default_rng(4)
    clean = draw.poisson(doublet(697.0)).astype(float)
    struck = clean.copy()
    struck[[100, 540, 562, 570, 1500]] += 30_000.0  # 562: on the flank of R1
    expected = fit_doublet(AXIS_NM, clean, temperature_k=298.0)
    line = fit_doublet(AXIS_NM, struck, temperature_k=298.0)
    assert line.r1_nm == pytest.approx(expected.r1_nm, abs=expected.r1_sigma_nm)


def test_the_saturation_level_of_the_detector_is_respected_when_known():
    counts = np.random.default_rng(1).poisson(doublet(697.0))
    with pytest.raises(BadReading, match="saturated"):
        fit_doublet(AXIS_NM, counts, temperature_k=298.0, saturation_counts=15_000.0)


@pytest.mark.parametrize(
    ("reason", "counts"),
    [
        ("dark", np.random.default_rng(1).poisson(200.0, AXIS_NM.size)),
        ("dark", np.zeros(AXIS_NM.size)),
        ("saturated", np.minimum(doublet(697.0, height=90_000.0), 65_535.0)),
        ("one line lost", doublet(697.0, ratio=0.0) + np.random.default_rng(1).normal(0.0, 5.0, AXIS_NM.size)),
        ("one line lost", doublet(697.0, ratio=5.0) + np.random.default_rng(1).normal(0.0, 5.0, AXIS_NM.size)),
        ("corrupt", np.full(AXIS_NM.size, np.nan)),
        ("corrupt", np.zeros(7)),
    ],
)
def test_a_spectrum_without_a_doublet_says_why(reason, counts):
    with pytest.raises(BadReading) as caught:
        fit_doublet(AXIS_NM, counts, temperature_k=298.0)
    assert caught.value.facts["reason"] == reason
    assert reason in str(caught.value)


def test_a_broad_hump_is_no_doublet():
    hump = 100.0 + 5000.0 * np.exp(-(((AXIS_NM - 698.0) / 4.0) ** 2))
    with pytest.raises(BadReading):
        fit_doublet(AXIS_NM, np.random.default_rng(3).poisson(hump), temperature_k=298.0)


def test_a_spectrum_that_does_not_reach_the_ruby_lines_is_dark():
    with pytest.raises(BadReading, match="Set the spectrometer"):
        fit_doublet(AXIS_NM - 60.0, doublet(697.0), temperature_k=298.0)


def test_noise_alone_is_never_a_pressure():
    draw = np.random.default_rng(9)
    for level in np.geomspace(0.1, 1e4, 60):
        with pytest.raises(BadReading):
            fit_doublet(AXIS_NM, draw.poisson(level, AXIS_NM.size), temperature_k=300.0)


def voigt_doublet(temperature_k, resolution_nm, height, draw):
    """A doublet as nature makes it, not of the shape that is fitted: Lorentzians through a Gaussian spectrometer."""
    shift_nm = CORRECTIONS["datchi-2007"].shift_nm(max(temperature_k, 50.0), 298.0)
    r1_nm = 694.25 + shift_nm + 0.365 * draw.uniform(0.0, 10.0)
    step_nm = min(0.03, resolution_nm / 3.5)
    axis_nm = np.arange(r1_nm - 12.0, r1_nm + 12.0, step_nm) + draw.uniform(0.0, step_nm)
    lorentz_nm = (0.02 + 0.37 * (temperature_k / 298.0) ** 1.6) * draw.normal(1.0, 0.05)
    ratio = 0.62 * math.exp(-29.7 * 1.4388 * (1.0 / temperature_k - 1.0 / 298.0)) * draw.normal(1.0, 0.03)

    def line(centre_nm):
        shape = voigt_profile(axis_nm - centre_nm, resolution_nm / 2.3548, lorentz_nm / 2.0)
        return shape / voigt_profile(0.0, resolution_nm / 2.3548, lorentz_nm / 2.0)

    split_nm = 1.43 * draw.normal(1.0, 0.005)
    return axis_nm, draw.poisson(60.0 + height * (line(r1_nm) + ratio * line(r1_nm - split_nm))), r1_nm


def test_over_spectrometers_temperatures_and_noise_r1_lies_within_its_error_or_is_refused_by_name():
    draw, pulls, refused = np.random.default_rng(11), [], []
    for temperature_k in (4.0, 20.0, 77.0, 298.0, 498.0, 700.0):
        for resolution_nm in (0.05, 0.1, 0.25, 0.5, 1.0, 1.25, 1.5):
            for height in (150.0, 2000.0, 40_000.0):
                axis_nm, counts, r1_nm = voigt_doublet(temperature_k, resolution_nm, height, draw)
                try:
                    line = fit_doublet(axis_nm, counts, temperature_k=temperature_k)
                except BadReading as error:
                    refused.append(error.facts["reason"])
                else:
                    pulls.append((line.r1_nm - r1_nm) / line.r1_sigma_nm)
    assert len(refused) <= 2
    assert set(refused) <= {"not resolved", "dark"}
    assert np.median(np.abs(pulls)) == pytest.approx(0.67, abs=0.15)
    assert np.max(np.abs(pulls)) < 5.0


@pytest.mark.parametrize("stated_k", [100.0, 298.0, 498.0])
@pytest.mark.parametrize("fwhm_nm", [0.1, 0.2, 0.3, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("mixing", [0.0, 0.5])
def test_a_clean_doublet_of_any_width_is_read_whatever_temperature_is_stated(stated_k, fwhm_nm, mixing):
    counts = doublet(697.0, fwhm_nm=fwhm_nm, mixing=mixing, background=0.0)
    line = fit_doublet(AXIS_NM, counts, temperature_k=stated_k)
    assert line.r1_nm == pytest.approx(697.0, abs=max(5.0 * line.r1_sigma_nm, 0.002))
    assert line.fwhm_nm == pytest.approx(fwhm_nm, rel=0.03)


def test_a_clean_doublet_half_a_nanometre_wide_stated_at_498_k_is_found_at_low_pressure_too():
    for r1_nm in (695.5, 696.0, 697.0, 698.0):
        line = fit_doublet(AXIS_NM, doublet(r1_nm, fwhm_nm=0.5, mixing=0.0, background=0.0), temperature_k=498.0)
        assert line.r1_nm == pytest.approx(r1_nm, abs=max(5.0 * line.r1_sigma_nm, 0.002))


def test_lines_that_are_not_resolved_are_read_with_an_error_that_says_so():
    draw = np.random.default_rng(3)
    axis_nm, counts, r1_nm = voigt_doublet(298.0, 1.5, 40_000.0, draw)
    line = fit_doublet(axis_nm, counts, temperature_k=298.0)
    assert line.r1_sigma_nm > 0.005, "forty thousand counts of a resolved doublet give a tenth of that"
    assert line.r1_nm == pytest.approx(r1_nm, abs=4.0 * line.r1_sigma_nm)


def with_more(r1_nm, share, offset_nm, fwhm_nm):
    """A doublet at R1 with other light under it: a share of its height, some way off, of some width."""
    other = share * 20_000.0 * pseudo_voigt(AXIS_NM - r1_nm - offset_nm, fwhm_nm, 0.0)
    return np.random.default_rng(7).poisson(doublet(r1_nm) + other).astype(float)


@pytest.mark.parametrize("share", [0.2, 0.3])  # a tenth is no more than what an ordinary line differs from the fit by
@pytest.mark.parametrize(("offset_nm", "fwhm_nm"), [(1.0, 1.3), (-0.4, 0.8), (0.6, 0.5), (0.3, 0.4)])
def test_a_line_with_other_light_under_it_is_uncertain_by_what_that_moves_it_and_says_so(share, offset_nm, fwhm_nm):
    line = fit_doublet(AXIS_NM, with_more(695.0, share, offset_nm, fwhm_nm), temperature_k=298.0)
    assert abs(line.r1_nm - 695.0) < 3.0 * line.r1_sigma_nm
    assert f"chi2 is {line.reduced_chi2:.1f}" in line.doubt
    assert f"uncertain by {line.r1_sigma_nm:.3f} nm at least" in line.doubt


def test_a_doublet_and_noise_is_not_doubted():
    line = fit_doublet(AXIS_NM, with_more(695.0, 0.0, 0.0, 1.0), temperature_k=298.0)
    assert line.doubt == ""
    assert line.r1_sigma_nm < 0.0005, "twenty thousand counts"


@pytest.mark.parametrize("height", [40_000.0, 1e6, 1e7, 1e8])
@pytest.mark.parametrize("resolution_nm", [0.15, 0.3, 0.39, 0.7])
def test_a_real_line_shape_that_the_fit_does_not_quite_have_is_not_doubted_however_long_it_is_counted(
    resolution_nm, height
):
    axis_nm, counts, r1_nm = voigt_doublet(298.0, resolution_nm, height, np.random.default_rng(4))
    line = fit_doublet(axis_nm, counts, temperature_k=298.0)
    assert line.doubt == ""
    assert abs(line.r1_nm - r1_nm) < 4.0 * line.r1_sigma_nm
    assert line.r1_sigma_nm < 0.002, "0.5 % of the width"
    if height >= 1e7:
        assert line.reduced_chi2 > 10.0, "counting alone would not explain it"


@pytest.mark.parametrize("height", [1e5, 1e6, 1e7])
def test_a_second_crystal_is_doubted_however_long_it_is_counted(height):
    light = doublet(695.0, height=0.6 * height) + doublet(695.25, height=0.4 * height)
    counts = np.random.default_rng(5).poisson(light).astype(float)
    line = fit_doublet(AXIS_NM, counts, temperature_k=298.0)
    assert "misses its spectrum by" in line.doubt
    assert line.r1_sigma_nm > 0.004


@pytest.mark.parametrize("gain", [0.01, 30.0, 1000.0])
def test_counts_in_other_units_than_quanta_are_no_reason_to_doubt(gain):
    counts = gain * np.random.default_rng(6).poisson(doublet(695.0, height=3000.0)).astype(float) + 20.5
    assert fit_doublet(AXIS_NM, counts, temperature_k=298.0).doubt == ""


@pytest.mark.parametrize(("name", "gain"), [("ruby_a.txt", 1.0), ("ruby_a.txt", 100.0), ("ruby_b.txt", 1.0)])
def test_a_real_spectrum_is_not_doubted_whatever_its_unit(measured_data, name, gain):
    wavelength_nm, counts = read_two_columns(measured_data / "ruby" / name)
    assert fit_doublet(wavelength_nm, gain * counts, temperature_k=298.0).doubt == ""


def test_a_real_spectrum_whose_published_fits_differ_is_doubted_by_as_much_once_its_counts_tell(measured_data):
    wavelength_nm, counts = read_two_columns(measured_data / "ruby" / "ruby_b.txt")
    line = fit_doublet(wavelength_nm, 100.0 * counts, temperature_k=298.0)
    assert line.doubt
    for published_nm in (695.376, 695.362):  # pRuby: double Gaussian, double Voigt
        assert line.r1_nm == pytest.approx(published_nm, abs=1.5 * line.r1_sigma_nm)
    assert 0.007 < line.r1_sigma_nm < 0.028, "they differ by 0.014 nm"


def hump(share, centre_nm, fwhm_nm, height):
    return share * height * np.exp(-4.0 * math.log(2.0) * ((AXIS_NM - centre_nm) / fwhm_nm) ** 2)


def test_what_other_light_under_a_faint_line_moves_is_in_its_error():
    for seed in range(4):
        light = hump(0.05, 695.8, 3.0, 5000.0)
        counts = np.random.default_rng(seed).poisson(doublet(694.8, height=5000.0) + light)
        line = fit_doublet(AXIS_NM, counts, temperature_k=298.0)
        assert abs(line.r1_nm - 694.8) < 1.5 * line.r1_sigma_nm
        assert 0.006 < line.r1_sigma_nm < 0.015, "a doublet alone is known to 0.001 nm"


@pytest.mark.parametrize("height", [1000.0, 5000.0])
@pytest.mark.parametrize("fwhm_nm", [1.5, 3.0, 5.0])
def test_a_faint_hump_under_the_lines_moves_r1_by_no_more_than_its_error_and_5_pm(fwhm_nm, height):
    for beside_nm in (-2.5, -1.0, -0.5, 0.5, 1.0, 2.0):
        light = hump(0.03, 694.8 + beside_nm, fwhm_nm, height)
        counts = np.random.default_rng(7).poisson(doublet(694.8, height=height) + light)
        line = fit_doublet(AXIS_NM, counts, temperature_k=298.0)
        assert line.doubt or abs(line.r1_nm - 694.8) < max(0.005, 3.0 * line.r1_sigma_nm)
