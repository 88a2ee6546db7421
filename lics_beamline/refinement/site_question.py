"""A question to a density: whether there is an atom of this element at this site of that host."""

from __future__ import annotations

from dataclasses import dataclass

from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.structure import Atom, Position, Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteQuestion:
    """What is asked, and what is known beforehand.

    Parameters
    ----------
    host : Structure
        What is certain to be there: it gives phases, scale and the dispersion that is taken off.
    element : str
        Of the atom looked for.
    site : tuple of float
        Where, fractional coordinates.
    b_angstrom2 : float
        Its likely isotropic B [angstrom^2].
    b_low_angstrom2, b_high_angstrom2 : float
        Between which it is taken to lie [angstrom^2]: an error of the occupancy.
    radius_angstrom : float
        Radius of the sphere whose electrons are counted [angstrom].
    """

    host: Structure
    element: str
    site: Position
    b_angstrom2: float
    b_low_angstrom2: float
    b_high_angstrom2: float
    radius_angstrom: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.b_low_angstrom2 <= self.b_angstrom2 <= self.b_high_angstrom2:
            raise ValueError(
                f"B of {self.element} is {self.b_angstrom2:g} A^2 between {self.b_low_angstrom2:g} and "
                f"{self.b_high_angstrom2:g}: the range must hold it."
            )

    def with_cell(self, cell: UnitCell) -> SiteQuestion:
        """Return the question about a host in another cell."""
        return SiteQuestion(
            host=self.host.with_cell(cell),
            element=self.element,
            site=self.site,
            b_angstrom2=self.b_angstrom2,
            b_low_angstrom2=self.b_low_angstrom2,
            b_high_angstrom2=self.b_high_angstrom2,
            radius_angstrom=self.radius_angstrom,
        )

    def filled(self, occupancy: float, b_angstrom2: float | None = None) -> Structure:
        """Return the host with the atom at its site."""
        b = self.b_angstrom2 if b_angstrom2 is None else b_angstrom2
        return self.host.with_atoms(Atom(element=self.element, position=self.site, occupancy=occupancy, b_angstrom2=b))

    @property
    def multiplicity(self) -> int:
        """Equivalent sites in the cell."""
        return len(self.host.images(self.site))

    @property
    def electrons(self) -> float:
        """F(000) with the site full: the analyst does not know better."""
        return self.filled(1.0).electrons
