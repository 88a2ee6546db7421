import math
from pathlib import Path

import fabio
import h5py
import numpy as np
import pytest

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.frame import FrameSeries, check_file


@pytest.fixture
def counts():
    return (np.arange(800 * 900).reshape(800, 900) % 30_000).astype(np.int32)


@pytest.mark.parametrize("suffix", ["tif", "edf", "cbf"])
def test_images_of_other_detectors_are_read_through_fabio(tmp_path, counts, suffix):
    image = {"tif": fabio.tifimage.TifImage, "edf": fabio.edfimage.EdfImage, "cbf": fabio.cbfimage.CbfImage}[suffix]
    path = tmp_path / f"a.{suffix}"
    image(data=counts).write(str(path))
    recording = FrameSeries(path).frame(1)
    assert recording.counts.dtype == np.int32
    assert recording.plate is None
    np.testing.assert_array_equal(recording.counts, counts)


def test_a_mar345_plate_is_read_with_its_high_pixels(tmp_path):
    counts = np.random.default_rng(1).poisson(40.0, (1200, 1200)).astype(np.uint32)
    counts[5, 7] = 120_000  # beyond 16 bits: kept in the table of high intensity pixels
    path = tmp_path / "a.mar1200"
    image = fabio.mar345image.Mar345Image(data=counts)
    image.byteorder = "<"  # fabio 2026.6 leaves it open, and then cannot write
    image.write(str(path))
    np.testing.assert_array_equal(FrameSeries(path).frame(1).counts, counts)


def test_the_content_of_a_file_decides_and_not_its_name(tmp_path, counts):
    path = tmp_path / "stack.dat"
    with h5py.File(path, "w") as file:
        file["entry/data"] = counts[None]
    np.testing.assert_array_equal(FrameSeries(path).frame(1).counts, counts)


def test_the_only_stack_of_an_hdf5_file_is_found_and_one_of_many_must_be_named(tmp_path, counts):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["entry/data"] = counts[None]
        file["entry/time"] = np.arange(3)
    np.testing.assert_array_equal(FrameSeries(path).frame(1).counts, counts)
    with h5py.File(path, "a") as file:
        file["entry/dark"] = np.zeros((1, 800, 900), np.int32)
    with pytest.raises(ReductionFailed, match="2 stacks of images"):
        FrameSeries(path).frame(1)
    np.testing.assert_array_equal(FrameSeries(Path(f"{path}::/entry/data")).frame(1).counts, counts)


def test_dead_pixels_of_unsigned_images_come_out_negative(tmp_path):
    counts = np.full((40, 50), 7, np.uint32)
    counts[2, 3] = 2**32 - 1
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = counts
    frame = FrameSeries(tmp_path / "a.h5").frame(1).counts
    assert frame[2, 3] == -1
    assert frame[0, 0] == 7


def test_images_of_real_numbers_keep_their_fractions(tmp_path):
    real = np.linspace(-0.5, 2.5, 1600, dtype=np.float32).reshape(40, 40)
    fabio.edfimage.EdfImage(data=real).write(str(tmp_path / "a.edf"))
    np.testing.assert_array_equal(FrameSeries(tmp_path / "a.edf").frame(1).counts, real)


def test_a_cbf_says_where_it_is_full_and_how_long_it_was_exposed(tmp_path, counts):
    header = {"_array_data.header_contents": "# Exposure_time 0.0970000 s\r\n# Count_cutoff 1048500 counts\r\n"}
    fabio.cbfimage.CbfImage(data=counts, header=header).write(str(tmp_path / "a.cbf"))
    recording = FrameSeries(tmp_path / "a.cbf").frame(1)
    assert recording.saturation_counts == 1_048_500
    assert recording.exposure_s == pytest.approx(0.097)


def test_what_a_file_does_not_say_is_left_open(tmp_path, counts):
    fabio.tifimage.TifImage(data=counts).write(str(tmp_path / "a.tif"))
    recording = FrameSeries(tmp_path / "a.tif").frame(1)
    assert recording.saturation_counts is None
    assert math.isnan(recording.exposure_s)


