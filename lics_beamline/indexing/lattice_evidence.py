"""What the lines of a phase say for a lattice: the log of how much likelier they are with it than by chance.

A lattice says where lines may be and, by their multiplicity, which are likely strong. Each line seen at a reflection
speaks for it, the more the fewer reflections it has near; each reflection that is not seen, each line that it leaves
and each free number speak against it. So a supercell, which has lines at the same places and many more, is worse, and
so is a cell of low symmetry that explains no more than one of high symmetry. Figures of merit (de Wolff 1968,
J. Appl. Cryst. 1, 108; Smith & Snyder 1979, J. Appl. Cryst. 12, 60) count lines only and know no impurities; they are
told beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.indexing.extinction import ExtinctionClass
from lics_beamline.indexing.lattice_form import cell_of, families, general
from lics_beamline.indexing.lattice_search import LEAST_VOLUME_ANGSTROM3, Places

Array = npt.NDArray[np.float64]

STRAYS_EXPECTED: Final = 0.5  # lines of a pattern that are of no lattice: an impurity in every other
LOST_SHARE: Final = 0.06  # of the reflections, however strong: under other lines, or for lack of grains
CLOSE_FWHM: Final = 0.7  # two reflections nearer than this may be seen as one line
DEBYE_WALLER_ANGSTROM2: Final = 4.0  # of intensities, with the decay of form factors: what far lines lose
FAINTNESS: Final = np.geomspace(1e-3, 10.0, 17)  # of the detection, as a part of the strength of a usual line
# Of lattices that explain the lines alike, the small one is meant: the superlattices of index n are about n^2.
PARSIMONY_EXPONENT: Final = 2.0
LATTICE_POINTS: Final = {"P": 1, "R": 3, "F": 4}  # of a conventional cell; 2 of the others
EDGE_DOUBT: Final = 0.7  # standard deviation of the log of an edge before anything was seen
ANGLE_DOUBT: Final = 0.15  # and of the cosine of a monoclinic angle
NEXT_EDGE_DOUBT: Final = 0.02  # the same at the next point of a sweep
NEXT_ANGLE_DOUBT: Final = 0.02
LARGER_ERRORS: Final = (1.0, 1.6, 2.6)  # times the stated ones, that are tried
LARGER_ERRORS_COST: Final = 1.5  # of each of these steps
FIT_STEPS: Final = 3  # Gauss-Newton on a nearly linear problem, with lines assigned anew
STEP_OF_NUMBERS: Final = 0.01  # relative, by which a number that is not determined may change from where it was
MATCHED_SIGMAS: Final = 4.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reflections:
    """Where the lines of a lattice would be seen, by rising angle: close ones together.

    Parameters
    ----------
    low_deg, high_deg : ndarray of float64, shape (n,)
        Of each line, of the reflections that make it [deg].
    weight : ndarray of float64, shape (n,)
        Strength that its multiplicity gives it.
    count : ndarray of int64, shape (n,)
        Reflections in it.
    group : ndarray of int64, shape (m,)
        Line that each reflection is in.
    family : ndarray of int64, shape (m,)
        Place of each reflection in `lattice_form.families`.
    form : ndarray of float64, shape (n, k)
        Mean factors of the free numbers in Q.
    """

    low_deg: Array
    high_deg: Array
    weight: Array
    count: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    family: npt.NDArray[np.int64]
    form: Array


def reflections(
    places: Places,
    system: str,
    numbers: Array,
    shift_deg: float,
    planes: npt.NDArray[np.int64],
    lit_deg: Sequence[tuple[float, float]],
) -> Reflections | None:
    """Return the lines of a lattice in the ranges where they would be seen; None where there is none."""
    table = families(system)
    q = table.form @ numbers
    low, high = lit_deg[0][0] - shift_deg, lit_deg[-1][1] - shift_deg
    wavelength = places.wavelength_angstrom
    q_low, q_high = ((2.0 * math.sin(math.radians(each / 2.0)) / wavelength) ** 2 for each in (low, high))
    there = np.flatnonzero((planes > 0) & (q > q_low) & (q < q_high))
    theta = np.arcsin(np.minimum(0.5 * wavelength * np.sqrt(q[there]), 1.0))
    angle = 2.0 * np.degrees(theta) + shift_deg
    inside = np.zeros(len(there), dtype=np.bool_)
    for first, last in lit_deg:
        inside |= (angle >= first) & (angle <= last)
    there, theta, angle = there[inside], theta[inside], angle[inside]
    if not len(there):
        return None
    order = np.argsort(angle, kind="stable")
    there, theta, angle = there[order], theta[order], angle[order]
    fwhm = np.interp(angle, places.two_theta_deg, places.fwhm_deg)
    group = np.concatenate([[0], np.cumsum(np.diff(angle) > CLOSE_FWHM * fwhm[1:])])
    strength = planes[there] * np.exp(-0.5 * DEBYE_WALLER_ANGSTROM2 * q[there]) / (np.sin(theta) ** 2 * np.cos(theta))
    starts = np.concatenate([[0], np.flatnonzero(np.diff(group)) + 1])
    weight = np.add.reduceat(strength, starts)
    mean = np.add.reduceat(strength[:, None] * table.form[there], starts, axis=0) / weight[:, None]
    ends = np.concatenate([starts[1:], [len(there)]]) - 1
    return Reflections(
        low_deg=angle[starts],
        high_deg=angle[ends],
        weight=weight,
        count=ends - starts + 1,
        group=group,
        family=there,
        form=mean,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Match:
    """Lines of a point and the lines of a lattice that they are.

    Parameters
    ----------
    made : Reflections
        Lines of the lattice.
    of : ndarray of int64, shape (n,)
        Line of the lattice for each line seen; -1 where it is of none.
    away_sigmas : ndarray of float64, shape (n,)
        How far from it.
    """

    made: Reflections
    of: npt.NDArray[np.int64]
    away_sigmas: Array

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """Which lines of the lattice are seen."""
        seen = np.zeros(len(self.made.weight), dtype=np.bool_)
        seen[self.of[self.of >= 0]] = True
        return seen


def match(places: Places, made: Reflections, *, larger: float = 1.0) -> Match:
    """Return which line of a lattice each line is."""
    at, error = places.two_theta_deg, larger * places.error_deg
    after = np.clip(np.searchsorted(made.low_deg, at), 0, len(made.low_deg) - 1)
    before = np.maximum(after - 1, 0)
    off = [np.maximum(np.maximum(made.low_deg[one] - at, at - made.high_deg[one]), 0.0) for one in (before, after)]
    nearest = np.where(off[0] <= off[1], before, after)
    away = np.minimum(off[0], off[1]) / error
    of = np.where(away <= MATCHED_SIGMAS, nearest, -1)
    taken: dict[int, list[int]] = {}
    for line, one in enumerate(of.tolist()):
        if one >= 0:
            taken.setdefault(one, []).append(line)
    for one, lines in taken.items():
        for line in sorted(lines, key=lambda each: away[each])[int(made.count[one]) :]:
            of[line] = -1
    return Match(made=made, of=of, away_sigmas=away)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointFit:
    """A lattice fitted to the lines of one point.

    Parameters
    ----------
    numbers : ndarray of float64, shape (k,)
        Free numbers in Q [1/angstrom^2].
    covariance : ndarray of float64, shape (k, k)
        Of these.
    shift_deg : float
        Of all angles.
    information : ndarray of float64, shape (k + 1, k + 1)
        What the lines say of the numbers and the shift.
    match : Match
        Lines and reflections.
    """

    numbers: Array
    covariance: Array
    shift_deg: float
    information: Array
    match: Match

    def stray(self) -> npt.NDArray[np.bool_]:
        """Which lines are of no reflection."""
        return self.match.of < 0


def fit_point(
    places: Places,
    system: str,
    numbers: Array,
    shift_deg: float,
    planes: npt.NDArray[np.int64],
    lit_deg: Sequence[tuple[float, float]],
    *,
    larger: float = 1.0,
    follows: bool = False,
) -> PointFit | None:
    """Fit a lattice to the lines near its reflections; None where they do not determine it.

    Where it `follows` from another point, that has determined it: a number that lines of this point leave open, as of a
    rhombohedron that is a cube here, stays where it was.
    """
    size = len(numbers)
    for step in range(FIT_STEPS + 1):
        made = reflections(places, system, numbers, shift_deg, planes, lit_deg)
        if made is None:
            return None
        found = match(places, made, larger=larger * (1.5 if step == 0 else 1.0))
        used = found.of >= 0
        if used.sum() < size:
            return None
        rows = np.column_stack([made.form[found.of[used]], places.steepness[used]])
        spread = (made.high_deg - made.low_deg)[found.of[used]]
        error = np.hypot(larger * places.error_deg[used], 0.3 * spread) * places.steepness[used]
        weighted = rows / error[:, None]
        information = weighted.T @ weighted
        held = (STEP_OF_NUMBERS * _scale(numbers)) ** -2.0 if follows else np.zeros(size)
        known = information + np.diag([*held, places.shift_sigma_deg**-2])
        try:
            covariance: Array = np.asarray(np.linalg.inv(known), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
        if step == FIT_STEPS:
            break
        solved = covariance @ (weighted.T @ (places.q[used] / error) + np.append(held * numbers, 0.0))
        numbers, shift_deg = solved[:size], float(solved[size])
        if cell_of(system, numbers) is None:
            return None
    return PointFit(
        numbers=numbers,
        covariance=covariance[:size, :size],
        shift_deg=shift_deg,
        information=information,
        match=found,
    )


def _scale(numbers: Array) -> Array:
    """Return what the free numbers of a cell are compared with: a monoclinic angle's may be zero."""
    return np.append(numbers[:3], math.sqrt(numbers[0] * numbers[2])) if len(numbers) > 3 else numbers


