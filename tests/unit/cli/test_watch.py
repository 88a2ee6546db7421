"""`lics watch`: each image in a folder is reduced once it is complete."""

import fabio
import numpy as np
import pytest

from lics_beamline.cli import main
from lics_beamline.geometry.geometry import flat_geometry

SHAPE = (200, 180)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flat_geometry(distance_mm=250.0, wavelength_angstrom=0.4, shape=SHAPE, pixel_mm=0.4).write(tmp_path / "g.poni")
    (tmp_path / "r.toml").write_text('geometry = "g.poni"\n[frames]\nbins = 60\ntwo_theta_deg = [2.0, 8.0]\n')
    (tmp_path / "frames").mkdir()
    return tmp_path


def image(path, counts=100):
    fabio.edfimage.EdfImage(data=np.full(SHAPE, counts, np.int32)).write(str(path))


def watch(*words):
    return main(["watch", "frames", "--recipe", "r.toml", "--once", *words])


def patterns(folder):
    return sorted(path.name for path in (folder / "frames" / "patterns").iterdir())


def test_what_is_there_is_reduced_by_the_recipe(folder, capsys):
    for name in ("a.edf", "b.edf"):
        image(folder / "frames" / name)
    assert watch() == 0
    assert patterns(folder) == ["a.xye", "b.xye"]
    assert np.loadtxt(folder / "frames" / "patterns" / "a.xye").shape[0] == 60
    assert capsys.readouterr().out.splitlines() == ["a: no lines", "b: no lines"]


def test_a_torn_file_is_told_and_reduced_once_it_is_whole(folder, capsys):
    image(folder / "frames" / "a.edf")
    image(folder / "whole.edf")
    whole = (folder / "whole.edf").read_bytes()
    (folder / "frames" / "b.edf").write_bytes(whole[:50_000])
    assert watch() == 4
    assert "b.edf is cut off" in capsys.readouterr().err
    assert patterns(folder) == ["a.xye"]
    (folder / "frames" / "b.edf").write_bytes(whole)
    assert watch() == 0
    assert patterns(folder) == ["a.xye", "b.xye"]
    assert capsys.readouterr().out == "b: no lines\n"  # a is not reduced again


def test_every_frame_of_a_series_is_reduced_where_that_is_wanted(folder):
    series = fabio.edfimage.EdfImage(data=np.full(SHAPE, 5, np.int32))
    series.append_frame(data=np.full(SHAPE, 7, np.int32))
    series.write(str(folder / "frames" / "s.edf"))
    assert watch("--each", "--to", "out", "--for", "xy") == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["s_0001.xy", "s_0002.xy"]


def test_pictures_and_cakes_are_made_of_each_image_where_they_are_wanted(folder):
    image(folder / "frames" / "a.edf")
    assert watch("--figure", "figures", "--cake", "cakes", "--azimuths", "12", "--mark", "CeO2") == 0
    assert [path.name for path in (folder / "figures").iterdir()] == ["a.png"]
    assert [path.name for path in (folder / "cakes").iterdir()] == ["a.nxs"]
    assert patterns(folder) == ["a.xye"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["watch", "frames", "--recipe", "r.toml", "--cake", "frames"], "is the folder that is watched"),
        (["watch", "nowhere", "--recipe", "r.toml"], "nowhere is no folder"),
        (["watch", "frames"], "give --geometry G.poni, or --recipe FILE"),
        (["watch", "frames", "--recipe", "no.toml"], "no.toml is not there"),
        (["watch", "frames", "--recipe", "r.toml", "--to", "no/where"], "there is no folder no"),
        (["watch", "frames", "--recipe", "r.toml", "--for", "gsas"], "--for xy, xye, chi"),
    ],
)
def test_what_cannot_be_watched_is_told(folder, capsys, words, said):
    assert main(words) == 2
    assert said in capsys.readouterr().err
