import json

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.frames.plate import Fading, Ghost
from lics_beamline.frames.plate_calibration import PlateCalibration, read_plate_calibration

CALIBRATION = PlateCalibration(
    fading=Fading(fast_share=0.2, fast_s=900.0, slow_s=2e5, covariance=((1e-6, 0.0, 0.0),) * 3, longest_s=3600.0),
    ghosts=(Ghost(plate=1, share=1e-3, sigma=1e-6), Ghost(plate=2, share=2e-3, sigma=1e-6)),
    made="2026-11-22T17:30:05+00:00",
    run_uid="0b8f0f7e",
)


def test_a_calibration_is_a_dated_file_that_reads_back_the_same(tmp_path):
    path = CALIBRATION.write(tmp_path / "calibrations")
    assert path.name == f"plate-20261122T173005-{CALIBRATION.digest[:12]}.json"
    assert read_plate_calibration(path) == CALIBRATION


def test_an_altered_calibration_is_refused(tmp_path):
    path = CALIBRATION.write(tmp_path)
    content = json.loads(path.read_text())
    content["fading"]["fast_s"] = 1000.0
    path.write_text(json.dumps(content))
    with pytest.raises(ProfileError, match="it was altered"):
        read_plate_calibration(path)


@pytest.mark.parametrize("text", ["", "[1]", '{"kind": "geometry"}'])
def test_what_is_no_plate_calibration_is_refused(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ProfileError, match=r"a\.json"):
        read_plate_calibration(path)
