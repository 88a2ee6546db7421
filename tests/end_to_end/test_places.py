"""A data folder on any path, and on a disk that cannot be written."""

import ctypes
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import typed

from lics_beamline.catalog.store import open_catalog
from lics_beamline.data_folder import DataFolder

AWKWARD = Path(f"Jörg's run 3 %20 50%/{'a' * 60} é/{'b' * 60}/data")
DROP_FROM_BOUNDING_SET, OVERRIDE_PERMISSIONS = 24, 1  # prctl(2), capabilities(7)


@pytest.fixture(scope="module")
def awkward(dry_run, tmp_path_factory):
    """The dry run, copied to a path that people have."""
    data = tmp_path_factory.mktemp("places") / AWKWARD
    shutil.copytree(dry_run.data, data, ignore=shutil.ignore_patterns("catalog"))
    return data


def done(*arguments, folder):
    """Run a command line that must be all right; what it said in JSON where it was asked to."""
    said = typed(*map(str, arguments), folder=folder)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout) if "--json" in arguments else said.stdout


@pytest.mark.nightly
def test_everything_works_on_a_path_with_spaces_accents_and_percent_signs(awkward, tmp_path):
    data = ("--data", awkward)
    assert len(done("show", "last", "--json", *data, folder=tmp_path)["points"]) == 4
    done("follow", "catalog", "--once", *data, folder=tmp_path)
    assert done("verify", "--json", *data, folder=tmp_path)["differences"] == []
    with open_catalog(DataFolder(awkward)) as catalog:
        (uid,) = catalog.search(purpose="sweep")
        assert catalog.image(uid, 3).shape == (3000, 3000)
    assert (
        len(done("export", "last", "--for", "xye", "--to", tmp_path / "é 1", "--json", *data, folder=tmp_path)["files"])
        == 4
    )
    assert "report.html" in done("analyse", "last", *data, folder=tmp_path)
    done("rebuild-catalog", *data, folder=tmp_path)
    shutil.rmtree(awkward / "journals" / "derived")
    assert done("replay", "last", "--json", *data, folder=tmp_path)["points"] == 4


def test_a_path_that_the_catalog_cannot_name_is_refused_in_words_and_all_else_works_there(dry_run, tmp_path):
    data = tmp_path / "run #3" / "data"
    shutil.copytree(dry_run.data, data)
    for verb in (("rebuild-catalog",), ("follow", "catalog", "--once")):
        said = typed(*verb, "--data", str(data), folder=tmp_path)
        assert said.returncode in (2, 3)
        assert "has '#' in its path" in said.stderr
        assert "give the folder another name" in said.stderr
    assert len(done("show", "last", "--json", "--data", data, folder=tmp_path)["points"]) == 4
    assert (
        len(
            done("export", "last", "--for", "xye", "--to", tmp_path / "out", "--json", "--data", data, folder=tmp_path)[
                "files"
            ]
        )
        == 4
    )


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


@pytest.mark.long
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


def test_whose_a_folder_is_that_may_not_be_written_is_named(tmp_path):
    if os.getuid() == 0:
        (tmp_path / "theirs").mkdir()
        os.chown(tmp_path / "theirs", pwd.getpwnam("nobody").pw_uid, -1)
    theirs = tmp_path / "theirs" if os.getuid() == 0 else Path("/usr")
    said = subprocess.run(
        [sys.executable, "-m", "lics_beamline", "follow", "--once", "--data", str(theirs)],
        capture_output=True,
        text=True,
        preexec_fn=as_nobody_may_write,
        check=False,
    )
    assert said.returncode == 4
    assert f"It is {theirs.owner()}'s, who may share the folder with a group" in said.stderr


@pytest.mark.long
def test_what_is_made_of_a_run_in_a_folder_that_a_group_shares_is_the_groups_to_go_on_with(dry_run, tmp_path):
    data = tmp_path / "shared"
    shutil.copytree(dry_run.data / "journals", data / "journals")
    shutil.copytree(dry_run.data / "plates", data / "plates")
    copied = set(data.rglob("*"))
    for work in (("follow", "--once"), ("analyse", "last"), ("replay", "last", "--recipe", recipe(tmp_path))):
        said = subprocess.run(
            [sys.executable, "-m", "lics_beamline", *map(str, work), "--data", str(data)],
            cwd=tmp_path,
            env={**os.environ, "TILED_PROFILES": str(tmp_path / "profiles")},
            umask=0o002,
            check=False,
        )
        assert said.returncode == 0
    made = set(data.rglob("*")) - copied
    assert {path.name for path in made} >= {"catalog.db", "tables.db", "catalog.lock", "report.html"}
    assert [path for path in made if not path.stat().st_mode & stat.S_IWGRP] == []


def recipe(folder):
    """Another recipe than that of the run: it has not been reduced by it yet."""
    profile = Path(__file__).parents[2] / "profiles" / "simulated"
    path = folder / "ragan.toml"
    text = (profile / "recipe.toml").read_text().replace("datchi-2007", "ragan-1992")
    path.write_text(text.replace('"geometry.poni"', f'"{profile / "geometry.poni"}"'))
    return path
