"""Frames with pixels below zero, drawn by numpy: marks of dead pixels, noise about zero, and both."""

import numpy as np
import pytest

from lics_beamline.frames.negative_pixels import NegativePixels
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.integration.integration import Integration, Integrator

SHAPE = (300, 300)


@pytest.fixture(scope="module")
def integrator():
    geometry = flat_geometry(distance_mm=100.0, wavelength_angstrom=0.41373, shape=SHAPE, pixel_mm=0.2)
    return Integrator(geometry, Integration(bins=200), shape=SHAPE)


def noise(mean, sigma, seed, kind):
    drawn = np.random.default_rng(seed).normal(mean, sigma, SHAPE)
    return (np.rint(drawn) if kind is np.int32 else drawn).astype(kind)


def gap(frame, mark):
    frame = frame.copy()
    frame[140:157] = mark
    return frame


@pytest.mark.parametrize("kind", [np.int32, np.float32])
@pytest.mark.parametrize("sigma", [1.0, 3.0, 40.0])
def test_noise_about_zero_is_zero_within_its_error(integrator, kind, sigma):
    pattern = integrator.integrate(noise(0.0, sigma, 1, kind))
    assert pattern.masked_fraction < 0.001
    assert pattern.rejected_fraction < 0.001
    weights = 1.0 / pattern.sigma**2
    assert abs(np.sum(weights * pattern.intensity)) < 2.5 * np.sqrt(np.sum(weights))
    pull = pattern.intensity / pattern.sigma
    assert np.mean(pull[pattern.counted > 30] ** 2) == pytest.approx(1.0, abs=0.25)  # 2.5 sigma of 200 bins


@pytest.mark.parametrize("kind", [np.int32, np.float32])
@pytest.mark.parametrize("mark", [-10, -999, -(2**15), -(2**31)])
def test_a_gap_in_noise_is_dead_and_the_noise_is_not(integrator, kind, mark):
    frame = gap(noise(2.0, 2.0, 2, kind), mark)
    found = NegativePixels.of(frame)
    np.testing.assert_array_equal(found.dead(frame), frame == mark)
    assert found.noise_counts == pytest.approx(1.5, abs=0.5)  # the half below zero of what is about 2
    pattern = integrator.integrate(frame)
    assert pattern.masked_fraction == pytest.approx(17 / 300, abs=0.001)


@pytest.mark.parametrize("mark", [-1, -2, -30])
def test_a_gap_that_is_marked_by_a_number_within_wide_noise_is_dead(mark):
    frame = gap(noise(0.0, 10.0, 5, np.int32), mark)
    assert NegativePixels.of(frame).marks == (mark,)
    assert NegativePixels.of(noise(0.0, 10.0, 5, np.int32)).marks == ()


@pytest.mark.parametrize("scale", [2, 10])
def test_noise_in_whole_numbers_that_were_multiplied_is_noise(integrator, scale):
    frame = scale * noise(0.0, 3.0, 1, np.int32)
    found = NegativePixels.of(frame)
    assert found.marks == ()
    assert found.noise_counts == pytest.approx(3.0 * scale, rel=0.35)  # in steps of a third of it
    pattern = integrator.integrate(frame)
    weights = 1.0 / pattern.sigma**2
    assert abs(np.sum(weights * pattern.intensity)) < 2.5 * np.sqrt(np.sum(weights))


@pytest.mark.parametrize("mean", [0.01, 0.3, 5.0, 100.0])
@pytest.mark.parametrize("marks", [(-1,), (-1, -2), (-2,), (-9999,)])
def test_marks_of_detectors_that_count_are_dead(mean, marks):
    frame = np.random.default_rng(3).poisson(mean, SHAPE).astype(np.int32)
    frame[50:60] = marks[0]
    frame[[20, 80, 90], [5, 70, 200]] = marks[-1]
    np.testing.assert_array_equal(NegativePixels.of(frame).dead(frame), frame < 0)


def test_a_dim_frame_with_noise_keeps_its_mean(integrator):
    """Mean 0.5 and noise of 3: four in ten pixels are below zero."""
    frames = [noise(0.5, 3.0, seed, np.int32) for seed in range(20)]
    found = [np.average(p.intensity, weights=p.counted) for p in map(integrator.integrate, frames)]
    cosine = np.cos(np.radians(integrator.two_theta_deg))
    expected = 0.5 / np.mean(cosine**3 * 0.5 * (1.0 + cosine**2))  # the correction lifts it
    assert np.mean(found) == pytest.approx(expected, abs=2.5 * np.std(found, ddof=1) / np.sqrt(20))


def test_a_shadow_in_a_frame_with_its_dark_taken_off_is_still_seen(integrator):
    frame = noise(20.0, 4.0, 4, np.float32)
    frame[200:240, 100:200] = noise(0.0, 4.0, 5, np.float32)[200:240, 100:200]
    mask = integrator.mask(frame)
    assert mask[205:235, 105:195].mean() > 0.95
    mask[190:250, 90:210] = False
    assert mask.mean() < 0.001
