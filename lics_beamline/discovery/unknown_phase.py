"""Phases that nobody named: unexplained lines that come together, move together and go together.

One line is told by every other: how bright it must be where another is, and how far it must have moved. A line that
does not fit stays alone: a wrong line in a phase misleads who indexes it, one that is missing does not.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.discovery.line_track import LineTrack
from lics_beamline.discovery.point_lines import PointLines, SeenLine
from lics_beamline.indexing.line_set import LineSet, lit_ranges
from lics_beamline.lines.peaks import PEAK_SIGMAS, Peak
from lics_beamline.phases.identification import UNKNOWN_PEAK_SIGMAS

Array = npt.NDArray[np.float64]

FEWEST_LINES: Final = 3  # of a phase at one point: two strangers may come by chance, or be spots
FEWEST_BESIDE: Final = 5  # of one beside another: what is left of that one's lines comes by twos and threes
LEFT_SHARE: Final = 0.5  # of the lines of a phase: so many may be left of it where it is crowded
SURELY_SEEN: Final = 2.0  # times the least significance of a listed peak: above it a line is not missed by chance
EXCUSED_ABSENCES: Final = 0.25  # of the points of a phase: a line of few grains is missing now and then
SEEN_AGAIN: Final = 3  # points of a phase, from which on a line must have been seen twice
AXES_APART: Final = 2.2  # ratio of the compressibilities of two spacings of one phase: layered crystals reach it
MISFIT_SIGMAS: Final = 4.0  # root mean square, of a line that moves unlike the others
SEEN_SHARE: Final = 0.5  # of the points at which it could be seen: a line that is seen at fewer is none of the phase
WIDTHS_APART: Final = 2.5  # ratio of the widths of two lines of one phase at one angle: not more, by size and strain
RIGHT_SHARE: Final = 0.6  # of the points of a line, at which it moves as the others do: at the rest it is another line
HIDDEN_FWHM: Final = 1.2  # distance to another line at which a weaker one is hidden
SAME_TEMPERATURE_K: Final = 15.0  # of points that tell of compression and not of expansion
LEAST_SPAN_GPA: Final = 0.05  # of pressures that tell of compression


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPhase:
    """A phase that no candidate explains.

    Parameters
    ----------
    name : str
        ``unknown 1``, in the order they were told.
    tracks : tuple of LineTrack
        Its lines, the most telling first.
    points : tuple of PointLines
        Points at which it is there, in their order.
    places : tuple of int
        Indices of these points in the sweep.
    compressibility_per_gpa, compressibility_sigma_per_gpa : float
        Mean linear compressibility of its spacings over those of these points that have the most usual temperature
        [1/GPa], and the standard deviation; NaN where the pressure hardly changes.
    """

    name: str
    tracks: tuple[LineTrack, ...]
    points: tuple[PointLines, ...]
    places: tuple[int, ...]
    compressibility_per_gpa: float
    compressibility_sigma_per_gpa: float

    @property
    def first(self) -> PointLines:
        """The first point at which it is there."""
        return self.points[0]

    @property
    def last(self) -> PointLines:
        """The last point at which it is there."""
        return self.points[-1]

    @property
    def newest_lines(self) -> tuple[SeenLine, ...]:
        """Its lines at its last point."""
        return tuple(line for track in self.tracks if (line := track.at(self.places[-1])) is not None)

    def of_tracks(self, tracks: Sequence[LineTrack], name: str) -> UnknownPhase:
        """Return some of its lines, as a phase of another name at the points at which these are."""
        there = [
            (place, point)
            for place, point in zip(self.places, self.points, strict=True)
            if any(track.at(place) is not None for track in tracks)
        ]
        places, points = zip(*there, strict=True)
        kappa, sigma = _compressibility(tracks, places)
        return replace(
            self,
            name=name,
            tracks=tuple(tracks),
            points=points,
            places=places,
            compressibility_per_gpa=kappa,
            compressibility_sigma_per_gpa=sigma,
        )

    def line_sets(self) -> tuple[LineSet, ...]:
        """Return its lines at each point at which it is there, as a lattice must explain them."""
        found = []
        for place, point in zip(self.places, self.points, strict=True):
            seen = [line.peak for track in self.tracks if (line := track.at(place)) is not None]
            others = [line.peak for line in point.lines if line.peak not in seen]
            found.append(
                LineSet(
                    lines=tuple(sorted(seen, key=lambda peak: peak.two_theta_deg)),
                    wavelength_angstrom=point.wavelength_angstrom,
                    pressure_gpa=point.pressure_gpa,
                    temperature_k=point.temperature_k,
                    lit_deg=lit_ranges(point.range_deg, others),
                )
            )
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Unexplained lines, put together.

    Parameters
    ----------
    phases : tuple of UnknownPhase
        By the point at which they come; their names are those of this order.
    strays : tuple of LineTrack
        Unexplained lines that belong to none of these: perhaps of a phase of few lines, perhaps spots.
    """

    phases: tuple[UnknownPhase, ...]
    strays: tuple[LineTrack, ...]


