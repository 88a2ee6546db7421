"""The same instruments by either library of Channel Access, each in a Python of its own."""

import importlib.util
import os
import subprocess
import sys

import pytest

from .conftest import simulated

pytestmark = pytest.mark.timeout(600)  # for hangs only

CLIENT = """
import sys
from pathlib import Path
from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.assembly import assemble
from lics_beamline.devices.control_layer import choose, logged_in
from lics_beamline.profile import read_profile
from lics_beamline.session.simulation import loopback

prefix, port, folder = sys.argv[1:]
data = DataFolder(Path(folder)).make()
with logged_in(data.logs):
    layer = choose(loopback(int(port)))
    from lics_beamline.devices.beamline import connect, disconnect
    import ophyd
    beamline = assemble(read_profile("simulated"), data, prefix=prefix)
    report = connect(beamline, timeout_s=300.0)
    assert report.ready, report.findings
    beamline.stage.x.move(0.02, timeout=300.0)
    assert layer == ophyd.get_cl().name
    print(layer, len(report.alive) > 80, round(beamline.stage.x.position, 3))
    disconnect(beamline)
"""


@pytest.mark.parametrize("layer", ["caproto", "pyepics", pytest.param("", marks=pytest.mark.long)])
def test_instruments_are_read_and_moved_by_either_layer_and_let_go_in_silence(tmp_path, layer):
    if layer == "pyepics" and importlib.util.find_spec("epics") is None:
        pytest.skip("pyepics is not installed")
    with simulated(tmp_path, speed=10.0) as simulators:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("EPICS_CA", "OPHYD"))}
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, simulators.prefix, str(simulators.port), str(tmp_path / "data")],
            capture_output=True,
            text=True,
            check=False,
            env={**environment, **({"OPHYD_CONTROL_LAYER": layer} if layer else {})},
        )
    assert done.stdout.split() == [layer or "caproto", "True", "0.02"], done.stderr
    assert done.stderr == ""
