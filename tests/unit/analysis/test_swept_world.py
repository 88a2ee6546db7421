"""Blind score of isotherms and expansion on plates of two simulated worlds; the truth is read here and nowhere else."""

import peritheos
import pytest
from scipy.optimize import brentq
from worlds.swept_world import RECIPE, Sweeper, stops

from lics_beamline.analysis.overview import Overview
from lics_beamline.analysis.paper_values import PRINTED_CELLS

COLD_GPA, HOT_GPA = (3.2, 4.0, 5.1, 6.4, 7.95), (9.4, 7.2, 5.3, 3.6, 2.2)


@pytest.fixture(scope="module")
def sweeper():
    """The tables of the detector, made once."""
    return Sweeper()


@pytest.fixture(scope="module")
def swept(sweeper):
    """The volumetric world: five pressures cold, five hot."""
    return sweeper.sweep("volumetric", stops(COLD_GPA, (), HOT_GPA), seed=7)


@pytest.fixture(scope="module")
def alloy(swept):
    return next(each for each in Overview.of(swept.run).phases if each.recorded.phase == "alloy")


@pytest.mark.long
@pytest.mark.parametrize(("gpa", "kelvin"), [(3.3, 298.0), (4.8, 298.0), (7.9, 298.0), (5.0, 498.0)])
def test_cells_are_within_three_of_their_own_errors(swept, alloy, gpa, kelvin):
    found = alloy.quantity(lambda each: each.expansion.volume_angstrom3(gpa, kelvin) ** (1 / 3), 1e-4)
    assert found.value == pytest.approx(swept.edge(gpa, kelvin), abs=3 * found.sigma)
    assert found.sigma < 0.006  # an error that holds everything says nothing


@pytest.mark.long
def test_expansion_is_within_three_of_its_own_errors(swept, alloy):
    for gpa in (3.3, 7.9):
        cold, hot = swept.edge(gpa, 298.0), swept.edge(gpa, 498.0)
        found = alloy.quantity(lambda each, gpa=gpa: each.expansion.volumetric_per_k(gpa))
        assert found.value == pytest.approx(3 * (hot - cold) / (200.0 * cold), abs=3 * found.sigma)
        assert found.sigma < 0.25e-4


@pytest.mark.long
def test_cells_are_within_two_printed_errors_of_the_paper(alloy):
    for kelvin, gpa, printed, sigma in PRINTED_CELLS:
        found = alloy.recorded.expansion.volume_angstrom3(gpa, kelvin) ** (1 / 3)
        assert found == pytest.approx(printed, abs=2 * sigma)


@pytest.mark.long
def test_another_sample_is_data_its_two_phases_are_found_and_are_where_publications_have_them(sweeper):
    salt = sweeper.by(RECIPE.parent / "kcl" / "recipe.toml").sweep("kcl", stops((1.0, 4.0)), seed=3)
    low, high = (point.phases[0] for point in salt.run.points)
    assert (low.name, high.name) == ("kcl-b1", "kcl-b2")
    # Vinet isotherms of Dewaele et al., Phys. Rev. B 85, 214105 (2012), as peritheos has them
    for found, material, gpa in ((low, "kcl_b1", 1.0), (high, "kcl", 4.0)):
        records = {each.identifier: each.eos for each in peritheos.get_material(material).eos_records}
        eos = records["kcl_b1_dewaele_2012_vinet_1" if material == "kcl_b1" else "kcl_b2_dewaele_2012_vinet_3"]
        isotherm = getattr(eos, "rt_eos", eos)
        volume = brentq(lambda v, isotherm=isotherm, gpa=gpa: isotherm.pressure(v) - gpa, 30.0, 250.0)
        assert found.cell["a"] == pytest.approx(volume ** (1 / 3), abs=1e-3)
    overview = Overview.of(salt.run)
    assert [each.recorded.phase for each in overview.phases] == ["kcl-b1", "kcl-b2"]
    assert overview.with_isotherms == ()  # two points make none, and nothing is made up
    (came,) = overview.transitions[1].appears
    assert came.pressures_gpa[0] < 2.0 < came.pressures_gpa[1]  # B1-B2: Walker et al., Am. Mineral. 87, 805 (2002)
