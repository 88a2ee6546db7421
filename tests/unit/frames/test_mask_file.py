"""Masks of other programs: Dioptas, XDS, tables of text, HDF5; what a mask is not is refused in words."""

import h5py
import numpy as np
import pytest
from PIL import Image
from pyFAI.detectors import detector_factory

from lics_beamline.errors import ProfileError
from lics_beamline.frames.mask_file import read_mask, read_masks
from lics_beamline.frames.static_image import StaticMask

SHAPE = (30, 28)
PILATUS_2M = """
NX= 1475 NY= 1679  QX= 0.172 QY= 0.172 ! of the detector
UNTRUSTED_RECTANGLE= 487  495     0 1680
UNTRUSTED_RECTANGLE= 981  989     0 1680
UNTRUSTED_RECTANGLE=   0 1476   195  213
UNTRUSTED_RECTANGLE=   0 1476   407  425
UNTRUSTED_RECTANGLE=   0 1476   619  637
!UNTRUSTED_RECTANGLE=  0 1476     1 1000 ! is not meant
UNTRUSTED_RECTANGLE=   0 1476   831  849
UNTRUSTED_RECTANGLE=   0 1476  1043 1061
UNTRUSTED_RECTANGLE=   0 1476  1255 1273
 UNTRUSTED_RECTANGLE= 0 1476 1467 1485 ! as generate_XDS.INP writes it
"""


@pytest.fixture
def masked():
    mask = np.zeros(SHAPE, bool)
    mask[10:12, :] = True
    mask[0, 3] = True
    return mask


def array(path, shape=SHAPE):
    return read_mask(path).array(shape)


def test_a_mask_of_dioptas_is_turned_to_lie_as_the_image_file_and_that_is_said(tmp_path, masked, caplog):
    # Dioptas turns every image up-down when it is opened, and writes the mask as it holds it, as a packed TIFF.
    path = tmp_path / "a.mask"
    Image.fromarray(np.int8(masked[::-1])).save(path, "tiff", compression="tiff_deflate")
    np.testing.assert_array_equal(array(path), masked)
    assert "Dioptas" in caplog.text


@pytest.mark.parametrize(("name", "between"), [("m.txt", " "), ("m.csv", ","), ("m.dat", "\t"), ("m.asc", "; ")])
def test_a_table_of_0_and_1_is_a_mask(tmp_path, masked, name, between):
    np.savetxt(tmp_path / name, masked, fmt="%d", delimiter=between)
    np.testing.assert_array_equal(array(tmp_path / name), masked)


def test_a_mask_of_true_and_false_in_an_hdf5_file_is_read(tmp_path, masked):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["entry/mask"] = masked
    np.testing.assert_array_equal(array(tmp_path / "m.h5"), masked)


def test_the_untrusted_rectangles_of_a_pilatus_are_the_gaps_that_pyfai_knows(tmp_path):
    path = tmp_path / "XDS.INP"
    path.write_text(PILATUS_2M)
    np.testing.assert_array_equal(array(path, (1679, 1475)), detector_factory("Pilatus2M").mask.astype(bool))


def test_an_ellipse_is_inscribed_in_its_bounds_and_a_quadrilateral_within_its_corners(tmp_path):
    path = tmp_path / "XDS.INP"
    path.write_text(
        "NX=28 NY=30\nUNTRUSTED_ELLIPSE= 0 10 0 6\nUNTRUSTED_QUADRILATERAL= 15 10 25 10 25 20 15 20 ! corners\n"
    )
    expected = np.zeros(SHAPE, bool)
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            x, y = column + 1, row + 1
            expected[row, column] = ((x - 5.0) / 5.0) ** 2 + ((y - 3.0) / 3.0) ** 2 < 1.0
    expected[9:20, 14:25] = True
    np.testing.assert_array_equal(array(path), expected)


def test_the_order_of_the_corners_of_a_quadrilateral_does_not_matter(tmp_path):
    arrays = []
    for corners in ("5 5 20 8 22 25 3 20", "5 5 22 25 20 8 3 20"):
        path = tmp_path / "XDS.INP"
        path.write_text(f"NX=28 NY=30\nUNTRUSTED_QUADRILATERAL= {corners}")
        arrays.append(array(path))
    np.testing.assert_array_equal(*arrays)
    assert arrays[0][11, 11]
    assert not arrays[0][0, 0]


def test_rings_that_xds_leaves_out_are_not_taken_and_that_is_said(tmp_path, caplog):
    path = tmp_path / "XDS.INP"
    path.write_text("NX=28 NY=30\nEXCLUDE_RESOLUTION_RANGE= 3.93 3.87 ! ice\nUNTRUSTED_RECTANGLE= 0 4 0 4")
    assert array(path).sum() == 9
    assert "--mask-two-theta" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("XDS.INP", "UNTRUSTED_RECTANGLE= 1 2 3 4", "no NX and no NY"),
        ("XDS.INP", "NX=28 NY=30 UNTRUSTED_RECTANGLE= 1 2 3", "X1 < X2"),
        ("XDS.INP", "NX=28 NY=30 UNTRUSTED_ELLIPSE= 5 5 1 9", "X1 < X2"),
        ("XDS.INP", "NX=28 NY=30 UNTRUSTED_QUADRILATERAL= 1 2 3 4", "eight numbers"),
        ("XDS.INP", "NX=2800000 NY=30", "pixels"),
        ("m.txt", "0 1\n1", "no table of 0 and 1"),
        ("m.txt", "0 1\n1 7", "holds 7"),
        ("m.txt", "0 1\n1 nan", "holds nan"),
        ("m.txt", "# nothing\n", "m.txt"),
        ("m.csv", "a,b\n", "no table of 0 and 1"),
        ("m.immask", "Points:[[100.0, 120.5, 3.0]]\nRings:[]\n", "GSAS-II.*geometry.*as an image"),
    ],
)
def test_what_is_no_mask_is_refused_in_words(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ProfileError, match=said):
        read_mask(path)


def test_masks_are_taken_together_and_only_files_are_inverted(tmp_path, masked):
    other = np.zeros(SHAPE, bool)
    other[:, 5] = True
    np.save(tmp_path / "a.npy", masked)
    np.save(tmp_path / "b.npy", other)
    files = [tmp_path / "a.npy", tmp_path / "b.npy"]
    np.testing.assert_array_equal(read_masks(files).array(SHAPE), masked | other)
    beside = StaticMask.of(other)
    np.testing.assert_array_equal(read_masks(files[:1], inverted=True, beside=beside).array(SHAPE), ~masked | other)
    assert read_masks([]) is None


def test_masks_of_two_shapes_are_refused_by_name(tmp_path, masked):
    np.save(tmp_path / "a.npy", masked)
    np.save(tmp_path / "b.npy", masked.T)
    with pytest.raises(ProfileError, match=r"b\.npy has 28 x 30 pixels"):
        read_masks([tmp_path / "a.npy", tmp_path / "b.npy"])
