import math

import numpy as np
import pytest

from lics_beamline.errors import ReductionFailed
from lics_beamline.geometry.geometry import Geometry, flat_geometry
from lics_beamline.integration.integration import Integration, Integrator
from lics_beamline.lines.peaks import find_peaks

SHAPE = (1000, 1000)
GEOMETRY = flat_geometry(
    distance_mm=350.0, wavelength_angstrom=0.41373, shape=SHAPE, pixel_mm=0.3, centre_px=(480, 515)
)
RINGS = ((6.6, 0.4), (9.36, 1.0), (13.27, 0.5), (16.28, 0.6))


@pytest.fixture(scope="module")
def integrator():
    return Integrator(GEOMETRY, Integration(bins=1200, two_theta_deg=(3.0, 26.0)), shape=SHAPE)


def corrections(integrator):
    """Solid angle and polarisation of each pixel by their formulas: a plate of this is flat after both corrections."""
    rows, columns = np.indices(SHAPE)
    up, right = (rows + 0.5 - 480) * 0.3, (columns + 0.5 - 515) * 0.3
    angle = np.arctan(np.hypot(up, right) / 350.0)
    azimuth = np.arctan2(up, right)
    polarisation = 0.5 * (1 + np.cos(angle) ** 2 - 0.99 * np.cos(2 * azimuth) * (1 - np.cos(angle) ** 2))
    return np.cos(angle) ** 3 * polarisation


def rings(two_theta, *, height, background, fwhm=0.12):
    curve = np.full(np.shape(two_theta), float(background))
    for centre, weight in RINGS:
        curve = curve + height * weight * np.exp(-4 * math.log(2) * ((two_theta - centre) / fwhm) ** 2)
    return curve


def spots(image, count, seed, brightness=50_000):
    struck = image.copy()
    for row, column in np.random.default_rng(seed).integers(20, 980, (count, 2)):
        struck[row - 2 : row + 3, column - 2 : column + 3] += brightness
    return struck


@pytest.mark.parametrize("counts", [15, 400])
def test_errors_of_a_flat_plate_are_its_scatter(integrator, counts):
    image = np.random.default_rng(counts).poisson(counts * corrections(integrator)).astype(np.int32)
    pattern = integrator.integrate(image)
    chi2 = ((pattern.intensity - counts) / pattern.sigma) ** 2
    assert np.mean(chi2) == pytest.approx(1.0, abs=0.1)
    assert abs(np.mean((pattern.intensity - counts) / pattern.sigma)) < 0.12
    assert pattern.masked_fraction == 0.0


def test_a_flat_ring_keeps_its_errors_where_spots_were(integrator):
    image = np.random.default_rng(7).poisson(60 * corrections(integrator)).astype(np.int32)
    pattern = integrator.integrate(spots(image, 40, 1))
    assert np.mean(((pattern.intensity - 60) / pattern.sigma) ** 2) == pytest.approx(1.0, abs=0.1)


def test_spots_vanish_and_nothing_else_does(integrator):
    mean = rings(integrator.two_theta_deg, height=300, background=30) * corrections(integrator)
    image = np.random.default_rng(3).poisson(mean).astype(np.int32)
    clean = integrator.integrate(image)
    struck = integrator.integrate(spots(image, 60, 2))
    difference = np.abs(struck.intensity / clean.intensity - 1.0)
    assert np.mean(difference > 0.02) < 0.002
    assert struck.rejected_fraction - clean.rejected_fraction == pytest.approx(60 * 25 / 1e6, rel=0.15)
    assert clean.rejected_fraction < 1e-3


def test_a_ring_is_where_it_was_put_to_a_hundredth_of_a_pixel():
    shape = (1500, 1500)
    geometry = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=shape, pixel_mm=0.2)
    fine = Integrator(geometry, Integration(bins=700, two_theta_deg=(5.0, 20.0), polarisation=0.0), shape=shape)
    curve = rings(fine.two_theta_deg, height=50_000, background=100)
    pattern = fine.integrate(np.random.default_rng(1).poisson(curve).astype(np.int32))
    peaks = find_peaks(pattern)
    for centre, _ in RINGS:
        pixel_deg = math.degrees(0.2 / 350.0) * math.cos(math.radians(centre)) ** 2
        assert min(abs(peak.two_theta_deg - centre) for peak in peaks) < 0.01 * pixel_deg


def test_intensities_are_free_of_polarisation_and_solid_angle(integrator):
    pattern = integrator.integrate(np.rint(10_000 * corrections(integrator)).astype(np.int32))
    assert pattern.intensity == pytest.approx(10_000.0, rel=1e-3)


def test_a_beam_stop_arm_is_masked_and_its_ring_keeps_its_intensity(integrator):
    mean = rings(integrator.two_theta_deg, height=100, background=40) * corrections(integrator)
    image = np.random.default_rng(5).poisson(mean).astype(np.int32)
    shaded = image.copy()
    shaded[470:500, 515:800] //= 20
    arm = np.zeros(SHAPE, bool)
    arm[470:500, 520:795] = True
    mask = integrator.mask(shaded)
    assert mask[arm].mean() > 0.95
    assert mask[~arm].mean() < 0.02
    whole, cut = integrator.integrate(image), integrator.integrate(shaded)
    assert np.mean(np.abs(cut.intensity - whole.intensity) / whole.sigma) < 0.4
    assert 0.005 < cut.masked_fraction < 0.05


