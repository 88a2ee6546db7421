"""From intensities to a structure: all arrangements of atoms that a small cell can have, the likeliest first.

For a small cell this is the honest way: there are few places without freedom, and every choice of them can be tried.
The heaviest element comes first, alone, with the others as an error of unknown place; what it leaves open is completed
with the lighter ones. Signs are a by-product: each arrangement has its own. Where no arrangement of few free
coordinates explains the rings, charge flipping proposes some with more.

References
----------
G. Schwarz, Ann. Statist. 6, 461 (1978), doi 10.1214/aos/1176344136: what a fitted number must be worth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lics_beamline.indexing.indexed_lattice import GroupClass
from lics_beamline.physics.unit_cell import space_group
from lics_beamline.structures.arrangement import (
    CLOSEST_BONDED_SHARE,
    Arrangement,
    Neighbours,
    OccupiedPosition,
    completions,
)
from lics_beamline.structures.arrangement_fit import ArrangementFit, FittedArrangement
from lics_beamline.structures.cell_content import MOST_ATOMS, CellContent, atoms_by_volume, cell_contents, usual_volume
from lics_beamline.structures.flipped_search import FlippedSearch, flipped_search
from lics_beamline.structures.ring_intensities import RingIntensities
from lics_beamline.structures.wyckoff_position import wyckoff_positions

MOST_FREEDOM: Final = 2  # coordinates that symmetry leaves free: more are not searched through
MOST_TRIED: Final = (1000, 200, 60)  # arrangements by free coordinates, of the heaviest element and of all: 10 s each
MOST_LOOKED_AT: Final = 10000  # of each: a powder does not tell many of them apart
EXPLAINED_CHI_SQUARED: Final = 3.0  # reduced, of an arrangement that leaves nothing to more free coordinates
HEAVY_KEPT: Final = 16  # arrangements of the heaviest element that are completed
HEAVY_LEAD: Final = 40.0  # of -2 ln of the likelihood: what is worse than the best by more is not completed
MOST_FINALISTS: Final = 12  # arrangements held against all points
POINTS_USED: Final = 4  # the most telling ones: a structure that changes with pressure would be blurred by many
ALIKE_DIGITS: Final = 1  # of the logarithm of odds: of those alike in it the most symmetric comes first
SAME_DIGITS: Final = 2  # of |F|^2 over the largest: fits of one structure from several starts agree better
MOST_RIVAL_ATOMS: Final = 12  # of the lightest element at other places


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StructureCandidate:
    """An arrangement and what speaks for it.

    Parameters
    ----------
    fitted : FittedArrangement
        The arrangement.
    volume_ratio : float
        Volume of the cell over that of its atoms as elements, as many as were fitted.
    log_odds : float
        To the first candidate: intensities, numbers fitted, volume, extinctions together.
    """

    fitted: FittedArrangement
    volume_ratio: float
    log_odds: float

    @property
    def arrangement(self) -> Arrangement:
        """The arrangement of its atoms."""
        return self.fitted.arrangement

    @property
    def content(self) -> CellContent:
        """Atoms in the cell were all their places taken."""
        return CellContent(atoms=tuple(self.arrangement.atoms.items()), volume_ratio=self.volume_ratio)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StructureSearch:
    """What intensities say of a structure.

    Parameters
    ----------
    candidates : tuple of StructureCandidate
        The likeliest first; empty where none is possible.
    contents : tuple of CellContent
        Contents that the volume leaves, those of the most usual volume first.
    chi_squared : float
        Reduced, of the first candidate over the rings of all points used; NaN where there is none.
    heavy_log_odds : float
        Of the first candidate to the first whose heaviest element is elsewhere; infinite where there is none.
    freedom : int
        Free coordinates up to which arrangements were tried.
    tried : int
        Arrangements that were fitted.
    complete : bool
        False where there were too many to fit them all, where the volume has room for more atoms than are tried, or the
        first has more free coordinates than were tried.
    most_atoms : int
        That the cell may have, by its volume.
    points : tuple of RingIntensities
        What the candidates were held against.
    fit : ArrangementFit
        By which they were.
    flipped : FlippedSearch, optional
        What charge flipping proposed; None where arrangements of few free coordinates explain the rings.
    """

    candidates: tuple[StructureCandidate, ...]
    contents: tuple[CellContent, ...]
    chi_squared: float
    heavy_log_odds: float
    freedom: int
    tried: int
    complete: bool
    most_atoms: int
    points: tuple[RingIntensities, ...]
    fit: ArrangementFit
    flipped: FlippedSearch | None = None

    @property
    def is_flipped(self) -> bool:
        """Whether the first candidate has more free coordinates than were tried: charge flipping proposed it."""
        return bool(self.candidates) and self.candidates[0].arrangement.freedom > MOST_FREEDOM

    @property
    def rivals(self) -> tuple[StructureCandidate, ...]:
        """Candidates whose atoms are elsewhere than those of the first, not only fewer of the same places taken."""
        first = [(one.element, id(one.position)) for one in self.candidates[0].arrangement.occupied]
        return tuple(
            other
            for other in self.candidates[1:]
            if [(one.element, id(one.position)) for one in other.arrangement.occupied] != first
        )


def search_structure(
    points: Sequence[RingIntensities], classes: Sequence[GroupClass], atomic_angstrom3: Mapping[str, float]
) -> StructureSearch:
    """Try the arrangements that a cell can have.

    Parameters
    ----------
    points : sequence of RingIntensities
        The most telling first.
    classes : sequence of GroupClass
        Space groups that remain.
    atomic_angstrom3 : mapping of str to float
        What an atom of each element takes at the first point [angstrom^3], the heaviest element first.

    Raises
    ------
    RefinementFailed
        If its volume leaves more contents than can be tried.
    """
    return _Search(points, classes, atomic_angstrom3).result()


class _Search:
    def __init__(
        self, points: Sequence[RingIntensities], classes: Sequence[GroupClass], atomic_angstrom3: Mapping[str, float]
    ) -> None:
        self._volumes = atomic_angstrom3
        self._points = tuple(points[:POINTS_USED])
        self._coarse = ArrangementFit(points[:1], tuple(atomic_angstrom3))
        self._fine = ArrangementFit(self._points, tuple(atomic_angstrom3))
        self._groups = {str(space_group(group).xhm()): one.log_odds for one in classes for group in one.groups}
        self._contents = cell_contents(self._fine.cell.volume_angstrom3, atomic_angstrom3)
        self._most_atoms = atoms_by_volume(self._fine.cell.volume_angstrom3, atomic_angstrom3)[1]
        self._near = Neighbours(self._fine.cell, atomic_angstrom3)
        self._heavies: list[FittedArrangement] = []
        self._seen: set[tuple[object, ...]] = set()
        self._tried = 0
        self._complete = self._most_atoms <= MOST_ATOMS

    def result(self) -> StructureSearch:
        found: tuple[StructureCandidate, ...] = ()
        flipped: FlippedSearch | None = None
        freedom = -1
        for freedom in range(MOST_FREEDOM + 1):
            better = [fitted.arrangement for fitted in self._completed(freedom)]
            found = self._ranked(self._fine, better, [one.fitted for one in found])
            if found and self._chi_squared(found[0].fitted) < EXPLAINED_CHI_SQUARED:
                break
        else:
            # From here on nearer atoms are borne: phases say that they are there, and no longer how many ways there are
            self._near = Neighbours(self._fine.cell, self._volumes, CLOSEST_BONDED_SHARE)
            flipped = flipped_search(self._points[0], tuple(self._groups), self._contents, self._volumes)
            better = [fitted.arrangement for fitted in self._flipped(flipped)]
            found = self._ranked(self._fine, better, [one.fitted for one in found])
        if found:
            found = self._ranked(self._fine, list(self._rivals(found[0].arrangement)), [one.fitted for one in found])
        return StructureSearch(
            candidates=found,
            contents=self._contents,
            chi_squared=self._chi_squared(found[0].fitted) if found else math.nan,
            heavy_log_odds=self._heavy_log_odds(found),
            freedom=freedom,
            tried=self._tried,
            complete=self._complete and not (found and found[0].arrangement.freedom > MOST_FREEDOM),
            most_atoms=self._most_atoms,
            points=self._points,
            fit=self._fine,
            flipped=flipped,
        )

    def _chi_squared(self, fitted: FittedArrangement) -> float:
        return fitted.chi_squared / max(self._fine.rings - fitted.numbers, 1)

    def _rivals(self, best: Arrangement) -> Iterator[Arrangement]:
        """Yield what must be worse if an arrangement is right, whatever the volume says of it.

        Its lightest element nowhere, at other places without freedom, or exchanged with the heaviest.
        """
        if len(best.elements) < 2:
            return
        light, empty = best.elements[-1], best.without(best.elements[-1])
        elsewhere = (
            empty.with_atoms((OccupiedPosition(element=light, position=position, free=np.zeros(0)),))
            for position in wyckoff_positions(best.space_group)
            if not position.freedom and position.multiplicity <= MOST_RIVAL_ATOMS
        )
        known = {self._coarse.signature(best)}
        for rival in (empty, best.swapped(best.elements[0], light), *elsewhere):
            seen = self._coarse.signature(rival)
            if seen not in known and self._near.allow(rival):
                known.add(seen)
                yield rival

    def _completed(self, freedom: int) -> list[FittedArrangement]:
        """Return the arrangements of all elements, with so many free coordinates, that are best at the first point."""
        self._heavies += self._heavy(freedom)
        least = min((fitted.chi_squared for fitted in self._heavies), default=0.0)
        kept = sorted(self._heavies, key=lambda fitted: fitted.chi_squared)[:HEAVY_KEPT]
        every = (
            arrangement
            for content in self._contents
            for heavy in kept
            if heavy.chi_squared < least + HEAVY_LEAD and heavy.arrangement.atoms == dict(content.atoms[:1])
            for arrangement in self._with(heavy.arrangement, content.atoms[1:], freedom - heavy.arrangement.freedom)
        )
        found = [self._coarse.fit(arrangement) for arrangement in self._distinct(every)]
        self._tried += len(found)
        return [candidate.fitted for candidate in self._ranked(self._coarse, [], found)[:MOST_FINALISTS]]

    def _flipped(self, proposed: FlippedSearch) -> list[FittedArrangement]:
        """Return the arrangements of charge flipping that are best at the first point."""
        self._tried += proposed.tried
        return [candidate.fitted for candidate in self._ranked(self._coarse, [], proposed.fitted)[:MOST_FINALISTS]]

    def _heavy(self, freedom: int) -> list[FittedArrangement]:
        """Return the arrangements of the heaviest element of each content, the others anywhere."""
        usual: dict[tuple[str, int], dict[str, int]] = {}
        for content in self._contents:
            usual.setdefault(content.atoms[0], dict(content.atoms[1:]))
        every = (
            arrangement
            for element, number in usual
            for group in self._groups
            for arrangement in completions(
                Arrangement(space_group=group, occupied=()), element, number, self._near, freedom
            )
        )
        found = []
        for arrangement in self._distinct(every):
            (atoms,) = arrangement.atoms.items()
            found.append(self._coarse.fit(arrangement, usual[atoms]))
        self._tried += len(found)
        return found

    def _with(self, begun: Arrangement, lighter: Sequence[tuple[str, int]], freedom: int) -> Iterator[Arrangement]:
        if not lighter:
            if freedom == 0:
                yield begun
            return
        (element, number), *rest = lighter
        for part in range(freedom + 1):
            for more in completions(begun, element, number, self._near, part):
                yield from self._with(more, rest, freedom - part)

    def _distinct(self, every: Iterator[Arrangement]) -> Iterator[Arrangement]:
        """Yield the arrangements that a powder can tell apart, until there are too many."""
        new = 0
        for looked_at, arrangement in enumerate(every):
            if new >= MOST_TRIED[arrangement.freedom] or looked_at >= MOST_LOOKED_AT:
                self._complete = False
                return
            if not arrangement.freedom:
                key = (tuple(arrangement.atoms.items()), self._coarse.signature(arrangement))
                if key in self._seen:
                    continue
                self._seen.add(key)
            new += 1
            yield arrangement

    def _ranked(
        self, fit: ArrangementFit, arrangements: Sequence[Arrangement], fitted: Sequence[FittedArrangement] = ()
    ) -> tuple[StructureCandidate, ...]:
        """Return candidates, the likeliest first; at the end each also with its lightest element taken in part."""
        every = [
            one
            for one in (*fitted, *(each for arrangement in arrangements for each in self._fits(fit, arrangement)))
            if self._near.allow(one.arrangement)
        ]
        if not every:
            return ()
        # Errors that the best fit finds too small are enlarged, for all alike
        inflation = max(1.0, min(one.chi_squared / max(fit.rings - one.numbers, 1) for one in every))
        scores = [self._log_evidence(one, fit, inflation) for one in every]
        best = max(scores)
        found: dict[tuple[object, ...], StructureCandidate] = {}
        order = list(self._groups)
        for score, one in sorted(
            zip(scores, every, strict=True),
            key=lambda pair: (-round(pair[0], ALIKE_DIGITS), order.index(pair[1].arrangement.space_group)),
        ):
            # Another origin, another hand, or a lower group that makes nothing of its freedom: one to a powder
            squares = np.concatenate(fit.squares(one))
            seen = tuple(np.round(squares / squares.max(initial=1e-12), SAME_DIGITS).tolist())
            key = (tuple(one.arrangement.atoms.items()), seen)
            candidate = StructureCandidate(fitted=one, volume_ratio=self._ratio(one), log_odds=score - best)
            found.setdefault(key, candidate)
        return tuple(found.values())

    def _fits(self, fit: ArrangementFit, arrangement: Arrangement) -> Iterator[FittedArrangement]:
        self._tried += 1
        yield fit.fit(arrangement)
        if len(arrangement.elements) > 1:
            yield fit.fit(arrangement, partly=arrangement.elements[-1])

    def _log_evidence(self, one: FittedArrangement, fit: ArrangementFit, inflation: float) -> float:
        numbers = 0.5 * one.numbers * math.log(fit.rings)
        extinctions = self._groups[one.arrangement.space_group]
        return -0.5 * one.chi_squared / inflation - numbers + usual_volume(self._ratio(one)) + extinctions

    def _ratio(self, one: FittedArrangement) -> float:
        alone = sum(
            self._volumes[element] * number * one.occupancy[element]
            for element, number in one.arrangement.atoms.items()
        )
        return self._fine.cell.volume_angstrom3 / alone

    def _heavy_log_odds(self, found: Sequence[StructureCandidate]) -> float:
        """Return how much likelier the first candidate is than any whose heaviest element is elsewhere."""
        if not found:
            return math.nan
        first = self._heaviest(found[0])
        return -max((one.log_odds for one in found if self._heaviest(one) != first), default=-math.inf)

    def _heaviest(self, candidate: StructureCandidate) -> tuple[object, ...]:
        arrangement = candidate.arrangement
        main = arrangement.elements[0]
        alone = replace(arrangement, occupied=tuple(one for one in arrangement.occupied if one.element == main))
        return main, self._coarse.signature(alone)
