"""The live page in a real browser: each panel has its data, live, opened late, past, and nothing is complained of."""

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import typed
from live_page import (
    FILLED,
    LAPTOP,
    PANELS,
    TITLE,
    WALL,
    WORDS,
    await_listener,
    chromium,
    looking,
    memory_mb,
    plate_is_shown,
    serving,
    shown_at,
    when,
)
from worlds.short_experiment import AS_LOADED, experiment

from lics_beamline import schema
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.events import events
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal

MOST_MEMORY_MB = 400  # of the page's server: a beamline's computer has a sweep to run besides

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def look(browser):
    with looking(browser) as opened:
        yield opened


@pytest.fixture
def served():
    with serving() as start:
        yield start


def test_a_past_run_opens_with_every_panel_filled(dry_run, served, look, tmp_path):
    assert dry_run.exit_code == 0, dry_run.said
    page = look(served(DataFolder(dry_run.data), "last"))
    plate_is_shown(page)
    filled = page.evaluate(FILLED)
    for name, size in (("laptop", LAPTOP), ("wall", WALL)):
        page.set_viewport_size(size)
        page.screenshot(path=str(tmp_path / f"{name}.png"))
    assert all(filled[name] > 0 for name in PANELS), filled
    assert filled["waterfall"] >= 4
    head = page.evaluate(WORDS, "head")
    assert "a short way through the alloy" in head
    assert "4 of 4 points measured, 4 reduced" in head
    assert page.complaints == []
    if sys.platform == "linux":
        assert memory_mb(served.running[0]) < MOST_MEMORY_MB


def test_a_sweep_is_shown_as_it_goes_on_and_a_page_opened_late_shows_the_same(dry_run, served, look, tmp_path):
    recorded, data = DataFolder(dry_run.data), DataFolder(tmp_path).make()
    data.plates.rmdir()
    data.plates.symlink_to(recorded.plates)
    documents = {
        folder: list(read(heads(folder)[0].path)) for folder in (recorded.raw_journals, recorded.derived_journals)
    }
    raw, derived = documents.values()
    first = next(number for number, (name, _) in enumerate(derived) if name == "event")
    url = served(data)
    page = look(url)
    assert "Waiting for a run" in page.evaluate(WORDS, "head")
    with Journal(data.raw_journals) as journal, Journal(data.derived_journals) as reduced:
        for each in raw[:-1]:
            journal(*each)
        for each in derived[: first + 1]:
            reduced(*each)
        when(page, (WORDS, "head"), lambda head: "running" in head and "1 reduced" in head)
        before = page.evaluate(FILLED)
        for each in derived[first + 1 :]:
            reduced(*each)
        when(page, (WORDS, "head"), lambda head: "4 reduced" in head)
        journal(*raw[-1])
    when(page, (WORDS, "head"), lambda head: "whole" in head)
    plate_is_shown(page)
    late = look(url)
    plate_is_shown(late)
    assert late.evaluate(FILLED) == page.evaluate(FILLED) != before
    assert [each.complaints for each in (page, late)] == [[], []]


def test_an_earlier_point_is_chosen_by_keyboard(dry_run, served, look):
    page = look(served(DataFolder(dry_run.data)))
    choice = page.get_by_label("Plate and pattern")
    choice.focus()
    page.keyboard.press("End")
    when(page, (TITLE, "pattern"), lambda title: title.startswith("Point 1:"))
    assert page.complaints == []


def test_a_run_that_is_not_there_is_refused_in_words(tmp_path):
    done = typed("monitor", "4f1c2a", "--data", str(tmp_path), folder=Path(tmp_path))
    assert done.returncode == 2
    assert "no run answers to '4f1c2a'" in done.stderr


def test_hold_continue_and_stop_are_clicked_on_a_sweep_that_runs_and_stand_in_its_record_by_name(look, tmp_path):
    (tmp_path / "still.toml").write_text(experiment(AS_LOADED + "count = 30\n", title="held still"))
    command = [sys.executable, "-m", "lics_beamline", "dry-run", "still.toml", "--data", "data", "--seed", "3"]
    said = []
    with subprocess.Popen([*command, "--control"], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as sweep:
        url, port = shown_at(sweep, said)
        await_listener(port, sweep)
        page = look(url)
        state = ("() => Bokeh.documents[0].roots().find(root => root.name === 'control').children.at(-1).text",)
        when(page, state, lambda told: "running" in told)
        page.get_by_label("Your name, for the record").fill("Ada Lovelace")
        page.get_by_label("Why, or a note").fill("look at the gasket")
        page.get_by_role("button", name="Hold").click()
        when(page, state, lambda told: ">held<" in told)
        page.screenshot(path=str(tmp_path / "held.png"))
        page.get_by_role("button", name="Continue").click()
        when(page, state, lambda told: ">running<" in told)
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Stop: press again").click()
        said += sweep.stderr.readlines()
    told = [
        event.data
        for event in events(read(heads(DataFolder(tmp_path / "data").raw_journals)[0].path))
        if event.stream == schema.HOLDS
    ]
    assert [(each["hold_did"], each["hold_who"]) for each in told] == [
        ("held", "Ada Lovelace (page)"),
        ("continued", "Ada Lovelace (page)"),
        ("stopped", "Ada Lovelace (page)"),
    ], "".join(said)
    assert told[0]["hold_why"] == "look at the gasket"
    assert page.complaints == [] or all(
        "WebSocket" in each for each in page.complaints
    )  # the server ends with its sweep