def test_strong_rings_are_not_taken_for_shadows(integrator):
    mean = rings(integrator.two_theta_deg, height=5000, background=5, fwhm=0.06) * corrections(integrator)
    assert integrator.mask(np.random.default_rng(5).poisson(mean).astype(np.int32)) is None


def test_dead_and_saturated_pixels_do_not_count(integrator):
    image = np.random.default_rng(6).poisson(100 * corrections(integrator)).astype(np.int32)
    bad = image.copy()
    bad[300:310, :] = -1
    bad[700:900, 700:900] = 262_136
    pattern = integrator.integrate(bad, saturation_counts=262_136)
    assert np.mean(((pattern.intensity - 100) / pattern.sigma) ** 2) == pytest.approx(1.0, abs=0.12)
    assert pattern.masked_fraction == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("times", [1.0, 0.37])
@pytest.mark.parametrize("gap", ["stripes", "scattered"])
def test_pixels_that_read_zero_where_nothing_else_does_do_not_count(integrator, gap, times):
    mean = rings(integrator.two_theta_deg, height=1500, background=100) * corrections(integrator)
    image = np.random.default_rng(8).poisson(mean) * times
    dead = np.indices(SHAPE)[1] % 40 < 3 if gap == "stripes" else np.random.default_rng(9).random(SHAPE) < 0.04
    whole, cut = (integrator.integrate(each.astype(np.float32)) for each in (image, np.where(dead, 0.0, image)))
    assert abs(np.median((cut.intensity - whole.intensity) / whole.sigma)) < 0.1
    assert np.mean(np.abs(cut.intensity / whole.intensity - 1.0) > 0.02) < 0.01
    assert cut.masked_fraction == pytest.approx(dead.mean(), rel=0.05)


@pytest.mark.parametrize("counts", [0.05, 1.0, 4.0, 9.0])
def test_pixels_in_which_nothing_was_counted_count(integrator, counts):
    image = np.random.default_rng(10).poisson(counts * corrections(integrator))
    uneven = np.random.default_rng(11).normal(1.0, 0.03, SHAPE)  # a flat field that was divided out
    for frame in (image.astype(np.int32), (0.37 * image / uneven).astype(np.float32)):
        assert integrator.mask(frame) is None


def test_a_bin_without_pixels_has_no_intensity(integrator):
    image = np.full(SHAPE, 50, np.int32)
    image[integrator.two_theta_deg < 4.0] = -1
    pattern = integrator.integrate(image)
    empty = pattern.two_theta_deg < 3.95
    assert np.isnan(pattern.intensity[empty]).all()
    assert np.isfinite(pattern.intensity[pattern.two_theta_deg > 4.05]).all()


def test_a_dead_frame_and_one_of_another_size_are_refused(integrator):
    with pytest.raises(ReductionFailed, match="every pixel"):
        integrator.integrate(np.full(SHAPE, -1, np.int32))
    with pytest.raises(ReductionFailed, match="500 x 500"):
        integrator.integrate(np.zeros((500, 500), np.int32))
    with pytest.raises(ReductionFailed, match="1500 x 1500 pixels and the geometry 1000 x 1000"):
        Integrator(GEOMETRY, Integration(), shape=(1500, 1500))


def test_a_flipped_image_with_a_flipped_orientation_is_the_same_pattern(integrator):
    mean = rings(integrator.two_theta_deg, height=300, background=30) * corrections(integrator)
    image = np.random.default_rng(3).poisson(mean).astype(np.int32)
    choice = Integration(bins=1200, two_theta_deg=(3.0, 26.0))
    flipped = Integrator(GEOMETRY.oriented(2), choice, shape=SHAPE)
    expected = integrator.integrate(image)
    found = flipped.integrate(np.ascontiguousarray(image[::-1]))
    assert found.intensity == pytest.approx(expected.intensity, rel=2e-3)
    wrong = flipped.integrate(image)
    assert np.mean(np.abs(wrong.intensity - expected.intensity) / expected.sigma) > 3.0


def test_the_frame_itself_is_not_changed(integrator):
    image = np.random.default_rng(6).poisson(100 * corrections(integrator)).astype(np.int32)
    image[0, 0] = -1
    before = image.copy()
    integrator.integrate(image, saturation_counts=200)
    np.testing.assert_array_equal(image, before)


def test_a_pattern_cannot_be_written_to_and_knows_its_spacings(integrator):
    pattern = integrator.integrate(np.full(SHAPE, 50, np.int32))
    with pytest.raises(ValueError, match="read-only"):
        pattern.intensity[0] = 1.0
    index = int(np.argmin(np.abs(pattern.two_theta_deg - 9.36)))
    assert pattern.d_angstrom[index] == pytest.approx(2.535, abs=0.004)


@pytest.mark.parametrize("name", ["detecto", "there.h5"])
def test_a_detector_that_pyfai_does_not_know_is_told_and_no_file_is_opened_for_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.h5").write_bytes(b"not to be opened")
    unknown = Geometry(poni=GEOMETRY.poni.replace("Detector: Detector", f"Detector: {name}"))
    with pytest.raises(ReductionFailed, match=f"knows no detector '{name}'"):
        Integrator(unknown, Integration(), shape=SHAPE)
