"""What changed between two points of a sweep, without any model: which lines came, went, split and merged.

A line has come where it must have been seen before, had it been there: brighter than what that pattern would list, and
at no place where another line hid it. A line that a neighbour held before has split off, which its brightness tells.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lics_beamline.discovery.line_track import USUAL_PER_GPA, LineTrack, expected
from lics_beamline.discovery.point_lines import PointLines, SeenLine
from lics_beamline.lines.peaks import PEAK_SIGMAS, Peak

LEAST_SIGMAS: Final = 5.0  # of a change that is told: as of a peak
UNSEEN_FACTOR: Final = 0.7  # factor on a line that was not seen: grains and exposures, more than 30 % is not forgiven
MOST_USUAL_PER_GPA: Final = 2.0 * USUAL_PER_GPA  # of the lines that may have been hidden
EXPANSION_PER_K: Final = 1e-4  # the most, of a spacing
HIDING_FWHM: Final = 1.2  # distance at which a brighter line hides another
HIDING_SHARE: Final = 0.5  # of the area of a line: another of so much may have held it
HIDEABLE_SHARE: Final = 0.3  # of the area of a line: of less beside it, its own changes tell nothing
HELD_DOUBT: Final = 0.25  # relative, of the area of a line that held two
NEAREST_LINES: Final = 3  # whose noise is that of a place between them

SAME_AREA: Final = 2.0  # ratio of the areas of one line at two points
FEWEST_LINES: Final = 2  # that do one thing: a single line comes and goes with grains, spots and neighbours
SETTLED_POINTS: Final = 3  # of a track whose next place is known

Kind = Literal["came", "went", "split", "merged"]


KINDS: Final[tuple[Kind, ...]] = ("came", "went", "split", "merged")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedLine:
    """A line that changed.

    Parameters
    ----------
    kind : {"came", "went", "split", "merged"}
        What it did; split off its neighbour, or merged with it.
    line : SeenLine
        The line where it was seen: at the later point, or the earlier one where it went or merged.
    significance : float
        How far above the least that would have been listed it lies at the point where it is missing, in standard
        deviations.
    """

    kind: Kind
    line: SeenLine
    significance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed between two points.

    Parameters
    ----------
    before, after : PointLines
        The points.
    lines : tuple of ChangedLine
        At least one, by kind and falling significance.
    """

    before: PointLines
    after: PointLines
    lines: tuple[ChangedLine, ...]

    def of(self, kind: Kind) -> tuple[ChangedLine, ...]:
        """Return the lines that did one thing."""
        return tuple(line for line in self.lines if line.kind == kind)

    @property
    def significance(self) -> float:
        """Of all its lines together, in standard deviations."""
        return math.sqrt(sum(line.significance**2 for line in self.lines))

    def __str__(self) -> str:
        said = []
        for kind in KINDS:
            lines = self.of(kind)
            if lines:
                spacings = ", ".join(f"{each.line.peak.d_angstrom:.3f}" for each in lines)
                said.append(f"{len(lines)} {kind}: d = {spacings} A")
        return f"{'; '.join(said)} ({self.significance:.0f} sigma)"


def change(before: PointLines, after: PointLines, tracks: Sequence[LineTrack], place: int) -> Change | None:
    """Return what changed between two neighbouring points; None where nothing did for certain.

    Parameters
    ----------
    before, after : PointLines
        The points.
    tracks : sequence of LineTrack
        Lines followed over both: which line of one is which of the other.
    place : int
        Index of the later point in the sweep.
    """
    going_on = [(track, line) for track in tracks if (line := track.at(place)) is not None]
    pairs = [(earlier, later) for track, later in going_on if (earlier := track.at(place - 1)) is not None]
    if not pairs:
        return None
    begun = [line for track, line in going_on if track.places[0] == place]
    ended = [
        line
        for track in tracks
        if track.places[-1] == place - 1 and (line := track.at(place - 1)) and not _merges(track, after)
    ]
    steady = {track.at(place - 1) for track in tracks if _is_steady(track, place - 1)}
    forwards = _Comparison(before, after, pairs, steady=steady)
    backwards = _Comparison(after, before, [(later, earlier) for earlier, later in pairs])
    found = [
        *forwards.new(begun, ended, "came", "split"),
        *backwards.new(ended, begun, "went", "merged"),
    ]
    if any(line.kind == "merged" for line in found):
        settled = {track.at(place - 1) for track in tracks if len(track.places) >= SETTLED_POINTS}
        found = [line for line in found if line.kind != "merged" or line.line in settled]
    counts = Counter(line.kind for line in found)
    found = [line for line in found if counts[line.kind] >= FEWEST_LINES]
    if not found:
        return None
    found.sort(key=lambda line: (KINDS.index(line.kind), -line.significance))
    return Change(before=before, after=after, lines=tuple(found))


def _is_steady(track: LineTrack, place: int) -> bool:
    """Whether a line has kept its brightness for some points: one that another passes has not."""
    areas = [
        line.peak.area for at in range(place + 1 - SETTLED_POINTS, place + 1) if (line := track.at(at)) is not None
    ]
    return len(areas) == SETTLED_POINTS and max(areas) < (1.0 + 2.0 * HELD_DOUBT) * min(areas)


