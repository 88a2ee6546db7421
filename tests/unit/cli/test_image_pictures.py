"""`lics reduce --figure --cake --mark`: what is drawn and written beside the pattern, and what is refused."""

from pathlib import Path

import fabio
import h5py
import numpy as np
import pytest
from PIL import Image

from lics_beamline.cli import main
from lics_beamline.geometry.geometry import flat_geometry

SHAPE = (120, 140)
GEOMETRY = flat_geometry(
    distance_mm=250.0, wavelength_angstrom=0.4, shape=SHAPE, pixel_mm=0.8, centre_px=(50.0, 75.0), orientation=2
)
REDUCE = ("--geometry", "g.poni", "--bins", "100")


def rings():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    radius = np.hypot((SHAPE[0] - y) - 50.0, x - 75.0)  # orientation 2: the first row of the file is the last in space
    lines = 400.0 * np.exp(-0.5 * ((radius - 40.0) / 0.8) ** 2)
    return np.random.default_rng(1).poisson(100.0 + lines).astype(np.int32)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    GEOMETRY.write(tmp_path / "g.poni")
    for name in ("a.edf", "b.edf"):
        fabio.edfimage.EdfImage(data=rings()).write(name)

    def go(*words):
        try:
            code = main(["reduce", *words])
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        return code, told.out, told.err

    return go


def test_a_cake_is_read_back_with_its_axes_and_its_ring_is_straight(run):
    code, out, err = run("a.edf", *REDUCE, "--cake", "c.nxs", "--azimuths", "36")
    assert (code, err) == (0, "")
    assert "cake: c.nxs" in out
    with h5py.File("c.nxs") as file:
        data = file[file.attrs["default"]][file["entry"].attrs["default"]]
        assert file["entry/definition"][()] == b"NXazint2d"
        intensity, angle = data[data.attrs["signal"]][()], data["radial_axis"][()]
        assert [data[axis].size for axis in data.attrs["axes"]] == list(intensity.shape)
        assert data["radial_axis"].attrs["units"] == "degree"
        assert data["radial_axis_edges"].size == angle.size + 1
        assert f"{GEOMETRY.wavelength_angstrom:.6f}" == f"{file['entry/reduction/input/wavelength'][()]:.6f}"
    brightest = angle[np.nanargmax(intensity, axis=1)]
    ring = np.degrees(np.arctan(40.0 * 0.8 / 250.0))
    assert brightest == pytest.approx(ring, abs=2.0 * (angle[1] - angle[0]))


def test_a_cake_as_edf_says_its_axes_as_pyfai_does(run):
    code, _, _ = run("a.edf", *REDUCE, "--cake", "c.edf", "--azimuths", "36")
    assert code == 0
    with fabio.open("c.edf") as image:
        assert image.data.shape[0] == 36
        assert float(image.header["chi_deg_min"]) == -175.0
        assert float(image.header["2th_deg_max"]) > float(image.header["2th_deg_min"]) > 0.0


def test_a_figure_shows_mask_beam_and_marked_lines(run):
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[:, 21:35] = 1
    np.save("m.npy", mask)
    code, out, _ = run("a.edf", *REDUCE, "--figure", "f.svg", "--mask", "m.npy", "--mark", "CeO2", "--mark", "LaB6")
    assert code == 0
    assert "figure: f.svg" in out
    said = Path("f.svg").read_text()  # text of an SVG stands beside its outlines
    assert "beam (+) at row 70.0, column 75.0, 10.0 % masked" in said  # of the file, whose first row lies at the top
    assert "CeO2" in said
    assert "LaB6" in said
    assert "1 line found" in said


def test_a_figure_is_large_enough_to_be_read(run):
    assert run("a.edf", *REDUCE, "--figure", "f.png")[0] == 0
    with Image.open("f.png") as picture:
        assert picture.width >= 1200


def test_a_strip_is_drawn_above_its_pattern_as_wide_as_it(run):
    flat_geometry(distance_mm=250.0, wavelength_angstrom=0.4, shape=(40, 140), pixel_mm=0.8).write(Path("s.poni"))
    fabio.edfimage.EdfImage(data=rings()[:40]).write("s.edf")
    assert run("s.edf", "--geometry", "s.poni", "--bins", "100", "--figure", "s.png")[0] == 0
    assert run("a.edf", *REDUCE, "--figure", "f.png")[0] == 0
    with Image.open("s.png") as strip, Image.open("f.png") as square:
        assert strip.height > square.height


def test_every_frame_has_its_figure_its_cake_and_its_pattern_whoever_reduces_it(run):
    with h5py.File("s.h5", "w") as file:
        file["entry/data"] = np.stack([np.zeros(SHAPE, np.int32), 2 * rings()])
    frames = ("a.edf", "b.edf", "s.h5", *REDUCE, "--each")
    names = ["a_0001", "b_0001", "s_0001", "s_0002"]
    code, out, _ = run(
        *frames, "--figure", "figures", "--cake", "cakes", "--azimuths", "12", "--to", "two", "--jobs", "2"
    )
    assert code == 0
    assert "figures: figures" in out
    assert sorted(path.name for path in Path("figures").iterdir()) == [f"{name}.png" for name in names]
    assert run(*frames, "--to", "one", "--jobs", "1")[0] == 0
    patterns = {path.name: path.read_bytes() for path in Path("one").iterdir()}
    assert patterns == {path.name: path.read_bytes() for path in Path("two").iterdir()}
    assert sorted(patterns) == [f"{name}.xye" for name in names]
    with h5py.File("cakes/a_0001.nxs") as one, h5py.File("cakes/b_0001.nxs") as other:
        assert np.array_equal(one["entry/data/I"][()], other["entry/data/I"][()], equal_nan=True)


def test_noise_about_zero_and_an_image_without_counts_are_drawn(run):
    noise = np.random.default_rng(1).normal(0.0, 3.0, SHAPE).astype(np.float32)
    for name, image in (("n.edf", noise), ("z.edf", np.zeros(SHAPE, dtype=np.int32))):
        fabio.edfimage.EdfImage(data=image).write(name)
        assert run(name, *REDUCE, "--figure", "f.png")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cake", "c.tif"), ".nxs"),
        (("--cake", "nowhere/c.nxs"), "no folder nowhere"),
        (("--figure", "nowhere/f.png"), "no folder nowhere"),
        (("--figure", "f.doc"), "doc"),
        (("--mark", "CeO2"), "give --figure"),
        (("--figure", "f.png", "--mark", "unobtainium"), "unobtainium"),
        (("--figure", "f.png", "--mark", "none.cif"), "no model none.cif"),
        (("--cake", "c.nxs", "--azimuths", "0"), "not within 1"),
    ],
)
def test_what_cannot_be_drawn_or_written_is_refused_in_words_and_nothing_is_left(run, words, said):
    code, out, err = run("a.edf", *REDUCE, *words)
    assert code == 2
    assert said in err
    assert out == ""
    assert not list(Path().glob("[cf].*"))
