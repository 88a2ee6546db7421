"""What a density decides: whether an atom is at a site, how much of it, and when the data do not say.

The chain asks in this order, and the first no ends it: do the reflections reach far enough and stand clear of their
errors; do whole rings agree with any amount of the atom (texture and grains scale rings while a pattern fit still looks
fine); does the error of the occupancy leave room for a decision. Only then is a number given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from lics_beamline.errors import BadReading, RefinementFailed
from lics_beamline.refinement.basins import basins
from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.host_fit import fit_with_site, observed
from lics_beamline.refinement.max_entropy import Density
from lics_beamline.refinement.maxima import Maximum, maxima
from lics_beamline.refinement.occupancy import Occupancy, SiteEstimator, occupancy
from lics_beamline.refinement.site_charge import basin_charge
from lics_beamline.refinement.site_question import SiteQuestion
from lics_beamline.refinement.structure_factors import StructureFactors

Verdict = Literal["supported", "not decided by these data", "excluded"]

LARGEST_CHI_SQUARED: Final = 3.0  # engineering value: rings off by 0.5 % reach it at 0.2 % counting error
LARGEST_GRAIN_ERROR: Final = 0.02  # of a ring: at 3 % an occupancy means nothing, whatever the fit looks like
LARGEST_SIGMA: Final = 0.15  # engineering value: of an occupancy that is still worth a number
CLAIM_SIGMA: Final = 4.0  # an occupancy must stand this clear of nothing
ABSENT_OCCUPANCY: Final = 0.5  # an occupancy that this, less three errors, cannot reach is no compound of the site
FITTED_NUMBERS: Final = 4  # scale, B of the host, occupancy and B of the atom
FEWEST_RINGS: Final = 6  # scale, two B and an occupancy leave two to test them with
NEAR_ANGSTROM: Final = 0.3  # a maximum this near the site is the site's
GRID_STEP_ANGSTROM: Final = 0.06  # 64 points along 3.5 angstrom


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiteFinding:
    """Answer to a question.

    Parameters
    ----------
    question : SiteQuestion
        The question, with the measured cell.
    verdict : {"supported", "not decided by these data", "excluded"}
        The answer.
    reasons : tuple of str
        Reasons of the verdict, with their numbers.
    occupancy : Occupancy, optional
        None where the data do not decide: no number is offered.
    density : Density, optional
        None where there is none.
    maximum : Maximum, optional
        The density's maximum at the site; None where it has none, or the data do not decide.
    basin_electrons : float
        Electrons in the zero-flux basin of the site's maximum; NaN where it has none. Smaller than the atom's: part of
        it lies in the basins around.
    chi_squared : float
        Of the squared structure factors against host and atom with scale, B and occupancy free: the test for texture.
    d_min_angstrom : float
        Smallest spacing that was used [angstrom].
    left_out : tuple of str
        Reflections too weak to be used.
    """

    question: SiteQuestion
    verdict: Verdict
    reasons: tuple[str, ...]
    occupancy: Occupancy | None
    density: Density | None
    maximum: Maximum | None
    basin_electrons: float
    chi_squared: float
    d_min_angstrom: float
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        atom = f"{self.question.element} at {', '.join(f'{x:g}' for x in self.question.site)}"
        number = ""
        if self.occupancy is not None:
            number = f", occupancy {self.occupancy.value:.3f} +- {self.occupancy.sigma:.3f}"
        return f"{atom}: {self.verdict}{number}. {' '.join(self.reasons)}"


def default_grid(factors: StructureFactors, step_angstrom: float = GRID_STEP_ANGSTROM) -> DensityGrid:
    """Return a grid of about this step whose numbers of points suit any space group: multiples of 8 or of 24."""
    numbers = factors.cell.numbers[:3]
    multiple = 24 if factors.cell.gamma_deg != 90.0 or factors.cell.alpha_deg != 90.0 else 16
    shape = [max(multiple, multiple * round(edge / step_angstrom / multiple)) for edge in numbers]
    return DensityGrid(cell=factors.cell, space_group=factors.space_group, shape=(shape[0], shape[1], shape[2]))


def judge(
    question: SiteQuestion,
    factors: StructureFactors,
    *,
    grid: DensityGrid | None = None,
    grain_error: float = 0.0,
    replicas: int = 40,
    seed: int = 0,
) -> SiteFinding:
    """Ask the density whether an atom is at a site.

    Parameters
    ----------
    question : SiteQuestion
        Which atom, which site, which host; the host is put into the measured cell.
    factors : StructureFactors
        Squared structure factors of a pattern fit, with covariance.
    grid : DensityGrid, optional
        Grid of the density; by default steps of about 0.06 angstrom.
    grain_error : float
        Relative error of a typical ring that its scatter along the azimuth betrays; the covariance holds it already.
    replicas : int
        Noise replicas for calibration and error.
    seed : int
        Of the noise.

    Returns
    -------
    SiteFinding
        Also where the data fail: that is an answer, with the reason.
    """
    from threadpoolctl import threadpool_limits

    # Threads of a linear algebra library that wait for each other on a busy machine make small problems much slower.
    with threadpool_limits(limits=1, user_api="blas"):
        return _judge(question.with_cell(factors.cell), factors, grid, grain_error, replicas, seed)


def _judge(
    asked: SiteQuestion,
    factors: StructureFactors,
    grid: DensityGrid | None,
    grain_error: float,
    replicas: int,
    seed: int,
) -> SiteFinding:
    strong = observed(factors)
    kept = {str(group) for group in strong.groups}
    left_out = tuple(str(group) for group in factors.groups if str(group) not in kept)
    d_min = min((group.d_angstrom for group in strong.groups), default=float("nan"))

    def undecided(reason: str, density: Density | None = None, chi_squared: float = float("nan")) -> SiteFinding:
        return SiteFinding(
            question=asked,
            verdict="not decided by these data",
            reasons=(reason,),
            occupancy=None,
            density=density,
            maximum=None,
            basin_electrons=float("nan"),
            chi_squared=chi_squared,
            d_min_angstrom=d_min,
            left_out=left_out,
        )

    if len(strong.groups) < FEWEST_RINGS:
        return undecided(
            f"{len(strong.groups)} rings stand clear of their errors, {FEWEST_RINGS} are needed. Measure longer or to "
            "higher angles."
        )
    if grain_error > LARGEST_GRAIN_ERROR:
        return undecided(
            f"grains: the scatter along the rings makes an error of {100 * grain_error:.1f} % of each "
            f"(limit {100 * LARGEST_GRAIN_ERROR:g} %). Oscillate the cell more, or load again."
        )
    try:
        model = fit_with_site(strong, asked.filled(0.5), (asked.b_low_angstrom2, asked.b_high_angstrom2))
        chi_squared = model.chi_squared
        if chi_squared > LARGEST_CHI_SQUARED:
            return undecided(
                f"whole rings are off: chi^2 of |F|^2 against host and {asked.element}, scale, B and occupancy "
                f"free, is {chi_squared:.1f} (limit {LARGEST_CHI_SQUARED:g}). Texture or grains; oscillate the cell "
                "more, or load again.",
                chi_squared=chi_squared,
            )
        inflated = replace(strong, covariance=strong.covariance * _inflation(chi_squared, len(strong.groups)))
        estimator = SiteEstimator(asked, inflated, grid or default_grid(strong))
        density = estimator.density()
        found = occupancy(estimator, estimator.charge(density), replicas=replicas, seed=seed)
    except (RefinementFailed, BadReading) as error:
        return undecided(str(error))
    if found.sigma > LARGEST_SIGMA:
        return undecided(
            f"the error of the occupancy is {found.sigma:.2f} (limit {LARGEST_SIGMA:g}). Expose longer, and oscillate "
            "the cell if rings are grainy.",
            density,
            chi_squared,
        )
    peak = _maximum_at(density, asked)
    verdict, reason = _decide(found, peak, asked)
    if verdict == "not decided by these data":
        return undecided(reason, density, chi_squared)
    divided = basins(density.values, density.grid) if peak is not None else None
    return SiteFinding(
        question=asked,
        verdict=verdict,
        reasons=(reason,),
        occupancy=found,
        density=density,
        maximum=peak,
        basin_electrons=float("nan") if divided is None else basin_charge(divided, density.grid, asked.site),
        chi_squared=chi_squared,
        d_min_angstrom=d_min,
        left_out=left_out,
    )


def _inflation(chi_squared: float, rings: int) -> float:
    """Factor on the covariance: chi^2 where it is above 1 by more than its own standard deviation, else none.

    Enlarging errors for every chi^2 above 1 would make them 8 % too large where nothing is wrong.
    """
    chance = 1.0 + (2.0 / (rings - FITTED_NUMBERS)) ** 0.5
    return chi_squared if chi_squared > chance else 1.0


def _maximum_at(density: Density, question: SiteQuestion) -> Maximum | None:
    """Return the maximum nearest to any image of the site, if it is near."""
    grid = density.grid
    best: tuple[float, Maximum] | None = None
    for image in question.images:
        distance = grid.distance_angstrom((float(image[0]), float(image[1]), float(image[2])))
        for one in maxima(density.values, grid):
            if distance[one.point] <= NEAR_ANGSTROM and (best is None or distance[one.point] < best[0]):
                best = (float(distance[one.point]), one)
    return best[1] if best else None


def _decide(found: Occupancy, peak: Maximum | None, question: SiteQuestion) -> tuple[Verdict, str]:
    clear = found.value / found.sigma
    if clear >= CLAIM_SIGMA and peak is not None:
        return "supported", (
            f"{found.charge_electrons:.2f} electrons within {question.radius_angstrom:g} angstrom of the site, "
            f"{found.empty_electrons:.2f} were it empty and {found.full_electrons:.2f} were it full: {clear:.1f} "
            f"errors clear of empty, with a maximum of {peak.height:.1f} electrons/angstrom^3."
        )
    if clear >= CLAIM_SIGMA:
        return "not decided by these data", (
            f"there is charge about the site, {clear:.1f} errors more than were it empty, but no maximum within "
            f"{NEAR_ANGSTROM:g} angstrom. Ask for another site."
        )
    if found.value + 3.0 * found.sigma <= ABSENT_OCCUPANCY:
        return "excluded", (
            f"at most {max(found.value, 0.0) + 3.0 * found.sigma:.2f} of the site is filled (three errors); the "
            f"occupancy is {clear:+.1f} errors from nothing."
        )
    return "not decided by these data", (
        f"the occupancy is {clear:.1f} errors from nothing ({CLAIM_SIGMA:g} are needed) and could reach "
        f"{ABSENT_OCCUPANCY:g}. Expose longer."
    )
