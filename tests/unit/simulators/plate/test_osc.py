"""Plate files, as fabio reads them."""

import os
import resource
import signal
from dataclasses import replace
from multiprocessing import get_context

import fabio
import numpy as np
import pytest

from lics_simulators.plate import osc

HEADER = osc.OscHeader(
    date="22-Nov-2026",
    wavelength_angstrom=0.41373,
    distance_mm=350.0,
    frame=17,
    exposure_minutes=2.0,
    beam_column_px=1501.5,
    beam_row_px=1498.25,
    oscillation_deg=10.0,
    pixel_mm=0.1,
    plate=2,
    ratio=8,
    fading_start_minutes=1.25,
    fading_end_minutes=2.5,
)


@pytest.fixture
def counts():
    image = np.random.default_rng(1).integers(0, 32768, size=(400, 800), dtype=np.int32)
    image[5, :100] = np.random.default_rng(2).integers(32768, 262136, size=100)
    image[7, 0] = 300_000
    return image


def test_low_counts_come_back_exactly_and_high_ones_within_half_the_ratio(tmp_path, counts):
    osc.write(tmp_path / "a.osc", counts, HEADER)
    with fabio.open(str(tmp_path / "a.osc")) as image:
        read = image.data.astype(np.int64)
    low = counts <= 32767
    assert np.array_equal(read[low], counts[low])
    high = ~low & (counts <= 262_136)
    assert np.abs(read[high] - counts[high]).max() <= 4
    assert read[7, 0] == 262_136


def test_a_plate_without_high_counts_comes_back_exactly(tmp_path, counts):
    low = np.minimum(counts, 32767)
    osc.write(tmp_path / "a.osc", low, HEADER)
    with fabio.open(str(tmp_path / "a.osc")) as image:
        assert np.array_equal(image.data.astype(np.int64), low)


def test_a_plate_has_the_size_of_a_plate(tmp_path):
    osc.write(tmp_path / "a.osc", np.zeros((3000, 3000), dtype=np.int32), HEADER)
    assert (tmp_path / "a.osc").stat().st_size == 18_006_000


def test_the_header_says_what_it_was_told(tmp_path, counts):
    osc.write(tmp_path / "a.osc", counts, HEADER)
    with fabio.open(str(tmp_path / "a.osc")) as image:
        header = image.header
    assert header["InstrumentType"].startswith(b"R-AXIS4")
    assert header["Date"] == b"22-Nov-2026\0"
    assert header["Wavelength"] == pytest.approx(0.41373, rel=1e-6)
    assert header["Crystal-to-detector Distance"] == 350.0
    assert header["Frame Number"] == 17
    assert header["Exposure Time"] == 2.0
    assert (header["Direct beam X position"], header["Direct beam Y position"]) == (1501.5, 1498.25)
    assert header["Phi Oscillation Stop"] - header["Phi Oscillation Start"] == 10.0
    assert (header["X Pixels"], header["Y Pixels"]) == (800, 400)
    assert header["X Pixel Length"] == header["Y Pixel Length"] == pytest.approx(0.1)
    assert (header["Record Length"], header["Total"]) == (1600, 400)
    assert header["IP Number"] == 2
    assert header["Photomultiplier Ratio"] == 8.0
    assert (header["Fade Time (to start of read)"], header["Fade Time (to end of read)"]) == (1.25, 2.5)
    assert header["Magic number"] == 1


def test_another_ratio_reaches_further(tmp_path):
    counts = np.full((10, 800), 1_000_000, dtype=np.int32)
    osc.write(tmp_path / "a.osc", counts, replace(HEADER, ratio=32))
    with fabio.open(str(tmp_path / "a.osc")) as image:
        assert np.abs(image.data.astype(np.int64) - counts).max() <= 16


def test_a_missing_folder_is_an_error(tmp_path, counts):
    with pytest.raises(FileNotFoundError):
        osc.write(tmp_path / "nowhere" / "a.osc", counts, HEADER)


def _write_on_a_small_disk(path, counts):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        osc.write(path, counts, HEADER)
    except OSError:
        os._exit(3)
    os._exit(0)


def test_a_full_disk_leaves_no_half_file(tmp_path, counts):
    writer = get_context("spawn").Process(target=_write_on_a_small_disk, args=(tmp_path / "a.osc", counts))
    writer.start()
    writer.join()
    assert writer.exitcode == 3
    assert list(tmp_path.iterdir()) == []


def _write_and_die(path, counts):
    os.fsync = lambda descriptor: os._exit(9)  # the process is killed when all but the rename is done
    osc.write(path, counts, HEADER)


def test_a_writer_that_dies_leaves_nothing_under_the_final_name(tmp_path, counts):
    writer = get_context("spawn").Process(target=_write_and_die, args=(tmp_path / "a.osc", counts))
    writer.start()
    writer.join()
    assert writer.exitcode == 9
    assert not (tmp_path / "a.osc").exists()
