"""Documents folded into what the page shows: whole, in parts, in pages, damaged."""

import math

import pytest
import recorded_documents as recorded
import reduced_documents
from paged_documents import paged

from lics_beamline.monitor.fold import MOST_TEXT_CHARACTERS, RunFold


def folded(documents, *, being_written=False):
    fold = RunFold()
    for name, doc in documents:
        fold.take(name, doc)
    return fold.view(being_written=being_written)


def test_a_run_shows_who_asked_for_what_and_how_it_ended():
    view = folded(recorded.documents())
    assert (view.title, view.sample, view.operator) == ("a title", "Li-Cs", "somebody")
    assert view.state == "whole"
    assert view.asked_points == 3
    assert [point.leg for point in view.asked] == ["as loaded", "298 K upstroke", "298 K upstroke"]
    assert [point.pressure_gpa for point in view.asked[1:]] == [1.0, 2.0]
    assert math.isnan(view.asked[0].pressure_gpa), "at a held load no pressure is asked for"


def test_the_track_has_every_ruby_reading_with_its_whole_error_in_hours_of_experiment():
    view = folded(recorded.documents())
    assert [reading.pressure_gpa for reading in view.track] == [0.1, 0.5, 0.9, 1.0]
    assert [reading.hours for reading in view.track] == pytest.approx([0.0, 100 / 3600, 200 / 3600, 300 / 3600])
    assert view.track[0].pressure_error_gpa == pytest.approx(0.005), "0.003 of statistics and 0.004 of the scale"
    assert [reading.is_point for reading in view.track] == [True, False, False, True]
    assert [reading.asked_gpa for reading in view.track[1:]] == [1.0, 1.0, 1.0]
    assert view.track[1].ending_gpa == pytest.approx(0.6)
    assert math.isnan(view.track[3].ending_gpa), "at a measured point nothing is believed of an end"


def test_a_forecast_of_a_heating_leg_comes_with_its_error():
    (reading,) = folded(recorded.documents([recorded.heating(2.0, 0.0)])).track
    assert (reading.ending_gpa, reading.ending_error_gpa, reading.asked_k) == (2.5, 0.2, 340.0)


def test_the_state_of_an_approach_says_what_is_asked_read_believed_and_next():
    events = [recorded.primary(0.1, 100.0), recorded.approach(0.5, 200.0)]
    motion = folded(recorded.documents(events, stop=False), being_written=True).motion
    assert (motion.point, motion.leg, motion.phase) == (2, "298 K upstroke", "approach")
    assert "asked 1.000 GPa; read 0.500 GPa at 5.00 bar; ends at 0.600 GPa" in motion.says
    assert "next load 12.00 bar" in motion.says


def test_a_ramp_says_what_was_decided_and_why():
    motion = folded(recorded.documents([recorded.heating(2.0, 0.0)], stop=False)).motion
    assert motion.phase == "ramp"
    assert "2.500 ± 0.200 GPa" in motion.says
    assert motion.says.endswith("goes on: the forecast lies inside the envelope")


def test_decisions_holds_and_failures_stand_in_the_order_of_time():
    notes = folded(recorded.documents()).notes
    assert [note.kind for note in notes] == ["hold", "decision", "failure"]
    assert notes[0].says == "held by Ada: look at the gasket; at 10.00 bar, 298.5 K"
    assert notes[1].says == "point 2: 298 K upstroke: goes on: alloy 0.20 of 0.95"
    assert notes[2].says == "point 3: the plate reader did not answer for 60 s"


def test_a_plate_is_found_by_the_exposure_of_its_point():
    view = folded(recorded.documents())
    assert view.plate_of("e1").path == "plates/000001.osc"
    assert view.plate_of("e2") is None


def test_what_is_shown_is_the_same_where_events_come_in_pages():
    one, other = folded(recorded.documents()), folded(paged(recorded.documents()))
    assert one.track == other.track
    assert one.notes == other.notes
    assert one.plates == other.plates


def test_a_run_opened_late_is_as_complete_as_one_that_was_watched():
    documents = list(recorded.documents())
    fold = RunFold()
    for name, doc in documents:
        fold.take(name, doc)
        seen = fold.view(being_written=True)
    late = folded(documents, being_written=True)
    assert (seen.track, seen.notes, seen.plates) == (late.track, late.notes, late.plates)
    assert (seen.motion, seen.measured, seen.ended) == (late.motion, late.measured, late.ended)


def test_a_view_that_was_taken_does_not_change_when_more_comes():
    documents = list(recorded.documents())
    fold = RunFold()
    for name, doc in documents[:10]:
        fold.take(name, doc)
    before = fold.view(being_written=True)
    length = len(before.track)
    for name, doc in documents[10:]:
        fold.take(name, doc)
    assert len(before.track) == length
    assert len(fold.view(being_written=True).track) > length


