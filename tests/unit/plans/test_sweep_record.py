"""What the record of a sweep that was cut off says: points whole, plates unread, where the path is."""

import pytest

from lics_beamline.errors import JournalError, RunNotFound
from lics_beamline.plans.sweep_record import SweepRecord
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe

LEGS = [
    {"kind": "pressure", "name": "up", "stroke": "upstroke", "temperature_k": 298.0, "pressures_gpa": [1.0, 2.0, 3.0]},
    {"kind": "heating", "name": "heat", "temperatures_k": [330.0, 350.0], "ramp_rate_k_per_min": 10.0},
]
RUBY = {
    "pressure_gpa": 1.0,
    "pressure_sigma_gpa": 0.002,
    "ruby_temperature_k": 298.0,
    "membrane_load_bar": 13.0,
}


@pytest.fixture(scope="module")
def start():
    profile = read_profile("simulated")
    recipe = read_recipe(profile.recipe_file, geometry=profile.geometry)
    return {
        "uid": "11111111-a",
        "time": 1.0,
        "purpose": "sweep",
        "sweep_uid": "22222222-b",
        "recipe": recipe.model_dump(mode="json"),
        "title": "t",
        "sample": {"name": "Li-Cs", "composition": "LiCs"},
        "cell": {"kind": "membrane", "culet_um": 350.0},
        "gasket": {"material": "Re"},
        "exposure": {"time_s": 120.0, "oscillation_deg": 6.0},
        "path": LEGS,
    }


def record(start, *events):
    """The record of events given as ``(stream, data)``."""

    def documents():
        yield "start", start
        for stream in dict.fromkeys(stream for stream, _ in events):
            yield "descriptor", {"uid": stream, "run_start": start["uid"], "name": stream, "data_keys": {}}
        for number, (stream, data) in enumerate(events):
            yield "event", {"uid": str(number), "descriptor": stream, "seq_num": number, "data": data, "timestamps": {}}

    return SweepRecord(documents())


def approached(index, leg="up", *, phase="hold", next_load_bar=13.0):
    return "approach", {
        "experiment_time_s": 100.0 * index,
        "point_index": index,
        "leg": leg,
        "stroke": "upstroke",
        "phase_of_approach": phase,
        "next_load_bar": next_load_bar,
        **RUBY,
    }


def exposed(index, leg="up", *, uid=None, plate=1):
    return "primary", {
        "experiment_time_s": 100.0 * index + 50.0,
        "point_index": index,
        "leg": leg,
        "exposure_uid": uid or f"e{index}",
        "exposure_s": 120.0,
        "dose_counts": 1000.0,
        "arrived_s": 100.0 * index,
        "exposed_path": f"plates/22222222/{index:06d}.osc",
        "exposed_plate": plate,
    }


def read_out(index, *, plate=1):
    return "readout", {
        "experiment_time_s": 0.0,
        "point_index": index,
        "exposure_uid": f"e{index}",
        "frame_plate": plate,
    }


def lost(index, uid, reason="exposure failed by the beam"):
    return "failure", {
        "experiment_time_s": 0.0,
        "point_index": index,
        "exposure_uid": uid,
        "reason": reason,
        "plate": 1,
    }


def test_nothing_recorded_means_all_is_to_be_done(start):
    found = record(start)
    assert (found.whole, found.next_index, found.position, found.is_whole) == (0, 0, (0, 0), False)


def test_a_point_is_whole_when_it_is_exposed_and_read(start):
    found = record(start, approached(0), exposed(0), read_out(0), approached(1), exposed(1, plate=2))
    assert found.whole == 1
    assert [plate.point_index for plate in found.unread] == [1]
    assert (found.next_index, found.position) == (2, (0, 2))


def test_an_unread_plate_knows_its_file_and_what_it_held_before(start):
    found = record(start, exposed(0), read_out(0), exposed(1, plate=1))
    (plate,) = found.unread
    assert str(plate.file) == "plates/22222222/000001.osc"
    assert (plate.plate, plate.previous_exposure_uid) == (1, "e0")


def test_a_point_whose_plate_is_lost_is_measured_again_while_the_cell_is_there(start):
    found = record(start, approached(0), exposed(0), read_out(0), approached(1), exposed(1))
    found.settle(found.unread[0], came=False)
    assert found.visited(1) is None
    assert found.position == (0, 1)


def test_a_point_that_the_cell_has_left_is_not_gone_back_to(start):
    found = record(start, approached(0), exposed(0), read_out(0), approached(1), exposed(1), approached(2))
    found.settle(found.unread[0], came=False)
    assert found.visited(1).measured.exposure_uid == "e1"
    assert found.next_index == 2


