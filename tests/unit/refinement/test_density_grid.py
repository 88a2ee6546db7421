import gemmi
import numpy as np
import pytest

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.density_grid import DensityGrid

MONOCLINIC = UnitCell(a_angstrom=5.0, b_angstrom=6.0, c_angstrom=7.0, beta_deg=103.0)


def cubic(space_group, points):
    return DensityGrid(cell=UnitCell.cubic(3.489), space_group=space_group, shape=(points,) * 3)


def test_points_of_a_primitive_cube_fall_into_as_many_orbits_as_its_wedge_has_points():
    orbits = cubic("P m -3 m", 64).orbits()
    # 0 <= z <= y <= x <= 1/2 on 33 planes: combinations with repetition of 33 numbers, three at a time
    assert orbits.size.size == 33 * 34 * 35 // 6
    assert orbits.size.sum() == 64**3


@pytest.mark.parametrize(
    ("space_group", "cell", "shape"),
    [
        ("P 63/m m c", UnitCell.hexagonal(2.761, 4.456), (12, 12, 16)),
        ("P 1 21/c 1", MONOCLINIC, (8, 10, 12)),
        ("P 41 21 2", UnitCell(a_angstrom=5.0, b_angstrom=5.0, c_angstrom=7.0), (12, 12, 16)),
        ("F d -3 m", UnitCell.cubic(5.43), (16, 16, 16)),
    ],
)
def test_points_of_an_orbit_are_those_the_operations_reach(space_group, cell, shape):
    orbits = DensityGrid(cell=cell, space_group=space_group, shape=shape).orbits()
    label = orbits.orbit_of_point.reshape(shape)
    operations = gemmi.SpaceGroup(space_group).operations()
    for point in ((1, 2, 3), (0, 0, 0), (shape[0] // 2, 1, 0)):
        reached = set()
        for operation in operations:
            image = operation.apply_to_xyz([n / count for n, count in zip(point, shape, strict=True)])
            reached.add(tuple(round(x * count) % count for x, count in zip(image, shape, strict=True)))
        assert {tuple(map(int, one)) for one in np.argwhere(label == label[point])} == reached


@pytest.mark.parametrize(
    ("space_group", "shape", "reason"),
    [
        ("P m -3 m", (16, 16, 18), "must be equal"),
        ("P 41", (16, 16, 18), "multiple of 4"),
        ("P 1", (1024, 1024, 1024), "16777216"),
    ],
)
def test_a_grid_that_symmetry_does_not_map_onto_itself_is_refused(space_group, shape, reason):
    with pytest.raises(OutsideCalibration, match=reason):
        DensityGrid(cell=UnitCell.cubic(5.0), space_group=space_group, shape=shape).orbits()


def test_distance_is_to_the_nearest_image_in_an_oblique_cell():
    grid = DensityGrid(
        cell=UnitCell(a_angstrom=4.0, b_angstrom=5.0, c_angstrom=6.0, alpha_deg=70.0, beta_deg=65.0, gamma_deg=75.0),
        space_group="P 1",
        shape=(4, 4, 4),
    )
    site = (0.9, 0.1, 0.45)
    cell = gemmi.UnitCell(*grid.cell.numbers)
    images = [np.array(site) + step for step in (np.array(list(np.ndindex(5, 5, 5))) - 2)]
    places = np.array([cell.orthogonalize(gemmi.Fractional(*image)).tolist() for image in images])
    wanted = [
        np.linalg.norm(places - cell.orthogonalize(gemmi.Fractional(*point)).tolist(), axis=1).min()
        for point in np.argwhere(np.ones(grid.shape)) / grid.shape
    ]
    np.testing.assert_allclose(grid.distance_angstrom(site).ravel(), wanted, atol=1e-6)
