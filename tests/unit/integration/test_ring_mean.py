"""Rings whose right mean is known: drawn by numpy alone, and held against pyFAI where it is right."""

import math

import numpy as np
import pytest

from lics_beamline.frames.static_image import StaticImage
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.integration.integration import Integration, Integrator

SHAPE = (300, 300)
PIXEL_MM = 0.2
DISTANCE_MM = 100.0
WAVELENGTH = 0.41373
RANGE_DEG = (1.0, 14.0)
BINS = 100


def integrator_of(shape=SHAPE, **choice):
    geometry = flat_geometry(
        distance_mm=DISTANCE_MM, wavelength_angstrom=WAVELENGTH, shape=shape, pixel_mm=PIXEL_MM, centre_px=(140, 160)
    )
    settings = {"bins": BINS, "two_theta_deg": RANGE_DEG, "point_spread": False} | choice
    return Integrator(geometry, Integration(**settings), shape=shape)


@pytest.fixture(scope="module")
def integrator():
    return integrator_of()


@pytest.fixture(scope="module")
def weight():
    """Solid angle and polarisation of each pixel by their formulas."""
    rows, columns = np.indices(SHAPE)
    up, right = (rows + 0.5 - 140) * PIXEL_MM, (columns + 0.5 - 160) * PIXEL_MM
    cosine = np.cos(np.arctan(np.hypot(up, right) / DISTANCE_MM))
    azimuth = np.arctan2(up, right)
    return cosine**3 * 0.5 * (1 + cosine**2 - 0.99 * np.cos(2 * azimuth) * (1 - cosine**2))


@pytest.fixture(scope="module")
def pyfai():
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    pixel_m = 1e-3 * PIXEL_MM
    return AzimuthalIntegrator(
        dist=1e-3 * DISTANCE_MM,
        poni1=140 * pixel_m,
        poni2=160 * pixel_m,
        detector=Detector(pixel_m, pixel_m, max_shape=SHAPE, orientation=3),
        wavelength=1e-10 * WAVELENGTH,
    )


def drawn(weight, mean, seed):
    return np.random.default_rng(seed).poisson(mean * weight).astype(np.int32)


def struck(frame, spots, seed, counts=5000):
    frame = frame.copy()
    places = np.random.default_rng(seed).integers(5, 295, (4 * spots, 2))
    far = [place for place in places if math.hypot(place[0] - 140, place[1] - 160) > 60]  # rings longer than spots
    for row, column in far[:spots]:
        frame[row - 1 : row + 2, column - 1 : column + 2] += counts
    return frame


def pooled(patterns):
    """Mean and standard error of all rings of all frames, each ring weighted by its pixels, not by its own error."""
    means = np.array([pattern.intensity for pattern in patterns])
    pixels = np.array([pattern.counted for pattern in patterns], dtype=float)
    of_frames = (means * pixels).sum(axis=1) / pixels.sum(axis=1)
    return of_frames.mean(), of_frames.std(ddof=1) / math.sqrt(len(patterns))


# Dim frames say little each; of brighter ones, fewer leave as small an error.
@pytest.mark.parametrize(("mean", "frames"), [(0.01, 200), (0.1, 200), (1.0, 80), (10.0, 80)])
def test_the_mean_of_many_dim_frames_is_what_was_drawn(integrator, weight, mean, frames):
    patterns = [integrator.integrate(drawn(weight, mean, seed)) for seed in range(frames)]
    found, error = pooled(patterns)
    assert abs(found - mean) < 2.0 * error
    assert error < 0.01 * mean  # or this would show nothing


@pytest.mark.parametrize(("mean", "frames"), [(0.01, 250), (0.1, 250), (1.0, 100), (10.0, 100), (400.0, 100)])
def test_errors_of_flat_rings_are_right_at_any_counts(integrator, weight, mean, frames):
    patterns = [integrator.integrate(drawn(weight, mean, 1000 + seed)) for seed in range(frames)]
    enough = patterns[0].counted * mean > 5.0  # fewer counts say little about their own error
    assert enough.sum() > 20
    chi2 = np.mean([((pattern.intensity - mean) / pattern.sigma)[enough] ** 2 for pattern in patterns])
    assert chi2 == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("mean", [0.01, 0.1, 1.0])
