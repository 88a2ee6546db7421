"""Pawley fits of patterns drawn by other means: Voigt lines of scipy at angles of gemmi's cells, and a measured one."""

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest
from scipy.special import voigt_profile

from lics_beamline.errors import RefinementFailed
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.line_width import LineWidths
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_beamline.refinement.projection import Projection, make_model, usable

WAVELENGTH = 0.41373
ALLOY = PowderPhase(name="alloy", space_group="P m -3 m", cell=UnitCell.cubic(3.4915))
RHENIUM = PowderPhase(name="re-hcp", space_group="P 63/m m c", cell=UnitCell.hexagonal(2.743, 4.427), own_strain=True)
X = np.arange(4.0, 29.0, 0.0112)


def bragg_deg(cell, hkl):
    return 2 * math.degrees(math.asin(WAVELENGTH * math.sqrt(cell.calculate_1_d2(hkl)) / 2))


def strength(cell, hkl, squared, planes):
    theta = math.radians(bragg_deg(cell, hkl)) / 2
    return planes * squared / (math.sin(theta) ** 2 * math.cos(theta) * cell.volume**2)


def line(x, centre, *, strain=0.05):
    theta = math.radians(centre) / 2
    sigma = math.sqrt(0.004 * math.tan(theta) ** 2 + 0.0016) / math.sqrt(8 * math.log(2))
    return voigt_profile(x - centre, sigma, (0.01 / math.cos(theta) + strain * math.tan(theta)) / 2)


def families(cell, space_group):
    group = gemmi.SpaceGroup(space_group)
    for hkl in gemmi.make_miller_array(cell, group, WAVELENGTH / (2 * math.sin(math.radians(15.0)))):
        equivalent = {tuple(operation.apply_to_hkl(list(hkl))) for operation in group.operations()}
        yield list(hkl), len(equivalent | {tuple(-i for i in h) for h in equivalent})


def squared_of(cell, hkl):
    return 3000.0 * math.exp(-1.5 * cell.calculate_1_d2(hkl)) * (1 + 0.05 * math.cos(math.pi * int(sum(hkl))))


def drawn(phases, *, counts=400.0, seed=1, shift=lambda angle: angle):
    """Poisson pattern of some (cell, space group, weight, strain) over a sloping background."""
    mean = 8 + 60 * np.exp(-X / 3) + 45 * (1 - np.exp(-((X / 9) ** 2))) * np.exp(-X / 60)
    for cell, space_group, weight, strain in phases:
        for hkl, planes in families(cell, space_group):
            area = weight * strength(cell, hkl, squared_of(cell, hkl), planes)
            mean = mean + area * line(X, shift(bragg_deg(cell, hkl)), strain=strain)
    return Pattern(
        two_theta_deg=X,
        intensity=np.random.default_rng(seed).poisson(counts * mean) / counts,
        sigma=np.sqrt(mean / counts),
        wavelength_angstrom=WAVELENGTH,
    )


TRUE = gemmi.UnitCell(3.4890, 3.4890, 3.4890, 90, 90, 90)
TRUE_RE = gemmi.UnitCell(2.7410, 2.7410, 4.4240, 90, 90, 120)
ALONE = (TRUE, "P m -3 m", 0.05, 0.05)


@pytest.fixture(scope="module")
def fit():
    return fit_pattern(drawn([ALONE], counts=60.0), (ALLOY,))


def test_cell_and_intensities_come_back_within_their_errors(fit):
    """A pseudo-Voigt's area is that of a Voigt but for a smooth drift of 1 %, which a structure's scale and B take."""
    assert fit.cell.a_angstrom == pytest.approx(3.4890, abs=4 * fit.cell_sigma.a_angstrom)
    assert fit.cell_sigma.a_angstrom < 3e-5
    factors = fit.structure_factors
    truth = np.array([0.05 * squared_of(TRUE, [*vars_of(group.reflections[0])]) for group in factors.groups])
    ratio, error = factors.squared / truth, factors.sigma / truth
    assert ratio[0] == pytest.approx(1.0, abs=0.01)
    drift = np.polynomial.Polynomial.fit(factors.s_per_angstrom**2, ratio, 1, w=1 / error)
    pulls = (ratio - drift(factors.s_per_angstrom**2)) / error
    assert np.abs(drift(factors.s_per_angstrom**2) - 1.0).max() < 0.03
    assert np.abs(pulls).max() < 3.5
    assert 0.3 < np.mean(pulls**2) < 2.0
    assert error[0] < 0.004
    assert 0.9 < fit.agreement.chi_squared < 1.5


def vars_of(reflection):
    return reflection.h, reflection.k, reflection.l


def test_families_that_no_cell_can_separate_share_a_ring(fit):
    assert all(group.exact for group in fit.structure_factors.groups)
    together = {str(group): group.multiplicity for group in fit.structure_factors.groups if len(group.reflections) > 1}
    assert {tuple(sorted(name.split("/"))): planes for name, planes in together.items()} == {
        ("221", "300"): 30,
        ("322", "410"): 48,
    }


