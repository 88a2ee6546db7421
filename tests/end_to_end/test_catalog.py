"""Journals in, databroker out: every run once and whole, whatever happened to the process that catalogued it."""

import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest
from catalogued_runs import (
    NX,
    NY,
    catalogue,
    caught_up,
    contents,
    contents_of,
    frame,
    full_uid,
    raw_run,
    record,
    record_all,
    same,
)

from lics_beamline.catalog.cataloguer import LOCK_NAME, Cataloguer
from lics_beamline.catalog.run_writer import RunWriter
from lics_beamline.catalog.soundness import TABLES_NAME
from lics_beamline.catalog.store import open_catalog
from lics_beamline.catalog.tiled_profile import write_profile
from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy, RunNotFound
from lics_beamline.journal import lock
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal


@pytest.fixture(scope="module")
def catalogued(tmp_path_factory):
    """A data folder with its catalog; not to be changed."""
    data = record_all(tmp_path_factory.mktemp("catalogued") / "data")
    catalogue(data)
    return data


@pytest.fixture(scope="module")
def opened(catalogued):
    """Its catalog, open for all who look into it."""
    with open_catalog(catalogued) as catalog:
        yield catalog


def test_every_stream_comes_back_as_recorded(catalogued, opened):
    assert set(opened.uids) == {full_uid(number) for number in (1, 2, 3, 101, 102)}
    for path in catalogued.raw_journals.glob("*.jsonl"):
        rows = {}
        for name, doc in read(path):
            if name == "event":
                rows.setdefault(doc["descriptor"].rpartition("-")[2], []).append(doc["data"])
        for stream, events in rows.items():
            dataset = opened.dataset(path.stem, stream)
            for name in set(events[0]) - {"frame_image"}:
                np.testing.assert_array_equal(dataset[name].values, np.array([row[name] for row in events]))
    assert opened.dataset(full_uid(3), "primary")["load_bar"].dtype == float
    assert opened.dataset(full_uid(101), "primary")["reduced"].dtype == bool


def test_frames_come_back_by_index_as_the_detector_wrote_them(opened):
    for index in range(3):
        image = opened.image(full_uid(3), index)
        assert image.dtype == np.int32
        np.testing.assert_array_equal(image, frame(3, index))
    with pytest.raises(RunNotFound, match="has 3 frames; number 3 is none"):
        opened.image(full_uid(3), 3)
    with pytest.raises(RunNotFound, match="has 0 frames"):
        opened.image(full_uid(101), 0)


SCATTERED = {  # a folder after each look or failure; a plate that never came
    7: [("plates/7", 0), ("plates/7-1", 0), ("plates/7-1", 1), ("plates/7-2", 0)],
    8: [("plates/8", 0), ("plates/8", 1), ("plates/8", 3), ("plates/8-1", 0)],
}


@pytest.mark.long
def test_frames_of_a_run_that_needed_several_folders_or_lost_a_plate_come_back_by_index(tmp_path):
    data = DataFolder(tmp_path / "data").make()
    for number, places in SCATTERED.items():
        record(data.raw_journals, raw_run(data, number, points=4, places=places))
    catalogue(data)
    with open_catalog(data) as catalog:
        for number in SCATTERED:
            for index in range(4):
                np.testing.assert_array_equal(catalog.image(full_uid(number), index), frame(number, index))


def test_runs_are_found_by_what_they_are_about(catalogued, opened):
    assert opened.search(sample="sample-2") == [full_uid(2)]
    assert opened.search(operator="Ada", since=1002.0) == [full_uid(2), full_uid(3)]
    assert opened.search(purpose="sweep", until=1002.0) == [full_uid(1)]
    assert opened.search(phase="cs-bcc") == [full_uid(102)]
    assert set(opened.search(phase="alloy")) == set(opened.uids)
    assert opened.search(phase="alloy", purpose="reduction") == [full_uid(101), full_uid(102)]
    assert opened.search(sample="nobody") == []
    assert opened.run(full_uid(2)[:8]).metadata["start"]["uid"] == full_uid(2)
    for name in ("99999999", "0000", full_uid(77), "00000"):
        with pytest.raises(RunNotFound, match="no run answers"):
            opened.run(name)
    with pytest.raises(RunNotFound, match="no stream 'failure'; it has"):
        opened.dataset(full_uid(1), "failure")
    assert opened.run(full_uid(1))["primary"].read(["load_bar"])["load_bar"].values.tolist() == [0.0]


