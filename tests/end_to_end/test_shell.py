"""The interactive session at a beamline that has a profile and nothing else."""

import os
import shutil
import subprocess
import sys

import pytest
from caproto import ChannelType
from caproto.sync.client import read
from command_line import lics
from terminal import terminal

from lics_beamline.catalog.store import open_catalog
from lics_beamline.data_folder import DataFolder
from lics_beamline.profile import shipped
from lics_beamline.session.simulation import loopback, simulation

pytestmark = pytest.mark.timeout(600)  # for hangs only

LOOK = """
print("has", sorted(name for name in ("RE", "beamline", "sweep", "experiment", "read_experiment") if name in globals()))
print("load", beamline.membrane.load_bar.get())
"""


HEAT = (  # the heater at 303 K and the membrane on, as a person may leave them
    "import bluesky.plans as bp, bluesky.plan_stubs as bps",
    "beamline.heater.arm().wait(); beamline.membrane.arm().wait()",
    "_ = RE(bps.mv(beamline.heater, 303.0))",
    "print('heated', '%.0f K' % beamline.heater.setpoint_readback_k.get(use_monitor=False))",
)
NOW = (  # asked afresh: what a monitor told may be old
    "print('now', '%.0f K' % beamline.heater.setpoint_readback_k.get(use_monitor=False),"
    " '%.0f %%' % beamline.heater.output_high_readback_percent.get(use_monitor=False),"
    " beamline.membrane.control_readback.get(use_monitor=False), RE.state)"
)


def shell(folder, *options, **environment):
    command = [sys.executable, "-m", "lics_beamline", "shell", "--followers", "none", "--data", "data", *options]
    return terminal(command, folder=folder, environment={**os.environ, **environment})


@pytest.mark.long
def test_ctrl_c_in_a_stock_plan_makes_safe_what_is_on_and_says_what_was_read_back(tmp_path):
    with shell(tmp_path, "--speed", "60") as session:
        session.shows("In [")
        session.types(*HEAT, NOW)
        session.shows("now 303 K 100 % On idle")
        session.types("RE(bp.count([beamline.thermocouples], num=None), lambda name, doc: print('counted', name))")
        session.shows("counted event")
        session.interrupts()
        session.shows("going to the safe state")
        said = session.shows("shutter Closed")
        assert "all is safe, read back: gas held at" in said
        assert "heater setpoint 298.0 K" in said
        session.shows("there is nothing to resume")
        assert "RE.resume()" not in session.said
        session.types(NOW)
        session.shows("now 298 K 0 % Off idle")
        session.leaves()
        assert session.ends() == 0
        assert "still on" not in session.said


@pytest.mark.nightly
def test_who_leaves_a_session_is_asked_about_what_is_on_and_it_is_made_safe(tmp_path):
    profile = shutil.copytree(shipped() / "bl10xu", tmp_path / "mine")
    with simulation(
        prefix="BL10XU:",
        world="volumetric",
        seed=1,
        speed=60.0,
        plates=tmp_path / "data" / "plates",
        log=tmp_path / "simulators.log",
    ) as simulators:
        with shell(tmp_path, "--profile", str(profile), **loopback(simulators.port)) as session:
            session.shows("In [")
            session.types(*HEAT)
            session.shows("heated 303 K")
            session.types("exit()")
            on = session.shows("Make safe and leave? [Y/n] ")
            assert "heater setpoint is 303." in on
            assert "membrane control is On" in on
            session.types("n")
            session.shows("In [")
            session.types(NOW, "print('kept', bps.__name__)")
            session.shows("now 303 K 100 % On idle")
            session.shows("kept bluesky.plan_stubs")
            session.leaves()
            session.shows("Make safe and leave? [Y/n] ")
            session.types("y")
            session.shows("all is safe, read back: gas held at")
            assert session.ends() == 0
        with pytest.MonkeyPatch.context() as patch:
            for name, value in loopback(simulators.port).items():
                patch.setenv(name, value)
            control = read("BL10XU:PC1:Control_RBV", repeater=False, timeout=300.0, data_type=ChannelType.STRING)
            assert list(control.data) == [b"Off"]
            assert list(read("BL10XU:ET1:OutputHigh", repeater=False, timeout=300.0).data) == [0.0]


STRANGER = """
from bluesky.utils import PersistentDict
from IPython.core.completer import provisionalcompleter
from ophyd.sim import det, motor
complete = lambda text: [one.text for one in get_ipython().Completer.completions(text, len(text))]
RE(bp.count([beamline.thermocouples, beam], 2))
RE.md = PersistentDict("mine")
RE.md["owner"] = "a stranger"
RE(bp.count([det], 3))
RE(bp.scan([det], motor, -1, 1, 3))
print("newest", last().start["owner"], last().start["scan_id"], last().table()["motor"].tolist())
bec.disable_table()
RE(bp.count([det]))
%wa motors
with provisionalcompleter(): print("completes", complete("hun"), complete("beamline.membr"))

sweep?
RE(sweep("no-such"))
print("engine", RE.state)
exit(3)
"""


@pytest.mark.nightly
def test_who_knows_bluesky_is_at_home_and_all_that_is_run_is_recorded(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "lics_beamline", "shell", "--followers", "none", "--data", "data"],
        input=STRANGER,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TILED_PROFILES": str(tmp_path / "profiles"), "IPYTHONDIR": str(tmp_path / "ipython")},
        check=False,
    )
    assert done.returncode == 3, "the code that was given to exit()"
    assert done.stdout.count("seq_num") == 3, "of the fourth he wanted no table"
    assert "newest a stranger 2 [-1.0, 0.0, 1.0]" in done.stdout, (
        "a dictionary of his own counts from its own beginning"
    )
    assert "completes ['hunt'] ['membrane']" in done.stdout
    assert "stage_omega" in done.stdout, "positions by label"
    assert "Walk the path of an experiment" in done.stdout
    assert "has no experiment 'no-such'; those it has:" in done.stderr
    assert "engine idle" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    data = DataFolder(tmp_path / "data")
    listed = lics("runs", "--data", "data", folder=tmp_path).stdout.splitlines()
    assert [line.split()[2:4] for line in listed] == [
        *(["count", "whole"], ["count", "whole"], ["scan", "whole"], ["count", "whole"])
    ]
    assert lics("follow", "catalog", "--once", "--data", "data", folder=tmp_path).returncode == 0
    with open_catalog(data) as catalog:
        named = {uid: catalog.run(uid).metadata["start"]["plan_name"] for uid in catalog.uids}
        assert sorted(named.values()) == ["count", "count", "count", "scan"]
        (scan,) = (uid for uid, name in named.items() if name == "scan")
        assert catalog.dataset(scan, "primary")["motor"].values.tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.long
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
            [
                *(sys.executable, "-m", "lics_beamline", "shell", "--followers", "none"),
                *("--profile", str(profile), "--data", "data"),
            ],
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
