import bz2
import gzip
import struct

import fabio
import numpy as np
import pytest
from PIL import Image

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.frame import FrameSeries

SHAPE = (120, 140)


@pytest.fixture
def counts():
    return np.random.default_rng(1).poisson(50.0, SHAPE).astype(np.int32)


def pilatus_tiff(path, counts):
    """Write counts as the camera server of a Pilatus does: the date before the directory, the header in words."""
    words = b"# Pixel_size 172e-6 m x 172e-6 m\n# Exposure_time 3.0000000 s\n# Count_cutoff 1048574 counts\n\0"
    place, pixels = 0x82, 4096
    rows, columns = counts.shape
    entries = [
        (256, 4, 1, columns),
        (257, 4, 1, rows),
        (258, 3, 1, 32),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (270, 2, len(words), 512),
        (273, 4, 1, pixels),
        (278, 4, 1, rows),
        (279, 4, 1, 4 * counts.size),
        (339, 3, 1, 2),
    ]
    content = bytearray(pixels)
    content[:8] = struct.pack("<2sHI", b"II", 42, place)
    content[0x1E : 0x1E + 23] = b"2014:10:24 16:33:09.171"
    content[place : place + 2] = struct.pack("<H", len(entries))
    for number, entry in enumerate(entries):
        struct.pack_into("<HHII", content, place + 2 + 12 * number, *entry)
    content[512 : 512 + len(words)] = words
    path.write_bytes(bytes(content) + counts.astype("<i4").tobytes())


def written(path, counts):
    """Write counts in the format that the name of the file says."""
    kind = path.name.removesuffix(".gz").removesuffix(".bz2").partition(".")[2]
    if kind == "mar1200":
        image = fabio.mar345image.Mar345Image(data=np.resize(counts, (1200, 1200)).astype(np.uint32))
        image.byteorder = "<"  # fabio 2026.6 leaves it open, and then cannot write
    else:
        make, numbers = {
            "tif": (fabio.tifimage.TifImage, np.uint16),
            "edf": (fabio.edfimage.EdfImage, np.int32),
            "cbf": (fabio.cbfimage.CbfImage, np.int32),
            "mccd": (fabio.marccdimage.MarccdImage, np.uint16),
            "img": (fabio.adscimage.AdscImage, np.uint16),
            "npy": (fabio.numpyimage.NumpyImage, np.int32),
            "h5": (fabio.eigerimage.EigerImage, np.uint32),
        }[kind]
        image = make(data=counts.astype(numbers))
    plain = path.with_name(f"plain.{kind}")
    image.write(str(plain))
    content = plain.read_bytes()
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix)
    path.write_bytes(pack(content) if pack else content)
    return path


@pytest.mark.parametrize("kind", ["tif", "edf", "cbf", "mccd", "img", "npy", "h5", "edf.gz", "edf.bz2", "cbf.gz"])
def test_images_of_every_kind_are_read(tmp_path, counts, kind):
    np.testing.assert_array_equal(FrameSeries(written(tmp_path / f"a.{kind}", counts)).frame(1).counts, counts)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(
    "kind", ["tif", "edf", "cbf", "mccd", "img", "npy", "h5", "mar1200", "edf.gz", "edf.bz2", "cbf.gz"]
)
def test_an_image_that_is_cut_off_is_refused_whatever_its_format(tmp_path, counts, kind, share):
    path = written(tmp_path / f"a.{kind}", counts)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ReductionFailed, match=rf"a\.{kind}") as refused:
        FrameSeries(path).frame(1)
    assert str(refused.value).count(":") >= 1  # says why
    assert "dimensions" not in str(refused.value)


def test_half_an_edf_is_called_cut_off(tmp_path, counts):
    path = written(tmp_path / "a.edf", counts)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ReductionFailed, match="cut off"):
        FrameSeries(path).frame(1)


def test_a_cbf_with_flipped_bytes_does_not_have_its_checksum(tmp_path, counts):
    path = written(tmp_path / "a.cbf", counts)
    content = bytearray(path.read_bytes())
    start = content.find(b"\x0c\x1a\x04\xd5") + 4
    for place in np.random.default_rng(3).integers(start, start + counts.size, 50):
        content[place] ^= 0x21
    path.write_bytes(content)
    with pytest.raises(ReductionFailed, match="checksum of its pixels"):
        FrameSeries(path).frame(1)


def test_a_cbf_without_a_checksum_is_read(tmp_path, counts):
    path = written(tmp_path / "a.cbf", counts)
    lines = path.read_bytes().split(b"\r\n")
    path.write_bytes(b"\r\n".join(line for line in lines if not line.startswith(b"Content-MD5")))
    np.testing.assert_array_equal(FrameSeries(path).frame(1).counts, counts)


def test_the_frames_of_an_edf_are_numbered_from_one(tmp_path, counts):
    image = fabio.edfimage.EdfImage(data=counts)
    for more in (2, 3):
        image.append_frame(data=more * counts)
    image.write(str(tmp_path / "a.edf"))
    series = FrameSeries(tmp_path / "a.edf")
    assert series.count == 3
    for number in (1, 2, 3):
        np.testing.assert_array_equal(series.frame(number).counts, number * counts)
    np.testing.assert_array_equal(series.total().counts, 6 * counts)