def test_whole_runs_are_not_touched_again(catalogued):
    def modified():
        return {path: path.stat().st_mtime_ns for path in (catalogued.catalog / "arrays").rglob("*")}

    before = modified()
    with Cataloguer(catalogued) as cataloguer:
        found = [*heads(catalogued.raw_journals), *heads(catalogued.derived_journals)]
        assert [cataloguer.begin(head) for head in found] == [None] * 5
        with pytest.raises(Busy, match=f"process {os.getpid()} already"), Cataloguer(catalogued):
            pass
    assert modified() == before


@pytest.mark.long
def test_a_live_run_is_there_while_it_is_measured(opened, tmp_path):
    data = DataFolder(tmp_path / "data").make()
    documents = list(raw_run(data, 2, points=2))
    with (
        Cataloguer(data, flush_s=0.0) as cataloguer,
        Journal(data.raw_journals) as journal,
        ExitStack() as looking,
    ):
        following = cataloguer.following()
        journal(*documents[0])
        assert following.round() == 1
        catalog = looking.enter_context(open_catalog(data))
        points = frames = 0
        for name, doc in documents[1:-1]:
            journal(name, doc)
            points += doc.get("descriptor", "").endswith("-primary")
            frames += doc.get("descriptor", "").endswith("-readout")
            assert following.round() == 1
            if points and doc.get("descriptor", "").endswith("-primary"):
                assert catalog.run(full_uid(2)).metadata.get("stop") is None
                assert len(catalog.dataset(full_uid(2), "primary")["seq_num"]) == points
            if frames and doc.get("descriptor", "").endswith("-readout"):
                np.testing.assert_array_equal(catalog.image(full_uid(2), frames - 1), frame(2, frames - 1))
        journal(*documents[-1])
        following.round()
        following.close()
    assert same(contents(data), contents_of(opened, only=(full_uid(2),)))


def test_each_image_of_a_live_run_is_told_to_the_catalog_once(tmp_path):
    data = DataFolder(tmp_path / "data").make()
    told = Counter()

    def listen(request):
        if "/data_source/" in request.url.path:
            told.update(asset["data_uri"] for asset in json.loads(request.content)["data_source"]["assets"])

    with open_catalog(data, writable=True) as catalog:
        catalog.client.context.http_client.event_hooks["request"].append(listen)
        writer = RunWriter(catalog.client, data)
        for name, doc in raw_run(data, 2, points=4):
            writer(name, doc)
            writer.flush()
    assert list(told.values()) == [1, 1, 1, 1]


NOTHING_TO_ADD = """
from pathlib import Path
from lics_beamline.catalog.cataloguer import Cataloguer
from lics_beamline.data_folder import DataFolder
with Cataloguer(DataFolder(Path(sys.argv[1]))) as cataloguer:
    following = cataloguer.following()
    print(following.round(), following.troubles, "tiled" in sys.modules)
"""


def test_a_cataloguer_with_nothing_to_add_does_not_wait_for_the_imports_of_tiled(catalogued, tmp_path):
    assert run_program(NOTHING_TO_ADD, catalogued.root) == "0 {} False\n"
    empty = DataFolder(tmp_path / "data").make()
    assert run_program(NOTHING_TO_ADD, empty.root) == "0 {} False\n"
    with pytest.raises(RunNotFound, match="none has been recorded yet"), open_catalog(empty):
        pass


