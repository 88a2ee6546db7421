"""Structure factors of the main phase of each point, as inputs of other maximum-entropy programs."""

from __future__ import annotations

import logging
from pathlib import Path

from lics_beamline.errors import RefinementFailed
from lics_beamline.exports.main_phase import amplitudes_of, main_phases
from lics_beamline.exports.mem_inputs import write_fos, write_mem, write_prf
from lics_beamline.exports.provenance import title
from lics_beamline.exports.reduced_run import ReducedRun
from lics_beamline.refinement.density import default_grid
from lics_beamline.refinement.host_fit import observed

logger = logging.getLogger(__name__)


def write_mem_points(run: ReducedRun, folder: Path) -> tuple[Path, ...]:
    """Write ``.mem``, ``.prf`` and ``.fos`` of each point that shows the main phase of a run.

    Parameters
    ----------
    run : ReducedRun
        The run to write.
    folder : Path
        Folder to write to; made if absent.

    Returns
    -------
    tuple of Path
        The files, three a point. A point whose pattern cannot be fitted is left out, with a warning.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for main in main_phases(run):
        factors = observed(main.fitted.structure_factors)
        try:
            amplitudes = amplitudes_of(factors, main.structure)
        except RefinementFailed as error:
            logger.warning("point %d is left out: %s", main.point.index, error)
            continue
        shape, name = default_grid(factors).shape, title(run, main.point)
        written += [
            write_mem(amplitudes, main.path(folder, ".mem"), shape=shape, title=name),
            write_prf(main.path(folder, ".prf")),
            write_fos(
                amplitudes,
                main.path(folder, ".fos"),
                shape=shape,
                title=name,
                wavelength_angstrom=run.wavelength_angstrom,
            ),
        ]
    return tuple(written)
