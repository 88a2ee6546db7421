"""A crystal structure as atoms in a cell, and its structure factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.crystal import Reflection
from lics_beamline.physics.scattering_factor import electrons, form_factor
from lics_beamline.physics.unit_cell import UnitCell, space_group

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
Position = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """An atom of the asymmetric unit.

    Parameters
    ----------
    element : str
        Chemical symbol or ion.
    position : tuple of float
        Fractional coordinates.
    occupancy : float
        0 to 1.
    b_angstrom2 : float
        Isotropic B [angstrom^2].
    """

    element: str
    position: Position
    occupancy: float = 1.0
    b_angstrom2: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Atoms in a cell.

    Parameters
    ----------
    cell : UnitCell
        Unit cell.
    space_group : str
        Hermann-Mauguin symbol.
    atoms : tuple of Atom
        The asymmetric unit.
    """

    cell: UnitCell
    space_group: str
    atoms: tuple[Atom, ...]

    @property
    def electrons(self) -> float:
        """F(000): electrons of neutral atoms in the cell."""
        return sum(atom.occupancy * electrons(atom.element) * len(self.images(atom.position)) for atom in self.atoms)

    def with_cell(self, cell: UnitCell) -> Structure:
        """Return the structure in another cell."""
        return replace(self, cell=cell)

    def with_atoms(self, *atoms: Atom) -> Structure:
        """Return the structure with more atoms."""
        return replace(self, atoms=self.atoms + atoms)

    def images(self, position: Position) -> FloatArray:
        """Fractional coordinates of all symmetry images of a position in the cell, shape (multiplicity, 3)."""
        operations = space_group(self.space_group).operations()
        found: list[FloatArray] = []
        for operation in operations:
            image = np.mod(operation.apply_to_xyz(list(position)), 1.0)
            if not any(np.abs((image - other + 0.5) % 1.0 - 0.5).max() < 1e-4 for other in found):
                found.append(image)
        return np.array(found)

    def factors(self, reflections: Sequence[Reflection]) -> ComplexArray:
        """Structure factors [electrons] without dispersion: Fourier components of the electron density.

        Parameters
        ----------
        reflections : sequence of Reflection
            Which.

        Returns
        -------
        ndarray of complex128, shape (reflections,)
        """
        s = self.s_per_angstrom(reflections)
        damping = np.exp(np.outer([-atom.b_angstrom2 for atom in self.atoms], s * s))
        occupancy = np.array([atom.occupancy for atom in self.atoms])
        at_rest = np.array([form_factor(atom.element, s) for atom in self.atoms])
        return np.asarray(occupancy @ (at_rest * damping * self.waves(reflections)), dtype=np.complex128)

    def waves(self, reflections: Sequence[Reflection]) -> ComplexArray:
        """Geometrical part of each atom: sum of exp(2 pi i h.r) over its images, shape (atoms, reflections)."""
        hkl = np.array([(one.h, one.k, one.l) for one in reflections], dtype=np.float64)
        return np.array([np.exp(2j * np.pi * hkl @ self.images(atom.position).T).sum(axis=1) for atom in self.atoms])

    def s_per_angstrom(self, reflections: Sequence[Reflection]) -> FloatArray:
        """sin(theta)/lambda of reflections [1/angstrom]."""
        hkl = np.array([(one.h, one.k, one.l) for one in reflections], dtype=np.int64)
        return 0.5 * np.sqrt(self.cell.inverse_d_squared(hkl))