def grouping(tracks: Sequence[LineTrack], points: Mapping[int, PointLines]) -> Grouping:
    """Put unexplained lines together.

    Parameters
    ----------
    tracks : sequence of LineTrack
        Lines followed over the sweep; those that a known phase explains are left out.
    points : mapping of int to PointLines
        The points by their index in the sweep.
    """
    free = sorted((_news(track) for track in tracks if _is_news(track)), key=_weight, reverse=True)
    phases: list[UnknownPhase] = []
    strays: list[LineTrack] = []
    while free:
        lead = _Lead(free[0], points)
        members = [free[0], *(part for track in free[1:] if (part := lead.part_of(track)) is not None)]
        phase = _phase(members, points)
        if phase is None:
            strays.append(free.pop(0))
            continue
        phases.append(phase)
        taken = {track.number for track in members}
        free = [track for track in free if track.number not in taken]
    kept: list[UnknownPhase] = []
    for phase in sorted(phases, key=lambda phase: (phase.places[0], -len(phase.tracks))):
        if _comes_by_itself(phase, kept):
            kept.append(phase)
        else:
            strays += phase.tracks
    kept, strays = _rejoined(kept, strays, points)
    kept, _ = _rejoined(kept, [track for track in tracks if _is_excused(track)], points)
    return Grouping(
        phases=tuple(replace(phase, name=f"unknown {index + 1}") for index, phase in enumerate(kept)),
        strays=tuple(sorted(strays, key=lambda track: track.number)),
    )


def _comes_by_itself(phase: UnknownPhase, others: Sequence[UnknownPhase]) -> bool:
    """Whether a phase is more than what is left of the lines of those that are there as it comes."""
    beside = [len(other.tracks) for other in others if phase.places[0] in other.places]
    begun = max(Counter(track.places[0] for track in phase.tracks).values())
    return not beside or begun >= max(FEWEST_BESIDE, LEFT_SHARE * max(beside))


def _rejoined(
    phases: Sequence[UnknownPhase], strays: Sequence[LineTrack], points: Mapping[int, PointLines]
) -> tuple[list[UnknownPhase], list[LineTrack]]:
    """Return the phases with the strays that go with them, and the strays that go with none."""
    left = list(strays)
    joined = []
    for phase in phases:
        lead = _Lead(phase.tracks[0], points)
        more = [part for track in left if (part := lead.part_of(track)) is not None]
        taken = {track.number for track in more}
        left = [track for track in left if track.number not in taken]
        joined.append((_phase([*phase.tracks, *more], points) or phase) if more else phase)
    return joined, left


def _is_news(track: LineTrack) -> bool:
    return track.is_unknown and max(line.peak.significance for line in track.lines) >= UNKNOWN_PEAK_SIGMAS


def _is_excused(track: LineTrack) -> bool:
    """Whether a line was strong and nowhere indexed, but may be of a known phase, or the foot of a strong one.

    It tells of no phase by itself. Where others tell of one, and it comes, moves and goes with these, it is one of it.
    """
    seen_again = len(track.places) >= SEEN_AGAIN
    strong = max(line.peak.significance for line in track.lines) >= UNKNOWN_PEAK_SIGMAS
    return seen_again and strong and not _is_news(track) and not any(line.phase for line in track.lines)


def _news(track: LineTrack) -> LineTrack:
    """Return the unexplained part of a track: what a known phase explains before and after it is another line."""
    unknown = [place for place, line in zip(track.places, track.lines, strict=True) if line.unknown]
    explained = [place for place, line in zip(track.places, track.lines, strict=True) if line.is_explained]
    first = unknown[0] if any(place < unknown[0] for place in explained) else track.places[0]
    last = unknown[-1] if any(place > unknown[-1] for place in explained) else track.places[-1]
    return track.between(first, last)


def _weight(track: LineTrack) -> float:
    """Return how much a track tells: points, and digits of significance at each."""
    return sum(math.log(max(line.peak.significance, 1.0)) for line in track.lines)


