"""The interactive session at a beamline that has a profile and nothing else."""

import os
import shutil
import subprocess
import sys

import pytest

from lics_beamline.profile import shipped
from lics_beamline.session.simulation import loopback, simulation

pytestmark = pytest.mark.timeout(600)  # for hangs only

LOOK = """
print("has", sorted(name for name in ("RE", "beamline", "sweep", "experiment", "read_experiment") if name in globals()))
print("load", beamline.membrane.load_bar.get())
"""


def test_a_session_begins_without_an_experiment_where_the_profile_has_none_and_says_so(tmp_path):
    profile = shutil.copytree(shipped() / "bl10xu", tmp_path / "mine")
    instruments = simulation(
        prefix="BL10XU:",
        world="volumetric",
        seed=1,
        speed=1.0,
        plates=tmp_path / "data" / "plates",
        log=tmp_path / "simulators.log",
    )
    with instruments as simulators:
        done = subprocess.run(
            [sys.executable, "-m", "lics_beamline", "shell", "--profile", str(profile), "--data", "data"],
            input=LOOK,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **loopback(simulators.port), "TILED_PROFILES": str(tmp_path / "profiles")},
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "has ['RE', 'beamline', 'read_experiment', 'sweep']" in done.stdout
    assert "load " in done.stdout
    assert "no experiment: profile 'bl10xu' has no experiment 'lics-2015'" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
