"""Zero-flux basins: the part of a cell from which every uphill path ends at the same maximum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.maxima import NEIGHBOURS

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basins:
    """A cell divided into basins, largest charge first.

    Parameters
    ----------
    label : ndarray of int, shape of the grid
        Basin of every grid point.
    charge : ndarray, shape (basins,)
        Electrons in each.
    volume_angstrom3 : ndarray, shape (basins,)
        Volume of each [angstrom^3].
    """

    label: npt.NDArray[np.int64]
    charge: FloatArray
    volume_angstrom3: FloatArray


def basins(values: FloatArray, grid: DensityGrid, *, smallest_electrons: float = 0.2) -> Basins:
    """Divide a cell by surfaces through which no gradient flows.

    Parameters
    ----------
    values : ndarray, shape of the grid
        Density [electrons/angstrom^3].
    grid : DensityGrid
        Grid of the values.
    smallest_electrons : float
        Basins with less charge join the neighbour over the highest pass: ripples between atoms have maxima of their
        own.

    Notes
    -----
    Steepest ascent from point to point over 26 neighbours (Henkelman, Arnaldsson and Jonsson 2006); boundaries that
    run across the grid are biased by a fraction of a step.

    References
    ----------
    R. F. W. Bader, Atoms in Molecules (1990); G. Henkelman, A. Arnaldsson and H. Jonsson, Comput. Mater. Sci. 36,
    354-360 (2006), doi:10.1016/j.commatsci.2005.04.010.
    """
    flat = values.ravel()
    number = np.arange(flat.size).reshape(values.shape)
    metric = grid.cell.metric
    uphill, steepest = number.copy(), np.zeros(values.shape)
    for step in NEIGHBOURS:
        offset = np.array(step) / grid.shape
        length = float(np.sqrt(offset @ metric @ offset))
        slope = (_shifted(values, step) - values) / length
        better = slope > steepest
        np.copyto(steepest, slope, where=better)
        np.copyto(uphill, _shifted(number, step), where=better)
    root = uphill.ravel()
    while True:
        further = root[root]
        if np.array_equal(further, root):
            break
        root = further
    _, label = np.unique(root, return_inverse=True)
    label = _joined(label.reshape(values.shape), values, grid, smallest_electrons)
    _, label = np.unique(label, return_inverse=True)
    charge = np.asarray(np.bincount(label.ravel(), weights=flat) * grid.voxel_angstrom3, dtype=np.float64)
    order = np.argsort(-charge, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    volume = np.asarray(np.bincount(label.ravel()) * grid.voxel_angstrom3, dtype=np.float64)
    return Basins(
        label=rank[label].reshape(values.shape),
        charge=charge[order],
        volume_angstrom3=volume[order],
    )


def _shifted(array: npt.NDArray[Any], step: tuple[int, ...]) -> npt.NDArray[Any]:
    return np.roll(array, tuple(-one for one in step), axis=(0, 1, 2))


def _joined(
    label: npt.NDArray[np.int64], values: FloatArray, grid: DensityGrid, smallest_electrons: float
) -> npt.NDArray[np.int64]:
    """Let small basins join their neighbours over the highest pass, smallest first."""
    count = int(label.max()) + 1
    charge = np.bincount(label.ravel(), weights=values.ravel(), minlength=count) * grid.voxel_angstrom3
    if count == 1 or charge.min() >= smallest_electrons:
        return label
    passes: dict[tuple[int, int], float] = {}
    for step in NEIGHBOURS[: len(NEIGHBOURS) // 2]:
        other = _shifted(label, step)
        border = other != label
        height = np.minimum(values, _shifted(values, step))[border]
        pairs = np.sort(np.stack([label[border], other[border]]), axis=0)
        keys = pairs[0] * count + pairs[1]
        unique, place = np.unique(keys, return_inverse=True)
        highest = np.zeros(unique.size)
        np.maximum.at(highest, place, height)
        for key, one in zip(unique, highest, strict=True):
            pair = (int(key) // count, int(key) % count)
            passes[pair] = max(passes.get(pair, 0.0), float(one))
    into = np.arange(count)
    for small in np.argsort(charge, kind="stable"):
        if charge[small] >= smallest_electrons:
            continue
        near = {
            into[pair[1] if into[pair[0]] == small else pair[0]]: height
            for pair, height in sorted(passes.items(), key=lambda item: item[1])
            if (into[pair[0]] == small) != (into[pair[1]] == small)
        }
        if near:
            chosen = max(near, key=lambda one: near[one])
            charge[chosen] += charge[small]
            into[into == small] = chosen
    return np.asarray(into[label], dtype=np.int64)
