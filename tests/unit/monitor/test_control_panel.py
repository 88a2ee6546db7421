"""Hold, continue, stop and note from the page: by name, in the record, and not at all where it was not asked for."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from bokeh.document import Document
from bokeh.events import ButtonClick
from bokeh.models import Button, TextInput

from lics_beamline.control.request import Request
from lics_beamline.data_folder import DataFolder
from lics_beamline.monitor.access import free_port
from lics_beamline.monitor.control_panel import ControlPanel
from lics_beamline.monitor.page import LivePage
from lics_beamline.monitor.plate_view import PlateViews
from lics_beamline.monitor.process import TOKEN
from lics_beamline.monitor.server import serve
from lics_beamline.monitor.watched_runs import WatchedRuns
from lics_beamline.session.requests import RequestFiles
from lics_beamline.sweep_request import sweep_status


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path).make()


@pytest.fixture
def sweep(data):
    requests = RequestFiles(data)
    with requests.open():
        yield requests


def press(button):
    button._trigger_event(ButtonClick(button))


def named(data, name="Ada Lovelace", **options):
    panel = ControlPanel(data, **options)
    panel.name.value = name
    panel.update(sweep_status(data))
    return panel


def test_a_hold_from_the_page_is_the_request_of_the_terminal_with_the_name_and_the_reason(data, sweep):
    panel = named(data)
    panel.why.value = "look at\nthe gasket"
    press(panel.hold)
    asked = sweep.asked()
    assert (asked.request, asked.who, asked.why) == (Request.PAUSE, "Ada Lovelace (page)", "look at the gasket")
    assert "Ada Lovelace (page) asks: hold" in panel.says.text
    sweep.answer(asked, "held", "held at 4.004 GPa")
    panel.update(sweep_status(data))
    assert "held at 4.004 GPa" in panel.says.text
    assert "asks" not in panel.says.text
    assert (panel.hold.disabled, panel.go_on.disabled, panel.stop.disabled) == (True, False, False)
    press(panel.go_on)
    assert sweep.asked().request is Request.CONTINUE


def test_a_sweep_is_stopped_only_when_that_is_pressed_twice_in_a_short_while(data, sweep):
    now = [0.0]
    panel = named(data, clock=lambda: now[0])
    press(panel.stop)
    assert sweep.asked() is None
    assert panel.stop.label == "Stop: press again"
    now[0] = 6.0
    panel.update(sweep_status(data))
    assert panel.stop.label == "Stop"
    press(panel.stop)
    assert sweep.asked() is None
    press(panel.stop)
    assert sweep.asked().request is Request.STOP


@pytest.mark.parametrize("name", ["", " \n ", "a" * 81])
def test_who_does_not_say_a_name_asks_nothing(data, sweep, name):
    panel = named(data, name)
    panel.why.value = "why"
    for button in (panel.hold, panel.go_on, panel.stop, panel.stop, panel.note):
        press(button)
        assert "nothing was asked" in panel.says.text
    assert sweep.asked() is None
    assert list(sweep.notes()) == []


def test_a_note_from_the_page_stands_in_the_record_by_name(data, sweep):
    panel = named(data)
    press(panel.note)
    assert "a note of 0 characters" in panel.says.text
    panel.why.value = "a bubble in the medium"
    press(panel.note)
    assert "waits" in panel.says.text
    assert [(note.who, note.text) for note in sweep.notes()] == [("Ada Lovelace (page)", "a bubble in the medium")]
    panel.update(sweep_status(data))
    assert "noted" in panel.says.text


def test_where_no_sweep_runs_nothing_is_asked_and_a_sweep_that_ends_first_is_said(data):
    with RequestFiles(data).open():
        panel = named(data)
        press(panel.hold)
    panel.update(sweep_status(data))
    assert "the sweep ended before it heard that" in panel.says.text
    assert all(button.disabled for button in (panel.hold, panel.go_on, panel.stop, panel.note))
    (data.root / "sweep-asked.json").unlink()
    press(panel.hold)
    assert "no sweep is running" in panel.says.text
    assert not (data.root / "sweep-asked.json").exists()


def test_what_a_sweep_or_a_person_says_is_text_on_the_panel(data, sweep):
    panel = named(data, "<script>alert(1)</script>")
    press(panel.hold)
    sweep.say("held", "held <b>at</b> 4 GPa")
    panel.update(sweep_status(data))
    assert "<script" not in panel.says.text
    assert "&lt;b&gt;at&lt;/b&gt;" in panel.says.text


def test_of_two_people_the_newest_counts_and_the_other_is_told_and_recorded(data, sweep):
    ada, bob = named(data), named(data, "<b>Bob</b>")
    ada.why.value = "look at the gasket"
    press(ada.hold)
    asked = sweep.asked()
    sweep.say("running", "what is being measured is finished first, then the sweep is held", heard=asked)
    for panel in (ada, bob):
        panel.update(sweep_status(data))
        assert "then the sweep is held" in panel.says.text
    press(bob.stop)
    press(bob.stop)
    assert (sweep.asked().request, sweep.asked().who) == (Request.STOP, "<b>Bob</b> (page)")
    ada.update(sweep_status(data))
    assert "&lt;b&gt;Bob&lt;/b&gt; (page) asked to stop after you: that counts" in ada.says.text
    assert [(note.who, note.text) for note in sweep.notes()] == [
        (
            "Ada Lovelace (page)",
            "asked to hold (look at the gasket); before that was done <b>Bob</b> (page) asked to stop, and the newest "
            "counts",
        )
    ]


def test_nobody_holds_what_another_stops(data, sweep):
    ada, bob = named(data), named(data, "<b>Bob</b>")
    press(ada.stop)
    press(ada.stop)
    press(bob.hold)
    assert (sweep.asked().request, sweep.asked().who) == (Request.STOP, "Ada Lovelace (page)")
    assert "Ada Lovelace (page) asked to stop before you: a stop stands" in bob.says.text
    sweep.answer(sweep.asked(), "stopping", "the sweep ends")
    bob.update(sweep_status(data))
    assert "the sweep ends" in bob.says.text


def test_what_was_done_is_overtaken_by_nobody(data, sweep):
    ada, bob = named(data), named(data, "Bob")
    press(ada.hold)
    sweep.answer(sweep.asked(), "held", "held at 4.004 GPa")
    for panel in (ada, bob):
        panel.update(sweep_status(data))
        assert (panel.hold.disabled, panel.go_on.disabled) == (True, False)
    press(bob.go_on)
    sweep.answer(sweep.asked(), "running", "goes on after 60 s of experiment")
    ada.update(sweep_status(data))
    assert "goes on after 60 s" in ada.says.text
    assert "after you" not in ada.says.text
    assert not ada.hold.disabled
    press(ada.hold)
    assert list(sweep.notes()) == []


def opened(data, control):
    runs = WatchedRuns(data)
    runs.look()
    document = Document()
    with ThreadPoolExecutor(1) as reader:
        LivePage(document, runs, PlateViews(data), reader, control=control)
    runs.close()
    return document


def test_a_page_without_control_has_nothing_that_a_browser_could_press(data, sweep):
    assert list(opened(data, None).select({"type": Button})) == []
    assert list(opened(data, None).select({"type": TextInput})) == []
    assert "control" not in [root.name for root in opened(data, None).roots]
    assert "control" in [root.name for root in opened(data, ControlPanel(data)).roots]


def test_control_without_a_token_is_refused_even_at_this_computer(data):
    with pytest.raises(ValueError, match="needs a token"):
        serve(data, port=free_port("127.0.0.1", 0), control=True, over=lambda: True)
    done = subprocess.run(
        [sys.executable, "-m", "lics_beamline.monitor", "--data", str(data.root), "--port", "1", "--control"],
        env={name: value for name, value in os.environ.items() if name != TOKEN},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert TOKEN in done.stderr
