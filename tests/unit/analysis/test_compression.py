"""Isotherms of a run with their budget."""

import math

import pytest
from worlds.compressed_alloy import ALLOY, documents, points

from lics_beamline.analysis.compression import compressions
from lics_beamline.analysis.transition import transition
from lics_beamline.exports.reduced_run import reduced_run


@pytest.fixture(scope="module")
def run():
    return reduced_run(documents())


@pytest.fixture(scope="module")
def alloy(run):
    (found,) = compressions(run)
    return found


def edge(pressure, kelvin):
    return lambda each: math.cbrt(each.expansion.volume_angstrom3(pressure, kelvin))


def test_points_are_sorted_into_isotherms_and_the_end_of_heating_belongs_to_the_hot_one(alloy):
    assert [round(each.temperature_k) for each in alloy.recorded.isotherms] == [298, 495]
    assert [len(each.readings) for each in alloy.recorded.isotherms] == [8, 9]
    assert len(alloy.recorded.readings) == 20


@pytest.mark.parametrize(("pressure", "kelvin"), [(3.0, 298.0), (8.0, 298.0), (5.0, 498.0)])
def test_cells_are_those_that_were_put_in(alloy, pressure, kelvin):
    put_in = math.cbrt(ALLOY.volume_angstrom3(pressure, kelvin))
    assert edge(pressure, kelvin)(alloy.recorded) == pytest.approx(put_in, abs=2e-4)


def test_the_budget_names_its_terms_and_the_correction_leads_where_it_is_hot(alloy):
    cold, hot = (alloy.quantity(edge(5.0, kelvin), 1e-4) for kelvin in (298.0, 498.0))
    assert set(hot.terms) == {
        "ruby scale",
        "temperature correction",
        "chip to chip",
        "reference line",
        "line shape",
        "ruby to sample",
        "sample placement",
        "thermocouple",
        "sample moves on heating",
    }
    assert max(hot.terms, key=hot.terms.get) == "temperature correction"
    assert max(cold.terms, key=cold.terms.get) == "chip to chip"
    # 0.0186 A/GPa at 298 K times the 0.08 GPa of 0.03 nm: Vos and Schouten, J. Appl. Phys. 69, 6744 (1991)
    assert cold.terms["chip to chip"] == pytest.approx(0.0186 * 0.082, rel=0.15)
    assert hot.terms["sample moves on heating"] == pytest.approx(0.1 / 350.0 * 3.57, rel=0.05)
    assert hot.sigma == pytest.approx(math.hypot(hot.statistical, hot.systematic))


def test_the_wrong_correction_would_make_the_expansion_smaller_by_a_seventh(alloy):
    ragan = next(each for each in alloy.others if each.under.name == "ragan-1992")
    ratio = ragan.expansion.linear_per_k(3.0) / alloy.recorded.expansion.linear_per_k(3.0)
    assert ratio == pytest.approx(1.48 / 1.75, abs=0.02)


def test_gaskets_and_anvils_have_no_isotherm(run):
    assert [each.recorded.phase for each in compressions(run)] == ["alloy"]


def test_three_points_at_a_temperature_make_no_isotherm_but_stay_readings():
    few = [each for each in points() if each["temperature_k"] == 298.0][:4]
    (found,) = compressions(reduced_run(documents(made=few)))
    assert (len(found.recorded.readings), found.recorded.isotherms, found.others) == (3, (), ())


def test_a_phase_that_comes_and_goes_is_bracketed_by_the_points_around(run):
    seen = transition(run, "alloy")
    (came,), (went,) = seen.appears, seen.disappears
    assert came.pressures_gpa == pytest.approx((2.6, 2.9), abs=0.01)
    assert went.pressures_gpa == pytest.approx((1.5, 1.9), abs=0.01)
    assert seen.half_gpa == pytest.approx(2.75, abs=0.01)
    assert seen.whole_gpa == pytest.approx(2.9, abs=0.01)


def test_a_phase_is_not_the_whole_of_a_sample_that_is_partly_of_none():
    with_unnamed = [each | {"unknown_phases": "unknown 1", "unknown_fraction": 0.3} for each in points()]
    seen = transition(reduced_run(documents(made=with_unnamed)), "alloy")
    assert seen.half_gpa == pytest.approx(2.6 + 0.3 * 0.5 / 0.7, abs=0.01)
    assert math.isnan(seen.whole_gpa)
