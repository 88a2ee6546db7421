"""Readouts let in between the messages of a plan: never inside an event, never holding the plan up."""

import math
import os
from types import SimpleNamespace

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

from bluesky.utils import Msg
from ophyd.status import StatusBase

from lics_beamline import schema
from lics_beamline.control.path import HoldLeg, Point
from lics_beamline.control.plate_settings import PlateSettings
from lics_beamline.devices.plate_file import Expected, Folder, PurePosixPath
from lics_beamline.frames.plate import Fading
from lics_beamline.plans.exposure import Exposed, ExposureFault, Failed
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.plates import Plates, announcing

LEG = HoldLeg(kind="hold", name="held", temperature_k=298.0)
FOLDER = Folder(below=PurePosixPath("plates/run"), order=0, resource={"uid": "r"})


def point(index):
    return Point(index=index, leg=LEG, pressure_gpa=float("nan"), temperature_k=298.0)


class Bench:
    """Plates whose files arrive when a test says so, and the messages that a plan sends with them."""

    def __init__(self, *, overlapped=True):
        self.arrivals, self.announced, self.folders = [], [], []
        self.in_use = 1
        self.waited_s = 15.0
        frame = SimpleNamespace(
            waited_s=SimpleNamespace(get=lambda: self.waited_s),
            arrival=self._arrival,
            announce=lambda file: self.announced.append(file.number),
            open_folder=self._open,
        )
        plate = SimpleNamespace(plate_in_use=SimpleNamespace(get=lambda **_: self.in_use), erase=self._erase)
        clock = SimpleNamespace(now_s=lambda: 1.0)
        self.readout = Noted("readout", schema.READOUT_FIELDS)
        self.erased = []
        self.plates = Plates(
            SimpleNamespace(frame=frame, plate=plate, clock=clock),
            readout=self.readout,
            failure=Noted("failure", schema.FAILURE_FIELDS),
            folder="run",
            overlapped=overlapped,
            keeping=PlateSettings(
                prefix="",
                read_s=75.0,
                erase_s=45.0,
                swap_s=15.0,
                most_fading=0.08,
                fading=Fading(fast_share=0.15, fast_s=1200.0, slow_s=4.1e5),
            ),
        )

    def _arrival(self, _):
        self.arrivals.append(StatusBase())
        return self.arrivals[-1]

    def _open(self, folder):
        self.folders.append(folder)

    def _erase(self):
        self.erased.append(self.in_use)
        return StatusBase()

    def pass_on(self, index):
        file = Expected(folder=FOLDER, number=index, plate=1 + index % 2)
        yield from self.plates.pass_on(
            point(index), f"uid-{index}", Exposed(file=file, dose_counts=1.0), exposure_s=60.0
        )

    def come(self, index):
        self.arrivals[index].set_finished()
        self.arrivals[index].wait()

    def messages(self, plan, answers=lambda message: None):
        """Send a plan's messages as an engine would; returns what was sent."""
        sent, running, answer = [], announcing(plan, self.plates), None
        while True:
            try:
                message = running.send(answer)
            except StopIteration:
                return sent
            sent.append(message.command if message.command != "create" else f"create {message.kwargs['name']}")
            answer = answers(message)
            if message.command == "read" and answer is None:
                answer = {}


@pytest.fixture
def bench():
    return Bench()


def event(stream):
    yield Msg("create", None, name=stream)
    yield Msg("save")


def test_a_plate_is_announced_before_the_next_event_and_not_inside_one(bench):
    def plan():
        yield from bench.pass_on(0)
        yield Msg("create", None, name="approach")
        bench.come(0)
        yield Msg("null")
        yield Msg("wait", None, group="inside")
        yield Msg("save")
        yield from event("approach")

    sent = bench.messages(plan())
    readout = ["create readout", "read", "read", "save"]
    assert sent == ["create approach", "null", "wait", "save", *readout, "create approach", "save"]


def test_a_plate_that_comes_inside_an_event_before_which_another_was_announced_waits_for_its_end(bench):
    def plan():
        yield from bench.pass_on(0)
        yield from bench.pass_on(1)
        bench.come(0)
        yield Msg("create", None, name="primary")
        bench.come(1)
        yield Msg("wait", None, group="exposure")
        yield Msg("save")
        yield Msg("wait", None, group="move")

    sent = bench.messages(plan())
    readout = ["create readout", "read", "read", "save"]
    assert sent == [*readout, "create primary", "wait", "save", "wait", *readout, "wait"]


