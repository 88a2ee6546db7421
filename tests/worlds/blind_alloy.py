"""The paper's discovery, blind: a swept world reduced by a recipe without the alloy, and what is said of it then.

What is true of the world, and the phase that the project ships, are read here for scores alone.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lics_beamline.analysis.discovery import Discovery
from lics_beamline.analysis.phase_file import write_phase_files
from lics_beamline.analysis.structure_solution import solved_structures
from lics_beamline.lines.peaks import find_peaks
from lics_beamline.phases.identification import identify
from lics_beamline.phases.phase import named_phase, read_phase
from worlds.swept_world import RECIPE, stops

BLIND = RECIPE.with_name("recipe-without-alloy.toml")
PATH = stops((2.4, 3.4, 4.8, 6.5, 7.95), (), (5.0,))


@dataclass(frozen=True, kw_only=True)
class BlindScore:
    """What was found, and how far cells are off [angstrom].

    Of the truth at the point that tells most, and of those by the shipped phase at all points.
    """

    lattice: str
    verdict: str
    group: str
    content: str
    places: dict
    occupancy: float
    off_truth: float
    off_shipped: float
    shows_light: bool

    @property
    def is_right(self):
        """Whether lattice, group and sites are those of the paper."""
        return (
            self.lattice == "cubic P"
            and self.group == "P m -3 m"
            and self.places == {"Cs": (0.0, 0.0, 0.0), "Li": (0.5, 0.5, 0.5)}
            and self.verdict != "not decided"
        )


def blind_score(sweeper, seed, folder, *, path=PATH, world="volumetric"):
    """Sweep a world, discover its alloy without being told of it, and score that."""
    swept = sweeper.by(BLIND).sweep(world, path, seed=seed)
    found = Discovery.of(swept.run)
    solved = solved_structures(found, ("Li", "Cs"))
    found = replace(found, structures=solved)
    phase = max(found.phases, key=lambda each: len(each.points))
    structure, lattice = solved[phase.name], found.lattices[phase.name].lattices[0]
    best = structure.best
    first = structure.rings[0]
    stop = path[first.at.number - 1]
    files = write_phase_files(structure, Path(folder), run="blind")
    return BlindScore(
        lattice=f"{lattice.system} {lattice.centring}",
        verdict=structure.verdict,
        group=best.arrangement.space_group,
        content=str(best.content),
        places={one.element: tuple(one.place.tolist()) for one in best.arrangement.occupied},
        occupancy=structure.refined.phases[0].sites[-1].site.occupancy,
        off_truth=abs(first.cell.a_angstrom - swept.edge(stop.gpa, stop.kelvin)),
        off_shipped=max(_off_shipped(swept.run, read_phase(files.phase))),
        shows_light=structure.density is not None and structure.density.shows_light,
    )


def _off_shipped(run, phase):
    """Yield the distance of the cells by a phase from those by the shipped one, where either is found [angstrom]."""
    others = [each for each in run.sought if each.name != phase.name]
    for point in run.points:
        pattern = run.pattern(point)
        peaks = find_peaks(pattern)
        edges = []
        for one in (phase, named_phase("alloy")):
            known = identify(
                peaks,
                (one, *others),
                pattern=pattern,
                pressure_gpa=point.pressure_gpa,
                temperature_k=point.temperature_k,
            )
            edges.append(next((each.cell.a_angstrom for each in known.phases if each.name == one.name), np.nan))
        if np.isfinite(edges).any():
            yield abs(edges[0] - edges[1]) if np.isfinite(edges).all() else np.inf
