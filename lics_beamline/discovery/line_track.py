"""Lines followed from point to point of a sweep: the spacing of each against pressure.

A line goes where compression brings it: its spacing falls with pressure, by no more than the softest solid's, and rises
with temperature. Where a line was indexed at both points, its indices say which it is. Where it was not, its own past
does, and before it has one, that the lines of a phase move together.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.discovery.point_lines import PointLines, SeenLine

Array = npt.NDArray[np.float64]

MOST_COMPRESSIBLE_PER_GPA: Final = 0.15  # linear, of a spacing; caesium at 0.5 GPa, the softest element, has 0.12
USUAL_PER_GPA: Final = 0.03  # of a spacing of which nothing is known yet: a bulk modulus of 10 GPa
USUAL_SIGMA_PER_GPA: Final = 0.04
MOST_EXPANDING_PER_K: Final = 1.2e-4  # of a spacing; caesium's is 1e-4
USUAL_EXPANSION_PER_K: Final = 4e-5
EXPANSION_SIGMA_PER_K: Final = 3e-5
PLACE_DOUBT: Final = 4e-4  # relative, of a spacing from one point to the next: stress, shift of the sample, grains
PRESSURE_DOUBT_GPA: Final = 0.02  # of a difference of two pressures: reading of the ruby, and its place in the cell
CURVED_SHARE: Final = 0.3  # relative, how much a compressibility changes over the steps that are looked across
PAST_POINTS: Final = 5  # of a track, the newest: what its compressibility is taken from
LONGEST_GAP: Final = 4  # points in which a line was not seen: after more it is another one
GATE_SIGMAS: Final = 3.5  # distance of a line from where it is expected
AREA_DOUBT: Final = 0.5  # of the logarithm of an area, from one point to the next: grains, growth, a phase that goes
TOGETHER_SHARE: Final = 0.25  # relative: how much the shifts of lines of one phase differ, for its axes
SHIFT_STEPS: Final = 160  # tried between none and the most of a shift
SETTLED_POINTS: Final = 4  # of a track that tells what is usual of others
FEWEST_TELLING: Final = 3  # of such tracks
MOST_TELLING_PER_GPA: Final = 0.01  # standard deviation of a compressibility that tells
ALIKE_SHARE: Final = 0.4  # relative, of the compressibilities of lines of one phase, for its axes
LEAST_SIGMA_PER_GPA: Final = 0.004  # of what is usual
UNLIKELY_COST: Final = 1e6  # cost of a pair that cannot be


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualCompressibility:
    """Linear compressibility that is expected of a line before it has shown its own, and the standard deviation."""

    per_gpa: float = USUAL_PER_GPA
    sigma_per_gpa: float = USUAL_SIGMA_PER_GPA


ANY_SOLID: Final = UsualCompressibility()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTrack:
    """One line over the points where it was seen.

    Parameters
    ----------
    number : int
        Of the track, from 0, in the order they began; of one that nobody follows any more it is given again.
    places : tuple of int
        Indices of these points, rising.
    lines : tuple of SeenLine
        The line at each.
    pressures_gpa, temperatures_k : tuple of float
        Where the sample was at each.
    """

    number: int
    places: tuple[int, ...]
    lines: tuple[SeenLine, ...]
    pressures_gpa: tuple[float, ...]
    temperatures_k: tuple[float, ...]

    def joined(self, place: int, line: SeenLine, point: PointLines) -> LineTrack:
        """Return the track with the line of one more point."""
        return LineTrack(
            number=self.number,
            places=(*self.places, place),
            lines=(*self.lines, line),
            pressures_gpa=(*self.pressures_gpa, point.pressure_gpa),
            temperatures_k=(*self.temperatures_k, point.temperature_k),
        )

    def since(self, place: int) -> LineTrack:
        """Return the track without its points before an index of the sweep; it must have one from there on."""
        return self.between(place, self.places[-1])

    def between(self, first: int, last: int) -> LineTrack:
        """Return the track at the points from one index of the sweep to another; it must have one there."""
        if self.places[0] >= first and self.places[-1] <= last:
            return self
        part = slice(bisect_left(self.places, first), bisect_right(self.places, last))
        return LineTrack(
            number=self.number,
            places=self.places[part],
            lines=self.lines[part],
            pressures_gpa=self.pressures_gpa[part],
            temperatures_k=self.temperatures_k[part],
        )

    def at_places(self, places: Collection[int]) -> LineTrack:
        """Return the track at some points only; it must have one of them."""
        kept = [index for index, place in enumerate(self.places) if place in places]
        return LineTrack(
            number=self.number,
            places=tuple(self.places[index] for index in kept),
            lines=tuple(self.lines[index] for index in kept),
            pressures_gpa=tuple(self.pressures_gpa[index] for index in kept),
            temperatures_k=tuple(self.temperatures_k[index] for index in kept),
        )

    @property
    def is_unknown(self) -> bool:
        """Whether it is of no known phase: unexplained at more points than it was indexed or excused at."""
        unknown = sum(line.unknown for line in self.lines)
        return unknown > sum(line.is_explained for line in self.lines)

    def at(self, place: int) -> SeenLine | None:
        """Return the line at a point; None where it was not seen."""
        index = bisect_left(self.places, place)
        return self.lines[index] if index < len(self.places) and self.places[index] == place else None

    @property
    def log_spacings(self) -> Array:
        """Natural logarithm of the spacing [angstrom] at each point."""
        return np.log([line.peak.d_angstrom for line in self.lines])

    @property
    def spacing_errors(self) -> Array:
        """Relative standard deviation of each spacing, with what no counting removes."""
        measured = np.array([line.peak.d_sigma_angstrom / line.peak.d_angstrom for line in self.lines])
        return np.hypot(measured, PLACE_DOUBT)

    def compressibility(self, usual: UsualCompressibility) -> tuple[float, float]:
        """Return its linear compressibility [1/GPa] and the standard deviation, by its newest points and what is usual.

        Parameters
        ----------
        usual : UsualCompressibility
            Of lines like it.
        """
        pressure = np.array(self.pressures_gpa[-PAST_POINTS:])
        temperature = np.array(self.temperatures_k[-PAST_POINTS:])
        logarithm = self.log_spacings[-PAST_POINTS:] - USUAL_EXPANSION_PER_K * temperature
        doubt = np.hypot(
            self.spacing_errors[-PAST_POINTS:], EXPANSION_SIGMA_PER_K * np.abs(temperature - temperature[-1])
        )
        weight = 1.0 / doubt**2
        pressure = pressure - np.average(pressure, weights=weight)
        information = float(np.sum(weight * pressure**2))
        slope = -float(np.sum(weight * pressure * logarithm))
        prior = usual.sigma_per_gpa**-2.0
        kappa = (slope + prior * usual.per_gpa) / (information + prior)
        return min(max(kappa, 0.0), MOST_COMPRESSIBLE_PER_GPA), (information + prior) ** -0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedLine:
    """Where a line is expected.

    Parameters
    ----------
    log_spacing, sigma : float
        Logarithm of its spacing [angstrom] and the standard deviation.
    low, high : float
        Between which it must lie, whatever it is made of.
    """

    log_spacing: float
    sigma: float
    low: float
    high: float


def expected(
    track: LineTrack, pressure_gpa: float, temperature_k: float, usual: UsualCompressibility = ANY_SOLID
) -> ExpectedLine:
    """Return where the line of a track is expected.

    Parameters
    ----------
    track : LineTrack
        The line so far.
    pressure_gpa, temperature_k : float
        Where the sample is.
    usual : UsualCompressibility
        Of lines like it.
    """
    track = track.since(track.places[-PAST_POINTS]) if len(track.places) > PAST_POINTS else track
    step, warmer = pressure_gpa - track.pressures_gpa[-1], temperature_k - track.temperatures_k[-1]
    last, error = float(track.log_spacings[-1]), float(track.spacing_errors[-1])
    kappa, kappa_sigma = track.compressibility(usual)
    here = last - kappa * step + USUAL_EXPANSION_PER_K * warmer
    sigma = math.sqrt(
        2.0 * error**2
        + ((kappa_sigma + CURVED_SHARE * kappa * min(abs(step), 1.0)) * step) ** 2
        + (kappa * PRESSURE_DOUBT_GPA) ** 2
        + (EXPANSION_SIGMA_PER_K * warmer) ** 2
    )
    shifts = (0.0, -MOST_COMPRESSIBLE_PER_GPA * step)
    warmth = (0.0, MOST_EXPANDING_PER_K * warmer)
    slack = 3.0 * error + MOST_COMPRESSIBLE_PER_GPA * PRESSURE_DOUBT_GPA
    return ExpectedLine(
        log_spacing=here,
        sigma=sigma,
        low=last + min(shifts) + min(warmth) - slack,
        high=last + max(shifts) + max(warmth) + slack,
    )


def followed(tracks: Sequence[LineTrack], point: PointLines, place: int) -> tuple[LineTrack, ...]:
    """Return the tracks with the lines of one more point: those that go on, and those that begin there.

    Parameters
    ----------
    tracks : sequence of LineTrack
        All so far.
    point : PointLines
        The next point.
    place : int
        Its index in the sweep.
    """
    alive = [track for track in tracks if place - track.places[-1] <= LONGEST_GAP + 1]
    pairs = _Pairs(alive, point, place).found()
    longer = {alive[here].number: alive[here].joined(place, point.lines[there], point) for here, there in pairs}
    taken = {there for _, there in pairs}
    begun = [line for there, line in enumerate(point.lines) if there not in taken]
    first = tracks[-1].number + 1 if tracks else 0
    return (
        *(longer.get(track.number, track) for track in tracks),
        *(
            LineTrack(
                number=first + index,
                places=(place,),
                lines=(line,),
                pressures_gpa=(point.pressure_gpa,),
                temperatures_k=(point.temperature_k,),
            )
            for index, line in enumerate(begun)
        ),
    )


def _usual(tracks: Sequence[LineTrack]) -> UsualCompressibility:
    """Return what is usual of unexplained lines here, where some have been followed for long enough to tell."""
    known = [
        kappa
        for track in tracks
        if len(track.places) >= SETTLED_POINTS and track.lines[-1].unknown
        for kappa, sigma in [track.compressibility(ANY_SOLID)]
        if sigma < MOST_TELLING_PER_GPA
    ]
    if len(known) < FEWEST_TELLING:
        return ANY_SOLID
    middle = float(np.median(known))
    return UsualCompressibility(per_gpa=middle, sigma_per_gpa=max(ALIKE_SHARE * middle, LEAST_SIGMA_PER_GPA))


class _Pairs:
    """Which line of a point goes on with which track."""

    def __init__(self, tracks: Sequence[LineTrack], point: PointLines, place: int) -> None:
        self._tracks, self._lines, self._place = tracks, point.lines, place
        usual = _usual(tracks)
        self._is_guided = usual is not ANY_SOLID
        self._expected = [
            expected(
                track,
                point.pressure_gpa,
                point.temperature_k,
                ANY_SOLID if track.lines[-1].is_explained else usual,
            )
            for track in tracks
        ]
        self._log_d = np.log([line.peak.d_angstrom for line in point.lines])
        self._log_area = np.log([line.peak.area for line in point.lines])
        self._brighter = 0.0  # logarithm of the ratio of exposures
        self._phases = {line.phase for line in point.lines if line.phase}
        self._free_tracks = set(range(len(tracks)))
        self._free_lines = set(range(len(point.lines)))

    def found(self) -> list[tuple[int, int]]:
        """Return pairs of indices of track and line."""
        if not self._tracks or not self._lines:
            return []
        pairs = self._keep(self._by_indices())
        if len(pairs) > 2:
            ratios = [self._log_area[there] - self._area(here) for here, there in pairs]
            self._brighter = float(np.median(ratios))
        settled = [here for here in self._free_tracks if len(self._tracks[here].places) > 1]
        pairs += self._keep(self._by_past(settled))
        if self._is_guided:
            young = [here for here in self._free_tracks if not self._tracks[here].lines[-1].is_explained]
            pairs += self._keep(self._by_past([here for here in young if here not in settled]))
        while together := self._keep(self._together()):
            pairs += together
        pairs += self._keep(self._by_past(list(self._free_tracks)))
        return pairs

    def _keep(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        self._free_tracks -= {here for here, _ in pairs}
        self._free_lines -= {there for _, there in pairs}
        return pairs

    def _area(self, here: int) -> float:
        return math.log(self._tracks[here].lines[-1].peak.area)

    def _can_be(self, here: int, there: int) -> bool:
        where = self._expected[here]
        return bool(where.low <= self._log_d[there] <= where.high) and not self._is_another(here, there)

    def _is_another(self, here: int, there: int) -> bool:
        """Whether an unexplained line cannot be one that was explained.

        Its phase is there, or had gone at the point before, or it is not as bright.
        """
        last = self._tracks[here].lines[-1]
        if not self._lines[there].unknown or not last.is_explained:
            return False
        brightness = self._log_area[there] - self._area(here) - self._brighter
        had_gone = self._tracks[here].places[-1] < self._place - 1
        return last.phase in self._phases or had_gone or abs(brightness) > 2.0 * AREA_DOUBT

    def _by_indices(self) -> list[tuple[int, int]]:
        newest: dict[str, int] = {}
        for here, track in enumerate(self._tracks):
            label = track.lines[-1].label
            if label and (label not in newest or track.places[-1] >= self._tracks[newest[label]].places[-1]):
                newest[label] = here
        return [
            (newest[line.label], there)
            for there, line in enumerate(self._lines)
            if line.label in newest and self._can_be(newest[line.label], there)
        ]

    def _by_past(self, here: list[int]) -> list[tuple[int, int]]:
        """Return the pairs that deviate least from where the tracks are expected."""
        from scipy.optimize import linear_sum_assignment

        there = sorted(self._free_lines)
        if not here or not there:
            return []
        cost = np.full((len(here), len(there)), UNLIKELY_COST)
        for row, track in enumerate(here):
            where = self._expected[track]
            away = (self._log_d[there] - where.log_spacing) / np.hypot(where.sigma, PLACE_DOUBT)
            brightness = (self._log_area[there] - self._area(track) - self._brighter) / (2.0 * AREA_DOUBT)
            can = (self._log_d[there] >= where.low) & (self._log_d[there] <= where.high) & (np.abs(away) < GATE_SIGMAS)
            can &= np.array([not self._is_another(track, line) for line in there])
            cost[row] = np.where(can, away**2 + np.minimum(brightness**2, GATE_SIGMAS**2), UNLIKELY_COST)
        rows, columns = linear_sum_assignment(cost)
        return [
            (here[row], there[column])
            for row, column in zip(rows, columns, strict=True)
            if cost[row, column] < UNLIKELY_COST
        ]

    def _together(self) -> list[tuple[int, int]]:
        """Return the pairs of the one shift that brings most young tracks on lines; none for fewer than two."""
        from scipy.optimize import linear_sum_assignment

        here, there = sorted(self._free_tracks), sorted(self._free_lines)
        if len(here) < 2 or len(there) < 2:
            return []
        last = np.array([self._tracks[track].log_spacings[-1] for track in here])
        shift = self._log_d[there][None, :] - last[:, None]
        can = np.array([[self._can_be(track, line) for line in there] for track in here])
        if not can.any():
            return []
        brightness = (
            self._log_area[there][None, :] - np.array([self._area(track) for track in here])[:, None] - self._brighter
        )
        error = np.array([self._tracks[track].spacing_errors[-1] for track in here])[:, None]
        likeness = np.where(can, np.exp(-0.5 * (brightness / AREA_DOUBT) ** 2), 0.0)
        tried = np.linspace(shift[can].min(), shift[can].max(), SHIFT_STEPS)
        best, best_score = None, 0.0
        for trial in tried:
            wide = np.hypot(2.0 * error, TOGETHER_SHARE * trial)
            merit = likeness * np.exp(-0.5 * ((shift - trial) / wide) ** 2) * np.sqrt(error / wide)
            rows, columns = linear_sum_assignment(-merit)
            score = float(merit[rows, columns].sum())
            if score > best_score:
                best, best_score = (rows, columns, merit / np.sqrt(error / wide)), score
        if best is None:
            return []
        rows, columns, merit = best
        pairs = [
            (here[row], there[column]) for row, column in zip(rows, columns, strict=True) if merit[row, column] > 0.1
        ]
        return pairs if len(pairs) > 1 else []
