"""Pawley fit of a powder pattern: cells, widths and one intensity a ring, without a structural model.

Strengths of rings and background enter linearly and are solved at every step, so that the search runs over cells, shift
and widths only. Errors come from the whole problem: what a width can do to an intensity is in the covariance.

References
----------
G. S. Pawley, J. Appl. Cryst. 14, 357 (1981), doi 10.1107/S0021889881009618: one intensity a ring, freely refined.
G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973), doi 10.1137/0710036: variable projection; the slopes are
those of L. Kaufman, BIT 15, 49 (1975), doi 10.1007/BF01932995.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from lics_beamline.diffraction.pattern import Pattern
from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.unit_cell import UnitCell, space_group
from lics_beamline.refinement.agreement import Agreement, agreement
from lics_beamline.refinement.line_width import NAMES as WIDTH_NAMES
from lics_beamline.refinement.line_width import LineWidths, shapes
from lics_beamline.refinement.pattern_model import PatternModel, Profiles, Shift
from lics_beamline.refinement.powder_phase import PowderPhase, Ring, rings
from lics_beamline.refinement.structure_factors import ReflectionGroup, StructureFactors

Array = npt.NDArray[np.float64]

BLEND: Final = 0.15  # families closer than this fraction of a FWHM share a ring: their intensities would be noise
WEAK_PRIOR: Final = 10.0  # times the strongest ring: standard deviation of what the pattern does not determine at all
COVERED: Final = 0.8  # of a ring's intensity must lie in bins that are used, or it is not reported
EVALUATIONS: Final = 60  # a good start needs 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FitChoice:
    """How a pattern is fitted.

    Parameters
    ----------
    two_theta_deg : tuple of float, optional
        Range [deg]; default the whole pattern.
    excluded_deg : tuple of tuple of float
        Ranges left out [deg].
    background_terms : int
        Chebyshev terms; air and Compton scattering over 25 deg need 10 to 12.
    widths : LineWidths
        Widths that start the search.
    refined_widths : tuple of str
        Which of u, v, w, x, y are refined.
    shift : {"none", "zero", "along-beam"}
        Whether to refine a shift of all lines. An area detector's calibration leaves none; a sample that moved along
        the beam needs a phase of known cell beside it.
    reach : float
        Lines are drawn this many FWHM to either side; a Lorentzian has 1 % of its area beyond 32.
    """

    two_theta_deg: tuple[float, float] | None = None
    excluded_deg: tuple[tuple[float, float], ...] = ()
    background_terms: int = 12
    widths: LineWidths = field(default_factory=LineWidths)
    refined_widths: tuple[str, ...] = ("w", "x", "y")
    shift: Shift = "none"
    reach: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
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
    """What the fit says of one phase.

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
    two_theta_deg : ndarray, shape (groups,)
        Where the rings are [deg].
    """

    name: str
    cell: UnitCell
    cell_sigma: UnitCell
    structure_factors: StructureFactors
    two_theta_deg: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatternFit:
    """A fitted pattern.

    Parameters
    ----------
    phases : tuple of FittedPhase
        In the order they were given.
    refined : tuple of Refined
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
    refined: tuple[Refined, ...]
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

    def number(self, name: str) -> Refined:
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
        How to fit.

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
        return _result(problem, parameters, pattern, evaluations)


def _search(problem: Projection) -> Any:
    from scipy.optimize import least_squares

    start, lower = problem.model.start(), problem.model.lower_bounds()
    search = least_squares(
        problem.residual,
        np.maximum(start, np.where(np.isfinite(lower), lower + 1e-6, start)),
        problem.slopes,
        bounds=(lower, np.full_like(lower, np.inf)),
        x_scale="jac",
        xtol=1e-9,
        ftol=1e-9,
        gtol=1e-10,
        max_nfev=EVALUATIONS,
    )
    if search.status <= 0:
        raise RefinementFailed(
            f"the pattern fit did not come to rest in {EVALUATIONS} steps (chi^2 {2 * search.cost:.4g}, "
            f"{problem.data.two_theta_deg.size} bins). Start from a better cell, or refine fewer widths.",
            evaluations=EVALUATIONS,
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
            blend_deg=BLEND * fwhm,
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
        reach=choice.reach,
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
        What was added to its diagonal.
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


def _result(problem: Projection, parameters: Array, pattern: Pattern, evaluations: int) -> PatternFit:
    model, data = problem.model, problem.data
    solved = problem.solved(parameters)
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
            Refined(name=name, value=float(value), sigma=float(error))
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
    reported = [first + k for k in range(len(rings_of_phase)) if area[first + k] > COVERED * weight[first + k]]
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
    )


def _group(ring: Ring, cell: UnitCell) -> ReflectionGroup:
    planes = np.array([line.multiplicity for line in ring.lines])
    hkl = np.array([(line.reflection.h, line.reflection.k, line.reflection.l) for line in ring.lines])
    s = 0.5 * np.sqrt(cell.inverse_d_squared(hkl))
    return ReflectionGroup(
        reflections=tuple(line.reflection for line in ring.lines),
        multiplicities=tuple(int(number) for number in planes),
        s_per_angstrom=float(np.average(s, weights=planes)),
        exact=ring.exact,
    )
