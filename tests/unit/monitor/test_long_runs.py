"""A long run on the page: as much is drawn as a screen shows, the newest always, and only what is new is sent."""

import math

import numpy as np
import pytest
from bokeh.document import Document
from derived_documents import reduction
from reduced_documents import data

from lics_beamline.exports.reduced_run import reduced_point
from lics_beamline.journal.events import events
from lics_beamline.monitor.cell_panel import ExpectedCurves
from lics_beamline.monitor.figure import GrowingSource, PhaseStyles
from lics_beamline.monitor.track_panel import MOST_READINGS, NEWEST_KEPT, TrackPanel, thinned
from lics_beamline.monitor.view import RunView, TrackReading
from lics_beamline.monitor.waterfall_panel import MOST_ROWS, MOST_TICKED, WaterfallPanel, WaterfallRow, merged
from lics_beamline.phases.phase import default_phases

POINT = next(reduced_point(event.data) for event in events(reduction([data(0)])))
STYLES = PhaseStyles(["alloy"])


def reading(number, *, is_point=False):
    return TrackReading(
        hours=float(number),
        pressure_gpa=0.001 * number,
        pressure_error_gpa=0.1,
        asked_gpa=math.nan,
        asked_k=298.0,
        temperature_k=298.0,
        load_bar=1.0,
        ending_gpa=math.nan,
        ending_error_gpa=math.nan,
        is_point=is_point,
    )


def view(points, *, track=()):
    reduced = (POINT,) * points
    phases = tuple(default_phases())
    return RunView(uid="r", reduction_uid="d", wavelength_angstrom=0.41373, phases=phases, reduced=reduced, track=track)


def changes(source):
    """Kinds of the changes of a source, as a browser is told of them."""
    told = []
    document = Document()
    document.add_root(source)
    document.on_change(lambda event: told.append(event.kind))
    return told


@pytest.mark.parametrize("count", [1, MOST_READINGS, 10 * MOST_READINGS])
def test_a_track_of_any_length_is_drawn_in_as_many_readings_as_a_screen_shows(count):
    readings = [reading(number, is_point=number % 13 == 0) for number in range(count)]
    drawn = thinned(readings)
    assert len(drawn) <= MOST_READINGS // 2
    assert drawn[-NEWEST_KEPT:] == readings[-NEWEST_KEPT:]
    assert drawn[0] == readings[0]
    assert [each.hours for each in drawn] == sorted(each.hours for each in drawn)


def test_points_of_a_long_track_stay_where_readings_on_the_way_are_left_out():
    readings = [reading(number, is_point=number % 100 == 0) for number in range(2 * MOST_READINGS)]
    assert sum(each.is_point for each in thinned(readings)) == sum(each.is_point for each in readings)


def test_of_a_track_that_grows_only_what_is_new_is_sent():
    panel, readings = TrackPanel(), tuple(map(reading, range(5)))
    panel.update(view(0, track=readings[:3]))
    told = changes(panel.readings.source)
    panel.update(view(0, track=readings[:3]))
    panel.update(view(0, track=readings))
    assert told == ["ColumnsStreamed"]
    assert list(panel.readings.source.data["hours"]) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert all(np.asarray(column).dtype == np.float64 for column in panel.readings.source.data.values())


def test_rows_that_outgrow_a_screen_are_thinned_and_grow_again():
    source = GrowingSource(("x",), most=10, thin=lambda rows: rows[::4])
    lengths = []
    for count in range(1, 14):
        source.grow("run", range(count), lambda rows: {"x": np.array(rows, np.float64)})
        lengths.append(len(source.source.data["x"]))
    assert lengths == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 3, 4, 5]
    assert list(source.source.data["x"]) == [0.0, 4.0, 8.0, 11.0, 12.0]


@pytest.mark.parametrize("points", [1, MOST_ROWS, MOST_ROWS + 1, 3 * MOST_ROWS])
def test_rows_of_a_waterfall_lie_above_one_another_without_a_gap_however_many_points_share_one(points):
    panel = WaterfallPanel(lambda row: None)
    panel.update(view(points), STYLES)
    drawn = panel.rows.source.data
    below, above = np.asarray(drawn["y"]), np.asarray(drawn["y"]) + np.asarray(drawn["dh"])
    assert len(below) <= MOST_ROWS
    assert below[0] == 0.5
    assert above[-1] == points + 0.5 == panel.root.y_range.end
    assert below[1:].tolist() == above[:-1].tolist()
    ticks = panel.ticks.source.data
    assert len(set(np.asarray(ticks["high"]).tolist())) <= MOST_TICKED
    assert max(ticks["high"]) > points - 0.5 - points / MOST_TICKED


def test_a_shared_row_shows_the_lines_of_all_its_points():
    panel = WaterfallPanel(lambda row: None)
    panel.update(view(MOST_ROWS + 1), STYLES)
    image = panel.rows.source.data["image"][0]
    alone = WaterfallPanel(lambda row: None)
    alone.update(view(1), STYLES)
    assert np.array_equal(image, alone.rows.source.data["image"][0])
    assert panel.rows.source.data["number"][0] == "1 to 1"  # of one index in this series


@pytest.mark.parametrize(
    ("points", "most", "sizes"), [(0, 4, []), (4, 4, [1] * 4), (5, 4, [2, 2, 1]), (9, 4, [4, 4, 1])]
)
def test_every_point_is_in_one_of_as_many_rows_as_asked_for(points, most, sizes):
    rows = [WaterfallRow(first=number, last=number, points=(POINT,)) for number in range(1, points + 1)]
    shared = merged(rows, most)
    assert [row.height for row in shared] == [len(row.points) for row in shared] == sizes


def test_expected_cells_are_worked_out_anew_only_where_points_lie_farther_out():
    curves = ExpectedCurves()
    phase = next(each for each in default_phases() if each.role == "sample")
    first = curves.of(phase, [(2.0, 298.0), (3.0, 299.0)])
    assert len(first["x"]) == 1
    assert curves.of(phase, [(2.0, 298.0), (3.0, 299.0), (2.5, 298.5)]) is None
    wider = curves.of(phase, [(2.0, 298.0), (4.0, 299.0)])
    assert wider["x"][0][-1] == pytest.approx(4.3)
    assert wider["y"][0][-1] == pytest.approx(phase.expected(4.3, 298.0).a_angstrom)