def test_errors_tell_the_scatter_of_repeated_measurements():
    inner = FitChoice(two_theta_deg=(5.0, 18.0), background_terms=8)
    fits = [fit_pattern(drawn([ALONE], counts=40.0, seed=seed), (ALLOY,), inner) for seed in range(12)]
    edges = np.array([fit.cell.a_angstrom for fit in fits])
    strong = np.array([fit.structure_factors.squared[:6] for fit in fits])
    claimed = np.mean([fit.structure_factors.sigma[:6] for fit in fits], axis=0)
    # chi^2 and correlation only ever enlarge errors, so claims are a little large and must not be small.
    assert 0.4 < np.std(edges, ddof=1) / np.mean([fit.cell_sigma.a_angstrom for fit in fits]) < 1.3
    assert 0.6 < np.sqrt(np.mean((strong.std(axis=0, ddof=1) / claimed) ** 2)) < 1.15


def test_a_gasket_beside_the_sample_gets_its_own_cell_and_strain():
    pattern = drawn([ALONE, (TRUE_RE, "P 63/m m c", 0.0006, 0.20)])
    fit = fit_pattern(pattern, (ALLOY, RHENIUM))
    gasket = fit.phase("re-hcp")
    assert gasket.cell.a_angstrom == pytest.approx(2.7410, abs=4 * gasket.cell_sigma.a_angstrom)
    assert gasket.cell.c_angstrom == pytest.approx(4.4240, abs=4 * gasket.cell_sigma.c_angstrom)
    assert fit.number("re-hcp y").value == pytest.approx(0.15, abs=0.04)
    assert fit.cell.a_angstrom == pytest.approx(3.4890, abs=4 * fit.cell_sigma.a_angstrom)


def test_a_ring_in_an_excluded_range_is_not_reported_and_does_no_harm(fit):
    choice = FitChoice(excluded_deg=((11.5, 12.0),))
    pattern = drawn([ALONE], counts=60.0)
    spoiled = np.where((X > 11.5) & (X < 12.0), 1e4, pattern.intensity)
    cut = fit_pattern(
        Pattern(two_theta_deg=X, intensity=spoiled, sigma=pattern.sigma, wavelength_angstrom=WAVELENGTH),
        (ALLOY,),
        choice,
    )
    assert "111" in [str(group) for group in fit.structure_factors.groups]
    assert "111" not in [str(group) for group in cut.structure_factors.groups]
    assert cut.cell.a_angstrom == pytest.approx(fit.cell.a_angstrom, abs=3e-5)


def test_a_constant_shift_is_told_from_the_cell():
    fit = fit_pattern(drawn([ALONE], shift=lambda angle: angle + 0.01), (ALLOY,), FitChoice(shift="zero"))
    assert fit.number("shift").value == pytest.approx(0.01, abs=4 * fit.number("shift").sigma)
    assert fit.cell.a_angstrom == pytest.approx(3.4890, abs=4 * fit.cell_sigma.a_angstrom)


def test_a_sample_that_moved_along_the_beam_is_seen_against_a_standard():
    def moved(angle):
        return math.degrees(math.atan(math.tan(math.radians(angle)) * (350.0 - 0.1) / 350.0))

    standard = PowderPhase(
        name="re-hcp", space_group="P 63/m m c", cell=UnitCell.hexagonal(2.7410, 4.4240), refine_cell=False
    )
    pattern = drawn([ALONE, (TRUE_RE, "P 63/m m c", 0.002, 0.05)], shift=moved)
    blind = fit_pattern(pattern, (ALLOY,), FitChoice(excluded_deg=((9.8, 11.4),)))
    fit = fit_pattern(pattern, (ALLOY, standard), FitChoice(shift="along-beam"))
    assert blind.cell.a_angstrom - 3.4890 > 8e-4
    assert fit.number("shift").value == pytest.approx(0.1 / 350.0, abs=4 * fit.number("shift").sigma)
    assert fit.cell.a_angstrom == pytest.approx(3.4890, abs=1.5e-4)


@pytest.mark.parametrize(
    ("symbol", "cell", "true"),
    [
        ("R -3 m:R", (4.1, 4.1, 4.1, 57.0, 57.0, 57.0), (4.102, 4.102, 4.102, 57.03, 57.03, 57.03)),
        ("P 1 21/c 1", (4.2, 3.6, 5.1, 90.0, 98.0, 90.0), (4.201, 3.602, 5.099, 90.0, 98.03, 90.0)),
    ],
)
def test_cells_of_low_symmetry_are_refined_too(symbol, cell, true):
    phase = PowderPhase(
        name="other", space_group=symbol, cell=UnitCell(**dict(zip(UnitCell.__dataclass_fields__, cell, strict=True)))
    )
    pattern = drawn([(gemmi.UnitCell(*true), symbol, 0.05, 0.05)])
    fit = fit_pattern(pattern, (phase,), FitChoice(two_theta_deg=(4.0, 20.0)))
    for found, error, expected in zip(fit.cell.numbers, fit.cell_sigma.numbers, true, strict=True):
        assert found == pytest.approx(expected, abs=4 * error + 1e-12)
        assert error < 0.01
    assert len(fit.structure_factors.groups) > 8


