"""Arrangements of atoms in a cell: which kinds of places of a space group its atoms take."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.structure import Site, Structure
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.structures.wyckoff_position import WyckoffPosition, operations_of, wyckoff_positions

Array = npt.NDArray[np.float64]

CLOSEST_SHARE: Final = 0.72  # of the distance that two atoms have as elements: in LiCs it is 0.92, in NaCl 0.8
CLOSEST_BONDED_SHARE: Final = 0.55  # the same of atoms that share electrons: 0.63 in quartz
NEAREST_IN_BCC: Final = 0.5 * 3.0**0.5 * 2.0 ** (1.0 / 3.0)  # distance of neighbours over the root of an atom's volume
USUAL_B_ANGSTROM2: Final = 2.5  # engineering value, of alkali metals at 298 K and some GPa


STEPS: Final = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=3)))  # to the cells around one
ITSELF_ANGSTROM: Final = 1e-3  # of rounding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OccupiedPosition:
    """Atoms of an element on a kind of place.

    Parameters
    ----------
    element : str
        Chemical symbol.
    position : WyckoffPosition
        The kind of place.
    free : ndarray
        Its free numbers.
    """

    element: str
    position: WyckoffPosition
    free: Array

    @property
    def place(self) -> Array:
        """Fractional coordinates of one of the atoms."""
        return self.position.at(self.free)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrangement:
    """Atoms of a cell.

    Parameters
    ----------
    space_group : str
        Hermann-Mauguin symbol.
    occupied : tuple of OccupiedPosition
        The heaviest element first.
    """

    space_group: str
    occupied: tuple[OccupiedPosition, ...]

    @property
    def freedom(self) -> int:
        """Coordinates that symmetry leaves free."""
        return sum(one.position.freedom for one in self.occupied)

    @property
    def free(self) -> Array:
        """All free coordinates."""
        return np.concatenate([np.zeros(0), *(one.free for one in self.occupied)])

    @property
    def atoms(self) -> dict[str, int]:
        """Atoms of each element in the cell."""
        found: dict[str, int] = {}
        for one in self.occupied:
            found[one.element] = found.get(one.element, 0) + one.position.multiplicity
        return found

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements, in the order of the atoms."""
        return tuple(self.atoms)

    def moved(self, free: Array) -> Arrangement:
        """Return the same kinds of places with other free coordinates."""
        parts, start = [], 0
        for one in self.occupied:
            end = start + one.position.freedom
            parts.append(OccupiedPosition(element=one.element, position=one.position, free=free[start:end]))
            start = end
        return Arrangement(space_group=self.space_group, occupied=tuple(parts))

    def with_atoms(self, more: Sequence[OccupiedPosition]) -> Arrangement:
        """Return the arrangement with more atoms, last."""
        return Arrangement(space_group=self.space_group, occupied=(*self.occupied, *more))

    def without(self, element: str) -> Arrangement:
        """Return the arrangement with the places of an element empty."""
        return Arrangement(
            space_group=self.space_group, occupied=tuple(one for one in self.occupied if one.element != element)
        )

    def swapped(self, one: str, other: str) -> Arrangement:
        """Return the arrangement with two elements exchanged."""
        exchange = {one: other, other: one}
        exchanged = [
            OccupiedPosition(element=exchange.get(each.element, each.element), position=each.position, free=each.free)
            for each in self.occupied
        ]
        order = self.elements.index
        return Arrangement(
            space_group=self.space_group, occupied=tuple(sorted(exchanged, key=lambda each: order(each.element)))
        )

    def structure(self, cell: UnitCell, b_angstrom2: Mapping[str, float], *, name: str = "") -> Structure:
        """Return the structure in a cell, each element with its B [angstrom^2]."""
        count: dict[str, int] = {}
        sites = []
        for one in self.occupied:
            count[one.element] = count.get(one.element, 0) + 1
            x, y, z = one.place.tolist()
            sites.append(
                Site(
                    label=f"{one.element}{count[one.element]}",
                    element=one.element,
                    x=x,
                    y=y,
                    z=z,
                    b_iso_angstrom2=b_angstrom2.get(one.element, USUAL_B_ANGSTROM2),
                )
            )
        return Structure(name=name, space_group=self.space_group, cell=cell, sites=tuple(sites))


