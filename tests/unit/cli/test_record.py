"""Which experiment a verb means, and what is said where there is none."""

import shutil

import pytest

from lics_beamline.cli import main
from lics_beamline.profile import shipped


@pytest.fixture
def profile(tmp_path):
    """A profile as a beamline has it after its first day: no experiment yet."""
    return shutil.copytree(shipped() / "bl10xu", tmp_path / "mine")


@pytest.mark.parametrize("verb", ["check", "sweep"])
def test_a_profile_without_the_experiment_says_which_it_has(profile, tmp_path, monkeypatch, capsys, verb):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lics-2015").mkdir()  # a data folder of that name is no experiment
    options = ["--profile", str(profile), "--data", str(tmp_path / "data")]
    assert main([verb, *options]) == 2
    said = capsys.readouterr().err
    assert "profile 'bl10xu' has no experiment 'lics-2015'; those it has: none. Give one of them, or the path" in said
    (profile / "experiments").mkdir()
    shutil.copy(shipped() / "simulated" / "experiments" / "onset.toml", profile / "experiments" / "mine.toml")
    assert main(["check", *options]) == 2
    assert "those it has: mine." in capsys.readouterr().err


def test_a_dry_run_of_a_file_that_is_not_there_starts_nothing(tmp_path, capsys):
    data = tmp_path / "data"
    assert main(["dry-run", str(tmp_path / "mine.toml"), "--data", str(data)]) == 2
    assert "mine.toml: there is no such file. Give the path of a TOML file." in capsys.readouterr().err
    assert not data.exists()  # the simulators write their log there
