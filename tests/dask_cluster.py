"""A Dask scheduler and its workers on the loopback, in processes of their own."""

import contextlib
import json
import signal
import subprocess
import sys
import threading

import pytest


@contextlib.contextmanager
def dask_cluster(folder, *worker_options, workers=1):
    """Give the address of a scheduler, and a client of it, once all workers are there; both end with the context.

    Parameters
    ----------
    folder : Path
        For what they write.
    worker_options : str
        Of the command line of the workers.
    workers : int
        How many these options make.
    """
    distributed = pytest.importorskip("distributed", reason="the extra lics_beamline[dask] is not installed")
    told = folder / "scheduler.json"
    program = [sys.executable, "-m"]
    scheduler = [*program, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    worker = [*program, "distributed.cli.dask_worker", "--no-dashboard", *worker_options]
    with (folder / "dask.log").open("wb") as log:
        processes = [
            subprocess.Popen([*command, "--scheduler-file", str(told)], stdout=log, stderr=log, cwd=folder)
            for command in (scheduler, worker)
        ]
        try:
            pause = threading.Event()
            while not told.exists() or not told.read_text().endswith("}"):
                assert processes[0].poll() is None, (folder / "dask.log").read_text()
                pause.wait(0.05)
            address = json.loads(told.read_text())["address"]
            with distributed.Client(address, set_as_default=False) as client:
                client.wait_for_workers(workers, timeout=300)
                yield address, client
        finally:
            for process in reversed(processes):
                process.send_signal(signal.SIGINT)
                process.wait()