class Neighbours:
    """Whether atoms on places of a cell are too near to each other.

    Parameters
    ----------
    cell : UnitCell
        The cell.
    atomic_angstrom3 : mapping of str to float
        What an atom of each element takes as an element [angstrom^3].
    closest_share : float
        Of the distance that two atoms have as elements: less is too near.
    """

    def __init__(
        self, cell: UnitCell, atomic_angstrom3: Mapping[str, float], closest_share: float = CLOSEST_SHARE
    ) -> None:
        self._cell = cell
        self._closest_share = closest_share
        self._radius = {e: 0.5 * NEAREST_IN_BCC * v ** (1.0 / 3.0) for e, v in atomic_angstrom3.items()}
        self._known: dict[tuple[int, int, bool], float] = {}  # nearest of two places without freedom [angstrom]

    def bear(self, one: OccupiedPosition, others: Sequence[OccupiedPosition], space_group: str) -> bool:
        """Whether atoms on a place are far enough from each other and from those on other places."""
        return all(
            self._nearest_angstrom(one, other, space_group)
            >= self._closest_share * (self._radius[one.element] + self._radius[other.element])
            for other in (one, *others)
        )

    def allow(self, arrangement: Arrangement) -> bool:
        """Whether all atoms of an arrangement are far enough from each other."""
        return all(
            self.bear(one, arrangement.occupied[:index], arrangement.space_group)
            for index, one in enumerate(arrangement.occupied)
        )

    def _nearest_angstrom(self, one: OccupiedPosition, other: OccupiedPosition, space_group: str) -> float:
        if one.position.freedom or other.position.freedom:
            return self._measured_angstrom(one, other, space_group)
        first, second = sorted((id(one.position), id(other.position)))  # positions are made once and kept
        key = (first, second, one is other)
        if key not in self._known:
            self._known[key] = self._measured_angstrom(one, other, space_group)
        return self._known[key]

    def _measured_angstrom(self, one: OccupiedPosition, other: OccupiedPosition, space_group: str) -> float:
        rotations, translations = operations_of(space_group)
        apart = other.place @ rotations.transpose(0, 2, 1) + translations - one.place
        apart = (apart - np.rint(apart))[:, None, :] + STEPS
        length = np.sqrt(np.einsum("...i,ij,...j->...", apart, self._cell.metric, apart).clip(0.0))
        return float(length[length > ITSELF_ANGSTROM].min() if one is other else length.min())


def completions(begun: Arrangement, element: str, number: int, near: Neighbours, freedom: int) -> Iterator[Arrangement]:
    """Yield the arrangements that atoms of another element make of one.

    Parameters
    ----------
    begun : Arrangement
        What is there; it may be empty.
    element : str
        Chemical symbol of the atoms that are added.
    number : int
        Their number in the cell.
    near : Neighbours
        What is too near; atoms whose places are free are not asked yet.
    freedom : int
        Free coordinates of the added atoms, exactly.
    """
    places = tuple(
        OccupiedPosition(element=element, position=position, free=np.zeros(position.freedom))
        for position in wyckoff_positions(begun.space_group)
    )
    fixed = [one for one in begun.occupied if not one.position.freedom]

    def choose(
        start: int, left: int, freedom: int, there: tuple[OccupiedPosition, ...]
    ) -> Iterator[tuple[OccupiedPosition, ...]]:
        if left == 0:
            if freedom == 0:
                yield there
            return
        for index in range(start, len(places)):
            place = places[index]
            if place.position.multiplicity > left or place.position.freedom > freedom:
                continue
            if place.position.freedom:
                again = index  # atoms may be at several places of one kind
            elif near.bear(place, [*fixed, *(one for one in there if not one.position.freedom)], begun.space_group):
                again = index + 1
            else:
                continue
            yield from choose(
                again, left - place.position.multiplicity, freedom - place.position.freedom, (*there, place)
            )

    for chosen in choose(0, number, freedom, ()):
        yield begun.with_atoms(chosen)
