"""A phase of a powder as a pattern fit starts from it, and its reflections sorted into rings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.crystal import PowderLine, powder_lines
from lics_beamline.physics.unit_cell import FREE, UnitCell, lattice_system

Array = npt.NDArray[np.float64]

# Two cells of the same system in general position: families whose spacings agree in both agree in every such cell.
GENERIC_CELLS: Final = ((1.0, 1.1271, 1.3019, 83.17, 97.31, 102.43), (1.0, 0.8413, 1.2357, 95.29, 81.53, 88.71))
SAME_SPACING_RELATIVE: Final = 1e-9  # relative; of rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class PowderPhase:
    """A phase to be fitted.

    Parameters
    ----------
    name : str
        Name in results.
    space_group : str
        Hermann-Mauguin symbol, ``"P m -3 m"``; rhombohedral axes as ``"R -3 m:R"``.
    cell : UnitCell
        Where the search for the cell starts.
    refine_cell : bool
        False for an internal standard, whose cell is known.
    own_strain : bool
        Give the phase a Lorentzian strain broadening of its own on top of the pattern's widths: a gasket is not the
        sample.
    """

    name: str
    space_group: str
    cell: UnitCell
    refine_cell: bool = True
    own_strain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PowderRing:
    """Families that share a ring, with the spacings of the start cell.

    Parameters
    ----------
    lines : tuple of PowderLine
        The families.
    exact : bool
        Whether their spacings are equal for every cell of the system.
    """

    lines: tuple[PowderLine, ...]
    exact: bool


def rings(
    phase: PowderPhase, *, d_min_angstrom: float, wavelength_angstrom: float, blend_deg: float
) -> tuple[PowderRing, ...]:
    """Sort the reflections of a phase into rings, largest spacing first.

    Parameters
    ----------
    phase : PowderPhase
        The phase.
    d_min_angstrom : float
        Smallest spacing [angstrom].
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    blend_deg : float
        Families closer than this [deg] are one ring: the pattern cannot tell them apart.
    """
    exact = _exact_rings(powder_lines(phase.cell, phase.space_group, d_min_angstrom), phase.space_group)
    found: list[PowderRing] = []
    last_deg = -math.inf
    for lines in exact:
        angle = 2.0 * math.degrees(math.asin(min(wavelength_angstrom / (2.0 * lines[0].d_angstrom), 1.0)))
        if found and angle - last_deg < blend_deg:
            found[-1] = PowderRing(lines=found[-1].lines + lines, exact=False)
        else:
            found.append(PowderRing(lines=lines, exact=True))
            last_deg = angle
    return tuple(found)


def _exact_rings(lines: tuple[PowderLine, ...], space_group: str) -> list[tuple[PowderLine, ...]]:
    system = lattice_system(space_group)
    hkl = np.array([(line.reflection.h, line.reflection.k, line.reflection.l) for line in lines]).reshape(-1, 3)
    keys = np.stack([_generic(numbers, system).inverse_d_squared(hkl) for numbers in GENERIC_CELLS], axis=1)
    found: list[tuple[PowderLine, ...]] = []
    seen: list[Array] = []
    for line, key in zip(lines, keys, strict=True):
        same = next(
            (i for i, other in enumerate(seen) if np.allclose(key, other, rtol=SAME_SPACING_RELATIVE, atol=0.0)), None
        )
        if same is None:
            found.append((line,))
            seen.append(key)
        else:
            found[same] += (line,)
    return found


def _generic(numbers: tuple[float, ...], system: str) -> UnitCell:
    places = FREE[system]
    count = 1 + max(entry for entry in places if isinstance(entry, int))
    return UnitCell.from_free(np.array([numbers[places.index(index)] for index in range(count)]), system)
