"""A sweep surveyed as it goes on: after each point, which unknown phases are there and which were not told before.

What is said at a point rests on this point and those before it, in their order: so a replay says the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from lics_beamline.discovery.change import Change, change
from lics_beamline.discovery.line_track import LineTrack, followed
from lics_beamline.discovery.point_lines import PointLines
from lics_beamline.discovery.unknown_phase import Grouping, UnknownPhase, grouping

RECENT_POINTS: Final = 40  # by which phases are told while a sweep goes on: its time does not grow with the sweep
REMEMBERED_POINTS: Final = 100  # by which lines are followed meanwhile: nor does its memory; twice the recent and more


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a point added.

    Parameters
    ----------
    point : PointLines
        The point.
    phases : tuple of UnknownPhase
        Unknown phases that are there.
    new : tuple of str
        Names of those that were not told before.
    change : Change or None
        What changed since the point before, whatever it is made of; None where nothing did for certain.
    """

    point: PointLines
    phases: tuple[UnknownPhase, ...]
    new: tuple[str, ...]
    change: Change | None


class Survey:
    """The unknown lines of a sweep, point by point.

    Parameters
    ----------
    remembered_points : int, optional
        How many of the newest points are kept, `RECENT_POINTS` at least; all where none is given, as `grouping` and
        `changes` of a whole sweep need them.
    """

    def __init__(self, *, remembered_points: int | None = None) -> None:
        self._remembered_points = remembered_points
        self._place = 0  # of the next point in the sweep
        self._points: dict[int, PointLines] = {}
        self._tracks: tuple[LineTrack, ...] = ()
        self._names: dict[int, str] = {}  # of the phase that a track was told to belong to
        self._told = 0
        self._changes: dict[int, Change] = {}  # by the index of the point after

    def take(self, point: PointLines) -> Finding:
        """Take the next point of the sweep and return what it adds."""
        place = self._place
        self._place += 1
        self._points[place] = point
        if self._remembered_points is not None:
            self._forget(self._place - self._remembered_points)
        self._tracks = followed(self._tracks, point, place)
        oldest = place - RECENT_POINTS
        recent = [track.since(oldest) for track in self._tracks if track.places[-1] >= oldest]
        there = [phase for phase in grouping(recent, self._points).phases if phase.places[-1] == place]
        before = self._told
        named = self._named(there)
        changed = change(self._points[place - 1], point, recent, place) if place else None
        self._changes |= {place: changed} if changed else {}
        return Finding(
            point=point,
            change=changed,
            phases=named,
            new=tuple(f"unknown {number + 1}" for number in range(before, self._told)),
        )

    def grouping(self) -> Grouping:
        """Return the unknown phases of all points so far, by the names they were told with."""
        whole = grouping(self._tracks, self._points)
        return replace(whole, phases=self._named(whole.phases))

    @property
    def changes(self) -> tuple[Change, ...]:
        """What changed from point to point so far."""
        return tuple(self._changes.values())

    @property
    def tracks(self) -> tuple[LineTrack, ...]:
        """All lines followed so far."""
        return self._tracks

    def _forget(self, oldest: int) -> None:
        """Let go of what was seen before a point of the sweep, by its index."""
        self._points.pop(oldest - 1, None)
        self._changes.pop(oldest - 1, None)
        self._tracks = tuple(track.since(oldest) for track in self._tracks if track.places[-1] >= oldest)
        followed_still = {track.number for track in self._tracks}
        self._names = {number: name for number, name in self._names.items() if number in followed_still}

    def _named(self, phases: tuple[UnknownPhase, ...] | list[UnknownPhase]) -> tuple[UnknownPhase, ...]:
        """Return phases by their names: the one that most lines were told with, and no other has."""
        named: list[UnknownPhase] = []
        for phase in phases:
            votes = Counter(self._names[track.number] for track in phase.tracks if track.number in self._names)
            free = [name for name, _ in votes.most_common() if name not in {each.name for each in named}]
            if not free:
                self._told += 1
            name = free[0] if free else f"unknown {self._told}"
            for track in phase.tracks:
                self._names.setdefault(track.number, name)
            named.append(replace(phase, name=name))
        return tuple(named)
