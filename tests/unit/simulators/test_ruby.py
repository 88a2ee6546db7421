"""Ruby spectra of the world against an independent program and published check values."""

import dataclasses

import numpy as np
import peritheos
import pytest

from lics_simulators.preset import read_preset
from lics_simulators.ruby import FULL_WELL, SPECTROMETER_PIXELS, Ruby, datchi_shift_nm, ruby2020_ratio
from lics_simulators.world import World


def make_ruby(seed=0, **changes):
    """A ruby with laser on and shutter open."""
    parameters = dataclasses.replace(read_preset("volumetric").ruby, **changes)
    ruby = Ruby(parameters, np.random.default_rng(seed))
    ruby.laser_is_on = ruby.shutter_is_open = True
    return ruby


PLAIN = {"calibration_sd_nm": 0.0, "dispersion_sd": 0.0, "offset_low_gpa": 0.0, "offset_high_gpa": 0.0}


def rate(ruby, gpa=0.0, kelvin=298.0):
    return ruby.rate_cps(sample_gpa=gpa, sample_k=kelvin, ambient_k=298.0)


def strongest_nm(ruby, counts):
    """Place of the maximum, by a parabola through the highest pixel and its neighbours."""
    top = int(np.argmax(counts))
    below, at, above = counts[top - 1 : top + 2]
    return ruby.wavelength_nm[top] + 0.03 * 0.5 * (below - above) / (below - 2.0 * at + above)


@pytest.mark.parametrize("pressure_gpa", [0.5, 3.0, 8.0, 12.0])
def test_the_pressure_law_is_ruby2020_as_peritheos_has_it(pressure_gpa):
    scale = peritheos.get_pressure_calibration("ruby_shen_2020")
    assert float(scale.pressure_from_ratio(ruby2020_ratio(pressure_gpa))) == pytest.approx(pressure_gpa, abs=1e-6)


def test_698_nm_over_694_25_reads_10_408_gpa():
    assert ruby2020_ratio(10.408) * 694.25 == pytest.approx(698.0, abs=2e-4)


def test_heating_from_298_to_498_k_moves_r1_by_1_4414_nm():
    assert datchi_shift_nm(498.0) - datchi_shift_nm(298.0) == pytest.approx(1.4414, abs=5e-5)


def test_below_296_k_the_low_temperature_branch_joins():
    assert datchi_shift_nm(296.0) == 0.0
    assert datchi_shift_nm(286.0) == pytest.approx(-0.0657, abs=1e-3)


@pytest.mark.parametrize(("pressure_gpa", "kelvin"), [(0.0, 298.0), (8.0, 298.0), (12.0, 498.0)])
def test_the_strongest_line_lies_where_scale_and_correction_put_it(pressure_gpa, kelvin):
    ruby = make_ruby(**PLAIN, laser_k_per_mw=0.0, reference_sd_nm=0.0, tail_fraction=0.0)
    scale = peritheos.get_pressure_calibration("ruby_shen_2020")
    unshifted_nm = 694.25 + {298.0: 0.0, 498.0: 1.4414}[kelvin]
    expected_nm = float(scale.wavelength_ratio(pressure_gpa)) * unshifted_nm
    assert strongest_nm(ruby, rate(ruby, pressure_gpa, kelvin)) == pytest.approx(expected_nm, abs=0.012)


def test_a_red_tail_moves_the_weight_of_the_line_but_little():
    with_tail, without = make_ruby(**PLAIN), make_ruby(**PLAIN, tail_fraction=0.0)
    window = np.abs(with_tail.wavelength_nm - with_tail.r1_nm(0.0, 298.5)) < 0.6
    means = [np.average(ruby.wavelength_nm[window], weights=rate(ruby)[window]) for ruby in (with_tail, without)]
    assert 5e-4 < means[0] - means[1] < 0.02


def test_r2_is_1_43_nm_below_r1_at_0_62_of_its_height():
    ruby = make_ruby(**PLAIN, glow_cps=0.0)
    counts = rate(ruby)
    r1 = ruby.r1_nm(0.0, 298.5)
    near_r2 = np.abs(ruby.wavelength_nm - (r1 - 1.43)) < 0.4
    top = np.flatnonzero(near_r2)[np.argmax(counts[near_r2])]
    assert ruby.wavelength_nm[top] == pytest.approx(r1 - 1.43, abs=0.03)
    assert counts[top] / counts.max() == pytest.approx(0.62, abs=0.04)


