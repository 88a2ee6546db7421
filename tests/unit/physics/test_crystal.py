import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.crystal import d_angstrom, powder_lines, two_theta_deg
from lics_beamline.physics.unit_cell import UnitCell


def test_ceria_has_the_spacings_of_its_certificate():
    # NIST SRM 674b: CeO2, Fm-3m, a = 5.41165 angstrom.
    lines = powder_lines(UnitCell.cubic(5.41165), "F m -3 m", 1.2)
    assert [str(line.reflection) for line in lines] == ["111", "200", "220", "311", "222", "400", "331", "420"]
    assert [line.multiplicity for line in lines] == [8, 6, 12, 24, 8, 6, 24, 24]
    assert [line.d_angstrom for line in lines[:3]] == pytest.approx([3.1244, 2.7058, 1.9133], abs=1e-4)


def test_a_primitive_cubic_cell_has_21_reflections_to_the_corner_of_the_plate():
    # a 3.489 angstrom, plate at 350 mm, d_min 0.769: 21 hkl of which 18 have their own spacing.
    lines = powder_lines(UnitCell.cubic(3.489), "P m -3 m", 0.769)
    assert len(lines) == 21
    assert len({round(line.d_angstrom, 6) for line in lines}) == 18
    multiplicities = {str(line.reflection): line.multiplicity for line in lines}
    assert (multiplicities["100"], multiplicities["110"], multiplicities["321"]) == (6, 12, 48)


def test_rhenium_has_the_lines_of_a_close_packed_metal():
    lines = powder_lines(UnitCell.hexagonal(2.761, 4.456), "P 63/m m c", 1.3)
    assert [str(line.reflection) for line in lines] == ["100", "002", "101", "102", "110"]
    assert [line.multiplicity for line in lines] == [6, 2, 12, 12, 6]
    angles = [two_theta_deg(line.d_angstrom, 0.41373) for line in lines]
    assert angles == pytest.approx([9.926, 10.655, 11.269, 14.58, 17.24], abs=0.006)


def test_the_110_of_the_alloy_is_at_9_36_degrees_at_3_gpa():
    assert two_theta_deg(UnitCell.cubic(3.585).d_angstrom((1, 1, 0)), 0.41373) == pytest.approx(9.36, abs=0.005)


@given(d=st.floats(0.5, 10.0), wavelength=st.floats(0.1, 0.9))
def test_braggs_law_reads_both_ways(d, wavelength):
    assert d_angstrom(two_theta_deg(d, wavelength), wavelength) == pytest.approx(d, rel=1e-9)


def test_a_spacing_below_half_the_wavelength_does_not_diffract():
    with pytest.raises(OutsideCalibration, match="half the wavelength"):
        two_theta_deg(0.2, 0.41373)


def test_a_cell_keeps_its_shape_when_scaled_to_another_volume():
    cell = UnitCell.hexagonal(2.761, 4.456)
    smaller = cell.strained(0.97 ** (1.0 / 3.0))
    assert smaller.volume_angstrom3 == pytest.approx(0.97 * cell.volume_angstrom3)
    assert smaller.c_angstrom / smaller.a_angstrom == pytest.approx(4.456 / 2.761)


def test_an_unknown_space_group_is_refused():
    with pytest.raises(OutsideCalibration, match="space group"):
        powder_lines(UnitCell.cubic(3.5), "P m 7 m", 1.0)
