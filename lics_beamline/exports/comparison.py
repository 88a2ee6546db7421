"""Two reductions of one run, point by point: what another recipe changes, with its sign."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lics_beamline.errors import RunNotFound
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun

ABSENT_FRACTION: Final = 0.0  # fraction of a phase of the sample that was not found


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseDifference:
    """Difference of a phase between two reductions, the second less the first.

    Parameters
    ----------
    name : str
        The phase.
    cell : dict of str to float
        Differences of the numbers of its cell [angstrom, deg]; empty where one of the two did not find it.
    fraction : float
        Difference of its part of the sample; NaN for a phase that is not of the sample.
    found_by : str
        ``both``, ``first`` or ``second``.
    """

    name: str
    cell: dict[str, float]
    fraction: float
    found_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDifference:
    """Difference of a point between two reductions, the second less the first.

    Parameters
    ----------
    first, second : ReducedPoint
        The point in both.
    pressure_gpa, temperature_k : float
        Differences; NaN where one of the two failed.
    phases : tuple of PhaseDifference
        Phases that at least one of the two found.
    """

    first: ReducedPoint
    second: ReducedPoint
    pressure_gpa: float
    temperature_k: float
    phases: tuple[PhaseDifference, ...]

    def phase(self, name: str) -> PhaseDifference | None:
        """Return the difference of a phase; None where neither found it."""
        return next((phase for phase in self.phases if phase.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Points of a leg between which a phase of the sample came or went.

    Parameters
    ----------
    phase, leg : str
        Names of the phase and of the leg.
    appears : bool
        Whether it came.
    before_gpa, after_gpa : float
        Pressures of the points on both sides.
    """

    phase: str
    leg: str
    appears: bool
    before_gpa: float
    after_gpa: float

    @property
    def pressure_gpa(self) -> float:
        """Middle of the two points [GPa]."""
        return (self.before_gpa + self.after_gpa) / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryDifference:
    """A boundary in both reductions; None where one of them does not have it."""

    first: Boundary | None
    second: Boundary | None

    @property
    def pressure_gpa(self) -> float:
        """Difference of the two [GPa]; NaN where one does not have it."""
        return self.second.pressure_gpa - self.first.pressure_gpa if self.first and self.second else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """Two reductions of one run.

    Parameters
    ----------
    first, second : ReducedRun
        The reductions.
    points : tuple of PointDifference
        Points that both have, in the order of the path.
    boundaries : tuple of BoundaryDifference
        Boundaries of phases that at least one of them has.
    changed : dict of str to tuple of object
        What differs between the recipes: dotted key, value in the first, value in the second.
    """

    first: ReducedRun
    second: ReducedRun
    points: tuple[PointDifference, ...]
    boundaries: tuple[BoundaryDifference, ...]
    changed: dict[str, tuple[object, object]]


def compare(first: ReducedRun, second: ReducedRun) -> RunComparison:
    """Compare two reductions of one run.

    Parameters
    ----------
    first, second : ReducedRun
        Differences are the second less the first.

    Raises
    ------
    RunNotFound
        If they are not of the same raw run.
    """
    if first.start["raw_uid"] != second.start["raw_uid"]:
        raise RunNotFound(
            f"run {first.start['uid'][:8]} was reduced from {first.start['raw_uid'][:8]}, run "
            f"{second.start['uid'][:8]} from {second.start['raw_uid'][:8]}: only reductions of one run can be compared."
        )
    others = {point.exposure_uid: point for point in second.points}
    pairs = sorted(
        ((point, others[point.exposure_uid]) for point in first.points if point.exposure_uid in others),
        key=lambda pair: pair[0].index,
    )
    return RunComparison(
        first=first,
        second=second,
        points=tuple(_difference(one, other) for one, other in pairs),
        boundaries=_boundaries(first, second),
        changed=_changed(first.start.get("recipe", {}), second.start.get("recipe", {})),
    )


def _difference(one: ReducedPoint, other: ReducedPoint) -> PointDifference:
    names = dict.fromkeys(phase.name for point in (one, other) for phase in point.phases)
    return PointDifference(
        first=one,
        second=other,
        pressure_gpa=other.pressure_gpa - one.pressure_gpa,
        temperature_k=other.temperature_k - one.temperature_k,
        phases=tuple(_phase_difference(name, one, other) for name in names),
    )


def _phase_difference(name: str, one: ReducedPoint, other: ReducedPoint) -> PhaseDifference:
    here, there = one.phase(name), other.phase(name)
    fractions = [phase.fraction if phase else ABSENT_FRACTION for phase in (here, there)]
    both = here is not None and there is not None
    return PhaseDifference(
        name=name,
        cell={key: there.cell[key] - here.cell[key] for key in here.cell} if here and there else {},
        fraction=fractions[1] - fractions[0],
        found_by="both" if both else "first" if here else "second",
    )


def boundaries(run: ReducedRun) -> tuple[Boundary, ...]:
    """Return where the sample's phases come and go, along the path of a run."""
    points = [point for point in sorted(run.points, key=lambda point: point.index) if point.phases_sought]
    names = dict.fromkeys(phase.name for point in points for phase in point.phases if not math.isnan(phase.fraction))
    return tuple(
        Boundary(
            phase=name,
            leg=after.leg,
            appears=after.phase(name) is not None,
            before_gpa=before.pressure_gpa,
            after_gpa=after.pressure_gpa,
        )
        for name in names
        for before, after in pairwise(points)
        if (before.phase(name) is None) != (after.phase(name) is None)
    )


def _boundaries(first: ReducedRun, second: ReducedRun) -> tuple[BoundaryDifference, ...]:
    """Pair the boundaries of two reductions: the first coming of a phase on a leg with the first, and so on."""
    ours, theirs = _numbered(first), _numbered(second)
    return tuple(
        BoundaryDifference(first=ours.get(key), second=theirs.get(key)) for key in dict.fromkeys((*ours, *theirs))
    )


def _numbered(run: ReducedRun) -> dict[tuple[str, str, bool, int], Boundary]:
    found: dict[tuple[str, str, bool, int], Boundary] = {}
    for boundary in boundaries(run):
        kind = (boundary.phase, boundary.leg, boundary.appears)
        found[(*kind, sum(key[:3] == kind for key in found))] = boundary
    return found


def _changed(one: object, other: object, key: str = "") -> dict[str, tuple[object, object]]:
    """Return the leaves in which two recipes differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        changed: dict[str, tuple[object, object]] = {}
        for name in dict.fromkeys((*one, *other)):
            changed |= _changed(one.get(name), other.get(name), f"{key}.{name}".lstrip("."))
        return changed
    return {} if one == other else {key: (one, other)}