def test_counting_is_not_taken_for_the_point_spread_of_a_reader(weight, mean):
    looking = integrator_of(point_spread=True)
    patterns = [looking.integrate(drawn(weight, mean, 3000 + seed)) for seed in range(20)]
    assert np.median([pattern.pixel_correlation for pattern in patterns]) < 1.1


def test_a_ring_has_an_error_wherever_a_pixel_was_counted(integrator, weight):
    for mean in (0.0, 0.01, 0.1):
        pattern = integrator.integrate(drawn(weight, mean, 5))
        assert (pattern.counted > 0).all()
        assert (pattern.sigma > 0.0).all()
    assert integrator.integrate(np.full(SHAPE, 50, np.int32)).sigma.min() > 0.0


@pytest.mark.parametrize(("mean", "noise"), [(0.3, 0.0), (400.0, 0.0), (0.0, 3.0)])
def test_few_pixels_that_happen_to_be_alike_do_not_make_a_sure_mean(mean, noise):
    fine = integrator_of(bins=2000, two_theta_deg=None)  # corners and middle have one to five pixels a ring
    rng = np.random.default_rng(8)
    light = rng.poisson(mean, (30, *SHAPE)) + rng.normal(0.0, noise, (30, *SHAPE)).round()
    patterns = [fine.integrate(frame.astype(np.int32)) for frame in light]
    few = (patterns[0].counted > 0) & (patterns[0].counted < 10)
    assert few.sum() > 50
    right = np.mean([pattern.intensity[few] for pattern in patterns], axis=0)
    off = np.array([(pattern.intensity[few] - right) / pattern.sigma[few] for pattern in patterns])
    assert np.abs(off).max() < 8.0
    assert 0.3 < np.mean(off**2) < 1.3


def test_a_frame_of_no_counts_has_the_error_of_one_or_two(integrator):
    pattern = integrator.integrate(np.zeros(SHAPE, np.int32))
    assert (pattern.intensity == 0.0).all()
    assert pattern.sigma == pytest.approx(math.sqrt(2.0) / pattern.counted, rel=0.15)  # weights are 0.85 to 1


@pytest.mark.parametrize("mean", [0.01, 0.1, 1.0])
def test_counting_alone_loses_no_pixel_and_a_spot_is_lost_at_any_counts(integrator, weight, mean):
    frame = drawn(weight, mean, 6)
    clean, spotted = integrator.integrate(frame), integrator.integrate(struck(frame, 8, 3, counts=60))
    assert clean.rejected.sum() <= 1
    used = (integrator.two_theta_deg >= RANGE_DEG[0]) & (integrator.two_theta_deg <= RANGE_DEG[1])
    spots = np.count_nonzero((struck(frame, 8, 3, counts=60) != frame) & used)
    assert spotted.rejected.sum() == pytest.approx(spots, abs=1)
    assert np.abs((spotted.intensity - clean.intensity) / clean.sigma).max() < 0.5


@pytest.mark.parametrize("kind", [np.int32, np.float32])
@pytest.mark.parametrize("spots", [0, 30])
def test_at_normal_counts_it_is_what_pyfai_finds(integrator, pyfai, weight, kind, spots):
    frame = struck(drawn(weight, 50.0, 2), spots, 4).astype(kind)
    theirs = pyfai.sigma_clip_ng(
        frame,
        BINS,
        unit="2th_deg",
        radial_range=RANGE_DEG,
        error_model="azimuthal",
        method=("no", "csr", "cython"),
        polarization_factor=0.99,
        thres=5.0,
        max_iter=5,
    )
    ours = integrator.integrate(frame)
    assert ours.two_theta_deg == pytest.approx(theirs.radial, abs=1e-6)
    # pyFAI's first bin takes in pixels of the bin below the range, whose number is rounded up to 0.
    assert np.abs((ours.intensity - theirs.intensity) / theirs.sem)[1:].max() < 0.1
    assert ours.sigma[1:] == pytest.approx(theirs.sem[1:], rel=0.02)
    assert np.abs(ours.counted - theirs.count)[1:].max() <= 2