def evidence(
    places: Sequence[Places],
    system: str,
    centring: str,
    fits: Sequence[PointFit],
    lit_deg: Sequence[Sequence[tuple[float, float]]],
) -> float:
    """Return the log of how much likelier the lines of all points are with a lattice than by chance.

    Parameters
    ----------
    places : sequence of Places
        Lines of each point; the first is the one the lattice was found at.
    system, centring : str
        Its system and letter.
    fits : sequence of PointFit
        The lattice fitted to each.
    lit_deg : sequence
        Ranges of angle where a line would be seen, of each.
    """
    volume = volume_angstrom3(system, fits[0].numbers) / LATTICE_POINTS.get(centring, 2) / LEAST_VOLUME_ANGSTROM3
    made = fits[0].match.made
    ever = np.unique(np.concatenate([fit.match.made.family[fit.match.seen[fit.match.made.group]] for fit in fits]))
    seen = np.zeros(len(made.weight), dtype=np.bool_)
    seen[made.group[np.isin(made.family, ever)]] = True
    before = _seen_as_expected(made.weight, seen) - PARSIMONY_EXPONENT * math.log(volume)
    return max(
        before + _said_by_places(places, system, fits, lit_deg, larger, ever) - LARGER_ERRORS_COST * place
        for place, larger in enumerate(LARGER_ERRORS)
    )


