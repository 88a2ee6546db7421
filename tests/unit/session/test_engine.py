"""A RunEngine whose pause is a hold while a sweep is at work, and bluesky's own pause otherwise."""

import bluesky.plan_stubs as bps
import pytest
from bluesky.utils import RunEngineInterrupted

from lics_beamline.control.request import Request
from lics_beamline.data_folder import DataFolder
from lics_beamline.session.engine import Engine
from lics_beamline.session.requests import RequestFiles


@pytest.fixture
def requests(tmp_path):
    return RequestFiles(DataFolder(tmp_path).make())


@pytest.fixture
def engine(requests):
    engine = Engine({}, requests=requests, context_managers=[])
    yield engine
    if engine.state != "idle":
        engine.halt()
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join()
    engine.loop.close()


def test_pausing_asks_a_sweep_that_cannot_be_rewound_to_hold_and_resuming_to_continue(engine, requests):
    asked = []

    def sweep():
        with requests.open():
            yield from bps.clear_checkpoint()
            yield from bps.null()
            engine.request_pause()
            asked.append(requests.asked())
            engine.resume()
            asked.append(requests.asked())
            yield from bps.null()

    engine(sweep())
    assert engine.state == "idle", "it ran to its end"
    assert [one.request for one in asked] == [Request.PAUSE, Request.CONTINUE]
    assert {one.who for one in asked} == {"engine"}


def test_a_plan_that_is_no_sweep_is_paused_as_ever(engine):
    def plan():
        yield from bps.checkpoint()
        yield from bps.pause()
        yield from bps.null()

    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    assert engine.state == "paused"
    engine.resume()
    assert engine.state == "idle"
