"""Text of people and files is text, not markup: on the terminal, on the bar, in figures."""

import argparse
import logging
import re
import sys

import pytest
from looking import pace
from reduced_documents import data, documents

from lics_beamline.checks.judgement import case_of
from lics_beamline.cli import check, terminal
from lics_beamline.cli.progress import Narration
from lics_beamline.cli.run_summary import WIDE_COLUMNS, heading_of, point_line
from lics_beamline.cli.track_figure import draw_track
from lics_beamline.cli.workers import PointBar
from lics_beamline.data_folder import DataFolder
from lics_beamline.experiment import read_experiment
from lics_beamline.exports.figure import draw_summary
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.journal.writer import Journal
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe

HOSTILE = ("[/b] closed", "[red]danger[/red]", "a :smile: b", "[link=file:///etc]x[/link]", r"\[b] [", "[plate torn]")


@pytest.fixture(scope="module")
def profile():
    return read_profile("simulated")


def named(profile, name):
    """Return the shipped experiment with a name of somebody's own everywhere where one may give a name."""
    found = read_experiment(profile.experiments / "lics-2015.toml")
    return found.model_copy(
        update={
            "title": name,
            "sample": found.sample.model_copy(update={"name": name}),
            "legs": tuple(leg.model_copy(update={"name": name}) for leg in found.legs),
        }
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_is_printed_letter_by_letter(capsys, text):
    terminal.console(soft_wrap=True).print(text)
    with PointBar(3) as bar:
        bar.say(text)
    assert capsys.readouterr().out.splitlines() == [text, text]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_bar_and_what_is_logged_above_it_show_text_letter_by_letter(capsys, monkeypatch, text):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal, where what is written meanwhile goes through rich too
    monkeypatch.setenv("COLUMNS", "150")
    shown = terminal.console(soft_wrap=True)
    assert shown.is_terminal
    bar = terminal.progress(shown, terminal.text_column("{task.description:<46.46}"))
    with bar:
        bar.add_task(text, total=2.0)
        handler = logging.StreamHandler(sys.stderr)
        handler.emit(logging.makeLogRecord({"msg": "logged %s", "args": (text,)}))
    said = "".join(capsys.readouterr())
    assert f"logged {text}" in said
    assert f"{text:<46}" in said


@pytest.mark.parametrize("columns", [40, 60, 80, 140])
def test_the_times_beside_a_bar_are_whole_on_a_narrow_terminal(capsys, monkeypatch, columns):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = terminal.console(soft_wrap=True)
    with terminal.progress(
        shown, terminal.said_column(shown), terminal.text_column("{task.percentage:>3.0f} %")
    ) as bar:
        bar.add_task("3.40 GPa: approach at 3.123 GPa, 24.1 bar", total=2.0, completed=1)
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out).split("\n")
    assert any(re.search(r"50 % 0:00:0\d, -:--:-- left$", line.rstrip()) for line in said)
    assert max(len(line.rpartition("\r")[2]) for line in said) <= columns


def test_the_clock_of_a_full_bar_goes_on_while_something_is_waited_for(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    shown = terminal.console(soft_wrap=True)
    bar = terminal.progress(shown, terminal.said_column(shown))
    clock_s = [100.0]
    bar.get_time = lambda: clock_s[0]
    task = bar.add_task("point 3 exposed", total=2.0)
    clock_s[0] = 174.0
    bar.update(task, completed=2.0, description="reducing the last points")
    clock_s[0] = 238.0
    shown.print(bar.get_renderable())
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)
    assert "0:02:18" in said
    assert "left" not in said


def test_where_nobody_looks_there_is_no_bar(capsys):
    shown = terminal.console(soft_wrap=True)
    with terminal.progress(shown, terminal.said_column(shown)) as bar:
        bar.add_task("connecting", total=2.0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("columns", "longest"), [(80, 80), (WIDE_COLUMNS, 140)])
