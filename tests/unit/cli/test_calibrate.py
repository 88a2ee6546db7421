"""``lics calibrate`` from an image file, as a person would call it."""

import argparse
import json
import math

import fabio
import numpy as np
import pytest
from worlds.calibrant_world import WAVELENGTH, drawn_frame

from lics_beamline.cli import main
from lics_beamline.cli.calibrate import _described
from lics_beamline.geometry.geometry import flat_geometry, read_geometry


@pytest.fixture(scope="module")
def drawn():
    """Return a frame that no test changes."""
    frame = drawn_frame(beam_mm=(154.5, 151.0))
    frame.setflags(write=False)
    return frame


@pytest.fixture
def image(tmp_path, drawn):
    """A TIFF of another detector, and a PONI file to start from whose beam is 9 mm off, up-down."""
    path = tmp_path / "ceria.tif"
    fabio.tifimage.TifImage(data=drawn).write(str(path))
    shape = (750, 750)
    flat_geometry(
        distance_mm=340.0,
        wavelength_angstrom=WAVELENGTH,
        shape=shape,
        pixel_mm=0.4,
        centre_px=(145.5 / 0.4, 151.0 / 0.4),
    ).write(tmp_path / "start.poni")
    return path


def lics(image, *options):
    folder = image.parent
    given = ["--geometry", str(folder / "start.poni"), "--data", str(folder / "data")]
    return main(["calibrate", str(image), *given, *options])


def test_an_image_gives_a_record_a_poni_file_and_a_figure(image, capsys):
    assert lics(image, "--beam-anywhere", "--json", "--to", str(image.parent / "mine.poni")) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["source"]["image"] == str(image)
    assert said["rms_px"] < 0.1
    assert read_geometry(image.parent / "mine.poni").digest == said["geometry_digest"]
    data = image.parent / "data" / "calibrations"
    assert {path.suffix for path in data.iterdir()} == {".json", ".poni", ".png"}


@pytest.mark.long
def test_a_detector_in_words_a_list_of_spacings_and_a_mask_are_enough_to_start_from(image, capsys):
    folder = image.parent
    spacings = [5.411651 / math.sqrt(square) for square in (3, 4, 8, 11, 12, 16, 19, 20, 24, 27, 32, 35, 36, 40)]
    (folder / "ceria.D").write_text("\n".join(f"{spacing:.8f}" for spacing in spacings))
    mask = np.zeros((750, 750), dtype=np.uint8)
    mask[:100] = 1
    np.save(folder / "mask.npy", mask)
    given = ["--pixel", "0.4", "--distance", "340", "--wavelength", str(WAVELENGTH), "--data", str(folder / "data")]
    more = ["--calibrant", str(folder / "ceria.D"), "--mask", str(folder / "mask.npy"), "--to", str(folder / "a.poni")]
    assert main(["calibrate", str(image), *given, *more]) == 0
    assert "ceria (ceria.D of 14 spacings), orientation 3" in capsys.readouterr().out
    plane = read_geometry(folder / "a.poni").plane
    assert (plane.beam1_mm, plane.beam2_mm) == pytest.approx((154.5, 151.0), abs=0.02)
    assert plane.beam_distance_mm == pytest.approx(350.0, abs=0.1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--pixel", "0.4"], "--distance and --wavelength must be given"),
        (["--detector", "Pilatus1M", "--distance", "300"], "--wavelength must be given"),
        (["--detector", "Pilatus1M", "--pixel", "0.172", "--distance", "1"], "leave --pixel out"),
        (["--geometry", "g.poni", "--pixel", "0.4"], "leave --detector, --pixel and --spline out"),
        (["--pixel", "0.4", "--distance", "300", "--wavelength", "0.4", "--beam", "-9000", "1"], "--beam -9000 1"),
        (["--pixel", "0.4", "--distance", "300", "--wavelength", "0.4", "--beam", "1", "8000"], "--beam 1 8000"),
        (["--spline", "no.spline", "--distance", "300", "--wavelength", "0.4"], "no.spline"),
        (["--spline", "no.spline", "--pixel", "0.4"], "leave --detector and --pixel out"),
        (["--detector", "Rapid", "--distance", "127", "--wavelength", "0.7"], "is bent"),
        (["--calibrant", "salt"], "there is no calibrant 'salt'"),
        (["--pixel", "0.4", "--distance", "300", "--wavelength", "0.4", "--mask", "no.npy"], "no.npy"),
    ],
)
def test_a_start_that_cannot_be_one_is_said_in_words(image, capsys, options, said):
    assert main(["calibrate", str(image), *options, "--data", str(image.parent / "data")]) == 2
    assert said in capsys.readouterr().err


