"""A pattern fit with its linear part solved: strengths of rings and background at every step of the search.

References
----------
G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973), doi 10.1137/0710036: variable projection; the slopes are
those of L. Kaufman, BIT 15, 49 (1975), doi 10.1007/BF01932995.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.line_width import NAMES as WIDTH_NAMES
from lics_beamline.refinement.line_width import shapes
from lics_beamline.refinement.pattern_model import PatternModel, Profiles
from lics_beamline.refinement.powder_phase import PowderPhase, rings

Array = npt.NDArray[np.float64]

BLENDED_FWHM: Final = 0.15  # families closer than this part of a FWHM share a ring: their intensities would be noise
WEAK_PRIOR: Final = 10.0  # times the strongest ring: standard deviation of what the pattern does not determine at all


class Usable(NamedTuple):
    """Bins that are used: angles [deg], intensities and their standard errors."""

    two_theta_deg: Array
    intensity: Array
    sigma: Array


def usable(pattern: Pattern, choice: FitChoice) -> Usable:
    """Pick the bins that a choice leaves and that have an intensity.

    Raises
    ------
    RefinementFailed
        If fewer bins are left than a fit needs.
    """
    x = pattern.two_theta_deg
    good = np.isfinite(pattern.intensity) & np.isfinite(pattern.sigma) & (pattern.sigma > 0.0)
    if choice.two_theta_deg:
        good &= (x >= choice.two_theta_deg[0]) & (x <= choice.two_theta_deg[1])
    for low, high in choice.excluded_deg:
        good &= (x < low) | (x > high)
    if np.count_nonzero(good) < 3 * choice.background_terms:
        raise RefinementFailed(
            f"{np.count_nonzero(good)} bins are left for the fit, {3 * choice.background_terms} are needed. Widen the "
            "range, or exclude less.",
            bins=int(np.count_nonzero(good)),
        )
    return Usable(two_theta_deg=x[good], intensity=pattern.intensity[good], sigma=pattern.sigma[good])


def make_model(
    data: Usable, wavelength_angstrom: float, phases: tuple[PowderPhase, ...], choice: FitChoice
) -> PatternModel:
    """Sort the reflections in range into rings and make the model of the pattern.

    Raises
    ------
    RefinementFailed
        If a phase has no reflection in range.
    """
    unknown = set(choice.refined_widths) - set(WIDTH_NAMES)
    if unknown:
        raise ValueError(f"there is no width {sorted(unknown)[0]!r}: u, v, w, x, y are the widths of a line.")
    low, high = float(data.two_theta_deg[0]), float(data.two_theta_deg[-1])
    fwhm = float(shapes(choice.widths.numbers, np.array([high])).fwhm_deg[0])
    highest = np.radians(min(high + 5.0 * fwhm, 179.0)) / 2.0
    found = []
    for phase in phases:
        all_rings = rings(
            phase,
            d_min_angstrom=wavelength_angstrom / (2.0 * float(np.sin(highest))),
            wavelength_angstrom=wavelength_angstrom,
            blend_deg=BLENDED_FWHM * fwhm,
        )
        d_max = wavelength_angstrom / (2.0 * np.sin(np.radians(max(low - 5.0 * fwhm, 1e-3)) / 2.0))
        kept = tuple(ring for ring in all_rings if ring.lines[0].d_angstrom < d_max)
        if not kept:
            raise RefinementFailed(
                f"{phase.name} has no reflection between {low:.2f} and {high:.2f} deg at {wavelength_angstrom:g} "
                "angstrom. Check its cell and the range.",
                phase=phase.name,
            )
        found.append(kept)
    return PatternModel(
        two_theta_deg=data.two_theta_deg,
        wavelength_angstrom=wavelength_angstrom,
        phases=phases,
        rings=tuple(found),
        widths=choice.widths,
        refined_widths=tuple(name for name in WIDTH_NAMES if name in choice.refined_widths),
        shift=choice.shift,
        shift_start=choice.shift_start,
        reach=choice.reach,
        second_angstrom=choice.second_angstrom,
    )


def chebyshev(two_theta_deg: Array, terms: int) -> Array:
    """Chebyshev polynomials over the range of the bins, shape (bins, terms)."""
    low, high = two_theta_deg[0], two_theta_deg[-1]
    return np.polynomial.chebyshev.chebvander((2.0 * two_theta_deg - low - high) / (high - low), terms - 1)


class Solved(NamedTuple):
    """The linear part solved at some parameters.

    Parameters
    ----------
    profiles : Profiles
        Lines at the parameters.
    design : ndarray, shape (bins, rings + terms)
        Profiles of rings and functions of the background, in standard errors.
    factor : tuple
        Cholesky factor of the normal matrix.
    prior : ndarray, shape (rings + terms,)
        Numbers added to its diagonal.
    linear : ndarray, shape (rings + terms,)
        Strengths of the rings, coefficients of the background.
    residual : ndarray, shape (bins,)
        Observed less calculated, in standard errors.
    """

    profiles: Profiles
    design: Array
    factor: Any
    prior: Array
    linear: Array
    residual: Array


class Projection:
    """The fit with its linear part solved: residuals and slopes of what is left.

    Parameters
    ----------
    model : PatternModel
        Lines of the pattern.
    data : Usable
        The pattern.
    terms : int
        Chebyshev terms of the background.
    """

    def __init__(self, *, model: PatternModel, data: Usable, terms: int) -> None:
        self.model = model
        self.data = data
        self.background = chebyshev(data.two_theta_deg, terms)
        self._target = data.intensity / data.sigma
        self._at: tuple[bytes, Solved] | None = None

    def residual(self, parameters: Array) -> Array:
        """Observed less calculated, in standard errors, with strengths and background at their best."""
        return self.solved(parameters).residual

    def slopes(self, parameters: Array) -> Array:
        """Slopes of `residual` by the parameters, less what the linear part takes back, shape (bins, parameters)."""
        from scipy.linalg import cho_solve

        solved = self.solved(parameters)
        moved = self.moved(solved)
        return solved.design @ cho_solve(solved.factor, solved.design.T @ moved, check_finite=False) - moved

    def moved(self, solved: Solved) -> Array:
        """Slopes of the calculated pattern by the parameters, in standard errors, shape (bins, parameters)."""
        return solved.profiles.slopes(solved.linear[: self.model.ring_count]) / self.data.sigma[:, None]

    def solved(self, parameters: Array) -> Solved:
        """Solve the linear part at the parameters."""
        key = parameters.tobytes()
        if self._at is None or self._at[0] != key:
            self._at = (key, self._solve(parameters))
        return self._at[1]

    def _solve(self, parameters: Array) -> Solved:
        from scipy.linalg import cho_factor, cho_solve

        profiles = self.model.profiles(parameters)
        lines = profiles.matrix()
        count = self.model.ring_count
        design = np.concatenate([lines, self.background], axis=1) / self.data.sigma[:, None]
        normal = design.T @ design
        # A ring that no bin sees, or two that coincide, would make this singular. A prior so wide that nothing the
        # pattern knows feels it keeps it solvable, and leaves the errors of such rings as large as they should be.
        strongest = max(float(np.ptp(self.data.intensity)), 1e-12)
        prior = np.zeros(len(normal))
        prior[:count] = (np.maximum(lines.max(axis=0), 1e-12) / (WEAK_PRIOR * strongest)) ** 2
        normal[np.diag_indices_from(normal)] += prior
        factor = cho_factor(normal, check_finite=False)
        linear = cho_solve(factor, design.T @ self._target, check_finite=False)
        return Solved(
            profiles=profiles,
            design=design,
            factor=factor,
            prior=prior,
            linear=linear,
            residual=self._target - design @ linear,
        )
