"""The page without a browser: each panel has its data, grows by what is new, and takes text for text."""

import math
from concurrent.futures import Future
from dataclasses import replace

import fabio
import numpy as np
import pytest
import recorded_documents as recorded
import reduced_documents
from bokeh.document import Document
from derived_documents import reduction

from lics_beamline.data_folder import DataFolder
from lics_beamline.exports.phase_lines import PhaseLines
from lics_beamline.journal.writer import Journal
from lics_beamline.monitor.figure import PhaseStyles
from lics_beamline.monitor.health import FollowerHealth, Health
from lics_beamline.monitor.page import LivePage
from lics_beamline.monitor.plate_panel import PlatePanel
from lics_beamline.monitor.plate_view import PlateView, PlateViews
from lics_beamline.monitor.status_panel import StatusPanel
from lics_beamline.monitor.view import Note, ReadPlate, RunView
from lics_beamline.monitor.watched_runs import WatchedRuns
from lics_beamline.phases.phase import default_phases
from lics_beamline.profile import shipped
from lics_beamline.reduction.recipe import read_recipe

SCRIPT = "<script>alert(1)</script> [/b] & $$x$$"
RECIPE = {"phases": [phase.model_dump(mode="json") for phase in default_phases()]}


class Inline:
    """Reads a plate at once."""

    def submit(self, does, *arguments):
        done = Future()
        done.set_result(does(*arguments))
        return done


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path).make()


def opened(data):
    runs = WatchedRuns(data)
    runs.look()
    return runs, LivePage(Document(), runs, PlateViews(data), Inline())


def write(folder, documents):
    with Journal(folder, resume=True) as journal:
        for name, doc in documents:
            journal(name, doc)


def length(source):
    return len(next(iter(source.data.values())))


def test_each_panel_has_the_data_of_the_run(data):
    write(data.raw_journals, recorded.documents())
    write(data.derived_journals, reduction([reduced_documents.data(0), reduced_documents.data(1)], recipe=RECIPE))
    runs, page = opened(data)
    runs.close()
    assert list(page.track.readings.source.data["pressure"]) == [0.1, 0.5, 0.9, 1.0]
    assert length(page.plane.walked.source) == length(page.plane.asked) == 2
    near = [nm for nm in np.linspace(690.0, 700.0, recorded.PIXELS) if 689.615 < nm < 698.615]  # R1 is 694.615 nm
    assert list(page.ruby.spectrum.data["nm"]) == near
    assert length(page.waterfall.rows.source) == 2
    assert set(page.waterfall.ticks.source.data["phase"]) == {"alloy", "re-hcp"}
    assert length(page.pattern.pattern) == reduced_documents.BINS
    assert "Point 2: 4.010 ± 0.050 GPa, 298.1 K" in page.pattern.root.title.text
    assert "goes on: alloy 0.20 of 0.95" in page.status.story.text
    assert [value for value, _ in page.point.options] == ["", "e1", "e0"]


def test_light_that_no_phase_explains_stands_beside_shares_that_are_without_it(data):
    unnamed = {"unknown_phases": "unknown 1", "unknown_fraction": 0.31, "unknown_fraction_sigma": 0.04}
    write(data.raw_journals, recorded.documents())
    write(
        data.derived_journals,
        reduction([reduced_documents.data(0), reduced_documents.data(1) | unnamed], recipe=RECIPE),
    )
    runs, page = opened(data)
    runs.close()
    drawn = page.cell.unnamed.rows.source.data
    assert (list(drawn["x"]), list(drawn["y"]), list(drawn["y_high"])) == ([2.0], [31.0], [35.0])
    assert "light of lines of no phase" in page.cell.shares.title.text
    assert page.point.options[1][1].endswith("alloy, re-hcp, unknown 1")


def test_what_a_sweep_adds_is_added_to_what_is_shown(data):
    documents = list(recorded.documents())
    write(data.raw_journals, documents[:10])
    runs, page = opened(data)
    source = page.track.readings.source
    before = list(source.data["pressure"])
    write(data.raw_journals, documents)
    runs.look()
    page.refresh()
    runs.close()
    assert list(source.data["pressure"])[: len(before)] == before
    assert list(source.data["pressure"]) == [0.1, 0.5, 0.9, 1.0]
    assert "2 of 3 points measured" in page.status.head.text


