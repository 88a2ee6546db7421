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
