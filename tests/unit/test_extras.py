"""What is not installed is named with the extra that brings it, never met as an import that failed."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lean import hiding_extras, needed_distributions

import lics_beamline
from lics_beamline.errors import NotInstalled
from lics_beamline.extras import extra_of, not_installed, require

PACKAGES = (Path(lics_beamline.__file__).parent, Path(__file__).parents[2] / "simulators" / "lics_simulators")
OTHER_NAMES = {"PIL": "pillow", "yaml": "pyyaml"}  # of libraries that are imported by another name than installed
BROUGHT = {  # by what, though no file of ours asks for them by name
    "fastapi": "tiled",
    "pydantic_core": "pydantic",
    "traitlets": "ipython",
    "xarray": "bluesky-tiled-plugins",
}


def lean(program: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", hiding_extras(program), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def test_who_only_analyses_installs_neither_engine_nor_server_nor_shell():
    needed = needed_distributions()
    assert {"pyfai", "rietx", "pandas", "lics-beamline"} <= needed
    beamline = needed_distributions(extras=frozenset({"beamline"}))
    assert {"bluesky", "ophyd", "caproto", "tiled", "databroker", "fastapi", "starlette"} <= beamline - needed
    others = needed_distributions(extras=frozenset({"monitor", "shell", "dask", "queue"}))
    assert {"bokeh", "ipython", "distributed", "bluesky-queueserver"} <= others - needed


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("bluesky", "beamline"),
        ("caproto", "beamline"),
        ("bluesky_tiled_plugins", "catalog"),
        ("tiled", "catalog"),
        ("bokeh", "monitor"),
        ("IPython", "shell"),
        ("distributed", "dask"),
        ("bluesky_queueserver", "queue"),
        ("numpy", ""),
        ("json", ""),
    ],
)
def test_a_library_is_named_with_the_smallest_extra_that_brings_it(module, extra):
    assert extra_of(module) == extra


def test_an_import_that_failed_for_another_reason_is_not_explained_away():
    assert (
        not_installed(ModuleNotFoundError("No module named 'lics_beamline.nowhere'", name="lics_beamline.nowhere"))
        is None
    )
    missing = not_installed(ModuleNotFoundError("No module named 'tiled.client'", name="tiled.client"))
    assert "needs tiled, which is not installed. pip install 'lics_beamline[catalog]'." in str(missing)
    assert missing.facts == {"module": "tiled", "extra": "catalog"}


def test_what_is_there_is_not_refused():
    require("numpy", what="arithmetic")
    with pytest.raises(
        NotInstalled, match=r"^a wish needs no_such_library, which is not installed. pip install no_such"
    ):
        require("no_such_library", what="a wish")


def test_every_library_that_is_imported_is_asked_for_by_the_package_or_an_extra():
    asked = {
        re.split(r"[\s<>=!~;\[]", said)[0].lower().replace("_", "-")
        for said in importlib.metadata.requires("lics_beamline")
    }
    files = [file for package in PACKAGES for file in package.rglob("*.py")]
    imported = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    others = imported - set(sys.stdlib_module_names) - {"lics_beamline", "lics_simulators"}
    assert len(others) > 20
    names = {BROUGHT.get(each, OTHER_NAMES.get(each, each)).lower().replace("_", "-") for each in others}
    assert names - asked == set()


def test_a_dry_run_where_only_analysis_is_installed_says_what_to_install_and_writes_nothing(tmp_path):
    done = lean(
        "import sys\nfrom lics_beamline.cli import main\nsys.exit(main(sys.argv[1:]))", "dry-run", folder=tmp_path
    )
    assert done.returncode == 3
    assert done.stderr == (
        "lics dry-run: the simulated beamline needs caproto, which is not installed. "
        "pip install 'lics_beamline[beamline]'.\n"
    )
    assert not any(tmp_path.iterdir())


def test_a_notebook_where_only_analysis_is_installed_is_told_the_same(tmp_path):
    done = lean(
        "import lics_beamline\nlics_beamline.read_run\ntry:\n    lics_beamline.open_session\n"
        "except lics_beamline.LicsError as error:\n    print(type(error).__name__, error)",
        folder=tmp_path,
    )
    assert done.stdout.startswith("NotInstalled this needs "), done.stderr
    assert done.stdout.endswith("pip install 'lics_beamline[beamline]'.\n")