class _Lead:
    """The most telling line of a phase, which says how the others must behave."""

    def __init__(self, track: LineTrack, points: Mapping[int, PointLines]) -> None:
        self._track, self._points = track, points
        self._log_d = dict(zip(track.places, track.log_spacings.tolist(), strict=True))

    def goes_with(self, other: LineTrack) -> bool:
        """Whether another line comes, moves and goes with this one."""
        theirs = set(other.places)
        common = [place for place in self._track.places if place in theirs]
        if not common:
            return False
        return (
            self._is_as_wide(other, common) and self._moves_with(other, common) and self._is_there_with(other, common)
        )

    def part_of(self, other: LineTrack) -> LineTrack | None:
        """Return the part of another line that goes with this one; None where none does.

        Where lines are many, one is now and then taken for its neighbour, at a few points: these are left out.
        """
        if self.goes_with(other):
            return other
        common = [place for place in self._track.places if place in set(other.places)]
        if len(common) < SEEN_AGAIN:
            return None
        mine, theirs, error = self._moved(other, common)
        apart = theirs - mine
        allowed = MISFIT_SIGMAS * error + (AXES_APART - 1.0) * np.abs(mine - np.median(mine))
        is_near = np.abs(apart - np.median(apart)) < allowed
        wrong = {place for place, near in zip(common, is_near.tolist(), strict=True) if not near}
        if len(common) - len(wrong) < max(SEEN_AGAIN, RIGHT_SHARE * len(common)):
            return None
        part = other.at_places(set(other.places) - wrong)
        return part if self.goes_with(part) else None

    def _moved(self, other: LineTrack, common: Sequence[int]) -> tuple[Array, Array, Array]:
        """Return the logarithms of both spacings at points, and the standard deviation of what lies between."""
        here = [self._track.places.index(place) for place in common]
        there = [other.places.index(place) for place in common]
        error = np.hypot(self._track.spacing_errors[here], other.spacing_errors[there])
        return self._track.log_spacings[here], other.log_spacings[there], error

    def _is_as_wide(self, other: LineTrack, common: Sequence[int]) -> bool:
        ratios = [_peak(other, place).fwhm_deg / _peak(self._track, place).fwhm_deg for place in common]
        # An instrument makes lines at all angles as wide, strain in proportion to the tangent of theta
        wider = math.sqrt(_tangent(_peak(other, common[0])) / _tangent(_peak(self._track, common[0])))
        return min(wider, 1.0) / WIDTHS_APART < float(np.median(ratios)) < max(wider, 1.0) * WIDTHS_APART

    def _moves_with(self, other: LineTrack, common: Sequence[int]) -> bool:
        if len(common) < 2:
            return True
        mine, theirs, error = self._moved(other, common)
        weight = error**-2.0
        mine = mine - np.average(mine, weights=weight)
        theirs = theirs - np.average(theirs, weights=weight)
        span = float(np.sum(weight * mine**2))
        slope = float(np.sum(weight * mine * theirs)) / span if span > 0.0 else 1.0
        slope_error = span**-0.5 if span > 0.0 else math.inf
        if not 1.0 / AXES_APART - 3.0 * slope_error < slope < AXES_APART + 3.0 * slope_error:
            return False
        misfit = (theirs - slope * mine) / error
        return math.sqrt(float(np.mean(misfit**2))) < MISFIT_SIGMAS

    def _is_there_with(self, other: LineTrack, common: Sequence[int]) -> bool:
        """Whether neither is missing where the other says that it must be seen."""
        ratio = float(np.median([_peak(other, place).area / _peak(self._track, place).area for place in common]))
        by_area, own_by_area = _significance_by_area(other, common), _significance_by_area(self._track, common)
        first = min(self._track.places[0], other.places[0])
        last = max(self._track.places[-1], other.places[-1])
        both = missing = could = 0
        for place in range(first, last + 1):
            if place not in self._points:
                continue
            mine, theirs = self._track.at(place), other.at(place)
            both += mine is not None or theirs is not None
            if mine is not None:
                faint = mine.peak.area * ratio * by_area
                hidden = theirs is None and self._is_hidden(other, place, common)
                could += faint >= PEAK_SIGMAS and not hidden
                missing += theirs is None and faint > SURELY_SEEN * PEAK_SIGMAS and not hidden
            elif theirs is not None and theirs.peak.area / ratio * own_by_area > SURELY_SEEN * PEAK_SIGMAS:
                missing += not _hides(self._points[place], _expected(self._track, place, other), _width(self._track))
        if len(common) < 2 and len(self._track.places) >= SEEN_AGAIN:
            return False  # seen once where the phase was seen more often
        return missing <= EXCUSED_ABSENCES * both and len(common) >= SEEN_SHARE * could

    def _is_hidden(self, other: LineTrack, place: int, common: Sequence[int]) -> bool:
        nearest = min(common, key=lambda known: abs(known - place))
        here = float(other.log_spacings[other.places.index(nearest)]) + self._log_d[place] - self._log_d[nearest]
        return _hides(self._points[place], here, _width(other))


