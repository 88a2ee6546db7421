import copy
import json
import math
import uuid

import event_model
import numpy as np
import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.reduction.event import fields_of
from lics_beamline.reduction.recipe import REDUCTION_REVISION
from lics_beamline.reduction.reducer import NAMESPACE, Reducer, derived_uid


def reduce_all(run, recipe=None, **options):
    reducer = Reducer(recipe, data_root=run.root, **options)
    return [derived for name, doc in run.documents() for derived in reducer(name, doc)]


def events(documents):
    return [doc for name, doc in documents if name == "event"]


def only(documents, kind):
    found = [doc for name, doc in documents if name == kind]
    assert len(found) == 1
    return found[0]


def timeless(value):
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in ("time", "timestamps")}
    return value.tolist() if isinstance(value, np.ndarray) else value


def same(first, second):
    return json.dumps([[n, timeless(d)] for n, d in first]) == json.dumps([[n, timeless(d)] for n, d in second])


def test_a_raw_run_becomes_a_derived_run_with_pressure_cell_and_phases(raw_run):
    documents = reduce_all(raw_run)
    assert [name for name, _ in documents] == ["start", "descriptor", "event", "event", "event", "stop"]
    data = [doc["data"] for doc in events(documents)]
    assert all(point["reduced"] and point["note"] == "" for point in data)
    assert [point["pressure_gpa"] for point in data] == pytest.approx([3.0, 5.0, 8.0], abs=0.02)
    assert [point["alloy_a_angstrom"] for point in data] == pytest.approx([3.585, 3.537, 3.489], abs=0.001)
    assert all(0.0 < point["alloy_a_sigma_angstrom"] < 0.001 for point in data)
    assert [point["phases"] for point in data] == ["alloy"] * 3
    assert [point["load_bar"] for point in data] == [20.0, 21.0, 22.0]
    assert [point["stroke"] for point in data] == ["upstroke"] * 3
    assert all(point["rejected_fraction"] > 1e-4 for point in data)


def test_the_documents_satisfy_event_model_and_the_schema(raw_run):
    documents = reduce_all(raw_run)
    for name, doc in documents:
        event_model.schema_validators[event_model.DocumentNames[name]].validate(doc)
    keys = only(documents, "descriptor")["data_keys"]
    fields = {field.name: field for field in fields_of(raw_run.recipe)}
    assert set(keys) == set(fields)
    for event in events(documents):
        assert set(event["data"]) == set(event["timestamps"]) == set(keys)
        for name, field in fields.items():
            assert np.shape(event["data"][name]) == field.shape
    stop = only(documents, "stop")
    assert (stop["exit_status"], stop["num_events"], stop["phases_found"]) == ("success", {"primary": 3}, ["alloy"])


def test_the_start_document_says_everything_that_a_redo_needs(raw_run):
    start = only(reduce_all(raw_run), "start")
    assert start["purpose"] == "reduction"
    assert (start["sweep_uid"], start["raw_uid"]) == ("sweep-1", raw_run.start["uid"])
    assert start["recipe"] == raw_run.start["recipe"]
    assert start["recipe_digest"] == raw_run.recipe.digest
    assert (start["attempt"], start["operator"], start["sample"]) == (1, "somebody", {"name": "LiCs"})
    assert {"pyFAI", "fabio", "lics_beamline"} <= set(start["versions"])
    assert "supersedes" not in start


def test_pressure_temperature_cells_and_shares_of_the_sample_are_hinted_against_pressure(raw_run):
    documents = reduce_all(raw_run)
    (hinted,) = only(documents, "descriptor")["hints"].values()
    assert {"pressure_gpa", "temperature_k", "alloy_a_angstrom", "alloy_fraction"} <= set(hinted["fields"])
    assert not [name for name in hinted["fields"] if "sigma" in name or name.startswith("re_hcp")]
    assert only(documents, "start")["hints"] == {"dimensions": [[["pressure_gpa"], "primary"]]}


def start_of(run, **changed):
    ((_, start),) = Reducer(None, data_root=run.root)("start", run.start | changed)
    return start


def test_a_reduction_has_the_scan_id_of_its_raw_run_and_0_where_that_has_none(raw_run):
    assert start_of(raw_run, scan_id=7)["scan_id"] == 7
    assert start_of(raw_run)["scan_id"] == 0