def test_a_page_of_which_nothing_is_new_sends_nothing(data):
    write(data.raw_journals, recorded.documents())
    runs = WatchedRuns(data)
    runs.look()
    document, told = Document(), []
    page = LivePage(document, runs, PlateViews(data), Inline())
    document.on_change(told.append)
    page.refresh()
    runs.close()
    assert page.pattern.root.title.text == "Pattern: none yet"
    assert told == []


def test_an_earlier_point_that_is_chosen_stays_while_the_sweep_goes_on(data):
    points = [reduced_documents.data(0), reduced_documents.data(1)]
    write(data.raw_journals, recorded.documents())
    documents = list(reduction(points))
    write(data.derived_journals, documents[:-1])
    runs, page = opened(data)
    page.point.value = "e0"
    write(data.derived_journals, documents)
    runs.look()
    page.refresh()
    assert page.pattern.root.title.text.startswith("Point 1:")
    page.point.value = ""
    runs.close()
    assert page.pattern.root.title.text.startswith("Point 2:")


def test_before_the_first_run_the_page_waits_and_shows_it_when_it_comes(data):
    runs, page = opened(data)
    assert "Waiting for a run" in page.status.head.text
    write(data.raw_journals, recorded.documents())
    runs.look()
    page.refresh()
    runs.close()
    assert "a title" in page.status.head.text


def test_a_folder_that_is_taken_away_is_told_and_what_was_read_stays(data):
    write(data.raw_journals, recorded.documents())
    runs, page = opened(data)
    page.run.value = page.run.options[1][0]
    data.root.rename(data.root.with_name("elsewhere"))
    runs.look()
    page.refresh()
    assert "a title" in page.status.head.text
    assert f"{data.raw_journals} is not there: what was read before is shown" in page.status.health.text
    late = LivePage(Document(), runs, PlateViews(data), Inline(), uid="0123abcd")
    assert f"{data.raw_journals} is not there" in late.status.head.text
    data.root.with_name("elsewhere").rename(data.root)
    runs.look()
    page.refresh()
    runs.close()
    assert "is not there" not in page.status.health.text


class Reading:
    """Runs of which one is read for the first time."""

    def __init__(self, runs):
        self._runs, self.share = runs, 1.0

    def view(self, uid):
        return replace(self._runs.view(uid), read_share=self.share)

    def __getattr__(self, name):
        return getattr(self._runs, name)


def test_a_long_run_is_drawn_when_twice_as_much_of_it_has_been_read_and_when_it_nearly_all_is(data):
    documents = list(recorded.documents())
    write(data.raw_journals, documents[:8])
    runs, _ = opened(data)
    reading = Reading(runs)
    reading.share = 0.2
    page = LivePage(Document(), reading, PlateViews(data), Inline())
    source = page.track.readings.source
    assert "20% of its record read" in page.status.head.text
    before = length(source)
    write(data.raw_journals, documents)
    runs.look()
    drawn = {}
    for reading.share in (0.39, 0.4, 0.5, 0.96, 1.0):
        page.refresh()
        drawn[reading.share] = length(source)
        assert (f"{reading.share:.0%} of its record read" in page.status.head.text) == (reading.share < 1.0)
    runs.close()
    assert before < drawn[0.4]
    assert drawn[0.39] == before
    assert page.status.head.text.count("points measured") == 1


def test_a_run_that_is_not_there_is_told(data):
    write(data.raw_journals, recorded.documents())
    runs, page = opened(data)
    page.run.value = "0123abcd"
    runs.close()
    assert "no run answers to &#x27;0123abcd&#x27;" in page.status.health.text


def test_text_of_documents_is_never_markup(data):
    events = [*recorded.EVENTS, recorded.decision(1, 600.0, SCRIPT), recorded.failure(2, 700.0, SCRIPT)]
    hostile = {"title": SCRIPT, "operator": SCRIPT, "sample": {"name": SCRIPT}}
    write(data.raw_journals, recorded.documents(events, **hostile))
    runs, page = opened(data)
    runs.close()
    told = page.status.head.text + page.status.story.text + page.status.health.text
    assert "<script" not in told
    assert told.count("&lt;script&gt;alert(1)&lt;/script&gt; [/b] &amp; $$x$$") >= 4
    assert all(div.disable_math for div in (page.status.head, page.status.story, page.status.health))
    figures = [page.track.pressure, page.plane.root, page.ruby.root, page.plate.root, page.pattern.root]
    assert not any("script" in figure.title.text or "$" in figure.title.text for figure in figures)