KILLED = """
# Imports once, then forks cataloguers that are killed: after each document count asked for, or after a time.
import signal
counts, times = eval(sys.argv[2]), eval(sys.argv[3])
import lics_beamline.catalog.run_writer, tiled.server.app, tiled.client  # noqa: the slow imports
data = DataFolder(Path(sys.argv[1]))


def work(count):
    with Cataloguer(data) as cataloguer:
        print("begun", flush=True)
        for head in [*heads(data.raw_journals), *heads(data.derived_journals)]:
            feed = cataloguer.begin(head)
            if feed is None:
                continue
            for name, doc in read(head.path):
                feed.take(name, doc)
                feed.abandoned()  # writes all it holds
                count -= 1
                if count == 0:
                    os.kill(os.getpid(), signal.SIGKILL)


for count, seconds in [*((count, 0) for count in counts), *((-1, seconds) for seconds in times)]:
    child = os.fork()
    if not child:
        if seconds:
            signal.setitimer(signal.ITIMER_REAL, seconds)  # nothing handles SIGALRM: it kills
        work(count)
        os._exit(0)
    print(count, seconds, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def run_program(program, *arguments, **environment):
    """Run a program in a fresh Python, with the names of this file."""
    prelude = (
        "import sys\nsys.path[:0] = sys.argv.pop(1), sys.argv.pop(1)\nfrom test_catalog import *\n"
        if program is KILLED
        else "import sys\n"
    )
    folders = map(str, Path(__file__).parents[:2]) if program is KILLED else ()
    done = subprocess.run(
        [sys.executable, "-c", prelude + textwrap.dedent(program), *folders, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.nightly
def test_a_cataloguer_killed_anywhere_leaves_nothing_double_and_nothing_out(opened, tmp_path):
    data = record_all(tmp_path / "data", raw=(2,), derived=(2,))
    counts, times = (3, 9, 14), (0.5, 0.9)
    said = run_program(KILLED, data.root, counts, times)
    codes = [int(line.split()[-1]) for line in said.splitlines() if line != "begun"]
    assert codes[: len(counts)] == [-9] * len(counts)
    assert -14 in codes
    catalogue(data)
    assert same(contents(data), contents_of(opened, only=(full_uid(2), full_uid(102))))


@pytest.mark.long
def test_a_moved_folder_gets_a_new_catalog_and_the_copy_left_behind_keeps_its_own(catalogued, opened, tmp_path):
    moved = DataFolder(tmp_path / "elsewhere")
    shutil.copytree(catalogued.root, moved.root)
    with pytest.raises(RunNotFound, match=f"its catalog was built when it was {catalogued.root}"), open_catalog(moved):
        pass
    catalogue(moved)
    shutil.rmtree(moved.plates / "1")
    with open_catalog(moved) as new:
        np.testing.assert_array_equal(new.image(full_uid(3), 2), frame(3, 2))
        np.testing.assert_array_equal(opened.image(full_uid(1), 0), frame(1, 0))
        (source,) = new.run(full_uid(3))["readout"]["frame_image"].data_sources()
        assert {asset.data_uri.partition("/plates/")[0] for asset in source.assets} == {f"file://localhost{moved.root}"}


def test_without_a_catalog_the_message_says_how_to_build_one(tmp_path):
    data = record_all(tmp_path / "data")
    with pytest.raises(RunNotFound, match=r"no catalog yet.*lics follow catalog --once"), open_catalog(data):
        pass


PLAIN_CLIENT = """
import databroker
from tiled.queries import Key
catalog = databroker.from_profile("lics").v3
(run,) = catalog.search(Key("sample.name") == "sample-3").values()
print(run["readout/frame_image"][1][2, 3])
print(run["primary"].read(["load_bar"])["load_bar"].values.tolist())
print(len(databroker.catalog["lics"]))
print(databroker.catalog["lics"][run.metadata["start"]["uid"]]["readout"]["frame_image"].shape)
print([name for name, _ in run.documents()].count("event") > 0)
"""


def test_plain_databroker_finds_runs_and_reads_tables_and_frames_through_the_profile(catalogued, tmp_path):
    path = write_profile(catalogued, folder=tmp_path)
    assert path == tmp_path / "lics.yml"
    said = run_program(PLAIN_CLIENT, TILED_PROFILES=str(tmp_path)).splitlines()
    assert said[-5:] == [str(frame(3, 1)[2, 3]), "[0.0, 1.25, 2.25]", "5", f"(3, {NY}, {NX})", "True"]
    assert importlib.util.find_spec("databroker") is not None


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda catalog: (catalog / "catalog.db").write_bytes(b""), id="empty", marks=pytest.mark.long),
        pytest.param(lambda catalog: (catalog / "catalog.db").write_bytes(bytes(range(256)) * 500), id="garbage"),
        pytest.param(lambda catalog: os.truncate(catalog / "catalog.db", 50_000), id="cut", marks=pytest.mark.long),
        pytest.param(lambda catalog: (catalog / "catalog.db").unlink(), id="arrays alone", marks=pytest.mark.long),
        pytest.param(lambda catalog: (catalog / "tables.db").unlink(), id="no tables", marks=pytest.mark.long),
    ],
)
def test_a_damaged_catalog_is_kept_aside_by_name_and_made_anew(tmp_path, caplog, spoil):
    data = DataFolder(tmp_path / "data").make()
    record(data.raw_journals, raw_run(data, 1))
    catalogue(data)
    spoil(data.catalog)
    with pytest.raises(RunNotFound, match="rebuild-catalog"), open_catalog(data):
        pass
    catalogue(data)
    aside = data.root / "catalog.damaged-1"
    assert (aside / "arrays").is_dir()
    assert f"it is kept as {aside} and made anew" in caplog.text
    assert rows(data, 1) == 3


def rows(data, number):
    with open_catalog(data) as catalog:
        return len(catalog.dataset(full_uid(number), "primary")["load_bar"])


@pytest.mark.long
def test_lics_verify_holds_the_catalog_against_the_journals_and_rebuild_catalog_mends_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "profiles"))
    data = DataFolder(tmp_path / "data").make()
    for number in (1, 2):
        record(data.raw_journals, raw_run(data, number))
    catalogue(data)
    options = ["--data", str(data.root)]

    def wrong():
        capsys.readouterr()
        main(["verify", "--json", *options])
        about = json.loads(capsys.readouterr().out)["differences"]
        return [(each["run"], each["says"]) for each in about if each["where"] == str(data.catalog)]

    assert wrong() == []
    with closing(sqlite3.connect(data.catalog / "catalog.db")) as index, index:
        index.execute("DELETE FROM nodes WHERE key = ?", (full_uid(1),))
    shutil.rmtree(data.catalog / "arrays" / full_uid(2) / "approach")
    with closing(sqlite3.connect(data.catalog / "tables.db")) as tables, tables:
        names = [name for (name,) in tables.execute("SELECT name FROM sqlite_master WHERE name LIKE 'table_%'")]
        for name in names:
            tables.execute(f'DELETE FROM "{name}" WHERE seq_num = 3')
    found = wrong()
    assert (full_uid(1), "the catalog does not have this run") in found
    assert (full_uid(2), "the catalog has 2 events of stream primary, and the journal 3") in found
    assert any("is not there, and the catalog reads from it" in says for _, says in found)
    command = [
        sys.executable,
        "-m",
        "lics_beamline",
        "rebuild-catalog",
        *options,
    ]  # in a process that never had it open
    rebuilt = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (rebuilt.returncode, "catalog.old-1" in rebuilt.stdout) == (0, True)
    assert wrong() == []


def test_a_catalog_that_another_process_fills_is_not_rebuilt(tmp_path, capsys):
    data = DataFolder(tmp_path / "data").make()
    with lock.sole(data.logs / LOCK_NAME, what="a test"):
        assert main(["rebuild-catalog", "--data", str(data.root)]) == 3
    assert not list(data.root.glob("catalog*"))


def test_plates_on_a_bigger_disk_are_served(tmp_path):
    data = DataFolder(tmp_path / "data")
    data.root.mkdir()
    (tmp_path / "disk").mkdir()
    data.plates.symlink_to(tmp_path / "disk")
    record(data.make().raw_journals, raw_run(data, 1))
    catalogue(data)
    with open_catalog(data) as catalog:
        np.testing.assert_array_equal(catalog.image(full_uid(1), 2), frame(1, 2))


def refuse_rows(data, *, refused):
    """Let the tables of a catalog take no row any more, or take them again."""
    with closing(sqlite3.connect(data.catalog / TABLES_NAME, isolation_level=None)) as tables:
        names = [name for (name,) in tables.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if not name.startswith("_"):  # in those the tables are numbered
                tables.execute(
                    f'CREATE TRIGGER "no {name}" BEFORE INSERT ON "{name}" BEGIN SELECT RAISE(ABORT, \'no rows\'); END'
                    if refused
                    else f'DROP TRIGGER "no {name}"'
                )


@pytest.mark.long
def test_a_cataloguer_that_ends_between_a_table_and_its_first_rows_leaves_a_run_that_is_made_anew(opened, tmp_path):
    data = record_all(tmp_path / "data", raw=(1,), derived=())
    catalogue(data)  # the tables of the next run have the form of these
    record(data.raw_journals, raw_run(data, 2, points=2))
    refuse_rows(data, refused=True)
    assert list(caught_up(data)) == [full_uid(2)]
    with open_catalog(data) as catalog:
        half = catalog.run(full_uid(2))
        assert (half.metadata.get("stop"), "load_bar" in half["baseline"]) == (None, True)
        assert half["baseline"].read(["seq_num"])["seq_num"].size == 0, "a table, and no row"
    refuse_rows(data, refused=False)
    catalogue(data)
    assert same(contents(data, only=(full_uid(2),)), contents_of(opened, only=(full_uid(2),)))