def _peak(track: LineTrack, place: int) -> Peak:
    return track.lines[bisect_left(track.places, place)].peak


def _tangent(peak: Peak) -> float:
    return math.tan(math.radians(peak.two_theta_deg) / 2.0)


def _significance_by_area(track: LineTrack, common: Sequence[int]) -> float:
    """Return what the significance of a line is for its area."""
    return float(np.median([_peak(track, place).significance / _peak(track, place).area for place in common]))


def _width(track: LineTrack) -> float:
    return float(np.median([line.peak.fwhm_deg for line in track.lines]))


def _expected(track: LineTrack, place: int, other: LineTrack) -> float:
    """Return the logarithm of the spacing of a track where only another was seen."""
    nearest = min((known for known in track.places if known in other.places), key=lambda known: abs(known - place))
    moved = other.log_spacings[other.places.index(place)] - other.log_spacings[other.places.index(nearest)]
    return float(track.log_spacings[track.places.index(nearest)] + moved)


def _hides(point: PointLines, log_spacing: float, fwhm_deg: float) -> bool:
    """Whether another line of a point lies where a line is expected, or the line is outside the pattern."""
    sine = point.wavelength_angstrom / 2.0 / math.exp(log_spacing)
    if sine >= 1.0:
        return True
    angle = 2.0 * math.degrees(math.asin(sine))
    if not point.range_deg[0] + fwhm_deg < angle < point.range_deg[1] - fwhm_deg:
        return True
    return any(
        abs(line.peak.two_theta_deg - angle) < HIDDEN_FWHM * max(fwhm_deg, line.peak.fwhm_deg) for line in point.lines
    )


def _phase(members: Sequence[LineTrack], points: Mapping[int, PointLines]) -> UnknownPhase | None:
    """Return the phase that lines make; None where there are too few of them at any point."""
    seen = sorted({place for track in members for place in track.places})
    many = [place for place in seen if sum(place in track.places for track in members) >= FEWEST_LINES]
    told = [
        place
        for place in many
        if sum((line := track.at(place)) is not None and line.unknown for track in members) >= FEWEST_LINES
    ]
    if not told:
        return None
    places = tuple(place for place in seen if many[0] <= place <= many[-1])
    kappa, sigma = _compressibility(members, places)
    return UnknownPhase(
        name="",
        tracks=tuple(members),
        points=tuple(points[place] for place in places),
        places=places,
        compressibility_per_gpa=kappa,
        compressibility_sigma_per_gpa=sigma,
    )


def _usual_temperature_k(members: Sequence[LineTrack]) -> float:
    """Return the temperature near which most lines were seen: points near it tell of compression."""
    seen = np.array([t for track in members for t in track.temperatures_k])
    seen.sort()
    near = np.searchsorted(seen, seen + SAME_TEMPERATURE_K) - np.searchsorted(seen, seen - SAME_TEMPERATURE_K)
    return float(seen[int(np.argmax(near))])


def _compressibility(members: Sequence[LineTrack], places: Sequence[int]) -> tuple[float, float]:
    """Return the mean linear compressibility of lines [1/GPa] and its standard deviation, by scatter among them."""
    usual = _usual_temperature_k(members)
    found, weights = [], []
    for track in members:
        used = [
            index
            for index, place in enumerate(track.places)
            if place in places and abs(track.temperatures_k[index] - usual) < SAME_TEMPERATURE_K
        ]
        pressure = np.array([track.pressures_gpa[index] for index in used])
        if len(used) < 2 or float(np.ptp(pressure)) < LEAST_SPAN_GPA:
            continue
        weight = track.spacing_errors[used] ** -2.0
        pressure = pressure - np.average(pressure, weights=weight)
        information = float(np.sum(weight * pressure**2))
        found.append(-float(np.sum(weight * pressure * track.log_spacings[used])) / information)
        weights.append(information)
    if not found:
        return math.nan, math.nan
    kappa = float(np.average(found, weights=weights))
    formal = sum(weights) ** -0.5
    if len(found) < 2:
        return kappa, formal
    scatter = float(np.average((np.array(found) - kappa) ** 2, weights=weights))
    return kappa, max(formal, math.sqrt(scatter / (len(found) - 1)))
