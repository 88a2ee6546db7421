"""Cells that start far off; patterns drawn by the means of the pattern fit's test."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import voigt_profile

from lics_beamline.errors import RefinementFailed
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.cell_search import find_cell
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase

WAVELENGTH = 0.41373
X = np.arange(4.0, 28.0, 0.0112)
STRENGTHS = {
    1: 3.0,
    2: 3.0,
    3: 1.0,
    4: 0.6,
    5: 1.5,
    6: 1.3,
    8: 0.4,
    9: 0.6,
    10: 0.5,
    11: 0.4,
    12: 0.1,
    13: 0.2,
    14: 0.4,
}
ALLOY = PowderPhase(name="alloy", space_group="P m -3 m", cell=UnitCell.cubic(3.572))


def cubic_pattern(edge, *, counts=100.0, seed=1):
    mean = 12.0 + 3.0 * np.cos(X / 7.0)
    for n, area in STRENGTHS.items():
        centre = 2 * np.degrees(np.arcsin(WAVELENGTH * np.sqrt(n) / (2 * edge)))
        mean = mean + area * voigt_profile(X - centre, 0.022, 0.006)
    return Pattern(
        two_theta_deg=X,
        intensity=np.random.default_rng(seed).poisson(counts * mean) / counts,
        sigma=np.sqrt(mean / counts),
        wavelength_angstrom=WAVELENGTH,
    )


@pytest.mark.parametrize("edge", [3.44, 3.489, 3.57, 3.66, 3.72])
def test_a_cell_is_found_from_that_of_another_pressure(edge):
    pattern = cubic_pattern(edge)
    near = find_cell(pattern, ALLOY)
    assert near.cell.a_angstrom == pytest.approx(edge, rel=1.5e-3)
    assert fit_pattern(pattern, (near,)).cell.a_angstrom == pytest.approx(edge, abs=1e-4)


def test_a_phase_that_is_not_there_is_not_found():
    with pytest.raises(RefinementFailed, match="no cell within 1 %"):
        find_cell(cubic_pattern(3.489), ALLOY, within=0.01)


def test_what_else_is_there_is_not_taken_for_the_phase():
    other = replace(ALLOY, name="other", cell=UnitCell.cubic(3.489))
    with pytest.raises(RefinementFailed, match="no cell within"):
        find_cell(cubic_pattern(3.489), replace(ALLOY, cell=UnitCell.cubic(3.80)), (other,), within=0.02)
