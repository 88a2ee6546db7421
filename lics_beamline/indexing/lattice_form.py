"""Lattices as powder lines see them: 1/d^2 is linear in a few numbers, as many as the crystal system leaves free.

Q = 1/d^2 = A h^2 + B k^2 + C l^2 + D h l (b unique), with fewer numbers where symmetry makes some equal. So a cell
follows from indexed lines by linear least squares, and a few lines with assumed indices give a trial cell exactly.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.unit_cell import UnitCell

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

# Groups that have the symmetry of an empty lattice: which reflections lie at one place by symmetry.
HOLOHEDRY: Final = {
    "cubic": "P m -3 m",
    "hexagonal": "P 6/m m m",
    "tetragonal": "P 4/m m m",
    "orthorhombic": "P m m m",
    "monoclinic": "P 1 2/m 1",
}
# Largest indices considered: of the forty lowest lines of a cell that fills them, none lies beyond.
MOST_INDEX: Final = {"cubic": 12, "hexagonal": 16, "tetragonal": 14, "orthorhombic": 10, "monoclinic": 8}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Families:
    """Reflections of a crystal system, one of each family that symmetry makes equal.

    Parameters
    ----------
    hkl : ndarray of int64, shape (n, 3)
        Indices of one member.
    members : tuple of ndarray of int64, shape (m, 3)
        All members of each, of every Friedel pair one.
    form : ndarray of float64, shape (n, k)
        Factors of the free numbers in Q.
    """

    hkl: Indices
    members: tuple[Indices, ...]
    form: Array


def form(system: str, hkl: Indices) -> Array:
    """Return the factors of the free numbers of a system in Q, shape (n, k)."""
    h, k, l = np.asarray(hkl, dtype=np.float64).T  # noqa: E741  the crystallographer's name
    columns = {
        "cubic": (h * h + k * k + l * l,),
        "hexagonal": (h * h + h * k + k * k, l * l),
        "tetragonal": (h * h + k * k, l * l),
        "orthorhombic": (h * h, k * k, l * l),
        "monoclinic": (h * h, k * k, l * l, h * l),
    }[system]
    return np.stack(columns, axis=1)


@lru_cache(maxsize=8)
def families(system: str) -> Families:
    """Return the reflections of a system up to `MOST_INDEX`."""
    import gemmi

    most = MOST_INDEX[system]
    rotations = _rotations(gemmi.SpaceGroup(HOLOHEDRY[system]).operations())
    below = range(most + 1)
    lowest = -most if system == "monoclinic" else 0
    asked = list(itertools.product(below, below, range(lowest, most + 1)))
    if system == "monoclinic":
        asked = [each for each in asked if each[0] > 0 or each[2] >= 0]
    elif system != "orthorhombic":
        asked = [each for each in asked if each[1] <= each[0] and (each[2] <= each[1] or system != "cubic")]
    hkl = np.array([each for each in asked if any(each)], dtype=np.int64)
    members = []
    for images in np.einsum("nj,mjk->nmk", hkl, rotations):
        halves = {max(tuple(row), tuple(-row)) for row in images}
        members.append(np.array(sorted(halves), dtype=np.int64))
    return Families(hkl=hkl, members=tuple(members), form=form(system, hkl))


def _rotations(operations: object) -> Indices:
    """Return the rotations of a group as matrices that act on rows of indices."""
    found = [np.array(each.rot, dtype=np.int64) // each.DEN for each in operations.sym_ops]  # type: ignore[attr-defined]
    return np.array(found)


def cell_of(system: str, numbers: Array) -> UnitCell | None:
    """Return the cell whose free numbers in Q these are [1/angstrom^2]; None where there is no such cell."""
    if system == "monoclinic":
        aa, bb, cc, ac = (float(each) for each in numbers)
        if min(aa, bb, cc) <= 0.0 or ac * ac >= 3.9 * aa * cc:
            return None
        cosine = ac / (2.0 * math.sqrt(aa * cc))
        sine = math.sqrt(1.0 - cosine * cosine)
        return UnitCell(
            a_angstrom=1.0 / (math.sqrt(aa) * sine),
            b_angstrom=1.0 / math.sqrt(bb),
            c_angstrom=1.0 / (math.sqrt(cc) * sine),
            beta_deg=180.0 - math.degrees(math.acos(cosine)),
        )
    if min(numbers) <= 0.0:
        return None
    edges = [float(each) ** -0.5 for each in numbers]
    if system == "cubic":
        return UnitCell.cubic(edges[0])
    if system == "hexagonal":
        return UnitCell.hexagonal(edges[0] * 2.0 / math.sqrt(3.0), edges[1])
    if system == "tetragonal":
        return UnitCell(a_angstrom=edges[0], b_angstrom=edges[0], c_angstrom=edges[1])
    return UnitCell(a_angstrom=edges[0], b_angstrom=edges[1], c_angstrom=edges[2])


def numbers_of(system: str, cell: UnitCell) -> Array:
    """Return the free numbers in Q of a cell [1/angstrom^2]."""
    reciprocal = np.linalg.inv(cell.metric)
    found = {
        "cubic": (reciprocal[0, 0],),
        "hexagonal": (reciprocal[0, 0], reciprocal[2, 2]),
        "tetragonal": (reciprocal[0, 0], reciprocal[2, 2]),
        "orthorhombic": tuple(np.diag(reciprocal)),
        "monoclinic": (*np.diag(reciprocal), 2.0 * reciprocal[0, 2]),
    }[system]
    return np.array(found, dtype=np.float64)


def general(system: str, numbers: Array) -> Array:
    """Return the factors of h^2, k^2, l^2, h l and h k in Q, shape (..., 5)."""
    columns = list(np.moveaxis(np.asarray(numbers, dtype=np.float64), -1, 0))
    none = np.zeros_like(columns[0])
    if system == "cubic":
        columns = [columns[0]] * 3 + [none, none]
    elif system == "hexagonal":
        columns = [columns[0], columns[0], columns[1], none, columns[0]]
    elif system == "tetragonal":
        columns = [columns[0], columns[0], columns[1], none, none]
    elif system == "orthorhombic":
        columns = [*columns, none, none]
    else:
        columns = [*columns, none]
    return np.stack(columns, axis=-1)
