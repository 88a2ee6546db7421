"""Cells in the setting that every description of a lattice leads to: the reduced one of Niggli."""

from __future__ import annotations

import math

from lics_beamline.physics.unit_cell import UnitCell

SAME_RELATIVE = 4e-3  # edges and volumes of two cells that are one


def reduced(cell: UnitCell, centring: str) -> UnitCell:
    """Return the reduced primitive cell of a lattice.

    Parameters
    ----------
    cell : UnitCell
        Conventional cell.
    centring : str
        Letter of the lattice; R for hexagonal axes.
    """
    import gemmi

    vector = gemmi.GruberVector(gemmi.UnitCell(*cell.numbers), centring)
    vector.niggli_reduce()
    a, b, c, alpha, beta, gamma = vector.get_cell().parameters
    return UnitCell(a_angstrom=a, b_angstrom=b, c_angstrom=c, alpha_deg=alpha, beta_deg=beta, gamma_deg=gamma)


def same_lattice(first: UnitCell, first_centring: str, second: UnitCell, second_centring: str) -> bool:
    """Whether two cells are of one lattice, as far as their lines tell.

    Edges and volumes of the reduced cells agree: angles jump where edges are nearly equal.
    """
    one, other = reduced(first, first_centring), reduced(second, second_centring)
    if not math.isclose(one.volume_angstrom3, other.volume_angstrom3, rel_tol=2.0 * SAME_RELATIVE):
        return False
    return all(
        math.isclose(mine, theirs, rel_tol=SAME_RELATIVE)
        for mine, theirs in zip(one.numbers[:3], other.numbers[:3], strict=True)
    )
