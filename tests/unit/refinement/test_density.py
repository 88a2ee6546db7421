import numpy as np
import pytest
from worlds.measured_alloy import CELL, QUESTION, groups, measured

from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.basins import basins
from lics_beamline.refinement.density import default_grid, judge
from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.maxima import maxima
from lics_beamline.refinement.occupancy import SiteEstimator, occupancy
from lics_beamline.refinement.site_charge import basin_charge, sphere_weights

GRID = DensityGrid(cell=CELL, space_group="P m -3 m", shape=(32, 32, 32))


def gaussians(grid, centres, charges, widths):
    """Sum of Gaussians of known charge, with periodic images."""
    values = np.full(grid.shape, 1e-3)
    for centre, charge, width in zip(centres, charges, widths, strict=True):
        r = grid.distance_angstrom(centre)
        values += charge * np.exp(-0.5 * (r / width) ** 2) / (2 * np.pi * width**2) ** 1.5
    return values


@pytest.fixture(scope="module")
def supported():
    return judge(QUESTION, measured(0.7, seed=11), grid=GRID, replicas=16)


def test_lithium_is_found_with_its_occupancy(supported):
    assert supported.verdict == "supported"
    assert supported.occupancy.value == pytest.approx(0.7, abs=3 * supported.occupancy.sigma)
    assert supported.occupancy.sigma < 0.05
    assert supported.maximum.position == pytest.approx((0.5, 0.5, 0.5), abs=1e-6)
    assert 1.0 < supported.basin_electrons < 2.1
    assert "errors clear of empty" in str(supported)


def test_a_site_without_lithium_is_excluded():
    found = judge(QUESTION, measured(0.0, seed=12), grid=GRID, replicas=16)
    assert found.verdict == "excluded"
    assert found.occupancy.value == pytest.approx(0.0, abs=4 * found.occupancy.sigma)
    assert np.isnan(found.basin_electrons)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("occupancy", [0.0, 0.7])
def test_texture_of_three_percent_is_not_decided_and_gets_no_number(seed, occupancy):
    found = judge(QUESTION, measured(occupancy, seed=seed, whole_rings=0.06), grid=GRID)  # 3 % of |F|
    assert found.verdict == "not decided by these data"
    assert found.occupancy is None
    assert "whole rings are off" in found.reasons[0]


def test_grains_seen_along_the_rings_are_not_decided_even_where_the_rings_agree():
    found = judge(QUESTION, measured(0.7, seed=11), grid=GRID, grain_error=0.03)
    assert found.verdict == "not decided by these data"
    assert found.occupancy is None
    assert "3.0 % of each (limit 2 %)" in found.reasons[0]


def test_errors_too_large_are_not_decided_and_get_no_number():
    found = judge(QUESTION, measured(0.7, seed=3, relative=0.2), grid=GRID, replicas=16)
    assert found.verdict == "not decided by these data"
    assert found.occupancy is None
    assert np.isnan(found.basin_electrons)


def test_too_few_rings_are_not_decided():
    found = judge(QUESTION, measured(0.7, seed=3, rings=groups(5)), grid=GRID)
    assert found.verdict == "not decided by these data"
    assert "5 rings" in found.reasons[0]


def test_a_reflection_lost_in_noise_is_left_out_and_named():
    factors = measured(0.7, seed=4)
    squared = factors.squared.copy()
    squared[4] = -1.0
    changed = type(factors)(
        space_group=factors.space_group,
        cell=factors.cell,
        wavelength_angstrom=factors.wavelength_angstrom,
        groups=factors.groups,
        squared=squared,
        covariance=factors.covariance,
    )
    found = judge(QUESTION, changed, grid=GRID, replicas=8)
    assert found.left_out == ("210",)
    assert found.verdict == "supported"


def test_the_default_grid_fits_any_symmetry():
    factors = measured(0.7, seed=1)
    assert default_grid(factors).shape == (64, 64, 64)
    hexagonal = type(factors)(
        space_group="P 63/m m c",
        cell=UnitCell.hexagonal(2.761, 4.456),
        wavelength_angstrom=0.4,
        groups=(),
        squared=np.zeros(0),
        covariance=np.zeros((0, 0)),
    )
    default_grid(hexagonal).orbits()


def test_a_maximum_between_grid_points_is_found_where_it_is():
    grid = DensityGrid(cell=UnitCell.cubic(4.0), space_group="P 1", shape=(32, 32, 32))
    centre = (0.31, 0.477, 0.752)
    found = maxima(gaussians(grid, [centre], [3.0], [0.3]), grid)
    assert found[0].position == pytest.approx(centre, abs=5e-4)
    assert found[0].height == pytest.approx(3.0 / (2 * np.pi * 0.09) ** 1.5, rel=5e-3)


def test_maxima_that_symmetry_makes_equal_are_one():
    grid = DensityGrid(cell=UnitCell.cubic(4.0), space_group="P m -3 m", shape=(32, 32, 32))
    faces = [(0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5)]
    found = maxima(gaussians(grid, [(0.0, 0.0, 0.0), *faces], [9.0, 2.0, 2.0, 2.0], [0.3] * 4), grid)
    assert [one.images for one in found[:2]] == [1, 3]


