"""Intensities of the rings of an unknown phase: Pawley's method in the cell of its lines, beside known phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.lit_range import lit_range
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_beamline.refinement.structural_model import StructuralModel
from lics_beamline.refinement.structure_factors import StructureFactors

Array = npt.NDArray[np.float64]

NAME: Final = "unknown"  # of the phase in the fits of a pattern
OBSERVED_SIGMAS: Final = 3.0  # an intensity of more is seen
FEWEST_OBSERVED: Final = 6  # rings that are seen: scale and thermal motion leave three to tell models apart
LEAST_OBSERVED_SHARE: Final = 0.15  # of the rings in range: fewer, and the cell may lie well by chance
RING_ERROR: Final = 0.005  # relative, of any ring: what a profile and a background that are not quite right make of it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnknownPattern:
    """A pattern in which an unknown phase is, and what else is.

    Parameters
    ----------
    number : int
        Of the point.
    pattern : Pattern
        The pattern.
    pressure_gpa, pressure_sigma_gpa, temperature_k : float
        Of the sample.
    cell : UnitCell
        Of the unknown phase, within about a line's width.
    known : tuple of StructuralModel
        The phases beside it, in their cells.
    """

    number: int
    pattern: Pattern
    pressure_gpa: float
    pressure_sigma_gpa: float
    temperature_k: float
    cell: UnitCell
    known: tuple[StructuralModel, ...]

    @property
    def choice(self) -> FitChoice:
        """Settings of a fit: the range that the cell lets through."""
        return FitChoice(two_theta_deg=lit_range(self.pattern))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RingIntensities:
    """Rings of an unknown phase at one point.

    Parameters
    ----------
    at : UnknownPattern
        Where.
    cell, cell_sigma : UnitCell
        The refined cell, and the standard errors of its numbers.
    factors : StructureFactors
        |F|^2 on an arbitrary scale with covariance, errors of grains and of the method added; overlapping families
        are one group.
    chi_squared : float
        Of the fit of the whole pattern.
    grain_error : float
        Relative error of a typical ring that its scatter along the azimuth betrays.
    """

    at: UnknownPattern
    cell: UnitCell
    cell_sigma: UnitCell
    factors: StructureFactors
    chi_squared: float
    grain_error: float

    @property
    def observed(self) -> int:
        """Rings that stand clear of their errors."""
        return int(np.count_nonzero(self.factors.squared > OBSERVED_SIGMAS * self.factors.sigma))

    @property
    def overlapped(self) -> tuple[str, ...]:
        """Groups of families that share a ring: ``221/300``."""
        return tuple(str(group) for group in self.factors.groups if len(group.reflections) > 1)

    @property
    def information(self) -> float:
        """How much the rings tell: the sum of their squared significances, each at most that of its method's error."""
        return float(np.sum((self.factors.squared / self.factors.sigma).clip(0.0) ** 2))


def ring_intensities(
    points: Sequence[UnknownPattern], space_group: str
) -> tuple[tuple[RingIntensities, ...], tuple[str, ...]]:
    """Fit the patterns of the points at which an unknown phase is.

    Parameters
    ----------
    points : sequence of UnknownPattern
        The patterns.
    space_group : str
        The most symmetric one that leaves out no more than the lines say.

    Returns
    -------
    tuple
        The intensities of the points that tell, the most telling first; and why each other point does not.
    """
    found, left_out = [], []
    for at in points:
        try:
            rings = _of(at, space_group)
        except RefinementFailed as error:
            left_out.append(f"point {at.number}: {error}")
            continue
        seen, all_rings = rings.observed, len(rings.factors.groups)
        if seen < max(FEWEST_OBSERVED, LEAST_OBSERVED_SHARE * all_rings):
            left_out.append(
                f"point {at.number}: {seen} of {all_rings} rings stand clear of their errors, "
                f"{max(FEWEST_OBSERVED, round(LEAST_OBSERVED_SHARE * all_rings))} are needed"
            )
            continue
        found.append(rings)
    return tuple(sorted(found, key=lambda rings: -rings.information)), tuple(left_out)


def _of(at: UnknownPattern, space_group: str) -> RingIntensities:
    unknown = PowderPhase(name=NAME, space_group=space_group, cell=at.cell)
    beside = tuple(model.phase(own_strain=True) for model in at.known)
    fit = fit_pattern(at.pattern, (unknown, *beside), at.choice)
    phase = fit.phases[0]
    grains = phase.grain_errors(at.pattern)
    return RingIntensities(
        at=at,
        cell=phase.cell,
        cell_sigma=phase.cell_sigma,
        factors=phase.structure_factors.enlarged(np.hypot(grains, RING_ERROR)),
        chi_squared=fit.agreement.chi_squared,
        grain_error=float(np.median(grains)) if grains.size else 0.0,
    )
