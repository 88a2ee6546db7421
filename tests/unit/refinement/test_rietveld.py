"""Rietveld fits of patterns drawn from structure factors of gemmi, and the pattern fit against them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from worlds.drawn_alloy import EDGE, alloy, drawn

from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.host_fit import fit_with_site, observed
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.rietveld import RietveldChoice, rank, refine
from lics_beamline.refinement.structural_model import read_model

FACES, CENTRE = read_model(Path("A")), read_model(Path("B"))
CHOICE = RietveldChoice(pattern=FitChoice())


@pytest.fixture(scope="module")
def pattern():
    return drawn(alloy())


@pytest.fixture(scope="module")
def ranked(pattern):
    return rank(pattern, (FACES, CENTRE), choice=CHOICE)


def test_lithium_at_the_centre_is_preferred_to_lithium_on_the_faces(ranked):
    best, worst = ranked
    assert (best.name, worst.name) == ("B", "A")
    assert best.converged
    assert worst.converged
    assert worst.agreement.r_wp_subtracted / best.agreement.r_wp_subtracted > 1.6
    assert best.agreement.r_wp < best.agreement.r_wp_subtracted
    assert best.agreement.chi_squared == pytest.approx(1.0, abs=0.3)


def test_the_structure_that_made_the_pattern_comes_back(ranked):
    (phase,) = ranked[0].phases
    lithium, caesium = phase.site("Li1"), phase.site("Cs1")
    assert phase.cell.a_angstrom == pytest.approx(EDGE, abs=4 * phase.cell_sigma.a_angstrom)
    assert lithium.site.occupancy == pytest.approx(0.7, abs=3 * lithium.occupancy_sigma)
    assert lithium.occupancy_sigma < 0.1
    assert caesium.site.b_iso_angstrom2 == pytest.approx(2.5, abs=0.1)
    assert (caesium.site.occupancy, caesium.occupancy_sigma) == (1.0, 0.0)


def test_what_a_cif_holds_stays_held(ranked):
    lithium = ranked[1].phases[0].site("Li1")
    assert (lithium.site.b_iso_angstrom2, lithium.b_sigma_angstrom2) == (2.0, 0.0)


def test_the_pattern_fit_gives_the_cell_and_the_intensities_of_the_rietveld_fit(pattern, ranked):
    fit, referee = fit_pattern(pattern, (CENTRE.phase(),)), ranked[0].phases[0]
    error = math.hypot(fit.cell_sigma.a_angstrom, referee.cell_sigma.a_angstrom)
    assert fit.cell.a_angstrom == pytest.approx(referee.cell.a_angstrom, abs=error)
    factors = fit.structure_factors
    by_norm = {each.h**2 + each.k**2 + each.l**2: each.squared for each in referee.reflections}
    model = np.array([by_norm[r.h**2 + r.k**2 + r.l**2] for r in (group.reflections[0] for group in factors.groups)])
    weight = np.linalg.inv(factors.covariance)
    scale = float(model @ weight @ factors.squared) / float(model @ weight @ model)
    assert np.abs((factors.squared - scale * model) / factors.sigma).max() < 3.0


def test_all_atoms_may_share_one_b(pattern):
    free = replace(CENTRE, refined=(frozenset({"b"}), frozenset({"b"})))
    fit = refine(pattern, (free,), replace(CHOICE, shared_b=True))
    first, second = (each.site.b_iso_angstrom2 for each in fit.phases[0].sites)
    assert first == pytest.approx(second)
    assert first != pytest.approx(2.0, abs=0.1)


def test_nothing_is_left_in_the_working_folder(pattern, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refine(pattern, (CENTRE,), CHOICE)
    assert not list(tmp_path.iterdir())


def test_a_phase_that_is_not_there_is_not_said_to_be_refined(pattern):
    gasket = read_model(Path("rhenium")).in_cell(UnitCell.hexagonal(2.745, 4.43))
    with pytest.raises(RefinementFailed, match="rhenium"):
        refine(pattern, (CENTRE, gasket), CHOICE)


def test_the_occupancy_from_intensities_is_that_of_the_rietveld_fit(pattern, ranked):
    factors = observed(fit_pattern(pattern, (CENTRE.phase(),)).structure_factors)
    referee = ranked[0].phases[0].site("Li1")
    filled = CENTRE.structure.in_cell(factors.cell)
    found = fit_with_site(factors, filled, (1.0, 8.0))
    assert found.occupancy == pytest.approx(referee.site.occupancy, abs=referee.occupancy_sigma)
    assert found.chi_squared < 2.0