def test_basins_of_atoms_apart_hold_their_charges():
    grid = DensityGrid(cell=UnitCell.cubic(6.0), space_group="P 1", shape=(40, 40, 40))
    centres = [(0.1, 0.2, 0.3), (0.6, 0.7, 0.8)]
    found = basins(gaussians(grid, centres, [9.0, 3.0], [0.4, 0.4]), grid)
    spread = 1e-3 * grid.volume_angstrom3
    assert found.charge.sum() == pytest.approx(12.0 + spread, rel=1e-3)
    assert found.charge[0] == pytest.approx(9.0, abs=spread)
    assert basin_charge(found, grid, centres[1]) == pytest.approx(3.0, abs=spread)


def test_the_surface_between_two_basins_lies_where_the_gradient_turns():
    # Two equal Gaussians on an axis: by symmetry the surfaces are the planes half-way between them.
    grid = DensityGrid(cell=UnitCell.cubic(4.0), space_group="P 1", shape=(32, 32, 32))
    found = basins(gaussians(grid, [(0.125, 0.5, 0.5), (0.625, 0.5, 0.5)], [5.0, 5.0], [0.5, 0.5]), grid)
    x = np.arange(32) / 32
    first = found.label[:, 16, 16] == found.label[4, 16, 16]
    inside = np.abs((x - 0.125 + 0.5) % 1 - 0.5) < 0.25 - 1e-9
    on_plane = np.abs(np.abs((x - 0.125 + 0.5) % 1 - 0.5) - 0.25) < 1e-9
    np.testing.assert_array_equal(first[~on_plane], inside[~on_plane])
    assert found.volume_angstrom3.sum() == pytest.approx(64.0)


def test_ripples_join_the_basin_over_the_highest_pass():
    grid = DensityGrid(cell=UnitCell.cubic(4.0), space_group="P 1", shape=(32, 32, 32))
    values = gaussians(
        grid, [(0.25, 0.5, 0.5), (0.75, 0.5, 0.5), (0.46875, 0.5, 0.5)], [5.0, 4.0, 0.02], [0.3, 0.3, 0.08]
    )
    assert basins(values, grid, smallest_electrons=0.0).charge.size == 3
    joined = basins(values, grid)
    assert joined.charge.size == 2
    assert joined.label[15, 16, 16] == joined.label[8, 16, 16]


@pytest.mark.parametrize("radius", [0.6, 1.0, 1.37])
def test_a_sphere_counts_the_charge_of_a_gaussian(radius):
    from scipy.special import erf

    grid = DensityGrid(cell=UnitCell.cubic(3.489), space_group="P 1", shape=(64, 64, 64))
    width, site = 0.45, (0.5, 0.5, 0.5)
    values = gaussians(grid, [site], [2.0], [width]) - 1e-3
    t = radius / width
    exact = 2.0 * (erf(t / np.sqrt(2)) - np.sqrt(2 / np.pi) * t * np.exp(-t * t / 2))
    assert np.sum(sphere_weights(grid, site, radius) * values) == pytest.approx(exact, rel=3e-3)


def test_points_belong_to_the_atom_that_the_gradient_leads_to():
    # Against the path of steepest ascent itself, on a grid four times as coarse along one axis.
    cell = UnitCell(a_angstrom=3.0, b_angstrom=3.0, c_angstrom=12.0)
    grid = DensityGrid(cell=cell, space_group="P 1", shape=(24, 24, 24))
    centres, charges, widths = np.array([(0.25, 0.25, 0.375), (0.625, 0.625, 0.625)]), (9.0, 2.0), (0.75, 0.6)
    values = gaussians(grid, [tuple(one) for one in centres], charges, widths)
    label = basins(values, grid, smallest_electrons=0.0).label
    lengths = np.array(cell.numbers[:3])

    def offsets(place):
        apart = place / lengths - centres
        return (apart - np.round(apart)) * lengths

    def ascent(place):
        r = offsets(place)
        heights = np.array(charges) / (2 * np.pi * np.square(widths)) ** 1.5
        weights = heights * np.exp(-0.5 * (r**2).sum(axis=1) / np.square(widths)) / np.square(widths)
        gradient = -(weights[:, None] * r).sum(axis=0)
        return gradient / np.linalg.norm(gradient)

    agreed = 0
    points = np.random.default_rng(4).integers(0, 24, (300, 3))
    for point in points:
        place = point / 24 * lengths
        while np.linalg.norm(offsets(place), axis=1).min() > 0.1:
            place = place + 0.02 * ascent(place)
        nearest = int(np.argmin(np.linalg.norm(offsets(place), axis=1)))
        top = tuple(np.round(centres[nearest] * 24).astype(int))
        agreed += label[tuple(point)] == label[top]
    assert agreed / len(points) > 0.985


@pytest.mark.long
def test_noise_is_part_of_the_calibration():
    # With large errors entropy flattens a site that noise, in real data, makes stand out again.
    factors = measured(0.7, seed=5, relative=0.05)
    estimator = SiteEstimator(QUESTION, factors, GRID)
    found = occupancy(estimator, estimator.charge(estimator.density()), replicas=40)
    quiet = estimator.charge(estimator.density(estimator.squares(1.0, QUESTION.b_angstrom2)))
    assert found.full_electrons - quiet > 0.04  # 3 % of an atom
