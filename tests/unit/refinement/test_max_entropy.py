import itertools

import gemmi
import numpy as np
import pytest
import xraydb
from scipy.optimize import minimize

from lics_beamline.errors import BadReading, OutsideCalibration, RefinementFailed
from lics_beamline.physics.crystal import Reflection
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.amplitudes import Amplitudes
from lics_beamline.refinement.constraint_basis import DENSE_NUMBERS, FourierBasis, OrbitBasis, basis_for
from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.max_entropy import MaxEntropy
from lics_beamline.refinement.structure_factors import ReflectionGroup

CELL = UnitCell.cubic(3.489)
FAMILIES = {  # families of the alloy out to the corner of the plate: sum of squares -> representatives
    n: [h for h in itertools.product(range(5), repeat=3) if h[0] >= h[1] >= h[2] and sum(i * i for i in h) == n]
    for n in range(1, 21)
}


def multiplicity(hkl):
    return len(
        {
            tuple(s * i for s, i in zip(sign, order, strict=True))
            for order in itertools.permutations(hkl)
            for sign in itertools.product((1, -1), repeat=3)
        }
    )


def alloy(*, occupancy, sigma, noise=None, electrons=58.0, element="Cs"):
    groups, amplitude, phased = [], [], []
    for n, families in FAMILIES.items():
        if not families:
            continue
        s = np.sqrt(n) / (2 * CELL.a_angstrom)
        groups.append(
            ReflectionGroup(
                reflections=tuple(Reflection(*hkl) for hkl in families),
                multiplicities=tuple(multiplicity(hkl) for hkl in families),
                s_per_angstrom=s,
            )
        )
        heavy = float(xraydb.f0(element, s)[0]) * np.exp(-1.5 * s * s)
        light = float(xraydb.f0("Li", s)[0]) * np.exp(-3.0 * s * s)
        factors = np.array([heavy + occupancy * light * (-1) ** sum(hkl) for hkl in families])
        weights = np.array([multiplicity(hkl) for hkl in families])
        amplitude.append(np.sqrt(weights @ factors**2 / weights.sum()))
        phased.append(np.full(len(families), heavy, dtype=complex))
    amplitude = np.array(amplitude)
    error = sigma * amplitude
    if noise is not None:
        amplitude = amplitude + error * np.random.default_rng(noise).normal(size=amplitude.size)
    return Amplitudes(
        cell=CELL,
        space_group="P m -3 m",
        electrons=electrons,
        groups=tuple(groups),
        amplitude=amplitude,
        sigma=error,
        phased=tuple(phased),
    )


def single(hkls, factors, *, cell, space_group, electrons, sigma=0.05):
    unit = gemmi.UnitCell(*cell.numbers)
    operations = gemmi.SpaceGroup(space_group).operations()
    groups = []
    for hkl in hkls:
        family = {tuple(op.apply_to_hkl(list(hkl))) for op in operations}
        family |= {tuple(-i for i in one) for one in family}
        groups.append(
            ReflectionGroup(
                reflections=(Reflection(*hkl),),
                multiplicities=(len(family),),
                s_per_angstrom=0.5 / unit.calculate_d(list(hkl)),
            )
        )
    return Amplitudes(
        cell=cell,
        space_group=space_group,
        electrons=electrons,
        groups=tuple(groups),
        amplitude=np.abs(factors),
        sigma=np.full(len(hkls), sigma),
        phased=tuple(np.array([f]) for f in factors),
    )


def fractional(grid):
    """Coordinates of all points of a grid, in the order of a raveled map."""
    return np.argwhere(np.ones(grid.shape)) / grid.shape


@pytest.fixture(scope="module")
def data():
    return alloy(occupancy=0.7, sigma=0.002, noise=1)


@pytest.fixture(scope="module")
def method(data):
    return MaxEntropy(data, DensityGrid(cell=CELL, space_group="P m -3 m"))


@pytest.fixture(scope="module")
def density(method):
    return method.solve()


def test_a_density_keeps_the_electrons_is_positive_and_meets_the_criterion(density):
    assert density.values.sum() * density.grid.voxel_angstrom3 == pytest.approx(58.0, rel=1e-10)
    assert density.values.min() > 0.0
    assert density.convergence.c == pytest.approx(1.0, abs=2e-3)
    assert str(density.convergence).startswith("dual: C = ")


def test_lithium_appears_where_nobody_put_it(density):
    centre, face = density.values[32, 32, 32], density.values[32, 32, 0]
    assert centre > 4.0
    assert face < 0.3


def test_without_lithium_the_centre_stays_empty(method):
    empty = method.solve(alloy(occupancy=0.0, sigma=0.002, noise=2).amplitude)
    assert empty.values[32, 32, 32] < 0.3


