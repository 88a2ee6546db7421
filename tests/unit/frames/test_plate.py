import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.integrate import solve_ivp

from lics_beamline.frames.plate import Fading, Ghost, PlateState, Residue, residue
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.integration.integration import Integration, Integrator

FADING = Fading(fast_share=0.2, fast_s=900.0, slow_s=2.0e5, scan_s=75.0)
SHAPE = (400, 400)


def test_an_image_fades_as_two_kinds_of_traps_that_empty_while_they_are_filled():
    """Against a numerical integration of the rate equations: filled at constant rate for the exposure, then left."""
    exposure_s, age_s = 1500.0, 700.0

    def rates(time_s, stored):
        light = 1.0 / exposure_s if time_s < exposure_s else 0.0
        return [0.2 * light - stored[0] / 900.0, 0.8 * light - stored[1] / 2.0e5]

    end_s = exposure_s + age_s
    stored = solve_ivp(rates, (0.0, end_s), [0.0, 0.0], max_step=5.0, rtol=1e-9, atol=1e-12).y[:, -1].sum()
    assert FADING.remaining(age_s, exposure_s=exposure_s) == pytest.approx(stored, rel=1e-4)


def test_a_short_exposure_fades_from_its_middle_on():
    assert FADING.remaining(100.0, exposure_s=10.0) == pytest.approx(float(FADING.remaining(105.0)), rel=1e-5)
    assert FADING.remaining(0.0) == pytest.approx(1.0)


def test_the_error_of_what_is_left_is_that_of_drawn_parameters():
    covariance = np.array([[4e-4, 1e-3, 0.0], [1e-3, 1e-2, 0.0], [0.0, 0.0, 0.04]])
    fading = FADING.model_copy(update={"covariance": tuple(map(tuple, covariance.tolist()))})
    drawn = np.random.default_rng(1).multivariate_normal([0.2, math.log(900.0), math.log(2e5)], covariance, 4000)
    left = [Fading(fast_share=f, fast_s=math.exp(a), slow_s=math.exp(b)).remaining(1200.0) for f, a, b in drawn]
    expected = np.std(left) / np.mean(left)
    assert fading.relative_sigma(1200.0) == pytest.approx(expected, rel=0.1)


def test_the_last_rows_of_a_scan_have_faded_longer():
    rows = FADING.of_rows(300, waited_s=15.0, exposure_s=120.0, scan_s=75.0)
    assert rows[0] > rows[-1]
    assert rows[150] == pytest.approx(float(FADING.remaining(15.0 + 75.0 * 150.5 / 300, exposure_s=120.0)))


def test_the_ghost_and_what_fading_left_are_those_that_the_plate_made():
    draw = np.random.default_rng(1)
    exposed, before = draw.uniform(100.0, 5000.0, SHAPE), draw.uniform(1e4, 2e5, SHAPE)
    left, left_before = (
        FADING.of_rows(400, waited_s=waited, exposure_s=100.0, scan_s=75.0) for waited in (3000.0, 60.0)
    )
    frame = np.rint(exposed * left[:, None] + 2e-3 * before).astype(np.int32)
    frame_before = np.rint(before * left_before[:, None]).astype(np.int32)
    ghost = residue(frame_before, Ghost(plate=1, share=2e-3), remaining=left_before)
    assert (frame - ghost.counts) / left[:, None] == pytest.approx(exposed, abs=0.7)


def test_a_ghost_is_not_known_where_the_image_before_was_full():
    before = np.full(SHAPE, 100, np.int32)
    before[3, 4] = 262_136
    ghost = residue(before, Ghost(plate=1, share=1e-3, sigma=2e-5), saturation_counts=262_136)
    assert np.argwhere(ghost.unknown).tolist() == [[3, 4]]
    assert ghost.relative_sigma == pytest.approx(0.02)
    assert residue(before, Ghost(plate=1, share=1e-3), saturation_counts=300_000).unknown is None


def test_a_share_beyond_the_whole_image_is_refused():
    with pytest.raises(ValidationError):
        Ghost(plate=1, share=1.2)
    with pytest.raises(ValidationError):
        Fading(fast_share=0.2, fast_s=-1.0, slow_s=1e5)


@pytest.fixture(scope="module")
def integrator():
    geometry = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=SHAPE, pixel_mm=0.5)
    return Integrator(geometry, Integration(bins=200, two_theta_deg=(3.0, 14.0), polarisation=0.0), shape=SHAPE)


def faded_plate(integrator, counts=400.0):
    draw = np.random.default_rng(2)
    cosine = np.cos(np.radians(integrator.two_theta_deg))
    factor = cosine**3 * (1.0 + cosine**2) / 2.0  # solid angle, and the polarisation of unpolarised light
    before = np.rint(1e4 * factor).astype(np.int32)
    left = FADING.of_rows(SHAPE[0], waited_s=2400.0, exposure_s=120.0, scan_s=75.0)
    frame = draw.poisson(counts * factor * left[:, None]) + np.rint(2e-3 * before)
    return frame.astype(np.int32), before, left


def test_a_pattern_has_the_intensity_that_was_exposed_and_the_scatter_as_its_error(integrator):
    frame, before, left = faded_plate(integrator)
    state = PlateState(remaining=left, residue=residue(before, Ghost(plate=1, share=2e-3)))
    pattern = integrator.integrate(frame, plate=state)
    assert np.mean(pattern.intensity) == pytest.approx(400.0, rel=2e-3)
    assert np.mean(((pattern.intensity - 400.0) / pattern.sigma) ** 2) == pytest.approx(1.0, abs=0.25)
    as_read = integrator.integrate(frame)
    assert abs(np.mean(as_read.intensity) / 400.0 - 1.0) > 0.02


def test_a_badly_known_ghost_enlarges_the_errors_by_its_own(integrator):
    frame, before, left = faded_plate(integrator)
    sure, doubtful = (
        integrator.integrate(
            frame, plate=PlateState(remaining=left, residue=residue(before, Ghost(plate=1, share=2e-3, sigma=sigma)))
        )
        for sigma in (0.0, 2e-4)
    )
    added = np.sqrt(doubtful.sigma**2 - sure.sigma**2)
    assert np.median(added) == pytest.approx(0.1 * 20.0, rel=0.05)  # a tenth of the ghost


def test_pixels_without_a_known_ghost_are_masked(integrator):
    frame, _, _ = faded_plate(integrator)
    unknown = np.zeros(SHAPE, bool)
    unknown[150:160] = True
    state = PlateState(residue=Residue(counts=np.zeros(SHAPE, np.float32), unknown=unknown))
    assert integrator.integrate(frame, plate=state).masked_fraction > 0.01
