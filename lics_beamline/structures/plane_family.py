"""Planes that symmetry makes equal: a family, Friedel mates included."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lics_beamline.structures.wyckoff_position import operations_of

Planes = npt.NDArray[np.int64]


def turns_of(space_group: str) -> Planes:
    """Return the rotations of a space group, each once, shape (n, 3, 3): planes, as rows, are multiplied by them."""
    return np.unique(np.round(operations_of(space_group)[0]).astype(np.int64), axis=0)


def planes_of(hkl: tuple[int, int, int], turns: Planes) -> set[tuple[int, ...]]:
    """Return all planes of the family of one."""
    planes = np.array(hkl) @ turns
    return {tuple(plane) for plane in np.concatenate([planes, -planes]).tolist()}


def representative(plane: tuple[int, ...], turns: Planes) -> tuple[int, ...]:
    """Return the plane that stands for the family of one: the same for all its members."""
    planes = np.array(plane) @ turns
    return max(tuple(each) for each in np.concatenate([planes, -planes]).tolist())
