"""Holding a plan: what is looked at when, what is finished first, and what a load step comes to that was held."""

import os
from types import MappingProxyType

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

from bluesky.utils import Msg
from ophyd.status import Status

from lics_beamline.control.request import Request
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Stopped
from lics_beamline.plans.pausing import Held, Pausing
from lics_beamline.session.requests import RequestFiles
from lics_beamline.sweep_request import ask, leave_note, sweep_status


class Value:
    """A read-back."""

    connected, metadata = True, MappingProxyType({})

    def __init__(self, value):
        self.value = value

    def get(self, **_):
        return self.value


class Part:
    """Whatever a beamline has; keeps what it was told."""

    def __init__(self, told, name):
        self.told, self.name = told, name
        self.load_bar, self.gasket_k, self.state = Value(24.1), Value(298.2), Value("Closed")
        self.laser_readback = Value("Off")
        self.parent = None

    def __getattr__(self, verb):
        if verb.startswith("__"):
            raise AttributeError(verb)
        return lambda *_, **__: self.told.append(f"{self.name} {verb}")

    def now_s(self):
        return 1000.0


class Bench:
    """A beamline of such parts."""

    def __init__(self):
        self.told = []
        for name in ("membrane", "heater", "ruby", "plate", "thermocouples", "clock", "beam"):
            setattr(self, name, Part(self.told, name))
        self.beam.shutter = Part(self.told, "shutter")


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path).make()


@pytest.fixture
def requests(data):
    requests = RequestFiles(data)
    with requests.open():
        yield requests


def run(plan, meanwhile=lambda message: None):
    """Drain a plan as an engine would; `meanwhile` answers each message and may ask something."""
    messages, answer = [], None
    while True:
        try:
            message = plan.send(answer)
        except StopIteration as end:
            return messages, end.value
        messages.append(message)
        answer = meanwhile(message)
        if answer is None and message.command == "wait":
            answer = True


def names(messages):
    return [message.command for message in messages]


def test_a_plan_of_which_nobody_asks_anything_is_carried_out_as_it_is_but_for_the_pieces_of_its_waits(bench, requests):
    def plan():
        yield Msg("null")
        done = yield Msg("wait", None, group="a")
        limited = yield Msg("wait", None, group="b", timeout=3.0, error_on_timeout=True)
        return done, limited

    messages, value = run(Pausing(bench, requests).pausable(plan()))
    assert names(messages) == ["null", "wait", "wait"]
    assert messages[1].kwargs["timeout"] < 1.0
    assert messages[2].kwargs["timeout"] == 3.0
    assert value == (True, True)
    assert bench.told == []


def test_a_hold_falls_into_a_wait_stops_load_and_ramp_and_lasts_until_somebody_continues(bench, requests, data):
    held = ask(data, Request.PAUSE, who="Ada", why="look at the gasket")
    sleeps, says = [], set()

    def meanwhile(message):
        if message.command == "sleep":
            sleeps.append(sweep_status(data).state)
            says.add(sweep_status(data).says)
            if len(sleeps) == 5:
                ask(data, Request.CONTINUE)

    def plan():
        yield Msg("wait", None, group="a")

    messages, _ = run(Pausing(bench, requests).pausable(plan()), meanwhile)
    assert bench.told == ["membrane stop", "heater rest", "heater go_on"]
    assert sleeps == ["held"] * 5
    (said,) = says
    assert said.startswith("held by Ada before any pressure was read, load ")
    assert said.endswith(" K; look at the gasket")
    assert names(messages).count("create") == 2
    assert names(messages)[-1] == "wait"
    assert sweep_status(data).state == "running"
    assert held.uid != sweep_status(data).answers


def test_who_lets_a_sweep_go_on_that_is_not_held_is_told_and_stands_in_the_record(bench, requests, data):
    asked = ask(data, Request.CONTINUE, who="Ada")

    def plan():
        yield Msg("wait", None, group="a")

    run(Pausing(bench, requests).pausable(plan()))
    assert sweep_status(data).says == "nothing was held; the sweep goes on"
    assert [(note.who, note.when, note.text) for note in requests.notes()] == [
        ("Ada", asked.when, "asked to continue; nothing was held")
    ]


