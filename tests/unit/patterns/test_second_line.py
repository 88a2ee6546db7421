"""Patterns of two wavelengths, drawn by Bragg's law alone, against those of the first."""

import math

import numpy as np
import pytest

from lics_beamline.patterns.pattern import Pattern
from lics_beamline.patterns.second_line import without_second_line

FIRST, SECOND = 1.5405929, 1.5444274
SPACINGS = (3.2, 1.9, 1.2, 0.95, 0.85)


def light(angle, wavelength, share):
    """Lines of equal light, which are as broad at either wavelength."""
    total = np.zeros(angle.size)
    for d in SPACINGS:
        centre = 2.0 * math.degrees(math.asin(wavelength / 2.0 / d))
        total += share * 5000.0 * np.exp(-4.0 * math.log(2.0) * ((angle - centre) / 0.12) ** 2)
    return total


def patterns(step, *, noise=False):
    angle = np.arange(20.0, 140.0, step)
    first = light(angle, FIRST, 1.0) + 200.0
    both = first + light(angle, SECOND, 0.5) + 100.0
    counts = np.random.default_rng(1).poisson(both).astype(float) if noise else both
    return first, Pattern(two_theta_deg=angle, intensity=counts, sigma=np.sqrt(both), wavelength_angstrom=FIRST)


@pytest.mark.parametrize("step", [0.005, 0.02])
def test_what_is_left_is_the_pattern_of_the_first_line(step):
    first, both = patterns(step)
    left = without_second_line(both, SECOND)
    # the second line is a little narrower here than dispersion makes it: what that leaves is below a percent of a line
    assert np.abs(left.intensity - first).max() < 0.015 * 5000.0
    assert np.sum(left.intensity) == pytest.approx(np.sum(first), rel=2e-3)


def test_errors_grow_as_the_scatter_does():
    first, both = patterns(0.02, noise=True)
    left = without_second_line(both, SECOND)
    flat = np.abs(first - 200.0) < 1.0
    assert np.std((left.intensity - first)[flat] / left.sigma[flat]) == pytest.approx(1.0, abs=0.06)


def test_empty_points_stay_empty_and_spoil_no_others():
    first, both = patterns(0.02)
    values = both.intensity.copy()
    values[700:720] = np.nan
    left = without_second_line(
        Pattern(two_theta_deg=both.two_theta_deg, intensity=values, sigma=both.sigma, wavelength_angstrom=FIRST), SECOND
    )
    assert np.array_equal(np.isnan(left.intensity), np.isnan(values))
    good = np.isfinite(values)
    assert np.abs(left.intensity - first)[good].max() < 0.015 * 5000.0
