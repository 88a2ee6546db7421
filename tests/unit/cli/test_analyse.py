"""The verb that analyses a run, on reduced runs made of documents, with drawn patterns where structure is asked."""

import json
import re

import pytest
from worlds.compressed_alloy import ALLOY, documents, points
from worlds.drawn_alloy import alloy, drawn

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal

RUN = "d-0123456789"


def record(root, made):
    journal = Journal(DataFolder(root).derived_journals)
    for name, document in made:
        journal(name, document)
    return str(root)


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """The paper's path; lines are drawn where the paper has its Rietveld refinement and its density."""
    made = points()
    for each in made:
        pressure, kelvin = round(each["pressure_gpa"], 1), each["temperature_k"]
        if (pressure, kelvin) in ((5.0, 495.0), (8.0, 298.0)):
            edge = ALLOY.volume_angstrom3(each["pressure_gpa"], kelvin) ** (1 / 3)
            pattern = drawn(alloy(edge=edge))
            each |= {"two_theta_deg": pattern.two_theta_deg, "intensity": pattern.intensity}
            each |= {"intensity_sigma": pattern.sigma, "phases": "alloy", "graininess": 0.0 * pattern.sigma}
    return record(tmp_path_factory.mktemp("paper"), documents(made=made))


@pytest.fixture(scope="module")
def told(paper, tmp_path_factory):
    """What the verb says of it for programs, and the folder of the report."""
    import contextlib
    import io

    folder = tmp_path_factory.mktemp("report")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["analyse", RUN, "--paper", "--json", "--data", paper, "--to", str(folder)]) == 0
    return json.loads(printed.getvalue()), folder


def claim(told, name):
    return next(each for each in told[0]["paper"]["claims"] if each["name"].startswith(name))


@pytest.mark.parametrize(
    ("name", "pressure", "kelvin"),
    [("a at 298 K, 3 GPa", 3.0, 298.0), ("a at 298 K, 8 GPa", 8.0, 298.0), ("a at 498 K, 5 GPa", 5.0, 498.0)],
)
def test_each_cell_is_told_with_its_errors_apart_and_its_distance_to_the_paper(told, name, pressure, kelvin):
    found = claim(told, name)
    put_in = ALLOY.volume_angstrom3(pressure, kelvin) ** (1 / 3)
    assert found["recovered"]["value"] == pytest.approx(put_in, abs=2e-4)
    assert 0.0 < found["recovered"]["statistical"] < 3e-4 < found["recovered"]["systematic"] < 6e-3
    expected = (found["recovered"]["value"] - found["printed"]) / found["printed_sigma"]
    assert found["distance_esd"] == pytest.approx(expected)


def test_model_b_is_preferred_and_lithium_is_at_the_centre(told):
    assert told[0]["paper"]["models"][0]["name"] == "B"
    assert claim(told, "Rwp(A)/Rwp(B)")["recovered"]["value"] > 1.6
    occupancy = claim(told, "lithium")["recovered"]
    assert occupancy["value"] == pytest.approx(0.7, abs=3 * occupancy["statistical"] + 3 * 0.05)
    assert told[0]["paper"]["verdict"] == "supported"


def test_the_tension_and_the_claims_that_are_not_recoverable_are_said(told):
    said = " ".join(told[0]["paper"]["statements"])
    assert "consistent, not proven" in said
    assert "liquid Cs" in said
    assert re.search(r"taken as linear makes 3\.6\d+ A", said)
    refused = " ".join(told[0]["paper"]["not_recoverable"])
    assert all(word in refused for word in ("1.7 A wide", "oxidation state of -1", "charge transfer", "solid Li"))


def test_the_report_needs_nothing_but_itself(told):
    html = (told[1] / "report.html").read_text()
    assert html.count("data:image/png;base64,") == 5  # patterns, compression, expansion, models, density
    assert not re.search(r"""(src|href)=["'](?!data:)""", html)
    assert "<script" not in html
    assert "a title with &lt;angles&gt;" in html
    assert "<angles>" not in html
    assert "Simulated instruments" in html


def test_the_truth_of_a_simulated_world_is_not_read(told, paper):
    assert "truth" not in (told[1] / "report.html").read_text().lower()


def test_any_run_is_analysed_without_the_paper(tmp_path, capsys):
    root = record(tmp_path, documents())
    assert main(["analyse", RUN, "--data", root]) == 0
    printed = capsys.readouterr().out
    assert "alpha_V" in printed
    assert "printed" not in printed
    assert len(list((tmp_path / "figures").rglob("report.html"))) == 1


def test_what_the_path_lacks_is_said_and_not_made_up(tmp_path, capsys):
    few = [each for each in points() if each["temperature_k"] == 298.0][:5]
    root = record(tmp_path, documents(made=few))
    assert main(["analyse", RUN, "--paper", "--json", "--data", root]) == 0
    found = json.loads(capsys.readouterr().out)["paper"]
    missing = {each["name"] for each in found["claims"] if each["recovered"] is None}
    assert {"a at 498 K, 5 GPa", "lithium at the centre, occupancy"} <= missing
    assert "Dissociation: the alloy was not seen to go." in found["statements"]


@pytest.mark.parametrize("words", [("analyse",), ("discover",), ("index",), ("refine", "1")])
def test_a_run_without_a_point_is_refused_in_words(tmp_path, capsys, words):
    root = record(tmp_path, documents(made=[]))
    verb, *more = words
    assert main([verb, RUN, *more, "--data", root]) == 2
    assert f"run {RUN[:8]} has no point: its sweep was ended before one was exposed" in capsys.readouterr().err
