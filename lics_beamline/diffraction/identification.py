"""Which phases made the peaks of a pattern, with which cells, how much of each, and which peaks nothing explains.

A phase is found where its markers are near where its equation of state has them at the measured pressure and
temperature, and one cell explains them. Its other lines are then indexed and the cell is fitted to all that it alone
explains. Two phases may explain the same peaks: the lines of a bcc cell of edge sqrt(2) a fall on those of a primitive
cubic one of edge a, to the sixth line, and lithium's on caesium's. The phase that explains most keeps them, of two that
explain as much the one closer to its equation of state.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.diffraction.peaks import Peak
from lics_beamline.diffraction.phase import CrystalPhase, Line, Role
from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.unit_cell import UnitCell, free_names

Array = npt.NDArray[np.float64]

SPACING_AGREEMENT: Final = 1.0e-3  # relative, within one cell: 0.1 mm of sample shift is 3e-4, stress a little more
LEAST_SPACING_ERROR: Final = 1.0e-4  # relative, that no counting removes: stress, shift; keeps strong lines humble
AXIAL_RATIO_AGREEMENT: Final = 5.0e-3  # relative, with the structure's
SPARE_LINES: Final = 2  # lines that must be found beyond those that determine the cell, where any strong line will do
WEAK_LINE_FRACTION: Final = 0.4  # of the strongest line found: weaker ones may be missing, for texture and noise
FORGIVING_SPARE_LINES: Final = 2  # lines beyond those that determine the cell: enough to forgive a missing one
AS_MUCH: Final = 0.8  # of the area that the best candidate explains: as good as that
INDEXED_LINE_FRACTION: Final = 0.02  # of a phase's strongest line: weaker lines are not indexed
EXPLAINED_FWHM: Final = 0.7  # a peak nearer than this to a line of a phase is no unknown one
LONE_LINE_FRACTION: Final = 0.5  # of a phase's strongest line: lines that may be seen alone, as of a few grains
UNKNOWN_PEAK_SIGMAS: Final = 8.0  # significance of a peak worth telling: above what the tails of strong lines pretend
GAUSS_NEWTON: Final = 3  # steps of a fit that is nearly linear
SLOPE_STEP_RELATIVE: Final = 1e-6  # relative, of a numerical slope
STRAYED_CELL_RELATIVE: Final = 0.2  # relative change of a cell that no longer is the one sought
AREA_DOUBT: Final = 0.1  # of the area of a line, for grains and texture: engineering estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedPeak:
    """A peak and the line of a phase that made it."""

    line: Line
    peak: Peak


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPhase:
    """A phase found in a pattern.

    Parameters
    ----------
    name : str
        Name of the phase.
    role : str
        Its role in the experiment, as the recipe says.
    system : str
        Free numbers of its cell: a key of `physics.unit_cell.FREE`.
    cell : UnitCell
        Cell that fits its lines.
    sigma : tuple of float
        Standard deviations of the free numbers of the cell [angstrom, deg], in the order of ``free_names``: from the
        errors of the peaks, enlarged where the lines disagree by more than these.
    lines : tuple of IndexedPeak
        The peaks it made, by falling spacing.
    deviation : float
        Relative distance of the cell's volume^(1/3) from the equation of state.
    scale, scale_sigma : float
        Area of its lines over their strength [area of the pattern / electrons^2] and its standard deviation.
    fraction, fraction_sigma : float
        Its part of the mass of the sample's crystalline phases found, and the standard deviation; NaN where it is not
        of the sample.
    """

    name: str
    role: Role
    system: str
    cell: UnitCell
    sigma: tuple[float, ...]
    lines: tuple[IndexedPeak, ...]
    deviation: float
    scale: float
    scale_sigma: float
    fraction: float = math.nan
    fraction_sigma: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """Phases of a pattern, and peaks that none explains.

    Parameters
    ----------
    phases : tuple of FoundPhase
        In the order they were asked for.
    unknown : tuple of Peak
        Peaks that no phase explains, nor a single line of one that was not found: perhaps a new phase.
    """

    phases: tuple[FoundPhase, ...]
    unknown: tuple[Peak, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sought:
    """A phase where it must be at this point: expected cell, its lines, and how far the spacings may be off."""

    phase: CrystalPhase
    expected: UnitCell
    lines: tuple[Line, ...]
    start: Array  # the free numbers of the expected cell
    low: float  # factor on a spacing
    high: float


class _Near:
    """Peaks, by their spacings: which is nearest to a line that a cell puts somewhere."""

    def __init__(self, peaks: Sequence[Peak]) -> None:
        self.peaks = peaks
        self.d = np.array([peak.d_angstrom for peak in peaks])
        self.reach = np.array([math.hypot(SPACING_AGREEMENT, 3.0 * _error(peak)) for peak in peaks])

    def of(self, lines: Sequence[Line], cell: UnitCell) -> list[IndexedPeak]:
        """Return the lines that have a peak where a cell puts them, each with the nearest one."""
        d = np.array(_spacings(cell, lines))[:, None]
        if not d.size or not self.d.size:
            return []
        off = np.where(np.abs(self.d / d - 1.0) < self.reach, np.abs(self.d - d), np.inf)
        nearest = off.argmin(axis=1)
        there = np.isfinite(off[np.arange(len(lines)), nearest]).tolist()
        return [
            IndexedPeak(line=line, peak=self.peaks[place])
            for line, place, near in zip(lines, nearest.tolist(), there, strict=True)
            if near
        ]


def identify(
    peaks: Sequence[Peak],
    phases: Iterable[CrystalPhase],
    *,
    pressure_gpa: float,
    temperature_k: float,
    wavelength_angstrom: float,
) -> Identification:
    """Find the phases of a pattern.

    Parameters
    ----------
    peaks : sequence of Peak
        Fitted peaks.
    phases : iterable of CrystalPhase
        Phases that are looked for.
    pressure_gpa, temperature_k : float
        Where the sample is.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].

    Returns
    -------
    Identification
        A phase that is not sought at this pressure, or whose equation of state does not reach there, is not in it.
    """
    d_min = 0.98 * min((peak.d_angstrom for peak in peaks), default=math.inf)
    if not math.isfinite(d_min):
        return Identification(phases=(), unknown=())
    sought = [
        here
        for phase in phases
        if (here := _sought(phase, pressure_gpa, temperature_k, wavelength_angstrom, d_min)) is not None
    ]
    kept: list[FoundPhase] = []
    rest = list(sought)
    while rest:
        claimed = [indexed.peak for phase in kept for indexed in phase.lines]
        candidates = [(here, found) for here in rest if (found := _match(here, peaks, claimed)) is not None]
        if not candidates:
            break
        most = max(_explained(found) for _, found in candidates)
        here, best = min(
            ((h, f) for h, f in candidates if _explained(f) >= AS_MUCH * most), key=lambda pair: pair[1].deviation
        )
        kept.append(best)
        rest.remove(here)
    order = {here.phase.name: place for place, here in enumerate(sought)}
    there = sorted(_shared(kept), key=lambda phase: order[phase.name])
    return Identification(phases=_fractions(there, sought), unknown=_unknown(peaks, there, sought))


def _sought(
    phase: CrystalPhase, pressure_gpa: float, temperature_k: float, wavelength: float, d_min: float
) -> _Sought | None:
    if not phase.lowest_gpa <= pressure_gpa <= phase.highest_gpa or temperature_k > phase.highest_k:
        return None
    try:
        expected = phase.expected(pressure_gpa, temperature_k)
        softer = phase.expected(pressure_gpa - phase.doubt_gpa, temperature_k)
        harder = phase.expected(pressure_gpa + phase.doubt_gpa, temperature_k)
    except OutsideCalibration:
        return None
    lines = phase.lines(expected, wavelength_angstrom=wavelength, d_min_angstrom=d_min)
    return _Sought(
        phase=phase,
        expected=expected,
        lines=lines,
        start=expected.free(phase.system),
        low=harder.a_angstrom / expected.a_angstrom * (1.0 - phase.window),
        high=softer.a_angstrom / expected.a_angstrom * (1.0 + phase.window),
    )


def _match(here: _Sought, peaks: Sequence[Peak], claimed: list[Peak]) -> FoundPhase | None:
    """Find the cell that explains most markers: tried from every few peaks that determine one, judged by all."""
    markers = here.phase.marker_lines(here.lines)
    free = [peak for peak in peaks if peak not in claimed]
    count = len(free_names(here.phase.system))
    near = [
        [IndexedPeak(line=line, peak=peak) for peak in free if here.low * d <= peak.d_angstrom <= here.high * d]
        for line, d in zip(markers, _spacings(here.expected, markers), strict=True)
    ]
    nearest = _Near(free)
    best: FoundPhase | None = None
    judged: set[tuple[tuple[int, int], ...]] = set()  # most starts lead to the same few cells
    for few in itertools.combinations(near, count):
        for combination in itertools.product(*few):
            start = _fit_cell(here, combination)
            if start is None:
                continue
            there = nearest.of(markers, start.cell)
            key = tuple((id(indexed.line), id(indexed.peak)) for indexed in there)
            if key in judged or len(there) < count + (1 if here.phase.markers else SPARE_LINES):
                continue
            judged.add(key)
            fit = _fit_cell(here, there)
            if fit is None or not _complete(here.phase, markers, there, fit.cell, claimed):
                continue
            found = _index(here, fit, there, nearest)
            if best is None or (len(found.lines), -found.deviation) > (len(best.lines), -best.deviation):
                best = found
    return best


def _complete(
    phase: CrystalPhase, markers: Sequence[Line], there: list[IndexedPeak], cell: UnitCell, claimed: list[Peak]
) -> bool:
    """Tell whether each missing marker is excused: under a line of another phase, or weak beside those found.

    One more may be missing where many were found: a line beside a strong one is sometimes not told from its foot.
    Markers that the phase names itself must not be missing for weakness, nor forgiven.
    """
    found = [indexed.line for indexed in there]
    weak = 0.0 if phase.markers else WEAK_LINE_FRACTION * max(line.strength for line in found)
    missing = [line for line in markers if line not in found and line.strength >= weak]
    unexcused = [
        d
        for d in _spacings(cell, missing)
        if not any(abs(peak.d_angstrom / d - 1.0) < 1.5 * _width(peak) for peak in claimed)
    ]
    many = len(there) >= len(free_names(phase.system)) + FORGIVING_SPARE_LINES
    return len(unexcused) <= (1 if many and not phase.markers else 0)


def _width(peak: Peak) -> float:
    """Full width of a peak as a fraction of its spacing."""
    return math.radians(peak.fwhm_deg) / 2.0 / math.tan(math.radians(peak.two_theta_deg) / 2.0)


def _spacings(cell: UnitCell, lines: Sequence[Line]) -> list[float]:
    if not lines:
        return []
    return [float(value) ** -0.5 for value in cell.inverse_d_squared(np.array([line.hkl for line in lines]))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _CellFit:
    cell: UnitCell
    sigma: tuple[float, ...]


def _fit_cell(here: _Sought, there: Sequence[IndexedPeak]) -> _CellFit | None:
    """Fit the free numbers of the cell to spacings; None where one cell does not explain them all."""
    system = here.phase.system
    start = here.start
    if len(there) < start.size:
        return None
    hkl = np.array([indexed.line.hkl for indexed in there])
    d = np.array([indexed.peak.d_angstrom for indexed in there])
    sigma = np.hypot([indexed.peak.d_sigma_angstrom for indexed in there], LEAST_SPACING_ERROR * d)
    free = start * np.where(
        [name in ("a", "b", "c") for name in free_names(system)],
        float(np.mean(d * np.sqrt(here.expected.inverse_d_squared(hkl)))),
        1.0,
    )
    for _ in range(GAUSS_NEWTON):
        spacing = _spacing(free, hkl, system)
        misfit, slope = (spacing - d) / sigma, _slope(free, spacing, hkl, system) / sigma[:, None]
        try:
            inverse = np.linalg.inv(slope.T @ slope)
        except np.linalg.LinAlgError:
            return None
        free = free - inverse @ (slope.T @ misfit)
        if not np.all(np.abs(free / start - 1.0) < STRAYED_CELL_RELATIVE):
            return None
    misfit = (_spacing(free, hkl, system) - d) / sigma
    if np.any(np.abs(misfit) * sigma / d > np.hypot(SPACING_AGREEMENT, 3.0 * sigma / d)):
        return None
    cell = UnitCell.from_free(free, system)
    size = (cell.volume_angstrom3 / here.expected.volume_angstrom3) ** (1.0 / 3.0)
    edges = np.array(cell.numbers[:3]) / np.array(here.expected.numbers[:3]) / size
    if np.any(np.abs(edges - 1.0) > AXIAL_RATIO_AGREEMENT):
        return None
    freedom = len(there) - start.size
    inflation = max(1.0, float(misfit @ misfit) / freedom) if freedom else 1.0
    return _CellFit(cell=cell, sigma=tuple(float(error) for error in np.sqrt(np.diag(inverse) * inflation)))


def _spacing(free: Array, hkl: npt.NDArray[np.int64], system: str) -> Array:
    """Return the spacings of a cell by its free numbers [angstrom]."""
    return np.asarray(UnitCell.from_free(free, system).inverse_d_squared(hkl) ** -0.5)


def _slope(free: Array, spacing: Array, hkl: npt.NDArray[np.int64], system: str) -> Array:
    """Return how the spacings of a cell change with each of its free numbers."""
    slope = np.empty((len(spacing), free.size))
    for number in range(free.size):
        there = free.copy()
        there[number] += SLOPE_STEP_RELATIVE * free[number]
        slope[:, number] = (_spacing(there, hkl, system) - spacing) / (SLOPE_STEP_RELATIVE * free[number])
    return slope


def _index(here: _Sought, fit: _CellFit, markers: list[IndexedPeak], nearest: _Near) -> FoundPhase:
    """Index the other peaks of a phase and fit its cell to all of them."""
    strongest = max(line.strength for line in here.lines)
    worth = tuple(line for line in here.lines if line.strength > INDEXED_LINE_FRACTION * strongest)
    known = {indexed.line.hkl: indexed for indexed in (*nearest.of(worth, fit.cell), *markers)}
    lines = tuple(known[line.hkl] for line in here.lines if line.hkl in known)
    better = _fit_cell(here, lines) or fit
    expected = here.expected.volume_angstrom3
    size = (better.cell.volume_angstrom3 / expected) ** (1.0 / 3.0)
    found = FoundPhase(
        name=here.phase.name,
        role=here.phase.role,
        system=here.phase.system,
        cell=better.cell,
        sigma=better.sigma,
        lines=lines,
        deviation=abs(size - 1.0),
        scale=math.nan,
        scale_sigma=math.nan,
    )
    return _scaled(found, lines)


def _error(peak: Peak) -> float:
    return peak.d_sigma_angstrom / peak.d_angstrom


def _explained(found: FoundPhase) -> float:
    return sum(indexed.peak.area for indexed in found.lines)


def _scaled(found: FoundPhase, lines: Sequence[IndexedPeak]) -> FoundPhase:
    """Return the phase with the scale of these of its lines."""
    area = np.array([indexed.peak.area for indexed in lines])
    strength = np.array([indexed.line.strength for indexed in lines])
    doubt = np.hypot(AREA_DOUBT * area, area / np.array([indexed.peak.significance for indexed in lines]))
    weight = strength / doubt**2
    scale = float(weight @ area / (weight @ strength))
    spread = float(np.sum(((area - scale * strength) / doubt) ** 2)) / max(len(lines) - 1, 1)
    return replace(found, scale=scale, scale_sigma=math.sqrt(max(1.0, spread) / float(weight @ strength)))


def _shared(kept: list[FoundPhase]) -> list[FoundPhase]:
    """Return the phases with scales from the lines that no other phase has a line under."""
    result = []
    for phase in kept:
        others = [indexed.peak for other in kept if other is not phase for indexed in other.lines]
        clean = [indexed for indexed in phase.lines if not any(_close(indexed.peak, peak) for peak in others)]
        result.append(_scaled(phase, clean or phase.lines))
    return result


def _close(one: Peak, other: Peak) -> bool:
    return abs(one.two_theta_deg - other.two_theta_deg) < max(one.fwhm_deg, other.fwhm_deg)


def _fractions(found: list[FoundPhase], sought: list[_Sought]) -> tuple[FoundPhase, ...]:
    """Return the phases with their part of the sample's mass: scale x mass x volume (Hill and Howard 1987)."""
    mass_u = {here.phase.name: here.phase.structure.mass_u for here in sought}
    masses = {
        phase.name: phase.scale * mass_u[phase.name] * phase.cell.volume_angstrom3
        for phase in found
        if phase.role == "sample"
    }
    total = sum(masses.values())
    doubt = {phase.name: phase.scale_sigma / phase.scale * masses.get(phase.name, 0.0) for phase in found}
    result = []
    for phase in found:
        if phase.role == "sample":
            part = masses[phase.name] / total
            others = math.sqrt(sum(doubt[name] ** 2 for name in masses if name != phase.name))
            error = math.hypot((1.0 - part) * doubt[phase.name], part * others) / total
            result.append(replace(phase, fraction=part, fraction_sigma=error))
        else:
            result.append(phase)
    return tuple(result)


def _unknown(peaks: Sequence[Peak], found: list[FoundPhase], sought: list[_Sought]) -> tuple[Peak, ...]:
    """Return the strong peaks that are near no line of a found phase and in no window of one that was not found."""
    cells = {phase.name: phase.cell for phase in found}
    explained: list[float] = []
    windows: list[tuple[float, float]] = []
    for here in sought:
        cell = cells.get(here.phase.name)
        if cell is not None:
            explained += _spacings(cell, here.lines)
        else:
            strongest = max((line.strength for line in here.lines), default=0.0)
            strong = tuple(line for line in here.lines if line.strength > LONE_LINE_FRACTION * strongest)
            windows += [(here.low * d, here.high * d) for d in _spacings(here.expected, strong)]
    return tuple(
        peak
        for peak in peaks
        if peak.significance >= UNKNOWN_PEAK_SIGMAS
        and not any(
            abs(peak.d_angstrom / d - 1.0) < max(SPACING_AGREEMENT, EXPLAINED_FWHM * _width(peak)) for d in explained
        )
        and not any(low <= peak.d_angstrom <= high for low, high in windows)
    )
