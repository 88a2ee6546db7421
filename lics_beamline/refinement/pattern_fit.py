"""Pawley fit of a powder pattern: cells, widths and one intensity a ring, without a structural model.

Strengths of rings and background enter linearly and are solved at every step, so that the search runs over cells, shift
and widths only. Errors come from the whole problem: what a width can do to an intensity is in the covariance.

References
----------
G. S. Pawley, J. Appl. Cryst. 14, 357 (1981), doi 10.1107/S0021889881009618: one intensity a ring, freely refined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.integration.ring_scatter import RING_SECTORS
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.unit_cell import UnitCell, space_group
from lics_beamline.refinement.agreement import Agreement, agreement
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.line_width import shapes
from lics_beamline.refinement.powder_phase import PowderPhase, PowderRing
from lics_beamline.refinement.projection import Projection, Solved, make_model, usable
from lics_beamline.refinement.structure_factors import ReflectionGroup, StructureFactors

Array = npt.NDArray[np.float64]

COVERED_RING_FRACTION: Final = 0.8  # of a ring's intensity must lie in bins that are used, or it is not reported
MOST_EVALUATIONS: Final = 60  # a good start needs 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinedNumber:
    """A refined number.

    Parameters
    ----------
    name : str
        ``alloy a``, ``shift``, ``w``, ``re-hcp y``.
    value, sigma : float
        In the unit of what is named; sigma is 0 where the number rests on its bound.
    """

    name: str
    value: float
    sigma: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedPhase:
    """One phase of a fit.

    Parameters
    ----------
    name : str
        Name of the phase.
    cell : UnitCell
        Its cell.
    cell_sigma : UnitCell
        Standard errors in the same places; 0 where symmetry or the choice fixes the number.
    structure_factors : StructureFactors
        |F|^2 on an arbitrary scale, with covariance.
    two_theta_deg, fwhm_deg : ndarray, shape (groups,)
        Where the rings are and how wide [deg].
    """

    name: str
    cell: UnitCell
    cell_sigma: UnitCell
    structure_factors: StructureFactors
    two_theta_deg: Array
    fwhm_deg: Array

    def grain_errors(self, pattern: Pattern) -> Array:
        """Relative error that grains make of each ring: azimuthal scatter over the root of the number of sectors.

        Parameters
        ----------
        pattern : Pattern
            The fitted one, with the scatter of its rings between sectors (`lics_beamline.integration.ring_scatter`).

        Returns
        -------
        ndarray, shape (groups,)
            Rings whose scatter was not measured have the median of those that were; 0 where none was.
        """
        if pattern.graininess is None:
            return np.zeros(len(self.two_theta_deg))
        places = np.clip(np.searchsorted(pattern.two_theta_deg, self.two_theta_deg), 0, pattern.two_theta_deg.size - 1)
        scatter = pattern.graininess[places]
        measured = scatter[np.isfinite(scatter)]
        usual = float(np.median(measured)) if measured.size else 0.0
        return np.where(np.isfinite(scatter), scatter, usual) / math.sqrt(RING_SECTORS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatternFit:
    """A fitted pattern.

    Parameters
    ----------
    phases : tuple of FittedPhase
        In the order they were given.
    refined : tuple of RefinedNumber
        Every refined number but the linear ones.
    two_theta_deg, observed, sigma, calculated, background : ndarray, shape (bins used,)
        The pattern and what describes it.
    agreement : Agreement
        R factors and chi^2.
    error_factor : float
        By which all errors were enlarged over those of independent bins and a perfect model: square root of chi^2,
        times the correlation of bins that the pattern states or the fit leaves, whichever is larger.
    evaluations : int
        Steps of the search.
    """

    phases: tuple[FittedPhase, ...]
    refined: tuple[RefinedNumber, ...]
    two_theta_deg: Array
    observed: Array
    sigma: Array
    calculated: Array
    background: Array
    agreement: Agreement
    error_factor: float
    evaluations: int

    @property
    def cell(self) -> UnitCell:
        """Cell of the first phase."""
        return self.phases[0].cell

    @property
    def cell_sigma(self) -> UnitCell:
        """Standard errors of the cell of the first phase."""
        return self.phases[0].cell_sigma

    @property
    def structure_factors(self) -> StructureFactors:
        """Structure factors of the first phase."""
        return self.phases[0].structure_factors

    def phase(self, name: str) -> FittedPhase:
        """Return the phase of a name.

        Raises
        ------
        KeyError
            If it was not fitted.
        """
        return next(phase for phase in self.phases if phase.name == name)

    def number(self, name: str) -> RefinedNumber:
        """Return the refined number of a name."""
        return next(number for number in self.refined if number.name == name)


def fit_pattern(pattern: Pattern, phases: tuple[PowderPhase, ...], choice: FitChoice | None = None) -> PatternFit:
    """Fit a pattern by Pawley's method.

    Parameters
    ----------
    pattern : Pattern
        Corrected for polarisation and solid angle; bins without intensity are left out.
    phases : tuple of PowderPhase
        What may be there, with cells that put lines within about a line's width of where they are.
    choice : FitChoice, optional
        Settings of the fit.

    Raises
    ------
    RefinementFailed
        If the pattern cannot bear the fit: too few bins, no reflection in range, or no convergence.
    """
    from threadpoolctl import threadpool_limits

    choice = choice or FitChoice()
    data = usable(pattern, choice)
    model = make_model(data, pattern.wavelength_angstrom, phases, choice)
    problem = Projection(model=model, data=data, terms=choice.background_terms)
    # Threads of a linear algebra library that wait for each other on a busy machine make a small fit ten times slower.
    with threadpool_limits(limits=1, user_api="blas"):
        search = _search(problem) if model.names else None
        parameters, evaluations = (search.x, int(search.nfev)) if search else (model.start(), 1)
        model.check_cells(parameters)
        return _result_of(problem, problem.solved(parameters), parameters, pattern, evaluations)


def _search(problem: Projection) -> Any:
    from scipy.optimize import least_squares

    start, lower = problem.model.start(), problem.model.lower_bounds()
    search = least_squares(
        problem.residual,
        np.maximum(start, np.where(np.isfinite(lower), lower + 1e-6, start)),
        problem.slopes,
        bounds=(lower, problem.model.upper_bounds()),
        x_scale="jac",
        xtol=1e-9,
        ftol=1e-9,
        gtol=1e-10,
        max_nfev=MOST_EVALUATIONS,
    )
    if search.status <= 0:
        raise RefinementFailed(
            f"the pattern fit did not come to rest in {MOST_EVALUATIONS} steps (chi^2 {2 * search.cost:.4g}, "
            f"{problem.data.two_theta_deg.size} bins). Start from a better cell, or refine fewer widths.",
            evaluations=MOST_EVALUATIONS,
        )
    return search


def serial_correlation(residual: Array, reach: int) -> float:
    """Factor by which errors of a fit exceed those of independent bins, seen in what the fit leaves.

    Parameters
    ----------
    residual : ndarray, shape (bins,)
        Observed less calculated, in standard errors.
    reach : int
        Bins over which neighbours are compared: half a line's width. A plate's point spread and a profile that is not
        quite right both show there.

    Notes
    -----
    ``sqrt(1 + 2 sum rho_k)``, rho_k the correlation of bins k apart; never below 1. The same thought as in J.-F. Bérar
    and P. Lelann, J. Appl. Cryst. 24, 1 (1991), doi 10.1107/S0021889890008391.
    """
    power = float(residual @ residual)
    if power == 0.0:
        return 1.0
    rho = [float(residual[k:] @ residual[:-k]) / power for k in range(1, min(reach, residual.size // 4) + 1)]
    return max(1.0, 1.0 + 2.0 * sum(rho)) ** 0.5


def _result_of(
    problem: Projection, solved: Solved, parameters: Array, pattern: Pattern, evaluations: int
) -> PatternFit:
    """Return what a fit found where its search came to rest: cells, structure factors, errors."""
    model, data = problem.model, problem.data
    count = model.ring_count
    calculated = data.intensity - solved.residual * data.sigma
    background = problem.background @ solved.linear[count:]
    free = parameters > model.lower_bounds() + 1e-9
    compared = agreement(
        data.intensity,
        calculated,
        background,
        data.sigma,
        free=solved.linear.size + int(free.sum()),
    )
    step = float(np.median(np.diff(data.two_theta_deg)))
    fwhm = float(np.median(shapes(model.width_numbers(parameters), model.lines(parameters).centre_deg).fwhm_deg))
    together = max(pattern.correlation, serial_correlation(solved.residual, round(0.5 * fwhm / step)))
    factor = max(1.0, compared.chi_squared) ** 0.5 * together
    whole = np.concatenate([solved.design, problem.moved(solved)[:, free]], axis=1)
    normal = whole.T @ whole
    normal[np.arange(solved.prior.size), np.arange(solved.prior.size)] += solved.prior
    covariance = np.linalg.inv(normal) * factor**2
    of_parameters = np.zeros((parameters.size, parameters.size))
    of_parameters[np.ix_(free, free)] = covariance[solved.linear.size :, solved.linear.size :]
    sigma = np.sqrt(np.diag(of_parameters))
    return PatternFit(
        phases=tuple(
            _phase(problem, solved, parameters, covariance[:count, :count], of_parameters, index)
            for index in range(len(model.phases))
        ),
        refined=tuple(
            RefinedNumber(name=name, value=float(value), sigma=float(error))
            for name, value, error in zip(model.names, parameters, sigma, strict=True)
        ),
        two_theta_deg=data.two_theta_deg,
        observed=data.intensity,
        sigma=data.sigma,
        calculated=calculated,
        background=background,
        agreement=compared,
        error_factor=factor,
        evaluations=evaluations,
    )


def _phase(
    problem: Projection, solved: Solved, parameters: Array, covariance: Array, of_parameters: Array, index: int
) -> FittedPhase:
    model = problem.model
    phase, rings_of_phase = model.phases[index], model.rings[index]
    cell = model.cell(parameters, index)
    slopes = model.cell_slopes(parameters, index)
    errors = np.sqrt(np.maximum(np.einsum("ip,pq,iq->i", slopes, of_parameters, slopes), 0.0))
    first = sum(len(rings) for rings in model.rings[:index])
    lines = model.lines(parameters)
    ring_of_line = model.ring_of_line
    weight = np.bincount(ring_of_line, weights=lines.weight)
    step = float(np.median(np.diff(problem.data.two_theta_deg)))
    area = (solved.design[:, : weight.size] * problem.data.sigma[:, None]).sum(axis=0) * step
    reported = [
        first + k for k in range(len(rings_of_phase)) if area[first + k] > COVERED_RING_FRACTION * weight[first + k]
    ]
    groups = tuple(_group(rings_of_phase[k - first], cell) for k in reported)
    centre = np.bincount(ring_of_line, weights=lines.weight * lines.centre_deg) / weight
    return FittedPhase(
        name=phase.name,
        cell=cell,
        cell_sigma=UnitCell(**dict(zip(UnitCell.__dataclass_fields__, errors.tolist(), strict=True))),
        structure_factors=StructureFactors(
            space_group=str(space_group(phase.space_group).xhm()),
            cell=cell,
            wavelength_angstrom=model.wavelength_angstrom,
            groups=groups,
            squared=solved.linear[reported],
            covariance=covariance[np.ix_(reported, reported)],
        ),
        two_theta_deg=centre[reported],
        fwhm_deg=shapes(model.width_numbers(parameters), centre[reported]).fwhm_deg,
    )


def _group(ring: PowderRing, cell: UnitCell) -> ReflectionGroup:
    planes = np.array([line.multiplicity for line in ring.lines])
    hkl = np.array([(line.reflection.h, line.reflection.k, line.reflection.l) for line in ring.lines])
    s = 0.5 * np.sqrt(cell.inverse_d_squared(hkl))
    return ReflectionGroup(
        reflections=tuple(line.reflection for line in ring.lines),
        multiplicities=tuple(int(number) for number in planes),
        s_per_angstrom=float(np.average(s, weights=planes)),
        exact=ring.exact,
    )