def test_without_clipping_it_is_the_plain_mean_and_nothing_is_rejected(pyfai, weight):
    frame = struck(drawn(weight, 50.0, 2), 30, 4)
    ours = integrator_of(clip_sigma=0.0).integrate(frame)
    theirs = pyfai.integrate1d_ng(
        frame,
        BINS,
        unit="2th_deg",
        radial_range=RANGE_DEG,
        method=("no", "histogram", "cython"),
        polarization_factor=0.99,
    )
    assert ours.rejected.sum() == 0
    assert ours.rejected_fraction == 0.0
    assert ours.intensity[1:] == pytest.approx(theirs.intensity[1:], rel=1e-5)  # the first as above


def test_every_pixel_is_counted_rejected_or_masked(integrator, weight):
    frame = struck(drawn(weight, 50.0, 2), 30, 4)
    frame[100:110] = -1
    pattern = integrator.integrate(frame)
    used = (integrator.two_theta_deg >= RANGE_DEG[0]) & (integrator.two_theta_deg <= RANGE_DEG[1])
    used[100:110] = False
    assert pattern.counted.sum() + pattern.rejected.sum() == np.count_nonzero(used)
    assert pattern.rejected.sum() == pytest.approx(np.count_nonzero((frame > 1000) & used), abs=3)
    assert pattern.rejected_share.max() == pytest.approx(
        (pattern.rejected / (pattern.counted + pattern.rejected)).max()
    )
    assert pattern.rejected_fraction == pytest.approx(pattern.rejected.sum() / np.count_nonzero(used))


def test_a_frame_divided_by_a_monitor_is_the_same_pattern_in_other_units(integrator, weight):
    frame = struck(drawn(weight, 0.3, 7), 8, 3, counts=60)
    counts, divided = integrator.integrate(frame), integrator.integrate((frame / 7321.0).astype(np.float32))
    assert 7321.0 * divided.intensity == pytest.approx(counts.intensity, rel=1e-4)
    assert 7321.0 * divided.sigma == pytest.approx(counts.sigma, rel=0.05)
    np.testing.assert_array_equal(divided.counted, counts.counted)


def test_few_counts_on_a_dark_are_no_spots(tmp_path, weight):
    dark = np.random.default_rng(1).uniform(0.0, 0.2, SHAPE).astype(np.float32)
    np.save(tmp_path / "dark.npy", dark)
    taken_off = integrator_of(dark=StaticImage.of(tmp_path / "dark.npy"))
    draw = np.random.default_rng(3)
    patterns = [taken_off.integrate(draw.poisson(0.05 * weight + dark).astype(np.int32)) for _ in range(200)]
    found, error = pooled(patterns)
    assert abs(found - 0.05) < 2.0 * error
    assert sum(int(pattern.rejected.sum()) for pattern in patterns) < 20


def test_bright_counts_beyond_24_bits_keep_their_mean(integrator):
    frame = np.full(SHAPE, 2_000_000_001, np.int32)
    pattern = integrator_of(polarisation=0.0, shadow_fraction=0.0).integrate(frame)
    cosine = np.cos(np.radians(pattern.two_theta_deg))
    assert pattern.intensity * cosine**3 * (1 + cosine**2) / 2 == pytest.approx(2_000_000_001, rel=1e-3)
    assert pattern.rejected.sum() == 0


@pytest.mark.parametrize("noise", [False, True], ids=["added", "counted"])
def test_counts_that_all_pixels_have_alike_are_told_and_light_is_none(integrator, weight, noise):
    draw = np.random.default_rng(5)
    light = 100.0 * weight
    frame = draw.poisson(light + 1e5) if noise else draw.poisson(light) + 100_000
    found = integrator.integrate(frame.astype(np.int32)).pedestal_counts
    assert found == pytest.approx(1e5, rel=0.02)
    for clean in (draw.poisson(light), draw.poisson(1e5 * weight), draw.poisson(np.full(SHAPE, 3.0))):
        assert integrator.integrate(clean.astype(np.int32)).pedestal_counts == 0.0


def test_a_dark_image_takes_a_pedestal_off(tmp_path, weight):
    np.save(tmp_path / "dark.npy", np.full(SHAPE, 1e5))
    integrator = integrator_of(dark=StaticImage.of(tmp_path / "dark.npy"))
    frame = np.random.default_rng(5).poisson(100.0 * weight) + 100_000
    assert integrator.integrate(frame.astype(np.int32)).pedestal_counts == 0.0
