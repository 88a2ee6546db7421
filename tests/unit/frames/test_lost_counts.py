"""Images that hold no counts any more, or counts that ran over, and images that only look so."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.frame import FrameSeries

RADIUS = np.hypot(*np.mgrid[-100:200, -100:200])


def rings(*, tops, width, background=20.0):
    mean = background + sum(
        top * np.exp(-0.5 * ((RADIUS - at) / width) ** 2) for at, top in zip((60, 110, 160), tops, strict=True)
    )
    return np.random.default_rng(4).poisson(mean)


def read(folder: Path, image):
    with h5py.File(folder / "a.h5", "w") as file:
        file["data"] = image
    return FrameSeries(folder / "a.h5").frame(1)


COUNTS = rings(tops=(400.0, 200.0, 90.0), width=3.0)
OVER_FLAT_OF_ZERO = np.where(RADIUS % 20.0 < 1.0, np.copysign(np.inf, COUNTS - 20.5), COUNTS - 20.5)


@pytest.mark.parametrize(
    ("scaled", "what"),
    [
        (np.log10(np.maximum(COUNTS, 1)), r"decimal logarithms of whole counts.*10\*\*numbers"),
        (np.log10(COUNTS + 1.0), "decimal logarithms of whole counts"),
        (np.log1p(COUNTS), r"natural logarithms of whole counts.*exp\(numbers\)"),
        (np.where(COUNTS > 30, np.log(np.maximum(COUNTS, 1)), -1.0), "natural logarithms of whole counts"),
        (np.log2(COUNTS + 1.0), r"binary logarithms of whole counts.*exp2\(numbers\)"),
        (np.sqrt(COUNTS), r"square roots of whole counts.*numbers\*\*2"),
        (np.where(COUNTS > 25, np.log10(COUNTS / (7.0 + 0.01 * RADIUS)), -np.inf), "some are minus infinity"),
        (100.0 * np.log10(COUNTS + 1.0), "logarithms, times 43.*, of whole counts"),
        (np.log(COUNTS + 1.0) / np.log(COUNTS.max() + 1.0), r"logarithms, times 0.16.*exp\(numbers / 0.16"),
        (7.3 * np.sqrt(COUNTS), r"square roots, times 7.3, of whole counts.*\(numbers / 7.3\)\*\*2"),
        (np.arcsinh(0.1 * COUNTS), "logarithms"),
    ],
)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_functions_of_counts_are_refused_by_name(tmp_path, scaled, what, kind):
    with pytest.raises(ReductionFailed, match=what):
        read(tmp_path, scaled.astype(kind))


@pytest.mark.parametrize(
    "image",
    [
        COUNTS,
        COUNTS / 7.0,
        COUNTS - 20.5,
        COUNTS / COUNTS.max(),
        COUNTS % 2,
        0.0 * COUNTS,
        np.sqrt(2.0) * COUNTS,
        np.log(2.0) * COUNTS,
        np.log10(2.0) * COUNTS,
        20.0 * COUNTS / (1.0 + 1e-3 * RADIUS),
        COUNTS / (1.0 - 1e-4 * COUNTS),
        OVER_FLAT_OF_ZERO,
        0.05 * OVER_FLAT_OF_ZERO,
    ],
)
def test_counts_that_were_multiplied_shifted_or_are_few_are_read(tmp_path, image):
    assert read(tmp_path, image.astype(np.float32)).counts.shape == image.shape


@pytest.mark.parametrize("scaled", [1000.0 * np.log10(COUNTS + 1.0), 3000.0 * np.sqrt(COUNTS)])
def test_functions_of_counts_that_were_made_whole_are_refused(tmp_path, scaled):
    with pytest.raises(ReductionFailed, match=r"(logarithms|square roots), times .* of whole counts"):
        read(tmp_path, np.rint(scaled).astype(np.uint16))


@pytest.mark.parametrize("bright", [1, 4, 100])
def test_whole_numbers_of_counts_are_read_whatever_was_done_to_them(tmp_path, bright):
    read(tmp_path, (bright * COUNTS).astype(np.int32))
    read(tmp_path, np.rint(bright * COUNTS / (1.0 + 1e-3 * RADIUS)).astype(np.uint32))


def test_a_tiff_that_is_a_jpeg_within_is_refused(tmp_path):
    Image.fromarray(np.minimum(COUNTS, 255).astype(np.uint8)).save(tmp_path / "a.tif", compression="jpeg")
    with pytest.raises(ReductionFailed, match="compressed as a JPEG"):
        FrameSeries(tmp_path / "a.tif")


def test_counts_that_ran_over_are_told_and_full_rings_and_spots_are_not(tmp_path):
    bright = rings(tops=(110_000.0, 40_000.0, 80_000.0), width=6.0)
    (said,) = read(tmp_path, (bright % 65536).astype(np.uint16)).doubts
    assert "ran over 65535" in said
    (said,) = read(tmp_path, (rings(tops=(400.0, 300.0, 90.0), width=6.0) % 256).astype(np.uint8)).doubts
    assert "ran over 255" in said
    (said,) = read(tmp_path, ((bright + 2**15) % 65536 - 2**15).astype(np.int16)).doubts
    assert "ran over 32767 and began again at -32768" in said
    spots = rings(tops=(3000.0, 2000.0, 900.0), width=3.0)
    rng = np.random.default_rng(5)
    spots.ravel()[rng.choice(spots.size, 900, replace=False)] = rng.integers(3000, 65000, 900)
    for kept in (np.minimum(bright, 65535), np.minimum(spots, 65535), rings(tops=(6e4, 4e4, 2e4), width=6.0)):
        assert read(tmp_path, kept.astype(np.uint16)).doubts == ()
    assert read(tmp_path, bright.astype(np.int32)).doubts == ()


def test_a_sum_of_frames_says_what_is_doubtful_of_any_of_them(tmp_path):
    dim, bright = (rings(tops=(top, 0.4 * top, 0.7 * top), width=6.0) % 65536 for top in (400.0, 110_000.0))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = np.array([dim, bright], dtype=np.uint16)
    series = FrameSeries(tmp_path / "a.h5")
    assert series.frame(1).doubts == ()
    assert series.total().doubts == series.frame(2).doubts != ()