def test_the_time_left_is_that_of_the_points_left_at_the_pace_of_those_before():
    events = [recorded.primary(0.1, 100.0), recorded.primary(1.0, 400.0, index=1)]  # at 1010 and 1020 s
    view = folded(recorded.documents(events, stop=False), being_written=True)
    assert view.left_s(1020.0) == pytest.approx(10.0)
    assert view.left_s(1024.0) == pytest.approx(6.0)
    assert view.left_s(2000.0) == 0.0


@pytest.mark.parametrize(
    ("events", "stop", "being_written"),
    [((), False, True), (recorded.EVENTS, True, False), (recorded.EVENTS, False, False)],
    ids=["no point yet", "ended", "abandoned"],
)
def test_nothing_is_said_of_the_time_left_where_nothing_tells_it(events, stop, being_written):
    assert folded(recorded.documents(events, stop=stop), being_written=being_written).left_s(1020.0) is None


def test_a_run_without_its_stop_document_and_writer_was_abandoned():
    assert folded(recorded.documents(stop=False)).state == "abandoned"
    assert folded(recorded.documents(stop=False), being_written=True).state == "running"


def test_a_document_that_cannot_be_used_is_told_and_the_others_are_shown():
    documents = list(recorded.documents())
    _, damaged = documents[11]  # an approach without its gain
    assert damaged["data"].pop("gain_gpa_per_bar")
    view = folded(documents)
    assert len(view.damage) == 1
    assert "gain_gpa_per_bar" in view.damage[0]
    assert len(view.notes) == 3
    assert view.state == "whole"


def test_a_path_that_cannot_be_read_costs_only_the_path():
    view = folded(recorded.documents(path=[{"kind": "pressure", "name": "x"}]))
    assert view.asked == ()
    assert view.damage
    assert view.title == "a title"
    assert len(view.track) == 4


def test_text_of_a_document_is_one_line_of_a_length_that_a_page_holds():
    view = folded(recorded.documents(title="two\nlines " + "x" * 5000))
    assert view.title.startswith("two lines xxx")
    assert len(view.title) < MOST_TEXT_CHARACTERS + 10


def test_a_spectrum_or_a_pattern_of_another_shape_than_its_axis_is_told_and_not_shown():
    stream, data = recorded.primary(0.1, 100.0)
    view = folded(recorded.documents([(stream, data | {"ruby_spectrum": [1.0, 2.0]})]))
    assert view.ruby is None
    assert "no ruby spectrum" in view.damage[0]
    assert view.measured == 1
    fold = RunFold()
    points = [reduced_documents.data(0), reduced_documents.data(1) | {"intensity": [1.0]}]
    for name, doc in reduced_documents.documents(points):
        fold.take_reduced(name, doc)
    view = fold.view(being_written=False)
    assert [point.index for point in view.reduced] == [0]
    assert "are no pattern" in view.damage[0]


def test_frames_recorded_elsewhere_show_pressure_and_temperature_as_given():
    data = {
        "point_index": 0,
        "leg": "imported",
        "stroke": "",
        "exposure_uid": "e0",
        "exposure_s": math.nan,
        "pressure_gpa": 3.0,
        "pressure_sigma_gpa": 0.1,
        "temperature_k": 300.0,
    }
    view = folded(recorded.documents([("primary", data)], imported={"by": "0.1.0"}, path=[]))
    (reading,) = view.track
    assert view.is_imported
    assert view.ruby is None
    assert view.damage == ()
    assert (reading.pressure_gpa, reading.pressure_error_gpa, reading.temperature_k) == (3.0, 0.1, 300.0)
    assert math.isnan(reading.load_bar)


def test_reduced_points_come_as_they_are_reduced_and_another_reduction_takes_their_place():
    fold = RunFold()
    fold.begin_reduction("d-1")
    for name, doc in reduced_documents.documents([reduced_documents.data(0), reduced_documents.data(1)]):
        fold.take_reduced(name, doc)
    view = fold.view(being_written=True)
    assert [point.index for point in view.reduced] == [0, 1]
    assert view.reduced[0].phase("alloy").cell["a"] == 3.55
    assert view.reduced[1].two_theta_deg is view.reduced[0].two_theta_deg, "a long run holds its angles once"
    assert view.wavelength_angstrom == 0.41373
    fold.begin_reduction("d-2")
    for name, doc in reduced_documents.documents([reduced_documents.data(0, a=3.6)]):
        fold.take_reduced(name, doc)
    view = fold.view(being_written=True)
    assert (view.reduction_uid, len(view.reduced)) == ("d-2", 1)
    assert view.reduced[0].phase("alloy").cell["a"] == 3.6