def _said_by_places(
    places: Sequence[Places],
    system: str,
    fits: Sequence[PointFit],
    lit_deg: Sequence[Sequence[tuple[float, float]]],
    larger: float,
    ever: npt.NDArray[np.int64],
) -> float:
    """Return what the places of all lines say, with larger errors, and which reflections that are `ever` seen are."""
    total = 0.0
    for number, (place, fit) in enumerate(zip(places, fits, strict=True)):
        found = fit.match
        width = sum(last - first for first, last in lit_deg[number])
        stray = math.log(STRAYS_EXPECTED / width)
        lines = len(place.two_theta_deg)
        total -= STRAYS_EXPECTED + lines * math.log(lines / width) - lines
        of = found.of
        spread = np.where(of >= 0, (found.made.high_deg - found.made.low_deg)[np.maximum(of, 0)], 0.0)
        error = larger * place.error_deg
        says = -0.5 * (found.away_sigmas / larger) ** 2 - np.log(error * math.sqrt(2.0 * math.pi) + spread)
        total += float(np.where(of >= 0, np.maximum(says, stray), stray).sum())
        total += _price(place, system, fit, number > 0, larger)
        if number:
            could = np.zeros(len(found.made.weight), dtype=np.bool_)
            could[found.made.group[np.isin(found.made.family, ever)]] = True
            here = int((found.seen & could).sum())
            share = min(max(here / max(int(could.sum()), 1), 0.05), 0.95)
            total += here * math.log(share) + (int(could.sum()) - here) * math.log(1.0 - share)
    return total


