"""Isotherms of the phases of a reduced run, under what was recorded and under everything that could be otherwise."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np

from lics_beamline.analysis.assumption import RECORDED, Assumption, Reader
from lics_beamline.analysis.quantity import MeasuredQuantity
from lics_beamline.errors import OutsideCalibration, RefinementFailed
from lics_beamline.exports.reduced_run import PhaseInPoint, ReducedPoint, ReducedRun
from lics_beamline.phases.phase import CrystalPhase
from lics_beamline.physics.equation_of_state import Form
from lics_beamline.physics.unit_cell import UnitCell, free_names
from lics_beamline.refinement.expansion import Expansion
from lics_beamline.refinement.isotherm import FEWEST_POINTS, CellReading, Isotherm, fit_isotherm

logger = logging.getLogger(__name__)

APART_K: Final = 3.0  # temperatures farther apart are not of one isotherm; a cell is held to 0.3 K
LEAST_SPAN_GPA: Final = 0.5  # pressures closer together determine no bulk modulus
LEAST_RISE_K: Final = 20.0  # between isotherms that tell of expansion


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """Isotherms of a phase.

    Parameters
    ----------
    phase : str
        Its name.
    under : Assumption
        Under which pressures and cells were read.
    readings : tuple of CellReading
        All points where it was found, in the order of the path.
    isotherms : tuple of Isotherm
        By rising temperature; empty where there are too few points.
    """

    phase: str
    under: Assumption
    readings: tuple[CellReading, ...]
    isotherms: tuple[Isotherm, ...]

    @property
    def expansion(self) -> Expansion | None:
        """Expansion between the coldest and the hottest isotherm; None where there are no two."""
        if len(self.isotherms) < 2:
            return None
        found = Expansion(cold=self.isotherms[0], hot=self.isotherms[-1])
        low, high = found.pressures_gpa
        return found if found.rise_k >= LEAST_RISE_K and low < high else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compressions:
    """Compression of a phase as recorded and under every other assumption.

    Parameters
    ----------
    recorded : Compression
        The compression by the recipe's own reading.
    others : tuple of Compression
        Under the others.
    """

    recorded: Compression
    others: tuple[Compression, ...]

    @classmethod
    def of(cls, run: ReducedRun, phase: CrystalPhase, *, form: Form = "vinet") -> Self:
        """Fit the isotherms of a phase of a run.

        Parameters
        ----------
        run : ReducedRun
            The run.
        phase : CrystalPhase
            One of those its recipe sought.
        form : {"vinet", "birch-murnaghan-3"}
            Form of the isotherms.
        """
        reader = Reader(run)
        points = tuple(point for point in run.points if _has(run, point, phase.name))
        groups = _isothermal(points)
        recorded = _compression(reader, points, groups, phase, RECORDED, form)
        kept = tuple(group for group in groups if len(group) >= FEWEST_POINTS)
        others = []
        for under in reader.assumptions(points) if kept and recorded.isotherms else ():
            try:
                other = _compression(reader, points, groups, phase, under, form)
            except OutsideCalibration as error:
                logger.info("%s of %s left out of the budget: %s", under.term, phase.name, error)
                continue
            if len(other.isotherms) == len(recorded.isotherms):
                others.append(other)
        return cls(recorded=recorded, others=tuple(others))

    def quantity(
        self, value: Callable[[Compression], float], statistical: Callable[[Compression], float] | float = 0.0
    ) -> MeasuredQuantity:
        """Return a number that follows from a compression, with its budget.

        Parameters
        ----------
        value : callable
            The number from one compression.
        statistical : callable or float
            Its statistical standard deviation.
        """
        chosen = value(self.recorded)
        choices: dict[str, list[float]] = {}
        terms: dict[str, float] = {}
        for other in self.others:
            difference = value(other) - chosen
            if other.under.is_choice:
                choices.setdefault(other.under.term, []).append(difference)
            else:
                terms[other.under.term] = abs(difference)
        for term, differences in choices.items():  # the chosen one is one of them
            terms[term] = math.sqrt(sum(each**2 for each in differences) / (len(differences) + 1))
        sigma = statistical if isinstance(statistical, float) else statistical(self.recorded)
        return MeasuredQuantity(value=chosen, statistical=sigma, terms=terms)


def compressions(run: ReducedRun, *, form: Form = "vinet") -> tuple[Compressions, ...]:
    """Fit the isotherms of every phase of the sample that was found at all.

    Gaskets and anvils are left out: the pressure in them is not that of the sample.
    """
    sample = [phase for phase in run.sought if phase.role == "sample"]
    return tuple(
        Compressions.of(run, phase, form=form)
        for phase in sample
        if any(_has(run, point, phase.name) for point in run.points)
    )


def _has(run: ReducedRun, point: ReducedPoint, name: str) -> bool:
    is_read = point.phases_sought if run.is_imported else point.reduced and math.isfinite(point.ruby_r1_nm)
    return is_read and point.phase(name) is not None


def _given_sigma_gpa(points: tuple[ReducedPoint, ...]) -> float:
    """Return the error of a pressure that was given without one [GPa]: that of the others; 0 where none has one.

    An isotherm rests on the errors of volumes then, and its own are enlarged by the scatter of the points.
    """
    given = [point.pressure_sigma_gpa for point in points if math.isfinite(point.pressure_sigma_gpa)]
    return float(np.median(given)) if given else 0.0


def _isothermal(points: tuple[ReducedPoint, ...]) -> tuple[tuple[ReducedPoint, ...], ...]:
    """Sort points into groups of one temperature, by rising temperature."""
    ordered = sorted(points, key=lambda point: point.temperature_k)
    kelvins = [point.temperature_k for point in ordered]
    cuts = [i for i, (one, other) in enumerate(pairwise(kelvins), 1) if other - one > APART_K]
    bounds = [0, *cuts, len(ordered)]
    return tuple(tuple(ordered[low:high]) for low, high in pairwise(bounds) if high > low)


def _compression(
    reader: Reader,
    points: tuple[ReducedPoint, ...],
    groups: tuple[tuple[ReducedPoint, ...], ...],
    phase: CrystalPhase,
    under: Assumption,
    form: Form,
) -> Compression:
    unsaid_gpa = _given_sigma_gpa(points)
    readings = {point.exposure_uid: _reading(reader, point, phase, under, unsaid_gpa) for point in points}
    return Compression(
        phase=phase.name,
        under=under,
        readings=tuple(readings.values()),
        isotherms=tuple(_isotherms(phase.name, [[readings[p.exposure_uid] for p in group] for group in groups], form)),
    )


def _isotherms(name: str, groups: list[list[CellReading]], form: Form) -> Iterator[Isotherm]:
    for group in groups:
        pressures = [reading.pressure_gpa for reading in group]
        if len(group) < FEWEST_POINTS or max(pressures) - min(pressures) < LEAST_SPAN_GPA:
            continue
        try:
            yield fit_isotherm(group, form=form)
        except (RefinementFailed, OutsideCalibration) as error:
            logger.warning("no isotherm of %s at %.0f K: %s", name, group[0].temperature_k, error)


def _reading(
    reader: Reader, point: ReducedPoint, phase: CrystalPhase, under: Assumption, unsaid_gpa: float
) -> CellReading:
    found = point.phase(phase.name)
    if found is None:
        raise RefinementFailed(f"{phase.name} was not found at point {point.index + 1}. Choose another.")
    state = reader.state(point, under)
    volume, sigma = _volume(found, phase.system)
    return CellReading(
        pressure_gpa=state.pressure_gpa,
        pressure_sigma_gpa=point.pressure_sigma_gpa if math.isfinite(point.pressure_sigma_gpa) else unsaid_gpa,
        volume_angstrom3=volume * state.stretch**3,
        volume_sigma_angstrom3=sigma,
        temperature_k=state.temperature_k,
    )


def _volume(found: PhaseInPoint, system: str) -> tuple[float, float]:
    """Volume of a cell and its standard deviation [angstrom^3]."""
    names = free_names(system)
    free = np.array([found.cell[name] for name in names])
    volume = UnitCell.from_free(free, system).volume_angstrom3
    parts = []
    for place, name in enumerate(names):
        moved = free.copy()
        moved[place] += found.cell_sigma[name]
        parts.append(UnitCell.from_free(moved, system).volume_angstrom3 - volume)
    return volume, math.hypot(*parts)