def _merges(track: LineTrack, after: PointLines) -> bool:
    """Whether a line moves, by its past, to where another one is: it is hidden then, and has not gone."""
    if len(track.places) < SETTLED_POINTS:
        return False
    where = expected(track, after.pressure_gpa, after.temperature_k)
    sine = after.wavelength_angstrom / 2.0 / math.exp(where.log_spacing)
    angle, fwhm = 2.0 * math.degrees(math.asin(min(sine, 1.0))), track.lines[-1].peak.fwhm_deg
    return any(
        abs(line.peak.two_theta_deg - angle) < HIDING_FWHM * max(fwhm, line.peak.fwhm_deg) for line in after.lines
    )


class _Comparison:
    """Two points, of which the second is asked for lines that the first does not have."""

    def __init__(
        self,
        without: PointLines,
        having: PointLines,
        pairs: Sequence[tuple[SeenLine, SeenLine]],
        *,
        steady: Collection[SeenLine | None] | None = None,
    ) -> None:
        self._steady = steady  # the lines that may have held others; None for any
        self._without, self._having, self._pairs = without, having, pairs
        ratios = [one.peak.area / other.peak.area for one, other in pairs]
        self._brighter = float(np.median(ratios))  # the first point, exposure for exposure
        # Where most lines split, the median is one of halves; what all lines have together is not.
        self._brighter_whole = sum(line.peak.area for line in without.lines) / sum(
            line.peak.area for line in having.lines
        )

    def new(self, lines: Sequence[SeenLine], lost: Sequence[SeenLine], kind: Kind, beside: Kind) -> list[ChangedLine]:
        """Return the lines that the first point does not have, of one kind, or of another where a neighbour held it."""
        found = []
        for line in lines:
            significance = self._significance(line.peak)
            if significance < LEAST_SIGMAS or self._may_be(line, lost):
                continue
            if self._was_held(line):
                found.append(ChangedLine(kind=beside, line=line, significance=significance))
            elif not self._was_hidden(line):
                found.append(ChangedLine(kind=kind, line=line, significance=significance))
        return found

    def _may_be(self, line: SeenLine, lost: Sequence[SeenLine]) -> bool:
        """Whether it may be a line that the first point has and that was not recognised."""
        low, high = self._where(line.peak)
        return any(
            low - line.peak.fwhm_deg < other.peak.two_theta_deg < high + line.peak.fwhm_deg
            and 1.0 / SAME_AREA < other.peak.area / (line.peak.area * self._brighter) < SAME_AREA
            for other in lost
        )

    def _significance(self, peak: Peak) -> float:
        nearest = sorted(self._without.lines, key=lambda line: abs(line.peak.two_theta_deg - peak.two_theta_deg))
        noise = float(np.median([line.peak.height_sigma for line in nearest[:NEAREST_LINES]]))
        would_be, error = peak.height * self._brighter, peak.height_sigma * self._brighter
        return (UNSEEN_FACTOR * would_be - PEAK_SIGMAS * noise) / math.hypot(noise, error)

    def _was_held(self, line: SeenLine) -> bool:
        """Whether a neighbour had the brightness of both before."""
        for held, left in self._pairs:
            if self._steady is not None and held not in self._steady:
                continue
            near = abs(left.peak.two_theta_deg - line.peak.two_theta_deg)
            if near > 2.0 * HIDING_FWHM * max(held.peak.fwhm_deg, left.peak.fwhm_deg):
                continue
            if line.peak.area < HIDEABLE_SHARE * left.peak.area:
                continue
            for brighter in (self._brighter, self._brighter_whole):
                alone = left.peak.area * brighter
                both = alone + line.peak.area * brighter
                if abs(held.peak.area / both - 1.0) < HELD_DOUBT and held.peak.area > 0.5 * (alone + both):
                    return True
        return False

    def _was_hidden(self, line: SeenLine) -> bool:
        """Whether another line stood where the line may have been, or the pattern did not reach there."""
        low, high = self._where(line.peak)
        first, last = self._without.range_deg
        if low < first + line.peak.fwhm_deg or high > last - line.peak.fwhm_deg:
            return True
        for other in self._without.lines:
            reach = HIDING_FWHM * max(line.peak.fwhm_deg, other.peak.fwhm_deg)
            bright = HIDING_SHARE * line.peak.area * self._brighter < other.peak.area
            if bright and low - reach < other.peak.two_theta_deg < high + reach:
                return True
        return False

    def _where(self, peak: Peak) -> tuple[float, float]:
        """Return the angles [deg] between which a line was at the other point."""
        step = self._without.pressure_gpa - self._having.pressure_gpa
        warmer = self._without.temperature_k - self._having.temperature_k
        shifts = sorted((0.0, -MOST_USUAL_PER_GPA * step))
        warmth = sorted((0.0, EXPANSION_PER_K * warmer))
        sines = [
            math.sin(math.radians(peak.two_theta_deg) / 2.0) * math.exp(-shift)
            for shift in (shifts[1] + warmth[1], shifts[0] + warmth[0])
        ]
        low, high = (2.0 * math.degrees(math.asin(min(sine, 1.0))) for sine in sines)
        return low, high
