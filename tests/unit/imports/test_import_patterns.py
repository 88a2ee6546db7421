"""`lics import` of patterns that other programs integrated: a run like one of frames, and nothing taken for granted."""

import json
import math
from pathlib import Path

import event_model
import numpy as np
import pytest
from worlds.compressed_gold import CIF, PHASE, SQUARES, STRENGTHS, edge_angstrom

from lics_beamline import schema
from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import RunNotFound
from lics_beamline.journal.events import events
from lics_beamline.journal.reader import read
from lics_beamline.lines.peaks import find_peaks
from lics_beamline.patterns.even_steps import on_grid
from lics_beamline.patterns.pattern import Pattern

WAVELENGTH_ANGSTROM = 0.4133
PRESSURES_GPA = (0.5, 10.0, 20.0, 50.0)
ANGLE = np.linspace(5.0, 29.0, 1201)
CHI_HEAD = f"b\n 2-Theta Angle (Degrees)\n Intensity\n  {ANGLE.size}\n"
NAMES = ("a.xye", "b.chi", "c.fxye", "d.xy")


def counts_of_gold(pressure_gpa, angle=ANGLE):
    edge, light = edge_angstrom(pressure_gpa), np.full(angle.size, 200.0)
    for square, strength in zip(SQUARES, STRENGTHS, strict=True):
        centre = 2.0 * math.degrees(math.asin(0.5 * WAVELENGTH_ANGSTROM * math.sqrt(square) / edge))
        light += 4000.0 * strength * np.exp(-4.0 * math.log(2.0) * ((angle - centre) / 0.12) ** 2)
    return np.random.default_rng(round(10 * pressure_gpa)).poisson(light).astype(float)


def write_columns(path, *columns, head=""):
    lines = [" ".join(f"{value:.6f}" for value in row) for row in zip(*columns, strict=True)]
    path.write_text(head + "\n".join(lines) + "\n")


def write_table(*rows):
    Path("t.csv").write_text("\n".join(("file,P (GPa),+-,T (K)", *rows)) + "\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four patterns as four programs write them: the third over hundredths of a degree, as GSAS has it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold.cif").write_text(CIF)
    (tmp_path / "gold.toml").write_text(PHASE)
    counts = [counts_of_gold(pressure) for pressure in PRESSURES_GPA]
    write_columns(tmp_path / "a.xye", ANGLE, counts[0], np.sqrt(counts[0]))
    write_columns(
        tmp_path / "b.chi", ANGLE, counts[1], head=f"b\n 2-Theta Angle (Degrees)\n Intensity\n  {ANGLE.size}\n"
    )
    bank = f"gold\nBANK 1 {ANGLE.size} {ANGLE.size} CONS {100 * ANGLE[0]:.2f} 2.00 0 0 FXYE\n"
    write_columns(tmp_path / "c.fxye", 100.0 * ANGLE, counts[2], np.sqrt(counts[2]), head=bank)
    write_columns(tmp_path / "d.xy", ANGLE, counts[3])
    write_table(*(f"{name},{gpa},0.1,298" for name, gpa in zip(NAMES, PRESSURES_GPA, strict=True)))
    return tmp_path


def take(capsys, *options):
    code = main(["import", "t.csv", "--phases", "gold.toml", "--data", "data", *options])
    said = capsys.readouterr()
    return code, said.out, said.err


def reduced():
    """Return the fields of the reduced points of the one derived run."""
    (journal,) = Path("data/journals/derived").glob("*.jsonl")
    return [event.data for event in events(read(journal))]


def test_patterns_of_four_programs_become_a_run_with_the_cells_of_a_published_equation_of_state(folder, capsys):
    code, out, err = take(capsys, "--wavelength", str(WAVELENGTH_ANGSTROM))
    assert code == 0, err
    assert "4 patterns of 1201 points, 4.99 to 29.01 deg at 0.4133 angstrom, 0.5 to 50 GPa, 298 K" in out
    assert "interpolated" not in err
    assert main(["replay", "last", "--data", "data", "--jobs", "1"]) == 0
    points = reduced()
    assert len(points) == len(PRESSURES_GPA)
    for point, gpa in zip(points, PRESSURES_GPA, strict=True):
        assert (point["phases"], point["pressure_gpa"], point["unknown_peaks"]) == ("gold", gpa, 0)
        assert point["gold_a_angstrom"] == pytest.approx(edge_angstrom(gpa), abs=4.0 * point["gold_a_sigma_angstrom"])
        assert point["gold_a_sigma_angstrom"] < 3e-4