@pytest.mark.parametrize("shift", ["along-beam", "off-axis"])
@pytest.mark.parametrize("second_angstrom", [None, 1.0025 * WAVELENGTH])
def test_the_slopes_are_those_of_the_pattern(shift, second_angstrom):
    widths = ("u", "v", "w", "x", "y")
    choice = FitChoice(shift=shift, refined_widths=widths, second_angstrom=second_angstrom, reach=1e4)
    data = usable(drawn([ALONE]), choice)
    model = make_model(data, WAVELENGTH, (ALLOY, RHENIUM), choice)
    times = 2 if second_angstrom else 1
    at = model.start() + np.where(np.array(model.names) == "re-hcp y", 0.02, 1e-4)
    problem = Projection(model=model, data=data, terms=12)
    strengths = problem.solved(at).linear[: model.ring_count]
    slopes = model.profiles(at).slopes(strengths)
    here = model.lines(at)
    for k in range(at.size):
        up, down = at.copy(), at.copy()
        up[k] += 1e-7
        down[k] -= 1e-7
        ups, downs = model.profiles(up), model.profiles(down)
        for profiles in (ups, downs):  # the Lorentz factor is the strengths' affair
            changed = model.lines(up if profiles is ups else down).weight / here.weight
            profiles.value[:] /= np.tile(changed, times)[profiles.line]
        numeric = (ups.matrix() - downs.matrix()) @ strengths / 2e-7
        assert np.abs(slopes[:, k] - numeric).max() < 2e-3 * np.abs(numeric).max()


def test_the_cell_of_a_measured_standard_is_found():
    # Na2Ca3Al2F14 with CaF2, APS 11-BM, shipped with rietx; a = 10.2512 angstrom is the standard's own value.
    rows = []
    package = Path(str(importlib.util.find_spec("rietx").origin)).parent
    with (package / "data/examples/11BM_NAC.fxye").open(encoding="latin-1") as lines:
        for text in lines:
            words = text.split()
            if len(words) == 3 and words[0].replace(".", "").isdigit():
                rows.append([float(word) for word in words])
    table = np.array(rows)
    pattern = Pattern(
        two_theta_deg=table[:, 0] / 100.0,
        intensity=table[:, 1],
        sigma=table[:, 2],
        wavelength_angstrom=0.413909,  # the file's header
    )
    choice = FitChoice(two_theta_deg=(3.0, 24.0), widths=LineWidths(w_deg2=2e-5, x_deg=2e-3, y_deg=0.01), shift="zero")
    phases = (
        PowderPhase(name="NAC", space_group="I 21 3", cell=UnitCell.cubic(10.25)),
        PowderPhase(name="CaF2", space_group="F m -3 m", cell=UnitCell.cubic(5.463)),
    )
    fit = fit_pattern(pattern, phases, choice)
    assert fit.cell.a_angstrom == pytest.approx(10.2512, abs=2e-4)
    assert fit.cell_sigma.a_angstrom < 2e-5
    assert fit.agreement.r_wp < 0.08


def test_a_cell_that_runs_away_is_refused():
    pattern = drawn([ALONE])
    elsewhere = PowderPhase(name="ghost", space_group="P m -3 m", cell=UnitCell.cubic(3.36))
    with pytest.raises(RefinementFailed, match=r"ghost a went from 3\.3600"):
        fit_pattern(pattern, (elsewhere,), FitChoice(two_theta_deg=(5.0, 12.5)))


def test_a_fit_that_the_pattern_cannot_bear_is_refused():
    pattern = drawn([ALONE])
    with pytest.raises(RefinementFailed, match="bins are left"):
        fit_pattern(pattern, (ALLOY,), FitChoice(two_theta_deg=(9.0, 9.2)))
    with pytest.raises(RefinementFailed, match="no reflection"):
        fit_pattern(pattern, (ALLOY,), FitChoice(two_theta_deg=(4.0, 5.0)))
    with pytest.raises(ValueError, match="no width 'q'"):
        fit_pattern(pattern, (ALLOY,), FitChoice(refined_widths=("q",)))


def test_a_ring_whose_grains_were_not_measured_has_the_typical_error_of_the_others(fit):
    alloy, pattern = fit.phases[0], drawn([ALONE], counts=60.0)
    assert not alloy.grain_errors(pattern).any()
    measured = {0: 0.06, 1: 0.12, 3: 0.24}
    graininess = np.full(X.size, np.nan)
    for ring, scatter in measured.items():
        graininess[np.abs(X - alloy.two_theta_deg[ring]) < alloy.fwhm_deg[ring]] = scatter
    errors = alloy.grain_errors(replace(pattern, graininess=graininess))
    assert errors[list(measured)] == pytest.approx(np.array([0.06, 0.12, 0.24]) / math.sqrt(72))
    assert np.delete(errors, list(measured)) == pytest.approx(0.12 / math.sqrt(72))
