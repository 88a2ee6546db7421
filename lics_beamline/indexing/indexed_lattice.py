"""What an indexing finds: lattices at each point, what speaks for them, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lics_beamline.indexing.lattice_evidence import FiguresOfMerit
from lics_beamline.physics.unit_cell import UnitCell

Verdict = Literal["sure", "likely", "not decided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatticeAtPoint:
    """A lattice at one point.

    Parameters
    ----------
    pressure_gpa, temperature_k : float
        Of the sample.
    cell, cell_sigma : UnitCell
        Conventional cell, and the standard deviations of its numbers: 0 for those that symmetry fixes.
    shift_deg : float
        Of all angles, fitted.
    indices : tuple
        Of each line its Miller indices, None for a line of no reflection.
    """

    pressure_gpa: float
    temperature_k: float
    cell: UnitCell
    cell_sigma: UnitCell
    shift_deg: float
    indices: tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupClass:
    """Space groups that leave out the same reflections, and the log of their odds to the best class."""

    groups: tuple[str, ...]
    log_odds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedLattice:
    """A lattice that lines may be of.

    Parameters
    ----------
    system, centring : str
        Crystal system and letter of the lattice; hexagonal with R for a rhombohedral one.
    points : tuple of LatticeAtPoint
        The points used, that with most lines first.
    log_evidence : float
        Log of how much likelier the lines are with it than by chance.
    merit : FiguresOfMerit
        At the first point.
    lines, strays : int
        At the first point: lines, and those of no reflection.
    possible, seen : int
        Lines of the lattice up to the last one that is seen, where they would be, at the first point; and those seen.
    engines : tuple of str
        Who found it.
    classes : tuple of GroupClass
        Space groups that remain, the likeliest first.
    rejected : str
        Why it can be none; else empty.
    content : str
        The most usual atoms that its volume and places leave; empty where nobody asked.
    is_idle : bool
        Whether it is a superlattice of the first, without a line of its own: no rival of that.
    """

    system: str
    centring: str
    points: tuple[LatticeAtPoint, ...]
    log_evidence: float
    merit: FiguresOfMerit
    lines: int
    strays: int
    possible: int
    seen: int
    engines: tuple[str, ...]
    classes: tuple[GroupClass, ...]
    rejected: str = ""
    content: str = ""
    is_idle: bool = False

    @property
    def cell(self) -> UnitCell:
        """Conventional cell at the first point."""
        return self.points[0].cell

    @property
    def space_groups(self) -> tuple[str, ...]:
        """All space groups that remain, the most symmetric of each class first."""
        return tuple(group for one in self.classes for group in one.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexing:
    """What lines say of the lattice of their phase.

    Parameters
    ----------
    verdict : {"sure", "likely", "not decided"}
        Of the first lattice.
    reason : str
        Why it is not sure; else empty.
    lattices : tuple of IndexedLattice
        The likeliest first; empty where none explains the lines.
    engines : str
        What the engines say of each other.
    """

    verdict: Verdict
    reason: str
    lattices: tuple[IndexedLattice, ...]
    engines: str