@pytest.mark.parametrize(
    ("kinds", "axis"),
    [
        (("hold", "pressure", "heating"), "pressure_gpa"),
        (("hunt",), "pressure_gpa"),
        (("hold", "heating"), "temperature_k"),
        (("hold",), "experiment_time_s"),
        (None, "pressure_gpa"),
        ("of another make", "pressure_gpa"),
    ],
)
def test_a_reduction_is_plotted_against_what_its_path_changes(raw_run, kinds, axis):
    path = [{"kind": kind} for kind in kinds] if isinstance(kinds, tuple) else kinds
    assert start_of(raw_run, path=path)["hints"]["dimensions"] == [[[axis], "primary"]]


def test_reducing_twice_gives_the_same_documents_but_for_their_times(raw_run):
    assert same(reduce_all(raw_run), reduce_all(raw_run))


def test_another_recipe_or_attempt_is_another_run(raw_run):
    runs = [
        only(reduce_all(raw_run), "start"),
        only(reduce_all(raw_run, attempt=2), "start"),
        only(reduce_all(raw_run, raw_run.recipe.with_reference(694.3, 298.0, 0.002)), "start"),
    ]
    assert len({start["uid"] for start in runs}) == 3
    assert runs[1]["supersedes"] == runs[0]["uid"]
    assert runs[0]["uid"] == derived_uid(
        sweep_uid="sweep-1", raw_uid=raw_run.start["uid"], recipe_digest=raw_run.recipe.digest, attempt=1
    )


def test_the_uid_of_a_derived_run_follows_from_all_that_it_is_made_of_the_revision_of_the_reduction_too():
    made_of = {"sweep_uid": "s", "raw_uid": "r", "recipe_digest": "d"}
    named = uuid.uuid5(NAMESPACE, f"s/r/d/{REDUCTION_REVISION}/2")
    assert derived_uid(**made_of, attempt=2) == str(named)


def test_another_scale_moves_the_pressure_of_the_same_frames(raw_run):
    mao = raw_run.recipe.model_copy(update={"ruby": raw_run.recipe.ruby.model_copy(update={"scale": "ruby_mao_1986"})})
    at_8_gpa = [events(reduce_all(raw_run, recipe))[2]["data"]["pressure_gpa"] for recipe in (None, mao)]
    assert at_8_gpa[1] - at_8_gpa[0] == pytest.approx(0.07, abs=0.01)  # Mao 1986 reads 8.070 where Ruby2020 reads 8


def torn(run):
    path = run.root / run.points[1][1]["data"]["frame_path"]
    path.write_bytes(path.read_bytes()[:-1000])


def missing(run):
    (run.root / run.points[1][1]["data"]["frame_path"]).unlink()


def altered(run):
    path = run.root / run.points[1][1]["data"]["frame_path"]
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(bytes(content))


def dark_ruby(run):
    run.points[1][0]["data"]["ruby_spectrum"] = np.full(2048, 100.0)


def open_thermocouple(run):
    run.points[1][0]["data"]["thermocouples_gasket_k"] = -9999.0 + 273.15


def outside(run):
    run.points[1][1]["data"]["frame_path"] = "../../etc/passwd"


def lacking(run):
    del run.points[1][0]["data"]["ruby_spectrum"]


def other_detector(run):
    path = run.root / run.points[1][1]["data"]["frame_path"]
    content = bytearray(path.read_bytes())
    content[768:776] = (300).to_bytes(4, "big") + (1200).to_bytes(4, "big")
    content[784:788] = (1400).to_bytes(4, "big")
    path.write_bytes(bytes(content))
    del run.points[1][1]["data"]["frame_sha256"]


@pytest.mark.parametrize(
    ("harm", "note"),
    [
        (torn, r"720400 bytes of the 721400"),
        (missing, r"000001\.osc cannot be read"),
        (altered, r"sha256"),
        (dark_ruby, r"dark"),
        (open_thermocouple, r"open circuit"),
        (outside, r"outside the data folder"),
        (lacking, r"the record lacks 'ruby_spectrum'"),
        (other_detector, r"1200 x 300 pixels"),
    ],
)
def test_one_bad_point_is_noted_and_the_others_are_reduced(raw_run, harm, note):
    harm(raw_run)
    documents = reduce_all(raw_run)
    data = [doc["data"] for doc in events(documents)]
    assert [point["reduced"] for point in data] == [True, False, True]
    assert note.replace("\\", "") in data[1]["note"]
    assert np.isnan(data[1]["intensity"]).all()
    assert np.isnan(data[1]["two_theta_deg"]).all()
    assert math.isnan(data[1]["alloy_a_angstrom"])
    assert data[1]["requested_pressure_gpa"] == 5.0
    for name, doc in documents:
        event_model.schema_validators[event_model.DocumentNames[name]].validate(doc)
    assert only(documents, "stop")["num_events"] == {"primary": 3}


