"""The paper's discovery on plates of a simulated world: nobody named the alloy, and what was found stands in for it."""

import pytest
from worlds.blind_alloy import blind_score
from worlds.swept_world import Sweeper


@pytest.mark.nightly
def test_the_alloy_is_found_with_its_atoms_and_its_phase_file_gives_the_cells_of_the_shipped_phase(tmp_path):
    found = blind_score(Sweeper(), 31, tmp_path)
    assert found.is_right
    assert found.shows_light
    assert found.off_shipped < 1e-3
    assert found.off_truth < 1e-3
