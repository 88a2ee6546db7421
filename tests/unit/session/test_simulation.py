"""The simulated beamline is not started for what cannot be simulated."""

import pytest

from lics_beamline.cli import main
from lics_beamline.errors import ProfileError
from lics_beamline.profile import shipped
from lics_beamline.session.simulation import require_world


@pytest.mark.parametrize("world", ["nonsense", "", "../worlds/kcl", "gone.toml"])
def test_a_world_that_is_not_there_is_refused_by_name(world):
    with pytest.raises(ProfileError, match="world"):
        require_world(world)


def test_presets_and_files_of_ones_own_are_worlds(tmp_path):
    (tmp_path / "mine.toml").write_text('like = "kcl"')
    for world in ("volumetric", "kcl", str(tmp_path / "mine.toml")):
        require_world(world)


def test_an_experiment_is_not_judged_for_a_world_that_is_not_there(tmp_path, capsys):
    said = (shipped() / "simulated" / "profile.toml").read_text()
    (tmp_path / "profile.toml").write_text(said.replace('world = "volumetric"', 'world = "nonsense"'))
    code = main(["check", "lics-2015", "--profile", str(tmp_path), "--data", str(tmp_path / "data")])
    assert code == 2
    assert "there is no world 'nonsense'. Choose one of ceo2, cs_rich," in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["0", "301"])
def test_a_speed_that_the_world_does_not_have_is_a_mistyped_option(tmp_path, capsys, speed):
    with pytest.raises(SystemExit, match="2"):
        main(["dry-run", "--speed", speed, "--points", "1", "--data", str(tmp_path / "data")])
    assert f"{speed} is no number within 1 and 300 seconds of experiment a second" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
