"""The verb that says what a run shows that nobody named, on reduced runs made of documents."""

import json

import pytest
from reduced_documents import data
from worlds.compressed_alloy import documents
from worlds.listed_lines import lines

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.discovery.point_lines import lines_text
from lics_beamline.journal.writer import Journal

RUN = "d-0123456789"
NEW = (3.10, 2.19, 1.79, 1.55)
PRESSURES_GPA = tuple(1.0 + 0.3 * index for index in range(8))


def record(root, made):
    journal = Journal(DataFolder(root).derived_journals)
    for name, document in made:
        journal(name, document)
    return str(root)


def point(index, found):
    listed = lines_text(sorted(found, key=lambda line: line.peak.two_theta_deg))
    return data(index) | {"pressure_gpa": PRESSURES_GPA[index], "lines": listed}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run in which an unknown phase of four lines comes at the fourth point, and a stray line at the sixth."""
    points = []
    for index, pressure in enumerate(PRESSURES_GPA):
        found = lines((2.38, 2.0, 1.62), pressure, compressibility=0.001, phase="re-hcp")
        found += lines(NEW, pressure) if index >= 3 else []
        found += lines((1.35,), pressure, compressibility=0.0) if index >= 5 else []
        points.append(point(index, found))
    return record(tmp_path_factory.mktemp("run"), documents(made=points))


def test_an_unknown_phase_is_told_with_its_lines_and_where_it_comes(run, tmp_path, capsys):
    assert main(["discover", RUN, "--json", "--data", run, "--to", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    [phase] = told["phases"]
    assert (phase["name"], phase["points"]) == ("unknown 1", [4, 5, 6, 7, 8])
    assert phase["comes_gpa"] == pytest.approx([PRESSURES_GPA[2], PRESSURES_GPA[3]])
    assert phase["goes_gpa"][1] is None
    assert phase["compressibility_per_gpa"] == pytest.approx(0.02, abs=0.001)
    assert phase["structure"] == ["structure not decided: its lattice is not decided, and atoms are asked for in it"]
    assert phase["phase_file"] is None
    assert not list(tmp_path.glob("unknown-1.*"))
    assert len(phase["lines"]) == 4
    assert len(told["strays"]) == 1
    assert [change["points"] for change in told["changes"]] == [[3, 4]]
    assert any("has 4 lines: too few for a sure lattice" in text for text in told["not_decided"])
    assert any("new phase" in text for text in told["not_decided"])


def test_an_analysis_tells_where_it_comes_too_and_who_says_more(run, tmp_path, capsys):
    assert main(["analyse", RUN, "--data", run, "--to", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    row = next(line for line in told.splitlines() if line.startswith("unknown 1  "))
    assert row.split()[2:5] == [f"{PRESSURES_GPA[2]:.2f}", "and", f"{PRESSURES_GPA[3]:.2f}"]
    assert row.endswith("stays")
    of_it = "unknown 1 is a phase that the recipe does not have"
    more = f"{of_it}: lics discover {RUN[:8]} tells lines, lattice and atoms."
    assert more in told
    assert more in (tmp_path / "report.html").read_text()
    assert main(["analyse", RUN, "--json", "--data", run, "--to", str(tmp_path)]) == 0
    [came] = [each for each in json.loads(capsys.readouterr().out)["transitions"] if each["phase"] == "unknown 1"]
    assert came["appears_gpa"] == [pytest.approx([PRESSURES_GPA[2], PRESSURES_GPA[3]])]
    assert came["half_gpa"] is None


@pytest.mark.long
def test_it_is_told_in_words_without_atoms_where_these_are_not_wanted_and_a_report_is_written(run, tmp_path, capsys):
    assert main(["discover", RUN, "--no-structure", "--data", run, "--to", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "unknown 1: 4 lines, there from point 4 (1.90 GPa, 298 K) to point 8 (3.10 GPa, 298 K), the last one" in told
    assert "came" in told
    assert "not decided" in told
    assert "structure not decided" not in told
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    assert "unknown 1: 4 lines" in page
    assert "unknown 1: 4 lines" in text
    assert "data:image/png;base64," in page
    assert (tmp_path / "lines.png").stat().st_size > 10_000


def test_what_is_no_element_is_refused_before_anything_is_sought(run, tmp_path, capsys):
    assert main(["discover", RUN, "--data", run, "--to", str(tmp_path), "--elements", "Cs", "Unobtainium"]) == 2
    assert "'Unobtainium' is no chemical element" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_run_without_unknown_lines_says_so(tmp_path, capsys):
    known = [point(index, lines((2.38, 2.0), 1.0, phase="re-hcp")) for index in range(3)]
    root = record(tmp_path, documents(made=known))
    assert main(["discover", RUN, "--data", root, "--to", str(tmp_path / "out")]) == 0
    assert "no unknown phase at 3 points" in capsys.readouterr().out


def test_a_run_that_was_reduced_before_lines_were_recorded_is_refused_with_what_to_do(tmp_path, capsys):
    root = record(tmp_path, documents(made=[data(0)]))
    assert main(["discover", RUN, "--data", root]) == 2
    assert "lics replay" in capsys.readouterr().err


def test_an_unknown_phase_is_shown_with_the_points_of_a_run(tmp_path, capsys):
    shown = point(0, lines(NEW, 1.0)) | {"unknown_phases": "unknown 1", "new_phases": "unknown 1", "changes": "4 came"}
    root = record(tmp_path, documents(made=[shown, point(1, []) | {"unknown_phases": "unknown 1"}]))
    assert main(["show", RUN, "--data", root]) == 0
    first, second = capsys.readouterr().out.splitlines()[-2:]
    assert "unknown 1 (new)" in first
    assert "[4 came]" in first
    assert second.endswith("unknown 1")
