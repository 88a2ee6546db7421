"""How much of the light of a pattern is a phase's by its structure: of one that is not seen, how much at most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.patterns.pattern import Pattern
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_beamline.refinement.structural_model import StructuralModel
from lics_beamline.refinement.structure_factors import StructureFactors

Array = npt.NDArray[np.float64]

SEEN_SIGMAS: Final = 5.0  # of the share of a phase that is seen for sure: profiles that are not quite right leave 3
LIMIT_SIGMAS: Final = 2.0  # above a share, or zero: what a phase has at most


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseLight:
    """What a phase has of the light of all lines.

    Parameters
    ----------
    share, sigma : float
        The share, by the areas of all its lines together, and its standard deviation; it may come out negative.
    a_angstrom : float
        First edge of the cell in which it was asked for [angstrom].
    """

    share: float
    sigma: float
    a_angstrom: float

    @property
    def sigmas(self) -> float:
        """The share over its standard deviation."""
        return self.share / self.sigma

    @property
    def is_seen(self) -> bool:
        """Whether it is more than chance makes."""
        return self.sigmas > SEEN_SIGMAS

    @property
    def most(self) -> float:
        """What it has at most."""
        return min(max(self.share, 0.0) + LIMIT_SIGMAS * self.sigma, 1.0)

    def __str__(self) -> str:
        return (
            f"{100 * self.share:.2g} +- {100 * self.sigma:.2g} % of the light of all lines by its structure at "
            f"a = {self.a_angstrom:.4f} angstrom, at most {100 * self.most:.2g} %"
        )


def phase_light(
    pattern: Pattern, model: StructuralModel, others: Sequence[PowderPhase], choice: FitChoice
) -> PhaseLight:
    """Fit the strength of all lines of a phase together, beside lines of others whose strengths are free.

    Parameters
    ----------
    pattern : Pattern
        The pattern, with lines where the cells put them.
    model : StructuralModel
        The phase, in the cell in which it is asked for.
    others : sequence of PowderPhase
        Phases beside it, in the cells that they have.
    choice : FitChoice
        Range, widths and background; none of the widths is refined.

    Raises
    ------
    RefinementFailed
        If the pattern has none of its lines, or cannot bear the fit.
    """
    fixed = tuple(replace(one, refine_cell=False, own_strain=False) for one in (model.phase(), *others))
    fit = fit_pattern(pattern, fixed, replace(choice, refined_widths=(), shift="none"))
    mine, *rest = (phase.structure_factors for phase in fit.phases)
    due = _squares(model, mine)
    told = np.linalg.solve(mine.covariance, due)
    variance = 1.0 / max(float(told @ due), 1e-300)
    of_unit = float(_light(mine) @ due)
    beside = sum(float(_light(one) @ np.maximum(one.squared, 0.0)) for one in rest)
    light, sigma = of_unit * float(told @ mine.squared) * variance, of_unit * math.sqrt(variance)
    whole = max(beside + max(light, 0.0), sigma, 1e-300)
    return PhaseLight(share=light / whole, sigma=sigma / whole, a_angstrom=model.cell.a_angstrom)


def _squares(model: StructuralModel, factors: StructureFactors) -> Array:
    """Return |F|^2 of the structure in the rings of its phase [electrons^2]."""
    structure = model.structure.in_cell(model.cell)
    means = []
    for group in factors.groups:
        hkl = np.array([(one.h, one.k, one.l) for one in group.reflections])
        means.append(np.average(np.abs(structure.structure_factors(hkl)) ** 2, weights=group.multiplicities))
    return np.array(means)


def _light(factors: StructureFactors) -> Array:
    """Return the area of each ring for one electron^2, on a scale that all phases share."""
    sine = factors.wavelength_angstrom * factors.s_per_angstrom
    planes = np.array([group.multiplicity for group in factors.groups])
    return np.asarray(planes / (sine**2 * np.sqrt(1.0 - sine**2) * factors.cell.volume_angstrom3**2))
