import numpy as np
import pytest

from lics_beamline.exports.main_phase import amplitudes_of
from lics_beamline.phases.phase import named_phase
from lics_beamline.physics.crystal import powder_lines
from lics_beamline.refinement.structure_factors import ReflectionGroup, StructureFactors

WAVELENGTH = 0.41373
CAESIUM = -1.502 + 0.797j  # f' + i f'' at 0.41373 angstrom, Chantler (2000) as xraydb has it


def test_amplitudes_are_those_of_the_density_whatever_the_scale_of_the_squares():
    alloy = named_phase("alloy").structure
    lines = powder_lines(alloy.cell, alloy.space_group, 0.9)
    groups = tuple(
        ReflectionGroup(
            reflections=(line.reflection,), multiplicities=(line.multiplicity,), s_per_angstrom=0.5 / line.d_angstrom
        )
        for line in lines
    )
    hkl = np.array([(line.reflection.h, line.reflection.k, line.reflection.l) for line in lines])
    squared = 7.3 * np.abs(alloy.structure_factors(hkl, {"Cs": CAESIUM})) ** 2
    factors = StructureFactors(
        space_group=alloy.space_group,
        cell=alloy.cell,
        wavelength_angstrom=WAVELENGTH,
        groups=groups,
        squared=squared,
        covariance=np.diag((0.005 * squared) ** 2),
    )
    amplitudes = amplitudes_of(factors, alloy)
    np.testing.assert_allclose(amplitudes.amplitude, np.abs(alloy.structure_factors(hkl)), rtol=0.02)
    assert amplitudes.electrons == pytest.approx(57.1)
