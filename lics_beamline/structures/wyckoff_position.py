"""The kinds of places that a space group has for atoms: its Wyckoff positions, worked out from its operations.

Every fixed point, axis and plane of a space group passes through points whose coordinates are multiples of 1/24. So the
orbits of that grid hold a member of each kind of place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.unit_cell import UnitCell, space_group
from lics_beamline.refinement.density_grid import DensityGrid

Array = npt.NDArray[np.float64]

GRID_DIVISIONS: Final = 24  # of an edge: eighths and sixths
ANY_CELL: Final = UnitCell.cubic(1.0)  # orbits of a grid do not ask for the lengths of edges
SAME_FRACTION: Final = 1e-6  # of an edge; of rounding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WyckoffPosition:
    """A kind of place.

    Parameters
    ----------
    multiplicity : int
        Equivalent places in the cell.
    origin : ndarray, shape (3,)
        Fractional coordinates of one of them; of a place with freedom where its free numbers are 0.
    directions : ndarray, shape (freedom, 3)
        What its free numbers, from 0 to 1, are multiplied by.
    """

    multiplicity: int
    origin: Array
    directions: Array

    @property
    def freedom(self) -> int:
        """Coordinates that symmetry leaves free, 0 to 3."""
        return len(self.directions)

    def at(self, free: Array) -> Array:
        """Return the place where its free numbers have these values, shape (3,)."""
        return (self.origin + free @ self.directions) % 1.0


@lru_cache(maxsize=64)
def wyckoff_positions(symbol: str) -> tuple[WyckoffPosition, ...]:
    """Return the positions of a space group: fewest equivalents first, those nearest to the origin first.

    Parameters
    ----------
    symbol : str
        Hermann-Mauguin symbol, ``"P m -3 m"``.
    """
    rotations, translations = operations_of(symbol)
    orbits = DensityGrid(cell=ANY_CELL, space_group=symbol, shape=(GRID_DIVISIONS,) * 3).orbits()
    places = np.stack(np.unravel_index(orbits.first_point, orbits.shape), axis=1) / GRID_DIVISIONS
    found: list[WyckoffPosition] = []
    kinds: list[tuple[int, Array, Array]] = []  # multiplicity, projector onto what is free, a member
    for place, size in sorted(
        zip(places, orbits.size, strict=True), key=lambda one: (one[1], float(one[0] @ one[0]), tuple(one[0]))
    ):
        images = place @ rotations.transpose(0, 2, 1) + translations - place
        fixing = np.all(np.abs(images - np.rint(images)) < SAME_FRACTION, axis=1)
        projector = rotations[fixing].mean(axis=0)
        freedom = round(float(np.trace(projector)))
        if freedom == 3 and any(kind.freedom == 3 for kind in found):
            continue
        if freedom and any(
            size == other and _is_equivalent(place, projector, member, theirs, rotations, translations)
            for other, theirs, member in kinds
        ):
            continue
        kinds.append((int(size), projector, place))
        found.append(
            WyckoffPosition(
                multiplicity=int(size),
                origin=place - projector @ place if freedom else place,
                directions=_directions(projector, freedom),
            )
        )
    return tuple(found)


def operations_of(symbol: str) -> tuple[Array, Array]:
    """Return the rotations, shape (n, 3, 3), and translations, shape (n, 3), of a space group."""
    operations = list(space_group(symbol).operations())
    scale = float(operations[0].DEN)
    rotations = np.array([operation.rot for operation in operations]) / scale
    return rotations, np.array([operation.tran for operation in operations]) / scale


def _is_equivalent(
    place: Array, projector: Array, member: Array, theirs: Array, rotations: Array, translations: Array
) -> bool:
    """Whether an operation carries one axis or plane onto another."""
    turned = rotations @ theirs @ np.linalg.inv(rotations)
    parallel = np.all(np.abs(turned - projector) < SAME_FRACTION, axis=(1, 2))
    across = np.eye(3) - projector
    steps = np.array(np.meshgrid(*[(-1, 0, 1)] * 3)).reshape(3, -1).T
    apart = member @ rotations[parallel].transpose(0, 2, 1) + translations[parallel] - place
    apart = (apart[:, None, :] + steps) @ across.T
    return bool(np.any(np.all(np.abs(apart) < SAME_FRACTION, axis=2)))


def _directions(projector: Array, freedom: int) -> Array:
    """Return whole-numbered vectors that span what is free: the first columns that are independent."""
    found: list[Array] = []
    for column in projector.T:
        if len(found) < freedom and np.linalg.matrix_rank(np.array([*found, column]), tol=1e-6) > len(found):
            found.append(column / np.abs(column[np.abs(column) > SAME_FRACTION]).min())
    return np.array(found).reshape(-1, 3)
