"""Amplitudes with phases: what a density is asked to reproduce, one F or G constraint a ring of the powder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.structure_factors import ReflectionGroup

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Amplitudes:
    """Measured amplitudes on an absolute scale, with the phases of a model of the host. Arrays are read-only.

    A group of one family is an F constraint: its structure factor is wanted, phase and all. A group of several is a G
    constraint: only the root of the mean square over its planes is known (Sakata and Sato 1990), and how it is shared
    is left to the density.

    Parameters
    ----------
    cell : UnitCell
        Unit cell.
    space_group : str
        Hermann-Mauguin symbol.
    electrons : float
        F(000), electrons in the cell.
    groups : tuple of ReflectionGroup
        The reflections.
    amplitude : ndarray, shape (groups,)
        F, or G = sqrt(sum m F^2 / sum m) [electrons], positive.
    sigma : ndarray, shape (groups,)
        Standard errors [electrons].
    phased : tuple of ndarray of complex128, each of shape (families,)
        Structure factors of the host model [electrons], for each family of each group: the phases, and in what
        proportion a group is shared to begin with.

    Raises
    ------
    BadReading
        An amplitude, an error or F(000) is no positive finite number, or exceeds F(000): a density that is nowhere
        negative has no amplitude above F(000).

    References
    ----------
    M. Sakata and M. Sato, Acta Cryst. A46, 263-270 (1990), doi:10.1107/S0108767389012377.
    """

    cell: UnitCell
    space_group: str
    electrons: float
    groups: tuple[ReflectionGroup, ...]
    amplitude: FloatArray
    sigma: FloatArray
    phased: tuple[ComplexArray, ...]

    def __post_init__(self) -> None:
        for name in ("amplitude", "sigma"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        count = len(self.groups)
        if not count or self.amplitude.shape != (count,) or self.sigma.shape != (count,) or len(self.phased) != count:
            raise BadReading(
                f"{count} groups of reflections with {self.amplitude.size} amplitudes, {self.sigma.size} errors and "
                f"{len(self.phased)} sets of phases: there must be one of each, and at least one group.",
                groups=count,
            )
        if not (np.isfinite(self.electrons) and self.electrons > 0.0):
            raise BadReading(f"F(000) is {self.electrons:g} electrons. Give the electrons in the cell.")
        for group, amplitude, sigma, phased in zip(self.groups, self.amplitude, self.sigma, self.phased, strict=True):
            self._check(group, float(amplitude), float(sigma), phased)

    def _check(self, group: ReflectionGroup, amplitude: float, sigma: float, phased: ComplexArray) -> None:
        facts = {"reflection": str(group), "amplitude": amplitude, "sigma": sigma}
        if not (np.isfinite(sigma) and sigma > 0.0):
            raise BadReading(
                f"the error of F({group}) is {sigma:g} electrons: it must be above zero. Take it from the covariance "
                "of the pattern fit, or leave the reflection out.",
                **facts,
            )
        if not (np.isfinite(amplitude) and amplitude > 0.0):
            raise BadReading(
                f"F({group}) is {amplitude:g} electrons: it must be above zero. Leave the reflection out.", **facts
            )
        if amplitude > self.electrons:
            raise BadReading(
                f"F({group}) is {amplitude:.3f} electrons, F(000) only {self.electrons:.3f}: no positive density has "
                "both. Check scale and F(000).",
                **facts,
            )
        if len(phased) != len(group.reflections) or not np.all(np.isfinite(phased)) or not np.any(np.abs(phased)):
            raise BadReading(
                f"F({group}) has no phase: the model of the host gives {phased}. Leave it out, or complete the model.",
                **facts,
            )

    @property
    def s_per_angstrom(self) -> FloatArray:
        """sin(theta)/lambda of each group [1/angstrom]."""
        return np.array([group.s_per_angstrom for group in self.groups])

    def replaced(self, amplitude: FloatArray) -> Amplitudes:
        """Return the same with other amplitudes [electrons]: a replica."""
        return Amplitudes(
            cell=self.cell,
            space_group=self.space_group,
            electrons=self.electrons,
            groups=self.groups,
            amplitude=amplitude,
            sigma=self.sigma,
            phased=self.phased,
        )
