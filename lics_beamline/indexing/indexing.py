"""The lattice of a phase that nobody named, from its lines at one or several pressures.

Cells are found by trying all low indices for a few lines (`lattice_search`), and by rietx's engines; each is then asked
to explain the lines of all points with cells that shrink smoothly, and is judged by what the lines say for it
(`lattice_evidence`). The answer is a ranked list and a verdict: the best lattice is announced as sure only where its
lines say much more for it than for any other, and than chance would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from lics_beamline.indexing.crystal_system import SYSTEMS
from lics_beamline.indexing.extinction import ExtinctionClass, extinction_classes
from lics_beamline.indexing.indexed_lattice import GroupClass, IndexedLattice, Indexing, LatticeAtPoint, Verdict
from lics_beamline.indexing.lattice_evidence import (
    PointFit,
    evidence,
    figures_of_merit,
    fit_point,
    symmorphic,
    volume_angstrom3,
)
from lics_beamline.indexing.lattice_form import cell_of, families
from lics_beamline.indexing.lattice_path import follow, roughness
from lics_beamline.indexing.lattice_search import LEAST_SPACING_ERROR, Places, TrialCell, search
from lics_beamline.indexing.line_set import LineSet
from lics_beamline.indexing.reduced_cell import same_lattice
from lics_beamline.indexing.rietx_engine import search_with_rietx
from lics_beamline.indexing.superlattice import is_idle_superlattice
from lics_beamline.physics.unit_cell import UnitCell

Array = npt.NDArray[np.float64]

ZERO_SHIFT_DEG: Final = 0.01  # of all angles, that a calibration leaves at most: two standard deviations
MOST_LINES: Final = 40  # of a point, the lowest: a wrong cell fails by then
WING_FWHM: Final = 1.2  # from a line, within which a faint one is taken for a part of its shape
WING_RATIO: Final = 8.0  # of the areas
MOST_POINTS: Final = 5  # of a sweep that are used, spread over it
MOST_LOOKED_AT: Final = 40  # cells that are asked to explain the other points
WORTH_LOOKING: Final = 25.0  # log of the odds to the best, at one point, of cells that are looked at further
ENOUGH_EVIDENCE: Final = 30.0  # log of the odds to chance at one point, from which no monoclinic lattice is sought
MOST_TOLD: Final = 12
VOLUMES_ANGSTROM3: Final = (10.0, 1500.0)  # of a conventional cell, where nobody gave bounds
SURE_ODDS: Final = 7.0  # log of the odds of a sure lattice to the next: 1000 to 1
LIKELY_ODDS: Final = 2.3  # 10 to 1
SURE_EVIDENCE: Final = 15.0  # log of the odds of a sure lattice to chance, with all cells that were possible
RIETX_VOLUMES: Final = 2.5  # times that of the best lattice, up to which rietx searches for another
RIVAL_ODDS: Final = 4.6  # 100 to 1: less likely lattices are no rivals
STRAY_SHARE: Final = 0.2  # of the lines, which a sure lattice may leave
SEEN_SHARE: Final = 0.6  # of its lines, that are seen of a sure lattice: a supercell has many that are not
MOST_SEEN_SHARE: Final = 0.75  # with which a lattice of lower symmetry is not asked for
SPARE_LINES: Final = 4  # that a sure lattice explains beyond those that determine it
GROUP_ODDS: Final = 4.6  # 100 to 1: classes of space groups that are less likely are out


class ContentJudge(Protocol):
    """Says what a lattice may hold."""

    def judged(
        self, volume_angstrom3: float, pressure_gpa: float, temperature_k: float, groups: Sequence[str]
    ) -> tuple[bool, str]:
        """Tell whether it can hold atoms, and which; or why not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _First:
    says: float
    system: str
    engine: str
    shown: ExtinctionClass
    fit: PointFit

    @property
    def volume_angstrom3(self) -> float:
        return volume_angstrom3(self.system, self.fit.numbers)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judged:
    system: str
    centring: str
    shown: ExtinctionClass
    fits: tuple[PointFit, ...]
    log_evidence: float
    classes: tuple[GroupClass, ...]
    engines: tuple[str, ...]
    rejected: str
    content: str = ""


