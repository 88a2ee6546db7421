"""Electron density of the main phase of each point, by maximum entropy, as files for programs that draw it."""

from __future__ import annotations

import logging
from pathlib import Path

from lics_beamline.errors import BadReading, LicsError, RefinementFailed
from lics_beamline.exports.density_maps import write_ccp4, write_cube, write_xsf
from lics_beamline.exports.main_phase import MainPhase, amplitudes_of, main_phases
from lics_beamline.exports.reduced_run import ReducedRun
from lics_beamline.refinement.density import default_grid
from lics_beamline.refinement.host_fit import observed
from lics_beamline.refinement.max_entropy import Density, MaxEntropy

logger = logging.getLogger(__name__)


def write_density_points(run: ReducedRun, folder: Path, *, layout: str) -> tuple[Path, ...]:
    """Write the density of each point that shows the main phase of a run.

    Parameters
    ----------
    run : ReducedRun
        The run to write.
    folder : Path
        Folder to write to; made if absent.
    layout : {"density", "cube", "xsf"}
        A CCP4 map, a Gaussian cube or an XSF file; the last two show the atoms of the structure too.

    Returns
    -------
    tuple of Path
        The files, one a point. A point whose data bear no density is left out, with a warning.
    """
    written: list[Path] = []
    for main in main_phases(run):
        try:
            density = _density(main)
        except (RefinementFailed, BadReading) as error:
            logger.warning("point %d is left out: %s", main.point.index, error)
            continue
        written.append(_write(density, main, folder, layout))
    return tuple(written)


def _density(main: MainPhase) -> Density:
    from threadpoolctl import threadpool_limits

    factors = observed(main.fitted.structure_factors.enlarged(main.grain_errors))
    # Threads of a linear algebra library that wait for each other on a busy machine make small problems much slower.
    with threadpool_limits(limits=1, user_api="blas"):
        return MaxEntropy(amplitudes_of(factors, main.structure), default_grid(factors)).solve()


def _write(density: Density, main: MainPhase, folder: Path, layout: str) -> Path:
    match layout:
        case "density":
            return write_ccp4(density, main.path(folder, ".ccp4"))
        case "cube":
            return write_cube(density, main.path(folder, ".cube"), main.structure)
        case "xsf":
            return write_xsf(density, main.path(folder, ".xsf"), main.structure)
    raise LicsError(f"{layout!r} is no layout of a density: there are density, cube, xsf.", layout=layout)
