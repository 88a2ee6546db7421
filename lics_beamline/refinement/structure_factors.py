"""Structure factors of a powder with their covariance: what a pattern fit gives and a density or a model is tested on.

A powder shows reflections in groups. The planes of one family (equivalent by symmetry, Friedel mates included) share a
structure factor; families whose spacings are equal for every cell of the system (300 and 221 of a cube) share a ring
and only their mean is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.crystal import Reflection
from lics_beamline.physics.unit_cell import UnitCell

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectionGroup:
    """Families of reflections that share one ring.

    Parameters
    ----------
    reflections : tuple of Reflection
        One representative of each family.
    multiplicities : tuple of int
        Planes of each family, Friedel mates included.
    s_per_angstrom : float
        sin(theta)/lambda = 1/(2 d) [1/angstrom]; the mean where spacings differ.
    exact : bool
        False where the families have different spacings that the pattern does not resolve.
    """

    reflections: tuple[Reflection, ...]
    multiplicities: tuple[int, ...]
    s_per_angstrom: float
    exact: bool = True

    def __str__(self) -> str:
        return "/".join(str(reflection) for reflection in self.reflections)

    @property
    def multiplicity(self) -> int:
        """Planes of all families together."""
        return sum(self.multiplicities)

    @property
    def d_angstrom(self) -> float:
        """Spacing [angstrom]."""
        return 0.5 / self.s_per_angstrom


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StructureFactors:
    """Squared structure factors of one phase. The arrays cannot be written to.

    Parameters
    ----------
    space_group : str
        Hermann-Mauguin symbol as gemmi writes it, ``"P m -3 m"``.
    cell : UnitCell
        Unit cell.
    wavelength_angstrom : float
        X-ray wavelength [angstrom]; dispersion is still in the structure factors.
    groups : tuple of ReflectionGroup
        By rising s.
    squared : ndarray, shape (groups,)
        Mean of |F|^2 over the planes of each group, weighted by multiplicity [electrons^2 a cell, times the scale].
        A weak one may come out negative.
    covariance : ndarray, shape (groups, groups)
        Covariance of `squared`, enlarged for what the fit does not explain, correlated pixels and grains.
    scale : float
        What `squared` must be divided by to be electrons^2; NaN where it is not known.
    """

    space_group: str
    cell: UnitCell
    wavelength_angstrom: float
    groups: tuple[ReflectionGroup, ...]
    squared: Array
    covariance: Array
    scale: float = float("nan")

    def __post_init__(self) -> None:
        for name in ("squared", "covariance"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        count = len(self.groups)
        if self.squared.shape != (count,) or self.covariance.shape != (count, count):
            raise ValueError(
                f"{count} groups need {count} squares and a covariance of {count} x {count}, not "
                f"{self.squared.shape} and {self.covariance.shape}."
            )

    @property
    def sigma(self) -> Array:
        """Standard errors of `squared`, shape (groups,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def s_per_angstrom(self) -> Array:
        """sin(theta)/lambda of each group [1/angstrom], shape (groups,)."""
        return np.array([group.s_per_angstrom for group in self.groups])

    def enlarged(self, relative_sigma: npt.ArrayLike) -> StructureFactors:
        """Return the same with errors that the pattern does not know added: of grains, of texture.

        Parameters
        ----------
        relative_sigma : array_like, shape (groups,) or a number
            Relative standard error of each ring's intensity; independent from ring to ring.
        """
        added = np.diag((np.broadcast_to(relative_sigma, self.squared.shape) * self.squared) ** 2)
        return replace(self, covariance=self.covariance + added)
