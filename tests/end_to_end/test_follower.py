"""The processes that follow journals: started, asked, stopped, killed, and left alone by their parent."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from lics_beamline.catalog.store import open_catalog
from lics_beamline.data_folder import DataFolder
from lics_beamline.follower import process as follower
from lics_beamline.follower.status import status
from lics_beamline.journal.writer import Journal
from lics_beamline.processes.background_process import NOT_READY

MOST_NICE = 19  # nothing goes beyond it, nor a test that is nice already
UID = "00000001-0000-4000-8000-000000000001"


def documents(count=4):
    yield "start", {"uid": UID, "time": 1.0, "purpose": "test"}
    keys = {"load_bar": {"source": "test", "dtype": "number", "shape": []}}
    about = {"data_keys": keys, "configuration": {}, "hints": {}, "object_keys": {}, "time": 1.0}
    yield "descriptor", {"uid": f"{UID}-d", "run_start": UID, "name": "primary", **about}
    for index in range(count):
        body = {"data": {"load_bar": index / 8}, "timestamps": {"load_bar": 2.0}, "filled": {}}
        yield "event", {"uid": f"{UID}-{index}", "descriptor": f"{UID}-d", "seq_num": index + 1, "time": 2.0, **body}
    yield "stop", {"uid": f"{UID}-s", "run_start": UID, "time": 3.0, "exit_status": "success"}


def wait_until(claim):
    """Ask until a claim about a process is true; the test's time-out is the limit."""
    pause = threading.Event()
    while not claim():
        pause.wait(0.05)


def catalog_status(data):
    return status(data)[-1]


def loads(data):
    with open_catalog(data) as catalog:
        return catalog.dataset(UID, "primary")["load_bar"].values.tolist()


def test_importing_the_followers_imports_nothing_heavy():
    heavy = "{'tiled', 'databroker', 'pyFAI', 'fabio', 'xarray', 'scipy', 'bluesky', 'ophyd'}"
    program = f"import sys, lics_beamline.follower.process; sys.exit(str({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == "set()\n"


def test_who_lets_it_work_in_a_process_of_its_own_keeps_its_priority(tmp_path):
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert follower.main(["reduce", "--once", "--data", str(tmp_path)]) == 0
    assert os.getpriority(os.PRIO_PROCESS, 0) == ours


def test_a_folder_where_nobody_ever_followed_says_so(tmp_path):
    states = status(DataFolder(tmp_path))
    assert [(each.name, each.state, each.alive) for each in states] == [
        ("reduce", "never ran", False),
        ("catalog", "never ran", False),
    ]


@pytest.mark.long
def test_a_follower_keeps_up_is_alone_may_be_killed_continued_and_told_to_end(tmp_path):
    data = DataFolder(tmp_path / "data")
    process = follower.start(data, "catalog")
    *most, last = documents()
    with Journal(data.raw_journals) as journal:
        for name, doc in most:
            journal(name, doc)
        wait_until(lambda: catalog_status(data).run == UID and catalog_status(data).state == "waiting")
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(ours + 5, MOST_NICE)
        said = catalog_status(data)
        assert (said.pid, said.alive, said.documents_behind, said.seconds_behind) == (process.pid, True, 0, 0.0)
        assert said.troubles == {}

        command = [sys.executable, "-m", "lics_beamline.follower", "catalog", "--data", str(data.root), "--once"]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert second.returncode == NOT_READY
        assert f"done by process {process.pid} already" in second.stderr

        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert (catalog_status(data).state, catalog_status(data).alive) == ("killed", False)
        journal(*last)
    process = follower.start(data, "catalog")
    wait_until(lambda: catalog_status(data).run == UID and catalog_status(data).state == "waiting")
    process.terminate()
    assert process.wait() == 0
    assert (catalog_status(data).state, catalog_status(data).alive) == ("ended", False)
    assert loads(data) == [0.0, 0.125, 0.25, 0.375]
    assert "ended, 0 runs in trouble" in (data.logs / "catalog.log").read_text()


@pytest.mark.parametrize("away", [lambda root: root.rename(root.with_name("elsewhere")), shutil.rmtree])
def test_a_follower_whose_data_folder_goes_away_says_so_and_ends(tmp_path, away):
    data = DataFolder(tmp_path / "data").make()
    command = [sys.executable, "-m", "lics_beamline.follower", "reduce", "--data", str(data.root)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: status(data)[0].state == "waiting")
        away(data.root)
        said = process.stderr.read()
    assert process.returncode == NOT_READY
    assert f"{data.root} was moved or deleted" in said
    assert "Traceback" not in said
    assert not data.root.exists(), "nothing is begun where nobody looks for it"