def test_a_named_detector_starts_in_its_middle(image):
    options = argparse.Namespace(detector="Pilatus1M", pixel=None, spline=None, distance=300.0, wavelength=0.4)
    start = _described(options, (1043, 981))
    assert start.detector == "Pilatus1M"
    assert (start.plane.beam1_mm, start.plane.beam2_mm) == pytest.approx((89.698, 84.366))


def test_a_flipped_image_is_refused_by_name_and_nothing_is_kept(image, capsys):
    assert lics(image) == 4
    assert "--orientation 2" in capsys.readouterr().err
    assert not (image.parent / "data").exists()


@pytest.mark.long
def test_a_beam_in_pixels_of_the_file_goes_before_the_starts_and_tells_the_orientation(image, capsys):
    to = image.parent / "a.poni"
    assert lics(image, "--beam", "377.5", "386.2", "--to", str(to)) == 0  # the start's is refused: 9 mm away, flipped
    assert "may be flipped" not in capsys.readouterr().out
    assert read_geometry(to).plane.beam1_mm == pytest.approx(154.5, abs=0.02)
    assert lics(image, "--beam", "377.5", "386.2", "--orientation", "2", "--to", str(to)) == 0
    assert read_geometry(to).plane.beam1_mm == pytest.approx(300.0 - 154.5, abs=0.02)
    assert lics(image, "--beam", "377.5", "363.7") == 4
    assert "--orientation 2" in capsys.readouterr().err


def test_what_is_neither_a_file_nor_a_run_is_said(image, capsys):
    assert main(["calibrate", "nowhere.tif", "--data", str(image.parent / "data")]) == 2
    assert "'nowhere.tif' is no image file" in capsys.readouterr().err


def test_an_image_of_an_unknown_detector_asks_for_a_geometry(image, capsys):
    assert main(["calibrate", str(image), "--data", str(image.parent / "data")]) == 2
    assert "--geometry" in capsys.readouterr().err


def test_of_a_series_it_is_said_which_frame_is_calibrated_with(image, capsys):
    series = fabio.edfimage.EdfImage(data=fabio.open(str(image)).data)
    series.append_frame(data=fabio.open(str(image)).data)
    series.write(str(image.with_suffix(".edf")))
    lics(image.with_suffix(".edf"))
    assert "frame 1 of the 2 in ceria.edf is calibrated with" in capsys.readouterr().err


@pytest.mark.long
def test_pixels_of_half_their_size_halve_the_distance_and_that_is_said(tmp_path, drawn, capsys):
    """A frame that was binned, and a geometry that does not know: rings agree with both."""
    path = tmp_path / "binned.edf"
    fabio.edfimage.EdfImage(data=drawn, header={"PSize_1": "4e-4", "PSize_2": "4e-4"}).write(str(path))
    start = ["--pixel", "0.2", "--distance", "330", "--wavelength", str(WAVELENGTH), "--data", str(tmp_path)]
    assert main(["calibrate", str(path), *start, "--beam-anywhere"]) == 0
    said = capsys.readouterr().out
    assert "the distance is 0.53 times the 330 mm of the start" in said
    assert "pixels are 1.89 times as large as was said" in said
    assert "the file says that its pixels are 0.4 x 0.4 mm, the starting geometry has 0.2 x 0.2 mm" in said
