"""Squared structure factors that a structure gives a powder, dispersion included, and amplitudes with it taken off.

Notes
-----
A powder averages Friedel mates, so the mean square of a family is ``A^2 + 2 A d + q``: A the amplitude of the electron
density, d the dispersion along its phase (from f'), q the square of the dispersion (from f' and f''). Solved for A, it
takes dispersion off; for one atom that is ``A = sqrt(|F|^2 - (f'' T)^2) - f' T``. The families of a group are taken in
the proportion of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.scattering_factor import dispersion, form_factor
from lics_beamline.physics.structure import Structure
from lics_beamline.refinement.structure_factors import ReflectionGroup

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Squares:
    """Mean squares of each group, in parts.

    Parameters
    ----------
    density : ndarray, shape (groups,)
        Mean of A^2: of the electron density alone [electrons^2].
    cross : ndarray, shape (groups,)
        Mean of A d.
    dispersive : ndarray, shape (groups,)
        Mean of q.
    """

    density: FloatArray
    cross: FloatArray
    dispersive: FloatArray

    @property
    def total(self) -> FloatArray:
        """Squared structure factors as a powder shows them [electrons^2]."""
        return self.density + 2.0 * self.cross + self.dispersive


class PowderModel:
    """A structure whose occupancies and B may change, compiled for some reflections.

    Parameters
    ----------
    structure : Structure
        Atoms and cell.
    groups : sequence of ReflectionGroup
        The reflections.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    """

    def __init__(self, structure: Structure, groups: Sequence[ReflectionGroup], wavelength_angstrom: float) -> None:
        reflections = [one for group in groups for one in group.reflections]
        hkl = np.array([(one.h, one.k, one.l) for one in reflections], dtype=np.int64)
        s = 0.5 * np.sqrt(structure.cell.inverse_d_squared(hkl))
        sites = structure.sites
        self.occupancy = np.array([site.occupancy for site in sites])
        self.b_angstrom2 = np.array([site.b_iso_angstrom2 for site in sites])
        self._s_squared = s * s
        self._waves = np.array([np.exp(2j * np.pi * hkl @ structure.orbit(site).T).sum(axis=1) for site in sites])
        self._at_rest = np.array([form_factor(site.element, s) for site in sites])
        self._dispersion = np.array([dispersion(site.element, wavelength_angstrom) for site in sites])
        self._planes = np.array([m for group in groups for m in group.multiplicities], dtype=np.float64)
        self._starts = np.cumsum([0, *[len(group.reflections) for group in groups]])[:-1]
        self._total = np.add.reduceat(self._planes, self._starts)

    def squares(self, occupancy: FloatArray | None = None, b_angstrom2: FloatArray | None = None) -> Squares:
        """Mean squares of each group.

        Parameters
        ----------
        occupancy, b_angstrom2 : ndarray, shape (atoms,), optional
            Instead of the structure's own.
        """
        occupied = self.occupancy if occupancy is None else occupancy
        b = self.b_angstrom2 if b_angstrom2 is None else b_angstrom2
        damped = occupied[:, None] * np.exp(-np.outer(b, self._s_squared)) * self._waves
        plain = (self._at_rest * damped).sum(axis=0)
        real, imaginary = self._dispersion.real @ damped, self._dispersion.imag @ damped
        return Squares(
            density=self._mean(np.abs(plain) ** 2),
            cross=self._mean((plain * np.conj(real)).real),
            dispersive=self._mean(np.abs(real) ** 2 + np.abs(imaginary) ** 2),
        )

    def phased(self, b_angstrom2: FloatArray) -> tuple[ComplexArray, ...]:
        """Structure factors without dispersion [electrons] of each family of each group."""
        damped = self.occupancy[:, None] * np.exp(-np.outer(b_angstrom2, self._s_squared)) * self._waves
        return tuple(np.split((self._at_rest * damped).sum(axis=0), self._starts[1:]))

    def _mean(self, values: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduceat(self._planes * values, self._starts) / self._total, dtype=np.float64)
