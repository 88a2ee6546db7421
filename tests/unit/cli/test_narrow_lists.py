"""What has been recorded, told in a narrow terminal and to programs: nothing is cut off, and errors are JSON too."""

import json
import os
import sys

import pytest
import recorded_documents as recorded
from terminal import terminal

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal
from lics_beamline.profile import read_profile

TITLE = "a second way through the alloy, up and down again, told at some length"


@pytest.fixture
def data(tmp_path):
    folder = DataFolder(tmp_path / "data").make()
    with Journal(folder.raw_journals) as journal:
        for name, doc in recorded.documents(title=TITLE):
            journal(name, doc)
    return folder


@pytest.mark.parametrize("verb", [["runs"], ["show", "last"]])
def test_long_lines_are_folded_between_words_in_a_terminal_of_60_columns(data, tmp_path, verb):
    command = [sys.executable, "-m", "lics_beamline", *verb, "--data", "data"]
    with terminal(command, folder=tmp_path, environment={**os.environ, "COLUMNS": "60"}) as shown:
        assert shown.ends() == 0
    lines = shown.said.replace("\r", "").splitlines()
    assert TITLE in " ".join(shown.said.split())
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in lines), lines
    assert "\x1b" not in shown.said


def test_a_pipe_gets_a_line_a_run(data, capsys):
    assert main(["runs", "--data", str(data.root)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert TITLE in line


def test_an_error_is_json_where_json_is_asked_for_and_words_for_people_besides(data, capsys):
    assert main(["show", "nothing", "--json", "--data", str(data.root)]) == 2
    said = capsys.readouterr()
    error = json.loads(said.out)
    assert error["kind"] == "RunNotFound"
    assert error["exit_code"] == 2
    assert said.err.strip() == f"lics show: {error['error']}"
    assert main(["show", "nothing", "--data", str(data.root)]) == 2
    assert capsys.readouterr().out == ""


def test_what_is_refused_before_a_dry_run_is_json_where_json_is_asked_for(tmp_path, capsys):
    file = tmp_path / "torn.toml"
    file.write_text("title = ")
    assert main(["check", str(file), "--json", "--data", str(tmp_path / "data")]) == 2
    assert json.loads(capsys.readouterr().out)["kind"] == "ProfileError"


def test_what_a_sweep_refuses_to_begin_is_json_where_json_is_asked_for(tmp_path, capsys):
    shipped = read_profile("simulated").experiments / "lics-2015.toml"
    file = tmp_path / "first.toml"
    file.write_text(shipped.read_text(encoding="utf-8").replace("6.5, 8.0]", "6.5, 90.0]"))
    assert main(["sweep", str(file), "--json", "--data", str(tmp_path / "data")]) == 2
    said = capsys.readouterr()
    error = json.loads(said.out)
    assert (error["kind"], error["exit_code"]) == ("refused", 2)
    assert "90" in error["error"]
    assert "refuse" in said.err
