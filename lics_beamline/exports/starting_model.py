"""What a refinement of a point may start from: the phases found, each structure in the cell it was found with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.physics.structure import Structure
from lics_beamline.physics.unit_cell import UnitCell


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingModel:
    """A phase to start from.

    Parameters
    ----------
    name : str
        Its name in the recipe.
    system : str
        Which numbers of the cell are free: a key of `physics.unit_cell.FREE`.
    structure : Structure
        Atoms, in the cell found.
    """

    name: str
    system: str
    structure: Structure


def starting_models(run: ReducedRun, point: ReducedPoint) -> tuple[StartingModel, ...]:
    """Return the phases of a point with their structures, in the order of the recipe."""
    found = []
    for phase in run.sought:
        here = point.phase(phase.name)
        if here is not None:
            cell = UnitCell.from_free(np.array(list(here.cell.values())), phase.system)
            found.append(StartingModel(name=phase.name, system=phase.system, structure=phase.structure.in_cell(cell)))
    return tuple(found)
