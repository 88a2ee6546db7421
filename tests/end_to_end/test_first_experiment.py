"""The paper's first experiment as a dry run, from the command line to its reduced run."""

import json
from itertools import pairwise

import pytest
from command_line import lics

from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.journal.reader import read
from lics_beamline.profile import shipped

pytestmark = pytest.mark.nightly

CHANGES_GPA = (2.60, 4.50)  # Desgreniers et al. (2015), Fig. 1


def test_it_runs_to_its_end_and_tells_the_elements_apart_from_what_is_none(tmp_path):
    recipe = shipped() / "simulated" / "cs-rich" / "recipe.toml"
    asked = ("dry-run", "lics-2015-first", "--world", "cs_rich", "--recipe", str(recipe), "--data", "data")
    done = lics(*asked, "--seed", "5", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (journal,) = (tmp_path / "data" / "journals" / "derived").glob("*.jsonl")
    points = reduced_run(read(journal)).points
    assert len(points) == 14
    assert "cs-bcc" in {phase.name for phase in points[0].phases}
    assert "cs-iv" in {phase.name for phase in points[-1].phases}
    assert all(len(point.unknown_d_angstrom) >= 8 for point in points)
    assert points[0].pressure_gpa == pytest.approx(1.77, abs=0.12)  # the ruby is not where the sample is

    truth = [json.loads(line) for line in next(tmp_path.rglob("truth.jsonl")).read_text().splitlines()]
    samples = [entry["sample"] for entry in truth if entry["kind"] == "plate"]
    held = [
        {
            phase["phase"]
            for phase in sample["phases"]
            if phase["phase"].startswith("invented") and phase["cells"] > 0.02
        }
        for sample in samples
    ]
    changed = [
        (before["pressure_gpa"], after["pressure_gpa"])
        for (before, after), (was, now) in zip(pairwise(samples), pairwise(held), strict=True)
        if was != now
    ]
    assert len(changed) == len(CHANGES_GPA)
    assert all(low < gpa < high for gpa, (low, high) in zip(CHANGES_GPA, changed, strict=True))
