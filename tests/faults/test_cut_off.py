"""A sweep whose engine is killed at random moments is resumed: no point twice, none lost, safe each time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from faults.campaign import POINTS, Campaign

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.head import heads

KILLS = 2


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaign")
    score = Campaign(
        kills=KILLS, seed=11, speed=300.0, folder=folder, targets=[("engine",)], between_s=15.0, early=0.0
    ).run()
    return score, folder / "sweep-0" / "data"


def test_no_point_is_measured_twice_and_none_is_lost(campaign):
    score, _ = campaign
    assert score.troubles == []
    assert score.kills == KILLS
    assert (score.measured_once, score.measured_twice, score.lost) == (POINTS, 0, 0)
    assert (score.documents_lost, score.journals_damaged, score.breaches) == (0, 0, 0)


def test_runs_that_were_cut_off_say_so(campaign):
    _, data = campaign
    *earlier, last = heads(DataFolder(Path(data)).raw_journals)
    assert last.start["resumes"] == earlier[-1].uid
    assert len({head.start["sweep_uid"] for head in (*earlier, last)}) == 1
    assert all("cut off" in head.stop["reason"] for head in earlier)


def test_a_sweep_that_is_whole_is_not_gone_on_with(campaign):
    _, data = campaign
    said = subprocess.run(
        [sys.executable, "-m", "lics_beamline", "resume", "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0
    assert "nothing to go on with" in said.stdout


def test_the_newest_run_replays_and_is_the_whole_sweep_to_who_looks_at_it(campaign):
    _, data = campaign
    replayed = subprocess.run(
        [sys.executable, "-m", "lics_beamline", "replay", "last", "--json", "--jobs", "1", "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout)["points"] == POINTS
    shown = subprocess.run(
        [sys.executable, "-m", "lics_beamline", "show", "last", "--json", "--data", str(data)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(shown.stdout)
    assert [point["index"] for point in told["points"]] == list(range(POINTS))
    assert told["events"]["primary"] == told["events"]["readout"] == POINTS
    assert told["events"]["resumed"] >= 1
    assert told["stop"]["exit_status"] == "success"
