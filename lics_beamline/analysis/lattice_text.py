"""A lattice in words: its cell with errors, and what speaks for it, in a line."""

from __future__ import annotations

from typing import Final

from lics_beamline.analysis.quantity import written
from lics_beamline.indexing.indexed_lattice import IndexedLattice, Indexing
from lics_beamline.physics.unit_cell import FREE, NAMES, UnitCell

MOST_GROUPS_TOLD: Final = 6  # space groups of a line


def cell_text(cell: UnitCell, sigma: UnitCell, system: str) -> str:
    """Return the free numbers of a cell with their standard uncertainties: ``a 3.489(3)``."""
    places = FREE[system]
    return "  ".join(
        f"{NAMES[number]} {written(cell.numbers[number], sigma.numbers[number])}"
        for number, entry in enumerate(places)
        if isinstance(entry, int) and entry not in places[:number]
    )


def lattice_text(found: Indexing | None) -> str:
    """Return what is known of a lattice in one line; None stands for lines too few to be asked."""
    if found is None:
        return "not sought: its lines are too few"
    if not found.lattices or found.verdict == "not decided":
        return f"not decided: {found.reason}" + (f"; first {_of(found.lattices[0])}" if found.lattices else "")
    best = found.lattices[0]
    groups = best.space_groups
    named = ", ".join(groups[:MOST_GROUPS_TOLD])
    more = f" and {len(groups) - MOST_GROUPS_TOLD} more" if len(groups) > MOST_GROUPS_TOLD else ""
    why = f" ({found.reason})" if found.reason else ""
    return f"{found.verdict}: {_of(best)}; space groups that remain: {named}{more}{why}"


def _of(lattice: IndexedLattice) -> str:
    at = lattice.points[0]
    return (
        f"{lattice.system} {lattice.centring}, {cell_text(at.cell, at.cell_sigma, lattice.system)} A at "
        f"{at.pressure_gpa:.2f} GPa, {lattice.lines - lattice.strays} of {lattice.lines} lines, {lattice.seen} of "
        f"{lattice.possible} that are possible"
    )
