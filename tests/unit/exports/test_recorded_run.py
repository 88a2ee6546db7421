"""A recorded sweep for a notebook: the run that is meant, its points as a table, never other numbers."""

import math
import subprocess
import sys

import numpy as np
import pytest
from reduced_documents import data, documents

import lics_beamline
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import RunNotFound
from lics_beamline.journal.writer import Journal

RAW = "11111111-raw"


def data_key(value):
    if isinstance(value, np.ndarray):
        return {"dtype": "array"}
    kinds = {bool: "boolean", int: "integer", str: "string"}
    return {"dtype": kinds.get(type(value), "number")}


def reduction(folder, uid, points, *, time=2.0, raw_uid=RAW, **more):
    """Record what a reducer writes; a phase that was not found has no numbers in the event."""
    with Journal(folder.derived_journals) as journal:
        for name, doc in documents(points):
            if name == "start":
                journal("start", {**doc, "uid": uid, "raw_uid": raw_uid, "time": time, **more})
            elif name == "descriptor":
                keys = {key: data_key(value) for key, value in data(0).items()}
                journal("descriptor", {**doc, "uid": f"{uid}-d", "run_start": uid, "data_keys": keys})
            else:
                number = doc["data"]["point_index"]
                journal("event", {**doc, "uid": f"{uid}-{number}", "descriptor": f"{uid}-d"})
        journal("stop", {"uid": f"{uid}-s", "run_start": uid, "exit_status": "success"})


@pytest.fixture
def folder(tmp_path):
    found = DataFolder(tmp_path).make()
    with Journal(found.raw_journals) as journal:
        journal("start", {"uid": RAW, "time": 1.0, "purpose": "sweep", "title": "as recorded"})
        journal("stop", {"uid": "s", "run_start": RAW, "exit_status": "success"})
    return found


def test_the_table_has_a_row_a_point_in_the_order_of_the_path_and_the_columns_asked_for(folder):
    lost = {key: value for key, value in data(2).items() if not key.startswith("alloy_")}
    reduction(folder, "22222222-derived", [data(1, a=3.5), data(0, a=3.6), lost])
    run = lics_beamline.read_run("last", folder.root)
    table = run.table(["alloy_a_angstrom", "pressure_gpa", "leg"])
    assert list(table.columns) == ["alloy_a_angstrom", "pressure_gpa", "leg"]
    assert table["alloy_a_angstrom"].tolist()[:2] == [3.6, 3.5]
    assert math.isnan(table["alloy_a_angstrom"][2])
    assert table["pressure_gpa"].tolist() == pytest.approx([3.01, 4.01, 5.01])
    assert table["leg"].tolist() == ["298 K upstroke"] * 3


def test_all_columns_are_every_number_and_word_and_no_pattern(folder):
    reduction(folder, "22222222-derived", [data(0)])
    run = lics_beamline.read_run("last", str(folder.root))
    table = run.table()
    assert tuple(table.columns) == run.columns
    assert {"point_index", "alloy_fraction", "re_hcp_c_angstrom", "reduced", "note", "phases"} < set(table.columns)
    assert not {"intensity", "two_theta_deg", "graininess"} & set(table.columns)
    assert run.reduced().points[0].intensity.shape == (400,)


@pytest.mark.parametrize("column", ["pressure", "alloy_a", "intensity", "temperature"])
def test_a_column_that_does_not_exist_is_refused_with_those_that_are_near(folder, column):
    reduction(folder, "22222222-derived", [data(0)])
    near = {"pressure": "pressure_gpa", "alloy_a": "alloy_a_angstrom", "temperature": "temperature_k"}
    with pytest.raises(RunNotFound, match=f"run 22222222 has no column '{column}'; near it: .*{near.get(column, '')}"):
        lics_beamline.read_run("last", folder).table(["pressure_gpa", column])


def test_the_sweep_gives_its_newest_reduction_and_a_reduction_gives_itself(folder):
    reduction(folder, "33333333-newer", [data(0)], time=9.0)
    reduction(folder, "22222222-older", [data(0)], time=2.0)
    reduction(folder, "44444444-other", [data(0)], time=99.0, raw_uid="another-run")
    for name in ("last", RAW, "111111"):
        run = lics_beamline.read_run(name, folder)
        assert (run.raw.uid, run.derived.uid) == (RAW, "33333333-newer")
        assert run.start["title"] == "as recorded"
    reduction(folder, "55555555-again", [data(0)], time=1.0, supersedes="33333333-newer")  # the clock was set back
    assert lics_beamline.read_run("last", folder).derived.uid == "55555555-again"
    assert lics_beamline.read_run("222222", folder).derived.uid == "22222222-older"
    alone = lics_beamline.read_run("444444", folder)
    assert alone.raw is None
    assert alone.start["title"] == "a title"


def test_a_sweep_that_was_not_reduced_says_how_to_and_a_name_that_none_has_is_refused(folder):
    with pytest.raises(RunNotFound, match="has not been reduced yet: lics replay 11111111"):
        lics_beamline.read_run("last", folder)
    with pytest.raises(RunNotFound, match="no run answers to 'abcdef'"):
        lics_beamline.read_run("abcdef", folder)


def test_what_a_notebook_imports_is_loaded_when_it_is_asked_for():
    program = (
        "import sys, lics_beamline\n"
        "assert not [name for name in sys.modules if name.startswith('lics_beamline.')]\n"
        "assert 'numpy' not in sys.modules\n"
        "assert 'read_run' in dir(lics_beamline)\n"
        "assert callable(lics_beamline.read_run)\n"
        "assert not {'ophyd', 'bluesky', 'databroker', 'tiled'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="has no attribute 'read_runs'; it offers"):
        _ = lics_beamline.read_runs
