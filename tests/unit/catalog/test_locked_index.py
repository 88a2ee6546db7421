"""A catalog that another process keeps for itself is waited for aloud, and not for ever by who only reads."""

import logging
import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from lics_beamline.catalog import soundness
from lics_beamline.catalog.soundness import INDEX_NAME, wait_until_free
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy


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
