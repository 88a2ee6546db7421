"""Structure factors of the main phase of each point, as inputs of other maximum-entropy programs.

Each pattern is fitted without structure (Pawley); scale, dispersion and phases come from the heaviest element of the
structure alone, so that what a density shows of the others was not put in.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.exports.mem_inputs import write_fos, write_mem, write_prf
from lics_beamline.exports.provenance import point_name, title
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.exports.starting_model import StartingModel, starting_models
from lics_beamline.physics.structure import Structure
from lics_beamline.refinement.amplitudes import Amplitudes
from lics_beamline.refinement.density import default_grid
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.host_fit import HostFit, observed
from lics_beamline.refinement.lit_range import lit_range
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_beamline.refinement.structure_factors import StructureFactors

logger = logging.getLogger(__name__)


def write_mem_points(run: ReducedRun, folder: Path) -> tuple[Path, ...]:
    """Write ``.mem``, ``.prf`` and ``.fos`` of each point that shows the main phase of a run.

    Parameters
    ----------
    run : ReducedRun
        What to write.
    folder : Path
        Where to; made if absent.

    Returns
    -------
    tuple of Path
        The files, three a point. A point whose pattern cannot be fitted is left out, with a warning.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for point in run.points:
        models = starting_models(run, point) if point.reduced else ()
        main = next((model for model in models if model.name == run.main_phase), None)
        if main is None:
            continue
        try:
            written += _write(run, point, main, models, folder)
        except RefinementFailed as error:
            logger.warning("point %d is left out: %s", point.index, error)
    return tuple(written)


def _write(
    run: ReducedRun, point: ReducedPoint, main: StartingModel, models: tuple[StartingModel, ...], folder: Path
) -> tuple[Path, ...]:
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
    fit = fit_pattern(pattern, phases, FitChoice(two_theta_deg=lit_range(pattern)))
    factors = observed(fit.phase(main.name).structure_factors)
    amplitudes = amplitudes_of(factors, main.structure)
    shape = default_grid(factors).shape
    path, name = folder / f"{point_name(point)}_{main.name}", title(run, point)
    return (
        write_mem(amplitudes, path.with_name(f"{path.name}.mem"), shape=shape, title=name),
        write_prf(path.with_name(f"{path.name}.prf")),
        write_fos(
            amplitudes,
            path.with_name(f"{path.name}.fos"),
            shape=shape,
            title=name,
            wavelength_angstrom=run.wavelength_angstrom,
        ),
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
