"""What a sweep does when beam, shutter or plates fail: it repeats, or notes, or ends in the safe state."""

import logging

import pytest
from bluesky.utils import FailedStatus
from ophyd.status import SubscriptionStatus

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import BadReading
from lics_beamline.experiment import Experiment
from lics_beamline.frames.raxis import read_header
from lics_beamline.plans.sweep import sweep
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe
from lics_beamline.reduction.reducer import Reducer
from lics_beamline.session.requests import RequestFiles

EXPOSURE_S = 60.0  # one second of wall clock


def until(signal, condition):
    return SubscriptionStatus(signal, lambda value, **_: condition(value), run=True)


def held(points):
    return Experiment.model_validate(
        {
            "title": "held",
            "sample": {"name": "Li-Cs", "composition": "LiCs"},
            "cell": {"kind": "membrane", "culet_um": 350.0},
            "gasket": {"material": "Re"},
            "exposure": {"time_s": EXPOSURE_S, "oscillation_deg": 6.0},
            "legs": ({"kind": "hold", "name": "held", "temperature_k": 298.0, "count": points},),
        }
    )


@pytest.fixture
def walk(rig, engine):
    """Walk a sweep of held points, and let something happen at the first exposure or at documents of a stream."""

    def walking(points, *, at_exposure="", at=None):
        told, streams = [], {}

        def hear(name, doc):
            told.append((str(name), doc))
            if name == "descriptor":
                streams[doc["uid"]] = doc["name"]
            if name == "event" and at:
                at(streams[doc["descriptor"]], doc["data"])

        engine.subscribe(hear)
        if at_exposure:
            begun = until(rig.beamline.plate.state, lambda state: state == "Exposing")
            begun.add_callback(lambda _: rig.fail(at_exposure))
        try:
            requests = RequestFiles(DataFolder(rig.beamline.frame.data_root).make())
            profile = read_profile("simulated")
            recipe = read_recipe(profile.recipe_file)
            engine(sweep(rig.beamline, held(points), profile=profile, recipe=recipe, requests=requests))
        except (BadReading, FailedStatus) as error:
            return told, error
        return told, None

    return walking


def events(told, stream):
    names = {doc["uid"]: doc["name"] for name, doc in told if name == "descriptor"}
    return [doc["data"] for name, doc in told if name == "event" and names[doc["descriptor"]] == stream]


def joined(told):
    """Points and readouts, paired by their exposure."""
    readouts = {data["exposure_uid"]: data for data in events(told, "readout")}
    return [(data, readouts.get(data["exposure_uid"])) for data in events(told, "primary")]


def reduced(rig, told):
    """Note of each point by its index, as a replay gives it; empty where all is well."""
    reducer = Reducer(None, data_root=rig.beamline.frame.data_root)
    documents = [out for name, doc in told for out in reducer(name, doc)]
    return {
        doc["data"]["point_index"]: (doc["data"]["reduced"], doc["data"]["note"])
        for name, doc in documents
        if name == "event"
    }


@pytest.mark.long
def test_an_exposure_that_loses_its_beam_is_given_up_and_repeated_when_there_is_beam_again(rig, walk):
    told, error = walk(1, at_exposure="beam_dump:120")

    assert error is None
    (lost,) = events(told, "failure")
    assert "the beam did not last" in lost["reason"]
    ((point, readout),) = joined(told)
    assert point["exposure_uid"] != lost["exposure_uid"]
    assert point["experiment_time_s"] - lost["experiment_time_s"] > 60.0, "the beam was waited for"
    assert point["dose_counts"] == pytest.approx(point["beam_i0_cps"] * EXPOSURE_S, rel=0.05)
    assert readout["previous_exposure_uid"] == lost["exposure_uid"], "its plate had seen half an exposure"
    (file,) = (rig.beamline.frame.data_root / "plates").rglob(readout["frame_path"].split("/")[-2] + "/*.osc")
    assert read_header(file).exposure_s == pytest.approx(EXPOSURE_S, rel=0.01)


@pytest.mark.long
def test_a_shutter_that_does_not_open_fails_its_point_and_marks_the_plate_and_the_next_point_is_measured(rig, walk):
    rig.fail("shutter_stuck")

    def mend(stream, _):
        if stream == "failure":
            rig.fail("clear")

    told, error = walk(2, at=mend)

    assert error is None
    (lost,) = events(told, "failure")
    assert "beam shutter was asked for Open and reads Closed" in lost["reason"]
    assert lost["point_index"] == 0
    ((point, readout),) = joined(told)
    assert point["point_index"] == 1
    assert readout["frame_plate"] == lost["plate"], "the marked plate, erased, was exposed"
    assert readout["previous_exposure_uid"] == lost["exposure_uid"]


@pytest.mark.long
def test_a_jam_is_retried_once_and_a_second_ends_the_sweep_safe_with_the_points_so_far_reduced(rig, walk, caplog):
    jams = []

    def after(stream, data):
        if stream == "failure":
            jams.append(data["point_index"])
            if len(jams) == 1:
                rig.fail("clear")
        if stream == "primary":
            rig.fail("plate_jam")

    with caplog.at_level(logging.WARNING):
        told, error = walk(2, at_exposure="plate_jam", at=after)

    assert jams == [0, 1, 1], "one retry each"
    assert isinstance(error, BadReading)
    assert "is jammed in the changer" in str(error)
    ((point, readout),) = joined(told)
    assert point["point_index"] == 0
    assert readout is not None
    assert reduced(rig, told)[0] == (True, "")
    stop = told[-1][1]
    assert stop["exit_status"] == "fail"
    assert "jammed" in stop["reason"]
    assert rig.get("BEAM:Shutter_RBV") == "Closed"
    assert rig.get("PC1:Control_RBV") == "Off"
    assert rig.get("ET1:OutputHigh") == 0.0


@pytest.mark.long
def test_a_torn_plate_fails_its_point_only_and_a_replay_takes_it_once_it_is_whole(rig, walk):
    before = rig.beamline.frame.full_file_name.get()
    torn_is_there = until(rig.beamline.frame.full_file_name, lambda name: name != before)
    torn_is_there.add_callback(lambda _: rig.fail("clear"))

    told, error = walk(2, at_exposure="plate_torn")

    assert error is None
    (torn, torn_readout), (whole, whole_readout) = joined(told)
    assert (torn_readout["frame_sha256"] == "", whole_readout["frame_sha256"] == "") == (True, False)
    assert (torn_readout["frame_plate"], whole_readout["frame_plate"]) in {(1, 2), (2, 1)}
    outcome = reduced(rig, told)
    assert (torn["point_index"], whole["point_index"]) == (0, 1)
    assert "torn" in outcome[0][1]
    assert outcome[1] == (True, "")

    path = rig.beamline.frame.data_root / torn_readout["frame_path"]
    good = (rig.beamline.frame.data_root / whole_readout["frame_path"]).read_bytes()
    with path.open("ab") as file:
        file.write(good[path.stat().st_size :])
    assert reduced(rig, told)[0] == (True, "")
