"""Whether followers have caught up is known by what they say, not by the time of day, which may be set."""

import os
import subprocess
import threading
import time
from dataclasses import replace

import pytest

from lics_beamline.data_folder import DataFolder
from lics_beamline.follower.status import FollowerStatus, lock_path, status, trouble_with, wait_until_caught_up
from lics_beamline.journal import lock
from lics_beamline.journal.computer import KnownProcess
from lics_beamline.processes.status_file import StatusFile, status_path, uptime_s
from lics_beamline.units import duration_text

ME = os.getpid()


def spoken(moment_s, *, pid=ME):
    return FollowerStatus(name="catalog", pid=pid, state="waiting", run="r", troubles={}, time=moment_s)


def test_the_last_words_of_a_follower_that_was_killed_are_not_those_of_the_next(tmp_path):
    data = DataFolder(tmp_path).make()
    child = subprocess.Popen(["true"])
    child.wait()
    StatusFile(status_path(data, "catalog")).say(spoken(1.0, pid=child.pid))
    assert status(data)[-1].state == "killed"
    with lock.sole(lock_path(data, "catalog"), what="following"):
        fares = status(data)[-1]
        assert (fares.alive, fares.pid, fares.state, fares.run) == (True, os.getpid(), "starting", "")


def test_what_troubles_a_follower_about_a_run_is_told_and_whether_it_has_left_it(tmp_path):
    data = DataFolder(tmp_path).make()
    assert trouble_with(data, "catalog", "r") == ""
    said = StatusFile(status_path(data, "catalog"))
    said.say(replace(spoken(1.0), troubles={"r": "a full disk", "s": "no recipe"}, left=("s",)))
    assert trouble_with(data, "catalog", "r") == "a full disk"
    assert trouble_with(data, "catalog", "r", left=True) == ""
    assert trouble_with(data, "catalog", "s", left=True) == "no recipe"
    assert trouble_with(data, "reduce", "s") == ""


@pytest.mark.parametrize("step_s", [0.0, 3600.0, -3600.0])
def test_how_old_a_word_is_does_not_depend_on_the_time_of_day_which_may_have_been_set_since(step_s):
    here = KnownProcess.this().host
    said = replace(spoken(time.time() + step_s), host=here, uptime_s=uptime_s() - 100.0)
    assert said.age == duration_text(100.0)
    elsewhere = replace(said, host="elsewhere", time=time.time() - 7200.0)
    assert elsewhere.age == duration_text(7200.0)
    assert spoken(time.time() - 7200.0).age == duration_text(7200.0)
    assert replace(said, uptime_s=uptime_s() + 1e6).age == duration_text(max(0.0, -step_s)), "started anew since"


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_clock_that_is_set_while_followers_are_waited_for_changes_nothing(tmp_path, step_s):
    data, over, said = (
        DataFolder(tmp_path).make(),
        threading.Event(),
        StatusFile(status_path(DataFolder(tmp_path), "catalog")),
    )

    def speak():
        number = 0
        while not over.wait(0.2):
            number += 1
            moment = time.time() + (step_s if number > 1 else 0.0)
            said.say(spoken(moment))

    with lock.sole(lock_path(data, "catalog"), what="following"):
        speaking = threading.Thread(target=speak)
        speaking.start()
        try:
            began_s = time.monotonic()
            assert wait_until_caught_up(data, timeout_s=120.0)
            assert time.monotonic() - began_s < 60.0
        finally:
            over.set()
            speaking.join()
