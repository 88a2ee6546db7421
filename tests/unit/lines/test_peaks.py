import math
from dataclasses import replace

import numpy as np
import pytest

from lics_beamline.lines.peaks import find_peaks
from lics_beamline.patterns.pattern import Pattern

ANGLE = np.linspace(3.0, 31.0, 2500)
LINES = ((6.61, 0.3), (9.36, 1.0), (10.0, 0.1), (10.73, 0.1), (11.35, 0.3), (11.48, 0.2), (13.27, 0.25), (16.28, 0.4))


def pattern(height, seed, lines=LINES, *, pixels=3000.0):
    curve = 20.0 + 15.0 * np.exp(-ANGLE / 5.0) + 8.0 * np.exp(-(((ANGLE - 12.0) / 4.0) ** 2))
    for centre, weight in lines:
        u = 2.0 * (ANGLE - centre) / (0.05 + 0.001 * centre)
        curve = curve + height * weight * (0.4 / (1.0 + u**2) + 0.6 * np.exp(-math.log(2.0) * u**2))
    sigma = np.sqrt(curve / (pixels * ANGLE / 10.0))
    noisy = curve + sigma * np.random.default_rng(seed).normal(size=ANGLE.size)
    return Pattern(two_theta_deg=ANGLE, intensity=noisy, sigma=sigma, wavelength_angstrom=0.41373)


@pytest.mark.parametrize("height", [15.0, 300.0, 5000.0])
def test_every_peak_is_found_and_nothing_else(height):
    peaks = find_peaks(pattern(height, 1))
    assert [peak.two_theta_deg for peak in peaks] == pytest.approx([centre for centre, _ in LINES], abs=0.004)


def test_a_background_without_peaks_has_none():
    assert sum(len(find_peaks(pattern(0.0, seed))) for seed in range(30)) == 0


def test_errors_of_positions_are_their_scatter_also_where_peaks_overlap():
    pulls = []
    for seed in range(60):
        peaks = find_peaks(pattern(40.0, seed))
        for centre in (9.36, 11.35, 11.48):
            nearest = min(peaks, key=lambda peak: abs(peak.two_theta_deg - centre))
            pulls.append((nearest.two_theta_deg - centre) / nearest.two_theta_sigma_deg)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.2)
    assert abs(np.mean(pulls)) < 0.3


def test_heights_widths_and_areas_are_those_put_in():
    peak = next(peak for peak in find_peaks(pattern(300.0, 2)) if abs(peak.two_theta_deg - 9.36) < 0.01)
    assert peak.height == pytest.approx(300.0, rel=0.02)
    assert peak.fwhm_deg == pytest.approx(0.05936, rel=0.02)
    assert peak.area == pytest.approx(300.0 * 0.05936 * (0.4 * math.pi / 2 + 0.6 * 1.06447), rel=0.02)
    assert peak.d_angstrom == pytest.approx(0.41373 / (2 * math.sin(math.radians(4.68))), rel=2e-5)


def test_the_error_of_a_spacing_follows_from_that_of_the_angle():
    peak = find_peaks(pattern(300.0, 2))[1]
    moved = 0.41373 / (2 * math.sin(math.radians((peak.two_theta_deg - peak.two_theta_sigma_deg) / 2)))
    assert moved - peak.d_angstrom == pytest.approx(peak.d_sigma_angstrom, rel=0.01)


def test_bins_without_intensity_are_no_obstacle():
    whole = pattern(300.0, 3)
    intensity, sigma = whole.intensity.copy(), whole.sigma.copy()
    intensity[:200] = sigma[:200] = np.nan
    intensity[1200:1210] = sigma[1200:1210] = np.nan
    holed = Pattern(two_theta_deg=ANGLE, intensity=intensity, sigma=sigma, wavelength_angstrom=0.41373)
    assert len(find_peaks(holed)) == len(LINES)


