"""A catalog that another process keeps for itself is waited for aloud, and not for ever by who only reads."""

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from lics_beamline.catalog import lock_wait, soundness
from lics_beamline.catalog.lock_wait import LockWait
from lics_beamline.catalog.place import CatalogPlace
from lics_beamline.catalog.soundness import INDEX_NAME, TABLES_NAME, wait_until_free
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy, JournalError
from lics_beamline.journal.following import MOST_ATTEMPTS, Following
from lics_beamline.journal.writer import Journal


@pytest.fixture
def data(tmp_path):
    made = DataFolder(tmp_path).make()
    made.catalog.mkdir(exist_ok=True)
    with sqlite3.connect(made.catalog / INDEX_NAME) as database:
        database.execute("CREATE TABLE nodes (id INTEGER)")
    database.close()
    return made


@pytest.fixture
def holder(data):
    """Somebody who has the catalog locked for himself."""
    database = sqlite3.connect(data.catalog / INDEX_NAME, isolation_level=None, check_same_thread=False)
    database.execute("BEGIN EXCLUSIVE")
    yield database
    database.close()


def test_a_catalog_that_nobody_has_locked_is_not_waited_for(data, caplog):
    wait_until_free(data)
    assert caplog.text == ""


def test_who_reads_is_told_which_file_is_locked_and_by_whom_when_it_is_not_free_in_time(data, holder):
    with pytest.raises(Busy, match="is locked by") as refused:
        wait_until_free(data, patience_s=0.1)
    assert str(data.catalog / INDEX_NAME) in str(refused.value)
    if Path("/proc/locks").exists():
        assert f"process {os.getpid()}" in str(refused.value)


def test_who_waits_without_end_says_so_goes_on_when_it_is_free_and_ends_when_told(data, holder, caplog):
    said = threading.Event()

    class Heard(logging.Handler):
        def emit(self, record):
            said.set()

    handler = Heard()
    soundness.logger.addHandler(handler)
    free = threading.Thread(target=lambda: (said.wait(), holder.execute("COMMIT")))
    free.start()
    try:
        began = time.monotonic()
        wait_until_free(data, patience_s=float("inf"))
    finally:
        said.set()
        free.join()
        soundness.logger.removeHandler(handler)
    assert "is locked by" in caplog.text
    assert time.monotonic() - began >= soundness.SAID_AFTER_S, "a lock of a moment is not worth a word"
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Busy, match="is locked by"):
        wait_until_free(data, patience_s=float("inf"), given_up=lambda: True)


HOLDS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("CREATE TABLE IF NOT EXISTS t (a)")
while True:
    database.execute("BEGIN IMMEDIATE")  # who reads is not hindered
    print("held", flush=True)
    if not sys.stdin.readline():
        break
    database.execute("COMMIT")
    if not sys.stdin.readline():
        break
"""


@pytest.fixture
def writer_elsewhere(data):
    """Another process that is about to write tables of the catalog, and hangs; it lets go and takes them, by turns."""
    command = [sys.executable, "-c", HOLDS, str(data.catalog / TABLES_NAME)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()


def write(data, *, timeout):
    with closing(sqlite3.connect(data.catalog / TABLES_NAME, isolation_level=None, timeout=timeout)) as tables:
        tables.execute("INSERT INTO t VALUES (1)")


def test_a_write_that_waits_for_a_lock_says_which_and_whose_and_is_no_fault_of_the_run(data, writer_elsewhere, caplog):
    def turn():
        writer_elsewhere.stdin.write("\n")
        writer_elsewhere.stdin.flush()

    class Heard(logging.Handler):
        def emit(self, record):
            if "it is waited for" in record.getMessage():
                turn()

    handler = Heard()
    lock_wait.logger.addHandler(handler)
    whose = f"{data.catalog / TABLES_NAME} is locked by process {writer_elsewhere.pid}"
    try:
        with LockWait(data, CatalogPlace(), said_after_s=0.0) as wait:
            with wait.writing():
                write(data, timeout=3600.0)  # it is let go as soon as that is said
            assert f"{whose}; it is waited for" in caplog.text
            turn()
            assert writer_elsewhere.stdout.readline() == "held\n"
            with pytest.raises(Busy, match="is locked by") as refused, wait.writing():
                write(data, timeout=0.0)
            assert whose in str(refused.value)
            with pytest.raises(sqlite3.OperationalError, match="no such table"), wait.writing():
                sqlite3.connect(":memory:").execute("SELECT * FROM absent")
    finally:
        lock_wait.logger.removeHandler(handler)


def test_a_disk_that_takes_no_more_of_the_catalog_is_told_in_words(data):
    with closing(sqlite3.connect(data.catalog / TABLES_NAME)) as tables, LockWait(data, CatalogPlace()) as wait:
        tables.execute("PRAGMA max_page_count = 2")
        with pytest.raises(JournalError, match=r"written: database or disk is full\. Mend the disk") as refused:
            fill(wait, tables)
    assert str(data.catalog) in str(refused.value)


def fill(wait, tables):
    with wait.writing():
        tables.execute("CREATE TABLE t AS SELECT zeroblob(100000)")


def test_a_run_that_finds_a_lock_is_begun_again_until_it_is_free(tmp_path, caplog):
    with Journal(tmp_path) as journal:
        journal("start", {"uid": "aaaaaa", "time": 1.0})
        begun = []

        def begin(head):
            begun.append(head.uid)
            raise Busy("the tables are locked by somebody")

        following = Following((tmp_path,), begin, retry_s=1e-9)
        for _ in range(2 * MOST_ATTEMPTS):
            following.round()
    assert len(begun) == 2 * MOST_ATTEMPTS, "what is locked is no fault of the run"
    assert following.troubles == {"aaaaaa": "Busy: the tables are locked by somebody"}
    assert caplog.text.count("locked by somebody") == 1
