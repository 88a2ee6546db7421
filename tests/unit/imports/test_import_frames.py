"""`lics import`: frames are found and held against the geometry, all faults told at once, nothing recorded with any."""

import hashlib
import json
import math
import os
import shutil
import tempfile
from pathlib import Path

import event_model
import fabio
import h5py
import numpy as np
import pytest

from lics_beamline import schema
from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import ProfileError
from lics_beamline.exports.recorded_run import read_run
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.imports.frame_files import FrameFinder
from lics_beamline.imports.frame_table import read_table
from lics_beamline.imports.placement import place, placement
from lics_beamline.journal.events import events
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.reduction.image import ImageRecipe, reduce_frame
from lics_beamline.reduction.recipe import read_recipe, recipe_of

SHAPE = (60, 70)
GEOMETRY = flat_geometry(distance_mm=100.0, wavelength_angstrom=0.4133, shape=SHAPE, pixel_mm=0.5)
IMPORT = ("--geometry", "g.poni", "--bins", "50", "--data", "data")


def image(seed=1, shape=SHAPE):
    return np.random.default_rng(seed).poisson(100.0, shape).astype(np.int32)


def edf(path, seed=1, shape=SHAPE):
    fabio.edfimage.EdfImage(data=image(seed, shape)).write(str(path))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    GEOMETRY.write(tmp_path / "g.poni")
    (tmp_path / "frames").mkdir()
    for number in range(3):
        edf(tmp_path / "frames" / f"a_{number}.edf", seed=number)
    with h5py.File(tmp_path / "frames" / "scan.h5", "w") as file:
        file["/entry/data/data"] = np.stack([image(seed) for seed in (10, 11, 12)])
    return tmp_path


def write(text):
    with open("t.csv", "w", encoding="utf-8") as file:
        file.write(text)


def take(capsys, *options):
    code = main(["import", "t.csv", "--frames", "frames", *IMPORT, *options])
    said = capsys.readouterr()
    return code, said.out, said.err


def recorded():
    """Return start document and events by stream of the one run of the data folder."""
    (head,) = heads(DataFolder(Path("data")).raw_journals)
    found = {}
    for event in events(read(head.path)):
        found.setdefault(event.stream, []).append(event.data)
    return head.start, found


def test_a_row_is_recorded_as_it_was_given(folder, capsys):
    write("file,P (kbar),+-,T (C),exposure (s),stroke,comment,sample\na_0.edf,10,1,25,2,up,first,Au\na_1.edf,,,,,,,\n")
    code, out, _ = take(capsys, "--pressure-by", "notebook", "--operator", "me")
    assert code == 0, out
    start, found = recorded()
    first, second = found["primary"]
    given = ("pressure_gpa", "pressure_sigma_gpa", "temperature_k", "exposure_s")
    assert [first[name] for name in given] == pytest.approx([1.0, 0.1, 298.15, 2.0])
    assert (first["stroke"], first["comment"], first["table_line"]) == ("upstroke", "first", 2)
    assert all(math.isnan(second[name]) for name in given)
    assert "ruby_spectrum" not in first
    assert (start["purpose"], start["sample"]["name"], start["operator"]) == ("sweep", "Au", "me")
    imported = start["imported"]
    assert imported["table_sha256"] == hashlib.sha256(Path("t.csv").read_bytes()).hexdigest()
    assert (imported["table"], imported["pressure_by"]) == ("t.csv", "notebook")
    assert imported["by"].startswith("lics_beamline ")
    assert "2 frames of 60 x 70 pixels, 1 GPa, 298.15 K" in out
    assert "without pressure: 1, in which no phases are sought" in out


