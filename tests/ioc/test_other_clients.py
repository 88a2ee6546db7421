"""Other people's clients at the soft IOCs, which answer as EPICS base does; and PVAccess at an IOC of base."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from .base_ioc import base_ioc, free_port
from .conftest import simulated

PYEPICS = """
import json, sys
import epics
prefix = sys.argv[1]
motor = epics.Motor(prefix + "STAGE:x", timeout=300)
told = {"at rest": motor.get("LVIO")}
told["moved"] = motor.move(0.1, wait=True, timeout=300)
told["beyond"] = motor.move(99.0, wait=True, timeout=300)
motor.put("TWV", 0.05)
motor.put("TWF", 1, wait=True, timeout=300)


def asked(name, **options):
    return epics.caget(prefix + name, use_monitor=False, timeout=300, **options)


told["tweaked to"] = round(asked("STAGE:x"), 3)
told["tweak reads"] = asked("STAGE:x.TWF")
epics.caput(prefix + "PC1:Setpoint", 999.0, wait=True, timeout=300)
told["setpoint"] = asked("PC1:Setpoint")
told["EGU"] = asked("PC1:Setpoint.EGU")
told["DRVH"] = asked("PC1:Setpoint.DRVH")
for text in ("named", ""):
    epics.caput(prefix + "RAXIS:cam1:FileName", text, wait=True, timeout=300)
    told["file name " + text] = asked("RAXIS:cam1:FileName", as_string=True, count=256)
epics.caput(prefix + "BEAM:Shutter", "Open", wait=True, timeout=300)
told["shutter"] = asked("BEAM:Shutter", as_string=True)
told["wavelengths"] = len(asked("RUBY:Wavelength"))
print(json.dumps(told))
"""

PV_ACCESS = """
import sys
from p4p.client.thread import Context
with Context("pva", conf={name: value for name, value in zip(sys.argv[2::2], sys.argv[3::2])}, useenv=False) as context:
    print(float(context.get(sys.argv[1] + "PC1:Setpoint", timeout=300)))
"""


def test_pyepics_moves_tweaks_is_refused_and_empties_a_text(tmp_path):
    with simulated(tmp_path, speed=60.0) as simulators:
        done = subprocess.run(
            [sys.executable, "-c", PYEPICS, simulators.prefix],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **simulators.addresses},
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    beyond = told.pop("beyond")
    assert beyond != 0
    assert told == {
        "at rest": 0,
        "moved": 0,
        "tweaked to": 0.15,
        "tweak reads": 0,
        "setpoint": 0.0,
        "EGU": "bar",
        "DRVH": 150.0,
        "file name named": "named",
        "file name ": "",
        "shutter": "Open",
        "wavelengths": 2048,
    }


@pytest.mark.skipif(importlib.util.find_spec("p4p") is None, reason="p4p is not installed")
def test_a_client_of_pvaccess_reads_an_ioc_of_base(tmp_path):
    with base_ioc(tmp_path / "ioc.log", port=free_port()) as ioc:
        found = [word for pair in ioc.pv_access.items() for word in pair]
        done = subprocess.run(
            [sys.executable, "-c", PV_ACCESS, ioc.prefix, *found], capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stdout.strip()) == (0, "2.0"), done.stderr
