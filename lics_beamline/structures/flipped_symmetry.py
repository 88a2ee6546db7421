"""Where a density in P1 has the origin of a space group, and how well it has its symmetry.

Charge flipping knows no symmetry. If the density has an operation all the same, from an origin somewhere, then that is
no accident: the agreement says which of the groups that leave out the same planes it is.

References
----------
L. Palatinus and A. van der Lee, J. Appl. Cryst. 41, 975 (2008), doi 10.1107/S0021889808028185.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.structures.charge_flipping import FlippedPhases, Waves
from lics_beamline.structures.plane_family import Planes
from lics_beamline.structures.wyckoff_position import operations_of

Array = npt.NDArray[np.float64]

ORIGIN_POINTS: Final = 24  # of an edge, at which an origin is sought: a multiple of all that symmetry has
LONG_ANGSTROM: Final = 8.0  # an edge of more: twice as many
STRONGEST_PLANES: Final = 80  # by which the best of these is refined
ORIGINS_REFINED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SettledPhases:
    """Phases at the origin of a space group.

    Parameters
    ----------
    space_group : str
        Hermann-Mauguin symbol.
    agreement : float
        Mean of the cosines by which the phases of planes that the group makes equal differ, weighted by the squares of
        amplitudes: 1 for a density that has the symmetry, about 0 for one that does not.
    waves : ndarray of complex128, shape (n,)
        Structure factors at the origin, the mean over the operations.
    phases : FlippedPhases
        What they were.
    """

    space_group: str
    agreement: float
    waves: Waves
    phases: FlippedPhases


def settled(phases: FlippedPhases, space_group: str, longest_angstrom: float) -> SettledPhases:
    """Return phases at the origin from which their density has most of the symmetry of a group.

    Parameters
    ----------
    phases : FlippedPhases
        In P1, of a Laue class that has all rotations of the group.
    space_group : str
        Hermann-Mauguin symbol.
    longest_angstrom : float
        Longest edge of the cell [angstrom].
    """
    from scipy.optimize import minimize

    rotations, translations = _one_of_each_turn(space_group)
    planes, waves = phases.planes, phases.waves
    turned = _turned(planes, rotations)
    shifts = np.exp(2j * np.pi * planes @ translations.T)
    products = waves.conj()[:, None] * waves[turned] * shifts  # of each plane with each that an operation makes of it
    moves = rotations - np.eye(3)
    total = float(np.sum(np.abs(waves) ** 2)) * len(rotations)

    count = ORIGIN_POINTS if longest_angstrom < LONG_ANGSTROM else 2 * ORIGIN_POINTS
    starts = _best_origins(planes, products, moves, count)
    strong = np.argsort(-np.abs(waves))[:STRONGEST_PLANES]

    def lost(origin: Array) -> float:
        angle = planes[strong] @ (moves @ origin).T
        return -float(np.sum(products[strong] * np.exp(-2j * np.pi * angle)).real) / total

    found = [minimize(lost, start, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-5}) for start in starts]
    origin = min(found, key=lambda one: float(one.fun)).x
    at_origin = waves * np.exp(-2j * np.pi * planes @ origin)
    mean = (at_origin[turned] * shifts).mean(axis=1)
    every = len(rotations)
    whole = float(np.sum(products * np.exp(-2j * np.pi * planes @ (moves @ origin).T)).real) / total
    return SettledPhases(
        space_group=space_group,
        agreement=(every * whole - 1.0) / (every - 1) if every > 1 else 1.0,  # without the identity
        waves=mean,
        phases=phases,
    )


def _best_origins(planes: Planes, products: Waves, moves: Array, count: int) -> list[Array]:
    """Return the points of a grid of so many an edge from which the symmetry is best."""
    shape = (count,) * 3
    places = np.ravel_multi_index(tuple(planes.T), shape, mode="wrap")
    points = np.array(np.unravel_index(np.arange(count**3), shape))
    total = np.zeros(count**3)
    for product, move in zip(products.T, moves, strict=True):
        if not move.any():
            continue
        grid = np.bincount(places, weights=product.real, minlength=total.size) + 1j * np.bincount(
            places, weights=product.imag, minlength=total.size
        )
        overlap = np.fft.fftn(grid.reshape(shape)).real.ravel()
        moved = np.rint(move).astype(np.int64) @ points
        total += overlap[np.ravel_multi_index(tuple(moved), shape, mode="wrap")]
    best = np.argsort(-total)[:ORIGINS_REFINED]
    return [points[:, index] / count for index in best]


def _turned(planes: Planes, rotations: Array) -> npt.NDArray[np.int64]:
    """Return the place of the plane that each rotation makes of each plane, shape (planes, rotations)."""
    place = {tuple(plane): index for index, plane in enumerate(planes.tolist())}
    made = np.rint(np.einsum("ni,oij->noj", planes, rotations)).astype(np.int64)
    return np.array([[place[tuple(plane)] for plane in row] for row in made.tolist()], dtype=np.int64)


def _one_of_each_turn(space_group: str) -> tuple[Array, Array]:
    """Return the operations without those of the centring: planes that this leaves out have no waves."""
    rotations, translations = operations_of(space_group)
    seen: dict[bytes, int] = {}
    for index, rotation in enumerate(rotations):
        seen.setdefault(np.rint(rotation).astype(np.int8).tobytes(), index)
    kept = list(seen.values())
    return rotations[kept], translations[kept]
