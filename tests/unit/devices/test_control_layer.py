"""The control layer and the addresses are chosen before ophyd is imported, whoever begins."""

import importlib.util
import logging
import os
import subprocess
import sys

import pytest

from lics_beamline.cli import ROOMS
from lics_beamline.devices.control_layer import LOG_NAME, logged_in

CHOSEN = ("OPHYD_CONTROL_LAYER", "EPICS_CA_ADDR_LIST", "EPICS_CA_AUTO_ADDR_LIST", "EPICS_CA_SERVER_PORT")
SIMULATED = {"EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_AUTO_ADDR_LIST": "NO", "EPICS_CA_SERVER_PORT": "5999"}
FRONT_DOORS = (
    "lics_beamline",
    *(f"lics_beamline.cli.{room}" for room in ROOMS),
    "lics_beamline.session.session",
    "lics_beamline.session.simulation",
    "lics_beamline.safety.guard",
    "lics_beamline.safety.supervisor",
    "lics_beamline.follower.process",
    "lics_beamline.replay",
    "lics_beamline.devices.control_layer",
)
NO_PYEPICS = importlib.util.find_spec("epics") is None


def python(program, **environment):
    """Run a program in a fresh Python where nothing is chosen but what is given."""
    inherited = {name: value for name, value in os.environ.items() if name not in CHOSEN}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=inherited | environment
    )


def test_no_front_door_imports_ophyd_or_epics_before_a_layer_is_chosen():
    done = python(f"""
import importlib, sys
for door in {FRONT_DOORS}:
    importlib.import_module(door)
    early = {{"ophyd", "epics", "caproto"}} & set(sys.modules)
    assert not early, (door, early)
""")
    assert done.returncode == 0, done.stderr


CHOOSE = f"""
import logging, os, sys
logging.basicConfig(level=logging.INFO, format="%(message)s")
from lics_beamline.devices.control_layer import choose
print(choose({SIMULATED}))
assert "ophyd" not in sys.modules
import ophyd
print(ophyd.get_cl().name, os.environ["EPICS_CA_SERVER_PORT"], choose({SIMULATED}))
"""


def test_caproto_is_the_layer_where_nothing_is_said_also_beside_pyepics():
    done = python(CHOOSE)
    assert done.stdout.split() == ["caproto", "caproto", "5999", "caproto"], done.stderr
    assert done.stderr.count("Channel Access by caproto, looking at 127.0.0.1, port 5999\n") == 2


@pytest.mark.skipif(NO_PYEPICS, reason="pyepics is not installed")
def test_pyepics_is_the_layer_where_it_is_asked_for():
    done = python(CHOOSE, OPHYD_CONTROL_LAYER="PyEpics")
    assert done.stdout.split() == ["pyepics", "pyepics", "5999", "pyepics"], done.stderr


@pytest.mark.skipif(NO_PYEPICS, reason="pyepics is not installed")
def test_addresses_that_pyepics_cannot_hear_of_any_more_are_refused():
    done = python(
        f"""
import ophyd
from lics_beamline.devices.control_layer import choose
from lics_beamline.errors import NotConnected
choose()
try:
    choose({SIMULATED})
except NotConnected as error:
    print(error)
""",
        OPHYD_CONTROL_LAYER="pyepics",
    )
    assert "pyepics was loaded before the beamline's addresses were known (EPICS_CA_A" in done.stdout, done.stderr


def test_a_layer_that_is_unknown_is_refused_by_name():
    done = python("from lics_beamline.cli import main; main(['check'])", OPHYD_CONTROL_LAYER="libca")
    assert done.stderr == (
        "lics check: OPHYD_CONTROL_LAYER is 'libca'; it may be caproto or pyepics. Unset it for caproto.\n"
    )


@pytest.mark.skipif(not NO_PYEPICS, reason="pyepics is installed")
def test_a_layer_that_is_not_installed_is_refused_with_how_to_get_it():
    done = python(
        "from lics_beamline.cli import main; raise SystemExit(main(['check']))", OPHYD_CONTROL_LAYER="pyepics"
    )
    assert done.returncode == 3
    assert "which is not installed here. pip install pyepics, or unset it" in done.stderr


@pytest.mark.parametrize("verbose", [False, True])
def test_what_the_libraries_say_goes_to_a_file_and_not_to_the_terminal_unless_asked_for(tmp_path, caplog, verbose):
    with caplog.at_level(logging.DEBUG if verbose else logging.WARNING), logged_in(tmp_path):
        logging.getLogger("caproto.circ").warning("Ignoring late response with ioid=%d", 7)
        logging.getLogger("ophyd").error("Exception occurred during callback")
    said = (tmp_path / LOG_NAME).read_text()
    assert "WARNING caproto.circ Ignoring late response with ioid=7\n" in said
    assert "ERROR ophyd Exception occurred" in said
    assert ("ioid=7" in caplog.text) == verbose
    logging.getLogger("caproto.circ").warning("afterwards")
    assert "afterwards" in caplog.text
    assert "afterwards" not in (tmp_path / LOG_NAME).read_text()


def test_nothing_is_kept_where_there_are_no_logs(tmp_path, caplog):
    with logged_in(tmp_path / "nowhere"):
        logging.getLogger("caproto.circ").warning("late")
    assert caplog.text == ""
    assert list(tmp_path.iterdir()) == []