def test_what_is_no_image_is_refused_by_name(tmp_path):
    path = tmp_path / "a.osc"
    path.write_text("not an image")
    for act in (lambda file: FrameSeries(file).frame(1), check_file):
        with pytest.raises(ReductionFailed, match=r"a\.osc"):
            act(path)
        with pytest.raises(ReductionFailed, match=r"nowhere\.tif"):
            act(tmp_path / "nowhere.tif")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_the_largest_number_of_an_unsigned_image_is_full(tmp_path, kind):
    top = int(np.iinfo(kind).max)
    image = np.random.default_rng(1).poisson(100.0, (60, 50)).clip(max=top - 1).astype(kind)
    with h5py.File(tmp_path / "clean.h5", "w") as file:
        file["data"] = image
    assert FrameSeries(tmp_path / "clean.h5").frame(1).saturation_counts is None
    image[3, 4] = top
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = image
    assert FrameSeries(tmp_path / "a.h5").frame(1).saturation_counts == top


@pytest.mark.parametrize("bits", [10, 12, 14, 15, 16, 20])
@pytest.mark.parametrize("kind", [np.int32, np.uint32, np.int64, np.float32])
def test_pixels_piled_up_at_the_largest_number_of_some_bits_are_full(tmp_path, bits, kind):
    image = np.random.default_rng(1).poisson(100.0, (60, 50)).astype(kind)
    image[:, 20:23] = 2**bits - 1
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = image
    assert FrameSeries(tmp_path / "a.h5").frame(1).saturation_counts == 2**bits - 1


def written(path, image):
    with h5py.File(path, "w") as file:
        file["data"] = image
    return path


@pytest.mark.parametrize(
    ("mark", "kind"), [(65534, np.uint16), (1_000_000, np.int32), (60_123, np.float32), (127, np.int8)]
)
def test_a_gap_marked_by_any_number_at_the_top_is_full(tmp_path, mark, kind):
    image = np.random.default_rng(1).poisson(60.0, (60, 500)).clip(max=110).astype(kind)
    image[:, 20:23] = mark
    assert FrameSeries(written(tmp_path / "a.h5", image)).frame(1).saturation_counts == mark


@pytest.mark.parametrize("mark", [1e30, 2.0**32, 0.75])
def test_a_gap_marked_by_no_count_is_dead(tmp_path, mark):
    image = np.random.default_rng(1).uniform(0.1, 0.5, (60, 500)).astype(np.float32)
    image[:, 20:23] = mark
    recording = FrameSeries(written(tmp_path / "a.h5", image)).frame(1)
    np.testing.assert_array_equal(np.isnan(recording.counts), image == np.float32(mark))
    assert recording.saturation_counts is None


@pytest.mark.parametrize(("mean", "unit"), [(0.01, 1), (0.01, 1000), (3.0, 64), (200.0, 1)])
def test_the_largest_number_of_counting_is_not_full(tmp_path, mean, unit):
    image = unit * np.random.default_rng(2).poisson(mean, (300, 400)).astype(np.int32)
    assert FrameSeries(written(tmp_path / "a.h5", image)).frame(1).saturation_counts is None


@pytest.mark.parametrize("kind", [np.uint16, np.uint32])
def test_noise_that_lost_its_sign_is_refused_and_marks_of_a_detector_are_not(tmp_path, kind):
    noise = np.random.default_rng(3).normal(0.0, 4.0, (60, 50)).round().astype(np.int64)
    path = written(tmp_path / "a.h5", noise.astype(kind))
    with pytest.raises(ReductionFailed, match="lost their sign"):
        FrameSeries(path).frame(1)
    top = np.iinfo(kind).max
    marked = np.abs(noise).astype(kind)
    marked[:, 20:23], marked[10], marked[30:33] = top, top - 1, 0.7 * top  # gaps, dead pixels, bright ones
    assert FrameSeries(written(tmp_path / "b.h5", marked)).frame(1).counts.shape == (60, 50)


def test_a_bright_pixel_that_happens_to_hold_such_a_number_is_not_full(tmp_path):
    image = np.random.default_rng(1).poisson(100.0, (60, 50)).astype(np.int32)
    image[5, 5:10] = 4095
    image[30, :20] = np.linspace(3700, 4095, 20)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = image
    assert FrameSeries(tmp_path / "a.h5").frame(1).saturation_counts is None


@pytest.mark.parametrize(
    ("kind", "dead"), [(np.uint32, 2**32 - 1), (np.int64, -1), (np.int64, 2**63 - 1), (np.uint64, 2**64 - 1)]
)
def test_counts_beyond_31_bits_keep_their_value_and_dead_pixels_stay_dead(tmp_path, kind, dead):
    image = np.full((40, 50), 7, kind)
    image[1, 1], image[2, 3] = 3_000_000_000, dead
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = image
    frame = FrameSeries(tmp_path / "a.h5").frame(1).counts
    assert frame[1, 1] == pytest.approx(3e9, rel=1e-6)
    assert frame[0, 0] == 7
    assert np.isnan(frame[2, 3])
