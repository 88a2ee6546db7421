import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.unit_cell import FREE, UnitCell, free_names, lattice_system, space_group

EDGES = st.floats(2.0, 20.0)
ANGLES = st.floats(75.0, 105.0)


@given(st.tuples(EDGES, EDGES, EDGES), st.tuples(ANGLES, ANGLES, ANGLES), st.tuples(*[st.integers(-6, 6)] * 3))
def test_spacings_and_volume_are_those_of_gemmi(edges, angles, hkl):
    cell = UnitCell(**dict(zip(UnitCell.__dataclass_fields__, (*edges, *angles), strict=True)))
    witness = gemmi.UnitCell(*edges, *angles)
    assert cell.volume_angstrom3 == pytest.approx(witness.volume, rel=1e-9)
    assert cell.inverse_d_squared(np.array([hkl]))[0] == pytest.approx(witness.calculate_1_d2(hkl), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("symbol", "names"),
    [
        ("P m -3 m", ("a",)),
        ("P 63/m m c", ("a", "c")),
        ("R -3 m", ("a", "c")),
        ("R -3 m:R", ("a", "alpha")),
        ("I 41/a m d", ("a", "c")),
        ("P n m a", ("a", "b", "c")),
        ("P 1 21/c 1", ("a", "b", "c", "beta")),
        ("P 1 1 2", ("a", "b", "c", "gamma")),
        ("P -1", ("a", "b", "c", "alpha", "beta", "gamma")),
    ],
)
def test_symmetry_leaves_these_numbers_of_a_cell_free(symbol, names):
    assert free_names(lattice_system(symbol)) == names


@pytest.mark.parametrize("system", FREE)
def test_a_cell_is_rebuilt_from_its_free_numbers(system):
    free = np.array([4.0, 5.0, 6.0, 80.0, 95.0, 100.0])[: len(free_names(system))]
    cell = UnitCell.from_free(free, system)
    assert UnitCell.from_free(cell.free(system), system) == cell


def test_an_unknown_space_group_is_refused():
    with pytest.raises(OutsideCalibration, match="P m 7 m"):
        space_group("P m 7 m")