def test_a_torn_plate_that_became_whole_gives_the_reduction_it_would_have_given(raw_run):
    whole = reduce_all(raw_run, attempt=2)
    path = raw_run.root / raw_run.points[0][1]["data"]["frame_path"]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert not events(reduce_all(raw_run))[0]["data"]["reduced"]
    path.write_bytes(content)
    assert same(reduce_all(raw_run, attempt=2), whole)


def test_exposures_already_done_are_skipped_and_the_numbers_stay_right(raw_run):
    full = reduce_all(raw_run)
    rest = reduce_all(raw_run, done={"exposure-0": {"phases": "alloy"}, "exposure-1": {"phases": "alloy,re-hcp"}})
    assert [doc["seq_num"] for doc in events(rest)] == [3]
    assert same([("event", events(full)[2])], [("event", events(rest)[0])])
    assert only(rest, "descriptor")["uid"] == only(full, "descriptor")["uid"]
    stop = only(rest, "stop")
    assert stop["num_events"] == {"primary": 3}
    assert stop["phases_found"] == ["alloy", "re-hcp"]  # also those of the points that were done before


def test_nothing_is_reduced_before_its_plate_is_read(raw_run):
    reducer = Reducer(None, data_root=raw_run.root)
    documents = list(raw_run.documents())
    before = [derived for name, doc in documents[:6] for derived in reducer(name, doc)]
    assert [name for name, _ in before] == ["start"]


def test_a_plate_read_late_and_out_of_order_finds_its_point(raw_run):
    (first, first_plate), (second, second_plate), third = raw_run.points
    reducer = Reducer(None, data_root=raw_run.root)
    raw = [
        ("start", raw_run.start),
        *(("descriptor", descriptor) for descriptor in raw_run.descriptors.values()),
        *(("event", event) for event in (first, second, second_plate, first_plate, *third)),
    ]
    data = [doc["data"] for name, doc in raw for kind, doc in reducer(name, doc) if kind == "event"]
    assert [point["point_index"] for point in data] == [1, 0, 2]
    assert [point["pressure_gpa"] for point in data] == pytest.approx([5.0, 3.0, 8.0], abs=0.02)


def test_a_plate_that_never_came_is_a_failed_point(raw_run):
    primary = raw_run.points[1][0]
    failure = {
        "descriptor": raw_run.descriptors["failure"]["uid"],
        "data": {"exposure_uid": "exposure-1", "point_index": 1, "reason": "the reader jammed"},
    }
    raw_run.points[1] = (primary, failure)
    data = [doc["data"] for doc in events(reduce_all(raw_run))]
    assert [point["reduced"] for point in data] == [True, False, True]
    assert "the reader jammed" in data[1]["note"]
    assert data[1]["stroke"] == "upstroke"


def test_a_plate_of_the_run_before_is_said_to_be_of_the_run_before(raw_run):
    reducer = Reducer(None, data_root=raw_run.root)
    raw = [
        ("start", raw_run.start),
        *(("descriptor", descriptor) for descriptor in raw_run.descriptors.values()),
        ("event", raw_run.points[0][1]),
    ]
    data = [doc["data"] for name, doc in raw for kind, doc in reducer(name, doc) if kind == "event"]
    assert not data[0]["reduced"]
    assert "not in this run" in data[0]["note"]


def test_a_raw_run_that_never_stopped_can_be_closed_once(raw_run):
    reducer = Reducer(None, data_root=raw_run.root)
    for name, doc in list(raw_run.documents())[:7]:
        list(reducer(name, doc))
    closed = list(reducer.close("the engine was killed"))
    stop = only(closed, "stop")
    assert (stop["exit_status"], stop["reason"]) == ("abort", "the engine was killed")
    assert stop["num_events"] == {"primary": 1}
    assert list(reducer.close("again")) == []
    assert list(reducer("event", raw_run.points[1][1])) == []


def test_raw_documents_are_not_changed(raw_run):
    before = copy.deepcopy([timeless(doc) for _, doc in raw_run.documents()])
    reduce_all(raw_run)
    assert json.dumps([timeless(doc) for _, doc in raw_run.documents()]) == json.dumps(before)


