"""A model against the squared structure factors of a powder: scale, thermal motion, one occupancy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.structure import Structure
from lics_beamline.refinement.amplitudes import Amplitudes
from lics_beamline.refinement.powder_model import PowderModel
from lics_beamline.refinement.structure_factors import StructureFactors

FloatArray = npt.NDArray[np.float64]

OBSERVED_SIGMAS: Final = 3.0  # a reflection weaker than this many of its errors has no amplitude worth the name
LARGEST_B_CHANGE: Final = 20.0  # angstrom^2; more is no thermal motion


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFit:
    """A structure fitted to squared structure factors.

    Parameters
    ----------
    structure : Structure
        With the fitted B and occupancy.
    scale : float
        What the squares must be divided by to be electrons^2.
    chi_squared : float
        Reduced chi^2 with the covariance of the squares.
    occupancy : float
        Fitted occupancy of the last atom; NaN where none was fitted.
    """

    structure: Structure
    scale: float
    chi_squared: float
    occupancy: float = float("nan")


class HostFit:
    """Fits scale and a common shift of B of a host alone, for many sets of squares of the same reflections.

    Parameters
    ----------
    factors : StructureFactors
        The reflections, and the covariance of their squares.
    host : Structure
        The model.
    left_out : ndarray, shape (groups,)
        How much the squares may differ from the model for what it leaves out [electrons^2]: keeps strong reflections
        from pulling the scale towards the sign that the missing atom has in them.
    """

    def __init__(self, factors: StructureFactors, host: Structure, left_out: FloatArray) -> None:
        self._factors, self._host, self._left_out = factors, host, left_out
        self._model = PowderModel(host, factors.groups, factors.wavelength_angstrom)

    def fit(self, squared: FloatArray) -> ModelFit:
        """Fit the host to squares.

        Raises
        ------
        RefinementFailed
            The host does not describe the data at all.
        """
        guess = _scale(squared, self._model.squares().total)
        covariance = self._factors.covariance + np.diag((guess * self._left_out) ** 2)

        def model(free: FloatArray) -> FloatArray:
            return self._model.squares(b_angstrom2=self._model.b_angstrom2 + free[0]).total

        return _fit(model, self._host, squared, covariance, guess)

    def amplitudes(self, squared: FloatArray, fit: ModelFit, electrons: float) -> Amplitudes:
        """Take scale and dispersion off: amplitudes of the electron density with the phases of the host.

        Parameters
        ----------
        squared : ndarray, shape (groups,)
            Measured squares.
        fit : ModelFit
            The host on their scale.
        electrons : float
            F(000) [electrons].

        Raises
        ------
        RefinementFailed
            A square is below what dispersion alone makes.
        """
        factors = self._factors
        b = np.array([site.b_iso_angstrom2 for site in fit.structure.sites])
        parts = self._model.squares(b_angstrom2=b)
        root = parts.cross**2 - parts.density * (parts.dispersive - squared / fit.scale)
        if np.any(root <= 0.0):
            worst = int(np.argmin(root))
            raise RefinementFailed(
                f"|F({factors.groups[worst]})|^2 is {squared[worst] / fit.scale:.3g} electrons^2, dispersion of the "
                f"host alone makes {parts.dispersive[worst]:.3g}. Leave the reflection out."
            )
        norm = np.sqrt(parts.density)
        return Amplitudes(
            cell=factors.cell,
            space_group=factors.space_group,
            electrons=electrons,
            groups=factors.groups,
            amplitude=(np.sqrt(root) - parts.cross) / norm,
            sigma=factors.sigma / fit.scale * norm / (2.0 * np.sqrt(root)),
            phased=self._model.phased(b),
        )


def fit_with_site(factors: StructureFactors, filled: Structure, b_range_angstrom2: tuple[float, float]) -> ModelFit:
    """Fit scale, a common shift of B of the host, and occupancy and B of the last atom.

    Its chi^2 tells whether whole rings are off: texture scales them without any other sign.

    Parameters
    ----------
    factors : StructureFactors
        Measured squares and their covariance.
    filled : Structure
        The host and, last, the atom in question.
    b_range_angstrom2 : tuple of float
        Between which the B of that atom lies [angstrom^2]; its occupancy may come out negative.

    Raises
    ------
    RefinementFailed
        The model does not describe the data at all.
    """
    compiled = PowderModel(filled, factors.groups, factors.wavelength_angstrom)
    guess = _scale(factors.squared, compiled.squares().total)
    low, high = b_range_angstrom2

    def model(free: FloatArray) -> FloatArray:
        occupancy, b = compiled.occupancy.copy(), compiled.b_angstrom2 + free[0]
        occupancy[-1], b[-1] = free[1], low + (high - low) * 0.5 * (1.0 + np.sin(free[2]))
        return compiled.squares(occupancy, b).total

    return _fit(model, filled, factors.squared, factors.covariance, guess, first=(0.0, 0.5, 0.0))


def observed(factors: StructureFactors) -> StructureFactors:
    """Return the groups whose squares stand clear of their errors."""
    kept = np.flatnonzero(factors.squared > OBSERVED_SIGMAS * factors.sigma)
    return replace(
        factors,
        groups=tuple(factors.groups[index] for index in kept),
        squared=factors.squared[kept],
        covariance=factors.covariance[np.ix_(kept, kept)],
    )


def _scale(squared: FloatArray, model: FloatArray) -> float:
    guess = float(np.median(squared / model))
    if not guess > 0.0:
        raise RefinementFailed(
            f"the scale of the structure factors comes out as {guess:g}: the model has nothing to do with the data. "
            "Check phase and cell."
        )
    return guess


def _fit(
    model: Callable[[FloatArray], FloatArray],
    start: Structure,
    squared: FloatArray,
    covariance: FloatArray,
    guess: float,
    first: tuple[float, ...] = (0.0,),
) -> ModelFit:
    from scipy.linalg import LinAlgError, cholesky, solve_triangular
    from scipy.optimize import leastsq

    try:
        root = cholesky(covariance, lower=True)
    except LinAlgError as error:
        raise RefinementFailed(
            "the covariance of the structure factors is not positive: the pattern does not determine all of them. "
            "Fit fewer rings."
        ) from error

    def misfit(free: FloatArray) -> FloatArray:
        left = squared - guess * np.exp(free[0]) * model(free[1:])
        return np.asarray(solve_triangular(root, left, lower=True, check_finite=False), dtype=np.float64)

    found, _ = leastsq(misfit, np.array([0.0, *first]))
    if not np.all(np.isfinite(found)) or abs(found[1]) > LARGEST_B_CHANGE:
        raise RefinementFailed(
            f"the model asks for a change of B by {found[1]:.3g} A^2 (limit {LARGEST_B_CHANGE:g}). Check phase and "
            "cell, and the B of the model.",
            b_change_angstrom2=float(found[1]),
        )
    sites = [replace(site, b_iso_angstrom2=site.b_iso_angstrom2 + float(found[1])) for site in start.sites]
    if len(first) > 1:
        sites[-1] = replace(start.sites[-1], occupancy=float(found[2]))
    return ModelFit(
        structure=replace(start, sites=tuple(sites)),
        scale=guess * float(np.exp(found[0])),
        chi_squared=float(np.sum(misfit(found) ** 2)) / max(squared.size - found.size, 1),
        occupancy=float(found[2]) if len(first) > 1 else float("nan"),
    )
