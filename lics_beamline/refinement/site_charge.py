"""Electrons at a site of the crystal: in a sphere about it, or in the basin it lies in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lics_beamline.refinement.basins import Basins
from lics_beamline.refinement.density_grid import DensityGrid

FloatArray = npt.NDArray[np.float64]


def sphere_weights(grid: DensityGrid, site: tuple[float, float, float], radius_angstrom: float) -> FloatArray:
    """Volume of each grid point's cell that lies in a sphere [angstrom^3]; its sum over the density is the charge.

    Parameters
    ----------
    grid : DensityGrid
        Grid of the density.
    site : tuple of float
        Centre, fractional coordinates.
    radius_angstrom : float
        Radius [angstrom]; the sphere must not reach its own lattice images.

    Notes
    -----
    Cells that the surface cuts count by how far it passes from their middle, so that the charge does not jump as the
    radius grows.
    """
    step = grid.voxel_angstrom3 ** (1.0 / 3.0)
    inside = np.clip((radius_angstrom - grid.distance_angstrom(site)) / step + 0.5, 0.0, 1.0)
    volume = 4.0 / 3.0 * np.pi * radius_angstrom**3
    return inside * (volume / inside.sum())


def basin_charge(found: Basins, grid: DensityGrid, site: tuple[float, float, float]) -> float:
    """Electrons in the basin that a site lies in.

    Parameters
    ----------
    found : Basins
        The basins of the density.
    grid : DensityGrid
        Grid of the density.
    site : tuple of float
        Fractional coordinates.
    """
    point = tuple(round(at * count) % count for at, count in zip(site, grid.shape, strict=True))
    return float(found.charge[found.label[point]])
