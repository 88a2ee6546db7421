"""``lics geometry``, as a person would call it."""

import pytest

from lics_beamline.cli import main
from lics_beamline.geometry.geometry import Geometry, flat_geometry, read_geometry


@pytest.fixture
def poni(tmp_path):
    path = tmp_path / "g.poni"
    flat_geometry(
        distance_mm=250.0, wavelength_angstrom=0.4, shape=(600, 500), pixel_mm=0.2, centre_px=(290, 310), orientation=2
    ).write(path)
    return path


def test_a_geometry_is_said_in_words(poni, capsys):
    assert main(["geometry", str(poni)]) == 0
    said = capsys.readouterr().out
    assert "600 x 500 pixels of 0.2 x 0.2 mm" in said
    assert "orientation 2: flipped up-down" in said
    assert "58.0000 mm along the rows' axis, 62.0000 mm along the columns' (290.000, 310.000 px)" in said


@pytest.mark.parametrize("form", ["fit2d", "gsas", "hexrd"])
def test_a_geometry_goes_to_another_program_and_comes_back_in_its_orientation(poni, form, capsys):
    there, back = poni.with_name("there"), poni.with_name("back.poni")
    assert main(["geometry", str(poni), "--as", form, "--to", str(there)]) == 0
    assert main(["geometry", str(there), "--as", "poni", "--to", str(back)]) == 0
    found, given = read_geometry(back), read_geometry(poni)
    assert found.orientation == given.orientation
    assert found.plane.poni1_mm == pytest.approx(given.plane.poni1_mm, rel=1e-9)
    assert str(back) in capsys.readouterr().out


def test_without_a_file_to_write_to_it_is_printed(poni, capsys):
    assert main(["geometry", str(poni), "--as", "poni", "--orientation", "3"]) == 0
    assert Geometry(poni=capsys.readouterr().out) == read_geometry(poni).oriented(3)


def test_a_detector_whose_gaps_another_program_does_not_know_is_said(poni, capsys):
    poni.write_text("\n".join(["Detector: Pilatus1M", *poni.read_text().splitlines()[3:]]))
    assert main(["geometry", str(poni), "--as", "gsas"]) == 0
    captured = capsys.readouterr()
    assert "# shape: 1043 981\n" in captured.out
    assert "gsas does not know the gaps of Pilatus1M" in captured.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--to", "x"], "for which program? Give --as"),
        (["--as", "gsas", "--to", "nowhere/x"], "there is no folder nowhere"),
        (["--pixel", "0.1", "0.1", "0.1"], "not one or two edges"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(poni, capsys, options, said):
    assert main(["geometry", str(poni), *options]) == 2
    assert said in capsys.readouterr().err
