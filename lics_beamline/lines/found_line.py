"""A line that was found, and which of many overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lics_beamline.lines.line_fit import LineFit, ProfileLine

CLOSE_FWHM: Final = 3.0  # lines closer than this are fitted together
PAIR_FWHM: Final = 1.3  # of two lines closer than this each must be needed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundLine:
    """A line and what its fit says of it; a candidate has no fit yet.

    Parameters
    ----------
    line : ProfileLine
        Place, width, height, mixing.
    fit : LineFit, optional
        The fit that it is of.
    sigmas : float
        Height over `height_sigma`; of a candidate, its curvature over noise.
    height_sigma : float
        Error that background and neighbours leave of its height, as counting has it [unit of the pattern].
    centre_sigma : float
        Standard error of its place, enlarged by correlation and misfit [deg].
    """

    line: ProfileLine
    fit: LineFit | None = None
    sigmas: float = 0.0
    height_sigma: float = math.nan
    centre_sigma: float = math.nan


def is_pair(line: ProfileLine, other: ProfileLine) -> bool:
    """Tell whether two lines are so close that each must be needed."""
    return 0.0 < abs(line.centre - other.centre) < PAIR_FWHM * max(line.fwhm, other.fwhm)


def groups_of(known: Sequence[FoundLine]) -> list[list[FoundLine]]:
    """Lines that overlap, together."""
    groups: list[list[FoundLine]] = []
    for one in sorted(known, key=lambda one: one.line.centre):
        if groups:
            last = groups[-1][-1].line
            if one.line.centre - last.centre < CLOSE_FWHM * max(last.fwhm, one.line.fwhm):
                groups[-1].append(one)
                continue
        groups.append([one])
    return groups