def test_a_plate_is_drawn_with_its_mask_and_its_rings_and_one_that_cannot_be_read_says_so():
    side = np.linspace(-1.0, 1.0, 200)
    angles = np.hypot(side[:, None], side[None, :]) * 20.0
    counts = np.exp(-((angles - 9.0) ** 2)) * 100.0 + 1.0
    plate = PlateView(
        says="log scale; blue: masked",
        counts=counts.astype(np.float32),
        masked=angles < 1.0,
        angles_deg=angles[::8, ::8].astype(np.float32),
        block_px=3,
    )
    panel = PlatePanel()
    lines = (PhaseLines(phase="alloy", two_theta_deg=(9.0,)),)
    panel.show(4, plate, lines, PhaseStyles(["alloy"]))
    (drawn,), (mask,) = panel.image.data["counts"], panel.image.data["mask"]
    assert drawn.shape == (200, 200)
    assert np.count_nonzero(mask) == np.count_nonzero(plate.masked)
    (x,), (y,) = panel.rings.data["x"], panel.rings.data["y"]
    middle_px = 300.0
    radius_px = np.hypot(np.array(x) - middle_px, np.array(y) - middle_px)
    assert radius_px == pytest.approx(0.45 * 298.5, abs=1.0), "9 of 20 deg, which the outermost blocks have"
    panel.show(5, PlateView(says="cannot be read", trouble="not there"), lines, PhaseStyles(["alloy"]))
    assert panel.root.title.text == "Plate 5: cannot be read"
    assert panel.rings.data["x"] == []


def test_a_plate_is_drawn_by_its_geometry_and_mask_whatever_else_its_recipe_asks(data):
    recipe = read_recipe(shipped() / "simulated" / "recipe.toml").model_dump(mode="json")
    large = {"[3000, 3000]": "[300, 300]", '"pixel1": 0.0001, "pixel2": 0.0001': '"pixel1": 0.001, "pixel2": 0.001'}
    for before, after in large.items():
        recipe["geometry"]["poni"] = recipe["geometry"]["poni"].replace(before, after)
    recipe["ruby"]["scale"] = "a scale that is not known here"
    fabio.edfimage.EdfImage(data=np.full((300, 300), 100, np.int32)).write(str(data.plates / "p.edf"))
    plate = PlateViews(data).view(ReadPlate(index=0, exposure_uid="e", path="plates/p.edf"), recipe)
    assert (plate.says, plate.trouble) == ("log scale, blue masked", "")
    assert 0.0 < plate.masked.mean() < 1.0
    assert plate.angles_deg.size


def test_what_has_tripped_who_lags_and_what_is_damaged_stands_on_the_page():
    panel = StatusPanel()
    lagging = FollowerHealth(
        name="reduce", state="catching up", documents_behind=12, seconds_behind=45.0, troubles=("run a: it failed",)
    )
    health = Health(guard="tripped", trip="over-temperature: gasket 700 K", warnings=("effort",), followers=(lagging,))
    note = Note(kind="failure", time=0.0, says="point 3: no plate")
    panel.update(RunView(uid="u", notes=(note,), damage=("line 7",)), health, now=0.0, troubles=())
    for told in ("over-temperature: gasket 700 K", "12 documents behind, for 45.0 s", "run a: it failed", "line 7"):
        assert told in panel.health.text, told
    assert '<b class="bad">failed</b>' in panel.story.text
    assert panel.head.text.startswith('<h1 class="bad">guard tripped</h1>')


def test_a_follower_that_never_ran_is_not_called_up_to_date_and_a_guard_that_watches_is_no_alarm():
    follower = FollowerHealth(name="catalog", state="never ran", documents_behind=0, seconds_behind=0.0, troubles=())
    panel = StatusPanel()
    panel.update(None, Health(guard="watching", followers=(follower,)), now=0.0, troubles=())
    assert '<b class="dim">never ran</b><span>catalog</span>' in panel.health.text
    assert "guard" not in panel.head.text


def test_a_pattern_with_lines_of_no_phase_marks_them_by_their_spacing(data):
    point = reduced_documents.data(0) | {"unknown_peaks": 1, "unknown_d_angstrom": "2.5349"}  # at 9.36 deg
    write(data.raw_journals, recorded.documents())
    write(data.derived_journals, reduction([point]))
    runs, page = opened(data)
    runs.close()
    assert page.pattern.left.data["says"] == ["2.535"]
    expected = 2.0 * math.degrees(math.asin(0.41373 / 2.0 / 2.5349))
    assert page.pattern.left.data["x"] == [pytest.approx(expected)]
    assert "1 strong lines of no phase" in page.pattern.root.title.text
