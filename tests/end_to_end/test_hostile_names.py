"""Journals from anywhere: nothing outside the data folder is written or removed, whatever names they give."""

import json

import pytest
from command_line import typed

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.codec import Encoder
from lics_beamline.journal.writer import Journal
from lics_beamline.schema import PLATE_SPEC, SWEEP


def good_run(uid, *, stream="primary", field="spectrum"):
    start = {"uid": uid, "time": 1.0, "purpose": "test", "plan_name": "count"}
    yield "start", start
    keys = {
        "load_bar": {"source": "test", "dtype": "number", "shape": []},
        field: {"source": "test", "dtype": "array", "shape": [4], "dtype_numpy": "<f8"},
    }
    about = {"data_keys": keys, "configuration": {}, "hints": {}, "object_keys": {}, "time": 1.0}
    yield "descriptor", {"uid": f"{uid}-d", "run_start": start["uid"], "name": stream, **about}
    data = {"load_bar": 1.5, field: [1.0, 2.0, 3.0, 4.0]}
    body = {"seq_num": 1, "time": 2.0, "data": data, "timestamps": dict.fromkeys(data, 2.0), "filled": {}}
    yield "event", {"uid": f"{uid}-e", "descriptor": f"{uid}-d", **body}
    yield "stop", {"uid": f"{uid}-s", "run_start": start["uid"], "time": 3.0, "exit_status": "success"}


def with_resource(uid, resource_path, template):
    """Return a run whose frames are said to lie elsewhere."""
    start, descriptor, *rest = good_run(uid)
    resource = {
        "uid": f"{uid}-r",
        "run_start": uid,
        "spec": PLATE_SPEC,
        "root": "",
        "resource_path": resource_path,
        "path_semantics": "posix",
        "resource_kwargs": {"template": template, "chunk_shape": [1, 30, 40]},
    }
    return [start, descriptor, ("resource", resource), *rest]


def write_journal(folder, name, documents):
    """Write documents as they are, under a name of our own: a hostile journal was not written by our writer."""
    encoder = Encoder()
    (folder / f"{name}.jsonl").write_bytes(b"".join(encoder.line(*each) for each in documents))


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture
def surroundings(tmp_path, monkeypatch):
    """A folder with a data folder and with other things beside it, which are nobody's business."""
    victim = tmp_path / "outside" / "victim"
    victim.mkdir(parents=True)
    (victim / "thesis.tex").write_text("years of work")
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "work" / "profiles"))
    return tmp_path


@pytest.mark.long
def test_the_catalog_goes_on_with_the_other_runs_notes_the_hostile_ones_and_deletes_nothing(surroundings):
    data = DataFolder(surroundings / "work" / "data").make()
    raw, victim = data.raw_journals, surroundings / "outside" / "victim"
    with Journal(raw) as journal:
        for uid in ("11111111-good", "99999999-good"):
            for each in good_run(uid):
                journal(*each)
    hostile = {
        "a-absolute": good_run(str(victim)),
        "b-climbing": good_run("../../../../outside/victim"),
        "c-slash": good_run("55555555/victim"),
        "d-empty": good_run(""),
        "e-long": good_run("x" * 300),
        "f-nul": good_run("a\0b"),
        "g-newline": good_run("a\nb"),
        "h-stream": good_run("66666666-stream", stream=".."),
        "i-field": good_run("77777777-field", field="../../../../../../outside/victim/spectrum"),
        "j-folder": with_resource("88888888-folder", "../../outside/", "{:06d}.osc"),
        "k-template": with_resource("88888888-template", "plates/", "../../../outside/{:06d}.osc"),
        "l-format": with_resource("88888888-format", "plates/", "{0.__class__.__init__}"),
    }
    for name, documents in hostile.items():
        write_journal(raw, name, documents)
    before = tree(surroundings / "outside")

    done = typed("follow", "catalog", "--once", "--data", "data", folder=surroundings / "work")

    assert tree(surroundings / "outside") == before
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    troubles = json.loads((data.logs / "catalog.json").read_text())["troubles"]
    uids = {"h-stream": "66666666-stream", "i-field": "77777777-field"} | {
        f"{letter}-{kind}": f"88888888-{kind}" for letter, kind in (("j", "folder"), ("k", "template"), ("l", "format"))
    }
    assert set(troubles) == {uids.get(name, name) for name in hostile}
    assert all(says.startswith("UnsafeName: ") for says in troubles.values())
    from lics_beamline.catalog.store import open_catalog

    with open_catalog(data) as catalog:
        for uid in ("11111111-good", "99999999-good"):
            assert catalog.dataset(uid, "primary")["load_bar"].values.tolist() == [1.5]
            assert catalog.run(uid)["primary"]["spectrum"].read().tolist() == [[1.0, 2.0, 3.0, 4.0]]
    assert {path.name for path in surroundings.iterdir()} == {"outside", "work"}
    assert {path.name for path in (surroundings / "work").iterdir()} == {"data", "profiles"}


def test_the_reducer_leaves_a_hostile_sweep_out_and_writes_nothing_elsewhere(surroundings):
    data = DataFolder(surroundings / "work" / "data").make()
    start = {"uid": "../../../../outside/victim", "time": 1.0, "purpose": SWEEP}
    write_journal(data.raw_journals, "climbing", [("start", start)])
    before = tree(surroundings / "outside")
    done = typed("follow", "reduce", "--once", "--data", "data", folder=surroundings / "work")
    assert tree(surroundings / "outside") == before
    assert done.returncode == 4, done.stderr
    assert list(data.derived_journals.glob("*.jsonl")) == []
    listed = typed("runs", "--data", "data", folder=surroundings / "work")
    assert listed.returncode == 4
    assert "climbing.jsonl is left out" in listed.stderr
