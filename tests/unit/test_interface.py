"""The public Python interface: complete, lazy, and the same to people, editors and mypy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from reduced_documents import data, documents

import lics_beamline
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.profile import shipped

STUB = Path(lics_beamline.__file__).with_suffix(".pyi")
HEAVY = ("numpy", "bluesky", "ophyd", "caproto", "tiled", "databroker", "pyFAI", "matplotlib", "pydantic", "scipy")


@pytest.mark.parametrize("name", lics_beamline.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert getattr(lics_beamline, name).__doc__


def test_importing_the_package_loads_no_library():
    code = "import sys, lics_beamline; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in done.stdout.split()} & set(HEAVY) == set()


def test_reading_a_profile_loads_no_instrument():
    code = "import sys; from lics_beamline import read_profile; read_profile('simulated'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in done.stdout.split()} & {"bluesky", "ophyd", "caproto", "tiled"} == set()


def test_public_names_load_no_instrument_before_a_session_is_opened():
    code = "import sys, lics_beamline as lics; [getattr(lics, name) for name in SAFE]; print(*sys.modules)"
    safe = sorted(set(lics_beamline.__all__) - {"open_session", "simulated_beamline", "run_plan"})
    done = subprocess.run(
        [sys.executable, "-c", code.replace("SAFE", repr(safe))], capture_output=True, text=True, check=True
    )
    assert {name.split(".")[0] for name in done.stdout.split()} & {"ophyd", "caproto", "bluesky"} == set()


@pytest.mark.parametrize("kind", [str, Path], ids=["words", "Path"])
def test_files_and_folders_are_named_by_words_as_by_paths(tmp_path, kind):
    profile = lics_beamline.read_profile(kind(shipped() / "simulated"))
    assert lics_beamline.read_experiment(kind(profile.experiments / "onset.toml")).title
    recipe = lics_beamline.read_recipe(kind(profile.recipe_file))
    assert lics_beamline.read_geometry(kind(profile.folder / "geometry.poni")) == recipe.geometry
    assert lics_beamline.DataFolder(kind(tmp_path)).raw_journals == tmp_path / "journals" / "raw"
    run = reduced_run(documents([data(0)]))
    assert lics_beamline.draw_summary(run, kind(tmp_path / "figures" / "summary.png")).stat().st_size > 0
    assert lics_beamline.export_run(run, kind(tmp_path / "csv"), layout="csv").files
    assert lics_beamline.write_report(lics_beamline.analyse_run(run), kind(tmp_path / "report")).stat().st_size > 0
    with pytest.raises(lics_beamline.LicsError, match="no such file"):
        lics_beamline.reduce_image(kind(tmp_path / "gone.tif"), recipe.geometry)


def test_editors_and_mypy_know_the_same_names():
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    listed = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )
    imported = {
        name.asname: f"{node.module}:{name.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.asname
    }
    assert set(listed) == set(lics_beamline.__all__)
    homes = {name: home for name, home in lics_beamline._HOMES.items() if name in imported}
    assert imported == {name: f"lics_beamline.{home}" for name, home in homes.items()}


def test_names_are_offered_for_completion():
    assert {"open_session", "replay_run", "reduce_image"} <= set(dir(lics_beamline))


def test_a_name_that_is_not_there_is_an_attribute_error_that_tells_what_is():
    with pytest.raises(AttributeError, match=r"replay_runs.*replay_run"):
        _ = lics_beamline.replay_runs


def test_the_public_names_stay_when_the_module_of_that_name_has_been_imported():
    code = "import lics_beamline.replay, lics_beamline; print(callable(lics_beamline.replay_run))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
