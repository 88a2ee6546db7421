from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.frame import FrameSeries

SHAPE = (60, 80)
DETECTOR = "entry/instrument/detector/detectorSpecific"


@pytest.fixture
def frames():
    return np.random.default_rng(1).poisson(50.0, (5, *SHAPE)).astype(np.uint32)


def eiger(folder, frames, *, mask=None, flat=None, applied=None):
    """Write a master file with links to two data files, as an Eiger does: packed, two frames in the first."""
    parts = {"data_000001": frames[:2], "data_000002": frames[2:]}
    with h5py.File(folder / "run_master.h5", "w") as master:
        for name, part in parts.items():
            with h5py.File(folder / f"run_{name}.h5", "w") as file:
                file.create_dataset("entry/data/data", data=part, chunks=(1, *SHAPE), **hdf5plugin.Bitshuffle())
            master[f"entry/data/{name}"] = h5py.ExternalLink(f"run_{name}.h5", "/entry/data/data")
        master[f"{DETECTOR}/pixel_mask"] = np.zeros(SHAPE, np.uint32) if mask is None else mask
        master[f"{DETECTOR}/flatfield"] = np.ones(SHAPE, np.float32) if flat is None else flat
        master["entry/instrument/detector/count_time"] = 0.25
        if applied is not None:
            master["entry/instrument/detector/flatfield_correction_applied"] = applied
    return folder / "run_master.h5"


def test_an_eiger_is_read_through_the_links_of_its_master_file(tmp_path, frames):
    series = FrameSeries(eiger(tmp_path, frames))
    assert series.count == 5
    for number in range(1, 6):
        np.testing.assert_array_equal(series.frame(number).counts, frames[number - 1])
    assert series.frame(1).exposure_s == 0.25
    assert series.notes == ()


def test_a_mask_of_another_shape_is_not_used_and_that_is_said(tmp_path, frames):
    series = FrameSeries(eiger(tmp_path, frames, mask=np.ones((SHAPE[0] - 5, SHAPE[1]), np.uint32)))
    np.testing.assert_array_equal(series.frame(1).counts, frames[0])
    assert series.notes == ("pixel_mask of the file not used: it has 55 x 80 pixels, and its images 60 x 80",)


def test_the_sum_of_a_series_is_exposed_as_long_as_all_its_frames(tmp_path, frames):
    total = FrameSeries(eiger(tmp_path, frames)).total()
    np.testing.assert_array_equal(total.counts, frames.sum(axis=0))
    assert total.exposure_s == 1.25


