"""Where the lines of the phases of a point lie: worked out once a phase, and then only moved with the cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.exports.reduced_run import ReducedPoint
from lics_beamline.phases.phase import CrystalPhase
from lics_beamline.physics.crystal import two_theta_deg
from lics_beamline.physics.unit_cell import UnitCell, free_names

WORTH_A_TICK: Final = 0.03  # of the strongest line of a phase
LEAST_SPACING_SHARE: Final = 0.97  # of the smallest seen: a heated cell is larger than that at no pressure


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseLines:
    """Lines of one phase at one point.

    Parameters
    ----------
    phase : str
        Name of the phase.
    two_theta_deg : tuple of float
        Where its lines are, strong ones only [deg].
    """

    phase: str
    two_theta_deg: tuple[float, ...]


def unexplained_lines(point: ReducedPoint, wavelength_angstrom: float) -> tuple[tuple[float, float], ...]:
    """Return spacing [angstrom] and angle [deg] of each line that no phase explains; none of an unknown wavelength.

    Parameters
    ----------
    point : ReducedPoint
        The point.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    """
    seen = [spacing for spacing in point.unknown_d_angstrom if 2.0 * spacing > wavelength_angstrom]
    return tuple((spacing, two_theta_deg(spacing, wavelength_angstrom)) for spacing in seen)


def lines_of(
    point: ReducedPoint, phases: tuple[CrystalPhase, ...], wavelength_angstrom: float
) -> tuple[PhaseLines, ...]:
    """Return the lines of all phases that were found at a point, in the cells they were found with.

    Parameters
    ----------
    point : ReducedPoint
        The point, with its pattern.
    phases : tuple of CrystalPhase
        Those that the recipe looked for.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    """
    if not point.reduced or not point.two_theta_deg.size:
        return ()
    low, high = float(point.two_theta_deg[0]), float(point.two_theta_deg[-1])
    found = []
    for phase in phases:
        here = point.phase(phase.name)
        names = free_names(phase.system)
        if here is None or not all(math.isfinite(here.cell.get(name, math.nan)) for name in names):
            continue
        cell = UnitCell.from_free(np.array([here.cell[name] for name in names]), phase.system)
        planes = _worth_a_tick(phase, wavelength_angstrom, high)
        sine = 0.5 * wavelength_angstrom * np.sqrt(cell.inverse_d_squared(planes))
        angles = 2.0 * np.degrees(np.arcsin(sine[sine < 1.0]))
        within = sorted(float(angle) for angle in angles if low <= angle <= high)
        found.append(PhaseLines(phase=phase.name, two_theta_deg=tuple(within)))
    return tuple(found)


@lru_cache(maxsize=64)
def _worth_a_tick(phase: CrystalPhase, wavelength_angstrom: float, highest_deg: float) -> npt.NDArray[np.int64]:
    """Return the planes of the strong lines of a phase, by its cell at no pressure."""
    shortest = LEAST_SPACING_SHARE * wavelength_angstrom / 2.0 / math.sin(math.radians(highest_deg) / 2.0)
    lines = phase.lines(phase.structure.cell, wavelength_angstrom=wavelength_angstrom, d_min_angstrom=shortest)
    strongest = max((line.strength for line in lines), default=0.0)
    planes = [line.hkl for line in lines if line.strength > WORTH_A_TICK * strongest]
    return np.array(planes, dtype=np.int64).reshape(-1, 3)