def test_the_dual_is_the_maximum_that_a_general_optimiser_finds():
    cell, electrons = UnitCell.cubic(4.0), 10.0
    wanted = single(
        [(1, 0, 0), (0, 1, 0), (1, 1, 0)],
        np.array([4.0 + 1.0j, 2.5j, -1.5 + 0.5j]),
        cell=cell,
        space_group="P 1",
        electrons=electrons,
        sigma=0.3,
    )
    grid = DensityGrid(cell=cell, space_group="P 1", shape=(4, 4, 4))
    ours = MaxEntropy(wanted, grid).solve().values.ravel() * grid.voxel_angstrom3 / electrons

    waves = np.exp(2j * np.pi * fractional(grid) @ np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]]).T)
    aim = np.array([4.0 + 1.0j, 2.5j, -1.5 + 0.5j])

    def misfit(p):
        return 1.0 - np.mean(np.abs(aim - electrons * p @ waves) ** 2) / 0.3**2

    theirs = minimize(
        lambda p: p @ np.log(p * p.size),
        np.full(64, 1 / 64),
        jac=lambda p: np.log(p * p.size) + 1.0,
        method="SLSQP",
        bounds=[(1e-9, 1.0)] * 64,
        options={"maxiter": 500, "ftol": 1e-12},
        constraints=[
            {"type": "eq", "fun": lambda p: p.sum() - 1.0, "jac": np.ones_like},
            {"type": "ineq", "fun": misfit},
        ],
    ).x
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.parametrize(
    ("space_group", "cell", "shape", "hkls"),
    [
        ("P 63/m m c", UnitCell.hexagonal(2.761, 4.456), (16, 16, 24), [(1, 0, 0), (0, 0, 2), (1, 0, 1), (1, 1, 0)]),
        (
            "P 1 21 1",
            UnitCell(a_angstrom=5.0, b_angstrom=6.0, c_angstrom=7.0, beta_deg=103.0),
            (12, 16, 18),
            [(1, 0, 0), (0, 2, 0), (1, 1, 1), (1, 1, -2)],
        ),
        (
            "P 41 21 2",
            UnitCell(a_angstrom=5.0, b_angstrom=5.0, c_angstrom=7.0),
            (16, 16, 24),
            [(1, 1, 0), (1, 0, 1), (2, 1, 3), (1, 1, 2)],
        ),
        ("I m -3 m", UnitCell.cubic(3.3), (16, 16, 16), [(1, 1, 0), (2, 0, 0), (2, 1, 1), (3, 1, 0)]),
    ],
)
def test_any_space_group_is_kept_and_its_structure_factors_are_those_of_the_density(space_group, cell, shape, hkls):
    # One electron at each image of a general place, eight at each of the origin: sums over gemmi's operations.
    operations = gemmi.SpaceGroup(space_group).operations()
    factors, electrons = np.zeros(len(hkls), dtype=complex), 0.0
    for place, charge in (([0.1, 0.23, 0.37], 1.0), ([0.0, 0.0, 0.0], 8.0)):
        atoms = {tuple(np.round(np.mod(op.apply_to_xyz(place), 1.0), 6) % 1.0) for op in operations}
        factors += [charge * sum(np.exp(2j * np.pi * np.dot(hkl, atom)) for atom in atoms) for hkl in hkls]
        electrons += charge * len(atoms)
    wanted = single(hkls, factors, cell=cell, space_group=space_group, electrons=electrons, sigma=0.02)
    grid = DensityGrid(cell=cell, space_group=space_group, shape=shape)
    density = MaxEntropy(wanted, grid).solve()
    direct = [
        electrons * (density.values.ravel() @ np.exp(2j * np.pi * fractional(grid) @ hkl)) / density.values.sum()
        for hkl in np.array(hkls)
    ]
    np.testing.assert_allclose(direct, np.concatenate(density.factors), atol=1e-6)
    np.testing.assert_allclose(direct, factors, atol=0.1)
    for op in operations:
        image = tuple(
            round(x * n) % n
            for x, n in zip(op.apply_to_xyz([3 / shape[0], 2 / shape[1], 5 / shape[2]]), shape, strict=True)
        )
        assert density.values[image] == pytest.approx(density.values[3, 2, 5], rel=1e-9)


def test_fourier_transforms_and_the_matrix_are_one_map():
    cell = UnitCell(a_angstrom=5.0, b_angstrom=5.0, c_angstrom=7.0)
    hkls = [(1, 1, 0), (1, 0, 1), (2, 1, 3), (1, 1, 2)]
    wanted = single(hkls, np.array([1.0, 1j, -1.0, 1 + 1j]), cell=cell, space_group="P 41 21 2", electrons=10.0)
    small = basis_for(wanted, DensityGrid(cell=cell, space_group="P 41 21 2", shape=(16, 16, 24)))
    assert isinstance(small, OrbitBasis)
    operations = gemmi.SpaceGroup("P 41 21 2").operations()
    waves = []
    for hkl in hkls:
        wave = {hkl: 0j}
        for op in operations:
            at = tuple(op.apply_to_hkl(list(hkl)))
            wave[at] = wave.get(at, 0j) + np.exp(-1j * op.phase_shift(list(hkl))) / len(operations)
        waves.append(wave)
    large = FourierBasis.of(small.orbits, waves)
    generator = np.random.default_rng(3)
    density = generator.random(small.orbits.size.size)
    weight = generator.normal(size=4) + 1j * generator.normal(size=4)
    np.testing.assert_allclose(large.factors(density), small.factors(density), atol=1e-9)
    np.testing.assert_allclose(large.field(weight), small.field(weight), atol=1e-12)


