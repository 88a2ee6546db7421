"""Structures that charge flipping proposes: densities, the groups that they have, the atoms at their maxima.

What is named first is completed: the phases of the atoms that fit best make the next density, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lics_beamline.structures.arrangement import Neighbours
from lics_beamline.structures.arrangement_fit import ArrangementFit, FittedArrangement
from lics_beamline.structures.cell_content import CellContent
from lics_beamline.structures.charge_flipping import ChargeFlipping, FlippedPhases, Waves
from lics_beamline.structures.flipped_sites import Atoms, density_maxima, proposed
from lics_beamline.structures.flipped_symmetry import SettledPhases, settled
from lics_beamline.structures.plane_family import Planes, turns_of
from lics_beamline.structures.ring_intensities import RingIntensities

LEAST_AGREEMENT: Final = 0.5  # with a group, of a density that may have its symmetry; of others 0.2 to 0.4 by chance
LESS_AGREEMENT: Final = 0.25  # than the best group has: a group with less is out
MOST_GROUPS: Final = 8  # whose maxima are named
DENSITIES_OF_GROUP: Final = 2  # the best
MOST_ROUNDS: Final = 3  # of naming maxima, fitting, and making the next density
ENOUGH_CHI_SQUARED: Final = 1.5  # reduced, of an arrangement that leaves nothing to groups of less symmetry
KEPT_OF_ROUND: Final = 4  # arrangements whose phases make the next densities
CLOSEST_BEGUN_SHARE: Final = 0.35  # of the distance of atoms as elements: maxima are some tenths of an angstrom off


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlippedSearch:
    """What charge flipping says of a structure.

    Parameters
    ----------
    settled : tuple of SettledPhases
        The best density of each group that may be, the most symmetric group first.
    best_agreement : float
        Of any density with any group; 0 where there is none.
    fitted : tuple of FittedArrangement
        What the maxima may be, of contents that the cell may have.
    tried : int
        Arrangements that were fitted.
    """

    settled: tuple[SettledPhases, ...]
    best_agreement: float
    fitted: tuple[FittedArrangement, ...]
    tried: int


def flipped_search(
    rings: RingIntensities,
    groups: Sequence[str],
    contents: Sequence[CellContent],
    atomic_angstrom3: Mapping[str, float],
) -> FlippedSearch:
    """Propose arrangements from phases that no model gave.

    Parameters
    ----------
    rings : RingIntensities
        Of one point.
    groups : sequence of str
        Space groups that remain.
    contents : sequence of CellContent
        What the cell may have, the most usual first.
    atomic_angstrom3 : mapping of str to float
        What an atom of each element takes as an element [angstrom^3], the heaviest element first.
    """
    if not contents:
        return FlippedSearch(settled=(), best_agreement=0.0, fitted=(), tried=0)
    elements = tuple(atomic_angstrom3)
    best = [_best(every) for every in _by_group(rings, groups, elements)]
    most = max(one[0].agreement for one in best)
    kept = [one for one in best if one[0].agreement > max(LEAST_AGREEMENT, most - LESS_AGREEMENT)]
    kept.sort(key=lambda one: -len(turns_of(one[0].space_group)))
    kept = kept[:MOST_GROUPS]
    naming = _Naming(rings, contents, atomic_angstrom3)
    fitted: list[FittedArrangement] = []
    for densities in kept:
        if not naming.is_explained(fitted):  # groups of less symmetry say no more then
            fitted += naming.named(densities)
    return FlippedSearch(
        settled=tuple(one[0] for one in kept), best_agreement=most, fitted=tuple(fitted), tried=naming.tried
    )


def settled_density(rings: RingIntensities, group: str, elements: Sequence[str]) -> SettledPhases:
    """Return the density that has most of the symmetry of a group."""
    (every,) = _by_group(rings, (group,), elements)
    return _best(every)[0]


class _Naming:
    def __init__(
        self, rings: RingIntensities, contents: Sequence[CellContent], atomic_angstrom3: Mapping[str, float]
    ) -> None:
        self._rings = rings
        self._elements = tuple(atomic_angstrom3)
        self._fit = ArrangementFit([rings], self._elements)
        self._near = Neighbours(rings.cell, atomic_angstrom3, CLOSEST_BEGUN_SHARE)
        self._whole: dict[Atoms, int] = {}
        self._begun: dict[Atoms, int] = {}  # without the lightest elements, which ripples may hide, too
        for rank, content in enumerate(contents):
            self._whole[frozenset(content.atoms)] = rank
            for count in range(1, len(content.atoms) + 1):
                self._begun.setdefault(frozenset(content.atoms[:count]), rank)
        self.tried = 0

    def named(self, densities: Sequence[SettledPhases]) -> list[FittedArrangement]:
        """Return the arrangements of one group that are of contents that may be."""
        group = densities[0].space_group
        flipping = ChargeFlipping(self._rings.factors, turns_of(group), self._elements)
        waves = [density.waves for density in densities]
        found: list[FittedArrangement] = []
        for _ in range(MOST_ROUNDS):
            for wave in waves:
                tops = density_maxima(flipping.planes, wave, self._rings.factors, group)
                every = proposed(tops, group, self._rings.cell, self._begun, self._near)
                new = [self._fit.fit(arrangement) for arrangement in every]
                self.tried += len(new)
                found += new
            if self.is_explained(found):
                break
            best = sorted(found, key=lambda one: one.chi_squared)[:KEPT_OF_ROUND]
            waves = [flipping.phased(self._model(one, flipping.planes)) for one in best]
        return [one for one in found if frozenset(one.arrangement.atoms.items()) in self._whole]

    def is_explained(self, found: Sequence[FittedArrangement]) -> bool:
        """Whether an arrangement leaves nothing of the rings to others."""
        left = (one.chi_squared / max(self._fit.rings - one.numbers, 1) for one in found)
        return min(left, default=np.inf) < ENOUGH_CHI_SQUARED

    def _model(self, one: FittedArrangement, planes: Planes) -> Waves:
        return one.arrangement.structure(self._rings.cell, one.b_angstrom2).structure_factors(planes)


def _by_group(rings: RingIntensities, groups: Sequence[str], elements: Sequence[str]) -> Iterator[list[SettledPhases]]:
    """Yield all densities, at the origin of each group; those of groups of one Laue class are found once."""
    longest = max(rings.cell.numbers[:3])
    known: dict[bytes, tuple[FlippedPhases, ...]] = {}
    for group in groups:
        turns = turns_of(group)
        laue = np.unique(np.concatenate([turns, -turns]), axis=0).tobytes()
        if laue not in known:
            known[laue] = ChargeFlipping(rings.factors, turns, elements).densities()
        yield [settled(phases, group, longest) for phases in known[laue]]


def _best(every: Sequence[SettledPhases]) -> list[SettledPhases]:
    return sorted(every, key=lambda one: -one.agreement)[:DENSITIES_OF_GROUP]
