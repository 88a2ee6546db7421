"""A log whose file cannot be written harms nobody who logs."""

import logging
import shutil
import threading

import pytest

from lics_beamline.devices.control_layer import LOG_NAME, logged_in
from lics_beamline.processes.log_file import LogFile


@pytest.fixture
def logger():
    made = logging.getLogger("a library")
    made.propagate = False  # what is on standard error is of its own handler alone
    yield made
    made.propagate = True
    for handler in made.handlers[:]:
        made.removeHandler(handler)
        handler.close()


def test_a_full_disk_is_said_once_and_without_a_traceback(logger, capsys):
    logger.addHandler(LogFile("/dev/full"))
    for _ in range(3):
        logger.warning("no answer")
    assert capsys.readouterr().err == "the log /dev/full cannot be written: No space left on device\n"


def test_a_folder_that_is_gone_before_the_first_line_ends_no_thread_of_a_library(tmp_path, capsys):
    logs = tmp_path / "logs"
    logs.mkdir()
    survived = threading.Event()

    def work():
        logging.getLogger("caproto.circ").warning("no answer")
        logging.getLogger("caproto.circ").warning("no answer again")
        survived.set()

    with logged_in(logs):
        shutil.rmtree(logs)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert survived.is_set()
    assert capsys.readouterr().err == f"the log {logs / LOG_NAME} cannot be written: No such file or directory\n"
