import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.integration.integration import Integration, Integrator
from lics_beamline.lines.peaks import find_peaks

SHAPE = (1000, 1000)
RINGS = (9.36, 13.27, 16.28)


@pytest.fixture(scope="module")
def integrator():
    geometry = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=SHAPE, pixel_mm=0.3)
    return Integrator(geometry, Integration(bins=700, two_theta_deg=(5.0, 22.0), polarisation=0.0), shape=SHAPE)


def plate(integrator, seed, *, spread_px, height=0.0, spots=0):
    """Counted photons, then smeared by a Gaussian reader: what an image plate does."""
    mean = np.full(SHAPE, 40.0)
    for ring in RINGS:
        mean += height * np.exp(-4 * math.log(2) * ((integrator.two_theta_deg - ring) / 0.15) ** 2)
    cosine = np.cos(np.radians(integrator.two_theta_deg))
    draw = np.random.default_rng(seed)
    image = draw.poisson(mean * cosine**3 * (1 + cosine**2) / 2).astype(float)
    for row, column in draw.integers(20, 980, (spots, 2)):
        image[row, column] += 30_000.0
    return np.rint(gaussian_filter(image, spread_px) if spread_px else image).astype(np.int32)


@pytest.mark.parametrize("spread_px", [0.0, 0.5, 0.8, 1.2])
@pytest.mark.parametrize("spots", [0, 40])
def test_a_flat_ring_has_chi2_1_whatever_the_point_spread(integrator, spread_px, spots):
    pattern = integrator.integrate(plate(integrator, 1, spread_px=spread_px, spots=spots))
    flat = pattern.two_theta_deg > 5.2
    chi2 = np.mean(((pattern.intensity - 40.0) / pattern.sigma)[flat] ** 2)
    assert chi2 == pytest.approx(1.0, abs=0.16)  # 3 sigma of 700 bins, correlated over 2


def test_without_looking_the_errors_of_a_smeared_plate_are_too_small():
    geometry = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=SHAPE, pixel_mm=0.3)
    choice = Integration(bins=700, two_theta_deg=(5.0, 22.0), polarisation=0.0, point_spread=False)
    blind = Integrator(geometry, choice, shape=SHAPE)
    pattern = blind.integrate(plate(blind, 1, spread_px=0.8))
    assert np.mean(((pattern.intensity - 40.0) / pattern.sigma) ** 2) > 1.8


def test_the_correlation_of_a_gaussian_reader_is_that_of_its_formula(integrator):
    # One over the sum of squares of a Gaussian of standard deviation s pixels is 4 pi s^2.
    frame = plate(integrator, 2, spread_px=0.8)
    pattern = integrator.integrate(frame)
    spread = integrator._patches.correlation(frame, pattern.two_theta_deg, pattern.intensity)
    assert spread.in_peak == pytest.approx(4 * math.pi * 0.8**2, rel=0.1)


def test_independent_pixels_need_no_factor(integrator):
    pattern = integrator.integrate(plate(integrator, 3, spread_px=0.0))
    assert pattern.correlation == pytest.approx(1.0, abs=0.03)


def test_errors_of_peak_positions_on_a_smeared_plate_are_their_scatter(integrator):
    found = []
    for seed in range(25):
        peaks = find_peaks(integrator.integrate(plate(integrator, seed, spread_px=0.8, height=12.0)))
        for ring in RINGS:
            nearest = min(peaks, key=lambda peak: abs(peak.two_theta_deg - ring))
            found.append((ring, nearest.two_theta_deg, nearest.two_theta_sigma_deg))
    pulls = []
    for ring in RINGS:
        mine = np.array([row[1:] for row in found if row[0] == ring])
        pulls += list((mine[:, 0] - mine[:, 0].mean()) / mine[:, 1])
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)
