"""What is left behind about a trip and a life: latch, acknowledgement, status, heartbeat, limits."""

import errno
import json
import os
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from looking import pace

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.lease import this_host
from lics_beamline.errors import NotAcknowledged
from lics_beamline.processes.status_file import uptime_s
from lics_beamline.profile import read_profile
from lics_beamline.safety import guard, guard_status
from lics_beamline.safety.heartbeat import Heartbeat, heartbeat_path, read_beat, silent_for_s
from lics_beamline.safety.latch import (
    acknowledge,
    has_acknowledged,
    is_latched,
    latch_path,
    latched,
    require_acknowledged,
    trip,
)

TRIP = {"when": "2026-01-01T00:00:00", "cause": "leak", "says": "the membrane needs 100 % effort."}


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path).make()


def test_nothing_begins_while_a_trip_is_not_acknowledged_and_the_message_says_what_to_do(data):
    require_acknowledged(data)
    latch_path(data).write_text(json.dumps(TRIP))
    with pytest.raises(NotAcknowledged, match=r"leak.*100 % effort.*lics guard --acknowledge") as refused:
        require_acknowledged(data)
    assert refused.value.facts["cause"] == "leak"
    kept = json.loads(acknowledge(data, who="Ada").read_text())
    assert kept.pop("acknowledged_by") == "Ada"
    assert datetime.fromisoformat(kept.pop("acknowledged_at")).tzinfo is not None
    assert kept == TRIP
    assert latched(data) is None
    assert acknowledge(data) is None


def test_a_latch_that_cannot_be_read_still_forbids(data):
    latch_path(data).write_text("{")
    with pytest.raises(NotAcknowledged, match="cannot be read"):
        require_acknowledged(data)


def test_a_disk_that_cannot_be_read_has_acknowledged_nothing(data, monkeypatch):
    lstat = os.lstat

    def failing(path, **options):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    assert not is_latched(data)
    trip(data, cause="leak", says="it leaks.")
    monkeypatch.setattr(os, "lstat", failing)
    assert is_latched(data)
    monkeypatch.setattr(os, "lstat", lstat)
    acknowledge(data)
    assert not is_latched(data)


def test_a_look_that_fails_is_not_the_last_one(data):
    looks = []

    def look():
        looks.append(len(looks))
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with Heartbeat(data.logs, look=look):
        while len(looks) < 2:
            pace()


def test_a_guard_that_never_ran_or_died_is_not_alive(data):
    assert guard.status(data).state == "never ran"
    (data.logs / "guard.json").write_text(json.dumps({"state": "watching", "warnings": [], "time": 0.0}))
    assert not guard.status(data).alive


def test_a_heart_beats_and_says_farewell(data):
    with Heartbeat(data.logs) as heartbeat:
        beat = read_beat(heartbeat.path)
        assert heartbeat.path == heartbeat_path(data.logs, beat.pid)
        assert not beat.farewell
        while read_beat(heartbeat.path).number < 2:
            pace()
    assert read_beat(heartbeat.path).farewell
    assert read_beat(data.logs / "nobody.json") is None


def test_limits_leave_room_for_what_a_profile_allows():
    profile = read_profile("simulated")
    values, limits = profile.values, guard.limits_of(profile)
    assert limits.gasket_k > values.envelope.temperature_k[1]
    assert limits.gasket_k < 530.0, "the simulated controller trips there: ours comes first"
    assert limits.ruby_s > values.approach.largest_step_bar / values.membrane.slew_bar_per_s


def said_by_a_guard(data, *, pid, engine_pid=1, time_s=0.0, state="watching", uptime_s=0.0):
    said = guard_status.GuardStatus(
        state=state, pid=pid, engine_pid=engine_pid, host=this_host(), time=time_s, uptime_s=uptime_s
    )
    guard_status.status_path(data, "guard").write_text(json.dumps(asdict(said)))


def test_a_guard_and_an_engine_that_fell_silent_are_a_trip_and_known_once_acknowledged(data):
    assert guard_status.lost(data) == ""
    said_by_a_guard(data, pid=os.getpid())
    assert "has said nothing for" in guard_status.lost(data)
    assert latched(data)["cause"] == "guard lost"
    acknowledge(data)
    guard_status.bury(data)
    assert guard_status.lost(data) == ""
    assert latched(data) is None


def test_a_guard_that_fell_silent_beside_an_engine_that_lives_is_told_and_is_no_trip(data):
    with Heartbeat(data.logs):
        said_by_a_guard(data, pid=os.getpid(), engine_pid=os.getpid())
        assert "lives, and holds until another one guards" in guard_status.lost(data)
    assert latched(data) is None