def test_large_problems_are_solved_by_fourier_transforms():
    cell = UnitCell(a_angstrom=5.0, b_angstrom=6.0, c_angstrom=7.0)
    hkls = [h for h in itertools.product(range(-7, 8), repeat=3) if h > (0, 0, 0) and max(map(abs, h)) > 5][:700]
    factors = np.array([3.0 * np.exp(2j * np.pi * np.dot(hkl, (0.25, 0.5, 0.125))) for hkl in hkls])
    wanted = single(hkls, factors, cell=cell, space_group="P 1", electrons=5.0, sigma=0.3)
    grid = DensityGrid(cell=cell, space_group="P 1", shape=(32, 32, 32))
    assert len(hkls) * grid.points > DENSE_NUMBERS
    density = MaxEntropy(wanted, grid).solve()
    assert density.convergence.c == pytest.approx(1.0, abs=2e-3)
    assert np.unravel_index(density.values.argmax(), grid.shape) == (8, 16, 4)


def test_a_group_keeps_its_root_mean_square_and_leaves_the_shares_to_the_density(data, density):
    place = next(i for i, group in enumerate(data.groups) if str(group) in ("300/221", "221/300"))
    weights = np.array(data.groups[place].multiplicities)
    mean = np.sqrt(weights @ np.abs(density.factors[place]) ** 2 / weights.sum())
    assert (data.amplitude[place] - mean) / data.sigma[place] == pytest.approx(
        density.convergence.residual[place], abs=1e-6
    )
    # A spherical atom's structure factor depends on the angle alone: 300 and 221 are equal in this crystal.
    ratio = np.abs(density.factors[place][0] / density.factors[place][1])
    assert ratio == pytest.approx(1.0, abs=0.02)


def test_weights_by_spacing_spread_the_residuals(data):
    grid = DensityGrid(cell=CELL, space_group="P m -3 m", shape=(32, 32, 32))
    plain = MaxEntropy(data, grid).solve().convergence.residual
    weighted = MaxEntropy(data, grid, weight_exponent=4.0).solve().convergence.residual
    assert np.abs(weighted[:2]).max() < np.abs(plain[:2]).max()


def test_a_prior_that_fits_is_the_answer(density, data):
    again = MaxEntropy(data, density.grid, prior=density.values).solve(target=1.01)
    assert again.convergence.multiplier == 0.0
    np.testing.assert_allclose(again.values, density.values, rtol=1e-9)


def test_data_that_no_positive_density_has_are_refused_with_the_reason(data):
    # Amplitudes that alternate between full and nothing along [100] contradict positivity.
    amplitude = data.amplitude.copy()
    amplitude[[0, 3]] = 57.0, 1.0
    method = MaxEntropy(data, DensityGrid(cell=CELL, space_group="P m -3 m", shape=(16, 16, 16)))
    with pytest.raises(RefinementFailed, match=r"no positive density with this F\(000\)"):
        method.solve(amplitude)


def test_f000_below_an_amplitude_is_refused():
    with pytest.raises(BadReading, match=r"F\(000\) only 30"):
        alloy(occupancy=0.7, sigma=0.01, electrons=30.0)


def test_an_error_of_zero_is_refused():
    with pytest.raises(BadReading, match="must be above zero"):
        alloy(occupancy=0.7, sigma=0.0)


def test_a_grid_too_coarse_for_the_highest_reflection_is_refused(data):
    with pytest.raises(OutsideCalibration, match="at least 9 points"):
        MaxEntropy(data, DensityGrid(cell=CELL, space_group="P m -3 m", shape=(8, 8, 8)))


def test_an_absent_reflection_is_refused():
    wanted = single([(1, 0, 0)], np.array([1.0 + 0j]), cell=UnitCell.cubic(3.3), space_group="I m -3 m", electrons=10.0)
    with pytest.raises(OutsideCalibration, match="100 is absent"):
        MaxEntropy(wanted, DensityGrid(cell=UnitCell.cubic(3.3), space_group="I m -3 m", shape=(16, 16, 16)))


def test_a_prior_that_vanishes_somewhere_is_refused(data):
    prior = np.ones((16, 16, 16))
    prior[3, 3, 3] = 0.0
    with pytest.raises(OutsideCalibration, match="must be above 0"):
        MaxEntropy(data, DensityGrid(cell=CELL, space_group="P m -3 m", shape=(16, 16, 16)), prior=prior)
