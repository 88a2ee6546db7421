"""Crystal structures: atoms in a cell, read from CIF, and their structure factors for X-rays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ProfileError
from lics_beamline.given_file import READER_FAULTS
from lics_beamline.physics.unit_cell import UnitCell, space_group

Array = npt.NDArray[np.float64]
Position = tuple[float, float, float]
B_OF_U: Final = 8.0 * np.pi**2  # B = 8 pi^2 U
LEAST_EDGE_ANGSTROM: Final = 1.0  # of a cell; atoms are no smaller
MOST_EDGE_ANGSTROM: Final = 100.0  # a protein has more, and no powder of it is squeezed
LEAST_ANGLE_DEG: Final = 20.0  # a reduced cell has 60 or more
MOST_SITES: Final = 1000  # of the asymmetric unit
MOST_FRACTION: Final = 10.0  # of a coordinate: some programs do not bring atoms back into the cell
OCCUPANCY_ROUNDING: Final = 1e-3  # thirds printed with three digits sum to more than one
MOST_U_ANGSTROM2: Final = 10.0  # an atom that far from its place is in none
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
    found: list[Array] = []
    for operation in space_group(symbol).operations():
        there = np.array(operation.apply_to_xyz(list(position))) % 1.0
        apart = [np.abs((there - other + 0.5) % 1.0 - 0.5).max() for other in found]
        if not apart or min(apart) > SAME_PLACE:
            found.append(there)
    return tuple((float(x), float(y), float(z)) for x, y, z in found)


def _check(small: Any, source: str) -> None:
    """Refuse a structure that no powder has: it would be reckoned with for hours, or give no number at all.

    Raises
    ------
    ProfileError
        Naming what is beyond which bound.
    """
    fault = ""
    edges, angles = small.cell.parameters[:3], small.cell.parameters[3:]
    if not all(LEAST_EDGE_ANGSTROM <= edge <= MOST_EDGE_ANGSTROM for edge in edges):
        fault = f"edges {edges} angstrom, within {LEAST_EDGE_ANGSTROM:g} and {MOST_EDGE_ANGSTROM:g} are allowed"
    elif not all(LEAST_ANGLE_DEG <= angle <= 180.0 - LEAST_ANGLE_DEG for angle in angles):
        fault = f"angles {angles} deg, within {LEAST_ANGLE_DEG:g} and {180.0 - LEAST_ANGLE_DEG:g} are allowed"
    elif len(small.sites) > MOST_SITES:
        fault = f"{len(small.sites)} atoms, {MOST_SITES} are the most"
    for site in () if fault else small.sites:
        where = f"atom {site.label[:20]!r} "
        if not all(abs(x) <= MOST_FRACTION for x in (site.fract.x, site.fract.y, site.fract.z)):
            fault = f"{where}at {site.fract.tolist()}, fractions of the cell are allowed"
        elif not 0.0 <= site.occ <= 1.0 + OCCUPANCY_ROUNDING:
            fault = f"{where}with occupancy {site.occ:g}, 0 to 1 is allowed"
        elif not abs(site.u_iso) <= MOST_U_ANGSTROM2:
            fault = f"{where}with U = {site.u_iso:g} angstrom^2, {MOST_U_ANGSTROM2:g} is the most"
        elif site.element.atomic_number < 1:
            fault = f"{where}of no element"
        if fault:
            break
    if fault:
        raise ProfileError(f"{source}: the structure has {fault}. Mend the CIF.", file=source)


def structure_from_cif(text: str, *, source: str = "CIF") -> Structure:
    """Return the structure of a CIF with one data block.

    Parameters
    ----------
    text : str
        The CIF.
    source : str
        Named in errors.

    Raises
    ------
    ProfileError
        If it is no CIF, or lacks cell, space group or atoms.
    """
    import gemmi

    try:
        block = gemmi.cif.read_string(text).sole_block()
        small = gemmi.make_small_structure_from_block(block)
    except READER_FAULTS as error:
        raise ProfileError(f"{source}: not readable as CIF: {error}. Mend it.", file=source) from None
    if small.spacegroup is None or not small.sites or small.cell.volume <= 1.0:
        raise ProfileError(
            f"{source}: a structure needs cell, space group and atoms; found a cell of {small.cell.volume:.4g} "
            f"angstrom^3, space group {small.spacegroup_hm or 'none'}, {len(small.sites)} atoms. Complete it.",
            file=source,
        )
    _check(small, source)
    sites = tuple(
        Site(
            label=site.label,
            element=site.element.name,
            x=site.fract.x,
            y=site.fract.y,
            z=site.fract.z,
            occupancy=site.occ,
            b_iso_angstrom2=B_OF_U * site.u_iso,
        )
        for site in small.sites
    )
    cell = UnitCell(
        a_angstrom=small.cell.a,
        b_angstrom=small.cell.b,
        c_angstrom=small.cell.c,
        alpha_deg=small.cell.alpha,
        beta_deg=small.cell.beta,
        gamma_deg=small.cell.gamma,
    )
    return Structure(name=block.name, space_group=small.spacegroup.xhm(), cell=cell, sites=sites)