def test_event_pages_are_read_like_events(raw_run):
    reducer = Reducer(None, data_root=raw_run.root)
    primary, readout = raw_run.points[0]
    raw = [("start", raw_run.start), *(("descriptor", descriptor) for descriptor in raw_run.descriptors.values())]
    for event in (primary, readout):
        page = event_model.pack_event_page(event | {"time": 1.0, "timestamps": dict.fromkeys(event["data"], 1.0)})
        raw.append(("event_page", page))
    data = [doc["data"] for name, doc in raw for kind, doc in reducer(name, doc) if kind == "event"]
    assert data[0]["pressure_gpa"] == pytest.approx(3.0, abs=0.02)


def test_a_run_without_a_recipe_asks_for_one(raw_run):
    del raw_run.start["recipe"]
    with pytest.raises(ProfileError, match="--recipe"):
        reduce_all(raw_run)
    assert events(reduce_all(raw_run, raw_run.recipe))[0]["data"]["reduced"]


NEON_NM = ((692.94672, 1.0), (703.24128, 0.8), (717.39380, 0.35), (724.51665, 0.55))  # NIST ASD, Ne I


def reference_event(run, *, off_nm=0.0, neon=NEON_NM, bright=1.0):
    """The neon lamp and a ruby at ambient, on an axis that is off."""
    axis = run.points[0][0]["data"]["ruby_wavelength_nm"]
    lamp = np.full(axis.size, 300.0) + sum(
        20_000.0 * height * np.exp(-2.7726 * ((axis - nm) / 0.1) ** 2) for nm, height in neon
    )
    ruby = sum(20_000.0 * h / (1.0 + ((axis - nm) / 0.195) ** 2) for nm, h in ((694.25, 1.0), (692.82, 0.62)))
    data = {
        "leg": "up",
        "reference_axis_nm": axis + off_nm,
        "neon_spectrum": np.random.default_rng(1).poisson(lamp),
        "ambient_ruby_spectrum": np.random.default_rng(2).poisson(300.0 + bright * ruby),
        "thermocouples_gasket_k": 298.0,
        "thermocouples_cell_k": 298.0,
        "thermocouples_ambient_k": 298.0,
        "heater_output_percent": 0.0,
    }
    return {"descriptor": run.descriptors["reference"]["uid"], "data": data}


def checked_by(run, way):
    return run.recipe.model_copy(update={"ruby": run.recipe.ruby.model_copy(update={"axis": way})})


def drifting(run, way, *, read=True, **later):
    """Pressures of a run whose axis drifts by 0.05 nm after its first point and is read again before its last."""
    for primary, _ in run.points[1:]:
        primary["data"]["ruby_wavelength_nm"] = primary["data"]["ruby_wavelength_nm"] + 0.05
    reducer = Reducer(checked_by(run, way), data_root=run.root)
    (first, first_plate), (second, second_plate), (third, third_plate) = run.points
    again = reference_event(run, off_nm=0.05, **later)
    raw = [
        ("start", run.start),
        *(("descriptor", descriptor) for descriptor in run.descriptors.values()),
        *([("event", reference_event(run))] if read else []),
        *(("event", event) for event in (first, first_plate, second, again, second_plate, third, third_plate)),
    ]
    return [doc["data"] for name, doc in raw for kind, doc in reducer(name, doc) if kind == "event"]


@pytest.mark.parametrize("way", ["neon", "ambient"])
def test_a_pressure_rests_on_the_reference_read_last_before_its_point_however_late_its_plate(raw_run, way):
    pressures = [point["pressure_gpa"] for point in drifting(raw_run, way)]
    assert pressures == pytest.approx([3.0, 5.14, 8.0], abs=0.012)  # 0.05 nm are 0.14 GPa, seen before the third


def test_without_a_check_of_the_axis_the_recorded_reference_serves_the_whole_run(raw_run):
    pressures = [point["pressure_gpa"] for point in drifting(raw_run, "none")]
    assert pressures == pytest.approx([3.0, 5.14, 8.15], abs=0.02)


def test_a_leg_whose_lamp_and_ruby_were_dark_is_noted_and_the_legs_before_are_reduced(raw_run):
    data = drifting(raw_run, "neon", neon=(), bright=0.0)
    assert [point["reduced"] for point in data] == [True, True, False]
    assert "ambient ruby" in data[2]["note"]


def test_a_record_without_reference_readings_says_which_recipe_it_can_be_reduced_by(raw_run):
    data = drifting(raw_run, "neon", read=False)
    assert [point["reduced"] for point in data] == [False, False, True]
    assert 'axis = "none"' in data[0]["note"]
