"""A follower that dies is started again; one that is told to end is left ended; both are said."""

import signal
import subprocess
import sys

import pytest

from lics_beamline.data_folder import DataFolder
from lics_beamline.follower.status import lock_path
from lics_beamline.follower.supervisor import DEATHS_AT_MOST, FollowerSupervisor
from lics_beamline.journal import lock

NEVER_ENDS = "import signal; signal.pause()"


class Followers:
    """Starts small processes in the place of followers; they run what they are told."""

    def __init__(self):
        self.program = NEVER_ENDS
        self.started = []

    def begin(self, data, which):
        process = subprocess.Popen([sys.executable, "-S", "-c", self.program])
        self.started.append((which, process))
        return process

    def newest(self):
        return self.started[-1][1]

    def end(self):
        for _, process in self.started:
            process.kill()
            process.wait()


@pytest.fixture
def followers():
    them = Followers()
    yield them
    them.end()


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path).make()


def kill(process, by=signal.SIGKILL):
    process.send_signal(by)
    process.wait()


def test_one_that_is_killed_is_started_again_and_the_record_says_so(followers, data):
    notes = []
    supervisor = FollowerSupervisor(data, note=notes.append, begin=followers.begin)
    supervisor.start(["reduce", "catalog"])
    supervisor.look()
    assert (len(followers.started), notes) == (2, [])
    kill(followers.started[0][1])
    supervisor.look()
    assert [which for which, _ in followers.started] == ["reduce", "catalog", "reduce"]
    assert "lics follow reduce" in notes[0]
    assert "exit code -9; another one goes on where it was" in notes[0]
    assert supervisor.works("reduce")


def test_one_that_always_dies_is_left_after_a_few_times_with_what_to_do(followers, data):
    notes = []
    supervisor = FollowerSupervisor(data, note=notes.append, begin=followers.begin)
    followers.program = "raise SystemExit(1)"
    supervisor.start(["reduce"])
    for _ in range(DEATHS_AT_MOST + 2):
        followers.newest().wait()
        supervisor.look()
    assert len(followers.started) == len(notes) == DEATHS_AT_MOST
    assert "reduce.log. Once that is mended lics follow reduce goes on with it." in notes[-1]
    assert not supervisor.works("reduce")


def test_one_that_a_person_ends_is_left_ended(followers, data):
    notes = []
    supervisor = FollowerSupervisor(data, note=notes.append, begin=followers.begin)
    supervisor.start(["catalog"])
    kill(followers.newest(), by=signal.SIGTERM)
    supervisor.look()
    supervisor.look()
    assert len(followers.started) == 1
    assert len(notes) == 1
    assert "was told to end" in notes[0]
    assert not supervisor.works("catalog")


def test_where_somebody_else_does_the_work_nothing_is_said_until_he_ends(followers, data):
    notes = []
    supervisor = FollowerSupervisor(data, note=notes.append, begin=followers.begin)
    followers.program = "raise SystemExit(3)"
    with lock.sole(lock_path(data, "reduce"), what="the follower of another terminal"):
        supervisor.start(["reduce"])
        followers.newest().wait()
        supervisor.look()
        supervisor.look()
        assert supervisor.works("reduce")
        assert (len(followers.started), notes) == (1, [])
    followers.program = NEVER_ENDS
    supervisor.look()
    supervisor.look()
    assert len(followers.started) == 2, "what an earlier session had left has ended, and the session goes on"
    assert "was done elsewhere, and has ended there" in notes[0]
    assert supervisor.works("reduce")
    assert not supervisor.works("catalog")


def test_where_whoever_did_the_work_ended_before_anybody_looked_the_session_goes_on(followers, data):
    notes = []
    supervisor = FollowerSupervisor(data, note=notes.append, begin=followers.begin)
    followers.program = "raise SystemExit(3)"
    supervisor.start(["reduce"])
    followers.newest().wait()
    followers.program = NEVER_ENDS
    supervisor.look()
    supervisor.look()
    assert len(followers.started) == 2
    assert "could not begin; another one goes on where it was" in notes[0]
    assert supervisor.works("reduce")