def test_errors_that_are_too_small_make_no_peaks_of_noise():
    # Where a plate's point spread correlates pixels, the errors come out up to 2.8 times too small.
    for seed in range(10):
        honest = pattern(0.0, seed)
        small = Pattern(
            two_theta_deg=ANGLE, intensity=honest.intensity, sigma=honest.sigma / 2.8, wavelength_angstrom=0.41373
        )
        assert find_peaks(small) == ()


def test_a_range_limits_what_is_looked_for():
    peaks = find_peaks(pattern(300.0, 3), two_theta_deg=(9.0, 10.5))
    assert [round(peak.two_theta_deg, 1) for peak in peaks] == [9.4, 10.0]


def test_what_lies_far_outside_a_range_does_not_matter():
    clean = pattern(300.0, 3)
    noise = np.random.default_rng(1).normal(0.0, 1e4, ANGLE.size)
    foul = replace(clean, intensity=np.where((ANGLE < 5.0) | (ANGLE > 16.0), noise, clean.intensity))
    assert find_peaks(foul, two_theta_deg=(9.0, 12.0)) == find_peaks(clean, two_theta_deg=(9.0, 12.0))


def test_an_empty_pattern_has_no_peaks():
    nothing = np.full(ANGLE.size, np.nan)
    assert find_peaks(Pattern(two_theta_deg=ANGLE, intensity=nothing, sigma=nothing, wavelength_angstrom=0.4)) == ()


def test_a_dim_peak_whose_wings_cannot_be_told_is_still_found():
    # The point spread makes lines rounder than a Gaussian: a free mixing then leaves its range in half of the cases.
    curve = 20.0 + 2.0 * np.exp(-(((ANGLE - 10.0) / 0.035) ** 4))
    sigma = np.full(ANGLE.size, 0.15)
    for seed in range(20):
        noisy = curve + sigma * np.random.default_rng(seed).normal(size=ANGLE.size)
        dim = Pattern(two_theta_deg=ANGLE, intensity=noisy, sigma=sigma, wavelength_angstrom=0.41373)
        (peak,) = find_peaks(dim)
        assert peak.two_theta_deg == pytest.approx(10.0, abs=0.01)
        assert 0.0 <= peak.mixing <= 1.0


@pytest.mark.parametrize("left", [0.0, -30.0, 2.0])
def test_the_noise_of_a_background_that_was_taken_off_makes_no_peaks(left):
    places = (8.19, 11.48, 14.36)
    curve = sum(200.0 * np.exp(-4.0 * math.log(2.0) * ((ANGLE - centre) / 0.08) ** 2) for centre in places)
    sigma = np.sqrt(100.0 + curve) / 10.0
    for seed in range(5):
        noisy = left + curve + sigma * np.random.default_rng(seed).normal(size=ANGLE.size)
        flat = Pattern(two_theta_deg=ANGLE, intensity=noisy, sigma=sigma, wavelength_angstrom=0.41373)
        assert [peak.two_theta_deg for peak in find_peaks(flat)] == pytest.approx(places, abs=2e-3)


def test_a_peak_tells_which_part_of_its_own_pixels_was_rejected():
    plain = pattern(300.0, 2)
    counted = np.full(ANGLE.size, 900)
    rejected = np.where(np.abs(ANGLE - 9.36) < 0.2, 100, 0)
    told = {
        round(peak.two_theta_deg, 1): peak.rejected_fraction
        for peak in find_peaks(replace(plain, counted=counted, rejected=rejected))
    }
    assert told[9.4] == pytest.approx(0.1)
    assert told[10.0] == 0.0
    assert all(peak.rejected_fraction is None for peak in find_peaks(plain))


def test_of_a_peak_at_the_end_of_a_pattern_only_bins_that_are_there_are_asked():
    told = replace(pattern(0.0, 1), counted=np.full(ANGLE.size, 1), rejected=np.full(ANGLE.size, 1))
    assert told.rejected_within(2.9, 3.1) == 0.5
    assert told.rejected_within(30.9, 40.0) == 0.5
