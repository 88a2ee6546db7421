"""The main phase of a point, fitted without its structure: what amplitudes, and a density, are made of.

A pattern is fitted by Pawley's method; scale, dispersion and phases of the reflections come from the heaviest element
of the structure alone, so that what a density shows of the others was not put in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.exports.provenance import point_name
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.exports.starting_model import starting_models
from lics_beamline.physics.structure import Structure
from lics_beamline.refinement.amplitudes import Amplitudes
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.host_fit import HostFit
from lics_beamline.refinement.lit_range import lit_range
from lics_beamline.refinement.pattern_fit import FittedPhase, fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_beamline.refinement.structure_factors import StructureFactors

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MainPhase:
    """The main phase of a run at one point.

    Parameters
    ----------
    point : ReducedPoint
        The point.
    stem : str
        Name of its files, without ending.
    structure : Structure
        All its atoms, in the cell that the reduction found.
    fitted : FittedPhase
        Its part of the fit without structure.
    grain_errors : ndarray, shape (groups,)
        Relative error that grains make of each of its rings.
    """

    point: ReducedPoint
    stem: str
    structure: Structure
    fitted: FittedPhase
    grain_errors: npt.NDArray[np.float64]

    def path(self, folder: Path, ending: str) -> Path:
        """Return the path of a file of this phase."""
        return folder / f"{self.stem}{ending}"


def main_phases(run: ReducedRun) -> Iterator[MainPhase]:
    """Fit each point that shows the main phase of a run; one that cannot be fitted is left out, with a warning.

    Parameters
    ----------
    run : ReducedRun
        Its patterns, and the structures that its recipe names.
    """
    for point in run.points:
        models = starting_models(run, point) if point.reduced else ()
        main = next((model for model in models if model.name == run.main_phase), None)
        if main is None:
            continue
        pattern = run.pattern(point)
        phases = tuple(
            PowderPhase(
                name=model.name,
                space_group=model.structure.space_group,
                cell=model.structure.cell,
                own_strain=model is not main,
            )
            for model in models
        )
        try:
            fitted = fit_pattern(pattern, phases, FitChoice(two_theta_deg=lit_range(pattern))).phase(main.name)
        except RefinementFailed as error:
            logger.warning("point %d is left out: %s", point.index, error)
            continue
        yield MainPhase(
            point=point,
            stem=f"{point_name(point)}_{main.name}",
            structure=main.structure,
            fitted=fitted,
            grain_errors=fitted.grain_errors(pattern),
        )


def amplitudes_of(factors: StructureFactors, structure: Structure) -> Amplitudes:
    """Return measured amplitudes on the scale and with the phases of the heaviest element of a structure.

    Parameters
    ----------
    factors : StructureFactors
        Measured squares.
    structure : Structure
        The whole structure: its electrons are F(000), what is not of its heaviest element is expected to be missing.

    Raises
    ------
    RefinementFailed
        The heaviest element does not describe the data.
    """
    import gemmi

    whole = replace(structure, cell=factors.cell)
    heaviest = max((site.element for site in whole.sites), key=lambda name: gemmi.Element(name).atomic_number)
    host = replace(whole, sites=tuple(site for site in whole.sites if site.element == heaviest))
    alone = HostFit(factors, host, _left_out(factors, whole, host))
    return alone.amplitudes(factors.squared, alone.fit(factors.squared), whole.electrons)


def _left_out(factors: StructureFactors, whole: Structure, host: Structure) -> npt.NDArray[np.float64]:
    """How much the squares may differ from those of the host, for what it leaves out [electrons^2]."""
    left = []
    for group in factors.groups:
        hkl = np.array([(one.h, one.k, one.l) for one in group.reflections])
        weight = np.array(group.multiplicities) / group.multiplicity
        squares = [float(weight @ np.abs(one.structure_factors(hkl)) ** 2) for one in (whole, host)]
        left.append(abs(squares[0] - squares[1]))
    return np.array(left)