def test_a_plate_that_comes_during_a_long_wait_is_announced_in_it(bench):
    waits = []

    def answer(message):
        if message.command == "wait":
            waits.append(message.kwargs.get("timeout"))
            if len(waits) == 2:
                bench.come(0)
        return None

    def plan():
        yield from bench.pass_on(0)
        yield Msg("wait", None, group="ramp")

    sent = bench.messages(plan(), answer)
    assert sent == ["wait", "wait", "create readout", "read", "read", "save", "wait"]
    assert waits[-1] is None, "nothing more is to come: the wait is as it was"


def test_a_wait_that_is_over_first_goes_on_at_once_without_the_plate(bench):
    def plan():
        yield from bench.pass_on(0)
        yield Msg("wait", None, group="ramp")

    assert bench.messages(plan(), lambda message: message.command == "wait") == ["wait"]
    assert bench.plates.are_waiting


def test_plates_are_announced_in_the_order_of_their_exposures(bench):
    def plan():
        yield from bench.pass_on(0)
        yield from bench.pass_on(1)
        bench.come(1)
        yield from event("approach")
        bench.come(0)
        yield from event("approach")

    bench.messages(plan())
    assert bench.announced == [0, 1]


@pytest.mark.parametrize("after", ["create readout", "read", "save"])
def test_a_plan_that_is_ended_while_a_readout_is_saved_has_it_once_and_whole(bench, after):
    def plan():
        yield from bench.pass_on(0)
        bench.come(0)
        yield from event("approach")

    sent, running, answer = [], announcing(plan(), bench.plates), None
    while after not in sent:
        message = running.send(answer)
        sent.append(message.command if message.command != "create" else f"create {message.kwargs['name']}")
        answer = {} if message.command == "read" else None
    with pytest.raises(InterruptedError):
        running.throw(InterruptedError("Ctrl-C"))
    rescued = [message.command for message in bench.plates.finish()]
    if after == "save":
        assert rescued == [], "it was saved"
    else:
        assert rescued == ["trigger", "wait", "create", "read", "read", "save"], "the open event has been dropped"


def test_what_a_plate_held_before_is_told_also_where_that_was_no_image(bench):
    previous = []

    def plan():
        lost = Failed(cause=ExposureFault.BEAM, reason="gone.", plate=1)
        yield from bench.plates.lose(point(0), "uid-lost", lost)
        for index in range(4):
            yield from bench.pass_on(index)
            bench.come(index)
            yield from bench.plates.finish()
            previous.append(bench.readout.read()["previous_exposure_uid"]["value"])

    bench.messages(plan())
    assert previous == ["uid-lost", "", "uid-0", "uid-1"]


def test_a_marked_plate_is_erased_before_it_is_used_and_only_then_and_once(bench):
    def plan():
        yield from bench.plates.lose(
            point(0), "uid-lost", Failed(cause=ExposureFault.SHUTTER, reason="stuck.", plate=2)
        )
        for bench.in_use in (1, 2, 2):
            yield from bench.plates.clean()

    def answer(message):
        return message.obj.trigger() if message.command == "trigger" else None

    bench.messages(plan(), answer)
    assert bench.erased == [2]
    assert bench.folders == ["plates/run"], "what comes after a failed exposure is counted in a folder of its own"


@pytest.mark.parametrize(("waited_s", "warned"), [(15.0, False), (1500.0, True), (math.nan, False)])
def test_an_image_that_lost_more_than_stated_before_its_scan_is_warned_of(bench, caplog, waited_s, warned):
    bench.waited_s = waited_s

    def plan():
        yield from bench.pass_on(0)
        bench.come(0)
        yield from bench.plates.finish()

    bench.messages(plan())
    assert ("faded before its scan" in caplog.text) == warned


def test_where_plates_are_not_overlapped_each_is_announced_before_the_plan_goes_on():
    bench = Bench(overlapped=False)

    def answer(message):
        if message.command == "wait":
            bench.come(len(bench.announced))
        return None

    def plan():
        yield from bench.pass_on(0)
        assert bench.announced == [0]
        yield from bench.pass_on(1)

    bench.messages(plan(), answer)
    assert bench.announced == [0, 1]
