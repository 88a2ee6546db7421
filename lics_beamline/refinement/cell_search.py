"""A cell near enough to start a fit: the model's own, stretched alike along all edges until its lines fall on lines.

A refinement program that starts 1 % off finds nothing and does not say so. A cell from a paper is that far off already
where pressure or temperature differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from lics_beamline.errors import RefinementFailed
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.robust_scatter import scatter_of
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.line_width import shapes
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_beamline.refinement.projection import Projection, Usable, make_model, usable

SEARCHED_DEG: Final = 12.0  # of the range, from its start: the strongest rings; farther out lines meet by chance
CLEAR_SIGMAS: Final = 5.0  # robust standard deviations by which the best cell must explain more than other cells do
NOISE_CHI2: Final = 10.0  # by which chi^2 of two cells differs for noise: a few rings, neighbouring bins correlated


def find_cell(
    pattern: Pattern,
    phase: PowderPhase,
    others: tuple[PowderPhase, ...] = (),
    *,
    within: float = 0.05,
    choice: FitChoice | None = None,
) -> PowderPhase:
    """Stretch the cell of a phase until it explains a pattern.

    Parameters
    ----------
    pattern : Pattern
        The pattern.
    phase : PowderPhase
        The phase, with a cell of the right shape.
    others : tuple of PowderPhase
        Other phases in the pattern, with known cells.
    within : float
        Largest change of the edges, as a fraction.
    choice : FitChoice, optional
        Range and widths.

    Returns
    -------
    PowderPhase
        The phase with its cell stretched.

    Raises
    ------
    RefinementFailed
        If no stretch explains lines of the pattern.
    """
    from threadpoolctl import threadpool_limits

    choice = choice or FitChoice()
    data = usable(pattern, choice)
    first = float(data.two_theta_deg[0])
    last = min(float(data.two_theta_deg[-1]), first + SEARCHED_DEG)
    coarse = replace(choice, two_theta_deg=(first, last), refined_widths=(), shift="none", reach=20.0)
    near = usable(pattern, coarse)
    fwhm = np.radians(float(shapes(choice.widths.numbers, np.array([last])).fwhm_deg[0]))
    step = 0.25 * fwhm / (2.0 * np.tan(np.radians(last) / 2.0))
    factors = 1.0 + step * np.arange(-np.floor(within / step), np.floor(within / step) + 1)
    with threadpool_limits(limits=1, user_api="blas"):
        misfits = np.array(
            [
                _misfit(near, pattern, (replace(phase, cell=phase.cell.strained(float(factor))), *others), coarse)
                for factor in factors
            ]
        )
    best = int(np.argmin(misfits))
    spread = scatter_of(misfits - np.median(misfits))
    outstanding = (float(np.median(misfits)) - float(misfits[best])) / max(spread, NOISE_CHI2)
    if outstanding < CLEAR_SIGMAS or best in (0, misfits.size - 1):
        raise RefinementFailed(
            f"{phase.name}: no cell within {100 * within:g} % of a = {phase.cell.a_angstrom:.4f} angstrom explains "
            f"the pattern better than others do (best at {factors[best] * phase.cell.a_angstrom:.4f}, "
            f"{outstanding:.1f} standard deviations, {CLEAR_SIGMAS:g} needed). Check the phase, or index the peaks.",
            phase=phase.name,
            stretched=float(factors[best]),
        )
    return replace(phase, cell=phase.cell.strained(float(factors[best])))


def _misfit(data: Usable, pattern: Pattern, phases: tuple[PowderPhase, ...], choice: FitChoice) -> float:
    fixed = tuple(replace(phase, refine_cell=False, own_strain=False) for phase in phases)
    model = make_model(data, pattern.wavelength_angstrom, fixed, choice)
    residual = Projection(model=model, data=data, terms=choice.background_terms).residual(model.start())
    return float(residual @ residual)
