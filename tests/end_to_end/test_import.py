"""Frames of gold by another program, imported with a table: their run is like any other, by the command line.

Frames and equation of state are of `worlds.compressed_gold`; the recipe expects a softer gold.
"""

import json

import numpy as np
import pytest
from worlds.compressed_gold import K0_GPA, K0_SLOPE, PRESSURES_GPA, V0_ANGSTROM3, edge_angstrom, gold_frames

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.exports.recorded_run import read_run
from lics_beamline.frames.frame import FrameSeries

from .conftest import lics

pytestmark = pytest.mark.long

SIGMA_GPA = 0.05


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """The folder in which the frames were imported and replayed, and what the import said."""
    folder = tmp_path_factory.mktemp("import")
    names = gold_frames(folder / "frames")
    rows = [f"{name};{PRESSURES_GPA[index]};{SIGMA_GPA};25;" for index, name in enumerate(names[:5])]
    rows.append(f"{names[5]};{PRESSURES_GPA[5]};{SIGMA_GPA};25;2")
    (folder / "gold.csv").write_text("\n".join(("file;P (GPa);+-;T (C);frame", *rows)) + "\n")
    options = "--geometry frames/g.poni --phases frames/gold.toml --sample Au --bins 1500 --data data".split()
    said = ("--pressure-by", "equation of state of gold", "--json")
    done = lics("import", "gold.csv", "--frames", "frames", *options, *said, folder=folder)
    assert done.returncode == 0, done.stderr
    replayed = lics("replay", "last", "--data", "data", "--json", "--jobs", "1", folder=folder)
    assert replayed.returncode == 0, replayed.stderr
    return folder, json.loads(done.stdout), json.loads(replayed.stdout)


def test_cells_of_the_replayed_frames_are_those_of_the_published_equation_of_state(imported):
    folder, _, replayed = imported
    assert (replayed["points"], replayed["failed"]) == (6, 0)
    table = read_run("last", folder / "data").table()
    assert table["pressure_gpa"].tolist() == list(PRESSURES_GPA)
    assert table["pressure_sigma_gpa"].tolist() == [SIGMA_GPA] * 6
    assert table["temperature_k"].to_numpy() == pytest.approx(298.15)
    expected = np.array([edge_angstrom(pressure) for pressure in PRESSURES_GPA])
    off = (table["gold_a_angstrom"].to_numpy() - expected) / table["gold_a_sigma_angstrom"].to_numpy()
    assert np.abs(off).max() < 3.0


def test_nothing_is_recorded_that_was_not_measured(imported):
    folder, _, _ = imported
    table = read_run("last", folder / "data").table()
    for column in ("ruby_r1_nm", "pressure_systematic_gpa", "load_bar", "requested_pressure_gpa", "experiment_time_s"):
        assert table[column].isna().all()


def test_the_analysis_gives_the_published_equation_of_state_back(imported, capsys):
    folder, _, _ = imported
    assert main(["analyse", "last", "--data", str(folder / "data"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (isotherm,) = told["phases"][0]["isotherms"]
    published = (V0_ANGSTROM3, K0_GPA, K0_SLOPE)
    found = [isotherm["equation"][key] for key in ("volume0_angstrom3", "bulk_modulus_gpa", "bulk_modulus_slope")]
    for value, sigma, wanted in zip(found, isotherm["sigmas"], published, strict=True):
        assert abs(value - wanted) < 2.0 * sigma
    with open(told["report"], encoding="utf-8") as report:
        page = report.read()
    assert "Pressures as given: equation of state of gold" in page
    assert "ruby" not in page


def test_the_run_says_that_it_was_imported_and_from_which_table(imported, capsys):
    folder, told, _ = imported
    assert main(["show", told["uid"][:8], "--data", str(folder / "data")]) == 0
    shown = capsys.readouterr().out
    assert "imported  gold.csv (sha256 " in shown
    assert "pressure by equation of state of gold" in shown
    assert "temperature by a way not said" in shown
    assert "   6   50.000 +- 0.050    298.1" in shown


def test_the_run_is_whole_and_its_images_come_from_the_catalog_as_the_reduction_reads_them(imported, capsys):
    from lics_beamline.catalog.cataloguer import Cataloguer
    from lics_beamline.catalog.store import open_catalog

    folder, told, _ = imported
    data = DataFolder(folder / "data")
    placed = data.plates / told["uid"][:8]  # the same files again, where they lie, by another recipe
    geometry = ("--geometry", str(folder / "frames" / "g.poni"), "--data", str(data.root), "--json")
    assert main(["import", str(folder / "gold.csv"), "--frames", str(placed), "--sample", "Au", *geometry]) == 0
    other = json.loads(capsys.readouterr().out)["uid"]
    with Cataloguer(data) as cataloguer:
        following = cataloguer.following(retry_s=0.0)
        while following.round() or following.retrying:
            pass
        following.close()
    with open_catalog(data) as catalog:
        assert set(catalog.search(sample="Au", purpose="sweep")) == {told["uid"], other}
        for index, (name, number) in enumerate(
            (("au_000.edf", 1), ("au_002.cbf", 1), ("au_004.tif", 1), ("au_005.h5", 2))
        ):
            wanted = FrameSeries(folder / "frames" / name).frame(number).counts
            place = (0, 2, 4, 5)[index]
            for uid in (told["uid"], other):
                assert np.array_equal(catalog.image(uid, place), wanted)
    assert main(["verify", told["uid"], other, "--data", str(folder / "data")]) == 0
    assert "12 plates" in capsys.readouterr().out