@pytest.mark.parametrize(
    ("state", "time_s"),
    [("ended", 0.0), ("watching", time.time() + 3600.0), ("starting", 0.0)],
    ids=["ended", "watching", "starting"],
)
def test_a_guard_that_has_ended_watches_or_begins_is_not_lost(data, state, time_s):
    said_by_a_guard(data, pid=os.getpid(), state=state, time_s=time_s)
    assert guard_status.lost(data) == ""


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_clock_that_is_set_by_an_hour_makes_no_guard_silent_and_none_alive(data, step_s):
    said_by_a_guard(data, pid=os.getpid(), time_s=time.time() - step_s, uptime_s=uptime_s())
    assert guard.status(data).alive
    assert guard_status.lost(data) == ""
    said_by_a_guard(data, pid=os.getpid(), time_s=time.time() - step_s, uptime_s=uptime_s() - 60.0)
    assert not guard.status(data).alive
    assert "has said nothing for 60 s" in guard_status.lost(data)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_an_engine_lives_by_its_beats_whatever_its_clock_is_set_to(data, step_s):
    with Heartbeat(data.logs) as heartbeat:
        os.utime(heartbeat.path, (time.time() - step_s,) * 2)
        assert silent_for_s(heartbeat.path) < 60.0
    heartbeat.path.write_text(json.dumps({"pid": 1, "number": 1, "host": this_host(), "uptime_s": uptime_s() - 60.0}))
    assert silent_for_s(heartbeat.path) >= 60.0


def test_a_trip_acknowledged_in_one_time_zone_is_known_in_another(data, monkeypatch):
    def be_in(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    try:
        be_in("Asia/Tokyo")
        trip(data, cause="guard lost", says="both are silent.")
        acknowledge(data)
        now = datetime.now(tz=UTC)
        be_in("America/St_Johns")
        assert has_acknowledged(data, (now - timedelta(minutes=1)).isoformat())
        assert not has_acknowledged(data, (now + timedelta(minutes=1)).isoformat())
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_watchdog_that_tripped_is_known_where_that_or_the_death_of_all_was_acknowledged_since(data):
    before, after = "2001-01-01T00:00:00.000+00:00", "2101-01-01T00:00:00.000+00:00"
    trip(data, cause="watchdog", says="it tripped.", watchdog=after)
    assert not has_acknowledged(data, after)
    acknowledge(data)
    assert has_acknowledged(data, after)
    assert not has_acknowledged(data, before), "another trip"
    trip(data, cause="guard lost", says="both are silent.")
    acknowledge(data)
    assert has_acknowledged(data, before)
    assert not has_acknowledged(data, "2102-01-01T00:00:00.000+00:00")


@pytest.mark.parametrize(
    "text", ["[]", "7", "{}", '{"when": 1, "cause": "x", "says": "y"}', "[" * 100_000, '{"a":' * 100 + "1" + "}" * 100]
)
def test_whatever_the_latch_holds_it_forbids_and_can_be_acknowledged(data, text):
    latch_path(data).write_text(text)
    assert latched(data)["cause"] == "unreadable"
    with pytest.raises(NotAcknowledged, match=r"guard-tripped\.json cannot be read.*lics guard --acknowledge"):
        require_acknowledged(data)
    acknowledge(data)
    require_acknowledged(data)


@pytest.mark.parametrize("said", ["[]", '{"cause": "guard lost"}', "{"])
@pytest.mark.parametrize(
    ("when", "seen"),
    [("at an unknown time", False), ("2001-01-01T00:00:00", True), ("0001-01-01T00:00:00+23:00", False)],
)
def test_a_watchdog_that_does_not_say_when_it_tripped_has_not_been_seen_by_anybody(data, said, when, seen):
    (data.logs / "guard-tripped-yesterday.json").write_text(said)
    (data.logs / "guard-tripped-20200101T000000000000.json").write_text(
        json.dumps({"when": "", "cause": "guard lost", "says": ""})
    )
    assert has_acknowledged(data, when) is seen


@pytest.mark.parametrize(
    "changed",
    [{"time": "now"}, {"time": float("nan")}, {"pid": None}, {"warnings": 7}, {"state": []}],
)
def test_a_guard_that_says_nonsense_does_not_watch(data, changed):
    said = {"state": "watching", "warnings": [], "time": time.time() + 3600.0, "pid": 1}
    (data.logs / "guard.json").write_text(json.dumps({**said, **changed}))
    assert not guard.status(data).alive
    assert guard_status.lost(data) == ""


def test_what_was_read_back_is_told_in_the_digits_that_an_instrument_has(data, capsys):
    trip(data, cause="engine lost", says="the process that runs the plan ended without a farewell.")
    said = json.loads(latch_path(data).read_text())
    read_back = {"membrane_control": "Off", "heater_setpoint_k": 25.4 + 272.65 + 1e-13, "membrane_load_bar": 0.738}
    latch_path(data).write_text(json.dumps(said | {"read_back_safe": read_back}))
    assert main(["guard", "--data", str(data.root)]) == 4
    told = capsys.readouterr().out.splitlines()
    assert told[2:5] == ["  membrane_control Off", "  heater_setpoint_k 298.05", "  membrane_load_bar 0.738"]
