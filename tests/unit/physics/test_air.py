import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.physics.air import air_from_vacuum_nm, air_wavelength_nm, vacuum_from_air_nm


def test_air_wavelength_of_the_helium_neon_laser_line():
    # 632.9914 nm in vacuum is 632.8164 nm in air (NIST, neon 3s2-2p4 line).
    assert air_wavelength_nm(1e7 / 632.9914) == pytest.approx(632.8164, abs=1e-4)


def test_vacuum_wavelength_of_a_neon_line():
    # Ne I 703.24128 nm in air is 703.43520 nm in vacuum (NIST Atomic Spectra Database).
    assert vacuum_from_air_nm(703.24128) == pytest.approx(703.43520, abs=5e-5)


@given(st.floats(300.0, 1200.0))
def test_there_and_back_is_the_same_wavelength(nm):
    assert air_from_vacuum_nm(vacuum_from_air_nm(nm)) == pytest.approx(nm, abs=1e-9)
