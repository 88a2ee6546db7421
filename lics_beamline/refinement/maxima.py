"""Maxima of a density between its grid points."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.refinement.density_grid import DensityGrid

FloatArray = npt.NDArray[np.float64]

NEIGHBOURS: Final = tuple(step for step in itertools.product((-1, 0, 1), repeat=3) if any(step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """A maximum of a density, one for all its symmetry images.

    Parameters
    ----------
    position : tuple of float
        Fractional coordinates, 0 to 1.
    height : float
        Density there [electrons/angstrom^3].
    images : int
        Symmetry images in the cell, itself included.
    point : tuple of int
        Grid point next to it.
    """

    position: tuple[float, float, float]
    height: float
    images: int
    point: tuple[int, int, int]


def maxima(values: FloatArray, grid: DensityGrid, *, lowest: float = 0.0) -> tuple[Maximum, ...]:
    """Find the maxima of a density, highest first.

    Parameters
    ----------
    values : ndarray, shape of the grid
        Density [electrons/angstrom^3], positive.
    grid : DensityGrid
        Grid of the values.
    lowest : float
        Leave out what is lower [electrons/angstrom^3].

    Notes
    -----
    A quadratic form is laid through the logarithm of the density at a grid maximum and its 26 neighbours; the logarithm
    of an atom smeared by thermal motion is nearly quadratic. A form that does not bend down everywhere, or whose top
    lies beyond the neighbours, leaves the maximum at the grid point.
    """
    from scipy.ndimage import maximum_filter

    top = (values >= maximum_filter(values, size=3, mode="wrap")) & (values > lowest)
    orbits = grid.orbits()
    found: dict[int, Maximum] = {}
    for point in np.argwhere(top):
        at = (int(point[0]), int(point[1]), int(point[2]))
        orbit = int(orbits.orbit_of_point[np.ravel_multi_index(at, grid.shape)])
        if orbit in found:
            continue
        offset, height = _top_of_parabola(values, at)
        position = tuple(float(round((p + d) / n, 9) % 1.0) for p, d, n in zip(at, offset, grid.shape, strict=True))
        found[orbit] = Maximum(
            position=(position[0], position[1], position[2]),
            height=height,
            images=int(orbits.size[orbit]),
            point=at,
        )
    return tuple(sorted(found.values(), key=lambda one: -one.height))


def _top_of_parabola(values: FloatArray, at: tuple[int, int, int]) -> tuple[FloatArray, float]:
    """Offset of the maximum from a grid point [grid steps] and its height."""
    steps = np.array([(0, 0, 0), *NEIGHBOURS], dtype=np.float64)
    places = (steps.astype(int) + at) % values.shape
    logs = np.log(np.maximum(values[tuple(places.T)], 1e-300))
    x, y, z = steps.T
    terms = np.column_stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z])
    c = np.linalg.lstsq(terms, logs, rcond=None)[0]
    bend = np.array([[2 * c[4], c[7], c[8]], [c[7], 2 * c[5], c[9]], [c[8], c[9], 2 * c[6]]])
    stay = np.zeros(3), float(values[at])
    if np.linalg.eigvalsh(bend).max() >= -1e-12:
        return stay
    offset = np.linalg.solve(bend, -c[1:4])
    if np.abs(offset).max() > 1.0:
        return stay
    return offset, float(np.exp(logs[0] + 0.5 * c[1:4] @ offset))
