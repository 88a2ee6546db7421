import numpy as np
import pytest

from lics_beamline.physics.crystal import Reflection
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.structure_factors import ReflectionGroup, StructureFactors

GROUPS = (
    ReflectionGroup(reflections=(Reflection(1, 0, 0),), multiplicities=(6,), s_per_angstrom=0.125),
    ReflectionGroup(
        reflections=(Reflection(3, 0, 0), Reflection(2, 2, 1)), multiplicities=(6, 24), s_per_angstrom=0.375
    ),
)


def factors(squared, covariance):
    return StructureFactors(
        space_group="P m -3 m",
        cell=UnitCell.cubic(4.0),
        wavelength_angstrom=0.41373,
        groups=GROUPS,
        squared=squared,
        covariance=covariance,
    )


def test_families_that_share_a_ring_count_together():
    assert str(GROUPS[1]) == "300/221"
    assert GROUPS[1].multiplicity == 30
    assert GROUPS[1].d_angstrom == pytest.approx(4.0 / 3.0)


def test_values_cannot_be_written_to_and_carry_their_errors():
    value = factors([100.0, 50.0], [[4.0, 1.0], [1.0, 9.0]])
    np.testing.assert_allclose(value.sigma, [2.0, 3.0])
    np.testing.assert_allclose(value.s_per_angstrom, [0.125, 0.375])
    with pytest.raises(ValueError, match="read-only"):
        value.squared[0] = 1.0


def test_a_covariance_of_another_size_is_refused():
    with pytest.raises(ValueError, match="2 groups"):
        factors([100.0, 50.0], [[4.0]])


def test_errors_of_grains_add_to_those_of_counting():
    enlarged = factors([100.0, 50.0], [[4.0, 1.0], [1.0, 9.0]]).enlarged([0.03, 0.08])
    np.testing.assert_allclose(enlarged.sigma, [np.hypot(2.0, 3.0), np.hypot(3.0, 4.0)])
    assert enlarged.covariance[0, 1] == 1.0