def index_lines(
    sets: Sequence[LineSet],
    *,
    systems: Sequence[str] = SYSTEMS,
    volume_angstrom3: tuple[float, float] = VOLUMES_ANGSTROM3,
    zero_shift_deg: float = ZERO_SHIFT_DEG,
    rietx_seconds: float = 0.0,
    contents: ContentJudge | None = None,
) -> Indexing:
    """Find the lattice of a phase from its lines.

    Parameters
    ----------
    sets : sequence of LineSet
        Lines of the same phase, at one or several points.
    systems : sequence of str
        Crystal systems sought, of `lattice_form.SYSTEMS`; no triclinic ones.
    volume_angstrom3 : tuple of float
        Least and largest volume of the conventional cell [angstrom^3].
    zero_shift_deg : float
        Largest shift of all angles that the calibration leaves [deg].
    rietx_seconds : float
        How long rietx's engines may search the system of the best lattice too, all systems where none was found [s];
        0 for not at all. Their cells are judged as all others.
    contents : ContentJudge, optional
        What lattices may hold, where elements are known: a lattice that can hold none of them is rejected.

    Returns
    -------
    Indexing
        The lattices, and whether the first is it.
    """
    if not sets:
        raise ValueError("lines of at least one point are indexed, not of none")
    chosen = [_without_wings(one) for one in _chosen(sets)]
    places = [_places(one, zero_shift_deg) for one in chosen]
    lit = [_lit(one) for one in chosen]
    first: list[_First] = []
    for system in (one for one in SYSTEMS if one in systems):
        if system == SYSTEMS[-1] and _explained(first, len(places[0].q)):
            break
        found = search(places[0], system, volume_angstrom3=volume_angstrom3)
        first += _tried(places[0], lit[0], [(trial, "exhaustive") for trial in found], volume_angstrom3)
    by_rietx: tuple[TrialCell, ...] = ()
    if rietx_seconds > 0.0:
        # In a few seconds its engines search one system well, and all of them badly: that of the best lattice.
        best = max(first, key=lambda one: one.says, default=None)
        by_rietx = search_with_rietx(
            places[0],
            chosen[0],
            systems=(best.system,) if best else systems,
            volume_angstrom3=(
                volume_angstrom3[0],
                min(volume_angstrom3[1], RIETX_VOLUMES * best.volume_angstrom3) if best else volume_angstrom3[1],
            ),
            seconds=rietx_seconds,
        )
    first += _tried(places[0], lit[0], [(trial, "rietx") for trial in by_rietx], volume_angstrom3)
    judged = _judged(chosen, places, lit, first)
    if contents is not None:
        judged = _by_content(judged[:MOST_TOLD], chosen[0], contents)
    lattices = _with_superlattices([_told(one, chosen, places) for one in judged[:MOST_TOLD]])
    verdict, reason = _verdict(lattices, chosen, zero_shift_deg)
    return Indexing(verdict=verdict, reason=reason, lattices=lattices, engines=_agreement(lattices, rietx_seconds))


def _chosen(sets: Sequence[LineSet]) -> list[LineSet]:
    """Return the points used: that with most lines first, then others by their distance from it."""
    first = max(sets, key=lambda one: (len(one.lines), -one.pressure_gpa if math.isfinite(one.pressure_gpa) else 0.0))
    rest = [one for one in sets if one is not first]
    if len(rest) >= MOST_POINTS:
        known = sorted(rest, key=lambda one: one.pressure_gpa)
        rest = [known[round(place)] for place in np.linspace(0, len(known) - 1, MOST_POINTS - 1)]
    away = [abs(one.pressure_gpa - first.pressure_gpa) for one in rest]
    order = sorted(range(len(rest)), key=lambda one: away[one] if math.isfinite(away[one]) else math.inf)
    return [first, *(rest[one] for one in order)]


