"""Counting noise is exactly Poisson; the point spread keeps the light and ties neighbours together."""

import numpy as np
import pytest
from scipy.stats import chi2, poisson

from lics_simulators.plate.counting import Counter, point_spread, spread_light


@pytest.fixture(scope="module")
def counter():
    return Counter()


@pytest.mark.parametrize("mean", [0.0125, 0.4, 2.93, 14.99, 31.9, 32.0, 250.0])
def test_counts_are_poisson(counter, mean):
    counts = counter.count(np.full((500, 1000), mean, dtype=np.float32), np.random.default_rng(5)).ravel()
    values = np.arange(int(mean + 10 * np.sqrt(mean) + 10))
    expected = poisson.pmf(values, mean) * counts.size
    seen = np.bincount(counts.astype(int), minlength=values.size)[: values.size]
    enough = expected > 10
    misfit = float(np.sum((seen[enough] - expected[enough]) ** 2 / expected[enough]))
    assert misfit < chi2.ppf(0.9999, enough.sum())
    rare = counts.size - expected[enough].sum()
    assert counts.size - seen[enough].sum() == pytest.approx(rare, abs=5 * np.sqrt(rare) + 5)
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / counts.size))


def test_neighbouring_counts_are_independent(counter):
    counts = counter.count(np.full((1000, 1000), 3.0, dtype=np.float32), np.random.default_rng(6))
    noise = counts - counts.mean()
    assert abs(np.mean(noise[:, 1:] * noise[:, :-1]) / np.mean(noise**2)) < 4 / 1000


def test_dark_pixels_stay_dark(counter):
    assert not counter.count(np.zeros((60, 70), dtype=np.float32), np.random.default_rng(1)).any()


def test_a_slope_is_counted_pixel_by_pixel(counter):
    expected = np.tile(np.linspace(0.0, 40.0, 400, dtype=np.float32), (4000, 1))
    counts = counter.count(expected, np.random.default_rng(2))
    error = (counts.mean(axis=0) - expected[0])[1:] / np.sqrt(expected[0, 1:] / 4000)
    assert np.abs(error).max() < 4.5
    assert error.std() == pytest.approx(1.0, abs=0.15)


def test_the_point_spread_keeps_the_light_and_has_its_width():
    image = np.zeros((41, 41), dtype=np.float32)
    image[20, 20] = 100.0
    spread = spread_light(image, point_spread(0.7, 0.0))
    assert spread.sum() == pytest.approx(100.0, rel=1e-5)
    offset = np.arange(41) - 20
    assert np.sum(spread.sum(axis=0) * offset**2) / 100.0 == pytest.approx(0.49, rel=0.01)


def test_the_point_spread_ties_neighbours_together(counter):
    counts = counter.count(np.full((600, 600), 5.0, dtype=np.float32), np.random.default_rng(3))
    spread = spread_light(counts, point_spread(0.7, 0.06))[10:-10, 10:-10]
    assert spread.var() < 0.3 * 5.0
    assert np.corrcoef(spread[:, 1:].ravel(), spread[:, :-1].ravel())[0, 1] > 0.4