def test_a_sum_that_leaves_32_bits_is_kept_as_a_real_number(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.full((3, *SHAPE), 2_000_000_000, np.uint32)
    assert FrameSeries(tmp_path / "a.h5").total().counts == pytest.approx(6e9)


def test_a_link_that_leads_nowhere_is_named(tmp_path, frames):
    path = eiger(tmp_path, frames)
    for left in ("run_data_000002.h5", "run_data_000001.h5"):  # one of them missing, then both
        (tmp_path / left).unlink()
        with pytest.raises(ReductionFailed, match=r"run_data_00000\d\.h5, which is not there"):
            FrameSeries(path)
        with pytest.raises(ReductionFailed, match=f"{left}, which is not there"):
            FrameSeries(Path(f"{path}::/entry/data/{left[4:-3]}"))


def test_the_mask_of_the_detector_is_used_and_said(tmp_path, frames):
    mask = np.zeros(SHAPE, np.uint32)
    mask[10, :], mask[:, 7] = 1, 2**31
    series = FrameSeries(eiger(tmp_path, frames, mask=mask))
    found = series.frame(4).counts
    assert (found[mask != 0] < 0).all()
    np.testing.assert_array_equal(found[mask == 0], frames[3][mask == 0])
    assert series.notes == ("pixel_mask of the file used: 139 pixels masked (2.90%)",)
    assert (series.total().counts[mask != 0] < 0).all()


def test_a_flat_field_is_multiplied_once_by_the_detector_or_by_us(tmp_path, frames):
    flat = np.full(SHAPE, 1.25, np.float32)
    flat[0] = 0.0
    by_us = FrameSeries(eiger(tmp_path, frames, flat=flat, applied=0))
    np.testing.assert_allclose(by_us.frame(1).counts[1:], 1.25 * frames[0][1:])
    assert np.isnan(by_us.frame(1).counts[0]).all()
    assert "flat field of the file used" in by_us.notes[0]
    by_detector = FrameSeries(eiger(tmp_path, frames, flat=flat, applied=1))
    np.testing.assert_array_equal(by_detector.frame(1).counts, frames[0])
    assert by_detector.notes == ()


def test_a_link_to_a_mask_that_is_missing_is_refused(tmp_path, frames):
    path = eiger(tmp_path, frames)
    with h5py.File(path, "a") as file:
        del file[f"{DETECTOR}/pixel_mask"]
        file[f"{DETECTOR}/pixel_mask"] = h5py.ExternalLink("mask.h5", "/mask")
    with pytest.raises(ReductionFailed, match=r"mask\.h5, which is not there"):
        FrameSeries(path)


def test_a_virtual_data_set_without_its_source_is_refused_and_not_read_as_zeros(tmp_path, frames):
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file["data"] = frames
    layout = h5py.VirtualLayout(shape=frames.shape, dtype=frames.dtype)
    layout[...] = h5py.VirtualSource("source.h5", "data", shape=frames.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("entry/data", layout)
    np.testing.assert_array_equal(FrameSeries(tmp_path / "a.h5").frame(3).counts, frames[2])
    (tmp_path / "source.h5").unlink()
    with pytest.raises(ReductionFailed, match=r"source\.h5, which is not there"):
        FrameSeries(tmp_path / "a.h5")


def test_a_frame_that_was_never_written_is_refused_and_not_read_as_zeros(tmp_path, frames):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", shape=(4, *SHAPE), dtype=np.uint32, chunks=(1, 32, 80))
        data[:2] = frames[:2]
        data[2, :32] = frames[2, :32]
    series = FrameSeries(tmp_path / "a.h5")
    np.testing.assert_array_equal(series.frame(2).counts, frames[1])
    for number in (3, 4):
        with pytest.raises(ReductionFailed, match=f"frame {number} .* never written"):
            series.frame(number)


@pytest.mark.parametrize("telling", ["shape", "axis", "attribute"])
def test_patterns_that_were_integrated_before_are_no_image(tmp_path, telling):
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        data = file.create_dataset("processed/result/data", data=np.ones((20 if telling == "shape" else 300, 1512)))
        if telling == "axis":
            file["processed/result/q"] = np.linspace(2.0, 20.0, 1512)
        if telling == "attribute":
            data.attrs["interpretation"] = "spectrum"
    for address in (tmp_path / "a.nxs", Path(f"{tmp_path / 'a.nxs'}::/processed/result/data")):
        with pytest.raises(ReductionFailed, match="patterns that were integrated before"):
            FrameSeries(address)


def test_of_several_stacks_the_one_that_the_file_names_as_its_plot_is_taken(tmp_path, frames):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/dark/data"], file["entry/sample/data"] = frames[:1], frames
    with pytest.raises(ReductionFailed, match="2 stacks of images"):
        FrameSeries(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["default"], file["entry"].attrs["default"] = "entry", "sample"
        file["entry/sample"].attrs["signal"] = "data"
    assert FrameSeries(tmp_path / "a.h5").count == 5


def test_one_data_set_under_two_names_is_one_stack(tmp_path, frames):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/instrument/detector/data"] = frames
        file["entry/data"] = h5py.SoftLink("/entry/instrument/detector/data")
        file["entry/loop"] = h5py.SoftLink("/entry")
    assert FrameSeries(tmp_path / "a.h5").count == 5


def test_an_address_that_is_not_there_is_answered_with_what_is(tmp_path, frames):
    path = eiger(tmp_path, frames)
    with pytest.raises(ReductionFailed, match=r"has no /entry/nothing. It holds /entry/data/data_000001"):
        FrameSeries(Path(f"{path}::/entry/nothing"))
    assert FrameSeries(Path(f"{path}::/entry/data")).count == 5


@pytest.mark.parametrize(("shape", "used"), [((1, *SHAPE), True), ((5, *SHAPE), False)])
def test_a_mask_with_the_number_of_frames_before_its_sides_is_used_or_said_not_to_be(tmp_path, frames, shape, used):
    bad = np.zeros(shape, np.uint32)
    bad[..., 3, :] = 1
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = frames
        file[f"{DETECTOR}/pixel_mask"] = bad
    series = FrameSeries(tmp_path / "a.h5")
    assert (series.frame(1).counts[3] < 0).all() == used
    assert ("not used" in series.notes[0]) != used


def test_true_and_false_beside_the_images_are_said(tmp_path, frames):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"], file["entry/data/mask"] = frames, np.zeros(SHAPE, bool)
    series = FrameSeries(tmp_path / "a.h5")
    assert series.count == 5
    assert "--mask a.h5::/entry/data/mask" in series.notes[0]


def test_a_file_without_images_says_what_an_image_is(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["points"] = np.ones((2, 3, 4, 60, 60))
    with pytest.raises(ReductionFailed, match=r"holds no images: .* two to four dimensions"):
        FrameSeries(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [((60, 60, 30), None), ((60, 60, 30), True), ((60, 80, 30), (20, 80, 1)), ((60, 80, 5), None), ((60, 80, 1), None)],
)
def test_frames_that_lie_along_the_last_axis_are_read_as_they_were_taken(tmp_path, shape, chunks):
    stack = np.random.default_rng(6).poisson(50.0, shape).astype(np.uint16)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("entry/data", data=stack, chunks=chunks)
    series = FrameSeries(tmp_path / "a.h5")
    assert series.count == shape[2]
    for number in (1, series.count):
        np.testing.assert_array_equal(series.frame(number).counts, stack[:, :, number - 1])
    assert "along its last axis" in series.notes[0]


@pytest.mark.parametrize("chunks", [None, (1, 60, 30)])
def test_frames_along_the_first_axis_are_read_so_whatever_their_number(tmp_path, chunks):
    stack = np.random.default_rng(6).poisson(50.0, (60, 60, 30) if chunks else (30, 60, 60)).astype(np.uint16)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("entry/data", data=stack, chunks=chunks)
    series = FrameSeries(tmp_path / "a.h5")
    assert series.count == stack.shape[0]
    np.testing.assert_array_equal(series.frame(20).counts, stack[19])


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        (np.ones((90, 80, 18), np.uint16), "90 x 80 pixels with 18 frames along the last axis may be meant"),
        (
            np.ones((60, 60, 110), np.uint16),
            "60 frames of 60 x 110 pixels may be meant; 60 x 60 pixels with 110 frames",
        ),
        (np.ones((60, 60, 3), np.uint8), "3 colours a pixel"),
    ],
)
def test_a_stack_that_may_lie_along_either_axis_and_one_of_colours_are_refused(tmp_path, stack, words):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = stack
    with pytest.raises(ReductionFailed, match=words):
        FrameSeries(tmp_path / "a.h5")


def test_a_frame_along_the_last_axis_that_was_never_written_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", shape=(60, 80, 4), dtype=np.uint32, chunks=(20, 80, 1))
        data[:, :, 1] = 7
    series = FrameSeries(tmp_path / "a.h5")
    assert np.all(series.frame(2).counts == 7)
    with pytest.raises(ReductionFailed, match=r"frame 3 .* was never written"):
        series.frame(3)


@pytest.mark.parametrize("way", ["attributes", "fields", "older fields"])
def test_counts_stored_as_scaled_integers_are_what_they_stand_for(tmp_path, frames, way):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("entry/data")
        group.attrs["NX_class"], group.attrs["signal"] = "NXdata", "data"
        stored = np.where(frames == frames[0, 0, 0], -1, 2 * frames.astype(np.int32) + 10)
        group["data"] = stored
        if way == "attributes":
            group["data"].attrs.update({"scale_factor": 0.5, "add_offset": -5.0, "_FillValue": -1})
        else:
            prefix = "data_" if way == "fields" else ""
            group[f"{prefix}scaling_factor"], group[f"{prefix}offset"] = 0.5, -10.0
    series = FrameSeries(tmp_path / "a.h5")
    frame = series.frame(2)
    there = stored[1] != -1
    np.testing.assert_allclose(frame.counts[there], frames[1][there])
    assert np.isnan(frame.counts[~there]).all()
    assert series.notes == ("counts are the numbers of the file times 0.5 minus 5, as it says",)


@pytest.mark.parametrize("factor", [0.0, np.nan])
def test_counts_times_nothing_are_refused(tmp_path, frames, factor):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = frames
        file["data"].attrs["scale_factor"] = factor
    with pytest.raises(ReductionFailed, match="to be multiplied by"):
        FrameSeries(tmp_path / "a.h5")
