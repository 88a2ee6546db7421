"""The verb that refines rival models, on a reduced run made of drawn patterns."""

import json
import math

import pytest
from reduced_documents import data, documents
from worlds.drawn_alloy import EDGE, alloy, drawn

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a data folder with one reduced run: the alloy, the alloy with no cell found, a point that failed."""
    root = tmp_path_factory.mktemp("data")
    pattern = drawn(alloy())
    points = [data(0, a=EDGE + 0.002), data(1, a=math.nan), data(2, reduced=False)]
    for point in points[:2]:
        point |= {"two_theta_deg": pattern.two_theta_deg, "intensity": pattern.intensity}
        point |= {"intensity_sigma": pattern.sigma, "phases": "alloy"}
    journal = Journal(DataFolder(root).derived_journals)
    for number, (name, document) in enumerate(documents(points)):
        journal(name, {"uid": f"event {number}", "run_start": "d-0123456789", **document})
    return root


@pytest.mark.parametrize("point", ["1", "2"])
def test_models_are_ranked_whether_the_reduction_knew_the_cell_or_not(folder, capsys, point):
    assert main(["refine", "d-0123456789", point, "--data", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    best, worst = told["ranked"]
    assert (best["model"], worst["model"]) == ("B", "A")
    assert best["phases"][0]["cell"]["a_angstrom"] == pytest.approx(EDGE, abs=2e-4)
    assert worst["agreement"]["r_wp_subtracted"] / best["agreement"]["r_wp_subtracted"] > 1.6


def test_the_table_says_the_ratio_and_the_figure_is_drawn(folder, capsys, tmp_path):
    png = tmp_path / "differences.png"
    assert main(["refine", "d-0123456789", "1", "--data", str(folder), "--to", str(png)]) == 0
    printed = capsys.readouterr().out
    assert "Rwp(A)/Rwp(B) = " in printed
    assert "Li1 0." in printed
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_point_without_a_pattern_is_refused_with_those_that_have_one(folder, capsys):
    assert main(["refine", "d-0123456789", "3", "--data", str(folder)]) == 2
    assert "Those that have: 1, 2." in capsys.readouterr().err


def test_a_range_without_lines_is_refused_in_words(folder, capsys):
    assert main(["refine", "d-0123456789", "1", "--data", str(folder), "--range", "4", "5"]) == 4
    assert "no reflection" in capsys.readouterr().err


def test_a_pattern_of_something_else_is_not_given_to_either_model(folder, capsys, tmp_path):
    other = tmp_path / "other.cif"
    other.write_text(
        "data_other\n_cell_length_a 3.6\n_cell_length_b 3.6\n_cell_length_c 5.2\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P 4/m m m'\nloop_\n"
        "_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        "Cs1 Cs 0 0 0\n"
    )
    code = main(["refine", "d-0123456789", "1", "--data", str(folder), "--models", str(other)])
    said = capsys.readouterr()
    assert code == 4 or "no model describes this pattern" in said.out


@pytest.mark.parametrize("edge", [4.48, 5.59, 6.33, 7.81])
def test_a_cell_that_lies_well_by_chance_is_refused(folder, capsys, tmp_path, edge):
    # A search within 6 % finds a cell for each of them, whose lines happen to lie on lines of the alloy.
    other = tmp_path / "other.cif"
    other.write_text(
        f"data_other\n_cell_length_a {edge}\n_cell_length_b {edge}\n_cell_length_c {edge}\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P m -3 m'\nloop_\n_atom_site_label\n"
        "_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nCs1 Cs 0 0 0\n"
    )
    assert main(["refine", "d-0123456789", "1", "--data", str(folder), "--models", str(other)]) == 4
    assert "strongest lines" in capsys.readouterr().err
