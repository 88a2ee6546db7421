"""A question to a density: whether there is an atom of this element at this site of that host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.structure import Site, Structure
from lics_beamline.physics.unit_cell import UnitCell

Position: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteQuestion:
    """A question about a site, and what is known beforehand.

    Parameters
    ----------
    host : Structure
        What is certain to be there: it gives phases, scale and the dispersion that is taken off.
    element : str
        Of the atom looked for.
    site : tuple of float
        Fractional coordinates.
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
        return replace(self, host=self.host.in_cell(cell))

    def filled(self, occupancy: float, b_angstrom2: float | None = None) -> Structure:
        """Return the host with the atom at its site, last."""
        return replace(self.host, sites=(*self.host.sites, self._atom(occupancy, b_angstrom2)))

    def _atom(self, occupancy: float, b_angstrom2: float | None) -> Site:
        x, y, z = self.site
        return Site(
            label=f"{self.element}?",
            element=self.element,
            x=x,
            y=y,
            z=z,
            occupancy=occupancy,
            b_iso_angstrom2=self.b_angstrom2 if b_angstrom2 is None else b_angstrom2,
        )

    @property
    def images(self) -> npt.NDArray[np.float64]:
        """Fractional coordinates of the site and its equivalents in the cell, shape (multiplicity, 3)."""
        return self.host.orbit(self._atom(1.0, None))

    @property
    def electrons(self) -> float:
        """F(000) with the site full: the analyst does not know better."""
        return self.filled(1.0).electrons


def question_about(
    structure: Structure, label: str, *, b_low_angstrom2: float, b_high_angstrom2: float, radius_angstrom: float = 1.0
) -> SiteQuestion:
    """Ask about one site of a structure, as if it were not known: the others are the host.

    Parameters
    ----------
    structure : Structure
        With the site, whose B is taken as likely.
    label : str
        Its label in the CIF: ``"Li1"``.
    b_low_angstrom2, b_high_angstrom2 : float
        Between which its B is taken to lie [angstrom^2].
    radius_angstrom : float
        Radius of the sphere whose electrons are counted [angstrom].

    Raises
    ------
    RefinementFailed
        There is no such site, or no other.
    """
    asked = [site for site in structure.sites if site.label == label]
    host = tuple(site for site in structure.sites if site.label != label)
    if len(asked) != 1 or not host:
        raise RefinementFailed(
            f"{structure.name} has {len(asked)} sites {label!r} and {len(host)} others: one is needed, and a host. "
            f"Choose one of {', '.join(site.label for site in structure.sites)}.",
            label=label,
        )
    return SiteQuestion(
        host=replace(structure, sites=host),
        element=asked[0].element,
        site=(asked[0].x, asked[0].y, asked[0].z),
        b_angstrom2=asked[0].b_iso_angstrom2,
        b_low_angstrom2=b_low_angstrom2,
        b_high_angstrom2=b_high_angstrom2,
        radius_angstrom=radius_angstrom,
    )
