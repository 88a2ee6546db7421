"""A data folder on a disk that cannot be written."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DROP_FROM_BOUNDING_SET, OVERRIDE_PERMISSIONS = 24, 1  # prctl(2), capabilities(7)


def as_nobody_may_write():
    """Let the permissions of files count for this process, also where root runs the tests."""
    if os.getuid() == 0:
        assert ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, OVERRIDE_PERMISSIONS, 0, 0, 0) == 0


@pytest.fixture
def read_only(dry_run, tmp_path):
    """A copy of the dry run in which nothing can be written, with a command line that keeps to that."""
    data = tmp_path / "copy"
    shutil.copytree(dry_run.data, data, ignore=shutil.ignore_patterns("catalog"))
    folders = [data, *(path for path in data.rglob("*") if path.is_dir())]
    for path in data.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    data.chmod(0o555)

    def say(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "lics_beamline", *map(str, arguments), "--data", str(data)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "TILED_PROFILES": str(tmp_path / "profiles")},
            preexec_fn=as_nobody_may_write,
            check=False,
        )

    yield say
    for folder in folders:
        folder.chmod(0o755)


def test_a_copy_that_cannot_be_written_is_read_and_what_would_write_says_so(read_only, tmp_path):
    for looking in (
        ("runs",),
        ("show", "last"),
        ("verify",),
        ("export", "last", "--for", "xye", "--to", tmp_path / "out"),
    ):
        said = read_only(*looking)
        assert said.returncode == 0, said.stderr
    for writing in (
        ("replay", "last", "--recipe", recipe(tmp_path)),
        ("follow", "--once"),
        ("rebuild-catalog",),
        ("analyse", "last"),
    ):
        said = read_only(*writing)
        assert said.returncode in (3, 4), writing
        assert "Permission denied" in said.stderr, said.stderr
        assert "unexpected" not in said.stderr
        assert "Traceback" not in said.stderr


def recipe(folder):
    """Another recipe than that of the run: it has not been reduced by it yet."""
    profile = Path(__file__).parents[2] / "profiles" / "simulated"
    path = folder / "ragan.toml"
    text = (profile / "recipe.toml").read_text().replace("datchi-2007", "ragan-1992")
    path.write_text(text.replace('"geometry.poni"', f'"{profile / "geometry.poni"}"'))
    return path
