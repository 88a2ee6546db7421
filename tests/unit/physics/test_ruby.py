import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.ruby import CORRECTIONS, RubyRuler, air_wavelength_nm, scales


@pytest.mark.parametrize(
    ("scale", "gpa"),
    [
        ("ruby_shen_2020", 10.408),
        ("ruby_mao_1986", 10.472),
        ("ruby_dewaele_2004", 10.524),  # B is 9.5: with the 9.61 of 2008 it would be 10.527
        ("ruby_dewaele_2008", 10.615),
        ("ruby_dorogokupets_oganov_2007", 10.479),
        ("ruby_sokolova_2013", 10.428),
    ],
)
def test_each_scale_gives_its_published_pressure_for_698_nm(scale, gpa):
    assert RubyRuler(scale=scale).gpa(698.0, 298.0) == pytest.approx(gpa, abs=6e-4)


def test_every_scale_that_peritheos_lists_can_be_a_ruler():
    assert len(scales()) >= 8
    for scale in scales():
        assert RubyRuler(scale=scale).gpa(698.0, 298.0) == pytest.approx(10.45, abs=0.2)


@pytest.mark.parametrize(
    ("correction", "shift_nm"), [("datchi-2007", 1.4414), ("ragan-1992", 1.5258), ("wei-2024", 1.4063)]
)
def test_each_correction_gives_its_published_shift_from_298_to_498_k(correction, shift_nm):
    assert CORRECTIONS[correction].shift_nm(498.0, 298.0) == pytest.approx(shift_nm, abs=5e-5)


def test_ragan_in_vacuum_is_0_4_pm_longer_than_in_air():
    # 1.5262 nm is what the wavenumbers give in vacuum; spectrometers are calibrated in air.
    wavenumbers = [14423 + 4.49e-2 * t - 4.81e-4 * t**2 + 3.71e-7 * t**3 for t in (498.0, 298.0)]
    vacuum = 1e7 / wavenumbers[0] - 1e7 / wavenumbers[1]
    assert vacuum == pytest.approx(1.5262, abs=5e-5)
    assert vacuum - CORRECTIONS["ragan-1992"].shift_nm(498.0, 298.0) == pytest.approx(4.2e-4, abs=2e-5)


def test_vos_arithmetic_holds_although_498_k_is_outside_its_range():
    formula = CORRECTIONS["vos-1991"].wavelength_nm
    assert formula(498.0) - formula(298.0) == pytest.approx(1.4825, abs=5e-5)
    with pytest.raises(OutsideCalibration, match=r"498\.0 K is outside 150-400 K"):
        RubyRuler(correction="vos-1991").gpa(698.0, 498.0)


@pytest.mark.parametrize(
    ("correction", "inside_k", "outside_k"),
    [
        ("datchi-2007", 900.0, 901.0),
        ("ragan-1992", 600.0, 601.0),
        ("vos-1991", 400.0, 401.0),
        ("wei-2024", 773.0, 774.0),
    ],
)
def test_a_correction_is_used_to_the_end_of_its_range_and_not_beyond(correction, inside_k, outside_k):
    ruler = RubyRuler(correction=correction)
    line_nm = ruler.unshifted_nm(inside_k) + 1.0
    assert ruler.pressure(line_nm, 0.001, inside_k, 1.0).gpa > 0.0
    with pytest.raises(OutsideCalibration) as caught:
        ruler.gpa(line_nm, outside_k)
    assert caught.value.facts["highest_k"] == inside_k


def test_a_reference_read_outside_the_range_of_the_correction_is_refused():
    with pytest.raises(OutsideCalibration, match="295"):
        RubyRuler(correction="wei-2024", reference_temperature_k=295.0)


