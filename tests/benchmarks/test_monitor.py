"""How fast the live page is: opened on a long run, while a sweep goes on, and what it costs the sweep."""

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live_page import (
    FILLED,
    OPENED,
    PANELS,
    await_listener,
    chromium,
    looking,
    memory_mb,
    serving,
    shown_at,
)
from worlds.long_run import write_long_run, write_short_runs
from worlds.short_experiment import AS_LOADED, experiment

from lics_beamline import schema
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read

POINTS, RUNS = 1000, 20
SETTLED_MS, IDLE_MS = 3_000, 20_000  # of a page that is looked at while nothing is new
SWEPT = 10  # points of the sweep that is looked at
CLOCK = schema.EXPERIMENT_TIME.name
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
HEAD = "Bokeh.documents[0].roots().find(root => root.name === 'head').text"
WHOLE = f"{POINTS} of {POINTS} points measured, {POINTS} reduced"
ALL_THERE = f"() => {OPENED} && {HEAD}.includes('{WHOLE}') && performance.now()"
HEAR = f"""() => {{ window.seen = {{}}; window.setInterval(() => {{
  const told = /(\\d+) reduced/.exec({HEAD});
  if (told && !(told[1] in window.seen)) window.seen[told[1]] = Date.now() / 1000; }}, 20); }}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def processes():
    """Parent, computing time [s] and command line of all processes that can be read."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            continue
        found[int(folder.name)] = (int(told[1]), (int(told[11]) + int(told[12])) / TICKS_PER_S, command)
    return found


def below(pid, table):
    """Process ids of a process and of all that it has begun."""
    found = {pid}
    while more := {child for child, (parent, _, _) in table.items() if parent in found} - found:
        found |= more
    return found


def computing_s(pid):
    """Computing time of a process and of each that it has begun [s]."""
    table = processes()
    return {each: table[each][1] for each in below(pid, table) if each in table}


