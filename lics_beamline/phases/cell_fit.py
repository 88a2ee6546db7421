"""The cell of a phase, fitted to the places of its peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.lines.peaks import Peak
from lics_beamline.phases.phase import Line
from lics_beamline.physics.unit_cell import UnitCell, free_names

Array = npt.NDArray[np.float64]

SPACING_AGREEMENT: Final = 1.0e-3  # relative, within one cell: 0.1 mm of sample shift is 3e-4, stress a little more
LEAST_SPACING_ERROR: Final = 1.0e-4  # relative, that no counting removes: stress, shift; keeps strong lines humble
AXIAL_RATIO_AGREEMENT: Final = 5.0e-3  # relative, with the structure's
GAUSS_NEWTON: Final = 3  # steps of a fit that is nearly linear
SLOPE_STEP_RELATIVE: Final = 1e-6  # relative, of a numerical slope
STRAYED_CELL_RELATIVE: Final = 0.2  # relative change of a cell that no longer is the one sought


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedPeak:
    """A peak and the line of a phase that made it."""

    line: Line
    peak: Peak


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFit:
    """A fitted cell and the standard deviations of its free numbers [angstrom, deg]."""

    cell: UnitCell
    sigma: tuple[float, ...]


def fit_cell(expected: UnitCell, system: str, there: Sequence[IndexedPeak]) -> CellFit | None:
    """Fit the free numbers of a cell to spacings.

    Parameters
    ----------
    expected : UnitCell
        Cell expected at this point.
    system : str
        Which numbers of the cell are free: a key of `physics.unit_cell.FREE`.
    there : sequence of IndexedPeak
        Peaks and their lines.

    Returns
    -------
    CellFit or None
        None where one cell does not explain them all, or is no more the one that is sought.
    """
    start = expected.free(system)
    if len(there) < start.size:
        return None
    hkl = np.array([indexed.line.hkl for indexed in there])
    d = np.array([indexed.peak.d_angstrom for indexed in there])
    sigma = np.hypot([indexed.peak.d_sigma_angstrom for indexed in there], LEAST_SPACING_ERROR * d)
    free = start * np.where(
        [name in ("a", "b", "c") for name in free_names(system)],
        float(np.mean(d * np.sqrt(expected.inverse_d_squared(hkl)))),
        1.0,
    )
    for _ in range(GAUSS_NEWTON):
        spacing = spacings_of(free, hkl, system)
        misfit, slope = (spacing - d) / sigma, spacing_slopes(free, spacing, hkl, system) / sigma[:, None]
        try:
            inverse = np.linalg.inv(slope.T @ slope)
        except np.linalg.LinAlgError:
            return None
        free = free - inverse @ (slope.T @ misfit)
        if not np.all(np.abs(free / start - 1.0) < STRAYED_CELL_RELATIVE):
            return None
    misfit = (spacings_of(free, hkl, system) - d) / sigma
    if np.any(np.abs(misfit) * sigma / d > np.hypot(SPACING_AGREEMENT, 3.0 * sigma / d)):
        return None
    cell = UnitCell.from_free(free, system)
    if shape_change(cell, expected) > AXIAL_RATIO_AGREEMENT:
        return None
    freedom = len(there) - start.size
    inflation = max(1.0, float(misfit @ misfit) / freedom) if freedom else 1.0
    return CellFit(cell=cell, sigma=tuple(float(error) for error in np.sqrt(np.diag(inverse) * inflation)))


def shape_change(cell: UnitCell, expected: UnitCell) -> float:
    """Return by how much the edges of a cell are to each other otherwise than those of another, relative."""
    edges = np.array(cell.numbers[:3]) / np.array(expected.numbers[:3]) / relative_size(cell, expected)
    return float(np.max(np.abs(edges - 1.0)))


def relative_size(cell: UnitCell, expected: UnitCell) -> float:
    """Return the cube root of the volume of a cell over that of another."""
    return float((cell.volume_angstrom3 / expected.volume_angstrom3) ** (1.0 / 3.0))


def spacings_of(free: Array, hkl: npt.NDArray[np.int64], system: str) -> Array:
    """Return the spacings of a cell by its free numbers [angstrom]."""
    return np.asarray(UnitCell.from_free(free, system).inverse_d_squared(hkl) ** -0.5)


def spacing_slopes(free: Array, spacing: Array, hkl: npt.NDArray[np.int64], system: str) -> Array:
    """Return how the spacings of a cell change with each of its free numbers, shape (lines, numbers)."""
    slope = np.empty((len(spacing), free.size))
    for number in range(free.size):
        there = free.copy()
        there[number] += SLOPE_STEP_RELATIVE * free[number]
        slope[:, number] = (spacings_of(there, hkl, system) - spacing) / (SLOPE_STEP_RELATIVE * free[number])
    return slope
