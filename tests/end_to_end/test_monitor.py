"""The live page in a real browser: each panel has its data, live, opened late, past, and nothing is complained of."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import typed

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal
from lics_beamline.monitor.access import free_port

CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
PATIENCE_MS = 240_000  # for hangs only: a browser on a busy computer takes its time
MOST_MEMORY_MB = 400  # of the page's server: a beamline's computer has a sweep to run besides
PANELS = ("track", "plane", "ruby", "plate", "waterfall", "pattern", "cells", "shares")
FILLED = """() => Object.fromEntries(Bokeh.documents[0].roots().map(root => [root.name, Math.max(0,
  ...[...root.references()].filter(each => each.type === "ColumnDataSource").map(each => each.get_length() ?? 0))]))"""
WORDS = "name => Bokeh.documents[0].roots().find(root => root.name === name).text"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def browser():
    """Give the Chromium of the system, without a window."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install -e '.[browser]'")
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with api.sync_playwright() as driving:
        opened = driving.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def look(browser):
    """Open a page; what its console complains of, and what it asks of other servers, is kept beside it."""
    contexts = []

    def opened(url):
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.complaints = []
        page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        elsewhere = ("data:", "blob:", url)
        page.on("request", lambda asked: asked.url.startswith(elsewhere) or page.complaints.append(asked.url))
        page.goto(url, timeout=PATIENCE_MS)
        page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def served():
    """Serve a data folder as a person does, until the test has ended."""
    running = []

    def start(data, *arguments):
        port = free_port("127.0.0.1", 0)
        command = [sys.executable, "-m", "lics_beamline", "monitor", *arguments]
        command += ["--data", str(data.root), "--port", str(port)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert f"http://127.0.0.1:{port}/" in running[-1].stdout.readline()
        return f"http://127.0.0.1:{port}/"

    start.running = running
    yield start
    for process in running:
        process.terminate()
        process.communicate()


def peak_memory_mb(process):
    told = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", told)[1]) / 1024


def when(page, what, holds):
    """Wait until what a page shows fulfils a condition, and return it."""
    until_s = time.monotonic() + PATIENCE_MS / 1e3
    while not holds(found := page.evaluate(*what)):
        assert time.monotonic() < until_s, found
        page.wait_for_timeout(100)
    return found


def plate_is_shown(page):
    code = "() => Bokeh.documents[0].roots().find(root => root.name === 'plate').title.text"
    return when(page, (code,), lambda title: "log scale" in title)


def test_a_past_run_opens_with_every_panel_filled(dry_run, served, look, tmp_path):
    assert dry_run.exit_code == 0, dry_run.said
    page = look(served(DataFolder(dry_run.data), "last"))
    plate_is_shown(page)
    filled = page.evaluate(FILLED)
    page.screenshot(path=str(tmp_path / "monitor.png"))
    assert all(filled[name] > 0 for name in PANELS), filled
    assert filled["waterfall"] >= 4
    head = page.evaluate(WORDS, "head")
    assert "a short way through the alloy" in head
    assert "4 of 4 points measured, 4 reduced" in head
    assert page.complaints == []
    if sys.platform == "linux":
        assert peak_memory_mb(served.running[0]) < MOST_MEMORY_MB


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
    code = "() => Bokeh.documents[0].roots().find(root => root.name === 'pattern').title.text"
    when(page, (code,), lambda title: title.startswith("Point 1:"))
    assert page.complaints == []


def test_a_run_that_is_not_there_is_refused_in_words(tmp_path):
    done = typed("monitor", "4f1c2a", "--data", str(tmp_path), folder=Path(tmp_path))
    assert done.returncode == 2
    assert "no run answers to '4f1c2a'" in done.stderr
