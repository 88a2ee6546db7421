import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.air import vacuum_from_air_nm
from lics_beamline.physics.ruby import CORRECTIONS, RubyRuler, published_reference_nm, scales


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
    ruler = RubyRuler(reference_sigma_nm=0.003, chip_to_chip_nm=0.03, ruby_to_sample_gpa=0.05)
    pressure = ruler.pressure(ruler.wavelength_nm(8.0, 498.0), 0.001, 498.0, 1.0)
    assert pressure.thermocouple_gpa == pytest.approx(0.0205, abs=3e-4)
    assert pressure.reference_line_gpa == pytest.approx(0.0085, abs=2e-4)
    assert pressure.line_shape_gpa == pytest.approx(0.0048, abs=2e-4)
    assert pressure.chip_to_chip_gpa == pytest.approx(0.085, abs=0.002)
    assert pressure.sigma_gpa == pytest.approx(0.0028, abs=1e-4)
    # Ragan reads 0.236 GPa below Datchi and Wei 0.096 above: root mean square of (0, -0.236, 0.096).
    assert pressure.correction_choice_gpa == pytest.approx(math.sqrt((0.236**2 + 0.096**2) / 3.0), abs=0.003)
    assert pressure.systematic_gpa == pytest.approx(
        math.hypot(0.0207, 0.0085, 0.0048, 0.0848, 0.05, pressure.scale_choice_gpa, pressure.correction_choice_gpa),
        abs=5e-4,
    )
    assert math.hypot(*pressure.budget().values()) == pressure.systematic_gpa
    assert (pressure.gauge, pressure.scale, pressure.correction) == ("ruby", "ruby_shen_2020", "datchi-2007")
    assert (pressure.medium, pressure.reference_wavelength_nm) == ("air", 694.25)


def test_only_corrections_valid_at_the_temperature_and_near_that_of_the_reference_are_rivals():
    line_nm = RubyRuler().wavelength_nm(8.0, 498.0)
    assert {ruler.correction for ruler in RubyRuler().rivals(498.0)} == {"datchi-2007", "ragan-1992", "wei-2024"}
    outdoors = RubyRuler(reference_temperature_k=280.0)
    assert {ruler.correction for ruler in outdoors.rivals(498.0)} == {"datchi-2007", "ragan-1992"}
    assert outdoors.pressure(line_nm, 0.001, 498.0).correction_choice_gpa > 0.15


def test_a_correction_that_begins_a_little_above_the_room_stays_a_rival_when_the_cell_is_hot():
    # Wei 2024 begins at 296 K; that the room had 295 K makes it no worse at 498 K.
    warm, cold = (
        RubyRuler(),
        RubyRuler(reference_wavelength_nm=RubyRuler().unshifted_nm(295.0), reference_temperature_k=295.0),
    )
    line_nm = warm.wavelength_nm(8.0, 498.0)
    by_wei = [
        next(ruler for ruler in one.rivals(498.0) if ruler.correction == "wei-2024" and ruler.scale == one.scale)
        for one in (warm, cold)
    ]
    assert by_wei[1].reference_temperature_k == 296.0
    assert by_wei[1].gpa(line_nm, 498.0) == pytest.approx(by_wei[0].gpa(line_nm, 498.0), abs=0.005)
    chosen_there = RubyRuler(correction="wei-2024", reference_temperature_k=296.0).rivals(320.0)
    assert "vos-1991" in {ruler.correction for ruler in chosen_there}


def test_a_scale_that_does_not_reach_a_pressure_is_no_rival_there():
    ruler = RubyRuler()
    high = ruler.pressure(ruler.wavelength_nm(120.0, 298.0), 0.001, 298.0)
    low = ruler.pressure(ruler.wavelength_nm(20.0, 298.0), 0.001, 298.0)
    assert (len(high.readings_gpa), len(low.readings_gpa)) == (6 * 4, 8 * 4)  # Mao 1978 and 1986 end at 100, 80 GPa


def test_a_choice_known_to_be_right_has_no_error():
    ruler = RubyRuler(rival_scales=(), rival_corrections=())
    pressure = ruler.pressure(ruler.wavelength_nm(8.0, 498.0), 0.001, 498.0)
    assert (pressure.scale_choice_gpa, pressure.correction_choice_gpa) == (0.0, 0.0)
    assert pressure.readings_gpa == (pressure.gpa,)


