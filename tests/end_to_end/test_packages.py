"""What is installed from a file, away from the checkout, finds its profiles, phases and simulators."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from documented import ROOT

import lics_beamline

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Return a wheel of the checkout, and one made of its sdist as an index would get it."""
    folder = tmp_path_factory.mktemp("packages")
    builder = folder / "builder"
    venv.create(builder, with_pip=True)
    pip(builder, "install", "-q", "hatchling")
    run([builder / "bin" / "python", "-m", "hatchling", "build", "-d", folder], cwd=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    pip(builder, "wheel", "-q", "--no-deps", "-w", folder / "of-sdist", sdist)
    (again,) = (folder / "of-sdist").glob("*.whl")
    return wheel, again


@pytest.fixture(scope="module")
def installed(packages, tmp_path_factory):
    """Return an environment with the wheel, which borrows the libraries of this one and knows of no checkout."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=True)
    pip(folder, "install", "-q", "--no-deps", packages[1])
    borrowed = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    # The .pth files of a folder that is borrowed so are not read: that of the editable install is one.
    (borrowed / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(command, **options):
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, env=environment, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(environment, *arguments):
    run([environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check", *arguments])


def test_an_sdist_makes_the_wheel_that_the_checkout_makes_and_lacks_no_file(packages):
    names, again = (set(zipfile.ZipFile(wheel).namelist()) for wheel in packages)
    assert names == again
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    homes = {"lics_beamline/": "", "profiles/": "lics_beamline/", "simulators/": ""}
    for file in tracked:
        for folder, home in homes.items():
            if file.startswith(folder):
                assert home + file.removeprefix("simulators/") in names
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]


def test_the_program_runs_from_the_wheel_alone(installed, tmp_path):
    lics = installed / "bin" / "lics"
    assert lics_beamline.__version__ in run([lics, "--version"], cwd=tmp_path)
    where = run(
        [
            installed / "bin" / "python",
            "-c",
            "import lics_beamline, lics_simulators as s;print(lics_beamline.__file__, s.__file__)",
        ],
        cwd=tmp_path,
    )
    assert where.count(str(installed)) == 2
    assert str(ROOT) not in where
    data = ("--data", tmp_path / "data")
    run([lics, "check", "lics-2015", *data], cwd=tmp_path)
    run([lics, "dry-run", "--points", "1", *data], cwd=tmp_path)
    shown = json.loads(run([lics, "show", "--json", *data], cwd=tmp_path))
    assert shown
    assert run([lics, "verify", *data], cwd=tmp_path).endswith("all is as it was recorded\n")
    assert sys.prefix not in run([installed / "bin" / "python", "-c", "import sys; print(sys.prefix)"])