def _without_wings(one: LineSet) -> LineSet:
    """Leave out faint lines beside strong ones: what the shape of a line is not, a list of lines has as lines."""
    kept = tuple(
        line
        for line in one.lines
        if not any(
            abs(line.two_theta_deg - other.two_theta_deg) < WING_FWHM * other.fwhm_deg
            and other.area > WING_RATIO * line.area
            for other in one.lines
        )
    )
    return replace(one, lines=kept)


def _places(one: LineSet, zero_shift_deg: float) -> Places:
    lines = one.lines[:MOST_LINES]
    angle = np.array([line.two_theta_deg for line in lines])
    stress = np.degrees(2.0 * np.tan(np.radians(angle) / 2.0)) * LEAST_SPACING_ERROR
    return Places(
        two_theta_deg=angle,
        error_deg=np.hypot([line.two_theta_sigma_deg for line in lines], stress),
        fwhm_deg=np.array([line.fwhm_deg for line in lines]),
        wavelength_angstrom=one.wavelength_angstrom,
        shift_sigma_deg=max(0.5 * zero_shift_deg, 1e-5),
    )


def _lit(one: LineSet) -> tuple[tuple[float, float], ...]:
    """Return the ranges where a line would be among those that are used."""
    if len(one.lines) <= MOST_LINES:
        return one.seen_deg
    last = 0.5 * (one.lines[MOST_LINES - 1].two_theta_deg + one.lines[MOST_LINES].two_theta_deg)
    return tuple((low, min(high, last)) for low, high in one.seen_deg if low < last)


def _tried(
    places: Places,
    lit: Sequence[tuple[float, float]],
    trials: Sequence[tuple[TrialCell, str]],
    volumes: tuple[float, float],
) -> list[_First]:
    """Return what the lines of one point say for cells, with each centring."""
    found = []
    for trial, engine in trials:
        for one in symmorphic(extinction_classes(trial.system)):
            fit = fit_point(places, trial.system, trial.numbers, trial.shift_deg, one.planes, lit)
            if fit is None or not volumes[0] <= volume_angstrom3(trial.system, fit.numbers) <= volumes[1]:
                continue
            says = evidence([places], trial.system, one.centring, [fit], [lit])
            found.append(_First(says=says, system=trial.system, engine=engine, shown=one, fit=fit))
    return found


def _explained(first: Sequence[_First], lines: int) -> bool:
    """Whether a lattice explains the lines so well that one of lower symmetry is not asked for."""
    if not first:
        return False
    best = max(first, key=lambda one: one.says)
    few = float(best.fit.match.seen.mean()) < MOST_SEEN_SHARE
    return best.says > ENOUGH_EVIDENCE and not few and int(best.fit.stray().sum()) <= STRAY_SHARE * lines


def _judged(
    sets: Sequence[LineSet],
    places: Sequence[Places],
    lit: Sequence[tuple[tuple[float, float], ...]],
    first: list[_First],
) -> list[_Judged]:
    """Return the lattices, the likeliest first: those rejected last."""
    first.sort(key=lambda one: -one.says)
    looked: list[tuple[_First, list[str]]] = []
    for one in first:
        if one.says < first[0].says - WORTH_LOOKING or len(looked) >= MOST_LOOKED_AT:
            break
        same = next((who for other, who in looked if _same(one, other)), None)
        if same is None:
            looked.append((one, [one.engine]))
        elif one.engine not in same:
            same.append(one.engine)
    found = [_over_all(sets, places, lit, one, tuple(who)) for one, who in looked]
    return sorted((one for one in found if one is not None), key=lambda one: (bool(one.rejected), -one.log_evidence))


def _by_content(judged: Sequence[_Judged], where: LineSet, contents: ContentJudge) -> list[_Judged]:
    """Return the lattices with what they may hold, those that can hold nothing last."""
    found = []
    for one in judged:
        least = [each.groups[-1] for each in one.classes]  # the least symmetric of each class
        volume = volume_angstrom3(one.system, one.fits[0].numbers)
        can_hold, told = contents.judged(volume, where.pressure_gpa, where.temperature_k, least)
        found.append(replace(one, content=told) if can_hold else replace(one, rejected=one.rejected or told))
    return sorted(found, key=lambda one: (bool(one.rejected), -one.log_evidence))