@pytest.mark.parametrize(("kelvin", "width_nm"), [(298.0, 0.39), (498.0, 0.76)])
def test_lines_are_0_39_nm_wide_at_298_k_and_0_76_at_498_k(kelvin, width_nm):
    ruby = make_ruby(**PLAIN, glow_cps=0.0, r2_ratio=0.0, laser_k_per_mw=0.0)
    counts = rate(ruby, 8.0, kelvin)
    above_half = ruby.wavelength_nm[counts > 0.5 * counts.max()]
    assert above_half[-1] - above_half[0] == pytest.approx(width_nm, abs=0.06)


def test_light_is_quenched_by_half_at_498_k():
    ruby = make_ruby(glow_cps=0.0)
    assert rate(ruby, 8.0, 498.0).sum() / rate(ruby, 8.0, 298.0).sum() == pytest.approx(0.497, abs=0.03)


def test_lines_need_laser_and_shutter():
    ruby = make_ruby()
    assert rate(ruby).max() > 1e4
    ruby.laser_is_on = False
    assert not rate(ruby).any()
    ruby.laser_is_on, ruby.shutter_is_open = True, False
    assert not rate(ruby).any()


def test_the_lamp_shows_neon_between_and_around_the_ruby_lines():
    ruby = make_ruby(**PLAIN)
    ruby.laser_is_on, ruby.lamp_is_on = False, True
    counts = rate(ruby)
    for line_nm in (692.947, 702.405, 703.241, 717.394, 724.517):  # NIST ASD, Ne I, air
        assert counts[np.abs(ruby.wavelength_nm - line_nm).argmin()] > 1000.0


def test_the_chip_outside_stays_at_ambient():
    ruby = make_ruby()
    ruby.ambient_chip_is_selected = True
    assert np.array_equal(rate(ruby, 0.0, 298.0), rate(ruby, 9.0, 498.0))
    assert strongest_nm(ruby, rate(ruby, 9.0, 498.0)) == pytest.approx(ruby.reference_nm, abs=0.05)


def test_laser_power_heats_the_ruby():
    ruby = make_ruby(**PLAIN)
    ruby.laser_mw = 1.0
    cool = strongest_nm(ruby, rate(ruby))
    ruby.laser_mw = 50.0
    assert strongest_nm(ruby, rate(ruby)) - cool == pytest.approx(4.9 * 0.0073, rel=0.3)


def test_an_accumulation_saturates_at_the_full_well_and_a_sum_of_them_does_not():
    ruby = make_ruby()
    generator = np.random.default_rng(0)
    assert ruby.spectrum(rate(ruby), 10.0, 1, generator).max() == FULL_WELL
    assert ruby.spectrum(rate(ruby), 10.0, 3, generator).max() == 3 * FULL_WELL
    assert FULL_WELL < ruby.spectrum(rate(ruby), 1.0, 10, generator).max() < 10 * FULL_WELL


def test_noise_is_that_of_counting():
    ruby = make_ruby()
    expected = np.full(SPECTROMETER_PIXELS, 1.0e4)
    counts = ruby.spectrum(expected, 1.0, 1, np.random.default_rng(0))
    assert counts.std() == pytest.approx(100.0, rel=0.06)


def test_every_seed_has_its_own_ruby_away_from_the_sample():
    rubies = [World(seed=seed).ruby for seed in range(30)]
    offsets = np.array([ruby.offset_gpa for ruby in rubies])
    assert np.all((np.abs(offsets) >= 0.02) & (np.abs(offsets) <= 0.1))
    assert (offsets > 0).any()
    assert (offsets < 0).any()
    assert np.std([ruby.reference_nm for ruby in rubies]) == pytest.approx(0.03, rel=0.4)
    assert np.std([ruby.calibration_nm for ruby in rubies]) > 0.003


def test_everything_asked_of_the_spectrometer_lies_on_its_detector():
    ruby = make_ruby()
    hottest, coldest = ruby.r1_nm(12.0, 503.0), ruby.r1_nm(0.0, 298.0) - 1.43
    assert ruby.wavelength_nm[0] + 5.0 < coldest
    assert hottest < ruby.wavelength_nm[-1] - 5.0
