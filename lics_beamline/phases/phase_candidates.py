"""Cells that a phase may have in a pattern: proposed by few peaks, ranked by all, decided by others.

A cell is proposed from every few peaks that determine one near where the equation of state has it. Proposals are
generous: a line that is missing may lie under another phase's, and which it is can only be told when the candidates are
held against the pattern together.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import OutsideCalibration
from lics_beamline.lines.peaks import Peak
from lics_beamline.phases.cell_fit import (
    AXIAL_RATIO_AGREEMENT,
    LEAST_SPACING_ERROR,
    SPACING_AGREEMENT,
    relative_size,
    shape_change,
    spacing_slopes,
    spacings_of,
)
from lics_beamline.phases.phase import CrystalPhase, Line
from lics_beamline.physics.unit_cell import UnitCell, free_names

Array = npt.NDArray[np.float64]

WORTH_FRACTION: Final = 0.01  # of a phase's strongest line: weaker ones neither propose nor decide
MOST_PROPOSED: Final = 4  # cells of a phase that are held against the pattern
MOST_COMBINATIONS: Final = 20_000  # of peaks that determine a cell: a second's work; a triclinic one may have more
LINES_BEYOND: Final = 1  # lines at peaks beyond those that determine the cell
TALL_SHARE: Final = 2.0  # of its expected area that a peak may count with
DIFFERENT_SPACING: Final = 3.0e-4  # relative: cells closer than this are one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhaseHere:
    """A phase where it must be at this point: expected cell, its lines there, and how far spacings may be off.

    Parameters
    ----------
    phase : CrystalPhase
        The phase.
    expected : UnitCell
        Its cell by the equation of state.
    lines : tuple of Line
        Lines in the range of the pattern.
    hkl : ndarray of int64, shape (lines, 3)
        Their indices.
    strength : ndarray, shape (lines,)
        Their strengths.
    log_spacing : ndarray, shape (lines,)
        Logarithms of their spacings in the expected cell.
    log_slope : ndarray, shape (lines, numbers)
        How these change with the logarithms of the free numbers of the cell.
    low, high : float
        Factors on a spacing between which it is sought.
    """

    phase: CrystalPhase
    expected: UnitCell
    lines: tuple[Line, ...]
    hkl: npt.NDArray[np.int64]
    strength: Array
    log_spacing: Array
    log_slope: Array
    low: float
    high: float

    def cell(self, strain: Array) -> UnitCell:
        """Return the expected cell with its free numbers changed by the logarithms of factors."""
        system = self.phase.system
        return UnitCell.from_free(self.expected.free(system) * np.exp(strain), system)

    def spacings(self, cell: UnitCell) -> Array:
        """Return the spacings of its lines in a cell [angstrom]."""
        return np.asarray(cell.inverse_d_squared(self.hkl) ** -0.5)

    def unlikeness(self, cell: UnitCell) -> float:
        """Return how far a cell is, in size and shape, from the expected one; 1 at the edge of what is sought."""
        size = relative_size(cell, self.expected)
        off = (size - 1.0) / (self.high - 1.0) if size > 1.0 else (1.0 - size) / (1.0 - self.low)
        return math.hypot(off, shape_change(cell, self.expected) / AXIAL_RATIO_AGREEMENT)


def sought_phase(
    phase: CrystalPhase,
    *,
    pressure_gpa: float,
    temperature_k: float,
    wavelength_angstrom: float,
    d_range_angstrom: tuple[float, float],
) -> PhaseHere | None:
    """Return what is sought of a phase; None where it is not at this pressure, or its equation of state ends before.

    Parameters
    ----------
    phase : CrystalPhase
        The phase.
    pressure_gpa, temperature_k : float
        Where the sample is.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    d_range_angstrom : tuple of float
        Spacings that the pattern reaches [angstrom].
    """
    if not phase.lowest_gpa <= pressure_gpa <= phase.highest_gpa or temperature_k > phase.highest_k:
        return None
    try:
        expected = phase.expected(pressure_gpa, temperature_k)
        softer = phase.expected(pressure_gpa - phase.doubt_gpa, temperature_k)
        harder = phase.expected(pressure_gpa + phase.doubt_gpa, temperature_k)
    except OutsideCalibration:
        return None
    low = harder.a_angstrom / expected.a_angstrom * (1.0 - phase.window)
    high = softer.a_angstrom / expected.a_angstrom * (1.0 + phase.window)
    d_min, d_max = d_range_angstrom
    every = phase.lines(expected, wavelength_angstrom=wavelength_angstrom, d_min_angstrom=d_min / high)
    hkl = np.array([line.hkl for line in every], dtype=np.int64).reshape(-1, 3)
    inside = expected.inverse_d_squared(hkl) ** -0.5 < d_max / low
    if not inside.any():
        return None
    start = expected.free(phase.system)
    spacing = spacings_of(start, hkl[inside], phase.system)
    lines = tuple(itertools.compress(every, inside.tolist()))
    return PhaseHere(
        phase=phase,
        expected=expected,
        lines=lines,
        hkl=hkl[inside],
        strength=np.array([line.strength for line in lines]),
        log_spacing=np.log(spacing),
        log_slope=spacing_slopes(start, spacing, hkl[inside], phase.system) * start / spacing[:, None],
        low=low,
        high=high,
    )


class PeakPlaces:
    """Peaks by the logarithms of their spacings.

    Parameters
    ----------
    peaks : sequence of Peak
        Peaks of the pattern.
    """

    def __init__(self, peaks: Sequence[Peak]) -> None:
        self.peaks = sorted(peaks, key=lambda peak: peak.d_angstrom)
        self.log_d = np.log([peak.d_angstrom for peak in self.peaks])
        error = np.array([peak.d_sigma_angstrom / peak.d_angstrom for peak in self.peaks])
        self.reach = np.hypot(SPACING_AGREEMENT, 3.0 * error)
        self.error = np.hypot(LEAST_SPACING_ERROR, error)
        self.area = np.array([peak.area for peak in self.peaks])

    def nearest(self, log_d: Array) -> npt.NDArray[np.intp]:
        """Return which peak is nearest to each spacing."""
        after = np.clip(np.searchsorted(self.log_d, log_d), 1, max(len(self.peaks) - 1, 1))
        if len(self.peaks) == 1:
            return np.zeros(np.shape(log_d), dtype=np.intp)
        before_is = np.abs(log_d - self.log_d[after - 1]) <= np.abs(self.log_d[after] - log_d)
        return np.where(before_is, after - 1, after)


def proposed_cells(sought: PhaseHere, places: PeakPlaces) -> list[UnitCell]:
    """Return the cells that a phase may have, the likeliest first."""
    count = len(free_names(sought.phase.system))
    markers = sought.phase.marker_lines(sought.lines)
    if len(markers) < count or not places.peaks:
        return []
    strains = _strains(sought, places, [sought.lines.index(line) for line in markers])
    if not len(strains):
        return []
    worth = worth_lines(sought)
    log_spacing, slope = sought.log_spacing[worth], sought.log_slope[worth]
    explained, hit, nearest = _explained(sought.strength[worth], log_spacing + strains @ slope.T, places)
    hits = np.count_nonzero(hit, axis=1)
    enough = hits >= count + LINES_BEYOND
    found: list[UnitCell] = []
    judged: set[bytes] = set()  # most starts lead to the same few cells
    # By turns the one that explains most and the one with most lines: strong peaks of others, many weak ones of others
    by_area, by_lines = (np.argsort(-rank, kind="stable") for rank in (explained, hits + explained / explained.max()))
    for choice in np.stack([by_area, by_lines], axis=1).ravel().tolist():
        there = hit[choice]
        key = np.where(there, nearest[choice], -1).tobytes()
        if not enough[choice] or key in judged:
            continue
        judged.add(key)
        at = nearest[choice][there]
        strain = _fitted(slope[there], places.log_d[at] - log_spacing[there], places.error[at])
        if strain is None:
            continue
        cell = sought.cell(strain)
        if sought.unlikeness(cell) <= 1.0 and _is_new(cell, found, sought):
            found.append(cell)
            if len(found) == MOST_PROPOSED:
                break
    return found


def worth_lines(sought: PhaseHere) -> npt.NDArray[np.intp]:
    """Return which lines of a phase propose and decide."""
    return np.flatnonzero(sought.strength > WORTH_FRACTION * sought.strength.max())


def _is_new(cell: UnitCell, found: Sequence[UnitCell], sought: PhaseHere) -> bool:
    spacings = sought.spacings(cell)
    return all(np.abs(sought.spacings(other) / spacings - 1.0).max() > DIFFERENT_SPACING for other in found)


def _strains(sought: PhaseHere, places: PeakPlaces, numbers: list[int]) -> Array:
    """Return the changes of the free numbers that put lines on peaks, shape (proposals, numbers)."""
    log_d, slopes = sought.log_spacing, sought.log_slope
    low, high = np.log([sought.low, sought.high])
    count = slopes.shape[1]
    near = [
        [
            (number, place)
            for place in range(
                int(places.log_d.searchsorted(log_d[number] + low)),
                int(places.log_d.searchsorted(log_d[number] + high, "right")),
            )
        ]
        for number in numbers
    ]
    pairs = itertools.chain.from_iterable(itertools.product(*few) for few in itertools.combinations(near, count))
    chosen = np.array(list(itertools.islice(pairs, MOST_COMBINATIONS)), dtype=np.intp).reshape(-1, count, 2)
    matrix = slopes[chosen[:, :, 0]]
    change = places.log_d[chosen[:, :, 1]] - log_d[chosen[:, :, 0]]
    solvable = np.abs(np.linalg.det(matrix)) > 1e-6
    strains = np.linalg.solve(matrix[solvable], change[solvable][:, :, None])[:, :, 0]
    edges = np.array([name in ("a", "b", "c") for name in free_names(sought.phase.system)])
    apart = np.ptp(strains[:, edges], axis=1) if edges.any() else np.zeros(len(strains))
    return np.asarray(strains[apart < 2.0 * AXIAL_RATIO_AGREEMENT])


def _explained(
    strength: Array, spacing: Array, places: PeakPlaces
) -> tuple[Array, npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    """Return the area that each proposal explains, which of its lines lie at peaks, and at which."""
    nearest = places.nearest(spacing)
    hit = np.abs(places.log_d[nearest] - spacing) < places.reach[nearest]
    ratio = np.where(hit, places.area[nearest] / strength, np.inf)
    # The scale: that of the middle one of the lines found, for a peak may be another phase's as well.
    found = np.count_nonzero(hit, axis=1)
    scale = np.sort(ratio, axis=1)[np.arange(len(ratio)), np.maximum(found - 1, 0) // 2]
    scale = np.where(found > 0, scale, 0.0)[:, None]
    explained = np.where(hit, np.minimum(places.area[nearest], TALL_SHARE * scale * strength), 0.0)
    return explained.sum(axis=1), hit, nearest


def _fitted(slopes: Array, change: Array, error: Array) -> Array | None:
    """Return the change of the free numbers that fits the peaks best."""
    weighted = slopes / error[:, None]
    try:
        return np.asarray(np.linalg.solve(weighted.T @ weighted, weighted.T @ (change / error)))
    except np.linalg.LinAlgError:
        return None
