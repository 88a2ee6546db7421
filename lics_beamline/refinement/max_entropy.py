"""The density of largest entropy that agrees with measured amplitudes: the front door of the method.

Notes
-----
C = (1/N) sum w ((Fo - Fc)/sigma)^2 = 1 stops the fit (Sakata and Sato 1990). With the weights of de Vries, Briels and
Feil, w ~ d^n, residuals spread more evenly over the reflections than with w = 1.

References
----------
M. Sakata and M. Sato, Acta Cryst. A46, 263-270 (1990), doi:10.1107/S0108767389012377; R. Y. de Vries, W. J. Briels and
D. Feil, Acta Cryst. A50, 383-391 (1994), doi:10.1107/S0108767393012802.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import OutsideCalibration, RefinementFailed
from lics_beamline.refinement.amplitudes import Amplitudes
from lics_beamline.refinement.constraint_basis import DENSE_NUMBERS, Basis, basis_for, columns
from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.entropy_dual import Dual, DualPoint

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

MOST_ROUNDS: Final = 30  # most rounds in which groups of reflections are shared anew
SETTLED_C_CHANGE: Final = 1.0e-4  # change of C between two rounds below which the shares have settled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Convergence:
    """State of the fit of a density at its end.

    Parameters
    ----------
    steps : int
        Newton steps.
    rounds : int
        Rounds in which groups were shared; 1 without groups.
    c, target : float
        The statistic C, reached and wanted.
    multiplier : float
        Lagrange multiplier lambda of C; 0 where the prior is answer enough.
    entropy : float
        ``-sum p ln(p/tau)``, at most 0.
    residual : ndarray, shape (groups,)
        (Fo - Fc)/sigma of each group, without weights.
    """

    steps: int
    rounds: int
    c: float
    target: float
    multiplier: float
    entropy: float
    residual: FloatArray

    def __str__(self) -> str:
        worst = float(np.abs(self.residual).max())
        return (
            f"dual: C = {self.c:.4f} of {self.target:g} in {self.steps} steps, {self.rounds} rounds, entropy "
            f"{self.entropy:.4f}, largest residual {worst:.1f} sigma"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Density:
    """An electron density.

    Parameters
    ----------
    grid : DensityGrid
        Grid of the values.
    values : ndarray, shape of the grid
        Density [electrons/angstrom^3].
    factors : tuple of ndarray of complex128
        Structure factors of the density [electrons], for each family of each group.
    convergence : Convergence
        State of the fit at its end.
    """

    grid: DensityGrid
    values: FloatArray
    factors: tuple[ComplexArray, ...]
    convergence: Convergence


class MaxEntropy:
    """The method on one grid for one set of reflections: made once, solved for many sets of amplitudes.

    Parameters
    ----------
    amplitudes : Amplitudes
        Reflections, F(000) and phases.
    grid : DensityGrid
        Grid of the density.
    prior : ndarray, optional
        Density to begin with, of the grid's shape, positive [any scale]; uniform by default.
    weight_exponent : float
        n of the weights d^n, 0 to 6; 0 gives all constraints the same weight.
    largest_matrix : int
        Numbers that a matrix may hold; Fourier transforms take the place of a larger one.

    Raises
    ------
    OutsideCalibration
        Grid, symmetry and reflections do not fit together, or the prior is not positive.
    """

    def __init__(
        self,
        amplitudes: Amplitudes,
        grid: DensityGrid,
        *,
        prior: FloatArray | None = None,
        weight_exponent: float = 0.0,
        largest_matrix: int = DENSE_NUMBERS,
    ) -> None:
        self.grid = grid
        self._amplitudes = amplitudes
        self._basis: Basis = basis_for(amplitudes, grid, largest_matrix=largest_matrix)
        self._log_prior = _log_prior(prior, grid, self._basis)
        if not 0.0 <= weight_exponent <= 6.0:
            raise OutsideCalibration(
                f"weights d^{weight_exponent:g}: exponents from 0 to 6 are in use. Choose one of these.",
                weight_exponent=weight_exponent,
            )
        spacing = 0.5 / amplitudes.s_per_angstrom
        self._weight = spacing**weight_exponent / np.mean(spacing**weight_exponent)

    def solve(self, amplitude: FloatArray | None = None, *, target: float = 1.0) -> Density:
        """Find the density.

        Parameters
        ----------
        amplitude : ndarray, shape (groups,), optional
            Other amplitudes than those the method was made with [electrons].
        target : float
            Wanted C, above 0.

        Raises
        ------
        BadReading
            An amplitude is not positive or exceeds F(000).
        RefinementFailed
            The data cannot be reached; the message says why.
        """
        wanted = self._amplitudes if amplitude is None else self._amplitudes.replaced(amplitude)
        if not target > 0.0:
            raise OutsideCalibration(f"C = {target:g} is wanted, it must be above 0. 1 is usual.", target=target)
        shared = any(len(group.reflections) > 1 for group in wanted.groups)
        present = np.concatenate(wanted.phased)
        near: DualPoint | None = None
        steps, before = 0, np.inf
        for turn in range(1, MOST_ROUNDS + 1):
            asked = columns(wanted, self._basis, present, self._weight)
            near = Dual(self._basis, asked, self._log_prior, len(wanted.groups)).solve(target, near)
            log_density, steps = near.log_density, steps + near.steps
            multiplier = 1.0 / (near.mu * len(wanted.groups)) if np.isfinite(near.mu) else 0.0
            present = self._basis.factors(np.exp(log_density)) * wanted.electrons
            c = self._c(wanted, present)
            if not shared or abs(c - before) < SETTLED_C_CHANGE * target:
                return self._density(wanted, log_density, present, steps, turn, c, target, multiplier)
            before = c
        raise RefinementFailed(
            f"how the groups of reflections share their amplitudes does not settle in {MOST_ROUNDS} rounds "
            f"(C = {c:.4g}). Enlarge their errors, or leave the widest group out.",
            c=c,
        )

    def _c(self, wanted: Amplitudes, present: ComplexArray) -> float:
        return float(np.mean(self._weight * _residual(wanted, present) ** 2))

    def _density(
        self,
        wanted: Amplitudes,
        log_density: FloatArray,
        present: ComplexArray,
        steps: int,
        rounds: int,
        c: float,
        target: float,
        multiplier: float,
    ) -> Density:
        orbits = self._basis.orbits
        density = np.exp(log_density)
        if not np.all(np.isfinite(density)):
            raise RefinementFailed("the density is not finite. Enlarge the errors, and check scale and F(000).")
        ends = np.cumsum([len(group.reflections) for group in wanted.groups])[:-1]
        return Density(
            grid=self.grid,
            values=orbits.spread(density * wanted.electrons / self.grid.voxel_angstrom3),
            factors=tuple(np.split(present, ends)),
            convergence=Convergence(
                steps=steps,
                rounds=rounds,
                c=c,
                target=target,
                multiplier=multiplier,
                entropy=-float((orbits.size * density) @ (log_density - self._log_prior)),
                residual=np.array(_residual(wanted, present)),
            ),
        )


def _residual(wanted: Amplitudes, present: ComplexArray) -> FloatArray:
    """(Fo - Fc)/sigma of each group; across the phase too where there is one family."""
    found = []
    start = 0
    for group, amplitude, phased in zip(wanted.groups, wanted.amplitude, wanted.phased, strict=True):
        one = present[start : start + len(group.reflections)]
        start += len(group.reflections)
        if one.size == 1:
            missing = complex(amplitude * phased[0] / abs(phased[0]) - one[0])
            along = (missing * phased[0].conjugate()).real
            found.append(np.copysign(abs(missing), along))
        else:
            multiplicity = np.array(group.multiplicities, dtype=np.float64)
            found.append(amplitude - np.sqrt(multiplicity @ np.abs(one) ** 2 / multiplicity.sum()))
    return np.array(found) / wanted.sigma


def _log_prior(prior: FloatArray | None, grid: DensityGrid, basis: Basis) -> FloatArray:
    if prior is None:
        return np.full(basis.orbits.size.size, -np.log(grid.points))
    if prior.shape != grid.shape or not np.all(np.isfinite(prior)) or float(prior.min()) <= 0.0:
        raise OutsideCalibration(
            f"the prior has shape {prior.shape} and a smallest value of {float(np.min(prior)):g}; the grid is of "
            f"{grid.shape} and every value must be above 0. Add a small constant, or interpolate it.",
        )
    mean = basis.orbits.mean(prior)
    return np.asarray(np.log(mean / float(basis.orbits.size @ mean)), dtype=np.float64)
