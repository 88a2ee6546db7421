import json

import pytest

from lics_beamline.checks.judgement import case_of, judge
from lics_beamline.cli.check import as_json, heating_lines
from lics_beamline.cli.track_figure import draw_track
from lics_beamline.experiment import read_experiment
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe


@pytest.fixture(scope="module")
def case():
    profile = read_profile("simulated")
    return case_of(read_experiment(profile.experiments / "lics-2015.toml"), profile, read_recipe(profile.recipe_file))


def test_json_has_every_finding_and_the_forecast_of_every_point(case):
    said = json.loads(json.dumps(as_json(case, judge(case), None)))
    assert sum(said["counts"].values()) == len(said["findings"])
    assert [point["point"] for point in said["forecast"]] == list(range(1, 27))
    last = said["forecast"][-1]
    assert last["begins_s"] + last["duration_s"] == pytest.approx(said["duration_s"])


def test_what_heating_does_is_said_with_its_doubt_and_its_load(case):
    (line,) = heating_lines(case)
    assert line.startswith("heating at constant load: 8.00 GPa at 298 K -> 9.6")
    assert "+- 0.5" in line
    assert line.endswith("bar")


def test_the_forecast_is_drawn_as_a_png_in_a_folder_of_its_own(case, tmp_path):
    path = draw_track(case, tmp_path / "deep" / "track.png", supply_bar=120.0)
    assert path.read_bytes().startswith(b"\x89PNG")