def test_the_documents_are_those_of_bluesky_and_name_no_image(folder, capsys):
    told = json.loads(take(capsys, "--wavelength", "0.4133", "--errors", "counts", "--json")[1])
    documents = list(read(Path(told["journal"])))
    for name, doc in documents:
        event_model.schema_validators[event_model.DocumentNames[name]].validate(doc)
    keys = {doc["name"]: doc["data_keys"] for name, doc in documents if name == "descriptor"}
    assert schema.FRAME_IMAGE not in keys["readout"]
    for event in events(documents):
        assert set(event.data) == set(keys[event.stream])
    assert not {"resource", "datum"} & {name for name, _ in documents}
    how = documents[0][1]["imported"]["patterns"]
    assert (how["wavelength_angstrom"], how["errors"], how["unit"]) == (0.4133, "counts", None)


def test_how_patterns_are_read_makes_another_run(folder, capsys):
    uids = {
        json.loads(take(capsys, "--wavelength", said, "--json")[1])["uid"] for said in ("0.4133", "0.4134", "0.4133")
    }
    assert len(uids) == 2


def test_without_a_wavelength_each_file_is_named_and_nothing_is_recorded(folder, capsys):
    code, _, err = take(capsys)
    assert code == 2
    assert err.count("names no wavelength") == len(NAMES)
    assert not Path("data/journals").exists()


def test_a_table_and_a_command_line_of_two_wavelengths_are_refused(folder, capsys):
    Path("t.csv").write_text("file,P (GPa),T (K),wavelength (A)\na.xye,1,298,0.4133\nb.chi,2,298,0.5\n")
    code, _, err = take(capsys)
    assert code == 2
    assert "line 3, 'b.chi': the table says 0.5 angstrom, and the table 0.4133" in err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--geometry", "a.xye"), "--geometry is of frames"),
        (("--no-clip",), "--no-clip is of frames"),
    ],
)
def test_what_is_said_of_frames_is_refused_with_patterns(folder, capsys, options, says):
    code, _, err = take(capsys, "--wavelength", "0.4133", *options)
    assert code == 2
    assert says in err


def test_files_that_may_be_frames_are_patterns_only_where_that_is_said(folder, capsys):
    write_table("scan.h5,1,0.1,298")
    assert "--wavelength is of patterns" in take(capsys, "--wavelength", "0.4133")[2]


def test_what_is_wrong_with_each_pattern_is_told_at_once(folder, capsys):
    Path("a.xye").write_text("1 2\n" * 3)
    Path("b.chi").unlink()
    code, _, err = take(capsys, "--wavelength", "0.4133")
    assert code == 2
    assert "t.csv has 2 faults, and nothing was recorded" in err
    assert "line 2, 'a.xye'" in err
    assert "line 3, 'b.chi'" in err


def test_a_pattern_that_changed_since_or_a_recipe_of_another_wavelength_reduces_nothing(folder, capsys):
    assert take(capsys, "--wavelength", "0.4133", "--copy")[0] == 0
    (recorded,) = Path("data/plates").rglob("a.xye")
    recorded.write_text(recorded.read_text().replace("5.000000", "5.000001"))
    main(["replay", "last", "--data", "data", "--jobs", "1"])
    said = capsys.readouterr().err
    assert "point 1 is not reduced: a.xye has changed since it was imported" in said
    assert "point 2 is not reduced" not in said
    poni = 'Detector: Detector\nDetector_config: {"pixel1": 0.0001, "pixel2": 0.0001, "orientation": 3}\n'
    Path("g.poni").write_text(f"poni_version: 2.1\n{poni}Distance: 1\nPoni1: 0\nPoni2: 0\nWavelength: 4.2e-11\n")
    Path("other.toml").write_text('geometry = "g.poni"\nphases = []\n')
    main(["replay", "last", "--data", "data", "--jobs", "1", "--recipe", "other.toml"])
    says = "the recipe is of 0.42 angstrom, and the patterns were measured at 0.4133"
    assert f"point 2 is not reduced: {says}" in capsys.readouterr().err


def test_there_are_no_images_to_export(folder, capsys):
    take(capsys, "--wavelength", "0.4133")
    main(["replay", "last", "--data", "data", "--jobs", "1"])
    assert main(["export", "last", "--for", "tiff", "--to", "out", "--data", "data"]) == 4
    assert "has no images" in capsys.readouterr().err


def test_patterns_on_several_grids_are_brought_to_the_finest_and_that_is_said(folder, capsys):
    coarse = np.linspace(6.0, 28.0, 700)
    write_columns(folder / "d.xy", coarse, counts_of_gold(50.0, coarse))
    code, out, err = take(capsys, "--wavelength", "0.4133", "--errors", "counts")
    assert code == 0
    assert "1201 points, 4.99 to 29.01 deg" in out
    assert "interpolated to the finest" in err
    main(["replay", "last", "--data", "data", "--jobs", "1"])
    last = reduced()[-1]
    assert last["gold_a_angstrom"] == pytest.approx(edge_angstrom(50.0), abs=4.0 * last["gold_a_sigma_angstrom"])
    angle = np.asarray(last["two_theta_deg"])
    assert np.isnan(np.asarray(last["intensity"])[(angle < 5.9) | (angle > 28.1)]).all()


