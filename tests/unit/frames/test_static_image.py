import base64
import gzip
import tracemalloc
import zlib

import fabio
import numpy as np
import pytest
from PIL import Image

from lics_beamline.errors import ProfileError, ReductionFailed
from lics_beamline.frames.mask_file import read_mask
from lics_beamline.frames.static_image import StaticImage, StaticMask
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.integration.integration import Integration, Integrator

SHAPE = (300, 280)
GEOMETRY = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=SHAPE, pixel_mm=0.5)


@pytest.fixture
def masked():
    mask = np.zeros(SHAPE, bool)
    mask[100:120, :] = True
    return mask


def test_a_mask_survives_its_packing_and_is_small(masked):
    packed = StaticMask.of(masked)
    np.testing.assert_array_equal(packed.array(SHAPE), masked)
    assert len(packed.packed) < 200
    np.testing.assert_array_equal(StaticMask.model_validate_json(packed.model_dump_json()).array(SHAPE), masked)


@pytest.mark.parametrize("suffix", ["npy", "edf", "tif", "msk"])
def test_masks_are_read_from_files_of_any_kind(tmp_path, masked, suffix):
    path = tmp_path / f"mask.{suffix}"
    if suffix == "npy":
        np.save(path, masked)
    else:
        image = {
            "edf": fabio.edfimage.EdfImage,
            "tif": fabio.tifimage.TifImage,
            "msk": fabio.fit2dmaskimage.Fit2dMaskImage,
        }[suffix]
        image(data=masked.astype(np.uint8)).write(str(path))
    np.testing.assert_array_equal(read_mask(path).array(SHAPE), masked)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_a_mask_may_be_painted_as_a_picture(tmp_path, masked, mode):
    path = tmp_path / "mask.png"
    Image.fromarray(255 * masked.astype(np.uint8)).convert(mode).save(path)
    np.testing.assert_array_equal(read_mask(path).array(SHAPE), masked)


def test_a_missing_mask_and_one_of_another_shape_are_refused(tmp_path, masked):
    with pytest.raises(ProfileError, match=r"nowhere\.npy"):
        read_mask(tmp_path / "nowhere.npy")
    with pytest.raises(ReductionFailed, match="300 x 280 pixels and the frame 300 x 300"):
        StaticMask.of(masked).array((300, 300))


def test_masked_pixels_do_not_count(masked):
    choice = Integration(bins=100, two_theta_deg=(3.0, 10.0), shadow_fraction=0.0)
    frame = np.full(SHAPE, 50, np.int32)
    frame[masked] = 5000
    whole = Integrator(GEOMETRY, choice, shape=SHAPE).integrate(np.full(SHAPE, 50, np.int32))
    cut = Integrator(
        GEOMETRY, Integration(bins=100, two_theta_deg=(3.0, 10.0), mask=StaticMask.of(masked)), shape=SHAPE
    ).integrate(frame)
    assert cut.intensity == pytest.approx(whole.intensity, rel=1e-3)


def test_dark_and_flat_make_an_uneven_detector_even(tmp_path):
    draw = np.random.default_rng(1)
    dark, flat = draw.uniform(20.0, 60.0, SHAPE), draw.uniform(0.7, 1.3, SHAPE)
    np.save(tmp_path / "dark.npy", dark)
    np.save(tmp_path / "flat.npy", flat)
    images = {name: StaticImage.of(tmp_path / f"{name}.npy") for name in ("dark", "flat")}
    choice = {"bins": 100, "two_theta_deg": (3.0, 10.0), "polarisation": 0.0, "shadow_fraction": 0.0}
    corrected = Integrator(GEOMETRY, Integration(**choice, **images), shape=SHAPE)
    cosine = np.cos(np.radians(corrected.two_theta_deg))
    factor = cosine**3 * (1.0 + cosine**2) / 2.0  # solid angle, and the polarisation of unpolarised light
    pattern = corrected.integrate(np.rint(10_000 * factor * flat + dark).astype(np.int32))
    assert pattern.intensity == pytest.approx(10_000.0, rel=1e-3)


def test_a_dark_image_that_is_another_one_now_is_refused(tmp_path):
    path = tmp_path / "dark.npy"
    np.save(path, np.zeros(SHAPE))
    dark = StaticImage.of(path)
    np.save(path, np.ones(SHAPE))
    with pytest.raises(ReductionFailed, match="another image"):
        dark.array(SHAPE)


def test_a_dark_of_several_frames_is_refused_and_not_the_first_of_them_taken(tmp_path):
    image = fabio.edfimage.EdfImage(data=np.ones(SHAPE, np.int32))
    image.append_frame(data=np.full(SHAPE, 3, np.int32))
    image.write(str(tmp_path / "dark.edf"))
    with pytest.raises(ReductionFailed, match="holds 2 frames, and one image is wanted"):
        StaticImage.of(tmp_path / "dark.edf").array(SHAPE)


def test_an_archive_is_no_mask_however_much_it_would_unpack_to(tmp_path):
    for name, said in (("mask.npy", "cannot be read"), ("mask.npz", "is an archive"), ("mask.edf", "is an archive")):
        with (tmp_path / name).open("wb") as file:
            np.savez_compressed(file, np.zeros((2000, 2000)))
        with pytest.raises(ProfileError, match=rf"{name} {said}"):
            read_mask(tmp_path / name)


def test_a_mask_whose_header_promises_more_than_its_file_holds_is_refused(tmp_path):
    path = tmp_path / "mask.npy"
    np.save(path, np.zeros((2, 2), np.uint8))
    path.write_bytes(
        path.read_bytes().replace(b"(2, 2)", b"(60000, 60000)").replace(b" " * 10 + b"\n", b" " * 2 + b"\n")
    )
    with pytest.raises(ProfileError, match=r"mask\.npy cannot be read"):
        read_mask(path)


def test_an_image_that_says_it_is_huge_is_refused_before_its_pixels_are_made(tmp_path):
    path = tmp_path / "mask.edf"
    fabio.edfimage.EdfImage(data=np.zeros((20, 20), np.uint8)).write(str(path))
    content = path.read_bytes()
    wide = content.replace(b"Dim_1 = 20", b"Dim_1 = 60000").replace(b"Dim_2 = 20", b"Dim_2 = 60000")
    path.write_bytes(wide.replace(b" " * 6 + b"}", b"}"))
    tracemalloc.start()
    try:
        with pytest.raises(ProfileError, match="60000 x 60000"):
            read_mask(path)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_a_packed_image_that_unpacks_without_end_is_refused(tmp_path):
    path = tmp_path / "mask.edf.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(900):
            file.write(bytes(1 << 20))
    with pytest.raises(ProfileError, match="801 MB unpacked"):
        read_mask(path)


@pytest.mark.parametrize("kind", [np.complex128, "U3", "V8"])
def test_what_are_no_numbers_is_no_mask(tmp_path, kind):
    np.save(tmp_path / "mask.npy", np.zeros((20, 20), kind))
    with pytest.raises(ProfileError, match="holds no numbers"):
        read_mask(tmp_path / "mask.npy")


def test_a_packed_mask_in_a_recipe_unpacks_to_its_own_pixels_and_no_more():
    bomb = base64.b64encode(zlib.compress(bytes(200 << 20))).decode()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="no mask of 300 x 280"):
            StaticMask(rows=300, columns=280, packed=bomb)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()
