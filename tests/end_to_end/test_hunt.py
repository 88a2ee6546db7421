"""A hunt over Channel Access on real plates: found on what another process reduced, each decision on record."""

import json
import os

import numpy as np
import pytest
from worlds.short_experiment import experiment

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

from lics_beamline.data_folder import DataFolder
from lics_beamline.experiment import read_experiment
from lics_beamline.follower import process as follower
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.plans.sweep import sweep
from lics_beamline.profile import read_profile
from lics_beamline.session.session import open_session, run_plan
from lics_beamline.session.simulation import simulated_beamline

pytestmark = pytest.mark.nightly

WORLD = """
like = "volumetric"
[contents.kinetics]
formation_s = 60.0
"""
EXPERIMENT = experiment(
    """
[[legs]]
kind = "hunt"
name = "onset"
hunt = "onset of alloy"
within_gpa = 0.05
stroke = "upstroke"
temperature_k = 298
start_gpa = 2.85
last_gpa = 3.4
tau_s = 100
[[legs]]
kind = "hold"
name = "watched"
temperature_k = 298
count = 3
until = "alloy > 0.2"
""",
    title="onset",
    time_s=90,
)


def events(path, stream):
    """Data of the events of one stream of a journal."""
    streams, found = {}, []
    for name, doc in read(path):
        if name == "descriptor":
            streams[doc["uid"]] = doc["name"]
        elif name == "event" and streams[doc["descriptor"]] == stream:
            found.append(doc["data"])
    return found


def test_the_onset_is_found_on_the_run_s_own_ruby_scale_and_what_was_acted_on_is_recorded(tmp_path):
    (tmp_path / "onset.toml").write_text(EXPERIMENT)
    (tmp_path / "fast.toml").write_text(WORLD)
    profile, data = read_profile("simulated"), DataFolder(tmp_path / "data").make()
    experiment = read_experiment(tmp_path / "onset.toml")
    with (
        simulated_beamline(profile, data, speed=300.0, seed=3, world=str(tmp_path / "fast.toml")) as simulated,
        open_session(profile, data, simulated=simulated, followers=()) as session,
    ):
        reducer = follower.start(data, "reduce")
        walk = sweep(
            session.beamline,
            experiment,
            profile=session.profile,
            recipe=session.recipe,
            requests=session.requests,
        )
        assert run_plan(session.engine, walk, data) == ""
        reducer.terminate()
        reducer.wait()
    (raw,), (derived,) = heads(data.raw_journals), heads(data.derived_journals)
    points, decisions = events(raw.path, "primary"), events(raw.path, "decisions")
    assert [point["point_index"] for point in points] == list(range(len(points)))
    assert [one["exposure_uid"] for one in decisions] == [point["exposure_uid"] for point in points]
    assert {one["derived_uid"] for one in decisions} == {derived.uid}
    reduced = {data["exposure_uid"]: data for data in events(derived.path, "primary")}
    for one in decisions:
        assert one["value"] == reduced[one["exposure_uid"]]["alloy_fraction"]
        assert one["seen_pressure_gpa"] == reduced[one["exposure_uid"]]["pressure_gpa"]
    hunted = [one for one in decisions if one["leg"] == "onset"]
    found = hunted[-1]
    assert found["choice"].startswith("found"), found["choice"]
    # The same pressures, read by this run's ruby and known to the world: what its own scale is off by.
    truth = [json.loads(line) for line in (data.plates / "truth.jsonl").read_text().splitlines()]
    world = [one for one in truth if one["kind"] == "world"]
    times, pressures = ([one[key] for one in world] for key in ("time_s", "pressure_gpa"))
    read_gpa = np.array([point["pressure_gpa"] for point in points])
    true_gpa = np.interp([point["experiment_time_s"] for point in points], times, pressures)
    scale_gpa = float(np.median(read_gpa - true_gpa))
    median_gpa = next(one for one in truth if one["kind"] == "seed")["preset"]["contents"]["kinetics"]["formation_gpa"]
    assert found["threshold_gpa"] == pytest.approx(median_gpa + scale_gpa, abs=0.05)
    asked = [point["requested_pressure_gpa"] for point in points if point["leg"] == "onset"]
    assert asked == sorted(asked)
    (watched,) = [one for one in decisions if one["leg"] == "watched"]
    assert watched["choice"].startswith("the leg ends here")
    assert watched["value"] > 0.2
