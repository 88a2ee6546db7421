"""How long each front door takes to open: against an interpreter that loads numpy, in the same minute.

Run apart: ``python -m pytest -s tests/benchmarks/test_import_time.py``.
"""

import resource
import statistics
import subprocess
import sys

import pytest

DOORS = {
    "package": "import lics_beamline",
    "command line": "from lics_beamline.cli import parser; parser()",
    "recorded run": "from lics_beamline import read_run",
    "replay": "from lics_beamline import replay_run",
    "campaign": "import lics_beamline.campaign",
    "catalog": "from lics_beamline.catalog.store import open_catalog",
    "session": "from lics_beamline.devices.control_layer import choose; choose()\n"
    "from lics_beamline import open_session\nimport lics_beamline.devices.beamline",
    "page": "import lics_beamline.monitor.server",
    "simulators": "import lics_simulators.server",
}
TRIES = 5
NOT_LOADED = {  # by doors that need it not: each costs a second or more
    "package": {"numpy", "pydantic"},
    "command line": {"numpy", "pydantic", "scipy", "matplotlib", "pandas", "pyFAI"}
    | {"bluesky", "ophyd", "caproto", "tiled", "bokeh"},
    "recorded run": {"scipy", "matplotlib", "pyFAI", "bluesky", "ophyd", "caproto", "tiled", "bokeh"},
    "replay": {"scipy", "matplotlib", "bluesky", "ophyd", "caproto", "tiled", "bokeh"},
    "campaign": {"matplotlib", "bluesky", "ophyd", "caproto", "tiled", "bokeh", "distributed"},
}


def processor_s(program):
    """Return the processor that an interpreter takes for a program [s]: a busy computer makes it wait, not work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_doors_load_what_they_need_and_nothing_else(record):
    found = {}
    for door, program in DOORS.items():
        both = [(processor_s(program), processor_s("import numpy")) for _ in range(TRIES)]
        door_s, numpy_s = (statistics.median(each) for each in zip(*both, strict=True))
        found[door] = round(door_s / numpy_s, 1)
        print(f"{door:<14} {door_s:6.2f} s of processor, {found[door]:5.1f} times numpy")  # noqa: T201
    record(**{door.replace(" ", "_"): ratio for door, ratio in found.items()})
    assert found["package"] < 1.0


@pytest.mark.parametrize("door", NOT_LOADED)
def test_what_a_door_does_not_need_is_not_loaded(door):
    program = f"{DOORS[door]}\nimport sys\nprint(*({NOT_LOADED[door]!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
