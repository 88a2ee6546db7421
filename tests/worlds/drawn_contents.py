"""Compounds drawn by the simulators, asked for their atoms in their lattice; contents are known to the score alone."""

from dataclasses import dataclass

import gemmi
import numpy as np

from lics_beamline.indexing.extinction import extinction_classes
from lics_beamline.indexing.indexed_lattice import GroupClass, IndexedLattice, Indexing
from lics_beamline.indexing.lattice_evidence import FiguresOfMerit
from lics_beamline.phases.phase import named_phase
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.structural_model import StructuralModel
from lics_beamline.structures.ring_intensities import UnknownPattern
from lics_beamline.structures.unknown_structure import solve_structure
from worlds.drawn_unknowns import series, unknown_of
from worlds.ring_difference import ring_difference

BESIDE = {"cs-bcc": "cs-bcc", "cs-fcc": "cs-ii", "li-bcc": "li-bcc", "re-hcp": "re-hcp"}  # drawn and named phases
SEEN_SHARE = 0.05  # of the compound in a point
SAME_SQUARES = 0.03  # of the largest |F|^2 without thermal motion, between two atoms of one structure


@dataclass(frozen=True, kw_only=True)
class DrawnScore:
    """What was drawn, what was found, and how sure that was said to be."""

    system: str
    seed: int
    drawn: str
    found: str
    verdict: str
    reasons: tuple
    is_right: bool


def drawn_score(system, seed):
    """Draw a compound and ask for its structure in its lattice and its extinction class."""
    drawn = series(seed, preset=unknown_of(system))
    (compound,) = drawn.unknowns
    group = gemmi.SpaceGroup(compound.space_group)
    (extinct,) = (one for one in extinction_classes(system) if str(group.hm) in one.groups)
    points = []
    for number, point in enumerate(drawn.points, 1):
        there = point.of(compound.phase)
        if there is None or there.share < SEEN_SHARE:
            continue
        known = tuple(_model(other) for other in point.truth if other.name in BESIDE)
        points.append(
            UnknownPattern(
                number=number,
                pattern=point.pattern,
                pressure_gpa=point.ruby_gpa,
                pressure_sigma_gpa=0.005,
                temperature_k=298.0,
                cell=_cell(there.cell),
                known=known,
            )
        )
    lattice = IndexedLattice(
        system=system,
        centring=extinct.centring,
        points=(),
        log_evidence=0.0,
        merit=FiguresOfMerit(m_n=np.nan, f_n=np.nan, lines=0, lines_possible=0),
        lines=0,
        strays=0,
        possible=0,
        seen=0,
        engines=(),
        classes=(GroupClass(groups=extinct.groups, log_odds=0.0),),
    )
    indexing = Indexing(verdict="sure", reason="", lattices=(lattice,), engines="")
    solved = solve_structure(compound.phase, points, indexing, ("Cs", "Li"))
    best = solved.best
    atoms = [(site.element, site.at) for site in compound.sites]
    return DrawnScore(
        system=system,
        seed=seed,
        drawn=f"{compound.space_group}: {atoms}",
        found="nothing" if best is None else f"{best.arrangement.space_group}: {best.content}",
        verdict=solved.verdict,
        reasons=(*solved.reasons, *solved.left_out),
        is_right=best is not None
        and _off(solved.rings[0].cell, compound.space_group, atoms, best.arrangement) < SAME_SQUARES,
    )


def _off(cell, group, atoms, arrangement):
    """Largest difference of rings of the atoms that were drawn from those of an arrangement."""
    model = arrangement.structure(cell, {})
    found = [(site.element, (site.x, site.y, site.z)) for site in model.sites]
    return ring_difference(cell, (group, atoms), (model.space_group, found))


def _cell(numbers):
    return UnitCell(**dict(zip(UnitCell.__dataclass_fields__, map(float, numbers), strict=True)))


def _model(phase):
    structure = named_phase(BESIDE[phase.name]).structure.in_cell(_cell(phase.cell))
    return StructuralModel(
        name=phase.name, structure=structure, refined=tuple(frozenset({"b"}) for _ in structure.sites)
    )
