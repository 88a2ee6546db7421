"""Where a phase of a run comes, fills the sample, and goes: brackets between points, with errors of pressure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from lics_beamline.analysis.discovery import points_with_lines, surveyed
from lics_beamline.exports.comparison import boundaries
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun

HALF_FRACTION: Final = 0.5  # of the sample's crystalline mass
WHOLE_FRACTION: Final = 0.95  # of the sample's crystalline mass: what is left then is at the limit of what lines show
CALM_DEG: Final = (10.0, 12.0)  # beyond the first halo of a liquid of large atoms and before the seats' edge
HALO_DEG: Final = (4.0, 9.0)  # spacings from 2.6 to 5.9 angstrom at 30 keV: where liquid metals have their first peak
FEWEST_BINS: Final = 5  # of a median
WINDOW_DEG: Final = 0.6  # medians over this much do not see lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """Two neighbouring points of a path between which something happened.

    Parameters
    ----------
    before, after : ReducedPoint
        The points.
    """

    before: ReducedPoint
    after: ReducedPoint

    @property
    def pressures_gpa(self) -> tuple[float, float]:
        """Pressures of both, the lower first [GPa]."""
        pair = sorted((self.before.pressure_gpa, self.after.pressure_gpa))
        return pair[0], pair[1]

    @property
    def systematic_gpa(self) -> float:
        """Systematic standard deviation of the pressures [GPa], common to both."""
        return max(self.before.pressure_systematic_gpa, self.after.pressure_systematic_gpa)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseTransition:
    """Coming and going of a phase.

    Parameters
    ----------
    phase : str
        Its name.
    appears, disappears : tuple of Bracket
        Points between which it came and went.
    half_gpa, whole_gpa : float
        Pressure at which it first was half of the sample, interpolated between points, and of the first point at which
        it was all but the last 5 % [GPa]; NaN where it never was.
    """

    phase: str
    appears: tuple[Bracket, ...]
    disappears: tuple[Bracket, ...]
    half_gpa: float
    whole_gpa: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Halo:
    """Diffuse light that came between two points.

    Parameters
    ----------
    two_theta_deg : float
        Angle of its maximum [deg].
    spacing_angstrom : float
        2 pi/Q there [angstrom].
    excess : float
        How much brighter the background became there than at large angles, relative.
    sigma : float
        Standard deviation of `excess`, from the scatter of the ratio at large angles.
    """

    two_theta_deg: float
    spacing_angstrom: float
    excess: float
    sigma: float


def transition(run: ReducedRun, phase: str) -> PhaseTransition:
    """Return where a phase comes and goes along the path of a run."""
    points = [point for point in sorted(run.points, key=lambda point: point.index) if point.phases_sought]
    changes = [Bracket(before=one, after=other) for one, other in pairwise(points)]
    of_phase = [each for each in boundaries(run) if each.phase == phase]
    came = {(each.before_gpa, each.after_gpa) for each in of_phase if each.appears}
    went = {(each.before_gpa, each.after_gpa) for each in of_phase if not each.appears}

    def among(found: set[tuple[float, float]]) -> tuple[Bracket, ...]:
        return tuple(one for one in changes if (one.before.pressure_gpa, one.after.pressure_gpa) in found)

    parts = [(point.pressure_gpa, _part(point, phase)) for point in points]
    half = next(
        (
            gpa + (other_gpa - gpa) * (HALF_FRACTION - part) / (other - part)
            for (gpa, part), (other_gpa, other) in pairwise(parts)
            if part < HALF_FRACTION <= other
        ),
        math.nan,
    )
    whole = next((gpa for gpa, part in parts if part >= WHOLE_FRACTION), math.nan)
    return PhaseTransition(phase=phase, appears=among(came), disappears=among(went), half_gpa=half, whole_gpa=whole)


def unnamed_transitions(run: ReducedRun) -> tuple[PhaseTransition, ...]:
    """Return where phases that the recipe does not name come and go: by their lines, so without parts of the sample."""
    lines = points_with_lines(run)
    points = {point.index + 1: point for point in run.points}
    path = [points[each.number] for each in lines]
    found = []
    for phase in surveyed(lines).grouping().phases:
        first, last = phase.places[0], phase.places[-1]
        found.append(
            PhaseTransition(
                phase=phase.name,
                appears=tuple(
                    Bracket(before=one, after=other) for one, other in pairwise(path[max(first - 1, 0) : first + 1])
                ),
                disappears=tuple(Bracket(before=one, after=other) for one, other in pairwise(path[last : last + 2])),
                half_gpa=math.nan,
                whole_gpa=math.nan,
            )
        )
    return tuple(found)


def halo(run: ReducedRun, bracket: Bracket) -> Halo | None:
    """Return the diffuse light that came between two points, what a liquid adds; None where patterns do not reach.

    Notes
    -----
    Running medians of both patterns, their ratio divided by that at large angles, where a liquid of large atoms adds
    little; a change of exposure or thickness drops out.
    """
    before, after = run.pattern(bracket.before), run.pattern(bracket.after)
    x = before.two_theta_deg
    both = np.isfinite(before.intensity) & np.isfinite(after.intensity)
    centres: list[float] = []
    ratios: list[float] = []
    for centre in np.arange(HALO_DEG[0], CALM_DEG[1], WINDOW_DEG / 2.0):
        near = both & (np.abs(x - centre) < WINDOW_DEG / 2.0)
        if np.count_nonzero(near) >= FEWEST_BINS:
            centres.append(float(centre))
            ratios.append(float(np.median(after.intensity[near]) / np.median(before.intensity[near])))
    calm = [ratio for centre, ratio in zip(centres, ratios, strict=True) if centre >= CALM_DEG[0]]
    first = [(ratio, centre) for centre, ratio in zip(centres, ratios, strict=True) if centre <= HALO_DEG[1]]
    if len(calm) < 3 or not first:
        return None
    level = float(np.median(calm))
    ratio, angle = max(first)
    return Halo(
        two_theta_deg=angle,
        spacing_angstrom=run.wavelength_angstrom / (2.0 * math.sin(math.radians(angle) / 2.0)),
        excess=ratio / level - 1.0,
        sigma=float(np.std(calm)) / level,
    )


def _part(point: ReducedPoint, name: str) -> float:
    """Part of a phase in the crystalline sample; what no phase explains counts by the light of its lines."""
    found = point.phase(name)
    return 0.0 if found is None or math.isnan(found.fraction) else found.fraction * (1.0 - point.unknown_fraction)
