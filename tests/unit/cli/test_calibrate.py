"""``lics calibrate`` from an image file, as a person would call it."""

import json

import fabio
import pytest
from worlds.calibrant_world import WAVELENGTH, drawn_frame

from lics_beamline.cli import main
from lics_beamline.diffraction.geometry import flat_geometry, read_geometry


@pytest.fixture
def image(tmp_path):
    """A TIFF of another detector, and a PONI file to start from whose beam is 9 mm off, up-down."""
    path = tmp_path / "ceria.tif"
    fabio.tifimage.TifImage(data=drawn_frame(beam_mm=(154.5, 151.0))).write(str(path))
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


def test_a_flipped_image_is_refused_by_name_and_nothing_is_kept(image, capsys):
    assert lics(image) == 4
    assert "--orientation 2" in capsys.readouterr().err
    assert not (image.parent / "data").exists()


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
