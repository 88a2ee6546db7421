from dataclasses import replace

import gemmi
import numpy as np
import pytest
from worlds.measured_alloy import CELL, QUESTION

from lics_beamline.exports.density_figure import draw_density
from lics_beamline.exports.density_maps import BOHR_ANGSTROM, lattice_vectors, write_ccp4, write_cube, write_xsf
from lics_beamline.physics.structure import Site, Structure
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.density import SiteFinding
from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.max_entropy import Convergence, Density

CELL_OBLIQUE = UnitCell(a_angstrom=4.0, b_angstrom=5.0, c_angstrom=6.0, alpha_deg=80.0, beta_deg=95.0, gamma_deg=102.0)
STRUCTURE = Structure(
    name="x", space_group="P 1", cell=CELL_OBLIQUE, sites=(Site(label="Cs1", element="Cs", x=0.25, y=0.5, z=0.75),)
)


@pytest.fixture
def density():
    values = np.random.default_rng(1).random((6, 8, 10)) + 0.1
    done = Convergence(steps=3, rounds=1, c=1.0, target=1.0, multiplier=1.0, entropy=-1.0, residual=np.zeros(1))
    grid = DensityGrid(cell=CELL_OBLIQUE, space_group="P 1", shape=(6, 8, 10))
    return Density(grid=grid, values=values, factors=(), convergence=done)


def test_lattice_vectors_are_those_of_gemmi(density):
    orthogonal = np.array(gemmi.UnitCell(*CELL_OBLIQUE.numbers).orth.mat.tolist())
    np.testing.assert_allclose(lattice_vectors(density), orthogonal.T, atol=1e-9)


def test_a_ccp4_map_read_by_gemmi_is_the_density(density, tmp_path):
    found = gemmi.read_ccp4_map(str(write_ccp4(density, tmp_path / "maps" / "d.ccp4")))
    found.setup(float("nan"))
    np.testing.assert_allclose(np.array(found.grid.array), density.values, rtol=1e-6)
    assert found.grid.unit_cell.parameters == pytest.approx(CELL_OBLIQUE.numbers, rel=1e-5)
    assert found.grid.spacegroup.hm == "P 1"
    assert found.header_i32(4) == 2


def test_a_cube_keeps_electrons_and_places_atoms_in_bohr(density, tmp_path):
    lines = write_cube(density, tmp_path / "d.cube", STRUCTURE).read_text().splitlines()
    atoms = int(lines[2].split()[0])
    counts = [int(line.split()[0]) for line in lines[3:6]]
    vectors = np.array([line.split()[1:] for line in lines[3:6]], dtype=float)
    number, charge, *place = map(float, lines[6].split())
    values = np.array(" ".join(lines[6 + atoms :]).split(), dtype=float).reshape(counts)
    assert (atoms, counts, number, charge) == (1, [6, 8, 10], 55.0, 55.0)
    voxel = abs(np.linalg.det(vectors))
    assert values.sum() * voxel == pytest.approx(density.values.sum() * density.grid.voxel_angstrom3, rel=1e-4)
    whole = vectors * np.array(counts)[:, None]
    np.testing.assert_allclose(np.linalg.solve(whole.T, place), (0.25, 0.5, 0.75), atol=1e-5)
    np.testing.assert_allclose(values, density.values * BOHR_ANGSTROM**3, rtol=1e-5)
    assert all(len(line) <= 80 for line in lines[2:])


def test_an_xsf_repeats_its_end_planes_and_runs_fastest_along_a(density, tmp_path):
    lines = write_xsf(density, tmp_path / "d.xsf", STRUCTURE).read_text().splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("BEGIN_DATAGRID_3D"))
    shape = tuple(map(int, lines[begin + 1].split()))
    end = lines.index("END_DATAGRID_3D")
    values = np.array(" ".join(lines[begin + 6 : end]).split(), dtype=float).reshape(shape, order="F")
    assert shape == (7, 9, 11)
    np.testing.assert_allclose(values[:-1, :-1, :-1], density.values, rtol=1e-5)
    np.testing.assert_allclose(values[-1], values[0])
    np.testing.assert_allclose(values[:, -1], values[:, 0])
    vectors = np.array([line.split() for line in lines[begin + 3 : begin + 6]], dtype=float)
    np.testing.assert_allclose(vectors, lattice_vectors(density), atol=1e-8)


def finding(density):
    return SiteFinding(
        question=QUESTION,
        verdict="supported" if density else "not decided by these data",
        reasons=("whole rings are off.",),
        occupancy=None,
        density=density,
        maximum=None,
        basin_electrons=float("nan"),
        chi_squared=1.0,
        d_min_angstrom=0.8,
        left_out=(),
    )


def test_a_finding_is_drawn_as_slices_and_a_surface(density, tmp_path):
    from matplotlib.image import imread

    grid = DensityGrid(cell=CELL, space_group="P m -3 m", shape=(32, 32, 32))
    atoms = ((0.0, 0.0, 0.0), 400.0, 0.25), ((0.5, 0.5, 0.5), 6.0, 0.3)
    values = 0.1 + sum(top * np.exp(-0.5 * (grid.distance_angstrom(at) / width) ** 2) for at, top, width in atoms)
    made = replace(density, grid=grid, values=values)
    picture = imread(draw_density(finding(made), tmp_path / "figures" / "density.png"))
    assert picture.shape[1] == 1540
    right = picture[:, 1050:, :3]
    blue = (right[..., 2] > right[..., 0] + 0.1).mean()
    assert 0.05 < blue < 0.6  # eight atoms at the corners and one in the middle, not a full or an empty panel


def test_without_a_density_there_is_nothing_to_draw(tmp_path):
    with pytest.raises(ValueError, match="no density to draw: whole rings are off"):
        draw_density(finding(None), tmp_path / "density.png")
