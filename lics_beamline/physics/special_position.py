"""Places of atoms under symmetry: a printed third is a third, and no two atoms are in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.unit_cell import UnitCell, space_group

Array = npt.NDArray[np.float64]

SNAPPED_ANGSTROM: Final = 0.02  # to a special position, whatever the digits: a tenth of how far atoms vibrate
SNAPPED_BY_DIGITS_ANGSTROM: Final = 0.1  # at most, where the last digit that is written allows it: 0.33 for a third
CLOSEST_ANGSTROM: Final = 0.5  # between atoms that are both there; the shortest bond, of H2, is 0.74
CROWDED_OCCUPANCY: Final = 0.02  # over one: 0.33 three times, 0.67 and 0.34
SETTLED_ANGSTROM: Final = 1e-9  # of a position that has become special
ROUNDED_FRACTION: Final = 1e-12  # of an average of coordinates: what moved no further is where it was
MOST_ROUNDS: Final = 8  # of averaging; two or three are enough


def on_special_position(symbol: str, cell: UnitCell, position: Array, steps: Array) -> Array:
    """Return a position moved onto the special position that it was printed for, if there is one within the tolerance.

    Parameters
    ----------
    symbol : str
        Space group.
    cell : UnitCell
        The cell.
    position : ndarray, shape (3,)
        Fractional coordinates.
    steps : ndarray, shape (3,)
        One unit of the last digit of each, 0 where it is exact.

    Notes
    -----
    Images that nearly meet are averaged until they do. The move is accepted within `SNAPPED_ANGSTROM`, or if no
    coordinate moves by more than its last digit, within `SNAPPED_BY_DIGITS_ANGSTROM`; otherwise the position stays.
    """
    rotations, translations = _operations(symbol)
    for tolerance in (SNAPPED_BY_DIGITS_ANGSTROM, SNAPPED_ANGSTROM):
        place = position
        for _ in range(MOST_ROUNDS):
            offset = rotations @ place + translations - place
            offset -= np.rint(offset)
            move = offset[_length(cell, offset) < 2.0 * tolerance].mean(axis=0)
            place = place + move
            if _length(cell, move) < SETTLED_ANGSTROM:
                break
        moved = _length(cell, place - position)
        within_digits = bool(np.all(np.abs(place - position) <= steps * (1.0 + 1e-6)))
        if moved <= SNAPPED_ANGSTROM or (within_digits and moved <= SNAPPED_BY_DIGITS_ANGSTROM):
            return np.where(np.abs(place - position) < ROUNDED_FRACTION, position, place)
    return position


def crowding(cell: UnitCell, orbits: Sequence[Array], occupancies: Sequence[float], labels: Sequence[str]) -> str:
    """Return which atoms are in one place though they are more than one, in words; empty where none are.

    Parameters
    ----------
    cell : UnitCell
        The cell.
    orbits : sequence of ndarray, shape (positions, 3)
        Positions of each atom and its equivalents.
    occupancies, labels : sequence
        Of each atom.
    """
    places = np.concatenate(list(orbits))
    owners = np.repeat(np.arange(len(orbits)), [len(orbit) for orbit in orbits])
    weights = np.asarray(occupancies, dtype=np.float64)[owners]
    for index, orbit in enumerate(orbits):
        apart = places - orbit[0]
        distance = _length(cell, apart - np.rint(apart))
        near = distance < CLOSEST_ANGSTROM
        if weights[near].sum() > 1.0 + CROWDED_OCCUPANCY and near.sum() > 1:
            others = list(dict.fromkeys(labels[owner] for owner in owners[near] if owner != index))
            with_whom = " and ".join(repr(other) for other in others[:3]) or "its own equivalents"
            return (
                f"atom {labels[index]!r} within {distance[near].max():.2f} angstrom of {with_whom}, with occupancies "
                f"that sum to {weights[near].sum():.3g}; within {CLOSEST_ANGSTROM:g} angstrom 1 is the most"
            )
    return ""


def _operations(symbol: str) -> tuple[Array, Array]:
    operations: list[Any] = list(space_group(symbol).operations())
    scale = float(operations[0].DEN)
    rotations = np.array([operation.rot for operation in operations]) / scale
    return rotations, np.array([operation.tran for operation in operations]) / scale


def _length(cell: UnitCell, fractional: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("...i,ij,...j->...", fractional, cell.metric, fractional).clip(0.0)))
