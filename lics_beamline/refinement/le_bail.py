"""Le Bail fit of a powder pattern: intensities shared out among rings, then widths and cells, in turn.

Slower than Pawley's method and without covariance of its own, but every intensity stays positive: the choice where
rings crowd. Errors are those that Pawley's method has at the same place. Shares are weighted by the errors of the bins;
as published, without weights, the noise of the far tails makes weak rings several errors wrong.

References
----------
A. Le Bail, H. Duroy, J. L. Fourquet, Mater. Res. Bull. 23, 447 (1988), doi 10.1016/0025-5408(88)90019-0.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.diffraction.pattern import Pattern
from lics_beamline.errors import RefinementFailed
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.pattern_fit import PatternFit, result_of
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_beamline.refinement.projection import Projection, make_model, usable

Array = npt.NDArray[np.float64]

CYCLES: Final = 200  # a good start needs 20 to 60
SHARINGS: Final = 4  # of intensity among rings, before widths and cells move again
AT_REST: Final = 1e-4  # relative change of the strong rings in one cycle
DIM: Final = 1e-9  # of the strongest: least strength, so that no ring dies before its turn


def fit_le_bail(pattern: Pattern, phases: tuple[PowderPhase, ...], choice: FitChoice | None = None) -> PatternFit:
    """Fit a pattern by Le Bail's method; parameters as of `fit_pattern`.

    Raises
    ------
    RefinementFailed
        If the pattern cannot bear the fit, or intensities do not come to rest.
    """
    from threadpoolctl import threadpool_limits

    choice = choice or FitChoice()
    data = usable(pattern, choice)
    problem = Projection(
        model=make_model(data, pattern.wavelength_angstrom, phases, choice), data=data, terms=choice.background_terms
    )
    with threadpool_limits(limits=1, user_api="blas"):
        sharing = _Sharing(problem)
        cycles = next((cycle for cycle in range(1, CYCLES + 1) if sharing.cycle() < AT_REST), None)
        if cycles is None:
            raise RefinementFailed(
                f"intensities did not come to rest in {CYCLES} cycles. Start from a better cell, or use Pawley's "
                "method.",
                cycles=CYCLES,
            )
        problem.model.check_cells(sharing.parameters)
        solved = problem.solved(sharing.parameters)
        linear = np.concatenate([sharing.strengths, sharing.background_terms()])
        residual = data.intensity / data.sigma - solved.design @ linear
        return result_of(
            problem, solved._replace(linear=linear, residual=residual), sharing.parameters, pattern, cycles
        )


class _Sharing:
    """State of the alternation: parameters of the lines and strengths of the rings."""

    def __init__(self, problem: Projection) -> None:
        self._problem = problem
        self._base = np.linalg.qr(problem.background / problem.data.sigma[:, None])[0]
        self._target = problem.data.intensity / problem.data.sigma
        self.parameters = problem.model.start()
        lines = problem.model.profiles(self.parameters).matrix()
        above = np.maximum(problem.data.intensity - np.median(problem.data.intensity), 0.0)
        self.strengths = np.maximum(lines.T @ above / np.maximum((lines**2).sum(axis=0), 1e-30), 1e-12)

    def cycle(self) -> float:
        """Share out, move lines; return the largest relative change of a strong ring."""
        before = self.strengths
        self._share()
        if self.parameters.size:
            self._move()
        strong = before > 0.01 * before.max()
        return float(np.abs(self.strengths[strong] / before[strong] - 1.0).max())

    def background_terms(self) -> Array:
        """Chebyshev coefficients that suit the present lines."""
        left = self._target - self._weighted(self._problem.model.profiles(self.parameters).matrix() @ self.strengths)
        weighted = self._problem.background / self._problem.data.sigma[:, None]
        return np.asarray(np.linalg.lstsq(weighted, left)[0], dtype=np.float64)

    def _share(self) -> None:
        lines = self._problem.model.profiles(self.parameters).matrix() / self._problem.data.sigma[:, None]
        weighted_base = self._problem.background / self._problem.data.sigma[:, None]
        for _ in range(SHARINGS):
            net = self._target - weighted_base @ self.background_terms()
            shared = self.strengths * (lines.T @ net) / np.maximum(lines.T @ (lines @ self.strengths), 1e-30)
            self.strengths = np.maximum(shared, DIM * shared.max())

    def _move(self) -> None:
        from scipy.optimize import least_squares

        model, strengths = self._problem.model, self.strengths
        lower = model.lower_bounds()

        def residual(parameters: Array) -> Array:
            return self._free(self._target - self._weighted(model.profiles(parameters).matrix() @ strengths))

        def slopes(parameters: Array) -> Array:
            moved = model.profiles(parameters).slopes(strengths) / self._problem.data.sigma[:, None]
            return -self._free(moved)

        inside = np.maximum(self.parameters, np.where(np.isfinite(lower), lower + 1e-9, self.parameters))
        bounds = (lower, model.upper_bounds())
        self.parameters = least_squares(residual, inside, slopes, bounds=bounds, x_scale="jac", max_nfev=3).x

    def _weighted(self, values: Array) -> Array:
        return values / self._problem.data.sigma

    def _free(self, values: Array) -> Array:
        """Take off what the background can describe."""
        return values - self._base @ (self._base.T @ values)