def _same(one: _First, other: _First) -> bool:
    first, second = cell_of(one.system, one.fit.numbers), cell_of(other.system, other.fit.numbers)
    return (
        first is not None
        and second is not None
        and same_lattice(first, one.shown.centring, second, other.shown.centring)
    )


def _over_all(
    sets: Sequence[LineSet],
    places: Sequence[Places],
    lit: Sequence[tuple[tuple[float, float], ...]],
    first: _First,
    engines: tuple[str, ...],
) -> _Judged | None:
    """Ask a lattice to explain the lines of all points, with each class of space groups that it may have."""
    system, shown, start = first.system, first.shown, first.fit
    numbers = follow(sets, places, system, start)
    best: list[tuple[float, ExtinctionClass, tuple[PointFit, ...]]] = []
    classes = [one for one in extinction_classes(system) if one.centring == shown.centring]
    for one in classes:
        found = [
            fit_point(place, system, each, start.shift_deg, one.planes, ranges, follows=number > 0)
            for number, (place, each, ranges) in enumerate(zip(places, numbers, lit, strict=True))
        ]
        fits = tuple(fit for fit in found if fit is not None)
        if len(fits) == len(places):
            best.append((evidence(places, system, one.centring, fits, lit) - math.log(len(classes)), one, fits))
    if not best:
        return None
    best.sort(key=lambda one: -one[0])
    top, kind, fits = best[0]
    total = top + math.log(sum(math.exp(says - top) for says, _, _ in best))
    return _Judged(
        system=system,
        centring=kind.centring,
        shown=kind,
        fits=fits,
        log_evidence=total,
        classes=tuple(
            GroupClass(groups=one.groups, log_odds=says - top) for says, one, _ in best if says > top - GROUP_ODDS
        ),
        engines=engines,
        rejected=roughness(sets, system, [fit.numbers for fit in fits]),
    )


def _told(one: _Judged, sets: Sequence[LineSet], places: Sequence[Places]) -> IndexedLattice:
    table = families(one.system)
    points = []
    for given, fit in zip(sets, one.fits, strict=True):
        made, of = fit.match.made, fit.match.of
        strongest = {
            int(group): int(made.family[np.flatnonzero(made.group == group)[0]]) for group in set(of.tolist()) - {-1}
        }
        cell = cell_of(one.system, fit.numbers)
        assert cell is not None
        points.append(
            LatticeAtPoint(
                pressure_gpa=given.pressure_gpa,
                temperature_k=given.temperature_k,
                cell=cell,
                cell_sigma=_cell_sigma(one.system, fit),
                shift_deg=fit.shift_deg,
                indices=tuple(
                    None if group < 0 else tuple(table.hkl[strongest[group]].tolist()) for group in of.tolist()
                ),
            )
        )
    return IndexedLattice(
        system=one.system,
        centring=one.centring,
        points=tuple(points),
        log_evidence=one.log_evidence,
        merit=figures_of_merit(places[0], one.fits[0]),
        lines=len(places[0].two_theta_deg),
        strays=int(one.fits[0].stray().sum()),
        possible=int(np.flatnonzero(one.fits[0].match.seen)[-1]) + 1,  # further out nothing is seen of any lattice
        seen=int(one.fits[0].match.seen.sum()),
        engines=one.engines,
        classes=one.classes,
        rejected=one.rejected,
        content=one.content,
    )


def _with_superlattices(lattices: Sequence[IndexedLattice]) -> tuple[IndexedLattice, ...]:
    """Mark the superlattices of the first that stands, without a line of their own."""
    best = next((one for one in lattices if not one.rejected), None)
    if best is None:
        return tuple(lattices)
    return tuple(replace(one, is_idle=one is not best and is_idle_superlattice(best, one)) for one in lattices)


