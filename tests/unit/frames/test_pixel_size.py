"""The size of a pixel as headers say it: of fabio's own files, in the words of each maker."""

import fabio
import h5py
import numpy as np
import pytest

from lics_beamline.frames.frame import FrameSeries
from lics_beamline.frames.pixel_size import doubt_of_pixels, pixel_size_in

COUNTS = np.random.default_rng(0).poisson(50, (120, 130)).astype(np.int32)


@pytest.mark.parametrize(
    ("header", "said_mm"),
    [
        ("# Detector: PILATUS\r\n# Pixel_size 172e-6 m x 344e-6 m\r\n", (0.344, 0.172)),
        ("Pixel_size 75.0e-6 m x 75.0e-6 m", (0.075, 0.075)),
        ("Dim_1 2048 PSize_1 5.0E-05 PSize_2 1e-4", (0.1, 0.05)),
        ("PIXEL_LENGTH 150 PIXEL_HEIGHT 150", (0.15, 0.15)),
        ("pixelsize_x 79141 pixelsize_y 79141", (0.079141, 0.079141)),
        ("PSize_1 1 PSize_2 1", None),
        ("PSize_1 0 PSize_2 0", None),
        ("exposure_time 1", None),
    ],
)
def test_a_header_says_the_size_of_a_pixel_in_the_words_of_its_maker(header, said_mm):
    assert pixel_size_in(header) == (None if said_mm is None else pytest.approx(said_mm))


def test_files_tell_their_pixels(tmp_path):
    fabio.edfimage.EdfImage(data=COUNTS, header={"PSize_1": "8.6e-05", "PSize_2": "1.72E-04"}).write(
        str(tmp_path / "a.edf")
    )
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = COUNTS
        file["entry/instrument/detector/x_pixel_size"] = 8.6e-05
        file["entry/instrument/detector/y_pixel_size"] = 1.72e-04
    for name in ("a.edf", "a.h5"):
        assert FrameSeries(tmp_path / name).frame(1).pixel_mm == pytest.approx((0.172, 0.086))


def test_pixels_of_another_size_are_doubted_and_those_of_the_same_are_not():
    assert doubt_of_pixels((0.172, 0.172), (0.17201, 0.172), where="the geometry") == ()
    assert doubt_of_pixels(None, (0.172, 0.172), where="the geometry") == ()
    (doubt,) = doubt_of_pixels((0.344, 0.344), (0.172, 0.172), where="the geometry")
    assert "0.344 x 0.344 mm, the geometry has 0.172 x 0.172 mm" in doubt
