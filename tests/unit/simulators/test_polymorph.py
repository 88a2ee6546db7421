"""A compound of two polymorphs in the beam."""

import peritheos
import pytest

from lics_simulators.plate.structures import STRUCTURES
from lics_simulators.polymorph import Compound
from lics_simulators.preset import read_preset


@pytest.fixture
def compound():
    return Compound(read_preset("kcl").contents)


def found(compound, gpa):
    return {phase.phase: phase.cells for phase in compound.state(0.0, gpa, 298.0).phases if phase.phase != "re-hcp"}


def hold(compound, gpa):
    for _ in range(400):
        compound.step(5.0, gpa, 298.0)


def test_it_transforms_above_one_pressure_and_back_below_another(compound):
    hold(compound, 1.95)
    assert found(compound, 1.95) == {"kcl-b1": 0.25}
    hold(compound, 2.1)
    assert found(compound, 2.1)["kcl-b2"] == pytest.approx(1.0, abs=1e-3)
    hold(compound, 1.95)
    assert found(compound, 1.95)["kcl-b2"] == pytest.approx(1.0, abs=1e-3)
    hold(compound, 1.5)
    assert found(compound, 1.5)["kcl-b1"] == pytest.approx(0.25, abs=1e-3)


def test_its_cells_are_those_of_the_published_isotherm(compound):
    records = {each.identifier: each.eos for each in peritheos.get_material("kcl").eos_records}
    published = records["kcl_b2_dewaele_2012_vinet_3"].rt_eos
    a = compound.parameters.high.a_angstrom(5.0, 298.0)
    assert published.pressure(a**3) == pytest.approx(5.0, abs=1e-6)


def test_the_plate_knows_its_structures(compound):
    assert {compound.parameters.low.phase, compound.parameters.high.phase} <= set(STRUCTURES)
