import math

import fabio
import numpy as np
import pytest

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.frame import FrameSeries
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.integration.integration import Integration, Integrator
from lics_beamline.physics.crystal import powder_lines
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.reduction.image import reduce_image
from lics_beamline.reduction.image_doubts import doubt_of_logarithms
from lics_beamline.units import HC_KEV_ANGSTROM

# HEXRD's instrument file beside the frame: 61.3323 keV, translation -6.5065, -5.4910, -739.779 mm, pixels of 172 um.
# HEXRD counts y upwards from the middle of the frame and its first row is the highest, so the frame is up-down flipped
# against pyFAI's default orientation: the centre is at n/2 - t/pixel of the *flipped* rows, and orientation 2 says so.
PIXEL_MM = 0.172
SHAPE = (1679, 1475)
GEOMETRY = flat_geometry(
    distance_mm=739.779,
    wavelength_angstrom=HC_KEV_ANGSTROM / 61.3323,
    shape=SHAPE,
    pixel_mm=PIXEL_MM,
    centre_px=(SHAPE[0] / 2 + 5.4910 / PIXEL_MM, SHAPE[1] / 2 + 6.5065 / PIXEL_MM),
)
CERIA = [line.d_angstrom for line in powder_lines(UnitCell.cubic(5.41165), "F m -3 m", 1.5)]  # NIST SRM 674b


@pytest.fixture
def frame(measured_data):
    return measured_data / "ceo2-pilatus2m" / "ceria_50x30_740mm_000005_Pilatus2M.hdf5"


def strong(reduced):
    highest = max((peak.height for peak in reduced.peaks), default=0.0)
    return [peak for peak in reduced.peaks if peak.height > 0.05 * highest]


def test_a_real_ceria_frame_has_the_spacings_of_ceria(frame):
    reduced = reduce_image(frame, GEOMETRY.oriented(2), bins=1500)
    found = [peak.d_angstrom for peak in strong(reduced)[:5]]
    assert found == pytest.approx([3.1244, 2.7058, 1.9133, 1.6317, 1.5622], abs=3e-3)
    assert found == pytest.approx(CERIA[:5], abs=1e-3)


@pytest.mark.long
def test_the_same_frame_unflipped_does_not_index(frame):
    for orientation in (1, 3, 4):
        reduced = reduce_image(frame, GEOMETRY.oriented(orientation), bins=1500)
        found = [peak.d_angstrom for peak in strong(reduced)[:5]]
        assert sum(any(abs(d - line) < 3e-3 for d in found) for line in CERIA[:5]) < 3


def test_gaps_between_modules_are_masked_and_cast_no_shadow(frame):
    reduced = reduce_image(frame, GEOMETRY.oriented(2), bins=1500)
    assert reduced.pattern.masked_fraction == pytest.approx(0.082, abs=0.002)


def test_a_geometry_of_another_detector_is_refused(frame):
    other = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=(3000, 3000), pixel_mm=0.1)
    with pytest.raises(ReductionFailed, match="1679 x 1475"):
        reduce_image(frame, other)


def test_a_plate_is_reduced_without_its_run(raw_run, draw):
    path = raw_run.root / "plates" / "a" / "000002.osc"
    reduced = reduce_image(path, raw_run.recipe.geometry, bins=500, polarisation=0.0)
    expected = [3.489 / math.hypot(*hkl) for hkl, _ in draw.alloy]
    assert [peak.d_angstrom for peak in reduced.peaks] == pytest.approx(expected, abs=2e-3)
    assert reduced.pattern.two_theta_deg.shape == (500,)


@pytest.mark.parametrize("suffix", ["tif", "cbf"])
def test_the_same_frame_in_another_format_is_the_same_pattern(frame, tmp_path, suffix):
    image = {"tif": fabio.tifimage.TifImage, "cbf": fabio.cbfimage.CbfImage}[suffix]
    image(data=FrameSeries(frame).frame(1).counts).write(str(tmp_path / f"a.{suffix}"))
    expected, found = (
        reduce_image(path, GEOMETRY.oriented(2), bins=1500).pattern for path in (frame, tmp_path / f"a.{suffix}")
    )
    np.testing.assert_array_equal(found.intensity, expected.intensity)
    np.testing.assert_array_equal(found.sigma, expected.sigma)


SMALL = flat_geometry(distance_mm=100.0, wavelength_angstrom=0.41373, shape=(300, 300), pixel_mm=0.2)


def small(tmp_path, change):
    image = np.random.default_rng(1).poisson(100.0, (300, 300)).astype(np.uint16)
    change(image)
    fabio.tifimage.TifImage(data=image).write(str(tmp_path / "a.tif"))
    return tmp_path / "a.tif"


def test_pixels_of_65535_are_masked_and_said(tmp_path):
    def gap_and_scattered(image):
        image[140:157] = 65535
        image.ravel()[np.random.default_rng(2).choice(90_000, 900, replace=False)] = 65535

    reduced = reduce_image(small(tmp_path, gap_and_scattered), SMALL, bins=200)
    assert reduced.pattern.masked_fraction == pytest.approx(17 / 300 + 0.01, abs=0.002)
    assert np.nanmedian(reduced.pattern.intensity) == pytest.approx(105.0, abs=10.0)  # 100 over solid angle
    (remark,) = reduced.remarks
    assert "6.6 % of the pixels are masked" in remark
    assert "65535" in remark


