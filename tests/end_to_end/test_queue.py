"""A real bluesky-queueserver: its manager with its own client, a real Redis, and the worker that a profile gives it."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from child import child, end_guards
from command_line import lics
from free_port import free_port
from looking import pace

from lics_beamline.catalog.store import open_catalog
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.profile import shipped
from lics_beamline.safety.latch import latched
from lics_beamline.sweep_request import sweep_status

queueserver = pytest.importorskip("bluesky_queueserver", reason="pip install 'lics_beamline[queue]'")
REDIS = shutil.which("redis-server")
pytestmark = [
    pytest.mark.timeout(3600),  # for hangs only
    pytest.mark.skipif(REDIS is None, reason="no redis-server: apt-get install redis-server"),
]
USER = {"user": "tester", "user_group": "primary"}
WAIT_MS = 60_000  # for the manager to answer: on a busy computer it took seconds


class Manager:
    """The manager of a queue, by its own client."""

    def __init__(self, address):
        self._client = queueserver.ZMQCommSendThreads(zmq_server_address=address, timeout_recv=WAIT_MS)

    def ask(self, method, **parameters):
        return self._client.send_message(method=method, params=parameters, timeout=WAIT_MS)

    def does(self, method, **parameters):
        answer = self.ask(method, **parameters)
        assert answer["success"], answer
        return answer

    def submits(self, name, *args, **kwargs):
        """Submit a plan, again where its rules are still being applied."""
        item = {"item_type": "plan", "name": name, "args": list(args), "kwargs": kwargs}
        while True:
            answer = self.ask("queue_item_add", item=item, **USER)
            if "Submit it again" not in answer["msg"]:
                return answer
            pace()

    def until(self, **wanted):
        while True:
            status = self.ask("status")
            if all(status[key] == value for key, value in wanted.items()):
                return status
            pace()

    def close(self):
        self._client.close()
        self._client._ctx.destroy()  # its own `close` leaves it


@contextlib.contextmanager
def running(command, **options):
    with child(command, **options) as process:
        yield process
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("queue")


@pytest.fixture(scope="module")
def manager(folder):
    profile = shutil.copytree(shipped() / "simulated", folder / "mine")
    redis, control, info = free_port(), free_port(), free_port()
    environment = {**os.environ, "LICS_DATA": str(folder / "data"), "TILED_PROFILES": str(folder / "profiles")}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    with (
        running([REDIS, "--port", str(redis), "--save", "", "--bind", "127.0.0.1"], **quiet),
        (folder / "manager.log").open("w") as log,
        running(
            [
                *(sys.executable, str(Path(sys.executable).parent / "start-re-manager")),
                *("--startup-dir", str(profile / "startup"), "--redis-addr", f"127.0.0.1:{redis}"),
                *("--zmq-control-addr", f"tcp://127.0.0.1:{control}", "--zmq-info-addr", f"tcp://127.0.0.1:{info}"),
            ],
            **quiet | {"stdout": log, "stderr": log, "env": environment},
        ),
    ):
        manager = Manager(f"tcp://127.0.0.1:{control}")
        try:
            manager.until(manager_state="idle")
            yield manager
            manager.ask("manager_stop", option="safe_off")
        finally:
            manager.close()
            end_guards(folder)


@pytest.mark.long
def test_three_sweeps_of_which_the_second_is_aborted_are_recorded_whole(manager, folder):
    data = DataFolder(folder / "data")
    manager.does("environment_open")
    manager.until(manager_state="idle", worker_environment_exists=True)
    assert lics("sweep", "--data", "data", folder=folder).returncode == 3, "the folder has its session"

    for refused, why in (
        (manager.submits("sweep", "no-such"), "no experiment 'no-such'"),
        (manager.submits("sweep", "lics-2015", points=0), "at least 1 point"),
        (manager.submits("isobar", "lics-2015", 95.0, [348.0]), "allowed: 0 to 12 GPa"),
        (manager.submits("hunt", "onset", "onset of alloy", 4.0, 2.0), "one way only"),
        (manager.submits("count", ["membrane"]), "'thermocouples'"),
        (manager.submits("count", ["ruby"], num=10**9), "reads 1 to 100000 times"),
    ):
        assert not refused["success"]
        assert why in refused["msg"]
    assert manager.submits("sweep", "lics-2015", points=1)["success"]
    assert manager.submits("heat", "lics-2015", [348.0, 398.0])["success"]
    assert manager.submits("hold", "lics-2015", md={"title": "the last"})["success"]

    manager.does("queue_start")
    while Counter(head.start["purpose"] for head in heads(data.raw_journals)) != {"sweep": 2}:
        pace()
    manager.does("re_pause", option="immediate")
    manager.until(manager_state="paused")
    assert sweep_status(data).state == "held"
    manager.does("re_resume")
    manager.until(manager_state="executing_queue", re_state="running")
    while sweep_status(data).state != "running":
        pace()
    manager.does("re_pause", option="deferred")
    manager.until(manager_state="paused")
    manager.does("re_abort")
    manager.until(manager_state="idle", re_state="idle")
    assert [item["name"] for item in manager.ask("queue_get")["items"]] == ["heat", "hold"], "it is put back"
    manager.does("queue_item_remove", pos="front")
    manager.does("queue_start")
    manager.until(manager_state="idle", items_in_queue=0)
    ends = [item["result"]["exit_status"] for item in manager.ask("history_get")["items"]]
    assert ends == ["completed", "aborted", "completed"]
    manager.does("environment_close")
    manager.until(manager_state="idle", worker_environment_exists=False)

    recorded = sorted(heads(data.raw_journals), key=lambda head: head.time)
    assert [head.exit_status for head in recorded] == ["success", "abort", "success"]
    assert [head.start["scan_id"] for head in recorded] == [1, 2, 3]
    assert recorded[2].start["title"] == "the last"
    holds = [doc["data"]["hold_did"] for _, doc in read(recorded[1].path) if "hold_did" in doc.get("data", ())]
    assert holds[:3] == ["held", "continued", "held"]
    assert lics("follow", "--once", "--data", "data", folder=folder).returncode == 0
    with open_catalog(data) as catalog:
        assert {head.uid for head in recorded} <= set(catalog.uids)
    verified = lics("verify", "--data", "data", folder=folder)
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.nightly
def test_a_worker_that_is_killed_is_made_safe_by_its_guard_and_none_begins_before_somebody_has_looked(manager, folder):
    data = DataFolder(folder / "data")
    before = {head.uid for head in heads(data.raw_journals)}
    manager.does("environment_open")
    manager.until(manager_state="idle", worker_environment_exists=True)
    assert manager.submits("heat", "lics-2015", [348.0, 398.0])["success"]
    manager.does("queue_start")
    while {head.uid for head in heads(data.raw_journals)} == before:
        assert manager.ask("status")["manager_state"] != "idle", manager.ask("history_get")["items"][-1]
        pace()
    manager.does("environment_destroy")
    manager.until(manager_state="idle", worker_environment_exists=False)
    while latched(data) is None:
        pace()
    manager.does("queue_clear")
    manager.does("environment_open")
    status = manager.until(manager_state="idle")
    assert not status["worker_environment_exists"], "nobody has looked yet"
    assert lics("guard", "--acknowledge", "--data", "data", folder=folder).returncode == 0
    manager.does("environment_open")
    manager.until(manager_state="idle", worker_environment_exists=True)
    assert manager.submits("hold", "lics-2015")["success"]
    manager.does("queue_start")
    manager.until(manager_state="executing_queue", re_state="running")
    manager.does("re_pause", option="deferred")
    manager.until(manager_state="paused")
    assert lics("stop", "--why", "enough", "--data", "data", folder=folder).returncode == 0
    manager.until(manager_state="idle", re_state="idle", items_in_queue=1)
    assert "enough" in manager.ask("history_get")["items"][-1]["result"]["msg"]
    manager.does("queue_start")
    manager.until(manager_state="idle", items_in_queue=0)
    manager.does("environment_close")
    manager.until(manager_state="idle", worker_environment_exists=False)
    recorded = sorted((head for head in heads(data.raw_journals) if head.uid not in before), key=lambda head: head.time)
    assert [(head.finished, head.exit_status) for head in recorded] == [(False, ""), (True, "abort"), (True, "success")]
