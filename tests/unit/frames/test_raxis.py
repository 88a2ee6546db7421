import math
import os
import struct
import tracemalloc

import fabio
import numpy as np
import pytest

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.raxis import is_plate, read_header, read_plate


def osc(path, counts, *, ratio=8.0, order=">", fading_minutes=(0.0, 0.0)):
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
        (804, "f", fading_minutes[0]),
        (808, "f", fading_minutes[1]),
    ]
    for offset, kind, value in fields:
        struct.pack_into(order + kind, header, offset, value)
    words = np.where(counts < 32768, counts, 0x8000 | (counts // int(ratio)))
    path.write_bytes(bytes(header) + words.astype(f"{order}u2").tobytes())
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


@pytest.mark.parametrize("order", [">", "<"])
def test_both_byte_orders_give_the_same_header_and_counts(tmp_path, bright, order):
    header, frame = read_plate(osc(tmp_path / "a.osc", bright, order=order))
    assert header.byte_order == order
    assert (header.columns, header.ratio) == (900, 8.0)
    assert header.wavelength_angstrom == pytest.approx(0.41373)
    np.testing.assert_array_equal(frame, bright)


def test_a_torn_plate_of_the_other_byte_order_is_refused_with_its_own_size(tmp_path, dim):
    path = osc(tmp_path / "torn.osc", dim, order="<")
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(ReductionFailed, match=f"{len(content) - 10} bytes of the {len(content)}"):
        read_plate(path)


def test_fabio_reads_the_same_counts_from_a_big_endian_plate(tmp_path, bright):
    path = osc(tmp_path / "a.osc", bright)
    np.testing.assert_array_equal(read_plate(path)[1], fabio.open(str(path)).data.astype(np.int64))


def test_the_header_says_how_long_the_image_waited_and_was_scanned(tmp_path, dim):
    header = read_header(osc(tmp_path / "a.osc", dim, fading_minutes=(1.5, 2.75)))  # exposed for 2.5 min
    assert header.waited_s == pytest.approx(15.0)
    assert header.scan_s == pytest.approx(75.0)
    silent = read_header(osc(tmp_path / "b.osc", dim))
    assert math.isnan(silent.waited_s)
    assert math.isnan(silent.scan_s)


def test_a_missing_plate_is_named(tmp_path):
    with pytest.raises(ReductionFailed, match=r"nowhere\.osc"):
        read_plate(tmp_path / "nowhere.osc")


def test_a_plate_of_60_000_by_60_000_pixels_is_refused_by_its_header(tmp_path, dim):
    path = osc(tmp_path / "a.osc", dim)
    header = bytearray(path.read_bytes()[: 2 * 900])
    struct.pack_into(">ii", header, 768, 60_000, 60_000)
    path.write_bytes(bytes(header))
    with path.open("r+b") as file:
        file.truncate(max(len(header), 2 * 60_000) + 2 * 60_000**2)  # sparse: as long as its header promises
    with pytest.raises(ReductionFailed, match=r"has 7200\.1 MB"):
        read_plate(path)
    with path.open("r+b") as file:
        file.truncate(len(header))
    with pytest.raises(ReductionFailed, match="60000 x 60000 pixels, 20000 a side are the most"):
        read_plate(path)


@pytest.mark.parametrize("ratio", [math.nan, math.inf, 0.0, -8.0, 1e9])
def test_a_photomultiplier_ratio_that_no_reader_has_is_refused(tmp_path, bright, ratio):
    path = osc(tmp_path / "a.osc", bright)
    content = bytearray(path.read_bytes())
    struct.pack_into(">f", content, 800, ratio)
    path.write_bytes(bytes(content))
    with pytest.raises(ReductionFailed, match="photomultiplier ratio"):
        read_plate(path)


@pytest.mark.parametrize("minutes", [math.nan, math.inf, -1.0, 1e20])
def test_times_that_are_none_are_taken_for_not_noted(tmp_path, dim, minutes):
    path = osc(tmp_path / "a.osc", dim, fading_minutes=(3.0, 4.0))
    content = bytearray(path.read_bytes())
    for offset in (536, 804, 808):
        struct.pack_into(">f", content, offset, minutes)
    path.write_bytes(bytes(content))
    header = read_header(path)
    assert math.isnan(header.exposure_s)
    assert math.isnan(header.waited_s)
    assert math.isnan(header.scan_s)


def test_reading_a_plate_takes_no_more_memory_than_twice_its_file(tmp_path):
    path = osc(tmp_path / "a.osc", np.full((3000, 3000), 40_000))
    tracemalloc.start()
    try:
        read_plate(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.0 * path.stat().st_size + 12e6, "counts of 32 bits for words of 16, and one block of rows"


def test_a_pipe_in_place_of_a_plate_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.osc")
    assert not is_plate(tmp_path / "a.osc")
    with pytest.raises(ReductionFailed, match="a pipe or a device"):
        read_header(tmp_path / "a.osc")