def test_a_point_is_one_line_of_the_terminal_under_its_heading(columns, longest):
    point = reduced_run(documents([data(0)])).points[0]
    line, heading = point_line(point, columns), heading_of(point, columns)
    assert max(len(line), len(heading)) <= longest
    assert line.index("3.55000") == heading.index("a (A)")
    assert line.index("alloy") == heading.index("phases")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_check_is_told_whatever_title_and_legs_are_called(capsys, profile, text):
    case = case_of(named(profile, text), profile, read_recipe(profile.recipe_file))
    options = argparse.Namespace(live=False, figure=None, json=False, brief=False, experiment="x")
    assert check.run(options, case, None) in (0, 2)
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == text
    assert printed.count(f"\n{text} ") == len(case.experiment.legs)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_sweep_is_told_whatever_its_documents_say(capsys, tmp_path, profile, text):
    folder = DataFolder(tmp_path).make()
    with Narration(folder, named(profile, text), profile, quiet=False) as narration:
        narration.say(text)
        with Journal(folder.raw_journals) as journal:
            journal("start", {"uid": "raw", "time": 1.0, "purpose": "sweep"})
            journal("descriptor", {"uid": "f", "run_start": "raw", "name": "failure"})
            journal("descriptor", {"uid": "d", "run_start": "raw", "name": "decisions"})
            journal("event", {"uid": "1", "descriptor": "f", "data": {"point_index": 0, "reason": text}})
            point = {"point_index": 1, "leg": text, "choice": text}
            journal("event", {"uid": "2", "descriptor": "d", "data": point})
            journal("stop", {"uid": "s", "run_start": "raw", "exit_status": "success"})
        with Journal(folder.derived_journals) as journal:
            for raw, point in (("an earlier run", "of no interest"), ("raw", text)):  # caught up with, one by one
                uid = f"d-{raw}"
                (_, start), (_, descriptor), *points = documents(
                    [{**data(2, reduced=False), "note": point, "leg": text}]
                )
                journal("start", {**start, "uid": uid, "raw_uid": raw})
                journal("descriptor", {**descriptor, "run_start": uid, "uid": f"{uid}-p"})
                for name, doc in points:
                    journal(name, {**doc, "descriptor": f"{uid}-p"})
                journal("stop", {"uid": f"{uid}-s", "run_start": uid, "exit_status": "success"})
        narration.finish()
    printed = capsys.readouterr().out
    assert "of no interest" not in printed
    assert f"   1  failed: {text}\n" in printed
    assert f"   2  {text}: {text}\n" in printed
    assert f"[{text}]\n" in printed


def test_what_was_decided_is_told_after_the_point_by_which_it_was(capsys, tmp_path, profile):
    folder = DataFolder(tmp_path).make()
    (_, start), (_, descriptor), *points = documents([{**data(2), "leg": "up"}])
    with (
        Narration(folder, named(profile, "x"), profile, quiet=False) as narration,
        Journal(folder.raw_journals) as raw,
        Journal(folder.derived_journals) as derived,
    ):
        raw("start", {"uid": "raw", "time": 1.0, "purpose": "sweep"})
        raw("descriptor", {"uid": "d", "run_start": "raw", "name": "decisions"})
        while not narration.raw_uid:
            pace()
        derived("start", {**start, "uid": "derived", "raw_uid": "raw"})
        derived("descriptor", {**descriptor, "run_start": "derived", "uid": "p"})
        for name, doc in points:
            derived(name, {**doc, "descriptor": "p"})
        choice = {"point_index": 2, "leg": "up", "choice": "the leg ends here"}
        raw("event", {"uid": "1", "descriptor": "d", "data": choice})
        raw("stop", {"uid": "s", "run_start": "raw", "exit_status": "success"})
        derived("stop", {"uid": "t", "run_start": "derived", "exit_status": "success"})
        narration.finish()
    *_, point, decided = capsys.readouterr().out.rstrip("\n").split("\n")
    assert point.startswith("   3  up ")
    assert decided == "   3  up: the leg ends here"


@pytest.mark.parametrize("ends", [True, False])
def test_why_a_sweep_ended_is_told_first_and_nobody_waits_for_a_run_whose_end_could_not_be_recorded(
    capsys, tmp_path, profile, ends
):
    folder = DataFolder(tmp_path).make()
    asked = []

    def is_reduced():
        asked.append(capsys.readouterr().out)
        return len(asked) < 2

    with Narration(folder, named(profile, "x"), profile, quiet=False) as narration:
        with Journal(folder.raw_journals) as journal:
            journal("start", {"uid": "raw", "time": 1.0, "purpose": "sweep"})
            if ends:
                journal("stop", {"uid": "s", "run_start": "raw", "exit_status": "fail"})
        while not narration.raw_uid:
            pace()
        assert narration.finish(ended_by="the disk is read-only", is_reduced=is_reduced) is ends
    assert "the disk is read-only" in "".join(asked) + capsys.readouterr().out
    if ends:
        assert len(asked) == 2
        assert "the disk is read-only" in asked[0]


@pytest.mark.parametrize(
    "text",
    [
        r"$\frac{$ and $x_{$",
        *(pytest.param(text, marks=pytest.mark.long) for text in ("cost $5", "a$b$c", r"back\slash $\$")),
    ],
)
def test_figures_are_drawn_whatever_dollars_people_write(tmp_path, profile, text):
    case = case_of(named(profile, text), profile, read_recipe(profile.recipe_file))
    assert draw_track(case, tmp_path / "track.png", supply_bar=None).exists()
    (_, start), *rest = documents([data(0)])
    run = reduced_run([("start", {**start, "title": text}), *rest])
    assert draw_summary(run, tmp_path / "summary.png").exists()
