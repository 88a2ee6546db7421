"""A run whose events were packed into pages is reduced, continued, told and followed like the same run unpacked."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from derived_run import START
from paged_documents import paged

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.follower.live_reduction import LiveReduction
from lics_beamline.journal.codec import Encoder
from lics_beamline.journal.head import head, heads
from lics_beamline.journal.reader import read
from lics_beamline.plans.live import LiveResults
from lics_beamline.profile import LiveSettings
from lics_beamline.reduction.workers import crew
from lics_beamline.replay import replay


def together(raw_run):
    """Documents of the run with all points before all plates, so that a page holds several."""
    raw_run.start["sweep_uid"] = START["sweep_uid"]
    for descriptor in raw_run.descriptors.values():
        descriptor["run_start"] = raw_run.start["uid"]
    yield "start", raw_run.start
    yield from (("descriptor", descriptor) for descriptor in raw_run.descriptors.values())
    for stream in (0, 1):
        yield from (("event", point[stream]) for point in raw_run.points)
    yield "stop", raw_run.stop


def record(folder, documents):
    documents = list(documents)
    encoder = Encoder()
    path = folder / f"{documents[0][1]['uid']}.jsonl"
    path.write_bytes(b"".join(encoder.line(name, doc) for name, doc in documents))
    return path


@pytest.fixture
def unpacked(raw_run):
    data = DataFolder(raw_run.root / "unpacked").make()
    shutil.copytree(raw_run.root / "plates", data.plates, dirs_exist_ok=True)
    record(data.raw_journals, together(raw_run))
    return data


@pytest.fixture
def packed(raw_run):
    data = DataFolder(raw_run.root / "packed").make()
    shutil.copytree(raw_run.root / "plates", data.plates, dirs_exist_ok=True)
    record(data.raw_journals, paged(together(raw_run)))
    return data


def plain(value):
    """A document without the times at which it was made."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in ("time", "timestamps")}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def derived(data):
    (found,) = heads(data.derived_journals)
    return [json.dumps([name, plain(doc)]) for name, doc in read(found.path)]


def pack_derived(data):
    """Pack the events of the derived run that is there, and return its documents."""
    (found,) = heads(data.derived_journals)
    documents = list(paged(read(found.path)))
    assert [name for name, _ in documents] == ["start", "descriptor", "event_page", "stop"]
    record(data.derived_journals, documents)
    return documents


def test_a_replay_of_pages_gives_the_same_derived_documents(unpacked, packed):
    assert replay(unpacked, "last").points == 3
    told = []
    assert replay(packed, "last", told=told.append).points == 3
    assert derived(packed) == derived(unpacked)
    assert [point["exposure_uid"] for point in told] == ["exposure-0", "exposure-1", "exposure-2"]


def test_points_that_a_page_of_a_derived_run_holds_are_not_reduced_again(packed):
    first = replay(packed, "last")
    before = derived(packed)
    whole = pack_derived(packed)
    assert replay(packed, "last").already
    record(packed.derived_journals, whole[:-1])
    again = replay(packed, "last", told=lambda point: pytest.fail("it was reduced before"))
    assert (again.uid, again.points) == (first.uid, 3)
    assert [name for name, _ in read(again.journal)] == [name for name, _ in whole]
    assert derived(packed)[-1] == before[-1]


def test_a_live_reducer_goes_on_after_the_points_that_a_page_holds(packed):
    replay(packed, "last")
    before = derived(packed)
    whole = pack_derived(packed)
    (raw,) = packed.raw_journals.glob("*.jsonl")
    with crew(1) as alone:
        assert LiveReduction(packed, alone).begin(head(raw)) is None, "reduced whole"
        path = record(packed.derived_journals, whole[:-1])
        at_work = LiveReduction(packed, alone).begin(head(raw))
        for name, doc in read(raw):
            at_work.take(name, doc)
        at_work.close()
    assert [name for name, _ in read(path)] == [name for name, _ in whole]
    assert derived(packed)[-1] == before[-1]


def test_a_plan_that_waits_for_points_finds_those_of_a_page(packed, raw_run):
    replay(packed, "last")
    pack_derived(packed)
    wanted = {"sweep_uid": START["sweep_uid"], "recipe_digest": raw_run.recipe.digest}
    live = LiveResults(packed.derived_journals, wanted, settings=LiveSettings())
    live.awaits("exposure-2", what="point 3").wait()
    assert live.take("exposure-1").data["pressure_gpa"] == pytest.approx(5.0, abs=0.02)
    live.close()


def test_a_run_of_pages_is_shown_like_the_same_run_unpacked(unpacked, packed, raw_run, capsys):
    for data in (unpacked, packed):
        replay(data, "last")
    pack_derived(packed)

    def shown(data):
        assert main(["show", raw_run.start["uid"], "--json", "--data", str(data.root)]) == 0
        told = json.loads(capsys.readouterr().out)
        assert Path(told.pop("journal")).is_relative_to(data.root)
        return told

    assert shown(unpacked)["events"] == {"primary": 3, "readout": 3}
    assert shown(packed) == shown(unpacked)