def test_the_interval_covers_every_believable_reading_and_is_the_normal_one_where_there_is_one():
    ruler = RubyRuler(rival_scales=())
    pressure = ruler.pressure(ruler.wavelength_nm(8.0, 498.0), 0.001, 498.0, 1.0)
    low, high = pressure.interval_gpa()
    assert low < min(pressure.readings_gpa) < max(pressure.readings_gpa) < high
    known = RubyRuler(rival_scales=(), rival_corrections=()).pressure(698.0, 0.001, 298.0, 1.0)
    low, high = known.interval_gpa(0.6827)
    assert (high - low) / 2.0 == pytest.approx(math.hypot(known.sigma_gpa, known.systematic_gpa), rel=1e-3)
    assert (high + low) / 2.0 == pytest.approx(known.gpa, abs=1e-9)


def test_a_line_in_vacuum_is_the_same_pressure_and_taken_for_air_half_a_gpa_more():
    in_air, in_vacuum = RubyRuler(), RubyRuler(medium="vacuum")
    vacuum_nm = vacuum_from_air_nm(698.0)
    assert in_vacuum.gpa(vacuum_nm, 298.0) == pytest.approx(in_air.gpa(698.0, 298.0), abs=1e-9)
    assert in_air.gpa(vacuum_nm, 298.0) - in_air.gpa(698.0, 298.0) == pytest.approx(0.54, abs=0.02)
    assert in_vacuum.gpa(in_vacuum.wavelength_nm(8.0, 498.0), 498.0) == pytest.approx(8.0, abs=1e-9)
    assert in_vacuum.pressure(vacuum_nm, 0.001, 298.0).medium == "vacuum"
    with pytest.raises(OutsideCalibration, match="air, vacuum"):
        RubyRuler(medium="water")


# Errors found in other programs: each of these fails with the other program's constant or formula.


def test_dewaele_2004_has_b_9_5_and_not_the_9_61_of_2008():
    ratio = 730.0 / 694.25
    gpa = RubyRuler(scale="ruby_dewaele_2004").gpa(730.0, 298.0)
    assert gpa == pytest.approx(1904.0 / 9.5 * (ratio**9.5 - 1.0), rel=1e-12)
    assert 1904.0 / 9.61 * (ratio**9.61 - 1.0) - gpa > 0.3


def test_below_50_k_the_0_887_nm_of_datchi_are_no_wavelength():
    ruler = RubyRuler()
    assert ruler.unshifted_nm(50.0) == pytest.approx(694.25 - 0.887, abs=0.03)
    with pytest.raises(OutsideCalibration, match="50-900 K"):
        ruler.unshifted_nm(49.0)


def test_vos_coefficients_are_in_angstrom_and_not_1e5_smaller():
    # 0.7 nm of shift over 100 K: 0.0066 nm/K at room temperature, as every other formula.
    vos, datchi = (CORRECTIONS[name].shift_nm(400.0, 300.0) for name in ("vos-1991", "datchi-2007"))
    assert vos == pytest.approx(0.718, abs=0.001)
    assert vos == pytest.approx(datchi, rel=0.05)


def test_a_polynomial_of_t_minus_296_is_not_evaluated_at_t_minus_t0():
    def formula(d):
        return 0.00746 * d - 3.01e-6 * d**2 + 8.76e-9 * d**3

    shift = RubyRuler(reference_temperature_k=450.0).unshifted_nm(700.0) - 694.25
    assert shift == pytest.approx(formula(700.0 - 296.0) - formula(450.0 - 296.0), abs=1e-9)
    assert abs(shift - formula(700.0 - 450.0)) > 0.17  # 0.48 GPa


def test_the_default_reference_is_that_of_the_default_scale_and_no_other():
    assert RubyRuler().reference_wavelength_nm == published_reference_nm("ruby_shen_2020") == 694.25
    wrong = RubyRuler(reference_wavelength_nm=694.22).gpa(698.0, 298.0)
    assert wrong - RubyRuler().gpa(698.0, 298.0) == pytest.approx(0.086, abs=0.002)


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


def test_importing_the_ruler_loads_neither_peritheos_nor_scipy():
    code = (
        "import sys, lics_beamline.physics.ruby; "
        "print([name for name in ('peritheos', 'scipy', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
