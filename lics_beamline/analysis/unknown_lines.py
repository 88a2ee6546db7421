"""Lines of a pattern or of a reduced run that are of no known phase: what an indexing is given."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from lics_beamline.analysis.phase_fit import PhaseFit, candidates, fit_phases
from lics_beamline.errors import RefinementFailed
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.indexing.line_set import LineSet, lit_ranges
from lics_beamline.lines.emission_doublet import EmissionDoublet, as_of_alpha1, doubled_lines, hidden_doublet
from lics_beamline.lines.peaks import Peak, find_peaks
from lics_beamline.patterns.even_steps import evenly_spaced
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.patterns.pattern_file import GivenPattern
from lics_beamline.phases.identification import UNKNOWN_PEAK_SIGMAS, identify
from lics_beamline.phases.phase import CrystalPhase
from lics_beamline.refinement.structural_model import read_model

logger = logging.getLogger(__name__)

MOST_OF_LINES: Final = 0.6  # of the most that a point has: points with fewer say little of a phase, or are of another


def lines_of_pattern(
    given: GivenPattern,
    cifs: Sequence[Path] = (),
    *,
    within: float,
    two_theta_deg: tuple[float, float] | None = None,
    second_angstrom: float | None = None,
) -> LineSet | None:
    """Return the lines of a pattern that no given phase explains; None where there is none.

    Parameters
    ----------
    given : GivenPattern
        The pattern.
    cifs : sequence of Path
        Phases that are known to be there.
    within : float
        How far their cells may be from those of the CIFs, as a fraction of the edges.
    two_theta_deg : tuple of float, optional
        Angles used [deg]; default all.
    second_angstrom : float, optional
        A second wavelength, half as strong as that of the pattern [angstrom]: K-alpha 2 of a tube. Default: found where
        lines come twice. Lines are then those of the first wavelength alone, moved by the shift that those of the known
        phases have.
    """
    models = [read_model(path) for path in cifs]
    pattern = evenly_spaced(given.pattern)
    phases = candidates(cifs, models, within)
    peaks = find_peaks(pattern, two_theta_deg=two_theta_deg)
    first_angstrom = pattern.wavelength_angstrom
    tube: EmissionDoublet | None = None
    if second_angstrom is not None:
        tube = EmissionDoublet(element="", alpha1_angstrom=first_angstrom, alpha2_angstrom=second_angstrom)
    elif doubled := doubled_lines(peaks, first_angstrom):
        tube = doubled.doublet
        logger.warning(
            "%d of %d lines come twice, as %s K-alpha 1 and 2 make them: the second ones are left out, and spacings "
            "are by %.5f angstrom instead of %g.",
            len(doubled.companions),
            doubled.resolved,
            tube.element,
            tube.alpha1_angstrom,
            first_angstrom,
        )
        pattern = replace(pattern, wavelength_angstrom=tube.alpha1_angstrom)
        peaks = find_peaks(pattern, two_theta_deg=two_theta_deg)
    elif hidden := hidden_doublet(peaks, first_angstrom):
        logger.warning("%s", hidden)
    rest: Sequence[Peak] | None = None
    if tube is not None:
        peaks = as_of_alpha1(peaks, tube)
        fit = _fit_of(replace(given, pattern=pattern), cifs, within, two_theta_deg, tube)
        if fit is not None:  # it knows where the second lines of the known phases are, and by how much all are off
            rest = fit.shift.undone_peaks(fit.unknown, pattern.wavelength_angstrom)
            peaks = fit.shift.undone_peaks(peaks, pattern.wavelength_angstrom)
    if rest is None:
        rest = _of_no_phase(pattern, peaks, phases, pressure_gpa=0.0, temperature_k=298.0)
    return _line_set(pattern, peaks, rest, pressure_gpa=0.0, temperature_k=298.0, two_theta_deg=two_theta_deg)


def _fit_of(
    given: GivenPattern,
    cifs: Sequence[Path],
    within: float,
    two_theta_deg: tuple[float, float] | None,
    tube: EmissionDoublet,
) -> PhaseFit | None:
    """Return a fit of the known phases by both wavelengths; None where none of them is there."""
    if not cifs:
        return None
    try:
        fit = fit_phases(given, cifs, within=within, two_theta_deg=two_theta_deg, second_angstrom=tube.alpha2_angstrom)
    except RefinementFailed:
        return None
    if fit.shift.kind != "none":
        logger.warning("lines of the known phases are off by %s: all lines are indexed as if they were not.", fit.shift)
    return fit


def lines_of_run(run: ReducedRun, points: Sequence[ReducedPoint]) -> tuple[LineSet, ...]:
    """Return the lines that no phase of the recipe explains, at each point that has enough of them.

    Parameters
    ----------
    run : ReducedRun
        The run.
    points : sequence of ReducedPoint
        Points of it.
    """
    found = []
    for point in points:
        if not point.phases_sought:
            continue
        pattern = run.pattern(point)
        peaks = find_peaks(pattern)
        gpa, kelvin = point.pressure_gpa, point.temperature_k
        rest = _of_no_phase(pattern, peaks, run.sought, pressure_gpa=gpa, temperature_k=kelvin)
        lines = _line_set(pattern, peaks, rest, pressure_gpa=gpa, temperature_k=kelvin)
        if lines is not None:
            found.append(lines)
    most = max((len(one.lines) for one in found), default=0)
    return tuple(one for one in found if len(one.lines) >= MOST_OF_LINES * most)


def _of_no_phase(
    pattern: Pattern,
    peaks: Sequence[Peak],
    phases: Sequence[CrystalPhase],
    *,
    pressure_gpa: float,
    temperature_k: float,
) -> Sequence[Peak]:
    """Return the peaks that no phase explains; where none is known, nothing is taken off."""
    if not phases:
        return peaks
    return identify(peaks, phases, pattern=pattern, pressure_gpa=pressure_gpa, temperature_k=temperature_k).unknown


def _line_set(
    pattern: Pattern,
    peaks: Sequence[Peak],
    rest: Sequence[Peak],
    *,
    pressure_gpa: float,
    temperature_k: float,
    two_theta_deg: tuple[float, float] | None = None,
) -> LineSet | None:
    unknown = [peak for peak in rest if peak.significance >= UNKNOWN_PEAK_SIGMAS]
    if not unknown:
        return None
    places = {peak.two_theta_deg for peak in rest}
    low, high = two_theta_deg or (-1e9, 1e9)
    measured = max(low, float(pattern.two_theta_deg[0])), min(high, float(pattern.two_theta_deg[-1]))
    return LineSet(
        lines=tuple(unknown),
        wavelength_angstrom=pattern.wavelength_angstrom,
        pressure_gpa=pressure_gpa,
        temperature_k=temperature_k,
        lit_deg=lit_ranges(measured, (peak for peak in peaks if peak.two_theta_deg not in places)),
    )
