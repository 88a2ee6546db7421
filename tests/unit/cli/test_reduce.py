"""`lics reduce`: what people type, what they are told, and what is written."""

import json
import re

import fabio
import h5py
import numpy as np
import pytest

from lics_beamline.cli import main
from lics_beamline.frames.orientation import oriented
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.reduction.image import reduce_image

SHAPE = (300, 280)
CENTRE = (140.0, 155.0)
PIXEL_MM, DISTANCE_MM, WAVELENGTH_ANGSTROM = 0.4, 250.0, 0.4
D_ANGSTROM = (2.8, 2.0, 1.6)
GEOMETRY = flat_geometry(
    distance_mm=DISTANCE_MM, wavelength_angstrom=WAVELENGTH_ANGSTROM, shape=SHAPE, pixel_mm=PIXEL_MM, centre_px=CENTRE
)
REDUCE = ("--geometry", "g.poni", "--bins", "200")


def powder(*, seed=1, counts=400.0):
    """Return three lines, drawn with the noise of counting; pyFAI's first row is the lowest, as is ours."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    radius = np.hypot(y - CENTRE[0], x - CENTRE[1])
    lines = np.zeros(SHAPE)
    for d in D_ANGSTROM:
        middle = DISTANCE_MM * np.tan(2.0 * np.arcsin(WAVELENGTH_ANGSTROM / 2.0 / d)) / PIXEL_MM
        lines += counts * np.exp(-0.5 * ((radius - middle) / 1.5) ** 2)
    return np.random.default_rng(seed).poisson(100.0 + lines).astype(np.int32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    GEOMETRY.write(tmp_path / "g.poni")
    fabio.edfimage.EdfImage(data=powder()).write("a.edf")
    return tmp_path


@pytest.fixture
def run(folder, capsys):
    """Run one command line; returns exit code, what it printed, and what it said beside."""

    def go(*words):
        try:
            code = main(["reduce", *words])
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        assert "unexpected" not in told.err
        return code, told.out, told.err

    return go


def spacings(printed):
    return [peak["d_angstrom"] for peak in json.loads(printed)["peaks"]]


def test_the_lines_of_a_powder_are_listed_and_nothing_is_said_beside(run):
    code, out, err = run("a.edf", *REDUCE, "--json")
    assert code == 0
    assert spacings(out) == pytest.approx(D_ANGSTROM, abs=3e-3)
    assert err == ""


@pytest.mark.parametrize("orientation", [1, 2, 4])
def test_an_image_the_wrong_way_up_is_told_which_flip_is_sharp(run, orientation):
    code, _, err = run("a.edf", *REDUCE, "--orientation", str(orientation))
    assert code == 0
    assert "rings are sharp under orientation 3" in err


@pytest.mark.parametrize(("times", "orientation"), [(2, 3), (2, 1), (4, 2)])
def test_an_image_binned_otherwise_than_its_geometry_is_told(run, folder, times, orientation):
    config = GEOMETRY.detector_config
    del config["max_shape"]
    text = (folder / "g.poni").read_text()
    line = next(one for one in text.splitlines() if one.startswith("Detector_config"))
    (folder / "g.poni").write_text(text.replace(line, f"Detector_config: {json.dumps(config)}"))
    flipped = oriented(powder(counts=2000.0), orientation)
    said = run("a.edf", *REDUCE)[2]
    assert "binned" not in said
    sides = [side // times for side in SHAPE]
    binned = flipped[: sides[0] * times, : sides[1] * times].reshape(sides[0], times, sides[1], times).sum(axis=(1, 3))
    fabio.edfimage.EdfImage(data=binned.astype(np.int32)).write("b.edf")
    code, _, said = run("b.edf", *REDUCE, "--orientation", str(orientation))
    assert code == 0
    assert f"rings are sharp with pixels {times} times as large" in said


def test_an_image_without_lines_is_a_warning(run):
    fabio.edfimage.EdfImage(data=np.random.default_rng(1).poisson(100.0, SHAPE).astype(np.int32)).write("b.edf")
    code, out, err = run("b.edf", *REDUCE)
    assert code == 0
    assert out.count("\n") == 1
    assert "no lines were found" in err
    assert "orientation" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bins", "0"], "0 is not within 10 and 20000"),
        (["--bins", "1"], "1 is not within 10 and 20000"),
        (["--bins", "-5"], "-5 is not within 10 and 20000"),
        (["--bins", "5"], "5 is not within 10 and 20000"),
        (["--bins", "1000000"], "1000000 is not within 10 and 20000"),
        (["--bins", "2e3"], "'2e3' is no whole number"),
        (["--to", "nodir/x.xye"], "there is no folder nodir"),
        (["--to", "."], ". is a folder"),
        (["--for", "gsas", "--to", "nodir/x"], "there is no folder nodir"),
        (["--for", "gsas", "--to", "a.edf"], "a.edf is a file"),
        (["--for", "gsas"], "give --to DIR"),
        (["--unit", "q", "--to", "x.chi"], "chi is always over 2theta"),
        (["--frame", "0"], "0 is not within 1"),
        (["--frame", "2"], "--frame 2 is not within 1 and 1: a.edf holds 1"),
        (["--range", "9", "3"], "--range 9 3 deg is no range"),
        (["--range", "nan", "3"], "no number within 0 and 180 deg"),
        (["--range", "3", "200"], "no number within 0 and 180 deg"),
        (["--mask-q", "3", "2"], "--mask-q 3 2 1/angstrom is no range"),
        (["--mask-q", "-1", "2"], "no number within 0 and 1000 1/angstrom"),
        (["--polarisation", "2"], "no number within -1 and 1"),
        (["--mask", "nowhere.npy"], "is not there"),
        (["--dark", "."], "is a folder"),
        (["--flat", "x" * 5000], "can be no file"),
        (["--recipe", "nowhere.toml"], "is not there"),
        (["--invert-mask"], "there is none"),
        (["--jobs", "0"], "0 is not within 1"),
        (["--orientation", "5"], "choose from 1, 2, 3, 4"),
        (["--sum", "--each"], "not allowed with"),
    ],
)
def test_an_argument_that_cannot_be_meant_is_answered_with_its_range(run, words, said):
    code, out, err = run("a.edf", "--geometry", "g.poni", *words)
    assert code == 2
    assert said in err
    assert out == ""


def test_an_image_that_is_not_there_and_a_missing_geometry_are_usage(run):
    assert "is not there" in run("nowhere.edf", *REDUCE)[2]
    code, _, err = run("a.edf")
    assert code == 2
    assert "give --geometry G.poni, or --recipe FILE" in err


def test_a_range_that_the_detector_does_not_see_is_answered_with_what_it_sees(run):
    code, _, err = run("a.edf", *REDUCE, "--range", "100", "120")
    assert code == 4
    assert "it sees 2theta from 0.0" in err


def test_more_bins_than_pixels_are_said(run):
    assert "more bins than pixels" in run("a.edf", "--geometry", "g.poni", "--bins", "1000")[2]
    assert "more bins than pixels" not in run("a.edf", "--geometry", "g.poni")[2]


def series():
    with h5py.File("s.h5", "w") as file:
        file["entry/data"] = np.stack([np.zeros(SHAPE, np.int32), powder(), powder(seed=2)])


def test_of_several_frames_the_first_is_taken_and_that_is_said(run):
    series()
    code, _, err = run("s.h5", *REDUCE)
    assert code == 0
    assert "frame 1 of 3 taken: --frame N takes another, --sum all together, --each" in err


def test_a_frame_is_chosen_and_all_are_summed(run):
    series()
    code, out, err = run("s.h5", *REDUCE, "--frame", "2", "--json")
    assert code == 0
    assert json.loads(out)["frame"] == 2
    assert "taken" not in err
    one = [peak["area"] for peak in json.loads(out)["peaks"]]
    _, out, err = run("s.h5", *REDUCE, "--sum", "--json")
    assert [peak["area"] for peak in json.loads(out)["peaks"]] == pytest.approx([2.0 * area for area in one], rel=0.05)
    assert "sum of 3 frames" in err


def test_every_frame_of_a_series_is_reduced_by_itself(run, folder):
    series()
    code, out, err = run("s.h5", *REDUCE, "--each", "--to", "out")
    assert code == 0
    assert out.splitlines()[:2] == ["s_0001: no lines", out.splitlines()[1]]
    assert out.splitlines()[1].startswith("s_0002: 3 lines, the strongest at ")
    assert "warning: s_0001: no lines were found" in err
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["s_0001.xye", "s_0002.xye", "s_0003.xye"]


def test_an_image_that_fails_ends_no_other(run, folder):
    content = (folder / "a.edf").read_bytes()
    (folder / "torn.edf").write_bytes(content[: len(content) // 2])
    code, out, err = run("torn.edf", "a.edf", *REDUCE, "--to", "out")
    assert code == 4
    assert "torn.edf is cut off" in err
    assert "a: 3 lines" in out
    assert [path.name for path in (folder / "out").iterdir()] == ["a.xye"]


def test_two_images_of_one_name_are_not_written_over_each_other(run, folder):
    (folder / "more").mkdir()
    (folder / "more" / "a.edf").write_bytes((folder / "a.edf").read_bytes())
    code, _, err = run("a.edf", "more/a.edf", *REDUCE, "--to", "out")
    assert code == 2
    assert "2 images would be written as a" in err


@pytest.mark.parametrize("unit", ["2theta", "q", "d"])
def test_a_pattern_is_written_over_the_axis_that_is_wanted(run, folder, unit):
    assert run("a.edf", *REDUCE, "--to", "p.xye", "--unit", unit)[0] == 0
    axis, intensity, _ = np.loadtxt(folder / "p.xye").T
    top = axis[np.argmax(intensity)]
    expected = {
        "2theta": [2.0 * np.degrees(np.arcsin(WAVELENGTH_ANGSTROM / 2.0 / d)) for d in D_ANGSTROM],
        "q": [2.0 * np.pi / d for d in D_ANGSTROM],
        "d": D_ANGSTROM,
    }[unit]
    assert min(abs(top / one - 1.0) for one in expected) < 0.01
    assert f"columns: {unit} [" in (folder / "p.xye").read_text()


@pytest.mark.parametrize(("name", "columns"), [("p.xy", 2), ("p.xye", 3), ("p.dat", 3), ("p.chi", 2)])
def test_the_ending_of_a_file_says_its_layout(run, folder, name, columns):
    assert run("a.edf", *REDUCE, "--to", name)[0] == 0
    assert np.loadtxt(folder / name, skiprows=4 if name.endswith("chi") else 0).shape[1] == columns


@pytest.mark.parametrize(
    ("layout", "written"),
    [
        ("xy", ["a.xy"]),
        ("chi", ["a.chi"]),
        ("rietveld", ["a.cif", "a.xye", "manifest.json"]),
        ("gsas", ["a.fxye", "a.instprm", "manifest.json"]),
        ("fullprof", ["a.dat", "a.pcr", "manifest.json"]),
        ("topas", ["a.inp", "a.xye", "manifest.json"]),
        ("csv", ["manifest.json", "points.csv"]),
        ("nexus", ["manifest.json", "run.nxs"]),
    ],
)
def test_a_pattern_is_written_in_the_layouts_of_an_export(run, folder, layout, written):
    code, _, err = run("a.edf", "--geometry", "g.poni", "--bins", "100", "--for", layout, "--to", "out")
    assert code == 0, err
    assert sorted(path.name for path in (folder / "out").iterdir()) == written
    assert not any("nan" in path.read_text(errors="replace") for path in (folder / "out").glob("a.*"))


@pytest.mark.parametrize(
    ("layout", "suffix"), [("xye", "xye"), ("gsas", "fxye"), ("fullprof", "dat"), ("cif", "cif"), ("chi", "chi")]
)
def test_a_refinement_program_reads_back_the_pattern_of_an_image(run, folder, layout, suffix):
    readers = pytest.importorskip("rietx.io.readers")
    assert run("a.edf", "--geometry", "g.poni", "--bins", "100", "--for", layout, "--to", "out")[0] == 0
    read = readers.read_pattern(folder / "out" / f"a.{suffix}")
    pattern = reduce_image(folder / "a.edf", GEOMETRY, bins=100).pattern
    np.testing.assert_allclose(read.two_theta, pattern.two_theta_deg, atol=2e-5)
    np.testing.assert_allclose(read.intensity, pattern.intensity, rtol=2e-6)
    if layout != "chi":
        np.testing.assert_allclose(read.sigma, pattern.sigma, rtol=2e-6)


def test_patterns_of_many_images_are_rows_of_one_nexus_file(run, folder):
    fabio.edfimage.EdfImage(data=powder(seed=2)).write("b.edf")
    assert run("a.edf", "b.edf", "--geometry", "g.poni", "--bins", "100", "--for", "nexus", "--to", "out")[0] == 0
    with h5py.File(folder / "out" / "run.nxs") as file:
        plot = file[file.attrs["default"]][file["entry"].attrs["default"]]
        rows = plot[plot.attrs["signal"]][()]
    for row, name in zip(rows, ("a.edf", "b.edf"), strict=True):
        np.testing.assert_array_equal(row, reduce_image(folder / name, GEOMETRY, bins=100).pattern.intensity)


def test_an_inverted_mask_is_doubted_with_its_share_and_can_be_turned(run):
    mask = np.zeros(SHAPE, bool)
    mask[:, 150:157] = True
    np.save("m.npy", ~mask)
    _, _, err = run("a.edf", *REDUCE, "--mask", "m.npy")
    assert "the mask takes 97.5 % of the pixels" in err
    code, out, err = run("a.edf", *REDUCE, "--mask", "m.npy", "--invert-mask", "--json")
    assert code == 0
    assert spacings(out) == pytest.approx(D_ANGSTROM, abs=3e-3)
    assert err == ""


def test_a_mask_without_a_good_pixel_is_refused_with_its_share(run):
    np.save("m.npy", np.ones(SHAPE, bool))
    code, _, err = run("a.edf", *REDUCE, "--mask", "m.npy")
    assert code == 4
    assert "the mask takes 100.0 % of the pixels" in err


def test_ranges_of_angle_and_of_q_are_left_out(run):
    _, out, _ = run("a.edf", *REDUCE, "--mask-two-theta", "7.7", "8.7", "--mask-q", "2.9", "3.4", "--json")
    assert spacings(out) == pytest.approx([1.6], abs=3e-3)


def test_a_recipe_gives_all_it_has_and_the_command_line_goes_before_it(run, folder):
    mask = np.zeros(SHAPE, np.uint8)
    mask[100:110] = 1
    fabio.edfimage.EdfImage(data=mask).write("mask.edf")
    np.save("dark.npy", np.full(SHAPE, 60.0))
    np.save("flat.npy", np.full(SHAPE, 2.0))
    (folder / "r.toml").write_text(
        'geometry = "g.poni"\n[frames]\nbins = 150\ntwo_theta_deg = [7.0, 13.0]\npolarisation = 0.0\n'
        '[plate]\nmask = "mask.edf"\ndark = "dark.npy"\nflat = "flat.npy"\n'
    )
    assert run("a.edf", "--recipe", "r.toml", "--to", "p.xye")[0] == 0
    axis, intensity, _ = np.loadtxt(folder / "p.xye").T
    assert len(axis) == 150
    assert axis.min() > 7.0
    assert axis.max() < 13.0
    assert np.percentile(intensity, 20) == pytest.approx(20.0, rel=0.1)  # (100 - 60) / 2
    assert run("a.edf", "--recipe", "r.toml", "--bins", "80", "--range", "8", "12", "--to", "q.xye")[0] == 0
    assert np.loadtxt(folder / "q.xye").shape[0] == 80


def test_dark_and_flat_are_taken_from_the_command_line(run, folder):
    np.save("dark.npy", np.full(SHAPE, 60.0))
    np.save("flat.npy", np.full(SHAPE, 2.0))
    assert run("a.edf", *REDUCE, "--dark", "dark.npy", "--flat", "flat.npy", "--to", "p.xye")[0] == 0
    assert np.percentile(np.loadtxt(folder / "p.xye")[:, 1], 20) == pytest.approx(20.0, rel=0.1)


def test_a_dark_brighter_than_the_image_and_a_flat_without_response_are_told(run, folder):
    np.save("dark.npy", np.full(SHAPE, 5000.0))
    np.save("flat.npy", np.zeros(SHAPE))
    code, _, said = run("a.edf", *REDUCE, "--dark", "dark.npy")
    assert code == 0
    assert "the dark image is brighter than the image: -5" in said
    code, _, said = run("a.edf", *REDUCE, "--flat", "flat.npy")
    assert code == 4
    assert "flat.npy is above zero in no pixel" in said


@pytest.fixture
def words(tmp_path):
    """Of the command line; the image has eighteen bright pixels along one ring and a gap of 65535."""
    geometry = flat_geometry(distance_mm=100.0, wavelength_angstrom=0.41373, shape=(300, 300), pixel_mm=0.2)
    image = np.random.default_rng(1).poisson(100.0, (300, 300)).astype(np.uint16)
    image[60:63, 140:158] = 9000
    image[:, 30:36] = 65535
    fabio.edfimage.EdfImage(data=image).write(str(tmp_path / "a.edf"))
    (tmp_path / "a.poni").write_text(geometry.poni)
    return ["reduce", str(tmp_path / "a.edf"), "--geometry", str(tmp_path / "a.poni"), "--bins", "200"]


def test_masked_pixels_and_the_worst_ring_are_said_beside_the_list(words, capsys):
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.startswith("  2theta (deg)")
    assert "2.0 % of the pixels are masked, those from 65535 counts" in said.err
    assert "rejected as spots" in said.err


def test_a_line_whose_grains_are_rejected_says_so_and_its_neighbour_does_not(tmp_path, capsys):
    shape = (400, 400)
    geometry = flat_geometry(distance_mm=100.0, wavelength_angstrom=0.41373, shape=shape, pixel_mm=0.2)
    y, x = np.indices(shape) - 199.5
    angle = np.degrees(np.arctan2(0.2 * np.hypot(x, y), 100.0))
    rings = [100.0 * np.exp(-4.0 * np.log(2.0) * ((angle - centre) / 0.4) ** 2) for centre in (8.0, 14.0)]
    grains = np.cos(12.0 * np.arctan2(y, x)) > 0.97
    image = np.random.default_rng(1).poisson(20.0 + rings[0] + rings[1] * np.where(grains, 30.0, 1.0))
    fabio.edfimage.EdfImage(data=image.astype(np.int32)).write(str(tmp_path / "a.edf"))
    (tmp_path / "a.poni").write_text(geometry.poni)
    words = ["reduce", str(tmp_path / "a.edf"), "--geometry", str(tmp_path / "a.poni"), "--bins", "150"]
    assert main(words) == 0
    smooth, grainy = capsys.readouterr().out.splitlines()[1:]
    assert "rejected" not in smooth
    assert grainy.endswith("% of its pixels rejected")
    assert main([*words, "--json"]) == 0
    smooth, grainy = json.loads(capsys.readouterr().out)["peaks"]
    assert smooth["rejected_fraction"] < 0.01
    assert grainy["rejected_fraction"] > 0.02


def test_of_several_rings_that_lose_pixels_each_is_named(tmp_path, capsys):
    shape = (400, 400)
    geometry = flat_geometry(distance_mm=100.0, wavelength_angstrom=0.41373, shape=shape, pixel_mm=0.2)
    y, x = np.indices(shape) - 199.5
    angle = np.degrees(np.arctan2(0.2 * np.hypot(x, y), 100.0))
    grains = np.cos(12.0 * np.arctan2(y, x)) > 0.9965
    image = np.random.default_rng(1).poisson(
        20.0 + 3000.0 * grains * ((abs(angle - 8) < 0.2) | (abs(angle - 14) < 0.2))
    )
    fabio.edfimage.EdfImage(data=image.astype(np.int32)).write(str(tmp_path / "a.edf"))
    (tmp_path / "a.poni").write_text(geometry.poni)
    assert main(["reduce", str(tmp_path / "a.edf"), "--geometry", str(tmp_path / "a.poni"), "--bins", "150"]) == 0
    told = re.findall(r"% of those at ([0-9.]+) deg", capsys.readouterr().err)
    assert [round(float(place)) for place in told] == [8, 14]


def test_clipping_is_by_choice_and_a_program_is_told_the_same(words, capsys):
    assert main([*words, "--json"]) == 0
    clipped = json.loads(capsys.readouterr().out)
    assert main([*words, "--json", "--no-clip"]) == 0
    kept = json.loads(capsys.readouterr().out)
    assert clipped["rejected_fraction"] > 1e-4
    assert len(clipped["remarks"]) == 2
    assert kept["rejected_fraction"] == 0.0
    assert len(kept["remarks"]) == 1
