"""Fixtures shared by all tests: where measured data lie."""

import gc
import os
import sys
from pathlib import Path

# Several tests run at a time, each with processes of its own: threads inside them only wait for one another.
for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(library, "1")

# They begin hundreds of processes; each would translate all that it imports anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

os.environ["LICS_CACHE"] = ""  # nothing is kept while tests are collected, nor in the folder of whoever runs them

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # ophyd takes pyepics where it is installed, when imported

import pytest  # noqa: E402  after the threads were set, before anything that counts
from hypothesis import HealthCheck, settings  # noqa: E402

from lics_beamline.devices.control_layer import choose  # noqa: E402

choose()  # as every front door does, before any test imports ophyd

# No example is judged by how long it takes: on a busy computer everything takes its time.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """Leave what was imported out of later collections: pyFAI asks for one of everything at each of its changes."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def cache_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the processes that tests begin share what each would take seconds to make anew, while this run lasts."""
    base = tmp_path_factory.getbasetemp()
    os.environ["LICS_CACHE"] = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache")


@pytest.fixture(scope="session")
def measured_data() -> Path:
    """Folder of real measured files, named by LICS_TEST_DATA; the test skips where it is unset."""
    folder = os.environ.get("LICS_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LICS_TEST_DATA does not name a folder of measured data")
    return Path(folder)
