import struct
from pathlib import Path

import fabio
import h5py
import numpy as np
import pytest

from lics_beamline.diffraction.raxis import is_plate, read_frame, read_header, read_plate
from lics_beamline.errors import ReductionFailed


def osc(path, counts, *, ratio=8.0):
    rows, columns = counts.shape
    header = bytearray(max(2 * columns, 1400))
    header[0:7] = b"R-AXIS4"
    fields = [
        (292, "f", 0.41373),
        (344, "f", 350.0),
        (536, "f", 2.5),
        (768, "i", columns),
        (772, "i", rows),
        (776, "f", 0.1),
        (780, "f", 0.1),
        (784, "i", len(header)),
        (796, "i", 2),
        (800, "f", ratio),
    ]
    for offset, kind, value in fields:
        struct.pack_into(">" + kind, header, offset, value)
    words = np.where(counts < 32768, counts, 0x8000 | (counts // int(ratio)))
    path.write_bytes(bytes(header) + words.astype(">u2").tobytes())
    return path


@pytest.fixture
def dim():
    return np.arange(800 * 900).reshape(800, 900) % 30_000


@pytest.fixture
def bright(dim):
    bright = dim.copy()
    bright[3, 5], bright[700, 800] = 200_000, 262_136
    return bright


def test_a_dim_and_a_bright_plate_are_both_int32_with_the_counts_written(tmp_path, dim, bright):
    for name, counts in (("dim.osc", dim), ("bright.osc", bright)):
        _, frame = read_plate(osc(tmp_path / name, counts))
        assert frame.dtype == np.int32
        assert frame.dtype.isnative
        np.testing.assert_array_equal(frame, counts)


def test_the_header_says_wavelength_distance_exposure_plate_and_saturation(tmp_path, dim):
    header = read_header(osc(tmp_path / "a.osc", dim))
    assert header.wavelength_angstrom == pytest.approx(0.41373)
    assert header.distance_mm == pytest.approx(350.0)
    assert header.exposure_s == pytest.approx(150.0)
    assert (header.rows, header.columns, header.plate) == (800, 900, 2)
    assert header.saturation_counts == 262_136


@pytest.mark.parametrize("ratio", [(8.0, 262_136), (32.0, 1_048_544)])
def test_saturation_follows_the_photomultiplier_ratio(tmp_path, dim, ratio):
    assert read_header(osc(tmp_path / "a.osc", dim, ratio=ratio[0])).saturation_counts == ratio[1]


@pytest.mark.parametrize("change", [-1, -1000, 2])
def test_a_torn_plate_is_refused_with_both_sizes(tmp_path, dim, change):
    path = osc(tmp_path / "torn.osc", dim)
    content = path.read_bytes()
    path.write_bytes(content[:change] if change < 0 else content + b"\0" * change)
    with pytest.raises(ReductionFailed) as caught:
        read_plate(path)
    assert str(len(content)) in str(caught.value)
    assert str(len(content) + change) in str(caught.value)
    assert caught.value.facts["expected_bytes"] == len(content)


def test_a_plate_torn_inside_its_header_is_refused(tmp_path, dim):
    path = osc(tmp_path / "torn.osc", dim)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ReductionFailed, match="300 bytes"):
        read_plate(path)


def test_an_insane_header_is_refused(tmp_path, dim):
    path = osc(tmp_path / "a.osc", dim)
    content = bytearray(path.read_bytes())
    struct.pack_into(">i", content, 768, -5)
    path.write_bytes(bytes(content))
    with pytest.raises(ReductionFailed, match="-5 x 800"):
        read_plate(path)


def test_a_file_of_another_kind_is_no_plate(tmp_path):
    path = tmp_path / "a.osc"
    path.write_text("not an image")
    assert not is_plate(path)
    with pytest.raises(ReductionFailed, match="no R-AXIS file"):
        read_plate(path)
    with pytest.raises(ReductionFailed):
        read_frame(path)


@pytest.mark.parametrize("suffix", ["tif", "edf", "cbf"])
def test_images_of_other_detectors_are_read_through_fabio(tmp_path, dim, suffix):
    image = {"tif": fabio.tifimage.TifImage, "edf": fabio.edfimage.EdfImage, "cbf": fabio.cbfimage.CbfImage}[suffix]
    path = tmp_path / f"a.{suffix}"
    image(data=dim.astype(np.int32)).write(str(path))
    frame = read_frame(path)
    assert frame.dtype == np.int32
    np.testing.assert_array_equal(frame, dim)


def test_the_only_stack_of_an_hdf5_file_is_found_and_one_of_many_must_be_named(tmp_path, dim):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["entry/data"] = dim[None].astype(np.int32)
        file["entry/time"] = np.arange(3)
    np.testing.assert_array_equal(read_frame(path), dim)
    with h5py.File(path, "a") as file:
        file["entry/dark"] = np.zeros((1, 800, 900), np.int32)
    with pytest.raises(ReductionFailed, match="2 stacks of images"):
        read_frame(path)
    np.testing.assert_array_equal(read_frame(Path(f"{path}::/entry/data")), dim)


def test_dead_pixels_of_unsigned_images_come_out_negative(tmp_path):
    counts = np.full((40, 50), 7, np.uint32)
    counts[2, 3] = 2**32 - 1
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = counts
    frame = read_frame(tmp_path / "a.h5")
    assert frame[2, 3] == -1
    assert frame[0, 0] == 7


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(ReductionFailed, match=r"nowhere\.osc"):
        read_plate(tmp_path / "nowhere.osc")
    with pytest.raises(ReductionFailed, match=r"nowhere\.tif"):
        read_frame(tmp_path / "nowhere.tif")