@pytest.mark.parametrize("finer", [1.9, 3.3])
def test_noise_looks_like_no_more_lines_on_a_finer_grid(finer):
    as_measured = on_finer = 0
    for seed in range(30):
        noise = np.random.default_rng(seed).poisson(400.0, 800).astype(float)
        x = np.linspace(4.0, 28.0, 800)
        pattern = Pattern(two_theta_deg=x, intensity=noise, sigma=np.sqrt(noise), wavelength_angstrom=0.4133)
        as_measured += len(find_peaks(pattern))
        on_finer += len(find_peaks(on_grid(pattern, np.linspace(4.01, 27.99, round(800 * finer)))))
    assert on_finer <= as_measured


def test_imported_patterns_and_their_reduction_are_in_the_catalog_as_recorded(folder, capsys):
    from lics_beamline.catalog.cataloguer import Cataloguer
    from lics_beamline.catalog.store import open_catalog

    assert take(capsys, "--wavelength", str(WAVELENGTH_ANGSTROM), "--sample", "Au")[0] == 0
    assert main(["replay", "last", "--data", "data", "--jobs", "1"]) == 0
    data = DataFolder(folder / "data")
    with Cataloguer(data) as cataloguer:
        following = cataloguer.following(retry_s=0.0)
        while following.round():
            pass
        assert not following.troubles
        following.close()
    with open_catalog(data) as catalog:
        (raw,) = catalog.search(sample="Au", purpose="sweep")
        (derived,) = catalog.search(purpose="reduction", phase="gold")
        points = catalog.dataset(raw, schema.PRIMARY)
        assert points["pressure_gpa"].values.tolist() == list(PRESSURES_GPA)
        found = catalog.dataset(derived, schema.REDUCED)
        recorded = reduced()
        assert found["intensity"].shape == (len(PRESSURES_GPA), len(recorded[0]["intensity"]))
        for row, point in zip(found["gold_a_angstrom"].values, recorded, strict=True):
            assert row == point["gold_a_angstrom"]
        with pytest.raises(RunNotFound, match="has 0 frames"):
            catalog.image(raw, 0)


@pytest.fixture
def tube(tmp_path, monkeypatch):
    """A pattern of gold by a copper tube: of each line, one half as strong at K-alpha 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold.cif").write_text(CIF)
    (tmp_path / "gold.toml").write_text(PHASE)
    angle, edge = np.arange(30.0, 115.0, 0.02), edge_angstrom(0.5)
    light = np.full(angle.size, 200.0)
    for square, strength in zip(SQUARES, STRENGTHS, strict=True):
        for wavelength, share in ((1.5405929, 1.0), (1.5444274, 0.5)):
            if (sine := 0.5 * wavelength * math.sqrt(square) / edge) < 0.84:
                centre = 2.0 * math.degrees(math.asin(sine))
                light += share * 9000.0 * strength * np.exp(-4.0 * math.log(2.0) * ((angle - centre) / 0.1) ** 2)
    counts = np.random.default_rng(3).poisson(light).astype(float)
    write_columns(tmp_path / "a.xye", angle, counts, np.sqrt(counts), head="# wavelength = 1.5405929 A\n")
    write_table("a.xye,0.5,0.1,298")
    return tmp_path


def test_the_second_lines_of_a_tube_are_taken_off_and_the_cell_is_right(tube, capsys):
    code, _, err = take(capsys, "--wavelength", "CuKa")
    assert code == 0, err
    assert main(["replay", "last", "--data", "data", "--jobs", "1"]) == 0
    (point,) = reduced()
    assert (point["phases"], point["unknown_peaks"]) == ("gold", 0)
    assert point["gold_a_angstrom"] == pytest.approx(edge_angstrom(0.5), abs=4.0 * point["gold_a_sigma_angstrom"])
    assert point["gold_a_sigma_angstrom"] < 5e-4


def test_lines_that_come_twice_are_not_taken_for_those_of_one_wavelength(tube, capsys):
    code, _, err = take(capsys)
    assert code == 2
    assert "come twice, as Cu K-alpha 1 and 2 make them. --wavelength CuKa" in err
    code, _, err = take(capsys, "--wavelength", "1.5405929")
    assert code == 0, err
    assert "note: a.xye:" in err
    assert "come twice" in err