def test_a_plate_that_was_lost_makes_no_point_whole(start):
    found = record(start, approached(0), exposed(0), lost(0, "e0", reason="the plate jammed"))
    assert (found.whole, found.unread) == (0, ())


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("point_index", 10**30, "point_index is 1000000000000000000000000000000, and a path has 10000 points at most"),
        ("point_index", -1, "point_index is -1"),
        ("point_index", float("nan"), "NaN"),
        ("pressure_gpa", "3 GPa", "could not convert string to float"),
        ("next_load_bar", None, "NoneType"),
    ],
)
def test_an_event_that_cannot_be_used_is_refused_by_stream_and_value_before_anything_moves(start, field, value, said):
    stream, data = approached(0)
    with pytest.raises(JournalError, match=f"stream 'approach' of run 11111111-a cannot be used: .*{said}"):
        record(start, (stream, {**data, field: value}))


def test_an_exposure_that_failed_is_no_point(start):
    found = record(start, approached(0), lost(0, "x"))
    assert (found.next_index, found.position) == (0, (0, 0))


def test_a_point_given_up_and_left_behind_is_not_done_again(start):
    found = record(start, approached(0), lost(0, "x"), approached(1), exposed(1), read_out(1))
    assert found.visited(0).measured.exposure_uid == ""
    assert found.next_index == 2


def test_the_next_leg_follows_when_one_is_done(start):
    done = [event for index in range(3) for event in (exposed(index), read_out(index))]
    assert record(start, *done).position == (1, 0)
    all_done = [*done, exposed(3, "heat"), read_out(3), exposed(4, "heat"), read_out(4)]
    assert record(start, *all_done).position == (2, 0)
    assert record(start, *all_done).is_whole


def test_a_sweep_with_a_plate_unread_is_not_whole(start):
    done = [event for index in range(3) for event in (exposed(index), read_out(index))]
    last = [exposed(3, "heat"), read_out(3), exposed(4, "heat")]
    assert not record(start, *done, *last).is_whole


def test_doubted_readings_are_not_believed(start):
    found = record(start, approached(0, phase="pause"), approached(0, phase="approach", next_load_bar=15.0))
    assert [reading.believed for reading in found.readings] == [False, True]
    assert found.readings[1].commanded_bar == 15.0


def test_the_run_that_goes_on_is_of_the_same_sweep_and_has_plates_of_its_own(start):
    says = record(start).goes_on
    assert says == {
        "sweep_uid": "22222222-b",
        "resumes": "11111111-a",
        "resumed_times": 1,
        "plate_folder": "22222222r1",
    }
    assert record(start | {"resumed_times": 1}).goes_on["plate_folder"] == "22222222r2"


def test_the_experiment_is_the_one_that_was_begun(start):
    experiment = record(start).experiment
    assert [leg.name for leg in experiment.legs] == ["up", "heat"]
    left = experiment.rest(0, 2)
    assert left.legs[0].pressures_gpa == (3.0,)
    assert experiment.rest(1, 1).legs[0].temperatures_k == (350.0,)
    assert experiment.rest(2, 0) is None


def test_pressures_that_the_cell_has_reached_already_lie_behind_it(start):
    experiment = record(start).experiment
    assert experiment.ahead_of(0.5).legs[0].pressures_gpa == (1.0, 2.0, 3.0)
    assert experiment.ahead_of(2.06).legs[0].pressures_gpa == (3.0,)
    assert [leg.name for leg in experiment.ahead_of(3.1).legs] == ["heat"]
    assert experiment.rest(1, 0).ahead_of(3.1).legs[0].temperatures_k == (330.0, 350.0)


def test_a_hunt_goes_on_from_where_the_cell_is(start):
    hunt = {
        "kind": "hunt",
        "name": "onset",
        "hunt": "onset of alloy",
        "stroke": "upstroke",
        "temperature_k": 298.0,
        "start_gpa": 1.6,
        "last_gpa": 3.4,
        "within_gpa": 0.1,
    }
    experiment = record(start | {"path": [hunt]}).experiment
    assert experiment.ahead_of(1.0).legs[0].start_gpa == 1.6
    assert experiment.ahead_of(2.0).legs[0].start_gpa == pytest.approx(2.2)
    assert experiment.ahead_of(3.3) is None


def test_an_older_record_that_does_not_name_plate_files_is_read(start):
    stream, data = exposed(0)
    older = {key: data[key] for key in data if key not in ("exposed_path", "exposed_plate", "arrived_s")}
    (plate,) = record(start, (stream, older)).unread
    assert (plate.file.name, plate.plate) == ("", 0)


def test_what_is_no_sweep_is_refused(start):
    with pytest.raises(RunNotFound, match="only a sweep can be resumed"):
        record(start | {"purpose": "calibration"})


@pytest.mark.parametrize("changed", [{"sweep_uid": None}, {"sweep_uid": 7}, {"resumed_times": "twice"}])
def test_a_run_that_does_not_say_which_sweep_it_is_of_is_refused(start, changed):
    with pytest.raises(JournalError, match="run 11111111-a does not say which sweep it is of"):
        record({**start, **changed})