def test_an_open_event_and_an_open_shutter_are_finished_first_and_the_person_is_told(bench, requests, data):
    ask(data, Request.PAUSE)
    told = []

    def meanwhile(message):
        told.append(sweep_status(data).says)
        if message.command == "sleep":
            ask(data, Request.CONTINUE)

    def plan():
        yield Msg("create", None, name="primary")
        yield Msg("wait", None, group="exposure")
        yield Msg("save")
        yield Msg("set", bench.beam.shutter, "Open", group="s")
        yield Msg("wait", None, group="s")
        yield Msg("set", bench.beam.shutter, "Closed", group="s")
        yield Msg("wait", None, group="s")

    messages, _ = run(Pausing(bench, requests).pausable(plan()), meanwhile)
    assert names(messages)[:6] == ["create", "wait", "save", "set", "wait", "set"]
    assert "what is being measured is finished first, then the sweep is held" in told
    assert "sleep" in names(messages), "then it was held"


def test_no_load_begins_after_a_hold_before_ruby_was_read_afresh(bench, requests, data):
    ask(data, Request.PAUSE)
    outcomes = []

    def meanwhile(message):
        if message.command == "sleep":
            ask(data, Request.CONTINUE)
        if message.command in ("trigger", "set"):
            status = Status()
            status.set_finished()
            return status
        return None

    def plan():
        for _ in range(2):
            try:
                yield Msg("set", bench.membrane, 30.0, group="load")
            except Held:
                outcomes.append("held")
        yield Msg("trigger", bench.ruby, group="ruby")
        yield Msg("set", bench.membrane, 30.0, group="load")
        outcomes.append("loaded")

    pausing = Pausing(bench, requests)
    run(pausing.pausable(plan()), meanwhile)
    assert outcomes == ["held", "held", "loaded"]


def test_a_stop_ends_the_plan_with_its_clean_up_and_is_not_asked_twice(bench, requests, data):
    ask(data, Request.STOP, why="enough", who="Ada")
    cleaned = []

    def plan():
        try:
            yield Msg("wait", None, group="a")
        finally:
            yield Msg("wait", None, group="clean-up")
            cleaned.append(True)

    with pytest.raises(Stopped, match=r"stopped by Ada before any pressure was read, load 24\.10 bar.*: enough"):
        run(Pausing(bench, requests).pausable(plan()))
    assert cleaned == [True]
    assert sweep_status(data).state == "stopping"


def test_what_hinders_holds_until_it_is_over_and_a_person_cannot_go_on_before(bench, data):
    said = ["the guard died"] * 6 + [""] * 50
    requests = RequestFiles(data, hindrance=lambda: said.pop(0))
    sleeps = []

    def meanwhile(message):
        if message.command == "sleep":
            sleeps.append(said[0])
            if len(sleeps) == 1:
                ask(data, Request.CONTINUE)

    def plan():
        yield Msg("wait", None, group="a")

    with requests.open():
        run(Pausing(bench, requests).pausable(plan()), meanwhile)
    assert sleeps[:3] == ["the guard died"] * 3
    assert sleeps[-1] == ""


def test_an_approach_is_told_to_pause_until_it_is_held_and_to_continue_once(bench, requests, data):
    pausing = Pausing(bench, requests)
    assert pausing.request() is None
    ask(data, Request.PAUSE)
    assert pausing.request() is pausing.request() is Request.PAUSE
    ask(data, Request.CONTINUE)  # thought better of, before anything was held
    assert pausing.request() is Request.CONTINUE
    assert pausing.request() is None


def test_a_note_is_written_down_once_with_its_person_and_nothing_is_held(bench, requests, data):
    waits = leave_note(data, "the beam was lost for a moment", who="Ada")
    written = []

    def meanwhile(message):
        if message.command == "read":
            written.append({name: reading["value"] for name, reading in message.obj.read().items()})

    def plan():
        yield Msg("wait", None, group="a")
        yield Msg("wait", None, group="b")

    messages, _ = run(Pausing(bench, requests).pausable(plan()), meanwhile)
    assert names(messages) == ["create", "read", "save", "wait", "wait"]
    (note,) = written
    assert (note["hold_did"], note["hold_who"], note["hold_why"]) == ("noted", "Ada", "the beam was lost for a moment")
    assert note["hold_asked_at"]
    assert not waits.exists()
    assert bench.told == []


def test_a_note_is_written_down_while_the_sweep_is_held(bench, requests, data):
    ask(data, Request.PAUSE)
    slept = []

    def meanwhile(message):
        if message.command == "sleep":
            slept.append(message)
            if len(slept) == 1:
                leave_note(data, "a bubble in the medium")
            if len(slept) == 3:
                ask(data, Request.CONTINUE)

    def plan():
        yield Msg("wait", None, group="a")

    messages, _ = run(Pausing(bench, requests).pausable(plan()), meanwhile)
    assert names(messages).count("create") == 3, "held, noted, continued"
