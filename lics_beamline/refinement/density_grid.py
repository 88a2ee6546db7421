"""The grid on which a density lives: points of the cell that symmetry makes equal are one unknown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.unit_cell import UnitCell, space_group

FloatArray = npt.NDArray[np.float64]

LARGEST_POINTS: Final = 1 << 24  # whole numbers that single precision holds exactly: IEEE 754


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityGrid:
    """A grid over one unit cell.

    Parameters
    ----------
    cell : UnitCell
        The cell.
    space_group : str
        Hermann-Mauguin symbol, ``"P m -3 m"``.
    shape : tuple of int
        Points along a, b, c. Symmetry must carry points onto points: a fourfold axis needs equal numbers, a screw axis
        a multiple of its order.
    """

    cell: UnitCell
    space_group: str
    shape: tuple[int, int, int] = (64, 64, 64)

    @property
    def points(self) -> int:
        """Points of the whole cell."""
        return math.prod(self.shape)

    @property
    def volume_angstrom3(self) -> float:
        """Volume of the cell [angstrom^3]."""
        return self.cell.volume_angstrom3

    @property
    def voxel_angstrom3(self) -> float:
        """Volume that one point stands for [angstrom^3]."""
        return self.volume_angstrom3 / self.points

    def largest_index(self, axis: int) -> int:
        """Largest Miller index along an axis that the grid can tell from a smaller one (sampling theorem)."""
        return (self.shape[axis] - 1) // 2

    def orbits(self) -> Orbits:
        """Sort the points into orbits, sets that the space group carries into each other.

        Raises
        ------
        OutsideCalibration
            If symmetry carries a point of the grid beside the grid, or the grid is too large.
        """
        import gemmi

        if self.points > LARGEST_POINTS or min(self.shape) < 2:
            raise OutsideCalibration(
                f"a grid of {self.shape} has {self.points} points, 8 to {LARGEST_POINTS} are possible. Choose another "
                "grid.",
                points=self.points,
            )
        group = space_group(self.space_group)
        self._check(group)
        grid = gemmi.FloatGrid(*self.shape)
        grid.spacegroup = group
        number = np.arange(self.points, dtype=np.int64).reshape(self.shape)
        np.asarray(grid.array)[...] = number
        grid.symmetrize_min()  # every point now carries the smallest number of its orbit
        first_of = np.asarray(grid.array).astype(np.int64).ravel()
        is_first = first_of == number.ravel()
        place = np.cumsum(is_first) - 1
        orbit = place[first_of]
        return Orbits(
            shape=self.shape,
            orbit_of_point=orbit,
            first_point=np.flatnonzero(is_first),
            size=np.bincount(orbit).astype(np.float64),
        )

    def _check(self, group: Any) -> None:
        operations = group.operations()
        faults = [
            f"{points} points along {axis} must be a multiple of {factor}"
            for points, axis, factor in zip(self.shape, "abc", operations.find_grid_factors(), strict=True)
            if points % factor
        ]
        mixes = np.any([np.array(operation.rot) != 0 for operation in operations.sym_ops], axis=0)
        faults += [
            f"{self.shape[i]} points along {'abc'[i]} and {self.shape[j]} along {'abc'[j]} must be equal"
            for i, j in ((0, 1), (1, 2), (0, 2))
            if mixes[i, j] and self.shape[i] != self.shape[j]
        ]
        if faults:
            raise OutsideCalibration(
                f"a grid of {self.shape[0]} x {self.shape[1]} x {self.shape[2]} does not fit {self.space_group}: "
                f"{'; '.join(faults)}. Choose another grid.",
                shape=self.shape,
            )

    def distance_angstrom(self, site: tuple[float, float, float]) -> FloatArray:
        """Distance of every point from the nearest lattice image of a site [angstrom], in the grid's shape.

        Parameters
        ----------
        site : tuple of float
            Fractional coordinates.
        """
        axes = [np.arange(count) / count - at for count, at in zip(self.shape, site, strict=True)]
        offsets = [axis - np.round(axis) for axis in axes]
        metric = self.cell.metric
        nearest = np.full(self.shape, np.inf)
        oblique = bool(np.any(metric != np.diag(np.diag(metric))))  # then a neighbouring image may be nearer
        steps = (-1, 0, 1) if oblique else (0,)
        for image in np.array(np.meshgrid(steps, steps, steps)).reshape(3, -1).T:
            x, y, z = np.ix_(*[offset + step for offset, step in zip(offsets, image, strict=True)])
            squared = metric[0, 0] * x * x + metric[1, 1] * y * y + metric[2, 2] * z * z
            if oblique:
                squared = squared + 2 * (metric[0, 1] * x * y + metric[0, 2] * x * z + metric[1, 2] * y * z)
            np.minimum(nearest, squared, out=nearest)
        return np.sqrt(np.maximum(nearest, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orbits:
    """Points of a grid, sorted by symmetry.

    Parameters
    ----------
    shape : tuple of int
        Shape of the grid.
    orbit_of_point : ndarray of int, shape (points,)
        Orbit of every point.
    first_point : ndarray of int, shape (orbits,)
        One point of each orbit.
    size : ndarray of float64, shape (orbits,)
        Points of each orbit.
    """

    shape: tuple[int, int, int]
    orbit_of_point: npt.NDArray[np.int64]
    first_point: npt.NDArray[np.int64]
    size: FloatArray

    def spread(self, per_orbit: FloatArray) -> FloatArray:
        """Map of the whole cell from one value an orbit."""
        return per_orbit[self.orbit_of_point].reshape(self.shape)

    def mean(self, per_point: FloatArray) -> FloatArray:
        """Mean over each orbit of a map of the whole cell, shape (orbits,)."""
        return np.bincount(self.orbit_of_point, weights=per_point.ravel(), minlength=self.size.size) / self.size
