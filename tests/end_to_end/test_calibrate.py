"""A calibrant exposed on simulated hardware, the geometry found from its plate, and an experiment judged with it."""

import json

import pytest
from command_line import lics

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.head import find
from lics_simulators.plate.settings import read_settings

pytestmark = pytest.mark.long


def test_a_calibrant_is_exposed_calibrated_with_kept_and_taken_by_the_next_check(tmp_path):
    done = lics("calibrate", "--expose", "--calibrant", "CeO2", "--data", "data", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    run = find(DataFolder(tmp_path / "data").raw_journals, "last")
    assert run.uid == record["source"]["run"]
    assert run.start["purpose"] == "calibration"
    assert run.start["sample"]["name"] == "CeO2"
    assert run.stop["exit_status"] == "success"
    assert (tmp_path / "data" / record["source"]["image"]).is_file()
    hidden = read_settings().geometry
    lines = dict(line.split(": ", 1) for line in record["geometry"]["poni"].splitlines())
    assert abs(1e3 * float(lines["Distance"]) - hidden.distance_mm) < 0.02  # along the normal: 5 um less at this tilt
    judged = lics("check", "--calibration", "last", "--data", "data", "--json", folder=tmp_path)
    findings = {finding["rule"]: finding for finding in json.loads(judged.stdout)["findings"]}
    assert findings["geometry is a calibration of late"]["verdict"] == "ok"
    assert "with CeO2" in findings["geometry is a calibration of late"]["found"]
