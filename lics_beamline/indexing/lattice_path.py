"""A lattice followed over the points of a sweep: cells that shrink smoothly as pressure rises."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.indexing.lattice_evidence import PointFit, volume_angstrom3
from lics_beamline.indexing.lattice_form import cell_of, families
from lics_beamline.indexing.lattice_search import Places
from lics_beamline.indexing.line_set import LineSet

Array = npt.NDArray[np.float64]

REACH_OF_LOG: Final = 0.06  # of the log of the edges, between neighbouring points: 2 GPa of a soft metal
REACH_STEPS: Final = 25
UNEVEN_OF_LOG: Final = 0.006  # of the log of an edge, by which one may shrink more than another
ROUGH_OF_Q: Final = 3e-3  # relative, of Q: how far lines may be off at first
SAME_TEMPERATURE_K: Final = 30.0  # points nearer than this are compared
SAME_PRESSURE_GPA: Final = 0.15  # and those further apart than this: nearer ones are not known to differ
GROWN_RELATIVE: Final = 3e-3  # by which a volume may grow with pressure: errors
JUMP_RELATIVE: Final = 0.012  # of an edge, from a line through the other points: what a cell of the same phase does not


def follow(sets: Sequence[LineSet], places: Sequence[Places], system: str, start: PointFit) -> list[Array]:
    """Return the free numbers of a lattice at each point, from those at the first: each from the nearest known."""
    from lics_beamline.indexing.trial_cells import follow_cells

    made = start.match.made
    seen = start.match.seen[made.group]
    rows = np.ascontiguousarray(families(system).form[made.family[seen]])
    known = [start.numbers]
    for number in range(1, len(sets)):
        place = places[number]
        middle = known[_nearest(sets, number)]
        starts = _starts(system, middle)
        scores = np.zeros(len(starts))
        follow_cells(
            rows,
            place.q,
            place.error_deg * place.steepness,
            place.steepness,
            start.shift_deg,
            ROUGH_OF_Q,
            starts,
            scores,
        )
        known.append(_smoothest(starts, scores, middle, system))
    return known


def _nearest(sets: Sequence[LineSet], number: int) -> int:
    away = [abs(sets[one].pressure_gpa - sets[number].pressure_gpa) for one in range(number)]
    return min(range(number), key=lambda one: away[one] if math.isfinite(away[one]) else one)


def _starts(system: str, numbers: Array) -> Array:
    """Return cells about one: larger and smaller, and with axes that shrink unevenly."""
    edges = min(len(numbers), 3)
    tilts = [0.0] if system != "monoclinic" else [-0.01, 0.0, 0.01]
    found = []
    for even in np.linspace(-REACH_OF_LOG, REACH_OF_LOG, REACH_STEPS):
        for uneven in itertools.product((-UNEVEN_OF_LOG, 0.0, UNEVEN_OF_LOG), repeat=edges - 1):
            scaled = numbers.copy()
            scaled[:edges] *= np.exp(-2.0 * (even + np.array([0.0, *uneven])))
            for tilt in tilts:
                turned = scaled.copy()
                if system == "monoclinic":
                    turned[3] += 2.0 * tilt * math.sqrt(turned[0] * turned[2])
                found.append(turned)
    return np.array(found)


def _smoothest(found: Array, scores: Array, middle: Array, system: str) -> Array:
    """Return the cell that fits best; of those that fit as well, the one nearest to the one before."""
    good = np.flatnonzero(scores >= scores.max() - 0.5)
    near = [float(np.abs(np.log(np.abs(found[one][:3] / middle[:3]))).max()) for one in good]
    for one in good[np.argsort(near)]:
        if cell_of(system, found[one]) is not None:
            return np.asarray(found[one])
    return middle


def roughness(sets: Sequence[LineSet], system: str, numbers: Sequence[Array]) -> str:
    """Return why cells cannot be of one phase under pressure; empty where they can.

    Parameters
    ----------
    sets : sequence of LineSet
        The points.
    system : str
        Crystal system.
    numbers : sequence of ndarray
        Free numbers in Q at each.
    """
    volumes = [volume_angstrom3(system, each) for each in numbers]
    for one, other in itertools.permutations(range(len(sets)), 2):
        low, high = sets[one], sets[other]
        if abs(low.temperature_k - high.temperature_k) > SAME_TEMPERATURE_K:
            continue
        if high.pressure_gpa - low.pressure_gpa < SAME_PRESSURE_GPA or math.isnan(high.pressure_gpa - low.pressure_gpa):
            continue
        if volumes[other] > volumes[one] * (1.0 + GROWN_RELATIVE):
            return (
                f"its volume grows from {volumes[one]:.2f} to {volumes[other]:.2f} angstrom^3 between "
                f"{low.pressure_gpa:.2f} and {high.pressure_gpa:.2f} GPa"
            )
    pressures = np.array([one.pressure_gpa for one in sets])
    if len(sets) >= 4 and np.isfinite(pressures).all() and np.ptp(pressures) > SAME_PRESSURE_GPA:
        logs = -0.5 * np.log(np.array(numbers)[:, : min(3, len(numbers[0]))])
        bent = np.polynomial.polynomial.Polynomial.fit
        for column in logs.T:
            off = np.abs(column - bent(pressures, column, min(2, len(sets) - 2))(pressures))
            if off.max() > JUMP_RELATIVE:
                at = pressures[int(off.argmax())]
                return f"an axis jumps by {100.0 * off.max():.1f} % at {at:.2f} GPa"
    return ""
