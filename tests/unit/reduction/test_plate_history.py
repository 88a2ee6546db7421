import copy
import hashlib
import json
import math

import numpy as np
import pytest

from lics_beamline.frames.plate import Fading, Ghost
from lics_beamline.reduction.recipe import PlateCorrections
from lics_beamline.reduction.reducer import Reducer

FADING = Fading(fast_share=0.3, fast_s=900.0, slow_s=2e5, scan_s=75.0)
PLATE = PlateCorrections(fading=FADING, ghosts=(Ghost(plate=1, share=0.01),))


def reduce_all(run, recipe=None, **options):
    reducer = Reducer(recipe, data_root=run.root, **options)
    return [derived for name, doc in run.documents() for derived in reducer(name, doc)]


def events(documents):
    return [doc for name, doc in documents if name == "event"]


def numbers(event):
    return json.dumps({k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in event["data"].items()})


def on_a_plate(run, images, *, waited_s, draw):
    """Let the points of a run be read from one plate that fades and keeps 1 % of its last image."""
    before = np.zeros_like(images[0])
    for image, (primary, readout), wait in zip(images, run.points, waited_s, strict=True):
        primary["data"]["exposure_s"] = 300.0
        left = FADING.of_rows(image.shape[0], waited_s=wait, exposure_s=300.0, scan_s=75.0)
        path = run.root / readout["data"]["frame_path"]
        draw.osc(path, np.rint(image * left[:, None] + 0.01 * before))
        readout["data"]["frame_waited_s"] = wait
        readout["data"]["frame_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        before = image


def test_fading_and_the_ghost_of_the_image_before_are_undone(raw_run, draw):
    images = [draw.image(draw.lines(3.5, draw.alloy), seed=5, strength=s) for s in (20_000.0, 200.0, 200.0)]
    on_a_plate(raw_run, images, waited_s=(15.0, 1800.0, 3600.0), draw=draw)
    as_exposed, as_read, corrected = (copy.deepcopy(raw_run) for _ in range(3))
    for image, (_, readout) in zip(images, as_exposed.points, strict=True):
        path = raw_run.root / readout["data"]["frame_path"].replace("/a/", "/b/")
        draw.osc(path, image)
        readout["data"] |= {"frame_path": str(path.relative_to(raw_run.root)), "frame_sha256": ""}
    recipe = raw_run.recipe.model_copy(update={"plate": PLATE})
    truth = [doc["data"]["intensity"] for doc in events(reduce_all(as_exposed))]
    faded = [doc["data"]["intensity"] for doc in events(reduce_all(as_read))]
    done = [doc["data"] for doc in events(reduce_all(corrected, recipe))]
    for point in (1, 2):
        ratio = done[point]["intensity"] / truth[point]
        assert np.nanmedian(ratio) == pytest.approx(1.0, abs=0.003)
        assert abs(np.nanmedian(faded[point] / truth[point]) - 1.0) > 0.05
    assert [data["fading_remaining"] for data in done] == pytest.approx(
        [FADING.remaining(wait + 37.5, exposure_s=300.0) for wait in (15.0, 1800.0, 3600.0)], rel=1e-3
    )
    assert math.isnan(done[0]["ghost_fraction"])  # what was on the plate before the run nobody knows
    left = FADING.remaining(1800.0 + 37.5, exposure_s=300.0)
    ghost = 0.01 * images[0].sum()
    assert done[1]["ghost_fraction"] == pytest.approx(ghost / (ghost + left * images[1].sum()), rel=0.1)
    assert done[2]["ghost_fraction"] < 0.1


def test_what_is_done_and_lost_between_is_known_to_the_history_of_a_plate(raw_run):
    recipe = raw_run.recipe.model_copy(update={"plate": PLATE})
    whole = events(reduce_all(raw_run, recipe))
    rest = events(reduce_all(raw_run, recipe, done={"exposure-0": {"phases": "alloy"}}))
    assert numbers(whole[1]) == numbers(rest[0])  # the image before is read again from its file
    (raw_run.root / raw_run.points[0][1]["data"]["frame_path"]).unlink()
    without = events(reduce_all(raw_run, recipe))
    assert [doc["data"]["reduced"] for doc in without] == [False, True, True]
    assert math.isnan(without[1]["data"]["ghost_fraction"])
    failure = {"descriptor": raw_run.descriptors["failure"]["uid"], "data": {"exposure_uid": "x", "reason": "jammed"}}
    raw_run.points[1] = (failure, *raw_run.points[1])
    documents = [("start", raw_run.start), *(("descriptor", d) for d in raw_run.descriptors.values())]
    documents += [("event", event) for events_of_point in raw_run.points for event in events_of_point]
    reducer = Reducer(recipe, data_root=raw_run.root)
    after = [doc["data"] for name, raw in documents for kind, doc in reducer(name, raw) if kind == "event"]
    assert math.isnan(after[1]["ghost_fraction"])
    assert after[2]["ghost_fraction"] > 0.0


def test_where_nobody_saw_how_long_an_image_waited_its_file_is_asked(raw_run):
    for _, readout in raw_run.points:
        readout["data"]["frame_waited_s"] = math.nan
    recipe = raw_run.recipe.model_copy(update={"plate": PlateCorrections(fading=FADING)})
    data = [doc["data"] for doc in events(reduce_all(raw_run, recipe))]
    assert all(point["reduced"] and math.isnan(point["fading_remaining"]) for point in data)  # the file is silent too


def test_by_default_nothing_of_the_plate_is_undone(raw_run):
    data = [doc["data"] for doc in events(reduce_all(raw_run))]
    assert {(point["fading_remaining"], point["ghost_fraction"]) for point in data} == {(1.0, 0.0)}


def test_a_look_leaves_a_ghost_and_a_plate_of_unknown_past_none_that_could_be_removed(raw_run, draw):
    recipe = raw_run.recipe.model_copy(update={"plate": PLATE})
    strong = draw.image(draw.lines(3.5, draw.alloy), seed=5, strength=20_000.0)
    draw.osc(raw_run.root / "plates" / "look" / "000000.osc", strong)
    look = {"exposure_uid": "look", "look_path": "plates/look/000000.osc", "exposure_s": 10.0}
    for (_, readout), previous in zip(raw_run.points, ("look", "", "exposure-1"), strict=True):
        readout["data"]["previous_exposure_uid"] = previous
    descriptors = {**raw_run.descriptors, "look": {"uid": "looks", "name": "look"}}
    documents = [("start", raw_run.start), *(("descriptor", d) for d in descriptors.values())]
    documents += [("event", {"descriptor": "looks", "data": look})]
    documents += [("event", event) for pair in raw_run.points for event in pair]
    reducer = Reducer(recipe, data_root=raw_run.root)
    data = [doc["data"] for name, raw in documents for kind, doc in reducer(name, raw) if kind == "event"]
    assert data[0]["ghost_fraction"] > 0.1
    assert math.isnan(data[1]["ghost_fraction"])
    assert 0.0 < data[2]["ghost_fraction"] < 0.02


@pytest.mark.parametrize("path", ["plates/\x00.osc", "../elsewhere.osc", "/etc/passwd", ""])
def test_an_image_that_cannot_be_the_runs_own_fails_its_point_and_no_other(raw_run, path):
    _, readout = raw_run.points[1]
    readout["data"]["frame_path"] = path
    done = [doc["data"] for doc in events(reduce_all(raw_run))]
    assert [data["reduced"] for data in done] == [True, False, True]
    assert "lies outside the data folder, or was not recorded" in done[1]["note"]
