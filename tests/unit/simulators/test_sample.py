"""What lies in the beam: phases, amounts, movement on heating, calibrants."""

import numpy as np
import pytest

from lics_simulators.preset import read_preset
from lics_simulators.sample import Sample
from lics_simulators.world import World


@pytest.fixture
def sample():
    return Sample(read_preset("volumetric").contents, np.random.default_rng(0))


def phases(state):
    return {phase.phase: phase for phase in state.phases}


def test_elements_in_their_gasket_before_any_reaction(sample):
    found = phases(sample.state(0.0, 0.12, 298.0))
    assert set(found) == {"re-hcp", "li-bcc", "cs-bcc"}
    assert found["cs-bcc"].cells == pytest.approx(0.5)
    assert found["li-bcc"].cells == pytest.approx(0.5)
    assert found["re-hcp"].cells == 1.0


def test_caesium_becomes_fcc_above_2_37_gpa_with_its_atoms_conserved(sample):
    below, above = (phases(sample.state(0.0, gpa, 298.0)) for gpa in (2.36, 2.38))
    assert below["cs-bcc"].cells * 2 == above["cs-fcc"].cells * 4 == pytest.approx(1.0)
    volumes = below["cs-bcc"].cell_angstrom[0] ** 3 / 2, above["cs-fcc"].cell_angstrom[0] ** 3 / 4
    assert volumes[1] / volumes[0] == pytest.approx(0.99, abs=0.01)


def test_only_alloy_and_the_lithium_it_does_not_need_at_4_gpa(sample):
    sample.step(1.0e5, 4.0, 298.0)
    found = phases(sample.state(0.0, 4.0, 298.0))
    assert found["alloy"].cells == pytest.approx(1.0, abs=1e-6)
    assert found["li-bcc"].cells * 2 == pytest.approx(0.3, abs=1e-6)
    assert set(found) == {"re-hcp", "alloy", "li-bcc"}


def test_lost_alloy_gives_liquid_caesium_at_498_k(sample):
    sample.step(1.0e5, 4.0, 298.0)
    sample.step(1.0e5, 1.5, 498.0)
    found = phases(sample.state(0.0, 1.5, 498.0))
    assert found["cs-liquid"].cells == pytest.approx(1.0, abs=1e-6)
    assert "alloy" not in found


def test_the_sample_moves_about_0_1_mm_on_heating_by_200_k():
    shifts = [World(seed=seed).contents.state(0.0, 8.0, 498.0).shift_along_beam_mm for seed in range(40)]
    assert np.mean(shifts) == pytest.approx(0.1, abs=0.02)
    assert np.std(shifts) > 0.01


def test_a_calibrant_is_alone_at_ambient_whatever_the_cell_does():
    world = World(seed=1, preset="ceo2")
    world.membrane.setpoint_bar = 50.0
    world.membrane.set_control(on=True)
    world.advance(3000.0)
    state = world.sample_state()
    assert [phase.phase for phase in state.phases] == ["ceo2"]
    assert state.phases[0].cell_angstrom[0] == pytest.approx(5.4117, abs=1e-4)
    assert state.pressure_gpa < 1e-3
    assert state.shift_along_beam_mm == 0.0
