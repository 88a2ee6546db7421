"""Structure at one point of a reduced run: rival models by Rietveld's method, and a site asked by maximum entropy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from lics_beamline.analysis.chance_cell import doubt_of_cell
from lics_beamline.errors import RefinementFailed
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.lines.peaks import find_peaks
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.unit_cell import UnitCell, free_names, lattice_system
from lics_beamline.refinement.cell_search import find_cell
from lics_beamline.refinement.density import SiteFinding, judge
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.lit_range import lit_range
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.rietveld import RietveldChoice, RietveldFit, rank
from lics_beamline.refinement.site_question import SiteQuestion
from lics_beamline.refinement.structural_model import StructuralModel, read_model

SAME_EDGE_CHANGE: Final = 0.06  # relative: pressure and temperature change the alloy's edge by less over its range
GASKET: Final = "re-hcp"


def rival_fits(
    run: ReducedRun,
    point: ReducedPoint,
    models: Sequence[StructuralModel],
    beside: Sequence[StructuralModel] | None = None,
    *,
    two_theta_deg: tuple[float, float] | None = None,
    shared_b: bool = False,
) -> tuple[RietveldFit, ...]:
    """Refine rival models at a point and put the best first.

    Parameters
    ----------
    run, point : ReducedRun, ReducedPoint
        A reduced point and its run.
    models : sequence of StructuralModel
        Rivals; their cells are taken from the reduction, or searched for.
    beside : sequence of StructuralModel, optional
        What else is there; default the rhenium of the gasket where the reduction found it.
    two_theta_deg : tuple of float, optional
        Angles used [deg]; default to the edge of the seats.
    shared_b : bool
        One B for all atoms of a phase.
    """
    pattern = run.pattern(point)
    choice = FitChoice(two_theta_deg=two_theta_deg or lit_range(pattern))
    known = gasket_models(point) if beside is None else tuple(beside)
    placed = [_placed(model, point) or _searched(model, pattern, choice) for model in models]
    others = [_placed(model, point) or _searched(model, pattern, choice, beside=placed[:1]) for model in known]
    return rank(pattern, placed, others, RietveldChoice(pattern=choice, shared_b=shared_b))


def gasket_models(point: ReducedPoint) -> tuple[StructuralModel, ...]:
    """Return the model of the gasket, where its lines were found."""
    return (read_model(Path("rhenium")),) if point.phase(GASKET) else ()


def ask_site(run: ReducedRun, point: ReducedPoint, model: StructuralModel, question: SiteQuestion) -> SiteFinding:
    """Ask the electron density at a point whether an atom is at a site.

    Parameters
    ----------
    run, point : ReducedRun, ReducedPoint
        A reduced point and its run.
    model : StructuralModel
        Cell and space group; its atoms are not used.
    question : SiteQuestion
        The atom, the site and the host asked about.
    """
    pattern = run.pattern(point)
    choice = FitChoice(two_theta_deg=lit_range(pattern))
    main = _placed(model, point) or _searched(model, pattern, choice)
    gasket = [_placed(each, point) or _searched(each, pattern, choice, beside=[main]) for each in gasket_models(point)]
    phases = (main.phase(), *(each.phase(own_strain=True) for each in gasket))
    fitted = fit_pattern(pattern, phases, choice).phases[0]
    errors = fitted.grain_errors(pattern)
    typical = float(np.median(errors)) if errors.size else 0.0
    return judge(question, fitted.structure_factors.enlarged(errors), grain_error=typical)


def _placed(model: StructuralModel, point: ReducedPoint) -> StructuralModel | None:
    """Give a model the cell that the reduction found for a phase like it; None where there is no such phase."""
    system = lattice_system(model.space_group)
    names, own = free_names(system), model.cell.free(system)
    for phase in point.phases:
        if set(phase.cell) == set(names):
            found = np.array([phase.cell[name] for name in names])
            if np.all(np.abs(found / own - 1.0) < SAME_EDGE_CHANGE):
                return model.in_cell(UnitCell.from_free(found, system))
    return None


def _searched(
    model: StructuralModel,
    pattern: Pattern,
    choice: FitChoice,
    *,
    beside: Sequence[StructuralModel] = (),
) -> StructuralModel:
    known = tuple(other.phase() for other in beside)
    within = 0.02 if beside else SAME_EDGE_CHANGE
    found = model.in_cell(find_cell(pattern, model.phase(), known, within=within, choice=choice).cell)
    peaks = find_peaks(pattern, two_theta_deg=choice.two_theta_deg)
    if doubt := doubt_of_cell(found, peaks, pattern.wavelength_angstrom):
        raise RefinementFailed(
            f"{doubt} The phase is not there, or its cell is farther than {100.0 * within:g} % from the CIF's: give a "
            "CIF whose cell is nearer.",
            phase=model.name,
        )
    return found
