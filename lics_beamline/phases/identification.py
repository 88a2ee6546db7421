"""Which phases made a pattern, with which cells, how much of each, and which peaks nothing explains.

Peaks propose cells near where the equations of state have them at the measured pressure and temperature; the pattern
decides: the candidates' lines are fitted to it together, and a phase is there where what it alone explains is
significant, rests on more lines than determine its cell, and no strong line is missing where it would be seen. Two
phases may explain the same lines: those of a bcc cell of edge sqrt(2) a fall on those of a primitive cubic one of edge
a, to the sixth line, and lithium's on caesium's. The one that explains the pattern better keeps them; the other, which
then explains nothing of its own, is not found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.lines.peaks import Peak
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.phases.cell_fit import (
    SPACING_AGREEMENT,
    CellFit,
    IndexedPeak,
    fit_cell,
    relative_size,
)
from lics_beamline.phases.pattern_light import PatternLight
from lics_beamline.phases.phase import CrystalPhase, Role
from lics_beamline.phases.phase_candidates import PeakPlaces, PhaseHere, proposed_cells, sought_phase
from lics_beamline.phases.phase_decision import PhaseDecision
from lics_beamline.phases.phase_mixture import Mixture, MixtureFit, PhaseCandidate
from lics_beamline.phases.phase_shares import scaled, shares
from lics_beamline.physics.unit_cell import UnitCell, free_names

Array = npt.NDArray[np.float64]

EXPLAINED_FWHM: Final = 0.7  # a peak nearer than this to a line of a phase is no unknown one
LONE_LINE_FRACTION: Final = 0.5  # of a phase's strongest line: lines that may be seen alone, as of a few grains
FAINT_LINE_FRACTION: Final = 0.1  # the same, of faint peaks: the strongest line may lie under another phase's
FAINT_PEAK_SIGMAS: Final = 15.0  # significance of a peak that is faint
UNKNOWN_PEAK_SIGMAS: Final = 8.0  # significance of a peak worth telling: above what the tails of strong lines pretend
FOOT_FWHM: Final = 2.0  # of a strong line, within which a weak peak may be its foot
FOOT_SHARE: Final = 0.08  # of its height: what a line that is not symmetric leaves beside a pseudo-Voigt
MADE_SHARE: Final = 0.5  # of the light at a peak: the phase that has more made it
BLENDED_FWHM: Final = 0.3  # of the usual line: so far may a line be off that is nowhere alone
OWN_SHARE: Final = 0.8  # of the light at a peak that is one phase's: the peak tells its cell


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


def identify(
    peaks: Sequence[Peak],
    phases: Iterable[CrystalPhase],
    *,
    pattern: Pattern,
    pressure_gpa: float,
    temperature_k: float,
) -> Identification:
    """Find the phases of a pattern.

    Parameters
    ----------
    peaks : sequence of Peak
        Fitted peaks.
    phases : iterable of CrystalPhase
        Phases that are looked for.
    pattern : Pattern
        The pattern that the peaks are of.
    pressure_gpa, temperature_k : float
        Where the sample is.

    Returns
    -------
    Identification
        A phase that is not sought at this pressure, or whose equation of state does not reach there, is not in it.
    """
    if not peaks:
        return Identification(phases=(), unknown=())
    seen, places = PatternLight(pattern, peaks), PeakPlaces(peaks)
    sought = [
        here
        for phase in phases
        if (
            here := sought_phase(
                phase,
                pressure_gpa=pressure_gpa,
                temperature_k=temperature_k,
                wavelength_angstrom=pattern.wavelength_angstrom,
                d_range_angstrom=seen.d_range_angstrom,
            )
        )
        is not None
    ]
    candidates = [
        PhaseCandidate.of(here, cell, places, seen) for here in sought for cell in proposed_cells(here, places)
    ]
    mixture = Mixture(seen, candidates)
    # In the order they were asked for, as the candidates are
    chosen = sorted(PhaseDecision(mixture).found())
    fit = scaled(mixture, chosen) if chosen else None
    found = () if fit is None else _found(mixture, fit, places)
    return Identification(phases=found, unknown=_unknown(peaks, found, sought))


def _found(mixture: Mixture, fit: MixtureFit, places: PeakPlaces) -> tuple[FoundPhase, ...]:
    """Return what there is to tell of the phases that are there."""
    candidates = [mixture.candidates[k] for k in fit.chosen]
    indexed = [_indexed(mixture, fit, number, places) for number in range(len(candidates))]
    cells = [_cell(one, *peaks, mixture.seen) for one, peaks in zip(candidates, indexed, strict=True)]
    mass = [
        one.sought.phase.structure.mass_u * fitted.cell.volume_angstrom3 if one.sought.phase.role == "sample" else 0.0
        for one, fitted in zip(candidates, cells, strict=True)
    ]
    found = []
    for number, (one, fitted, share) in enumerate(zip(candidates, cells, shares(fit, mass), strict=True)):
        of_sample = one.sought.phase.role == "sample"
        found.append(
            FoundPhase(
                name=one.sought.phase.name,
                role=one.sought.phase.role,
                system=one.sought.phase.system,
                cell=fitted.cell,
                sigma=fitted.sigma,
                lines=indexed[number][0],
                deviation=abs(relative_size(fitted.cell, one.sought.expected) - 1.0),
                scale=float(fit.scale[number]),
                scale_sigma=math.sqrt(max(float(fit.scale_covariance[number, number]), 0.0)),
                fraction=share.fraction if of_sample else math.nan,
                fraction_sigma=share.sigma if of_sample else math.nan,
            )
        )
    return tuple(found)


def _cell(one: PhaseCandidate, peaks: Sequence[IndexedPeak], own: Sequence[IndexedPeak], seen: PatternLight) -> CellFit:
    """Return the cell by the peaks that are a phase's own, if they determine it, or by the whole pattern."""
    system = one.sought.phase.system
    count = len(free_names(system))
    for there in (own, peaks):
        fitted = fit_cell(one.sought.expected, system, there) if len(there) > count else None
        if fitted is not None:
            return fitted
    usual = float(np.median(seen.peak_fwhm / np.tan(np.radians(seen.peak_deg) / 2.0)))
    blended = BLENDED_FWHM * math.radians(usual) / 2.0
    sigma = tuple(blended * value for value in one.cell.free(system).tolist())
    return CellFit(cell=one.cell, sigma=sigma)


