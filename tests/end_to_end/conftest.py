"""One short dry run, shared by the tests that look at what it left behind."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from child import end_guards
from worlds.short_experiment import AS_LOADED, experiment, heating, pressure

EXPERIMENT = experiment(
    AS_LOADED,
    pressure(4.2),
    heating(340.0),
    pressure(3.8, stroke="downstroke", temperature_k=340),
    title="a short way through the alloy",
)


@pytest.fixture(autouse=True)
def no_guard_left(tmp_path: Path) -> Iterator[None]:
    """End the guard of a test that failed."""
    yield
    end_guards(tmp_path)


@dataclass(frozen=True)
class DryRun:
    """What a dry run printed and where it wrote."""

    data: Path
    exit_code: int
    printed: str
    said: str


def lics(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command line as a person would, with catalog profiles kept out of the home folder."""
    return subprocess.run(
        [sys.executable, "-m", "lics_beamline", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={**os.environ, "TILED_PROFILES": str(folder / "profiles"), **environment},
        check=False,
    )


@pytest.fixture(scope="session")
def dry_run(tmp_path_factory: pytest.TempPathFactory) -> DryRun:
    """Four points of a sweep on simulated hardware: up through the onset of the alloy, heated, a step down."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # of all workers: the first that asks makes it, the others wait
    folder, told = base / "dry-run", base / "dry-run.json"
    with (base / "dry-run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            folder.mkdir()
            (folder / "short.toml").write_text(EXPERIMENT)
            done = lics("dry-run", "short.toml", "--data", "data", "--seed", "3", folder=folder)
            told.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    exit_code, printed, said = json.loads(told.read_text())
    return DryRun(data=folder / "data", exit_code=exit_code, printed=printed, said=said)
