"""The density of largest entropy by its convex dual: exact, and as few unknowns as there are constraints.

Notes
-----
Wanted is the density p (sum 1) that maximises ``-sum p ln(p/tau)`` while ``C = (1/N) sum (t - A p)^2 / v`` is 1. Its
Lagrangian is stationary where ``p = tau exp(y A) / Z(y)`` and ``t - A p = mu v y``, which is the minimum of

    ln Z(y) - y t + (mu/2) sum v y^2,

strictly convex in y. C rises with mu, so mu is found by bisection. No step length is tuned, and the answer does not
depend on the way it was found.

References
----------
D. M. Collins, Nature 298, 49-51 (1982), doi:10.1038/298049a0; M. Sakata and M. Sato, Acta Cryst. A46, 263-270 (1990),
doi:10.1107/S0108767389012377; for the dual: S. Boyd and L. Vandenberghe, Convex Optimization (2004), 5.2.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.refinement.constraint_basis import Basis, Columns, OrbitBasis

FloatArray = npt.NDArray[np.float64]

C_TOLERANCE: Final = 1.0e-4  # relative, of C at its target
LARGEST_GRADIENT: Final = 1.0e-4  # largest gradient left, in units of a constraint's standard error times sqrt(mu)
NEWTON_STEPS: Final = 60
SMALLEST_MU: Final = 1.0e-12  # relative to where the search began: beyond, the data are reached as nearly as can be
ARMIJO_DECREASE: Final = 1.0e-4  # decrease that a step must bring: Nocedal & Wright, Numerical Optimization (2006), 3.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DualPoint:
    """A minimum of the dual at one multiplier.

    Parameters
    ----------
    y : ndarray, shape (columns,)
        Multipliers of the constraints.
    mu : float
        Weight of the errors against entropy; infinite where the prior is answer enough.
    log_density : ndarray, shape (orbits,)
        ln p.
    c : float
        The statistic C.
    steps : int
        Newton or quasi-Newton steps it took.
    """

    y: FloatArray
    mu: float
    log_density: FloatArray
    c: float
    steps: int


class Dual:
    """The dual of one problem.

    Parameters
    ----------
    basis : Basis
        Map from densities to structure factors.
    columns : Columns
        The constraints.
    log_prior : ndarray, shape (orbits,)
        ln tau.
    constraints : int
        N of the statistic C.
    """

    def __init__(self, basis: Basis, columns: Columns, log_prior: FloatArray, constraints: int) -> None:
        self._basis, self._columns, self._log_prior, self._count = basis, columns, log_prior, constraints
        self._matrix: FloatArray | None = None
        if isinstance(basis, OrbitBasis):
            self._matrix = basis.rows(columns.direction)

    def solve(self, target: float, near: DualPoint | None = None) -> DualPoint:
        """Find the multiplier at which C reaches its target.

        Parameters
        ----------
        target : float
            Wanted C.
        near : DualPoint, optional
            Solution of a like problem, to begin with.

        Raises
        ------
        RefinementFailed
            No positive density with this F(000) comes as near to the data.
        """
        variance = self._columns.variance
        prior = self._point(np.zeros(variance.size), math.inf, 0)
        if prior.c <= target:
            return prior
        if near is not None and math.isfinite(near.mu) and near.y.size == variance.size:
            upper = self._minimum(near.y, near.mu)
        else:
            upper = self._minimum(prior.y, 1.0 / float(np.min(variance)))
        first, factor, steps = upper.mu, 10.0 if near is None else 1.5, upper.steps
        lower = upper
        while lower.c > target:
            upper = lower
            if lower.mu < SMALLEST_MU * first or not math.isfinite(lower.c):
                raise self._out_of_reach(lower, target)
            lower = self._minimum(lower.y, lower.mu / factor)
            steps += lower.steps
        while upper.c <= target:
            upper = self._minimum(upper.y, upper.mu * factor)
            steps += upper.steps
        point = lower
        while abs(point.c / target - 1.0) > C_TOLERANCE:
            low, high = math.log(lower.mu), math.log(upper.mu)
            if high - low < 1e-9:
                break
            share = (math.log(target) - math.log(lower.c)) / (math.log(upper.c) - math.log(lower.c))
            between = low + min(max(share, 0.05), 0.95) * (high - low)
            point = self._minimum(lower.y, math.exp(between))
            steps += point.steps
            lower, upper = (point, upper) if point.c <= target else (lower, point)
        return DualPoint(y=point.y, mu=point.mu, log_density=point.log_density, c=point.c, steps=steps)

    def _minimum(self, start: FloatArray, mu: float) -> DualPoint:
        return self._newton(start, mu) if self._matrix is not None else self._quasi_newton(start, mu)

    def _newton(self, start: FloatArray, mu: float) -> DualPoint:
        matrix, columns = self._matrix, self._columns
        if matrix is None:
            raise TypeError("Newton's method needs the matrix of an OrbitBasis")
        size = self._basis.orbits.size
        small = LARGEST_GRADIENT * np.sqrt(columns.variance)
        y = start
        value, log_density = self._value(y, mu)
        for step in range(NEWTON_STEPS):
            share = np.exp(log_density) * size
            mean = matrix @ share
            gradient = mean - columns.target + mu * columns.variance * y
            if np.all(np.abs(gradient) <= small):
                return self._point(y, mu, step)
            curvature = (matrix * share) @ matrix.T - np.outer(mean, mean) + np.diag(mu * columns.variance)
            move = np.linalg.lstsq(curvature, -gradient, rcond=1e-15)[0]
            slope, length = float(gradient @ move), 1.0
            while True:
                after, log_after = self._value(y + length * move, mu)
                if after <= value + ARMIJO_DECREASE * length * slope + 1e-13 * abs(value):
                    break
                length *= 0.5
                if length < 1e-12:
                    return self._point(y, mu, step)
            y, value, log_density = y + length * move, after, log_after
        return self._point(y, mu, NEWTON_STEPS)

    def _quasi_newton(self, start: FloatArray, mu: float) -> DualPoint:
        from scipy.optimize import minimize

        columns = self._columns
        unit = np.sqrt(mu * columns.variance)  # makes the quadratic part a sphere

        def value_and_gradient(scaled: FloatArray) -> tuple[float, FloatArray]:
            y = scaled / unit
            value, log_density = self._value(y, mu)
            gradient = self._moments(np.exp(log_density)) - columns.target + mu * columns.variance * y
            return value, gradient / unit

        found = minimize(
            value_and_gradient,
            start * unit,
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": 2000,
                "maxfun": 4000,
                "maxcor": 30,
                "gtol": LARGEST_GRADIENT / math.sqrt(mu),
                "ftol": 1e-14,
            },
        )
        return self._point(found.x / unit, mu, int(found.nit))

    def _field(self, y: FloatArray) -> FloatArray:
        if self._matrix is not None:
            return y @ self._matrix
        return self._basis.field(y @ self._columns.direction)

    def _moments(self, density: FloatArray) -> FloatArray:
        if self._matrix is not None:
            return self._matrix @ (density * self._basis.orbits.size)
        return np.real(np.conj(self._columns.direction) @ self._basis.factors(density))

    def _value(self, y: FloatArray, mu: float) -> tuple[float, FloatArray]:
        """Value of the dual and ln p."""
        columns = self._columns
        exponent = self._log_prior + self._field(y)
        top = float(exponent.max())
        log_sum = top + math.log(float(self._basis.orbits.size @ np.exp(exponent - top)))
        penalty = 0.0 if not np.any(y) else 0.5 * mu * float(columns.variance @ (y * y))
        return log_sum - float(y @ columns.target) + penalty, exponent - log_sum

    def _point(self, y: FloatArray, mu: float, steps: int) -> DualPoint:
        _, log_density = self._value(y, mu)
        left = self._columns.target - self._moments(np.exp(log_density))
        c = float(np.sum(left**2 / self._columns.variance)) / self._count
        return DualPoint(y=y, mu=mu, log_density=log_density, c=c, steps=steps)

    def _out_of_reach(self, best: DualPoint, target: float) -> RefinementFailed:
        left = (self._columns.target - self._moments(np.exp(best.log_density))) / np.sqrt(self._columns.variance)
        worst = int(np.argmax(np.abs(left)))
        return RefinementFailed(
            f"no positive density with this F(000) comes nearer to the data than C = {best.c:.3g}, {target:g} is "
            f"wanted; constraint {worst} misses by {left[worst]:+.1f} of its errors. Check scale and F(000), enlarge "
            "the errors, or leave that reflection out.",
            c=best.c,
            target=target,
            constraint=worst,
        )