def _seen_as_expected(weight: Array, seen: npt.NDArray[np.bool_]) -> float:
    """Return the log likelihood that these lines of a lattice are seen and the others are not.

    Intensities of a line of given multiplicity are distributed as Wilson (1949, Acta Cryst. 2, 318) has it: the part
    below the faintest that is seen is not.
    """
    usual = weight / np.median(weight[seen]) if seen.any() else weight / np.median(weight)
    there = (1.0 - LOST_SHARE) * np.exp(-np.minimum(FAINTNESS[:, None] / usual[None, :], 700.0))
    there = np.clip(there, 1e-12, 1.0)
    each = np.where(seen[None, :], np.log(there), np.log1p(-there))
    return float(each.sum(axis=1).max())


def _price(place: Places, system: str, fit: PointFit, follows: bool, larger: float) -> float:
    """Return the log of the part of what was possible beforehand that the numbers found take up."""
    size = len(fit.numbers)
    scale = np.array([2.0 * each for each in fit.numbers[: min(size, 3)]])  # dQ-number by d ln(edge)
    doubt = [NEXT_EDGE_DOUBT if follows else EDGE_DOUBT] * len(scale)
    if system == "monoclinic":
        scale = np.append(scale, 2.0 * math.sqrt(fit.numbers[0] * fit.numbers[2]))
        doubt.append(NEXT_ANGLE_DOUBT if follows else ANGLE_DOUBT)
    to_numbers = np.append(scale * np.array(doubt), place.shift_sigma_deg)
    inner = fit.information / larger**2 * np.outer(to_numbers, to_numbers)
    _, logdet = np.linalg.slogdet(np.eye(size + 1) + inner)
    settings = 0.0 if follows else math.log({"orthorhombic": 6.0, "monoclinic": 2.0}.get(system, 1.0))
    return settings - 0.5 * float(logdet) - 0.5 * (fit.shift_deg / place.shift_sigma_deg) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresOfMerit:
    """What is usually told of an indexing.

    Parameters
    ----------
    m_n : float
        De Wolff's figure over the lowest lines, at most 20.
    f_n : float
        Smith and Snyder's.
    lines : int
        How many lines these are of.
    lines_possible : int
        Lines of the lattice up to the last of them.
    """

    m_n: float
    f_n: float
    lines: int
    lines_possible: int


def figures_of_merit(place: Places, fit: PointFit) -> FiguresOfMerit:
    """Return de Wolff's and Smith and Snyder's figures of the lowest 20 lines that a lattice explains."""
    of = fit.match.of
    used = np.flatnonzero(of >= 0)[:20]
    made = fit.match.made
    last = place.two_theta_deg[used[-1]]
    possible = int((made.low_deg <= last + 1e-9).sum())
    middle = 0.5 * (made.low_deg + made.high_deg)[of[used]]
    off = np.maximum(np.abs(place.two_theta_deg[used] - middle), 1e-4)
    off_q = float(np.mean(off * place.steepness[used]))
    return FiguresOfMerit(
        m_n=float(place.q[used[-1]] / (2.0 * off_q * possible)),
        f_n=float(len(used) / (float(np.mean(off)) * possible)),
        lines=len(used),
        lines_possible=possible,
    )


def symmorphic(classes: Sequence[ExtinctionClass]) -> tuple[ExtinctionClass, ...]:
    """Return the classes in which only the centring leaves reflections out."""
    return tuple(one for one in classes if one.symmorphic)


def volume_angstrom3(system: str, numbers: Array) -> float:
    """Volume of the conventional cell [angstrom^3]."""
    aa, bb, cc, hl, hk = general(system, numbers)
    return float(((aa * cc - 0.25 * hl * hl) * bb - 0.25 * hk * hk * cc) ** -0.5)
