import pytest
from fake_device import make_fake_device

from lics_beamline.devices.beam import Beam
from lics_beamline.errors import DidNotSettle


@pytest.fixture
def beam(clock):
    beam = make_fake_device(Beam)("", name="beam", clock=clock)
    beam.shutter.state.sim_put("Closed")
    return beam


def test_a_shutter_whose_read_back_never_agrees_is_an_error_and_not_open(beam, clock):
    moving = beam.shutter.set("Open")

    while not moving.done:
        clock.tick_to(clock.now_s() + 1.0)

    with pytest.raises(DidNotSettle, match="asked for Open and reads Closed"):
        moving.wait()
    assert not beam.shutter.is_open


def test_a_shutter_is_done_when_its_read_back_agrees(beam, clock):
    moving = beam.shutter.set("Open")
    beam.shutter.state.sim_put("Open")

    while not moving.done:
        clock.tick_to(clock.now_s() + 0.001)

    assert moving.success
    assert beam.shutter.is_open


def test_a_shutter_that_did_not_answer_is_closed_when_it_does(beam):
    beam.shutter.state.sim_put("Open")
    asked = []

    def put(value, *_, **__):
        asked.append(value)
        if len(asked) < 3:
            raise TimeoutError("could not connect")
        beam.shutter.state.sim_put(value)

    beam.shutter.command.sim_set_putter(put)
    beam.make_safe().wait()
    assert asked == ["Closed"] * 3
    assert beam.unsafe() == ()


def test_a_shutter_that_never_answers_is_not_taken_for_closed(beam):
    beam.shutter.state.sim_put("Open")

    def put(value, *_, **__):
        raise TimeoutError("could not connect")

    beam.shutter.command.sim_set_putter(put)
    with pytest.raises(DidNotSettle, match=r"could not be closed: beam shutter is Open \(safe: Closed\).*at its panel"):
        beam.make_safe().wait()