def test_the_documents_are_those_of_bluesky_and_of_the_schema(folder, capsys):
    write("file,frame,P (GPa),T (K)\na_0.edf,,1,300\nscan.h5,2,2,300\nscan.h5,3,3,300\n")
    told = json.loads(take(capsys, "--json")[1])
    documents = list(read(Path(told["journal"])))
    for name, doc in documents:
        event_model.schema_validators[event_model.DocumentNames[name]].validate(doc)
    keys = {doc["name"]: doc["data_keys"] for name, doc in documents if name == "descriptor"}
    assert set(keys["primary"]) == {field.name for field in schema.IMPORTED_FIELDS}
    for event in events(documents):
        assert set(event.data) == set(keys[event.stream])
    assert [name for name, _ in documents].count("resource") == 2
    assert documents[-1][1]["num_events"] == {"primary": 3, "readout": 3}


def test_the_range_is_what_the_detector_sees_where_nothing_says_another(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\n")
    take(capsys)
    start, _ = recorded()
    corner_deg = math.degrees(math.atan(math.hypot(30 * 0.5, 35 * 0.5) / 100.0))
    assert start["recipe"]["frames"]["two_theta_deg"][1] == pytest.approx(corner_deg, abs=0.3)
    assert start["recipe"]["phases"] == []


def test_all_faults_of_table_and_frames_are_told_at_once_and_nothing_is_recorded(folder, capsys):
    edf("frames/other.edf", shape=(50, 70))
    Path("frames/torn.edf").write_bytes(Path("frames/a_0.edf").read_bytes()[:-5000])
    write(
        "file,frame,P (GPa),T (K),wavelength (A),sample\n"
        "a_0.edf,,1,300,0.4133,Au\n"
        "./a_0.edf,,2,300,0.4133,Au\n"
        "a_9.edf,,3,300,,\n"
        "other.edf,,4,300,,\n"
        "torn.edf,,5,300,,\n"
        "scan.h5,,6,300,,\n"
        "scan.h5,4,7,300,,\n"
        "scan.h5,1,8,300,0.7107,\n"
        "a_1.edf,,-3,300,,KCl\n"
    )
    code, out, err = take(capsys)
    assert (code, out) == (2, "")
    expected = {
        3: "line 2 names the same frame",
        4: "there is no such file in frames. Near it: a_",
        5: "has 50 x 70 pixels and the geometry 60 x 70",
        6: "torn.edf is cut off",
        7: "holds 3 frames. Say which in a column `frame`, from 1 to 3, or `sum`",
        8: "has no frame 4: it holds 3",
        9: "the table says 0.7107 angstrom, and the geometry 0.4133",
        10: "column 'P (GPa)': -3 is not within",
    }
    for line, says in expected.items():
        assert [each for each in err.splitlines() if f"t.csv, line {line}," in each and says in each], (line, err)
    assert "line 10, sample 'KCl': line 2 says 'Au'" in err
    assert "t.csv has 9 faults, and nothing was recorded" in err
    assert not Path("data").exists()


def test_check_says_what_would_be_recorded_and_records_nothing(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\n")
    code, out, _ = take(capsys, "--check")
    assert code == 0
    assert "nothing was recorded" in out
    assert not Path("data").exists()


def test_frames_are_linked_to_and_take_no_room_unless_they_are_to_be_copied(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\n")
    take(capsys)
    _, found = recorded()
    linked = Path("data") / found["readout"][0]["frame_path"]
    assert linked.samefile("frames/a_0.edf")
    shutil.rmtree("data")
    take(capsys, "--copy")
    _, found = recorded()
    copied = Path("data") / found["readout"][0]["frame_path"]
    assert not copied.samefile("frames/a_0.edf")
    assert copied.read_bytes() == Path("frames/a_0.edf").read_bytes()


def test_frames_in_the_data_folder_stay_where_they_are(folder, capsys):
    Path("data").mkdir()
    Path("data/plates").symlink_to(Path("frames").absolute())
    write("file,P (GPa),T (K)\na_0.edf,1,300\n")
    code, _, err = take(capsys)
    assert code == 0, err
    _, found = recorded()
    assert found["readout"][0]["frame_path"] == "plates/a_0.edf"
    assert sorted(each.name for each in Path("frames").iterdir()) == ["a_0.edf", "a_1.edf", "a_2.edf", "scan.h5"]


def test_frames_that_cannot_be_linked_to_are_refused_with_what_to_do_and_nothing_is_left(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\na_1.edf,2,300\n")
    take(capsys, "--check")
    table = read_table(Path("t.csv"))
    frames = FrameFinder(table, Path("frames"), GEOMETRY).find()
    data = DataFolder(Path("data").absolute()).make()
    placed = placement(data, frames, "abc")
    (data.plates / "abc" / "a_1.edf").mkdir(parents=True)  # a folder is in its way
    with pytest.raises(ProfileError, match=r"cannot be linked to .* --copy; or make `plates`"):
        place(placed, copy=False)
    assert [each.name for each in (data.plates / "abc").iterdir()] == ["a_1.edf"]


def test_frames_on_another_disk_are_refused_by_the_check_too(folder, capsys):
    if os.stat("/dev/shm").st_dev == os.stat(".").st_dev:
        pytest.skip("/dev/shm is no disk of its own here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as away:
        shutil.copy("frames/a_0.edf", away)
        write("file,P (GPa),T (K)\na_0.edf,1,300\n")
        for more in (("--check",), ()):
            assert main(["import", "t.csv", "--frames", away, *IMPORT, *more]) == 2
            err = capsys.readouterr().err
            assert "it lies on another disk. Copy the frames (1 MB) with --copy" in err
        assert not Path("data").exists()
        assert main(["import", "t.csv", "--frames", away, *IMPORT, "--copy"]) == 0


def test_the_same_import_is_recorded_once_and_another_recipe_makes_another_run(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\n")
    first, again, other = (json.loads(take(capsys, "--json", *more)[1]) for more in ((), (), ("--no-clip",)))
    assert (again["uid"], again["recorded"]) == (first["uid"], False)
    assert other["uid"] != first["uid"]
    assert len(heads(DataFolder(Path("data")).raw_journals)) == 2


def test_an_import_that_was_cut_off_goes_on(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\na_1.edf,2,300\n")
    told = json.loads(take(capsys, "--json")[1])
    journal = Path(told["journal"])
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:5]) + lines[5][:20])
    assert json.loads(take(capsys, "--json")[1])["recorded"] is True
    _, found = recorded()
    assert [len(found[stream]) for stream in ("primary", "readout")] == [2, 2]


def test_one_frame_of_many_is_recorded_with_its_number_and_the_sum_too(folder, capsys):
    write("file,frame,P (GPa),T (K)\nscan.h5,2,1,300\nscan.h5::/entry/data/data,sum,2,300\n")
    take(capsys)
    _, found = recorded()
    told = [(each["frame_number"], each["frame_dataset"]) for each in found["readout"]]
    assert told == [(2, ""), (0, "/entry/data/data")]


def test_replay_reads_the_very_frame_and_its_pressure(folder, capsys):
    """Frame 2 of the series is half as bright as the others; a row without a pressure is reduced and says so."""
    with h5py.File("frames/scan.h5", "r+") as file:
        file["/entry/data/data"][1] //= 2
    write("file,frame,P (GPa),+-,T (K)\nscan.h5,2,1.5,0.1,300\nscan.h5,sum,,,300\na_0.edf,,3,,300\n")
    take(capsys)
    assert main(["replay", "last", "--data", "data", "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    table = read_run("last", "data")
    points = table.reduced().points
    means = [float(np.nanmean(point.intensity)) for point in points]
    assert means[0] / means[2] == pytest.approx(0.5, rel=0.05)
    assert means[1] / means[2] == pytest.approx(2.5, rel=0.05)
    assert [point.pressure_gpa for point in points][0::2] == [1.5, 3.0]
    assert points[1].reduced
    assert points[1].note == "pressure was not given: no phase was sought."
    assert "   1    1.500 +- 0.100    300.0" in out
    assert "   2        -             300.0" in out


def test_a_recipe_is_recorded_whole_and_another_may_be_taken_whatever_it_says_of_ruby(folder, capsys):
    frames = "[frames]\nbins = 40\ntwo_theta_deg = [1.0, 8.123456789]\n"
    Path("r.toml").write_text('geometry = "g.poni"\nphases = []\n' + frames)
    Path("other.toml").write_text(Path("r.toml").read_text() + '[ruby]\naxis = "ambient"\n')
    write("file,P (GPa),T (K)\na_0.edf,1,300\n")
    assert main(["import", "t.csv", "--frames", "frames", "--recipe", "r.toml", "--data", "data"]) == 0
    start, _ = recorded()
    assert start["recipe_digest"] == read_recipe(Path("r.toml")).digest
    assert main(["replay", "last", "--recipe", "other.toml", "--data", "data", "--jobs", "1"]) == 0
    (point,) = read_run("last", "data").reduced().points
    assert (point.reduced, point.pressure_gpa, point.intensity.size) == (True, 1.0, 40)


def test_a_frame_that_changed_since_is_refused_by_replay_and_verify(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\na_1.edf,2,300\n")
    take(capsys, "--copy")
    _, found = recorded()
    path = Path("data") / found["readout"][1]["frame_path"]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert main(["verify", "--data", "data"]) == 4
    assert "it is not what was measured" in capsys.readouterr().out
    main(["replay", "last", "--data", "data", "--jobs", "1"])
    assert [point.reduced for point in read_run("last", "data").reduced().points] == [True, False]


def master(*, folder, counts=(100, 200)):
    """Write a master file that links to two data files beside it, with the detector's mask."""
    for number, level in enumerate(counts, start=1):
        with h5py.File(folder / f"data_{number:06d}.h5", "w") as file:
            file["/entry/data/data"] = np.full((1, *SHAPE), level, dtype=np.int32)
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[:, :5] = 1
    with h5py.File(folder / "x_master.h5", "w") as file:
        for number in (1, 2):
            link = h5py.ExternalLink(f"data_{number:06d}.h5", "/entry/data/data")
            file[f"/entry/data/data_{number:06d}"] = link
        file["/entry/instrument/detector/pixel_mask"] = mask


@pytest.mark.parametrize("copy", [(), ("--copy",)])
def test_the_files_that_a_master_file_links_to_come_with_it_and_are_held_against_the_record(folder, capsys, copy):
    master(folder=Path("frames"))
    write("file,frame,P (GPa),T (K)\nx_master.h5,2,1,300\n")
    code, _, err = take(capsys, *copy)
    assert code == 0, err
    start, _ = recorded()
    placed = Path("data/plates") / start["plate_folder"]
    assert sorted(each.name for each in placed.iterdir()) == ["data_000001.h5", "data_000002.h5", "x_master.h5"]
    assert main(["replay", "last", "--data", "data", "--jobs", "1"]) == 0
    (point,) = read_run("last", "data").reduced().points
    recipe = recipe_of(start["recipe"])
    alone = ImageRecipe(geometry=recipe.geometry, integration=recipe.integration())
    pattern = reduce_frame(Path("frames/x_master.h5"), alone, frame=2).pattern  # as lics reduce --frame 2
    assert np.array_equal(point.intensity, pattern.intensity, equal_nan=True)
    assert np.nanmean(point.intensity) > 150.0  # of the second file, where the first has 100
    (placed / "data_000002.h5").unlink()
    with h5py.File(placed / "data_000002.h5", "w") as file:
        file["/entry/data/data"] = np.full((1, *SHAPE), 300, dtype=np.int32)
    assert main(["verify", "--data", "data"]) == 4
    assert "it is not what was measured" in capsys.readouterr().out


def test_a_master_file_whose_data_lie_outside_the_folder_is_refused(folder, capsys):
    master(folder=Path("frames"))
    Path("frames/data_000002.h5").rename("away.h5")
    with h5py.File("frames/x_master.h5", "r+") as file:
        del file["/entry/data/data_000002"]
        file["/entry/data/data_000002"] = h5py.ExternalLink("../away.h5", "/entry/data/data")
    write("file,frame,P (GPa),T (K)\nx_master.h5,2,1,300\n")
    code, _, err = take(capsys)
    assert code == 2
    assert "lies outside the folder of --frames" in err
    assert not Path("data").exists()


def test_a_name_without_its_ending_is_found_where_one_file_has_it(folder, capsys):
    write("file,P (GPa),T (K)\na_0,1,300\n")
    assert take(capsys)[0] == 0
    fabio.tifimage.TifImage(data=image()).write("frames/a_1.tif")
    write("file,P (GPa),T (K)\na_1,1,300\n")
    code, _, err = take(capsys)
    assert code == 2
    assert "a_1.edf, a_1.tif are so named" in err


def test_a_name_that_the_catalog_cannot_have_is_refused_before_anything_is_recorded(folder, capsys):
    edf("frames/a#1.edf")
    write('file,P (GPa),T (K)\n"a#1.edf",1,300\n')
    code, _, err = take(capsys)
    assert code == 2
    assert "has '#', which the catalog cannot name. Rename the file." in err


def test_a_mask_of_another_shape_is_refused_before_anything_is_recorded(folder, capsys):
    np.save("mask.npy", np.zeros((10, 10), dtype=np.uint8))
    write("file,P (GPa),T (K)\na_0.edf,1,300\n")
    code, _, err = take(capsys, "--mask", "mask.npy")
    assert code == 2
    assert "10 x 10" in err
    assert not Path("data").exists()


def test_without_a_geometry_nothing_is_done(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\n")
    assert main(["import", "t.csv", "--frames", "frames", "--data", "data"]) == 2
    assert "there is no geometry" in capsys.readouterr().err


def test_an_imported_run_is_no_sweep_to_go_on_with(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\n")
    told = json.loads(take(capsys, "--json")[1])
    assert main(["resume", told["uid"], "--data", "data"]) == 2
    assert "was imported" in capsys.readouterr().err
    assert main(["resume", "--data", "data"]) == 2
    assert "no sweep" in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["csv", "xye", "cif", "nexus", "tiff", "gsas"])
def test_points_without_a_pressure_are_exported_too(folder, capsys, layout):
    write("file,P (GPa),T (K)\na_0.edf,1,300\na_1.edf,,\n")
    take(capsys, "--pressure-by", "ruby by eye")
    main(["replay", "last", "--data", "data", "--jobs", "1"])
    assert main(["export", "last", "--for", layout, "--to", "out", "--data", "data"]) == 0
    names = [each.name for each in Path("out").iterdir()]
    assert not any("nan" in name for name in names)
    if layout == "xye":
        (second,) = Path("out").glob("point-001*")
        assert "P = not given (as given: ruby by eye), T = not given" in second.read_text()


def test_two_reductions_of_an_imported_run_are_compared_and_drawn(folder, capsys):
    write("file,P (GPa),T (K)\na_0.edf,1,300\na_1.edf,2,300\n")
    take(capsys)
    Path("other.toml").write_text('geometry = "g.poni"\nphases = []\n[frames]\nbins = 40\ntwo_theta_deg = [1.0, 9.0]\n')
    asked = ["compare", "last", "own", "other.toml", "--data", "data", "--jobs", "1", "--figure", "c.png"]
    assert main(asked) == 0
    assert "frames.bins: 50 -> 40" in capsys.readouterr().out
    assert Path("c.png").stat().st_size > 1000
