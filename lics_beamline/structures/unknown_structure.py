"""The structure of an unknown phase: rings, contents, arrangements, density and rivals put together into a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lics_beamline.errors import BadReading, RefinementFailed
from lics_beamline.indexing.indexed_lattice import Indexing, Verdict
from lics_beamline.phases.phase import CrystalPhase
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.isotherm import CellReading
from lics_beamline.refinement.rietveld import RietveldChoice, RietveldFit, refine
from lics_beamline.refinement.state_surface import StateSurface, fit_state_surface
from lics_beamline.refinement.structural_model import StructuralModel
from lics_beamline.structures.cell_content import MOST_ATOMS, atomic_volumes
from lics_beamline.structures.density_site import DensityFinding, density_sites
from lics_beamline.structures.flipped_opinion import FlippedOpinion, flipped_opinion
from lics_beamline.structures.ring_intensities import RingIntensities, UnknownPattern, ring_intensities
from lics_beamline.structures.structure_search import (
    EXPLAINED_CHI_SQUARED,
    MOST_FREEDOM,
    StructureCandidate,
    StructureSearch,
    search_structure,
)

SURE_LOG_ODDS: Final = math.log(1000.0)  # of the first arrangement to any other
LIKELY_LOG_ODDS: Final = math.log(20.0)  # the same, of one that is told
MODELS_REFINED: Final = 5  # by Rietveld's method; some seconds each


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RefinedCandidate:
    """A candidate refined against the whole pattern; None where the refinement failed, with the reason."""

    candidate: StructureCandidate
    fit: RietveldFit | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnknownStructure:
    """What the patterns say of the structure of an unknown phase.

    Parameters
    ----------
    name : str
        Of the phase.
    verdict : {"sure", "likely", "not decided"}
        Of the first model.
    reasons : tuple of str
        Why it is not sure; each with what would decide it.
    rings : tuple of RingIntensities
        At each point that tells, the most telling first.
    left_out : tuple of str
        Points that do not tell, and why.
    atomic_angstrom3 : mapping of str to float
        What an atom of each element takes as an element at the first of these points.
    search : StructureSearch, optional
        The arrangements tried; None where there was nothing to try.
    models : tuple of RefinedCandidate
        Rivals refined against the pattern of the first point, the best first.
    density : DensityFinding, optional
        None where there is none.
    flipped : FlippedOpinion, optional
        What charge flipping says of the first model; only where there is no density.
    surface : StateSurface, optional
        Equation of state through the cells of all points; None where none goes through them.
    """

    name: str
    verdict: Verdict
    reasons: tuple[str, ...]
    rings: tuple[RingIntensities, ...] = ()
    left_out: tuple[str, ...] = ()
    atomic_angstrom3: Mapping[str, float]
    search: StructureSearch | None = None
    models: tuple[RefinedCandidate, ...] = ()
    density: DensityFinding | None = None
    flipped: FlippedOpinion | None = None
    surface: StateSurface | None = None

    @property
    def best(self) -> StructureCandidate | None:
        """The model that stands first; None where there is none."""
        return self.search.candidates[0] if self.search is not None and self.search.candidates else None

    @property
    def is_decided(self) -> bool:
        """Whether there is a model that may be passed on, refined and with an equation of state."""
        return self.verdict != "not decided" and self.refined is not None and self.surface is not None

    @property
    def refined(self) -> RietveldFit | None:
        """The first model as it was refined against the whole pattern."""
        return next((one.fit for one in self.models if one.candidate is self.best), None)


def solve_structure(
    name: str,
    points: Sequence[UnknownPattern],
    indexing: Indexing,
    elements: Sequence[str],
    phases: Iterable[CrystalPhase] = (),
) -> UnknownStructure:
    """Find the structure of an unknown phase whose lattice is known.

    Parameters
    ----------
    name : str
        Of the phase.
    points : sequence of UnknownPattern
        Patterns in which it is.
    indexing : Indexing
        Its lattice.
    elements : sequence of str
        That it may be made of.
    phases : iterable of CrystalPhase
        Phases of the recipe: their equations of state come before those of the library.
    """
    import gemmi

    ordered = sorted(set(elements), key=lambda element: -int(gemmi.Element(element).atomic_number))

    def undecided(reason: str, rings: tuple[RingIntensities, ...] = (), left: tuple[str, ...] = ()) -> UnknownStructure:
        return UnknownStructure(
            name=name,
            verdict="not decided",
            reasons=(reason,),
            rings=rings,
            left_out=left,
            atomic_angstrom3={},
            surface=_surface(rings),
        )

    if indexing.verdict == "not decided" or not indexing.lattices:
        return undecided("its lattice is not decided, and atoms are asked for in it")
    lattice = indexing.lattices[0]
    rings, left_out = ring_intensities(points, lattice.classes[0].groups[0])
    if not rings:
        return undecided("at no point are enough of its rings seen. Expose longer where it is strongest", left=left_out)
    if not ordered:
        return undecided(
            "nobody said of which elements it may be: the run has no composition. Give them: --elements Cs Li",
            rings,
            left_out,
        )
    at = rings[0].at
    try:
        volumes = atomic_volumes(ordered, pressure_gpa=at.pressure_gpa, temperature_k=at.temperature_k, phases=phases)
        search = search_structure(rings, lattice.classes, volumes)
    except RefinementFailed as error:
        return undecided(str(error), rings, left_out)
    models = tuple(_refined(search, rings[0])) if search.candidates else ()
    density, no_density = _density(search, rings[0])
    flipped = flipped_opinion(search.candidates[0], rings[0]) if search.candidates and density is None else None
    reasons = tuple(_reasons(search, models, density, flipped, no_density, indexing))
    return UnknownStructure(
        name=name,
        verdict=_verdict(search, models, density, flipped, indexing),
        reasons=reasons if search.candidates else (_nothing_possible(search, volumes),),
        rings=rings,
        left_out=left_out,
        atomic_angstrom3=volumes,
        search=search,
        models=models,
        density=density,
        flipped=flipped,
        surface=_surface(rings),
    )


def rietveld_model(candidate: StructureCandidate, cell: UnitCell, name: str) -> StructuralModel:
    """Return a candidate as a model to be refined: B of all atoms free, and occupancies that were fitted."""
    structure = candidate.arrangement.structure(cell, candidate.fitted.b_angstrom2, name=name)
    partly = {element for element, taken in candidate.fitted.occupancy.items() if taken != 1.0}
    return StructuralModel(
        name=name,
        structure=replace(
            structure,
            sites=tuple(replace(site, occupancy=candidate.fitted.occupancy[site.element]) for site in structure.sites),
        ),
        refined=tuple(frozenset({"b", "occupancy"} if site.element in partly else {"b"}) for site in structure.sites),
    )


def _refined(search: StructureSearch, rings: RingIntensities) -> Iterator[RefinedCandidate]:
    """Return the first candidates, each named with its number and refined against a pattern, the best first."""
    found = []
    beside = list(rings.at.known)
    for number, candidate in enumerate(search.candidates[:MODELS_REFINED], 1):
        model = rietveld_model(candidate, rings.cell, f"{number}: {candidate.content}")
        try:
            fit = _refined_beside(model, beside, rings)
        except RefinementFailed as error:
            found.append(RefinedCandidate(candidate=candidate, fit=None, reason=str(error)))
        else:
            found.append(RefinedCandidate(candidate=candidate, fit=fit))
    yield from sorted(found, key=lambda one: math.inf if one.fit is None else one.fit.agreement.r_wp_subtracted)


def _refined_beside(model: StructuralModel, beside: list[StructuralModel], rings: RingIntensities) -> RietveldFit:
    """Refine a model; a phase beside it that vanishes from the pattern is left out from then on."""
    choice = RietveldChoice(pattern=rings.at.choice)
    while True:
        try:
            return refine(rings.at.pattern, (model, *beside), choice)
        except RefinementFailed as error:
            gone = [other for other in beside if other.name == error.facts.get("phase")]
            if not gone:
                raise
            beside.remove(gone[0])


def _density(search: StructureSearch, rings: RingIntensities) -> tuple[DensityFinding | None, str]:
    if not search.candidates:
        return None, ""
    try:
        return density_sites(search.candidates[0], rings), ""
    except (RefinementFailed, BadReading) as error:
        return None, str(error)


def _surface(rings: Sequence[RingIntensities]) -> StateSurface | None:
    try:
        return fit_state_surface([_reading(one) for one in rings])
    except RefinementFailed:
        return None


def _reading(rings: RingIntensities) -> CellReading:
    cell, sigma = rings.cell, rings.cell_sigma
    relative = math.hypot(*(error / edge for error, edge in zip(sigma.numbers[:3], cell.numbers[:3], strict=True)))
    return CellReading(
        pressure_gpa=rings.at.pressure_gpa,
        pressure_sigma_gpa=rings.at.pressure_sigma_gpa,
        volume_angstrom3=cell.volume_angstrom3,
        volume_sigma_angstrom3=relative * cell.volume_angstrom3,
        temperature_k=rings.at.temperature_k,
    )


def _lead(search: StructureSearch) -> float:
    """Return the log of the odds of the first candidate to the likeliest whose atoms are elsewhere."""
    return -search.rivals[0].log_odds if search.rivals else math.inf


def _first_by_pattern(search: StructureSearch, models: Sequence[RefinedCandidate]) -> bool:
    """Whether the pattern prefers no rival to the arrangement that the rings prefer, by more than chance.

    A rival with more numbers, refined beside a background, fits a little better without being right.
    """
    rivals = [id(one) for one in search.rivals]
    own = [one.fit for one in models if one.fit is not None and id(one.candidate) not in rivals]
    if not own:
        return False
    best = min(own, key=lambda fit: fit.agreement.chi_squared)
    found = best.agreement
    unit = max(found.chi_squared, 1.0) * max(best.error_factor, 1.0) ** 2  # of one independent bin
    return all(
        found.bins * (found.chi_squared - one.fit.agreement.chi_squared) / unit < 2.0 * SURE_LOG_ODDS
        for one in models
        if one.fit is not None and id(one.candidate) in rivals
    )


def _verdict(
    search: StructureSearch,
    models: Sequence[RefinedCandidate],
    density: DensityFinding | None,
    flipped: FlippedOpinion | None,
    indexing: Indexing,
) -> Verdict:
    lead = _lead(search) if search.candidates else 0.0
    if (
        lead < LIKELY_LOG_ODDS
        or search.chi_squared > EXPLAINED_CHI_SQUARED
        or not _first_by_pattern(search, models)
        or (density is not None and not density.shows_light)
    ):
        return "not decided"
    second = density is not None or (flipped is not None and flipped.shows_atoms)
    sure = lead >= SURE_LOG_ODDS and search.complete and indexing.verdict == "sure" and second
    return "sure" if sure else "likely"


def _reasons(
    search: StructureSearch,
    models: Sequence[RefinedCandidate],
    density: DensityFinding | None,
    flipped: FlippedOpinion | None,
    no_density: str,
    indexing: Indexing,
) -> Iterator[str]:
    if not search.candidates:
        return
    if indexing.verdict != "sure":
        yield f"its lattice is {indexing.verdict} only"
    if search.chi_squared > EXPLAINED_CHI_SQUARED:
        yield (
            f"no arrangement with up to {search.freedom} free coordinates explains its rings: chi^2 of the best is "
            f"{search.chi_squared:.1f} ({EXPLAINED_CHI_SQUARED:g} is the limit). A crystal, or a better powder for "
            "texture; another lattice, or elements that nobody named"
        )
    if search.is_flipped:
        yield (
            f"it has {search.candidates[0].arrangement.freedom} free coordinates: charge flipping proposed it, and of "
            f"arrangements with more than {MOST_FREEDOM} not all can be tried. A crystal would tell"
        )
    elif not search.complete:
        most = f", which may have {search.most_atoms} atoms" if search.most_atoms > MOST_ATOMS else ""
        yield (
            f"not all arrangements were tried, only {search.tried}: the cell is too large for that{most}. More than "
            f"{MOST_ATOMS} atoms are never tried; a crystal would tell"
        )
    if (lead := _lead(search)) < SURE_LOG_ODDS:
        yield f"{_telling(search)} (odds {math.exp(min(lead, 50.0)):.2g} to 1 now; 1000 are sure)"
    if not _first_by_pattern(search, models):
        yield (
            "the whole pattern prefers another model than the rings do: look at the table of models, and at what the "
            "background does"
        )
    if density is not None and not density.shows_light:
        yield (
            "the density has no maximum where the model has its lightest atoms, or a higher one elsewhere. Longer "
            "exposures, higher angles"
        )
    if flipped is not None and not flipped.shows_atoms:
        yield (
            f"no density tells of the lightest atoms: {no_density} Charge flipping, which is told of no atom, does not "
            f"end in those of the model either (agreement with its group {flipped.agreement:.2f}, with its density "
            f"{flipped.correlation:.2f}). Higher angles: it needs rings to about 1 A and below"
        )


def _telling(search: StructureSearch) -> str:
    """Return which ring tells the first two arrangements apart best, and what it takes."""
    first, second = search.candidates[0], search.rivals[0]
    best, most = "", 0.0
    for rings, one, other in zip(
        search.points, search.fit.squares(first.fitted), search.fit.squares(second.fitted), strict=True
    ):
        data = rings.factors
        scales = [float(np.median(data.squared / np.maximum(each, 1e-9))) for each in (one, other)]
        apart = np.abs(scales[0] * one - scales[1] * other)
        place = int(np.argmax(apart / data.sigma))
        if apart[place] / data.sigma[place] > most:
            most = float(apart[place] / data.sigma[place])
            percent = 100.0 * float(apart[place]) / max(float(scales[0] * one[place]), 1e-12)
            known = 100.0 * float(data.sigma[place]) / max(float(scales[0] * one[place]), 1e-12)
            best = (
                f"ring {data.groups[place]} at point {rings.at.number}, where they differ by {percent:.1f} % and "
                f"which is known to {known:.1f} %"
            )
    return f"{first.content} and {second.content} are told apart best by {best}. Expose longer, and to higher angles"


def _nothing_possible(search: StructureSearch, volumes: Mapping[str, float]) -> str:
    named = ", ".join(f"{element} {volume:.1f}" for element, volume in volumes.items())
    return (
        f"no arrangement of these elements is possible in {search.fit.cell.volume_angstrom3:.1f} A^3 "
        f"({len(search.contents)} contents have that volume; an atom takes {named} A^3). Check the elements; perhaps "
        "another is in it, or the lattice is another"
    )
