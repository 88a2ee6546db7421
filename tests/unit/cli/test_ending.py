"""What is said at the end of a sweep that a person did not wait for."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from command_line import typed

import lics_beamline
from lics_beamline.cli import main
from lics_beamline.cli.ending import tell_recorded
from lics_beamline.cli.record import Walked
from lics_beamline.data_folder import DataFolder
from lics_beamline.experiment import read_experiment
from lics_beamline.journal.writer import Journal
from lics_beamline.profile import shipped

UID = "aaaaaaaa"


def experiment():
    return read_experiment(shipped() / "simulated" / "experiments" / "lics-2015.toml").first(4)


def test_a_sweep_interrupted_once_more_says_what_was_recorded(tmp_path, capsys):
    data = DataFolder(tmp_path).make()
    with Journal(data.raw_journals) as journal:
        journal("start", {"uid": UID, "time": 1.0})
        for stream, count in (("primary", 2), ("readout", 1)):
            journal("descriptor", {"uid": f"d-{stream}", "run_start": UID, "name": stream})
            for index in range(count):
                journal("event", {"uid": f"{stream}-{index}", "descriptor": f"d-{stream}", "data": {}})
    assert Walked(experiment=experiment(), raw_uid=UID, given_up=True).told(data, verb="dry-run", as_json=False) == 4
    said = capsys.readouterr().err
    assert "2 of 4 points are recorded, 1 of their plates are read" in said
    assert f"{UID}.jsonl" in said
    assert "lics follow --once" in said


def test_a_sweep_interrupted_before_its_run_says_that_nothing_was_recorded(tmp_path, capsys):
    assert tell_recorded(DataFolder(tmp_path).make(), "", experiment(), verb="dry-run", as_json=True) == 4
    told = capsys.readouterr()
    assert "nothing was recorded" in told.err
    assert json.loads(told.out) == {
        "error": "interrupted before the run began: nothing was recorded",
        "kind": "interrupted",
        "exit_code": 4,
    }


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("hold",), 3, "no sweep is running"),
        (("stop", "--why", "tea"), 3, "no sweep is running"),
        (("logbook", "no-such"), 2, "no-such"),
        (("runs", "--page", "0"), 2, "--page"),
        (("logbook", "--nonsense"), 2, "unrecognized arguments: --nonsense"),
        (("resume", "--profile", "simulated"), 2, "no sweep"),
    ],
)
def test_a_verb_that_does_not_do_what_was_asked_tells_a_program_why_as_it_tells_a_person(
    tmp_path, arguments, code, says
):
    done = typed(*arguments, "--data", str(tmp_path / "data"), "--json", folder=tmp_path)
    assert done.returncode == code
    told = json.loads(done.stdout)
    assert set(told) == {"error", "kind", "exit_code"}
    assert told["exit_code"] == code
    assert says in told["error"]
    assert told["error"] in done.stderr.replace("\n", " ")


def test_no_verb_writes_that_object_by_itself():
    rooms = (Path(lics_beamline.__file__).parent / "cli").glob("*.py")
    assert [path.name for path in rooms if '"exit_code"' in path.read_text(encoding="utf-8")] == ["fault.py"]


@pytest.mark.parametrize("given_up", [False, True])
def test_a_sweep_whose_data_folder_went_away_says_why_it_ended_and_that_its_journal_is_there_no_more(
    tmp_path, capsys, given_up
):
    walked = Walked(experiment=experiment(), raw_uid=UID, ended_by="the journal was moved", given_up=given_up)
    assert walked.told(DataFolder(tmp_path / "gone"), verb="sweep", as_json=False) == 4
    said = capsys.readouterr().err
    assert f"run {UID} ended" in said
    assert given_up or "the journal was moved" in said
    assert "has its journal no more" in said


def test_a_logbook_that_cannot_be_written_keeps_nobody_from_hearing_how_the_sweep_ended(tmp_path, capsys):
    data = DataFolder(tmp_path).make()
    with Journal(data.raw_journals) as journal:
        journal("start", {"uid": UID, "time": 1.0, "plate_folder": "p"})
        journal("stop", {"uid": "s", "run_start": UID, "time": 2.0, "exit_status": "fail"})
    data.logbooks.write_text("in the way of the folder")
    walked = Walked(experiment=experiment(), raw_uid=UID, ended_by="a full disk", catalogued=False)
    assert walked.told(data, verb="sweep", as_json=False) == 4
    said = capsys.readouterr().out
    assert f"run {UID}: fail: a full disk" in said
    assert "not written" in said
    assert "lics logbook aaaaaaaa" in said


class ImpatientPerson(Sequence):
    """Ctrl-C while the command line is still being read."""

    def __iter__(self):
        raise KeyboardInterrupt

    def __getitem__(self, index):
        raise KeyboardInterrupt

    def __len__(self):
        return 1


def test_an_interruption_before_the_command_line_is_read_is_one_sentence(capsys):
    assert main(ImpatientPerson()) == 4
    assert capsys.readouterr().err == "lics: interrupted before anything was begun.\n"
