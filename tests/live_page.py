"""The live page in a real browser, as tests and benchmarks open it."""

import contextlib
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lics_beamline.monitor.access import free_port

CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
PATIENCE_MS = 240_000  # for hangs only: a browser on a busy computer takes its time
LAPTOP = {"width": 1366, "height": 768}
WALL = {"width": 2560, "height": 1440}
PANELS = ("track", "plane", "ruby", "plate", "waterfall", "pattern", "cells", "shares")
FILLED = """() => Object.fromEntries(Bokeh.documents[0].roots().map(root => [root.name, Math.max(0,
  ...[...root.references()].filter(each => each.type === "ColumnDataSource").map(each => each.get_length() ?? 0))]))"""
WORDS = "name => Bokeh.documents[0].roots().find(root => root.name === name).text"
OPENED = "window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle"
TITLE = "name => Bokeh.documents[0].roots().find(root => root.name === name).title.text"


@contextlib.contextmanager
def chromium():
    """Give the Chromium of the system, without a window; the test skips where it, or what drives it, is not there."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install -e '.[browser]'")
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with playwright.sync_playwright() as driving:
        opened = driving.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@contextlib.contextmanager
def looking(browser):
    """Give what opens a page; what its console complains of, and what it asks of other servers, is kept beside it."""
    contexts = []

    def opened(url, *, viewport=None, until=OPENED):
        context = browser.new_context(viewport=viewport or {"width": 1920, "height": 1080})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.complaints = []
        page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        elsewhere = ("data:", "blob:", url.split("?")[0])
        page.on("request", lambda asked: asked.url.startswith(elsewhere) or page.complaints.append(asked.url))
        page.goto(url, timeout=PATIENCE_MS)
        page.wait_for_function(until)
        return page

    yield opened
    for context in contexts:
        context.close()


@contextlib.contextmanager
def serving():
    """Give what serves a data folder as a person does, until the context ends."""
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


def when(page, what, holds):
    """Wait until what a page shows fulfils a condition, and return it."""
    until_s = time.monotonic() + PATIENCE_MS / 1e3
    while not holds(found := page.evaluate(*what)):
        assert time.monotonic() < until_s, found
        page.wait_for_timeout(100)
    return found


def plate_is_shown(page):
    return when(page, (TITLE, "plate"), lambda title: "log scale" in title)


def shown_at(process, said):
    """Return the address that a sweep with a page prints, and the rest of its words as they come, kept in a list."""
    while line := process.stderr.readline():
        said.append(line)
        if found := re.search(r"shown at (http://127\.0\.0\.1:(\d+)/\S*)", line):
            return found[1], int(found[2])
    raise AssertionError("".join(said))


def await_listener(port, process):
    """Wait until something listens at a port of this computer, or the process that is to start it has ended."""
    import socket

    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        select.select([], [], [], 0.1)
    raise AssertionError(f"nothing listened at port {port}")


def memory_mb(process, what="VmHWM"):
    """Return the most memory that a process has had [MB]."""
    told = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(re.search(rf"{what}:\s+(\d+) kB", told)[1]) / 1024
