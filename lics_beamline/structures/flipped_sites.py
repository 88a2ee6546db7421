"""From phases to atoms: the maxima of a flipped density, the places of its group next to them, and which elements.

Heights of maxima order elements and do not decide them: all ways to name the maxima that the contents of the cell
allow are proposed, those first in which no lighter element is at a higher maximum. The rings judge.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.density import default_grid
from lics_beamline.refinement.maxima import Maximum, maxima
from lics_beamline.refinement.structure_factors import StructureFactors
from lics_beamline.structures.arrangement import STEPS, Arrangement, Neighbours, OccupiedPosition
from lics_beamline.structures.charge_flipping import Waves
from lics_beamline.structures.plane_family import Planes
from lics_beamline.structures.wyckoff_position import WyckoffPosition, operations_of, wyckoff_positions

Atoms: TypeAlias = frozenset[tuple[str, int]]  # elements and their numbers
Array = npt.NDArray[np.float64]

GRID_ANGSTROM: Final = 0.12  # step of the grid on which maxima are sought
LOWEST_MAXIMUM: Final = 0.04  # of the highest: lithium beside caesium has 0.05
SNAP_ANGSTROM: Final = 0.35  # a maximum nearer to a place of less freedom is there
MOST_MAXIMA: Final = 7  # that are named
MOST_SITES: Final = 5  # kinds of places that atoms take
MOST_NAMED: Final = 12  # ways to name the maxima of one density


def proposed(
    tops: Sequence[Maximum], space_group: str, cell: UnitCell, allowed: Mapping[Atoms, int], near: Neighbours
) -> Iterator[Arrangement]:
    """Yield the arrangements that maxima may be, those first in which height and atomic number go together.

    Parameters
    ----------
    tops : sequence of Maximum
        The highest first.
    space_group : str
        At whose origin they are.
    cell : UnitCell
        The cell.
    allowed : mapping of frozenset to int
        Numbers of atoms that may be in the cell, with their rank: the most usual has the lowest.
    near : Neighbours
        What is too near.
    """
    places = [occupied_place(top, space_group, cell) for top in tops[:MOST_MAXIMA]]
    elements = _heaviest_first(allowed)
    every = []
    for count in range(1, min(len(places), MOST_SITES) + 1):
        for chosen in itertools.combinations(range(len(places)), count):
            passed_over = chosen[-1] + 1 - count  # higher maxima that would be none of atoms
            for named in itertools.product(range(len(elements)), repeat=count):
                number: dict[str, int] = {}
                for which, place in zip(named, chosen, strict=True):
                    element = elements[which]
                    number[element] = number.get(element, 0) + places[place][0].multiplicity
                rank = allowed.get(frozenset(number.items()))
                if rank is not None:
                    against = sum(first > second for first, second in itertools.combinations(named, 2))
                    every.append((against + passed_over, rank, chosen, named))
    yielded = 0
    for _, _, chosen, named in sorted(every):
        occupied = [
            (which, OccupiedPosition(element=elements[which], position=places[place][0], free=places[place][1]))
            for which, place in zip(named, chosen, strict=True)
        ]
        heaviest_first = tuple(one for _, one in sorted(occupied, key=lambda each: each[0]))
        arrangement = Arrangement(space_group=space_group, occupied=heaviest_first)
        if near.allow(arrangement):
            yield arrangement
            yielded += 1
            if yielded >= MOST_NAMED:
                return


def occupied_place(top: Maximum, space_group: str, cell: UnitCell) -> tuple[WyckoffPosition, Array]:
    """Return the kind of place nearest to a maximum, of least freedom within `SNAP_ANGSTROM`, and its free numbers."""
    rotations, translations = operations_of(space_group)
    images = np.array(top.position) @ rotations.transpose(0, 2, 1) + translations
    metric = cell.metric
    best: tuple[float, WyckoffPosition, Array] | None = None
    positions = wyckoff_positions(space_group)
    for freedom in range(4):
        for position in positions:
            if position.freedom != freedom:
                continue
            apart = (images - position.origin)[:, None, :] + STEPS
            apart = (apart - np.rint(images - position.origin)[:, None, :]).reshape(-1, 3)
            across = position.directions
            # The nearest of the places of this kind, in the metric of the cell
            free = (
                apart @ metric @ across.T @ np.linalg.inv(across @ metric @ across.T)
                if freedom
                else np.zeros((len(apart), 0))
            )
            left = apart - free @ across
            off = np.sqrt(np.einsum("ni,ij,nj->n", left, metric, left).clip(0.0))
            which = int(np.argmin(off))
            if best is None or off[which] < best[0]:
                best = (float(off[which]), position, free[which] % 1.0)
        if best is not None and best[0] < SNAP_ANGSTROM:
            break
    assert best is not None  # the general position is near to any maximum
    return best[1], best[2]


def density_maxima(planes: Planes, waves: Waves, factors: StructureFactors, space_group: str) -> tuple[Maximum, ...]:
    """Return the maxima of the density that structure factors make, the highest first [on an arbitrary scale].

    Parameters
    ----------
    planes : ndarray of int64, shape (n, 3)
        Miller indices.
    waves : ndarray of complex128, shape (n,)
        Their structure factors, at the origin of the space group.
    factors : StructureFactors
        What they are of.
    space_group : str
        Hermann-Mauguin symbol.
    """
    grid = default_grid(replace(factors, space_group=space_group), GRID_ANGSTROM)
    places = np.zeros(grid.shape, dtype=np.complex128)
    places.flat[np.ravel_multi_index(tuple(planes.T), grid.shape, mode="wrap")] = waves
    values = np.fft.fftn(places).real  # of exp(-2 pi i h x)
    lowest = LOWEST_MAXIMUM * float(values.max())
    return maxima(values.clip(lowest), grid, lowest=lowest)  # ripples below it, negative ones too, shape no maximum


def _heaviest_first(allowed: Iterable[Atoms]) -> list[str]:
    import gemmi

    every = {element for atoms in allowed for element, _ in atoms}
    return sorted(every, key=lambda element: -int(gemmi.Element(element).atomic_number))