def _cell_sigma(system: str, fit: PointFit) -> UnitCell:
    """Return the standard deviations of the numbers of a cell, by the slopes of each."""
    base = cell_of(system, fit.numbers)
    assert base is not None
    slopes = []
    for place, number in enumerate(fit.numbers):
        step = 1e-5 * abs(number) + 1e-9
        moved = fit.numbers.copy()
        moved[place] += step
        other = cell_of(system, moved)
        slopes.append((np.array((other or base).numbers) - np.array(base.numbers)) / step)
    turned = np.array(slopes)
    sigma = np.sqrt(np.maximum(np.einsum("in,ij,jn->n", turned, fit.covariance, turned), 0.0)).tolist()
    return replace(
        base,
        a_angstrom=sigma[0],
        b_angstrom=sigma[1],
        c_angstrom=sigma[2],
        alpha_deg=sigma[3],
        beta_deg=sigma[4],
        gamma_deg=sigma[5],
    )


def _verdict(lattices: Sequence[IndexedLattice], sets: Sequence[LineSet], zero_shift_deg: float) -> tuple[Verdict, str]:
    standing = [one for one in lattices if not one.rejected]
    lines = len(sets[0].lines)
    if not standing:
        nothing = f"no lattice of those sought explains the {lines} lines, shifted by {zero_shift_deg:g} deg at most"
        return "not decided", lattices[0].rejected if lattices else nothing
    best = standing[0]
    size = {"cubic": 1, "hexagonal": 2, "tetragonal": 2, "orthorhombic": 3}.get(best.system, 4)
    explained = best.lines - best.strays
    doubts = []
    if explained < size + SPARE_LINES:
        doubts.append(f"{explained} lines explained are too few: {size + SPARE_LINES} are wanted")
    if best.strays > STRAY_SHARE * best.lines:
        doubts.append(f"it leaves {best.strays} of {best.lines} lines")
    if best.seen < SEEN_SHARE * best.possible:
        doubts.append(f"only {best.seen} of the {best.possible} lines that it may have are seen")
    if best.log_evidence < SURE_EVIDENCE:
        doubts.append(
            f"chance explains the lines as well (log of the odds {best.log_evidence:.1f}, {SURE_EVIDENCE:g} are wanted)"
        )
    shift = max((point.shift_deg for point in best.points), key=abs)
    if abs(shift) > zero_shift_deg:
        doubts.append(f"it takes a shift of all angles by {shift:+.3f} deg: {zero_shift_deg:g} deg are let through")
    others = [one for one in standing[1:] if not one.is_idle]
    odds = best.log_evidence - others[0].log_evidence if others else math.inf
    if odds < SURE_ODDS:
        rivals = [one for one in others if one.log_evidence > best.log_evidence - max(RIVAL_ODDS, odds + 1e-9)]
        doubts.append("other lattices explain them too: " + "; ".join(_named(one) for one in rivals[:3]))
    if not doubts:
        return "sure", ""
    weak = (
        odds < LIKELY_ODDS
        or best.log_evidence < SURE_EVIDENCE
        or explained < size + 2
        or best.strays > STRAY_SHARE * best.lines  # lines of two phases taken for one
        or best.seen < SEEN_SHARE * best.possible
    )
    return ("not decided" if weak else "likely"), ". ".join(doubts)


def _named(one: IndexedLattice) -> str:
    a, b, c, _, beta, _ = one.cell.numbers
    edges = {"cubic": (a,), "hexagonal": (a, c), "tetragonal": (a, c), "orthorhombic": (a, b, c)}.get(
        one.system, (a, b, c)
    )
    angle = f", beta {beta:.2f} deg" if one.system == "monoclinic" else ""
    return f"{one.system} {one.centring} " + " x ".join(f"{edge:.4f}" for edge in edges) + f" angstrom{angle}"


def _agreement(lattices: Sequence[IndexedLattice], rietx_seconds: float) -> str:
    if not lattices or rietx_seconds <= 0.0:
        return "the exhaustive search alone"
    found = lattices[0].engines
    if len(found) > 1:
        return "the exhaustive search and rietx found it"
    return f"only {'rietx' if found[0] == 'rietx' else 'the exhaustive search'} found it"