def _indexed(
    mixture: Mixture, fit: MixtureFit, number: int, places: PeakPlaces
) -> tuple[tuple[IndexedPeak, ...], tuple[IndexedPeak, ...]]:
    """Return the peaks that a phase made, by falling spacing, and those that it made nearly alone."""
    one = mixture.candidates[fit.chosen[number]]
    rows = mixture.rows_of(fit.chosen)
    mine, covered = np.flatnonzero(np.isin(rows, mixture.rows[fit.chosen[number]])), mixture.covered(fit)
    centre, fwhm, area = mixture.centre[rows], mixture.fwhm[rows], np.maximum(fit.area, 0.0)
    spacing = one.sought.spacings(one.cell)[one.worth]
    made, own = [], []
    taken: set[int] = set()
    for row, at, d, line in zip(
        mine.tolist(), places.nearest(np.log(spacing)).tolist(), spacing.tolist(), one.worth.tolist(), strict=True
    ):
        peak = places.peaks[at]
        light = area / fwhm * np.exp(-4.0 * math.log(2.0) * ((centre - peak.two_theta_deg) / fwhm) ** 2)
        share = float(light[row]) / max(float(light.sum()), 1e-300)
        if abs(peak.d_angstrom / d - 1.0) < places.reach[at] and at not in taken and share > MADE_SHARE:
            taken.add(at)
            made.append(IndexedPeak(line=one.sought.lines[line], peak=peak))
            if share > OWN_SHARE and not covered[row]:
                own.append(made[-1])
    return tuple(made), tuple(own)


def _width(peak: Peak) -> float:
    """Full width of a peak as a fraction of its spacing."""
    return math.radians(peak.fwhm_deg) / 2.0 / math.tan(math.radians(peak.two_theta_deg) / 2.0)


def _unknown(peaks: Sequence[Peak], found: Sequence[FoundPhase], sought: list[PhaseHere]) -> tuple[Peak, ...]:
    """Return the strong peaks that are near no line of a found phase and in no window of one that was not found."""
    cells = {phase.name: phase.cell for phase in found}
    explained = np.zeros(0)
    windows: list[tuple[float, float]] = []
    faint_windows: list[tuple[float, float]] = []
    for here in sought:
        if here.phase.name in cells:
            explained = np.append(explained, here.spacings(cells[here.phase.name]))
        else:
            part = here.strength / here.strength.max()
            ranges = [(here.low * d, here.high * d) for d in here.spacings(here.expected).tolist()]
            windows += itertools.compress(ranges, (part > LONE_LINE_FRACTION).tolist())
            faint_windows += itertools.compress(ranges, (part > FAINT_LINE_FRACTION).tolist())
    return tuple(
        peak
        for peak in peaks
        if peak.significance >= UNKNOWN_PEAK_SIGMAS
        and not np.any(
            np.abs(peak.d_angstrom / explained - 1.0) < max(SPACING_AGREEMENT, EXPLAINED_FWHM * _width(peak))
        )
        and not any(
            low <= peak.d_angstrom <= high
            for low, high in (windows if peak.significance > FAINT_PEAK_SIGMAS else faint_windows)
        )
        and not any(_is_foot(peak, other) for other in peaks)
    )


def _is_foot(peak: Peak, other: Peak) -> bool:
    """Tell whether a peak may be what a pseudo-Voigt leaves of a far stronger one beside it."""
    near = abs(peak.two_theta_deg - other.two_theta_deg) < FOOT_FWHM * other.fwhm_deg
    return near and peak.height < FOOT_SHARE * other.height
