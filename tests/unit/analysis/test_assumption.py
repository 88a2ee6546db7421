"""Pressures and cells under other assumptions than those recorded."""

from dataclasses import replace

import pytest
from worlds.compressed_alloy import documents, points

from lics_beamline.analysis.assumption import RECORDED, Assumption, Reader
from lics_beamline.errors import OutsideCalibration
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.physics.ruby import RubyRuler


@pytest.fixture(scope="module")
def run():
    return reduced_run(documents())


@pytest.fixture(scope="module")
def reader(run):
    return Reader(run)


@pytest.fixture(scope="module")
def hot(run):
    return next(each for each in run.points if each.temperature_k == 495.0 and each.requested_pressure_gpa)


def test_nothing_changes_under_what_was_recorded(reader, hot):
    state = reader.state(hot, RECORDED)
    assert (state.pressure_gpa, state.temperature_k, state.stretch) == (hot.pressure_gpa, 495.0, 1.0)


def test_the_recorded_scale_read_again_gives_the_recorded_pressure(reader, hot):
    named = Assumption(term="", name="", scale="ruby_shen_2020", correction="datchi-2007")
    assert reader.state(hot, named).pressure_gpa == pytest.approx(hot.pressure_gpa, abs=1e-9)


def test_another_correction_gives_what_reducing_a_run_anew_by_it_gave(reader, hot):
    # A point of a recorded run, reduced twice by lics replay: 6.5102 GPa by Datchi 2007 and 6.2768 by Ragan 1992.
    recorded = replace(
        hot,
        ruby_r1_nm=698.0491734519799,
        ruby_temperature_k=495.1391,
        temperature_k=495.1391,
        pressure_gpa=6.510241555639457,
    )
    ragan = Assumption(term="", name="", correction="ragan-1992")
    assert reader.state(recorded, ragan).pressure_gpa == pytest.approx(6.276829, abs=1e-3)


def test_another_scale_gives_what_its_formula_gives(reader, hot):
    nm, kelvin = 698.0, 298.0
    ruler = RubyRuler(reference_wavelength_nm=694.25)
    cold = replace(
        hot, ruby_r1_nm=nm, ruby_temperature_k=kelvin, temperature_k=kelvin, pressure_gpa=ruler.gpa(nm, 298.0)
    )
    mao = Assumption(term="", name="", scale="ruby_mao_1986")
    delta = (nm - 694.25) / 694.25
    expected = 1904.0 / 7.665 * ((1.0 + delta) ** 7.665 - 1.0)  # Mao, Xu and Bell, J. Geophys. Res. 91, 4673 (1986)
    assert reader.state(cold, mao).pressure_gpa == pytest.approx(expected, abs=2e-3)


def test_a_sample_nearer_to_the_detector_had_a_smaller_cell_than_was_read(reader, hot):
    near = Assumption(term="", name="", shift_mm=0.1)
    assert reader.state(hot, near).stretch == pytest.approx(1.0 - 0.1 / 350.0)
    heated = Assumption(term="", name="", shift_mm_per_k=5e-4)
    cold = replace(hot, temperature_k=298.2)
    assert reader.state(hot, heated).stretch == pytest.approx(1.0 - 5e-4 * 197.0 / 350.0)
    assert reader.state(cold, heated).stretch == 1.0


def test_a_hotter_point_has_a_lower_pressure_of_twenty_megapascal_a_kelvin(reader, hot):
    one = Assumption(term="", name="", rise_sigmas=1.0)
    state = reader.state(hot, one)
    rise = state.temperature_k - 495.0
    assert rise == pytest.approx(reader.rise_sigma_k(197.0))
    assert (hot.pressure_gpa - state.pressure_gpa) / rise == pytest.approx(0.0205, rel=0.1)  # Datchi et al. 2007


def test_rivals_are_those_that_hold_at_every_temperature_of_the_run(reader, run):
    names = {each.name for each in reader.assumptions(run.points) if each.term == "temperature correction"}
    assert names == {"ragan-1992", "wei-2024"}  # Vos and Schouten end at 400 K
    cold = tuple(each for each in run.points if each.temperature_k < 300.0)
    terms = {each.term for each in reader.assumptions(cold)}
    assert "vos-1991" in {each.name for each in reader.assumptions(cold)}
    assert not terms & {"thermocouple", "sample moves on heating"}


def test_a_correction_outside_its_range_is_refused(reader, hot):
    with pytest.raises(OutsideCalibration, match="vos-1991 does not hold at 495"):
        reader.state(hot, Assumption(term="", name="", correction="vos-1991"))


def test_the_path_of_these_tests_has_the_points_it_says():
    assert len(points()) == 22
