"""What a reduced run shows that nobody named: unknown phases, changes, strays, and what it does not decide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from lics_beamline.discovery.change import Change
from lics_beamline.discovery.joint_phase import PartedPhase, parted_phase
from lics_beamline.discovery.line_track import LineTrack
from lics_beamline.discovery.point_lines import PointLines, point_lines
from lics_beamline.discovery.survey import Survey
from lics_beamline.discovery.unknown_phase import UnknownPhase
from lics_beamline.errors import RunNotFound
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.indexing.indexed_lattice import Indexing
from lics_beamline.indexing.indexing import index_lines
from lics_beamline.structures.unknown_structure import UnknownStructure

FEW_LINES: Final = 6  # of a phase: fewer leave lattices open even where they are cubic
FEWEST_LINES_INDEXED: Final = 4  # of a phase: fewer fit a lattice of any kind
FEW_POINTS: Final = 3  # of a phase: fewer do not tell whether its lines move together
NARROW_GPA: Final = 0.1  # between two points: known so well, the pressure of a change is not worth another


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a run shows that nobody named.

    Parameters
    ----------
    run : ReducedRun
        The run.
    points : tuple of PointLines
        Points whose lines were followed, in the order they were reduced.
    phases : tuple of UnknownPhase
        Phases that no phase of the recipe explains.
    strays : tuple of LineTrack
        Unexplained lines that belong to none of them for certain.
    changes : tuple of Change
        Lines that came, went or split, whatever they are of.
    lattices : mapping of str to Indexing
        What the lines of each unknown phase say of its lattice, by its name; without those of too few lines.
    structures : mapping of str to UnknownStructure
        What its patterns say of its atoms, by its name; empty where that was not asked.
    parted : tuple of PartedPhase
        Phases whose lines shrink in two ways; those that are two are among the phases as two.
    """

    run: ReducedRun
    points: tuple[PointLines, ...]
    phases: tuple[UnknownPhase, ...]
    strays: tuple[LineTrack, ...]
    changes: tuple[Change, ...]
    lattices: Mapping[str, Indexing]
    structures: Mapping[str, UnknownStructure] = field(default_factory=dict)
    parted: tuple[PartedPhase, ...] = ()

    @classmethod
    def of(cls, run: ReducedRun) -> Self:
        """Survey a run.

        Raises
        ------
        RunNotFound
            If no point of it has recorded lines.
        """
        run.require_points()
        points = points_with_lines(run)
        if not points:
            raise RunNotFound(
                f"run {run.start.get('uid', '')} has no point with lines, pressure and temperature: it was reduced "
                "before lines were recorded, or nothing in it could be reduced. Reduce it anew: lics replay.",
                uid=run.start.get("uid", ""),
            )
        survey = surveyed(points)
        found = survey.grouping()
        phases: list[UnknownPhase] = []
        lattices: dict[str, Indexing] = {}
        parted: list[PartedPhase] = []
        for phase in found.phases:
            if len(phase.tracks) >= FEWEST_LINES_INDEXED:
                lattices[phase.name] = index_lines(phase.line_sets())
                if (two := parted_phase(phase, lattices[phase.name])) is not None:
                    parted.append(two)
                    if two.are_two:
                        del lattices[phase.name]
                        phases += two.parts
                        lattices |= {part.name: each for part, each in zip(two.parts, two.lattices, strict=True)}
                        continue
            phases.append(phase)
        return cls(
            run=run,
            points=points,
            phases=tuple(phases),
            strays=found.strays,
            changes=survey.changes,
            lattices=lattices,
            parted=tuple(parted),
        )

    def before(self, phase: UnknownPhase) -> PointLines | None:
        """Return the point before a phase comes; None where it is there from the beginning."""
        return self.points[phase.places[0] - 1] if phase.places[0] else None

    def after(self, phase: UnknownPhase) -> PointLines | None:
        """Return the point after a phase has gone; None where it is there at the end."""
        return self.points[phase.places[-1] + 1] if phase.places[-1] + 1 < len(self.points) else None

    def undecided(self) -> Iterator[str]:
        """Yield what the run does not decide, each with the measurement that would."""
        for phase in self.phases:
            yield from self._undecided_of(phase)
        yield from (str(each) for each in self.parted)
        if self.strays:
            spacings = ", ".join(f"{track.lines[-1].peak.d_angstrom:.3f}" for track in self.strays)
            where = sorted({self.points[track.places[0]].number for track in self.strays})
            yield (
                f"{len(self.strays)} unexplained {'line belongs' if len(self.strays) == 1 else 'lines belong'} to no "
                f"phase for certain (d = {spacings} A, first at {_points(where)}): spots, a phase of few lines, or "
                "lines of the phases above. Longer exposures, or points between, show whether they move with anything."
            )

    def _undecided_of(self, phase: UnknownPhase) -> Iterator[str]:
        before, after = self.before(phase), self.after(phase)
        if before is None:
            yield f"{phase.name} is there from the first point: where it comes is not known. Begin at a lower pressure."
        until = ', with until = "new phase"'
        for earlier, later, does in ((before, phase.first, "comes"), (phase.last, after, "goes")):
            if earlier is None or later is None:
                continue
            gap_gpa = abs(later.pressure_gpa - earlier.pressure_gpa)
            if gap_gpa > NARROW_GPA:
                yield (
                    f"Where {phase.name} {does} is known to {gap_gpa:.2f} GPa, between {earlier.pressure_gpa:.2f} and "
                    f"{later.pressure_gpa:.2f} GPa. A leg of smaller steps there tells it better"
                    f"{until if later is phase.first else ''}."
                )
        if len(phase.points) < FEW_POINTS:
            yield (
                f"{phase.name} is seen at {len(phase.points)} points: whether its lines move together is not known. "
                f"Measure {FEW_POINTS} points or more where it is there."
            )
        elif not math.isfinite(phase.compressibility_per_gpa):
            yield (
                f"The compressibility of {phase.name} is not known: the pressure hardly changes while it is there. "
                "Measure it at pressures 0.1 GPa or more apart, at one temperature."
            )
        lattice = self.lattices.get(phase.name)
        if lattice is None or (lattice.verdict != "sure" and len(phase.tracks) < FEW_LINES):
            yield (
                f"{phase.name} has {len(phase.tracks)} lines: too few for a sure lattice. Expose longer where it is "
                "strongest."
            )
        elif lattice.verdict != "sure":
            yield (
                f"The lattice of {phase.name} is {lattice.verdict}: {lattice.reason}. "
                "More lines at low angles and smaller errors of their places tell lattices apart: a finer powder, a "
                "larger distance, points where no other phase hides them."
            )
        structure = self.structures.get(phase.name)
        if structure is not None and lattice is not None and lattice.verdict != "not decided":
            yield from (f"The structure of {phase.name} is {structure.verdict}: {each}." for each in structure.reasons)


def points_with_lines(run: ReducedRun) -> tuple[PointLines, ...]:
    """Return the points of a run whose lines and state were recorded, in the order in which they were reduced."""
    return tuple(lines for point in run.points if (lines := _lines(point, run.wavelength_angstrom)) is not None)


def surveyed(points: Iterable[PointLines]) -> Survey:
    """Return what points tell together, one after the other."""
    survey = Survey()
    for point in points:
        survey.take(point)
    return survey


def _lines(point: ReducedPoint, wavelength_angstrom: float) -> PointLines | None:
    angles = point.two_theta_deg
    if not point.lines or not angles.size:
        return None
    said = {
        "reduced": point.reduced,
        "lines": point.lines,
        "pressure_gpa": point.pressure_gpa,
        "temperature_k": point.temperature_k,
    }
    return point_lines(
        said,
        number=point.index + 1,
        wavelength_angstrom=wavelength_angstrom,
        range_deg=(float(angles[0]), float(angles[-1])),
    )


def _points(numbers: list[int]) -> str:
    return f"point{'s' if len(numbers) > 1 else ''} {', '.join(str(number) for number in numbers)}"