def test_a_series_in_an_edf_that_is_cut_off_is_refused_and_not_taken_for_a_shorter_one(tmp_path, counts):
    image = fabio.edfimage.EdfImage(data=counts)
    image.append_frame(data=counts)
    image.write(str(tmp_path / "a.edf"))
    content = (tmp_path / "a.edf").read_bytes()
    for share in (0.55, 0.9):
        (tmp_path / "a.edf").write_bytes(content[: int(share * len(content))])
        with pytest.raises(ReductionFailed, match="cut off"):
            FrameSeries(tmp_path / "a.edf")


def test_a_tiff_of_a_pilatus_is_read_with_what_its_header_says(tmp_path, counts):
    counts[10:13] = -1  # a gap
    pilatus_tiff(tmp_path / "a.tif", counts)
    recording = FrameSeries(tmp_path / "a.tif").frame(1)
    np.testing.assert_array_equal(recording.counts, counts)
    assert recording.saturation_counts == 1048574
    assert recording.exposure_s == 3.0


@pytest.mark.parametrize("packing", [None, "tiff_deflate"])
def test_the_pages_of_a_tiff_are_frames(tmp_path, counts, packing):
    pages = [Image.fromarray((number * counts).astype(np.uint16)) for number in (1, 2, 3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], compression=packing)
    series = FrameSeries(tmp_path / "a.tif")
    assert series.count == 3
    for number in (1, 2, 3):
        np.testing.assert_array_equal(series.frame(number).counts, number * counts)


def test_a_file_with_one_frame_has_no_second_though_the_next_file_lies_beside_it(tmp_path, counts):
    for number in (1, 2):
        written(tmp_path / f"a_{number:04d}.edf", number * counts)
    with pytest.raises(ReductionFailed, match="no frame 2: it holds 1"):
        FrameSeries(tmp_path / "a_0001.edf").frame(2)


@pytest.mark.parametrize("packing", ["tiff_deflate", "tiff_lzw"])
def test_a_packed_tiff_that_is_cut_off_or_damaged_is_refused(tmp_path, counts, packing):
    path = tmp_path / "a.tif"
    Image.fromarray(counts.astype(np.uint16)).save(path, compression=packing)
    np.testing.assert_array_equal(FrameSeries(path).frame(1).counts, counts)
    content = path.read_bytes()
    for share in (0.2, 0.6, 0.95):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ReductionFailed, match=r"cut off|cannot be (read|unpacked)"):
            FrameSeries(path).frame(1)
    spoiled = bytearray(content)
    spoiled[len(content) // 2 : len(content) // 2 + 200] = bytes(200)
    path.write_bytes(spoiled)
    if packing == "tiff_deflate":  # LZW has no checksum
        with pytest.raises(ReductionFailed, match="cannot be unpacked"):
            FrameSeries(path).frame(1)


@pytest.mark.parametrize("packing", [None, "tiff_lzw"])
@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_tiff_of_colours_is_refused_and_not_made_grey(tmp_path, counts, packing, mode):
    grey = Image.fromarray(counts.astype(np.uint8))
    grey.convert(mode).save(tmp_path / "a.tif", compression=packing)
    with pytest.raises(ReductionFailed, match="colours"):
        FrameSeries(tmp_path / "a.tif").frame(1)


@pytest.mark.parametrize("packing", ["raw", "tiff_deflate"])
def test_a_tiff_of_numbers_that_are_not_read_says_which_they_are(tmp_path, counts, packing):
    path = tmp_path / "a.tif"
    Image.fromarray(counts.astype(np.uint16)).save(path, compression=packing, tiffinfo={339: 3})
    with pytest.raises(ReductionFailed, match="real numbers of 16 bits"):
        FrameSeries(path).frame(1)


def test_a_packed_tiff_of_32_bits_without_sign_keeps_what_is_above_31(tmp_path, counts):
    path = tmp_path / "a.tif"
    counts = counts.astype(np.uint32)
    counts[5, 6] = 3_000_000_000
    Image.fromarray(counts.view(np.int32)).save(path, compression="tiff_deflate")
    signed, unsigned = (struct.pack("<HHIH", 339, 3, 1, kind) for kind in (2, 1))  # SampleFormat
    assert signed in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(signed, unsigned))
    assert FrameSeries(path).frame(1).counts[5, 6] == np.float32(3e9)


@pytest.mark.parametrize("kind", ["png", "jpeg", "bmp", "gif"])
def test_a_picture_is_refused_as_one(tmp_path, counts, kind):
    Image.fromarray(counts.astype(np.uint8)).save(tmp_path / f"a.{kind}")
    with pytest.raises(ReductionFailed, match="picture"):
        FrameSeries(tmp_path / f"a.{kind}").frame(1)


@pytest.mark.parametrize(("frames", "words"), [(30, "30 frames along the last axis"), (3, "3 colours a pixel")])
def test_an_array_whose_frames_or_colours_lie_along_its_last_axis_is_refused(tmp_path, frames, words):
    np.save(tmp_path / "a.npy", np.ones((120, 120, frames), np.uint16))
    with pytest.raises(ReductionFailed, match=words):
        FrameSeries(tmp_path / "a.npy")


def test_a_tiff_whose_pages_are_rows_of_the_images_is_refused(tmp_path):
    pages = [Image.fromarray(np.full((120, 30), number, np.uint8)) for number in range(120)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ReductionFailed, match="120 x 120 pixels with 30 frames along the last axis"):
        FrameSeries(tmp_path / "a.tif")
