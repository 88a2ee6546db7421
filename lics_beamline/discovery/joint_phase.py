"""Two phases that come and go together: lines that shrink in two ways are parted, and each set is asked for a lattice.

One phase of unlike axes shrinks in more than one way, too. So compressibilities alone part nothing: only where no
lattice explains all lines, and one each explains the two sets, these are told as two phases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.discovery.unknown_phase import SAME_TEMPERATURE_K, SEEN_AGAIN, UnknownPhase
from lics_beamline.indexing.indexed_lattice import Indexing
from lics_beamline.indexing.indexing import SURE_ODDS, index_lines

Array = npt.NDArray[np.float64]

FEWEST_OF_PART: Final = 4  # lines of each: fewer fit a lattice of any kind
APART_SIGMAS: Final = 5.0  # between the means of the two sets
APART_SCATTERS: Final = 4.0  # the same, over the scatter within them: axes of one phase make no such gap


@dataclass(frozen=True, slots=True, kw_only=True)
class PartedPhase:
    """An unknown phase whose lines shrink in two ways.

    Parameters
    ----------
    whole : UnknownPhase
        What was told as one.
    whole_log_evidence : float
        Log of the odds of the best lattice of all lines to chance; minus infinity where there is none.
    parts : tuple of UnknownPhase
        The two sets, that of more lines first; named as the whole with ``a`` and ``b``.
    lattices : tuple of Indexing
        What the lines of each say.
    """

    whole: UnknownPhase
    whole_log_evidence: float
    parts: tuple[UnknownPhase, ...]
    lattices: tuple[Indexing, ...]

    @property
    def are_two(self) -> bool:
        """Whether each set has a lattice of its own, and both say much more than the best of all lines does."""
        if any(lattice.verdict == "not decided" for lattice in self.lattices):
            return False
        apart = sum(lattice.lattices[0].log_evidence for lattice in self.lattices)
        return apart > self.whole_log_evidence + SURE_ODDS

    def __str__(self) -> str:
        sets = " and ".join(
            f"{len(part.tracks)} lines by {part.compressibility_per_gpa:.4f} +- "
            f"{part.compressibility_sigma_per_gpa:.4f} /GPa"
            for part in self.parts
        )
        if self.are_two:
            names = " and ".join(part.name for part in self.parts)
            return (
                f"{names} come and go together and are told apart by how they shrink, {sets}, and by a lattice for "
                "each, which say much more than the best one of all lines. A point at which their shares differ "
                "confirms it: another temperature, or the way back."
            )
        return (
            f"The lines of {self.whole.name} shrink in two ways, {sets}: two phases, or one of unlike axes; no lattice "
            "of all lines is decided, nor two of the sets that say more. A point at which only one of them is there "
            "decides: another temperature, the way back, smaller steps where they come."
        )


def parted_phase(phase: UnknownPhase, indexing: Indexing) -> PartedPhase | None:
    """Part the lines of a phase that no lattice explains; None where they shrink in one way, or nothing tells.

    Parameters
    ----------
    phase : UnknownPhase
        The phase.
    indexing : Indexing
        What all its lines say. Where that is decided they are not parted: the lines of a layered crystal, parted by
        how they shrink, have lattices of their own that mean nothing.
    """
    if indexing.verdict != "not decided":
        return None
    sets = _two_sets(*_slopes(phase))
    if sets is None:
        return None
    parts = tuple(
        phase.of_tracks([phase.tracks[index] for index in chosen], f"{phase.name}{letter}")
        for chosen, letter in zip(sorted(sets, key=len, reverse=True), "ab", strict=True)
    )
    together = max((one.log_evidence for one in indexing.lattices if not one.rejected), default=-math.inf)
    return PartedPhase(
        whole=phase,
        whole_log_evidence=together,
        parts=parts,
        lattices=tuple(index_lines(part.line_sets()) for part in parts),
    )


def _slopes(phase: UnknownPhase) -> tuple[Array, Array]:
    """Return by what factor each line shrinks more than the first does, with the standard deviations.

    To compare with a line, and not with the pressure, leaves out how phases stiffen. Lines seen too seldom have NaN.
    """
    lead = phase.tracks[0]
    usual = float(np.median(lead.temperatures_k))
    at = {
        place: index
        for index, (place, kelvin) in enumerate(zip(lead.places, lead.temperatures_k, strict=True))
        if abs(kelvin - usual) < SAME_TEMPERATURE_K
    }
    slopes = np.full(len(phase.tracks), math.nan)
    sigmas = np.full(len(phase.tracks), math.nan)
    for number, track in enumerate(phase.tracks):
        common = [(at[place], index) for index, place in enumerate(track.places) if place in at]
        if len(common) < SEEN_AGAIN:
            continue
        here, there = (list(each) for each in zip(*common, strict=True))
        weight = np.hypot(lead.spacing_errors[here], track.spacing_errors[there]) ** -2.0
        mine, theirs = lead.log_spacings[here], track.log_spacings[there]
        mine = mine - np.average(mine, weights=weight)
        span = float(np.sum(weight * mine**2))
        if span > 0.0:
            slopes[number] = float(np.sum(weight * mine * theirs)) / span
            sigmas[number] = span**-0.5
    return slopes, sigmas


def _two_sets(slopes: Array, sigmas: Array) -> tuple[list[int], list[int]] | None:
    """Return the lines of two sets whose slopes lie clearly apart."""
    order = [int(index) for index in np.argsort(slopes) if math.isfinite(slopes[index])]
    best: tuple[float, list[int], list[int]] | None = None
    for cut in range(FEWEST_OF_PART, len(order) - FEWEST_OF_PART + 1):
        low, high = order[:cut], order[cut:]
        left = sum(float(np.sum((_off_mean(slopes, sigmas, each) / sigmas[each]) ** 2)) for each in (low, high))
        if best is None or left < best[0]:
            best = (left, low, high)
    if best is None:
        return None
    _, low, high = best
    apart = _mean(slopes, sigmas, high) - _mean(slopes, sigmas, low)
    inner = np.concatenate([_off_mean(slopes, sigmas, each) for each in (low, high)])
    scatter = math.sqrt(float(np.mean(inner**2)))
    formal = [float(np.sum(sigmas[each] ** -2.0)) ** -0.5 for each in (low, high)]
    error = math.hypot(
        *(max(one, scatter / math.sqrt(len(each))) for one, each in zip(formal, (low, high), strict=True))
    )
    return (low, high) if apart > max(APART_SIGMAS * error, APART_SCATTERS * scatter) else None


def _mean(slopes: Array, sigmas: Array, chosen: list[int]) -> float:
    return float(np.average(slopes[chosen], weights=sigmas[chosen] ** -2.0))


def _off_mean(slopes: Array, sigmas: Array, chosen: list[int]) -> Array:
    return np.asarray(slopes[chosen] - _mean(slopes, sigmas, chosen))