def test_rings_that_are_cut_at_the_top_are_told_and_gaps_and_spots_are_not(tmp_path):
    radius = np.hypot(*(np.mgrid[:300, :300] - 149.5))
    ring = np.random.default_rng(3).poisson(600.0 * np.exp(-0.5 * ((radius - 90.0) / 2.0) ** 2)).astype(np.uint16)

    def cut(image):
        image += ring
        np.minimum(image, 500, out=image)

    def spots(image):
        image += ring
        image[50:60, 50:60] = image[20:24] = 65535

    (said,) = reduce_image(small(tmp_path, cut), SMALL, bins=200).warnings
    assert "pixels with 500 counts or more are full" in said
    assert reduce_image(small(tmp_path, spots), SMALL, bins=200).warnings == ()


def test_what_is_rejected_of_the_worst_ring_is_said_and_can_be_kept(tmp_path):
    def grains(image):
        image[60:63, 140:158] = np.random.default_rng(2).poisson(9000.0, (3, 18))

    path = small(tmp_path, grains)
    clipped, kept = reduce_image(path, SMALL, bins=200), reduce_image(path, SMALL, bins=200, clip=False)
    (remark,) = clipped.remarks
    assert "rejected as spots" in remark
    assert "--no-clip" in remark
    assert kept.remarks == ()
    assert kept.pattern.intensity.max() > 1.5 * clipped.pattern.intensity.max()


def test_an_image_without_spots_or_shadows_needs_no_remark(tmp_path):
    assert reduce_image(small(tmp_path, lambda image: None), SMALL, bins=200).remarks == ()


def test_logarithms_that_hold_no_whole_counts_are_told_and_noisy_or_grainy_images_are_none(tmp_path):
    radius = np.hypot(*(np.mgrid[:300, :300] - 149.5))
    far = flat_geometry(distance_mm=250.0, wavelength_angstrom=0.4, shape=(300, 300), pixel_mm=0.4)
    rng = np.random.default_rng(5)
    light = 100.0 + sum(900.0 * np.exp(-0.5 * ((radius - ring) / 1.5) ** 2) for ring in (90.0, 125.0))
    counts = rng.poisson(light)
    logarithms = (
        np.log10(np.maximum(counts - 40.3 + rng.normal(0.0, 1.0, light.shape), 1.0)).astype(np.float32),
        np.rint(np.log(counts) / np.log(1300.0) * 255).astype(np.uint8),
    )
    counted = (
        counts,
        rng.poisson(0.01 * light),
        counts - rng.poisson(90.0, light.shape),
        (counts + rng.normal(0.0, 30.0, light.shape)).astype(np.float32),
        (light * rng.normal(1.0, 0.05, light.shape)).astype(np.float32),
        rng.poisson(light * rng.gamma(2.0, 0.5, light.shape)),
        rng.poisson(100.0, light.shape),
    )

    engine = Integrator(far, Integration(bins=800), shape=light.shape)
    assert all(doubt_of_logarithms(engine.integrate(image.astype(np.float32))) for image in logarithms)
    assert not any(doubt_of_logarithms(engine.integrate(image.astype(np.float32))) for image in counted)
    np.save(tmp_path / "a.npy", logarithms[0])
    assert "so do logarithms of counts" in reduce_image(tmp_path / "a.npy", far, bins=800).warnings[-1]


def test_a_strip_detector_is_told_to_be_none_of_images(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((1, 300), np.int32))
    geometry = flat_geometry(distance_mm=250.0, wavelength_angstrom=0.4, shape=(1, 300), pixel_mm=0.4)
    with pytest.raises(ReductionFailed, match=r"1 x 300 pixels, and 10 x 10 are the least.*lics fit"):
        reduce_image(tmp_path / "a.npy", geometry)


def test_a_pedestal_that_hides_the_lines_is_told_and_real_frames_have_none(tmp_path, frame):
    assert not any("no scattering" in said for said in reduce_image(frame, GEOMETRY.oriented(2), bins=1500).warnings)
    shape = (300, 300)
    geometry = flat_geometry(distance_mm=250.0, wavelength_angstrom=0.4, shape=shape, pixel_mm=0.4)
    rows, columns = np.indices(shape)
    radius = np.hypot(rows - 149.5, columns - 149.5)
    light = 100.0 + sum(400.0 * np.exp(-0.5 * ((radius - ring) / 1.5) ** 2) for ring in (90.0, 125.0))
    counts = np.random.default_rng(1).poisson(light)
    for pedestal, told in ((0, False), (100_000, True)):
        np.save(tmp_path / "a.npy", (counts + pedestal).astype(np.int32))
        reduced = reduce_image(tmp_path / "a.npy", geometry, bins=300)
        assert (len(reduced.peaks) < 2) == told
        assert any("about 1e+05 counts of each pixel are no scattering" in said for said in reduced.warnings) == told
