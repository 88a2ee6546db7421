"""The classical single-pixel iteration (zeroth order), as MEED and PRIMA do it, to compare with published densities.

Each pass multiplies the density by the exponential of the gradient of C. It stops where C is reached, which is not
where entropy is largest: what is weak comes out weaker than by the exact dual.

References
----------
M. Sakata and M. Sato, Acta Cryst. A46, 263-270 (1990), doi:10.1107/S0108767389012377; S. Kumazawa, Y. Kubota,
M. Takata, M. Sakata and Y. Ishibashi, J. Appl. Cryst. 26, 453-457 (1993), doi:10.1107/S0021889892012883.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.refinement.constraint_basis import Basis, Columns

FloatArray = npt.NDArray[np.float64]

FIRST_CHANGE: Final = 0.05  # largest change of ln p in the first pass
GROWTH: Final = 1.05  # of the step length after a pass that brought C down
SHRINK: Final = 0.5  # after one that did not
SMALLEST_STEP: Final = 1.0e-9  # relative to the first


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Iteration:
    """Where the iteration ended.

    Parameters
    ----------
    log_density : ndarray, shape (orbits,)
        ln p.
    c : float
        The statistic C.
    cycles : int
        Passes, those taken back included.
    c_of_cycle : ndarray, shape (passes kept,)
        C after each pass that was kept.
    step : float
        Step length at the end, relative to the first.
    """

    log_density: FloatArray
    c: float
    cycles: int
    c_of_cycle: FloatArray
    step: float


def iterate(
    basis: Basis,
    columns: Columns,
    log_start: FloatArray,
    *,
    constraints: int,
    target: float,
    cycles: int,
) -> Iteration:
    """Iterate from a density until C is reached.

    Parameters
    ----------
    basis : Basis
        Map from densities to structure factors.
    columns : Columns
        The constraints.
    log_start : ndarray, shape (orbits,)
        ln of the density to start from.
    constraints : int
        N of the statistic C.
    target : float
        Wanted C.
    cycles : int
        Most passes.

    Raises
    ------
    RefinementFailed
        C is not reached: it stands still or the passes are used up.
    """
    log_density = log_start
    density = np.exp(log_density)
    weight = 1.0 / columns.variance
    residual = columns.target - _values(basis, columns, density)
    c = float(weight @ residual**2) / constraints
    history = [c]
    first = step = 0.0
    for cycle in range(cycles + 1):
        if c <= target:
            relative = step / first if first else 1.0
            return Iteration(log_density=log_density, c=c, cycles=cycle, c_of_cycle=np.array(history), step=relative)
        push = basis.field((weight * residual) @ columns.direction)
        if not first:
            first = step = FIRST_CHANGE / max(float(np.abs(push).max()), 1e-300)
        while True:
            tried = log_density + step * push
            tried -= tried.max()
            density = np.exp(tried)
            total = float(basis.orbits.size @ density)
            density /= total
            left = columns.target - _values(basis, columns, density)
            after = float(weight @ left**2) / constraints
            if after < c:
                break
            step *= SHRINK
            if step < SMALLEST_STEP * first:
                raise _stuck(c, target, cycle, "no step brings it down")
        log_density, residual, c = tried - np.log(total), left, after
        history.append(c)
        step *= GROWTH
    raise _stuck(c, target, cycles, "the passes are used up")


def _values(basis: Basis, columns: Columns, density: FloatArray) -> FloatArray:
    return np.real(np.conj(columns.direction) @ basis.factors(density))


def _stuck(c: float, target: float, cycles: int, why: str) -> RefinementFailed:
    return RefinementFailed(
        f"the single-pixel iteration reached C = {c:.4g} in {cycles} passes, {target:g} is wanted, and {why}. Use the "
        "dual, which tells whether the data can be reached at all, or allow more passes.",
        c=c,
        target=target,
        cycles=cycles,
    )
