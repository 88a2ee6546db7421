"""Runs followed in their journals: growing, resumed, reduced anew, damaged, several at a time."""

import contextlib

import pytest
import recorded_documents as recorded
import reduced_documents
from derived_documents import reduction

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.head import heads
from lics_beamline.journal.writer import Journal
from lics_beamline.monitor.watched_runs import WatchedRuns


def write(journal, documents):
    for name, doc in documents:
        journal(name, doc)


@pytest.fixture
def watched():
    """Follow the runs of a folder, and let their journals go in the end."""
    with contextlib.ExitStack() as stack:

        def watch(data):
            runs = WatchedRuns(data)
            stack.callback(runs.close)
            return runs

        yield watch


def test_what_a_run_writes_is_shown_at_the_next_look_and_nothing_new_is_the_same_value(tmp_path, watched):
    data = DataFolder(tmp_path).make()
    documents = list(recorded.documents())
    runs = watched(data)
    with Journal(data.raw_journals) as journal:
        write(journal, documents[:12])
        runs.look()
        first = runs.view()
        assert (first.state, first.measured) == ("running", 1)
        runs.look()
        assert runs.view() is first, "a page has nothing to draw"
        write(journal, documents[12:])
        runs.look()
    runs.look()
    assert runs.view().state == "whole"
    assert runs.view().measured == 2


def test_before_the_first_run_there_is_nothing_and_the_newest_run_is_taken_when_it_comes(tmp_path, watched):
    data = DataFolder(tmp_path)
    runs = watched(data)
    runs.look()
    assert runs.view() is None
    assert runs.runs() == ()
    data.make()
    with Journal(data.raw_journals) as journal:
        write(journal, recorded.documents())
        write(journal, recorded.documents(uid="raw-4567", began=5000.0))
    runs.look()
    assert runs.view().uid == "raw-4567"
    assert runs.view("raw-0123").uid == "raw-0123"
    assert [run.uid for run in runs.runs()] == ["raw-4567", "raw-0123"]


def test_reduced_points_are_shown_as_they_come_and_the_newest_reduction_counts(tmp_path, watched):
    data = DataFolder(tmp_path).make()
    runs = watched(data)
    with Journal(data.raw_journals) as journal:
        write(journal, recorded.documents())
    runs.look()
    assert runs.view().reduced == ()
    documents = list(reduction([reduced_documents.data(0), reduced_documents.data(1)]))
    with Journal(data.derived_journals) as journal:
        write(journal, documents[:3])
        runs.look()
        assert [point.index for point in runs.view().reduced] == [0]
        write(journal, documents[3:])
        runs.look()
        assert [point.index for point in runs.view().reduced] == [0, 1]
        write(journal, reduction([reduced_documents.data(0, a=3.6)], uid="d-again", began=1.8e9))
        write(journal, reduction([reduced_documents.data(0)], uid="d-other", raw_uid="another"))
    runs.look()
    assert runs.view().reduction_uid == "d-again"
    assert runs.view().reduced[0].phase("alloy").cell["a"] == 3.6


def test_a_run_that_resumes_another_shows_the_whole_sweep(tmp_path, watched):
    data = DataFolder(tmp_path).make()
    with Journal(data.raw_journals) as journal:
        write(journal, recorded.documents(recorded.EVENTS[:2], stop=False))
    again = recorded.documents(recorded.EVENTS[2:], uid="raw-4567", began=5000.0, resumes="raw-0123")
    with Journal(data.raw_journals) as journal:
        write(journal, again)
    runs = watched(data)
    runs.look()
    view = runs.view()
    assert view.uid == "raw-4567"
    assert [reading.pressure_gpa for reading in view.track] == [0.1, 0.5, 0.9, 1.0]
    assert [plate.index for plate in view.plates] == [0, 1]
    assert view.measured == 2


def test_a_damaged_line_is_told_once_and_the_rest_is_shown(tmp_path, watched):
    data = DataFolder(tmp_path).make()
    with Journal(data.raw_journals) as journal:
        write(journal, recorded.documents())
    (run,) = heads(data.raw_journals)
    lines = run.path.read_bytes().splitlines(keepends=True)
    lines[11] = lines[11].replace(b"approach", b"appr0ach")
    run.path.write_bytes(b"".join(lines))
    runs = watched(data)
    for _ in range(3):
        runs.look()
        view = runs.view()
    assert "line 12" in view.damage[0]
    assert len(view.damage) == len(set(view.damage)) == 3, "the line, and what its loss does to the stop document"
    assert view.measured == 2


def test_a_reduction_whose_raw_run_is_not_here_is_shown_by_itself(tmp_path, watched):
    data = DataFolder(tmp_path).make()
    with Journal(data.derived_journals) as journal:
        write(journal, reduction([reduced_documents.data(0), reduced_documents.data(1)]))
    runs = watched(data)
    view = runs.view("d-0123456789")
    assert [point.index for point in view.reduced] == [0, 1]
    assert view.title == "a title"


def test_looking_on_leaves_every_file_of_the_data_folder_as_it_was(tmp_path):
    data = DataFolder(tmp_path).make()
    with Journal(data.raw_journals) as journal:
        write(journal, recorded.documents())

    def content():
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}

    before = content()
    with WatchedRuns(data) as runs:
        runs.look()
        assert runs.view() is not None
    assert content() == before
