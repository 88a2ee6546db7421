"""Rings drawn by plane trigonometry, each sector of 5 deg brighter or dimmer by a drawn factor."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.integration.integration import Integration, Integrator
from lics_beamline.integration.ring_scatter import on_bins
from lics_beamline.lines.peaks import find_peaks

SHAPE = (1000, 1000)
RINGS = (6.6, 9.36, 13.27)
GEOMETRY = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=SHAPE, pixel_mm=0.3)


@pytest.fixture(scope="module")
def integrator():
    return Integrator(GEOMETRY, Integration(bins=1000, two_theta_deg=(3.0, 20.0)), shape=SHAPE)


def image(integrator, scatter, *, seed=1, height=300.0, slow=0.0, arcs=72):
    draw = np.random.default_rng(seed)
    rows, columns = np.indices(SHAPE)
    azimuth = np.arctan2(rows + 0.5 - 500.0, columns + 0.5 - 500.0)
    angle = integrator.two_theta_deg
    mean = np.full(SHAPE, 60.0)
    for centre in RINGS:
        sectors = draw.gamma(scatter**-2, scatter**2, arcs) if scatter else np.ones(arcs)
        peak = height * np.exp(-4.0 * math.log(2.0) * ((angle - centre) / 0.15) ** 2)
        mean += peak * sectors[np.floor(azimuth * arcs / (2.0 * math.pi)).astype(int) % arcs]
    mean *= 1.0 + slow * np.cos(azimuth)
    cosine = np.cos(np.radians(angle))
    polarisation = 0.5 * (1.0 + cosine**2 - 0.99 * np.cos(2.0 * azimuth) * (1.0 - cosine**2))
    return draw.poisson(np.maximum(mean, 0.0) * cosine**3 * polarisation).astype(np.int32)


def rings_of(integrator, frame):
    prepared = integrator.prepare(frame, saturation_counts=262_136)
    pattern = integrator.pattern(prepared)
    return integrator.ring_scatter(prepared, pattern, find_peaks(pattern)), pattern


@pytest.mark.parametrize("scatter", [0.05, 0.15])
def test_the_scatter_that_was_drawn_is_found(integrator, scatter):
    rings, _ = rings_of(integrator, image(integrator, scatter))
    assert [ring.two_theta_deg for ring in rings] == pytest.approx(RINGS, abs=0.01)
    assert np.mean([ring.fraction for ring in rings]) == pytest.approx(scatter, rel=0.2)
    assert all(abs(ring.fraction - scatter) < 3.5 * ring.sigma for ring in rings)


def test_grains_finer_than_a_sector_are_not_taken_for_counting(integrator):
    """Ten arcs of half a degree make a sector: their scatter is that of one over the square root of ten."""
    rings, _ = rings_of(integrator, image(integrator, 0.8, arcs=720))
    assert np.mean([ring.fraction for ring in rings]) == pytest.approx(0.8 / math.sqrt(10.0), rel=0.2)


def test_counting_alone_is_no_graininess(integrator):
    rings, _ = rings_of(integrator, image(integrator, 0.0, height=40.0))
    assert len(rings) == 3
    assert all(ring.fraction < max(2.5 * ring.sigma, 0.01) for ring in rings)


def test_what_changes_slowly_around_a_ring_is_no_graininess(integrator):
    rings, _ = rings_of(integrator, image(integrator, 0.0, slow=0.15))
    assert all(ring.fraction < 0.01 for ring in rings)


def test_spots_and_a_shaded_sector_are_no_graininess(integrator):
    frame = image(integrator, 0.0)
    for row, column in np.random.default_rng(3).integers(20, 980, (40, 2)):
        frame[row - 2 : row + 3, column - 2 : column + 3] += 20_000
    frame[480:520, 500:800] //= 20
    rings, _ = rings_of(integrator, frame)
    assert all(ring.fraction < 0.012 for ring in rings)


def test_the_number_travels_with_the_bins_of_its_ring(integrator):
    rings, pattern = rings_of(integrator, image(integrator, 0.1))
    pattern = replace(pattern, graininess=on_bins(rings, pattern.two_theta_deg))
    at = [pattern.graininess[np.argmin(np.abs(pattern.two_theta_deg - ring.two_theta_deg))] for ring in rings]
    assert at == [ring.fraction for ring in rings]
    assert np.isnan(pattern.graininess[np.argmin(np.abs(pattern.two_theta_deg - 8.0))])


def test_without_a_measurement_there_is_no_number(integrator):
    assert np.isnan(integrator.integrate(np.full(SHAPE, 50, np.int32)).graininess).all()
