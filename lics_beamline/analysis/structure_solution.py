"""Structures of the unknown phases of a run: the patterns they are in, with what else is in these."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from lics_beamline.analysis.discovery import Discovery
from lics_beamline.discovery.unknown_phase import UnknownPhase
from lics_beamline.errors import ProfileError
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.exports.starting_model import starting_models
from lics_beamline.indexing.indexed_lattice import IndexedLattice
from lics_beamline.physics.chemical_formula import elements_of
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.structural_model import StructuralModel
from lics_beamline.structures.ring_intensities import UnknownPattern
from lics_beamline.structures.unknown_structure import UnknownStructure, solve_structure

NOT_FITTED: Final = "anvil"  # role of phases whose spots the integration leaves out: what is left of them is no powder
SAME_STATE: Final = 1e-6  # GPa: the same point, told in two places


def solved_structures(found: Discovery, elements: Sequence[str] = ()) -> dict[str, UnknownStructure]:
    """Find the structures of the unknown phases of a run.

    Parameters
    ----------
    found : Discovery
        What the run shows.
    elements : sequence of str
        That the phases may be made of; by default those of the sample's composition.

    Returns
    -------
    dict of str to UnknownStructure
        By the name of the phase; without those whose lattice was not asked for.
    """
    named = tuple(elements) or composition_elements(found.run)
    solved = {}
    for phase in found.phases:
        if indexing := found.lattices.get(phase.name):
            points = (
                tuple(unknown_patterns(found.run, phase, indexing.lattices[0]))
                if indexing.lattices and indexing.verdict != "not decided"
                else ()
            )
            solved[phase.name] = solve_structure(phase.name, points, indexing, named, found.run.sought)
    return solved


def checked_elements(symbols: Sequence[str]) -> tuple[str, ...]:
    """Return the symbols of elements that somebody gave.

    Raises
    ------
    ProfileError
        If one is no element.
    """
    import gemmi

    for symbol in symbols:
        if gemmi.Element(symbol).name != symbol or symbol == "X":
            raise ProfileError(
                f"{symbol!r} is no chemical element. Write symbols apart: --elements Cs Li.", symbol=symbol
            )
    return tuple(symbols)


def composition_elements(run: ReducedRun) -> tuple[str, ...]:
    """Return the elements of the composition of a run's sample; none where it is not said."""
    return tuple(elements_of(str(run.start.get("sample", {}).get("composition", ""))))


def unknown_patterns(run: ReducedRun, phase: UnknownPhase, lattice: IndexedLattice) -> Iterator[UnknownPattern]:
    """Yield the patterns in which an unknown phase is, each with its cell there and what else was found.

    Parameters
    ----------
    run : ReducedRun
        The run.
    phase : UnknownPhase
        The phase.
    lattice : IndexedLattice
        Its lattice.
    """
    points = {point.index + 1: point for point in run.points}
    cells = _cells(phase, lattice)
    for place, lines in zip(phase.places, phase.points, strict=True):
        point = points[lines.number]
        if place not in cells or not point.reduced:
            continue
        yield UnknownPattern(
            number=lines.number,
            pattern=run.pattern(point),
            pressure_gpa=point.pressure_gpa,
            pressure_sigma_gpa=point.pressure_sigma_gpa if math.isfinite(point.pressure_sigma_gpa) else 0.0,
            temperature_k=point.temperature_k,
            cell=cells[place],
            known=tuple(_known_models(run, point)),
        )


def _known_models(run: ReducedRun, point: ReducedPoint) -> Iterator[StructuralModel]:
    """Yield the phases of the recipe that were found at a point, in their cells there."""
    roles = {phase.name: phase.role for phase in run.sought}
    for each in starting_models(run, point):
        if roles[each.name] != NOT_FITTED:
            sites = each.structure.sites
            yield StructuralModel(
                name=each.name, structure=each.structure, refined=tuple(frozenset({"b"}) for _ in sites)
            )


def _cells(phase: UnknownPhase, lattice: IndexedLattice) -> Mapping[int, UnitCell]:
    """Return the cell of a phase at each place of the sweep: as it was indexed, or strained as its lines are."""
    indexed = {
        place: at.cell
        for place, point in zip(phase.places, phase.points, strict=True)
        for at in lattice.points
        if abs(at.pressure_gpa - point.pressure_gpa) < SAME_STATE
        and abs(at.temperature_k - point.temperature_k) < SAME_STATE
    }
    found = dict(indexed)
    pressures = dict(zip(phase.places, (point.pressure_gpa for point in phase.points), strict=True))
    for place in phase.places:
        for near in sorted(indexed, key=lambda other: abs(pressures[other] - pressures[place])):
            strains = [
                here.peak.d_angstrom / there.peak.d_angstrom
                for track in phase.tracks
                if (here := track.at(place)) is not None and (there := track.at(near)) is not None
            ]
            if strains and place not in found:
                found[place] = indexed[near].strained(float(np.median(strains)))
    return found