def test_a_hot_line_is_compared_with_the_hot_reference_not_with_a_shifted_reading():
    # Subtracting the shift and keeping lambda0 fixed reads 0.017 GPa differently at 8 GPa and 498 K.
    ruler = RubyRuler()
    line_nm = ruler.wavelength_nm(8.0, 498.0)
    subtracted = ruler.gpa(line_nm - CORRECTIONS["datchi-2007"].shift_nm(498.0, 298.0), 298.0)
    assert ruler.gpa(line_nm, 498.0) == pytest.approx(8.0, abs=1e-9)
    assert abs(subtracted - 8.0) == pytest.approx(0.017, abs=0.002)


def test_the_choice_of_correction_moves_a_hot_pressure_by_a_third_of_a_gpa():
    line_nm = RubyRuler().wavelength_nm(8.0, 498.0)
    readings = [RubyRuler(correction=name).gpa(line_nm, 498.0) for name in ("datchi-2007", "ragan-1992", "wei-2024")]
    assert max(readings) - min(readings) == pytest.approx(0.33, abs=0.01)


def test_the_reference_is_counted_from_its_own_temperature_and_not_from_that_of_the_polynomial():
    cold, warm = RubyRuler(reference_temperature_k=296.0), RubyRuler(reference_temperature_k=303.0)
    difference = cold.unshifted_nm(498.0) - warm.unshifted_nm(498.0)
    assert difference == pytest.approx(CORRECTIONS["datchi-2007"].shift_nm(303.0, 296.0), abs=1e-12)


def test_one_kelvin_is_0_0205_gpa_at_498_k_and_the_budget_adds_in_quadrature():
    ruler = RubyRuler(reference_sigma_nm=0.0, chip_to_chip_nm=0.03, ruby_to_sample_gpa=0.05)
    pressure = ruler.pressure(ruler.wavelength_nm(8.0, 498.0), 0.001, 498.0, 1.0)
    assert pressure.thermocouple_gpa == pytest.approx(0.0205, abs=3e-4)
    assert pressure.reference_line_gpa == pytest.approx(0.085, abs=0.002)
    assert pressure.sigma_gpa == pytest.approx(0.0028, abs=1e-4)
    assert pressure.systematic_gpa == pytest.approx(math.hypot(0.0207, 0.0848, 0.05), abs=5e-4)
    assert (pressure.scale, pressure.correction) == ("ruby_shen_2020", "datchi-2007")


@given(gpa=st.floats(0.0, 60.0), temperature_k=st.floats(250.0, 600.0))
def test_a_pressure_becomes_a_line_and_the_line_the_same_pressure(gpa, temperature_k):
    ruler = RubyRuler()
    assert ruler.gpa(ruler.wavelength_nm(gpa, temperature_k), temperature_k) == pytest.approx(gpa, abs=1e-9)


def test_a_line_just_below_its_reference_reads_slightly_negative_and_far_below_is_refused():
    ruler = RubyRuler()
    assert ruler.gpa(694.24, 298.0) == pytest.approx(-0.027, abs=0.001)
    with pytest.raises(OutsideCalibration, match="GPa"):
        ruler.gpa(693.9, 298.0)


@pytest.mark.parametrize("choice", [{"scale": "ruby_rekhi_1999"}, {"correction": "rekhi-1999"}])
def test_an_unknown_choice_is_answered_with_the_choices_there_are(choice):
    with pytest.raises(OutsideCalibration, match=r"ruby_shen_2020|datchi-2007"):
        RubyRuler(**choice).gpa(695.0, 298.0)


def test_air_wavelength_of_the_helium_neon_laser_line():
    # 632.9914 nm in vacuum is 632.8164 nm in air (NIST, neon 3s2-2p4 line).
    assert air_wavelength_nm(1e7 / 632.9914) == pytest.approx(632.8164, abs=1e-4)


def test_importing_the_ruler_loads_neither_peritheos_nor_scipy():
    code = (
        "import sys, lics_beamline.physics.ruby; "
        "print([name for name in ('peritheos', 'scipy', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
