"""Crystal structures: atoms in a cell, and their structure factors for X-rays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.unit_cell import UnitCell, space_group

Array = npt.NDArray[np.float64]
Position = tuple[float, float, float]
B_OF_U: Final = 8.0 * np.pi**2  # B = 8 pi^2 U
SAME_PLACE: Final = 1e-4  # fractional; coordinates of CIF have four digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One atom of the asymmetric unit.

    Parameters
    ----------
    label, element : str
        Name in the CIF, and chemical symbol.
    x, y, z : float
        Fractional coordinates.
    occupancy : float
        Fraction of the sites that is occupied, 0 to 1.
    b_iso_angstrom2 : float
        Isotropic displacement parameter B [angstrom^2].
    """

    label: str
    element: str
    x: float
    y: float
    z: float
    occupancy: float = 1.0
    b_iso_angstrom2: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A crystal structure.

    Parameters
    ----------
    name : str
        Name of the CIF's data block.
    space_group : str
        Hermann-Mauguin symbol as gemmi writes it.
    cell : UnitCell
        Unit cell.
    sites : tuple of Site
        The asymmetric unit.
    """

    name: str
    space_group: str
    cell: UnitCell
    sites: tuple[Site, ...]

    def in_cell(self, cell: UnitCell) -> Structure:
        """Return the same structure in another cell."""
        return replace(self, cell=cell)

    def orbit(self, site: Site) -> Array:
        """Positions of a site and its equivalents in the cell, shape (positions, 3), each once."""
        return np.array(_orbit(self.space_group, (site.x, site.y, site.z)))

    @property
    def mass_u(self) -> float:
        """Mass of the cell's content [u]."""
        import gemmi

        return float(
            sum(gemmi.Element(site.element).weight * site.occupancy * len(self.orbit(site)) for site in self.sites)
        )

    @property
    def electrons(self) -> float:
        """F(000): electrons in the cell."""
        import gemmi

        return float(sum(gemmi.Element(s.element).atomic_number * s.occupancy * len(self.orbit(s)) for s in self.sites))

    def structure_factors(
        self, hkl: npt.NDArray[np.int64], dispersion: Mapping[str, complex] | None = None
    ) -> npt.NDArray[np.complex128]:
        """Structure factors of reflections.

        Parameters
        ----------
        hkl : ndarray of int, shape (n, 3)
            Miller indices.
        dispersion : mapping of str to complex, optional
            f' + i f'' of elements [electrons]; none by default.

        Returns
        -------
        ndarray of complex128, shape (n,)
            F [electrons a cell], displacement included.

        Notes
        -----
        ``F = sum_j occ_j (f_j(s) + f'_j + i f''_j) exp(-B_j s^2) sum_x exp(2 pi i h.x)``, ``s = sin(theta)/lambda``;
        form factors of neutral atoms, International Tables C (1992), as gemmi has them.
        """
        import gemmi

        s_squared = 0.25 * self.cell.inverse_d_squared(hkl)
        total = np.zeros(len(hkl), dtype=np.complex128)
        for site in self.sites:
            coefficients = gemmi.Element(site.element).it92
            form = np.array([coefficients.calculate_sf(value) for value in s_squared])
            anomalous = (dispersion or {}).get(site.element, 0.0)
            phases = np.exp(2j * np.pi * (hkl @ self.orbit(site).T)).sum(axis=1)
            total += site.occupancy * (form + anomalous) * np.exp(-site.b_iso_angstrom2 * s_squared) * phases
        return total


@lru_cache(maxsize=1024)  # asked for at every point of a run, of the same few sites
def _orbit(symbol: str, position: Position) -> tuple[Position, ...]:
    operations = space_group(symbol).operations()
    images = np.array([operation.apply_to_xyz(list(position)) for operation in operations]) % 1.0
    found = images[:0]
    for there in images:
        if not (np.abs((there - found + 0.5) % 1.0 - 0.5).max(axis=1) <= SAME_PLACE).any():
            found = np.vstack([found, there])
    return tuple((float(x), float(y), float(z)) for x, y, z in found)
