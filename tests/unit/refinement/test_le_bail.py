import numpy as np
import pytest
from drawn_alloy import EDGE, alloy, drawn

from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.le_bail import fit_le_bail
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase

PHASE = PowderPhase(name="alloy", space_group="P m -3 m", cell=UnitCell.cubic(EDGE + 0.002))
CHOICE = FitChoice(two_theta_deg=(5.0, 22.0))


@pytest.fixture(scope="module")
def pattern():
    return drawn(alloy())


def test_both_methods_find_the_same_cell_and_intensities(pattern):
    shared, free = fit_le_bail(pattern, (PHASE,), CHOICE), fit_pattern(pattern, (PHASE,), CHOICE)
    assert shared.cell.a_angstrom == pytest.approx(free.cell.a_angstrom, abs=2 * free.cell_sigma.a_angstrom)
    difference = shared.structure_factors.squared - free.structure_factors.squared
    assert np.abs(difference / free.structure_factors.sigma).max() < 1.5
    assert shared.agreement.r_wp < 1.02 * free.agreement.r_wp


def test_no_intensity_is_negative_where_a_ring_is_forbidden(pattern):
    doubled = PowderPhase(name="doubled", space_group="P m -3 m", cell=UnitCell.cubic(2 * EDGE))
    choice = FitChoice(two_theta_deg=(5.0, 12.0), background_terms=6)
    shared = fit_le_bail(pattern, (doubled,), choice).structure_factors
    free = fit_pattern(pattern, (doubled,), choice).structure_factors
    assert (shared.squared > 0.0).all()
    assert (free.squared < 0.0).any()
