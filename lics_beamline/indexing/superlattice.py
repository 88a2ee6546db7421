"""Lattices that have every line of a smaller one: they explain whatever it explains, and say nothing of their own.

A cell of twice the edge has all lines of the cell, and more between them. Where none of those is seen there is no
reason to take it: of lattices that explain the same lines the one of the smallest primitive cell is meant.
"""

from __future__ import annotations

import itertools
import math
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.indexing.indexed_lattice import IndexedLattice
from lics_beamline.indexing.reduced_cell import SAME_RELATIVE, reduced
from lics_beamline.physics.unit_cell import UnitCell

LOWEST_LINES: Final = 12  # of a lattice, all of which a superlattice has: further out any lattice has some near
SAME_LINE: Final = 2.0 * SAME_RELATIVE  # relative, of 1/d^2 of lines of two lattices that are one


def is_idle_superlattice(lattice: IndexedLattice, other: IndexedLattice) -> bool:
    """Tell whether another lattice is a superlattice of one and explains no line that this does not explain.

    Parameters
    ----------
    lattice, other : IndexedLattice
        Lattices of the same lines.
    """
    has_own = any(
        mine is None and theirs is not None
        for here, there in zip(lattice.points, other.points, strict=True)
        for mine, theirs in zip(here.indices, there.indices, strict=True)
    )
    return not has_own and _is_superlattice(lattice, other)


def _is_superlattice(lattice: IndexedLattice, other: IndexedLattice) -> bool:
    small, large = (reduced(one.cell, one.centring) for one in (lattice, other))
    times = large.volume_angstrom3 / small.volume_angstrom3
    if round(times) < 2 or not math.isclose(times, round(times), rel_tol=3.0 * SAME_RELATIVE):
        return False
    wanted = _inverse_squares(small, 1.0)[:LOWEST_LINES]
    there = _inverse_squares(large, float(wanted[-1]) * (1.0 + SAME_LINE))
    return bool(np.all(np.min(np.abs(there / wanted[:, None] - 1.0), axis=1) < SAME_LINE))


def _inverse_squares(primitive: UnitCell, most: float) -> npt.NDArray[np.float64]:
    """Return 1/d^2 of the lines of a primitive cell, rising, up to a value [1/angstrom^2]."""
    reach = [math.ceil(edge * math.sqrt(most)) for edge in primitive.numbers[:3]]
    planes = np.array(list(itertools.product(range(reach[0] + 1), *(range(-n, n + 1) for n in reach[1:]))))
    found = np.unique(np.round(primitive.inverse_d_squared(planes[np.any(planes != 0, axis=1)]), 9))
    return np.asarray(found[found <= most])