def since(before, after):
    """Computing time between two looks [s]; of processes that have ended meanwhile nothing is known."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


@pytest.mark.timeout(1800)
def test_a_run_of_a_thousand_points_is_chosen_among_others_and_shown_whole(browser, tmp_path, record):
    data = DataFolder(tmp_path / "data").make()
    write_short_runs(data, RUNS)
    write_long_run(data, POINTS)
    with serving() as serve, looking(browser) as look:
        url = serve(data)
        (server,) = serve.running
        first = look(url, until=ALL_THERE)
        first_s = first.evaluate("performance.now()") / 1e3
        first.close()
        before = computing_s(server.pid), computing_s(os.getpid())
        page = look(url, until=ALL_THERE)
        again_s = page.evaluate("performance.now()") / 1e3
        in_server_s, in_all_s = since(before[0], computing_s(server.pid)), since(before[1], computing_s(os.getpid()))
        filled = page.evaluate(FILLED)
        runs = page.get_by_label("Run", exact=True).locator("option").count()
        page.wait_for_timeout(SETTLED_MS)  # the plate that is not there, and the colours of the toolbars
        before, began_s = (computing_s(server.pid), computing_s(os.getpid())), time.monotonic()
        page.wait_for_timeout(IDLE_MS)
        idle_s = time.monotonic() - began_s
        idle, idle_all = since(before[0], computing_s(server.pid)), since(before[1], computing_s(os.getpid()))
        record(
            idle_server_percent=round(100.0 * idle / idle_s, 2),
            idle_browser_percent=round(100.0 * (idle_all - idle) / idle_s, 2),
            page_first_s=round(first_s, 2),
            page_again_s=round(again_s, 2),
            page_server_computing_s=round(in_server_s, 2),
            page_browser_computing_s=round(in_all_s - in_server_s, 2),
            page_memory_mb=round(memory_mb(server)),
        )
        assert all(filled[name] > 0 for name in PANELS if name != "plate"), filled
        assert runs == 1 + RUNS + 1
        assert [each.complaints for each in (first, page)] == [[], []]


@pytest.mark.timeout(1800)
def test_points_of_a_running_sweep_come_to_the_page_which_costs_the_sweep_little(browser, tmp_path, record):
    (tmp_path / "still.toml").write_text(experiment(AS_LOADED + f"count = {SWEPT}\n", title="held still"))
    command = [sys.executable, "-m", "lics_beamline", "dry-run", "still.toml", "--seed", "3", "--data"]
    took_s, computed_s, said = {}, {}, []
    for data in ("alone", "shown"):
        began_s = time.monotonic()
        asked = [*command, data, *(["--monitor"] if data == "shown" else [])]
        with subprocess.Popen(
            asked, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as sweep:
            if data == "shown":
                url, port = shown_at(sweep, said)
                await_listener(port, sweep)
                begun_s = computing(sweep.pid)[0]  # to load what draws, as long as any sweep lasts
                with looking(browser) as look:
                    page = look(url)
                    page.evaluate(HEAR)
                    opened_s, costs = time.time(), (0.0, 0.0, 0.0)
                    while sweep.poll() is None:
                        costs = later(costs, computing(sweep.pid))
                        page.wait_for_timeout(250)
                    seen = {int(number): at_s for number, at_s in page.evaluate("() => window.seen").items()}
            else:
                costs = (0.0, 0.0, 0.0)
                while sweep.poll() is None:
                    costs = later(costs, computing(sweep.pid))
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        sweep.wait(0.25)
            said += sweep.stderr.readlines()
            assert sweep.wait() == 0, "".join(said)
        took_s[data] = time.monotonic() - began_s
        computed_s[data] = costs[1] - costs[0]  # of the sweep without its page
    derived = heads(DataFolder(tmp_path / "shown").derived_journals)[0].path
    reduced_s = [doc["time"] for name, doc in read(derived) if name == "event"]
    delays_s = sorted(
        seen[number] - at_s for number, at_s in enumerate(reduced_s, start=1) if at_s > opened_s and number in seen
    )
    assert delays_s, (seen, reduced_s)
    page_s, whole_s, memory = costs
    raw = heads(DataFolder(tmp_path / "shown").raw_journals)[0].path
    clock_s = [doc["data"][CLOCK] for name, doc in read(raw) if name == "event" and CLOCK in doc["data"]]
    record(
        point_shown_median_s=round(delays_s[len(delays_s) // 2], 2),
        point_shown_longest_s=round(delays_s[-1], 2),
        points_heard=len(delays_s),
        sweep_alone_s=round(took_s["alone"], 1),
        sweep_shown_s=round(took_s["shown"], 1),
        sweep_ratio=round(took_s["shown"] / took_s["alone"], 3),
        sweep_computing_ratio=round(computed_s["shown"] / computed_s["alone"], 3),
        monitor_computing_s=round(page_s, 1),
        monitor_start_computing_s=round(begun_s, 1),
        monitor_following_share=round((page_s - begun_s) / (whole_s - page_s), 3),
        monitor_percent_of_experiment=round(100.0 * page_s / (max(clock_s) - min(clock_s)), 2),
        sweep_computing_s=round(whole_s - page_s, 1),
        monitor_share_of_computing=round(page_s / whole_s, 3),
        monitor_memory_mb=round(memory),
    )


def later(before, now):
    """The later of two looks: one at a sweep that is ending lacks what has ended."""
    return max(before, now or before, key=lambda costs: costs[1])


def computing(sweep_pid):
    """Computing time of the page's server and of the sweep with all it began [s], and the server's memory [MB].

    None once one of them has ended; of a sweep without a page the server's are nothing.
    """
    table = processes()
    if sweep_pid not in table:
        return None
    family = below(sweep_pid, table)
    server = [pid for pid in family if "lics_beamline.monitor" in table[pid][2]]
    if not server:
        return 0.0, sum(table[pid][1] for pid in family), 0.0
    try:
        told = Path(f"/proc/{server[0]}/status").read_text()
        memory = int(re.search(r"VmHWM:\s+(\d+) kB", told)[1]) / 1024
    except (OSError, TypeError):  # it has ended
        return None
    return table[server[0]][1], sum(table[pid][1] for pid in family), memory
