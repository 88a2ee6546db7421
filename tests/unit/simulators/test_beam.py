"""Beam and stage of the world."""

import pytest

from lics_simulators.beam import Beam
from lics_simulators.preset import read_preset
from lics_simulators.stage import Stage
from lics_simulators.world import World


@pytest.fixture
def beam():
    beam = Beam(read_preset("volumetric").beam)
    beam.command_shutter(is_open=True)
    beam.step(0.5, 0.5)
    return beam


def test_flux_needs_the_shutter():
    beam = Beam(read_preset("volumetric").beam)
    beam.step(0.5, 0.5)
    assert beam.flux() == 0.0
    beam.command_shutter(is_open=True)
    assert beam.flux() == 0.0
    beam.step(1.0, 0.5)
    assert beam.flux() > 0.0
    beam.command_shutter(is_open=False)
    beam.step(1.5, 0.5)
    assert beam.flux() == 0.0


def test_each_attenuator_step_halves_the_flux(beam):
    full = beam.flux()
    beam.attenuator = 3
    assert beam.flux() == pytest.approx(full / 8.0)


def test_top_up_keeps_the_current_within_a_tenth_of_a_milliampere(beam):
    currents = []
    for second in range(600):
        beam.step(float(second), 1.0)
        currents.append(beam.ring_current_ma)
    assert max(currents) == pytest.approx(99.5)
    assert 99.4 < min(currents) < 99.45


def test_an_axis_moves_at_its_velocity_and_stops_where_told():
    stage = Stage()
    axis = stage.axes["x"]
    axis.move(2.0)
    for _ in range(4):
        stage.step(0.5)
    assert axis.position == pytest.approx(1.0)
    axis.stop()
    stage.step(10.0)
    assert axis.position == pytest.approx(1.0)
    assert not axis.is_moving


def test_an_axis_stays_within_its_limits():
    stage = Stage()
    stage.axes["omega"].move(90.0)
    stage.step(100.0)
    assert stage.axes["omega"].position == 30.0


def test_moving_the_sample_aside_leaves_the_gasket_only():
    world = World(seed=1)
    before = {phase.phase: phase.cells for phase in world.sample_state().phases}
    world.stage.axes["y"].move(0.2)
    world.advance(5.0)
    after = {phase.phase: phase.cells for phase in world.sample_state().phases}
    assert after["re-hcp"] == before["re-hcp"]
    assert after["cs-bcc"] < 1e-6 * before["cs-bcc"]


def test_z_moves_the_sample_along_the_beam():
    world = World(seed=1)
    world.stage.axes["z"].move(0.3)
    world.advance(5.0)
    assert world.sample_state().shift_along_beam_mm == pytest.approx(0.3)
