"""A header that leads its reader in a circle, or has it count without end, is refused before it is read."""

import gzip
import struct

import fabio
import numpy as np
import pytest

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.frame import FrameSeries

COUNTS = np.arange(48 * 48, dtype=np.int32).reshape(48, 48)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "packed"])
def test_a_tiff_whose_directories_lead_to_one_another_is_refused(tmp_path, order, packed):
    begin = {"<": b"II*\0", ">": b"MM\0*"}[order]
    first, second = 8, 14
    content = begin + struct.pack(f"{order}IHIHI", first, 0, second, 0, first) + bytes(1000)
    path = tmp_path / ("circle.tif.gz" if packed else "circle.tif")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(ReductionFailed, match=r"circle\.tif.* lead to one another in a circle.*from a copy"):
        FrameSeries(path).frame(1)


@pytest.mark.parametrize("key", ["Dim_99999999", "DIM_10", "dim_" + "9" * 5000])
@pytest.mark.parametrize("behind", [0, 1 << 20], ids=["first image", "second image"])
def test_an_edf_of_more_dimensions_than_any_image_has_is_refused(tmp_path, key, behind):
    path = tmp_path / "deep.edf"
    fabio.edfimage.EdfImage(data=COUNTS).write(str(path))
    content = path.read_bytes()
    deep = content.replace(b"Dim_2", key.encode(), 1)
    path.write_bytes(content + bytes(behind) + deep if behind else deep)
    with pytest.raises(ReductionFailed, match=r"deep\.edf has a dimension \d+, 9 are the most"):
        FrameSeries(path).frame(1)


@pytest.mark.parametrize(("suffix", "kind"), [("edf", fabio.edfimage.EdfImage), ("tif", fabio.tifimage.TifImage)])
def test_sound_images_are_read_as_before(tmp_path, suffix, kind):
    path = tmp_path / f"a.{suffix}"
    kind(data=COUNTS).write(str(path))
    np.testing.assert_array_equal(FrameSeries(path).frame(1).counts, COUNTS)
