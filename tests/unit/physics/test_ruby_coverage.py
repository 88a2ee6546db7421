"""Does the interval of a ruby pressure hold the truth? A small sample of ``tests/benchmarks/test_ruby_coverage.py``."""

import math

import pytest
from worlds.drawn_rubies import Known, trial

SPECTRA = 150


@pytest.mark.parametrize(
    ("temperature_k", "known", "widest_gpa"),
    [
        pytest.param(498.0, Known(chip=False, correction=False), 0.31, marks=pytest.mark.long),
        pytest.param(498.0, Known(chip=True, correction=False), 0.25, marks=pytest.mark.long),
        (298.0, Known(chip=True, correction=True), 0.02),
        # thermocouples as read: 2 x 1.5 K, in 2 sigma
        pytest.param(298.0, Known(chip=True, correction=True, rest=False), 0.09, marks=pytest.mark.long),
    ],
)
def test_the_interval_holds_the_truth(temperature_k, known, widest_gpa):
    result = trial(temperature_k, known, spectra=SPECTRA, seed=2)
    assert result.covered >= 0.95 - 2.0 * math.sqrt(0.95 * 0.05 / SPECTRA)  # a fair draw falls below once in 40
    assert result.half_width_gpa < widest_gpa
